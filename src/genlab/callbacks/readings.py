"""Readings of the sharpness along a training, and the JSON file that keeps them, whole or not at all."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genlab.probes.eigen import Eigenpairs

FILE = "sharpness.json"


@dataclass(frozen=True)
class Reading:
    """The largest eigenvalues of the loss's Hessian after ``step`` updates.

    Attributes:
        step: updates made; 0 is the model that training started from.
        values: the eigenvalues in falling order, over the chosen parameters; NaN where the loss is.
        residuals: how far each pair is from an eigenpair, as a share of its value.
        converged: whether all residuals are within the tolerance.
        products: products with the Hessian that it took.
        threshold: the sharpness above which full-batch steps of the optimizer diverge on a quadratic, 2/lr for plain SGD;
            None for an optimizer without one, and where the learning rate is 0.
        seconds: how long it took.
    """

    step: int
    values: tuple[float, ...]
    residuals: tuple[float, ...]
    converged: bool
    products: int
    threshold: float | None = None
    seconds: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, pairs: Eigenpairs, step: int, *, threshold: float | None, seconds: float) -> "Reading":
        """What a tracker found."""
        values, residuals = tuple(map(float, pairs.values)), tuple(map(float, pairs.residuals))
        return cls(step, values, residuals, pairs.converged, pairs.products, threshold, seconds)

    @property
    def sharpness(self) -> float:
        """The largest eigenvalue."""
        return self.values[0]

    @property
    def residual(self) -> float:
        """Its residual."""
        return self.residuals[0]

    def logged(self) -> dict[str, float]:
        """What goes into a trainer's log."""
        others = {f"sharpness_{place}": value for place, value in enumerate(self.values[1:], start=2)}
        threshold = {} if self.threshold is None else {"sharpness_threshold": self.threshold}
        return {"sharpness": self.sharpness, **others, "sharpness_residual": self.residual, **threshold}

    def to_json(self) -> dict[str, Any]:
        """Plain values; a number that is not finite is null."""
        return {**self.__dict__, "values": _plain(self.values), "residuals": _plain(self.residuals)}

    @classmethod
    def from_json(cls, known: Mapping[str, Any]) -> "Reading":
        """The inverse of ``to_json``; null is NaN."""
        return cls(**{**known, "values": _whole(known["values"]), "residuals": _whole(known["residuals"])})


def _plain(numbers: Sequence[float]) -> list[float | None]:
    return [number if math.isfinite(number) else None for number in numbers]


def _whole(numbers: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if number is None else number for number in numbers)


def write(path: Path, readings: Sequence[Reading]) -> None:
    """Write the readings to ``path``, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps({"readings": [each.to_json() for each in readings]}, indent=1, allow_nan=False) + "\n")
    draft.replace(path)


def read(place: str | Path) -> tuple[Reading, ...]:
    """The readings in a file, or in the ``sharpness.json`` of a folder.

    Raises:
        ValueError: there are none.
    """
    path = Path(place) / FILE if Path(place).is_dir() else Path(place)
    if not path.is_file():
        raise ValueError(f"{place} holds no readings of the sharpness: train with one of genlab's callbacks first")
    return tuple(Reading.from_json(each) for each in json.loads(path.read_text())["readings"])
