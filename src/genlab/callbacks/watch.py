"""A training under watch: one tracker, its readings, their file, and the state that a checkpoint keeps."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genlab import chance
from genlab.callbacks import readings as kept
from genlab.callbacks.readings import Reading
from genlab.callbacks.undisturbed import undisturbed
from genlab.probes.tracker import Tracker
from genlab.training.problem import Problem


@dataclass(frozen=True)
class Cadence:
    """When and how well to measure.

    Attributes:
        every: steps between two readings; the first is before the first step.
        k: eigenvalues.
        tolerance: largest relative residual of a converged reading.
        most_products: budget of one reading; one that ends there has not converged.
    """

    every: int
    k: int = 1
    tolerance: float = 1e-3
    most_products: int = 300

    def __post_init__(self) -> None:
        if self.every < 1 or self.k < 1:
            raise ValueError(f"every and k are at least 1, got {self.every} and {self.k}")


class Watch:
    """Measures ``problem``, whose module is in training, and keeps what it finds in ``file``."""

    def __init__(self, problem: Problem, cadence: Cadence, file: Path | None) -> None:
        self.cadence = cadence
        self.file = file
        self.readings: list[Reading] = []
        self.tracker = Tracker(problem, cadence.k, tolerance=cadence.tolerance, most_products=cadence.most_products)

    def due(self, step: int) -> bool:
        """Whether a reading is to be taken after ``step`` updates, and has not been."""
        return step % self.cadence.every == 0 and (not self.readings or self.readings[-1].step < step)

    def measure(self, step: int, threshold: float | None) -> Reading:
        """Take a reading at the module's present parameters."""
        start = time.perf_counter()
        with undisturbed(self.tracker.problem.module):
            pairs = self.tracker()
        reading = Reading.of(pairs, step, threshold=threshold, seconds=time.perf_counter() - start)
        self.readings.append(reading)
        if self.file is not None:
            kept.write(self.file, self.readings)
        return reading

    def vectors(self) -> dict[str, Tensor]:
        """The tracker's state, apart from the training's memory."""
        return {name: each.detach().cpu().clone().contiguous() for name, each in self.tracker.state().items()}

    def resume(self, readings: Sequence[Reading], vectors: Mapping[str, Tensor]) -> None:
        """Go on from a checkpoint."""
        device = self.tracker.problem.targets.device
        self.readings = list(readings)
        self.tracker.restore({name: each.to(device) for name, each in vectors.items()})


def some(examples: Any, number: int, seed: int) -> list[Any]:
    """So many examples of an indexed data set, chosen by key: the same in every run, whatever the order of training.

    Raises:
        ValueError: a data set without length or index.
    """
    if not hasattr(examples, "__len__") or not hasattr(examples, "__getitem__"):
        raise ValueError(
            f"examples cannot be chosen from a stream ({type(examples).__name__}): pass examples=[...], the ones to measure on"
        )
    size = len(examples)
    rows = chance.numpy("callbacks", "examples", seed).choice(size, min(number, size), replace=False)
    return [examples[int(row)] for row in sorted(rows)]


def on_device(batch: Any, module: nn.Module) -> Any:
    """Tensors of a batch, or of a mapping, on the module's device."""
    device = next(module.parameters()).device
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    return {name: each.to(device) if isinstance(each, torch.Tensor) else each for name, each in batch.items()}
