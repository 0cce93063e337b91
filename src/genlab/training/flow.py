"""Gradient flow, dw/dt = -grad L(w), followed by classic fourth-order Runge-Kutta steps."""

import math

from jaxtyping import Float
from torch import Tensor

from genlab.training.problem import Problem

STABLE = 2.785  # RK4 on dw/dt = -lambda w is stable for step * lambda below this (real-axis bound of its stability polynomial)


def flow(
    problem: Problem, weights: Float[Tensor, " param"], *, duration: float, sharpness: float, alpha: float = 1.0
) -> Float[Tensor, " param"]:
    """The weights after flowing for ``duration``, in equal RK4 steps no longer than ``alpha / sharpness``.

    Gradient descent with step size eta stands at flow time eta * k after k steps: compare the two at equal times.

    Args:
        problem: the loss.
        weights: where to start, shape (param,).
        duration: flow time to cover, above 0.
        sharpness: the largest Hessian eigenvalue near ``weights``, measured by the caller; it may grow a little meanwhile.
        alpha: step times sharpness; Cohen et al. 2021 take 1, the method is stable below 2.785.

    Raises:
        ValueError: a duration that is not above 0, a sharpness that is not finite, or an alpha outside (0, 2.785).
    """
    if not duration > 0:
        raise ValueError(f"duration is above 0, got {duration}")
    if not math.isfinite(sharpness):
        raise ValueError(f"sharpness is a finite number, got {sharpness}: the flow cannot be bounded there")
    if not 0 < alpha < STABLE:
        raise ValueError(f"alpha is between 0 and {STABLE}, got {alpha}")
    steps = max(1, math.ceil(duration * sharpness / alpha))
    h = duration / steps
    for _ in range(steps):
        k1 = problem.slope(weights).gradient
        k2 = problem.slope(weights.sub(k1, alpha=h / 2)).gradient
        k3 = problem.slope(weights.sub(k2, alpha=h / 2)).gradient
        k4 = problem.slope(weights.sub(k3, alpha=h)).gradient
        weights = weights.sub(k1.add(k2, alpha=2).add_(k3, alpha=2).add_(k4), alpha=h / 6)
    return weights
