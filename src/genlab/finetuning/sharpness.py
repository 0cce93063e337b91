"""The sharpness of the fine-tuning loss along the way: a callback for ``finetune``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional
from transformers import TrainerCallback

from genlab.finetuning.folder import write_json
from genlab.probes.tracker import Tracker
from genlab.training.problem import Problem

if TYPE_CHECKING:
    from datasets import Dataset

VALUES, VECTORS = "sharpness.json", "sharpness.safetensors"


@dataclass(frozen=True)
class Reading:
    """The largest eigenvalue of the loss's Hessian after ``step`` updates.

    Attributes:
        step: updates made; 0 is the model that training started from.
        value: the sharpness, over the trained weights alone: with LoRA those of the adapter.
        residual: how far the pair is from an eigenpair, as a share of its value.
        converged: whether the residual is within the tolerance.
        products: products with the Hessian that it took.
    """

    step: int
    value: float
    residual: float
    converged: bool
    products: int


class Logits(nn.Module):
    """A causal language model as a module of one tensor: tokens and their mask in, logits of the next token out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, rows: Int[Tensor, "example 2 token"]) -> Float[Tensor, "example token word"]:
        outputs: Tensor = self.model(input_ids=rows[:, 0], attention_mask=rows[:, 1], use_cache=False).logits
        return outputs[:, :-1]


def problem(
    model: nn.Module, examples: Sequence[Mapping[str, Sequence[int]]], *, pad: int = 0, physical_batch: int = 8
) -> Problem:
    """The fine-tuning loss of ``model`` over examples with ``input_ids`` and ``labels`` (-100 carries no loss).

    It is the mean over all labelled tokens of the examples, in nats, as a function of the trainable weights.

    Raises:
        ValueError: no example, or none with a labelled token.
    """
    width = max((len(each["input_ids"]) for each in examples), default=0)
    tokens = torch.full((len(examples), 2, width), pad)
    labels = torch.full((len(examples), width), -100)
    tokens[:, 1] = 0
    for row, mask, label, each in zip(tokens[:, 0], tokens[:, 1], labels, examples, strict=True):
        length = len(each["input_ids"])
        row[:length], mask[:length] = torch.tensor(each["input_ids"]), 1
        label[:length] = torch.tensor(each["labels"])
    targets = labels[:, 1:]
    known = int((targets != -100).sum())
    if not known:
        raise ValueError(f"none of {len(examples)} examples has a token that carries loss")

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        each = functional.cross_entropy(outputs.transpose(1, 2).float(), targets, reduction="none")
        return each.sum(dim=1) * (len(examples) / known)  # a problem divides by the number of examples

    device = next(model.parameters()).device
    return Problem(Logits(model), loss, tokens.to(device), targets.to(device), physical_batch)


class Sharpness(TrainerCallback):
    """Measures the sharpness every so many steps, on fixed examples spread evenly over the data.

    ``readings`` holds what was measured, and so does ``out``/sharpness.json. A resumed run goes on with the
    eigenvectors it had. Dropout is off while it measures.

    Args:
        every: steps between two readings; the first is before the first step.
        examples: of the training data, the same at every reading.
        tolerance: largest relative residual of a converged reading.
        most_products: budget of one reading; one that ends there has not converged.
        physical_batch: examples in one forward pass.
    """

    def __init__(
        self,
        every: int,
        *,
        examples: int = 32,
        tolerance: float = 1e-3,
        most_products: int = 300,
        physical_batch: int = 8,
    ) -> None:
        if every < 1 or examples < 1:
            raise ValueError(f"every and examples are at least 1, got {every} and {examples}")
        self.every = every
        self.examples = examples
        self.tolerance = tolerance
        self.most_products = most_products
        self.physical_batch = physical_batch
        self.readings: list[Reading] = []
        self._chosen: list[Mapping[str, Sequence[int]]] = []
        self._tracker: Tracker | None = None

    def attend(self, examples: "Dataset") -> None:
        """Choose what is measured; ``finetune`` calls this before training."""
        wanted = min(self.examples, len(examples))
        self._chosen = [examples[number * len(examples) // wanted] for number in range(wanted)]

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if not state.is_world_process_zero:
            return
        measured = problem(others["model"], self._chosen, physical_batch=self.physical_batch)
        self._tracker = Tracker(measured, tolerance=self.tolerance, most_products=self.most_products)
        self.readings = []
        if state.global_step:
            self._resume(Path(args.output_dir) / f"checkpoint-{state.global_step}")
        else:
            self._measure(others["model"], 0, Path(args.output_dir).parent)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if self._tracker is not None and state.global_step % self.every == 0:
            self._measure(others["model"], state.global_step, Path(args.output_dir).parent)

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if self._tracker is not None:
            from safetensors.torch import save_file

            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            save_file({name: each.contiguous() for name, each in self._tracker.state().items()}, checkpoint / VECTORS)
            self._write(checkpoint)

    def _measure(self, model: nn.Module, step: int, out: Path) -> None:
        from torch.nn.attention import SDPBackend, sdpa_kernel

        assert self._tracker is not None
        training = model.training
        model.eval()
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no second derivative
            pairs = self._tracker()
        model.train(training)
        self.readings.append(Reading(step, float(pairs.values[0]), float(pairs.residuals[0]), pairs.converged, pairs.products))
        self._write(out)

    def _resume(self, checkpoint: Path) -> None:
        from safetensors.torch import load_file

        assert self._tracker is not None
        if not (checkpoint / VALUES).is_file():
            raise ValueError(f"{checkpoint} was written without the sharpness: go on without it, or give another --out")
        self.readings = list(readings(checkpoint))
        weights = self._tracker.problem.weights()
        self._tracker.restore({name: each.to(weights.device) for name, each in load_file(checkpoint / VECTORS).items()})

    def _write(self, place: Path) -> None:
        write_json(place / VALUES, {"readings": [asdict(each) for each in self.readings]})


def readings(out: str | Path) -> tuple[Reading, ...]:
    """What a run in the folder ``out`` measured.

    Raises:
        ValueError: it measured nothing.
    """
    path = Path(out) / VALUES
    if not path.is_file():
        raise ValueError(f"{out} holds no readings of the sharpness: pass callbacks=[Sharpness(every=...)]")
    return tuple(Reading(**each) for each in json.loads(path.read_text())["readings"])
