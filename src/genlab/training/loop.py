"""The loop: score and slope, then step. Written once, in the open; measuring and recording are the caller's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from genlab.training.problem import Problem, Slope
from genlab.training.schedules import Schedule
from genlab.training.updates import Memory, Update, resized


class Intervention(Protocol):
    """What is made of a step's batch in place of its gradient: a frozen value, which draws only by its own seed and the step.

    Loss and accuracy of its slope are the batch's at the weights, or those of the images it makes of the batch (noise, attacks);
    ``gradient`` is what the update takes.
    """

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope: ...


@dataclass(frozen=True, eq=False)
class Moment:
    """One step of a trajectory: where it stands, what it sees there, and where it goes next.

    ``weights`` and ``memory`` are those *before* the step; ``next_weights`` and ``next_memory`` those after it, so that a
    snapshot of (step + 1, next_weights, next_memory) continues the trajectory exactly. With mini-batches ``loss``,
    ``accuracy`` and ``gradient`` are those of the step's batch. ``update`` is the one that was made, with its step size.
    With an intervention ``gradient`` is what it made of the batch, and ``penalty`` what it added to the loss.
    """

    step: int
    weights: Float[Tensor, " param"]
    loss: float
    accuracy: float | None
    gradient: Float[Tensor, " param"]
    next_weights: Float[Tensor, " param"]
    next_memory: Memory
    update: Update
    penalty: float = 0.0


def descend(
    problem: Problem,
    update: Update,
    weights: Float[Tensor, " param"],
    *,
    memory: Memory = None,
    step: int = 0,
    schedule: Schedule | None = None,
    batches: Callable[[Problem, int], Problem] | None = None,
    intervention: Intervention | None = None,
) -> Iterator[Moment]:
    """Descent from ``weights``, without an end: stop asking when you have seen enough.

    Full-batch unless ``batches``, such as ``Batches`` or ``Augmented``, make the problem of a step; a ``schedule`` takes the
    place of the update's step size; an ``intervention`` (``genlab.interventions``) that of the plain gradient.

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
        seen = problem if batches is None else batches(problem, step)
        slope = seen.slope(weights) if intervention is None else intervention(seen, weights, step)
        made = update if schedule is None else resized(update, schedule(step))
        after, memory = made(weights, slope.gradient, memory, step)
        yield Moment(step, weights, slope.loss, slope.accuracy, slope.gradient, after, memory, made, slope.penalty)
        weights, step = after, step + 1
