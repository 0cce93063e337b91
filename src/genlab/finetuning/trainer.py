"""TRL's SFTTrainer with the loss, the optimizer and the schedule of a recipe, and without what only telemetry would read."""

import inspect
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from trl import SFTTrainer  # type: ignore[attr-defined]  # its names are found lazily

from genlab.finetuning import optimizers, sharded
from genlab.finetuning.recipe import Recipe

MOST_LOGITS = 2**26  # entries, 256 MiB in float32: our assumption of what a device can spare


class Trainer(SFTTrainer):
    """An SFTTrainer whose update is the recipe's. ``step_loss`` is the loss of the step so far, over its forward passes."""

    def __init__(self, recipe: Recipe, **arguments: Any) -> None:
        self.recipe = recipe
        self.step_loss: Tensor | None = None
        super().__init__(**arguments)
        network: Any = self.model
        plain = network.get_base_model() if recipe.method == "lora" else network
        self._vocabulary: int = network.config.get_text_config().vocab_size
        self._chooses_logits = "logits_to_keep" in inspect.signature(plain.forward).parameters

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            network: Any = self.model if model is None else model
            self.optimizer = optimizers.build(network.named_parameters(), self.recipe)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        if self.lr_scheduler is None:
            moved: Any = optimizer or self.optimizer
            share = lambda step: self.recipe.rate(step, num_training_steps) / self.recipe.step_size
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(moved, share)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The mean negative log-likelihood of the labelled tokens of the step.

        TRL computes it in tiles, with entropies and a second product with the vocabulary: that saves memory where the
        vocabulary is large, and makes a small model's step a third longer (measured, docs/log.md). Where the logits fit they are
        computed once, in the columns where any example of the batch has a label.
        """
        labels = inputs["labels"]
        fits = self._chooses_logits and labels.numel() * self._vocabulary <= MOST_LOGITS
        if return_outputs or self.aux_loss_enabled or not fits:
            tiled: Any = super().compute_loss
            return tiled(model, inputs, return_outputs, num_items_in_batch)
        following = functional.pad(labels[:, 1:], (0, 1), value=-100)
        learnt = (following != -100).any(0).nonzero().flatten()
        following = following[:, learnt]
        outputs = model(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False, logits_to_keep=learnt
        )
        count = (following != -100).sum() if num_items_in_batch is None else num_items_in_batch
        total = functional.cross_entropy(outputs.logits.flatten(0, 1).float(), following.flatten(), reduction="sum")
        loss = total / torch.as_tensor(count).clamp(min=1)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes
        return loss

    def training_step(self, *arguments: Any, **options: Any) -> Tensor:
        step: Any = super().training_step
        loss: Tensor = step(*arguments, **options)
        self.step_loss = loss if self.step_loss is None else self.step_loss + loss
        return loss

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        write: Any = super()._save
        write(output_dir, None if state_dict is None else sharded.without_tied(state_dict, self.model))

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """0: counting them walks through all modules at every step, and nothing here reads the count."""
        return 0

    def create_model_card(self, *arguments: Any, **options: Any) -> None:
        """Nothing: the card is written once, beside the final model."""

    def _send_telemetry(self) -> None:
        """Nothing: who fine-tunes what is nobody else's business."""
