"""Updates: how one gradient moves the weights, and above which sharpness that is unstable.

Each is a frozen value; its state (the momentum buffer, None before the first step) is passed in and out. ``threshold``
is the maximum stable sharpness (MSS): the curvature at which the update on a one-dimensional quadratic stops
contracting, i.e. where the spectral radius of its linear recurrence crosses 1.
"""

from dataclasses import dataclass
from typing import Protocol

from jaxtyping import Float
from torch import Tensor

Memory = Tensor | None


class Update(Protocol):
    """One step of an optimiser."""

    @property
    def step_size(self) -> float: ...

    @property
    def threshold(self) -> float: ...

    def __call__(
        self, weights: Float[Tensor, " param"], gradient: Float[Tensor, " param"], memory: Memory
    ) -> tuple[Float[Tensor, " param"], Memory]: ...


@dataclass(frozen=True)
class GradientDescent:
    """w <- w - eta g. Threshold 2 / eta."""

    step_size: float

    def __post_init__(self) -> None:
        _check(self.step_size, 0.0)

    @property
    def threshold(self) -> float:
        return 2 / self.step_size

    def __call__(self, weights: Tensor, gradient: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        return weights.sub(gradient, alpha=self.step_size), None


@dataclass(frozen=True)
class Polyak:
    """Heavy ball in PyTorch's form: m <- beta m + g (m = g at the first step), w <- w - eta m. Threshold (2 + 2 beta) / eta."""

    step_size: float
    momentum: float

    def __post_init__(self) -> None:
        _check(self.step_size, self.momentum)

    @property
    def threshold(self) -> float:
        return (2 + 2 * self.momentum) / self.step_size

    def __call__(self, weights: Tensor, gradient: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        memory = gradient if memory is None else memory.mul(self.momentum).add(gradient)
        return weights.sub(memory, alpha=self.step_size), memory


@dataclass(frozen=True)
class Nesterov:
    """Nesterov momentum in PyTorch's form: m as Polyak's, w <- w - eta (g + beta m).

    Threshold (2 + 2 beta) / (eta (1 + 2 beta)): it falls as beta grows.
    """

    step_size: float
    momentum: float

    def __post_init__(self) -> None:
        _check(self.step_size, self.momentum)

    @property
    def threshold(self) -> float:
        return (2 + 2 * self.momentum) / (self.step_size * (1 + 2 * self.momentum))

    def __call__(self, weights: Tensor, gradient: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        memory = gradient if memory is None else memory.mul(self.momentum).add(gradient)
        return weights.sub(gradient.add(memory, alpha=self.momentum), alpha=self.step_size), memory


def named(update: str, step_size: float, momentum: float) -> Update:
    """The update a study names: gd, polyak or nesterov.

    Raises:
        ValueError: another name, or momentum given to gd, which has none.
    """
    match update:
        case "gd" if momentum == 0:
            return GradientDescent(step_size)
        case "gd":
            raise ValueError(f"gd has no momentum (got {momentum:g}): set momentum=0, or update=polyak or nesterov")
        case "polyak":
            return Polyak(step_size, momentum)
        case "nesterov":
            return Nesterov(step_size, momentum)
    raise ValueError(f"unknown update {update!r}: it is one of gd, polyak, nesterov")


def _check(step_size: float, momentum: float) -> None:
    if not step_size > 0:
        raise ValueError(f"a step size is above 0, got {step_size}")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum is at least 0 and below 1, got {momentum}")
