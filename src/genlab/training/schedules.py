"""Schedules: the step size as a function of the step.

A schedule is any function from a step (from 0) to a step size above 0; those here are frozen values. A run that is resumed
at step 700 asks for step 700: no schedule keeps a count of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Schedule(Protocol):
    """The step size eta of a step."""

    def __call__(self, step: int) -> float: ...


@dataclass(frozen=True)
class Constant:
    """The same at every step; a run with it is, bit for bit, one without a schedule."""

    step_size: float

    def __post_init__(self) -> None:
        _above_zero(step_size=self.step_size)

    def __call__(self, step: int) -> float:
        return self.step_size


@dataclass(frozen=True)
class WarmUp:
    """Rises linearly over the first ``steps`` steps, from step_size / steps, and stays.

    >>> [WarmUp(1.0, steps=4)(step) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """

    step_size: float
    steps: int

    def __post_init__(self) -> None:
        _above_zero(step_size=self.step_size, steps=self.steps)

    def __call__(self, step: int) -> float:
        return self.step_size * min(1.0, (step + 1) / self.steps)


@dataclass(frozen=True)
class Change:
    """Drops or rises once: ``first`` before step ``at``, ``then`` from it on.

    >>> [Change(1.0, then=0.5, at=2)(step) for step in range(4)]
    [1.0, 1.0, 0.5, 0.5]
    """

    first: float
    then: float
    at: int

    def __post_init__(self) -> None:
        _above_zero(first=self.first, then=self.then, at=self.at)

    def __call__(self, step: int) -> float:
        return self.first if step < self.at else self.then


@dataclass(frozen=True)
class OverSharpness:
    """eta_t = share / S_t: with ``share`` 1 the step size that theory for smooth functions recommends, half the stable one.

    Args:
        sharpness: the last reading at or before a step. It is called once a step, before that step is made.
        share: of 1 / S_t.

    Raises:
        ValueError: when called, if the sharpness is not a number above 0.

    >>> OverSharpness(lambda step: 4.0)(0)
    0.25
    """

    sharpness: Callable[[int], float]
    share: float = 1.0

    def __post_init__(self) -> None:
        _above_zero(share=self.share)

    def __call__(self, step: int) -> float:
        sharpness = self.sharpness(step)
        if not 0 < sharpness < float("inf"):
            raise ValueError(f"a step size over the sharpness wants a sharpness above 0, got {sharpness} at step {step}")
        return self.share / sharpness


def _above_zero(**fields: float) -> None:
    for name, value in fields.items():
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} is above 0, got {value}")
