"""Updates: how one gradient moves the weights, and above which sharpness that is unstable.

Each is a frozen value; its state (moving averages by name, None before the first step) is passed in and out. ``threshold``
is the maximum stable sharpness (MSS): the curvature at which the update on a one-dimensional quadratic stops contracting,
i.e. where the spectral radius of its linear recurrence crosses 1. For an adaptive update that is the curvature divided by
its preconditioner P, held fixed: it bounds the largest eigenvalue of P^-1/2 H P^-1/2.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

Memory = Mapping[str, Tensor] | None  # vectors of shape (param,)


class Update(Protocol):
    """One step of an optimiser: from weights, gradient and memory at ``step`` (from 0) to the next weights and memory."""

    @property
    def step_size(self) -> float: ...

    @property
    def threshold(self) -> float: ...

    def __call__(
        self, weights: Float[Tensor, " param"], gradient: Float[Tensor, " param"], memory: Memory, step: int = 0
    ) -> tuple[Float[Tensor, " param"], Memory]: ...


@runtime_checkable
class Adaptive(Update, Protocol):
    """An update that divides each coordinate by a number of its own."""

    def preconditioner(self, memory: Memory, step: int) -> Float[Tensor, " param"] | None:
        """The diagonal of P after ``step`` updates that left ``memory``: what the last of them divided by; None before any."""
        ...


@dataclass(frozen=True)
class GradientDescent:
    """w <- w - eta g. Threshold 2 / eta."""

    step_size: float

    def __post_init__(self) -> None:
        _check(self.step_size)

    @property
    def threshold(self) -> float:
        return 2 / self.step_size

    def __call__(self, weights: Tensor, gradient: Tensor, memory: Memory, step: int = 0) -> tuple[Tensor, Memory]:
        return weights.sub(gradient, alpha=self.step_size), None


@dataclass(frozen=True)
class Polyak:
    """Heavy ball in PyTorch's form: m <- beta m + g (m = g at the first step), w <- w - eta m. Threshold (2 + 2 beta) / eta."""

    step_size: float
    momentum: float

    def __post_init__(self) -> None:
        _check(self.step_size, momentum=self.momentum)

    @property
    def threshold(self) -> float:
        return (2 + 2 * self.momentum) / self.step_size

    def __call__(self, weights: Tensor, gradient: Tensor, memory: Memory, step: int = 0) -> tuple[Tensor, Memory]:
        moved = gradient if memory is None else memory["momentum"].mul(self.momentum).add(gradient)
        return weights.sub(moved, alpha=self.step_size), {"momentum": moved}


@dataclass(frozen=True)
class Nesterov:
    """Nesterov momentum in PyTorch's form: m as Polyak's, w <- w - eta (g + beta m).

    Threshold (2 + 2 beta) / (eta (1 + 2 beta)): it falls as beta grows.
    """

    step_size: float
    momentum: float

    def __post_init__(self) -> None:
        _check(self.step_size, momentum=self.momentum)

    @property
    def threshold(self) -> float:
        return (2 + 2 * self.momentum) / (self.step_size * (1 + 2 * self.momentum))

    def __call__(self, weights: Tensor, gradient: Tensor, memory: Memory, step: int = 0) -> tuple[Tensor, Memory]:
        moved = gradient if memory is None else memory["momentum"].mul(self.momentum).add(gradient)
        return weights.sub(gradient.add(moved, alpha=self.momentum), alpha=self.step_size), {"momentum": moved}


@dataclass(frozen=True)
class Averaged:
    """Momentum as a moving average (EMA): m <- beta m + (1 - beta) g (m = g at the first step), w <- w - eta m.

    PyTorch's ``SGD(momentum=beta, dampening=beta)``. Threshold (2 + 2 beta) / ((1 - beta) eta).
    """

    step_size: float
    momentum: float

    def __post_init__(self) -> None:
        _check(self.step_size, momentum=self.momentum)

    @property
    def threshold(self) -> float:
        return (2 + 2 * self.momentum) / ((1 - self.momentum) * self.step_size)

    def __call__(self, weights: Tensor, gradient: Tensor, memory: Memory, step: int = 0) -> tuple[Tensor, Memory]:
        moved = gradient if memory is None else memory["momentum"].mul(self.momentum).add(gradient, alpha=1 - self.momentum)
        return weights.sub(moved, alpha=self.step_size), {"momentum": moved}


@dataclass(frozen=True)
class RMSProp:
    """v <- beta2 v + (1 - beta2) g^2 (v = 0 before the first step), w <- w - eta g / P, with P = sqrt(v) + epsilon.

    PyTorch's ``RMSprop(alpha=beta2, eps=epsilon)``. Threshold 2 / eta, of P^-1/2 H P^-1/2.
    """

    step_size: float
    second_moment: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check(self.step_size, second_moment=self.second_moment, epsilon=self.epsilon)

    @property
    def threshold(self) -> float:
        return 2 / self.step_size

    def preconditioner(self, memory: Memory, step: int) -> Tensor | None:
        return None if memory is None else memory["square"].sqrt().add(self.epsilon)

    def __call__(self, weights: Tensor, gradient: Tensor, memory: Memory, step: int = 0) -> tuple[Tensor, Memory]:
        after = {"square": _square(None if memory is None else memory["square"], gradient, self.second_moment)}
        divisor = self.preconditioner(after, step + 1)
        assert divisor is not None
        return weights.addcdiv(gradient, divisor, value=-self.step_size), after


@dataclass(frozen=True)
class Adam:
    """m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2 (both 0 before the first step), w <- w - eta m / P.

    P = (1 - beta1^t) (sqrt(v / (1 - beta2^t)) + epsilon) after t steps: both corrections of the start are in it. PyTorch's
    ``Adam(betas=(beta1, beta2), eps=epsilon)``; ``momentum`` is beta1. Threshold (2 + 2 beta1) / ((1 - beta1) eta), of
    P^-1/2 H P^-1/2 (Cohen et al. 2022, arXiv:2207.14484; the tests find it from the recurrence at frozen P).
    """

    step_size: float
    momentum: float = 0.9
    second_moment: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check(self.step_size, momentum=self.momentum, second_moment=self.second_moment, epsilon=self.epsilon)

    @property
    def threshold(self) -> float:
        return (2 + 2 * self.momentum) / ((1 - self.momentum) * self.step_size)

    def preconditioner(self, memory: Memory, step: int) -> Tensor | None:
        if memory is None:
            return None
        if step < 1:
            raise ValueError(f"Adam's memory comes from at least 1 step: pass how many updates it holds as step, got {step}")
        root = memory["square"].div(1 - self.second_moment**step).sqrt()
        return root.add(self.epsilon).mul(1 - self.momentum**step)

    def __call__(self, weights: Tensor, gradient: Tensor, memory: Memory, step: int = 0) -> tuple[Tensor, Memory]:
        if (memory is None) != (step == 0):
            raise ValueError(
                f"Adam at step {step} wants {'no memory' if step == 0 else f'the memory of {step} steps'}, got "
                f"{'none' if memory is None else 'some'}: pass memory and step from where the run stopped, or neither"
            )
        first = gradient.mul(1 - self.momentum)
        if memory is not None:
            first = memory["momentum"].mul(self.momentum).add(first)
        after = {"momentum": first, "square": _square(None if memory is None else memory["square"], gradient, self.second_moment)}
        divisor = self.preconditioner(after, step + 1)
        assert divisor is not None
        return weights.addcdiv(first, divisor, value=-self.step_size), after


UPDATES = ("gd", "polyak", "nesterov", "ema", "adam", "rmsprop")
ADAPTIVE = ("adam", "rmsprop")


def named(
    update: str, step_size: float, momentum: float, *, second_moment: float | None = None, epsilon: float | None = None
) -> Update:
    """The update a study names: gd, polyak, nesterov, ema, adam or rmsprop.

    ``second_moment`` and ``epsilon`` are for adam and rmsprop, which have defaults for them.

    Raises:
        ValueError: another name, or a number given to an update that has no use for it.
    """
    adaptive = {name: each for name, each in (("second_moment", second_moment), ("epsilon", epsilon)) if each is not None}
    if update not in UPDATES:
        raise ValueError(f"unknown update {update!r}: it is one of {', '.join(UPDATES)}")
    if adaptive and update not in ADAPTIVE:
        raise ValueError(f"{update} has no {' and no '.join(adaptive)}: leave them out, or use update={' or '.join(ADAPTIVE)}")
    if momentum and update in ("gd", "rmsprop"):
        raise ValueError(f"{update} has no momentum (got {momentum:g}): set momentum=0, or update=polyak, nesterov, ema or adam")
    match update:
        case "gd":
            return GradientDescent(step_size)
        case "polyak":
            return Polyak(step_size, momentum)
        case "nesterov":
            return Nesterov(step_size, momentum)
        case "ema":
            return Averaged(step_size, momentum)
        case "adam":
            return Adam(step_size, momentum, **adaptive)
        case "rmsprop":
            return RMSProp(step_size, **adaptive)
    raise AssertionError(update)


def resized(update: Update, step_size: float) -> Update:
    """The same update with another step size; its memory goes on being valid.

    >>> resized(Polyak(0.1, 0.9), 0.2)
    Polyak(step_size=0.2, momentum=0.9)
    """
    return dataclasses.replace(update, step_size=step_size)  # type: ignore[type-var]  # every Update is a dataclass


def _square(before: Tensor | None, gradient: Tensor, decay: float) -> Tensor:
    fresh = gradient.square().mul(1 - decay)
    return fresh if before is None else before.mul(decay).add(fresh)


def _check(step_size: float, *, momentum: float = 0.0, second_moment: float = 0.0, epsilon: float = 1.0) -> None:
    if not step_size > 0:
        raise ValueError(f"a step size is above 0, got {step_size}")
    for name, value in (("momentum", momentum), ("second_moment", second_moment)):
        if not 0 <= value < 1:
            raise ValueError(f"{name} is at least 0 and below 1, got {value}")
    if not epsilon > 0:
        raise ValueError(f"epsilon is above 0, got {epsilon}")
