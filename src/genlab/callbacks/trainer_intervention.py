"""An intervention in a Hugging Face ``Trainer``'s run, TRL's SFTTrainer among them."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from genlab.callbacks.own_loss import refuse_another_loss
from genlab.callbacks.undisturbed import own_chance
from genlab.interventions.plain_loop import intervened, is_off, move_running_averages, refuse_physical_batch
from genlab.interventions.quantities import gradient_norm
from genlab.training.hugging_face import transformers_problem
from genlab.training.loop import Intervention
from genlab.training.parameters import Choice
from genlab.training.problem import Problem, Slope

MakeProblem = Callable[[Any, Mapping[str, Any]], Problem]


class TrainerIntervention:
    """Puts an intervention in the place of a trainer's plain gradient; everything else stays the trainer's.

    ::

        trainer = Trainer(model, arguments, train_dataset=...)
        TrainerIntervention(Sam(0.05)).attach(trainer)
        trainer.train()

    The loss that the trainer asks for in training becomes one with the intervention's gradient (``intervened``), so that its
    optimizer, schedule, clipping (of the gradient that the intervention made), logs, evaluation and checkpoints go on as they
    are. Chance is keyed by the trainer's step: a resumed run goes on as if it had not stopped. At zero strength the trainer
    computes its loss itself, bit for bit as without.

    At the first step the loss is compared with the trainer's own. What a trainer logs beside the loss (TRL's entropy and token
    accuracy) comes from its own forward pass, so at that step only.

    Args:
        intervention: ``Sam``, ``MicrobatchPenalty`` of the gradient norm, ``L2Penalty``, a grafting, or a function like them.
            Other penalties want outputs that are a tensor: see ``problem``.
        physical_batch: examples in one forward pass, to bound memory; None: all of the batch.
        parameters: which ones, see ``Problem``; None for those that train, with LoRA the adapter's.
        problem: from the model and a step's batch to the problem, where the loss is none that ``transformers_problem`` knows.

    Attributes:
        found: loss, penalty and gradient of the last step; None before the first and at zero strength.
    """

    def __init__(
        self,
        intervention: Intervention,
        *,
        physical_batch: int | None = None,
        parameters: Choice | None = None,
        problem: MakeProblem | None = None,
    ) -> None:
        self.intervention = intervention
        self.physical_batch = physical_batch
        self.parameters = parameters
        self.problem = problem
        self.found: Slope | None = None
        self._compared = False

    def attach(self, trainer: Any) -> "TrainerIntervention":
        """Take the place of the loss of this trainer, once.

        Raises:
            ValueError: gradient accumulation, mixed precision, gradient checkpointing or several processes, which would make it
                another method; a trainer that has an intervention; or a penalty that wants a problem. At the first step: another
                loss than the trainer's.
        """
        _refuse(trainer)
        of = getattr(self.intervention, "of", gradient_norm)
        if self.problem is None and of is not gradient_norm:
            raise ValueError(
                f"a penalty of {getattr(of, '__name__', of)} wants outputs that are one tensor, and transformers' models "
                "return several: take gradient_norm, or pass problem=, a function from model and batch to the Problem of a step"
            )
        own = trainer.compute_loss

        def compute_loss(
            model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            if is_off(self.intervention) or return_outputs or not model.training or not torch.is_grad_enabled():
                return own(model, inputs, return_outputs=return_outputs, num_items_in_batch=num_items_in_batch)
            problem = self._problem(model, inputs)
            if self._compared:
                move_running_averages(problem)
            else:
                with torch.no_grad(), own_chance():  # it moves running averages itself
                    loss = float(own(model, dict(inputs), num_items_in_batch=num_items_in_batch))
                refuse_another_loss(problem, loss)
                self._compared = True
            tensor, self.found = intervened(problem, self.intervention, trainer.state.global_step)
            return tensor

        trainer.compute_loss = compute_loss
        return self

    def _problem(self, model: nn.Module, inputs: Mapping[str, Any]) -> Problem:
        if self.problem is not None:
            return self.problem(model, inputs)
        examples = len(inputs["labels"]) if "labels" in inputs else 1
        problem = transformers_problem(model, inputs, physical_batch=self.physical_batch or examples, parameters=self.parameters)
        refuse_physical_batch(problem)
        return problem


def _refuse(trainer: Any) -> None:
    settings = trainer.args
    if "compute_loss" in vars(trainer):
        raise ValueError("the trainer has an intervention, or a loss set on it, already: make a new trainer for this one")
    parts, batch = settings.gradient_accumulation_steps, settings.per_device_train_batch_size
    if parts != 1:
        raise ValueError(
            f"an intervention sees the whole batch of a step, and gradient_accumulation_steps={parts} cuts it: set "
            f"gradient_accumulation_steps=1, per_device_train_batch_size={batch * parts} and, for the same memory, "
            f"TrainerIntervention(physical_batch={batch})"
        )
    for name in ("bf16", "fp16"):
        if getattr(settings, name, False):
            raise ValueError(
                f"an intervention is computed in full precision, and the trainer's is mixed: set {name}=False (TRL's default is "
                "bf16=True)"
            )
    for name in ("activation_checkpointing", "gradient_checkpointing"):
        if getattr(settings, name, False):
            raise ValueError(
                f"{name} recomputes activations at other weights than an intervention's: set {name}=False (TRL's default is "
                "True), and bound memory by TrainerIntervention(physical_batch=...)"
            )
    if settings.world_size > 1 or settings.n_gpu > 1 or getattr(settings, "fsdp", None) or getattr(settings, "deepspeed", None):
        raise ValueError(
            f"an intervention sees the whole batch of a step in one process with whole parameters, got {settings.world_size} "
            f"processes and {settings.n_gpu} GPUs: start one process with CUDA_VISIBLE_DEVICES=0, without FSDP and DeepSpeed"
        )
