"""The loop: score and slope, then step. Written once, in the open; measuring and recording are the caller's."""

from collections.abc import Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from genlab.training.problem import Problem
from genlab.training.updates import Memory, Update


@dataclass(frozen=True, eq=False)
class Moment:
    """One step of a trajectory: where it stands, what it sees there, and where it goes next.

    ``weights`` and ``memory`` are those *before* the step; ``next_weights`` and ``next_memory`` those after it, so that a
    snapshot of (step + 1, next_weights, next_memory) continues the trajectory exactly.
    """

    step: int
    weights: Float[Tensor, " param"]
    loss: float
    accuracy: float | None
    gradient: Float[Tensor, " param"]
    next_weights: Float[Tensor, " param"]
    next_memory: Memory


def descend(
    problem: Problem, update: Update, weights: Float[Tensor, " param"], *, memory: Memory = None, step: int = 0
) -> Iterator[Moment]:
    """Full-batch descent from ``weights``, without an end: stop asking when you have seen enough.

    >>> from genlab.training.losses import half_squared_error
    >>> from genlab.training.updates import GradientDescent
    >>> import itertools, torch
    >>> line = torch.nn.Linear(1, 1, bias=False)
    >>> x = torch.linspace(-1, 1, 5).reshape(-1, 1)
    >>> problem = Problem(line, half_squared_error, x, 3 * x)
    >>> for moment in itertools.islice(descend(problem, GradientDescent(1.0), torch.zeros(1)), 3):
    ...     print(moment.step, f"{moment.loss:.4f}")
    0 2.2500
    1 0.5625
    2 0.1406
    """
    while True:
        slope = problem.slope(weights)
        after, memory = update(weights, slope.gradient, memory)
        yield Moment(step, weights, slope.loss, slope.accuracy, slope.gradient, after, memory)
        weights, step = after, step + 1
