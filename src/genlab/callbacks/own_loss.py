"""The loss of a step as its trainer computes it, held against the problem that an intervention differentiates."""

import math

from genlab.callbacks.undisturbed import own_chance
from genlab.training.exactness import HALVES
from genlab.training.problem import Problem

HALF_TOLERANCE, TOLERANCE = 5e-2, 1e-3  # our assumption, as for transformers_problem


def refuse_another_loss(problem: Problem, own: float) -> None:
    """Compare ``own`` with the problem's loss at the module's weights, with the draws that come next.

    Raises:
        ValueError: they differ by more than rounding, both being finite.
    """
    with own_chance():
        ours = problem.score(problem.weights()).loss
    half = any(each.dtype in HALVES for each in problem.module.parameters())
    same = math.isclose(ours, own, rel_tol=HALF_TOLERANCE if half else TOLERANCE, abs_tol=1e-6)
    if not same and math.isfinite(ours) and math.isfinite(own):
        raise ValueError(
            f"the trainer's own loss of the first batch is {own:.6g}, the one to intervene in {ours:.6g}: it trains on another "
            "loss, or draws within training_step. Pass problem=, a function from module and batch to the genlab.Problem of a step"
        )
