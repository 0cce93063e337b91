"""Grafting: the direction of one gradient, the norm of another (Novack et al. 2022, 2211.15853; their code was never released).

The facts of their README, in our formulas: w <- w - eta (norm) g / |g|, where g is the gradient of the large batch.
"""

import bisect
import math
from dataclasses import dataclass, replace
from itertools import islice, pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.training.microbatches import check_size, microbatches
from genlab.training.problem import Problem, Slope


@dataclass(frozen=True)
class IterativeGrafting:
    """The batch's direction with the norm of a micro-batch's gradient at the same weights.

    Where there is one micro-batch, the whole batch, it is the plain gradient, bit for bit.

    Attributes:
        microbatch: examples whose gradient gives the norm; drawn by key from the batch, anew at each step.
        average: whether to take the mean of the norms of all micro-batches of a partition, in place of the first one's.
        seed: of the micro-batches.

    Raises:
        ValueError: a micro-batch below 1.
    """

    microbatch: int
    average: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        check_size(self.microbatch)

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope:
        slope = problem.slope(weights)
        if self.microbatch >= len(problem.targets):
            return slope
        parts = microbatches(problem, self.microbatch, "grafting", self.seed, step)
        norm, whole = torch.zeros_like(slope.gradient[:1]).squeeze(), 0.0
        for part, share in islice(parts, None if self.average else 1):
            norm, whole = norm + share * torch.linalg.vector_norm(part.slope(weights).gradient), whole + share
        return _rescaled(slope, norm / whole)


@dataclass(frozen=True)
class ExternalGrafting:
    """The batch's direction with norms from another run's records.

    A step takes the last norm recorded at or before it. The last record of all holds for as long as the one before it did; a
    single one for its own step.

    >>> ExternalGrafting(steps=(0, 20, 40), norms=(3.0, 2.0, 1.0)).norm(39)
    2.0

    Attributes:
        steps: at which the norms were taken, rising.
        norms: of the other run's gradients (not squared), one for each of the steps.

    Raises:
        ValueError: steps that do not rise, another number of norms, or a norm below 0 or not finite; when called, a step
            before the first record, or beyond the last.
    """

    steps: tuple[int, ...]
    norms: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.steps or len(self.steps) != len(self.norms):
            raise ValueError(f"external grafting wants one norm a step, got {len(self.steps)} steps and {len(self.norms)} norms")
        if any(after <= before for before, after in pairwise(self.steps)):
            raise ValueError("the steps of recorded norms rise: sort the records by step, one a step")
        if wrong := [norm for norm in self.norms if not (norm >= 0 and math.isfinite(norm))]:
            raise ValueError(f"a recorded norm is finite and not below 0, got {wrong[0]}: leave out the steps of a diverged run")

    def norm(self, step: int) -> float:
        """The norm that a step takes."""
        gap = self.steps[-1] - self.steps[-2] if len(self.steps) > 1 else 1
        if not self.steps[0] <= step < self.steps[-1] + gap:
            raise ValueError(
                f"the recorded norms are of steps {self.steps[0]} to {self.steps[-1]}, got step {step}: record a longer run"
            )
        return self.norms[bisect.bisect_right(self.steps, step) - 1]

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope:
        norm = self.norm(step)
        return _rescaled(problem.slope(weights), torch.full((), norm, dtype=weights.dtype, device=weights.device))


@dataclass(frozen=True)
class NormalisedGradient:
    """The batch's direction with norm 1 (NGD): every step is as long as the step size."""

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope:
        return _rescaled(problem.slope(weights), torch.ones((), dtype=weights.dtype, device=weights.device))


def _rescaled(slope: Slope, norm: Tensor) -> Slope:
    """The same slope, its gradient scaled to a norm; a gradient of zero has no direction and stays."""
    own = torch.linalg.vector_norm(slope.gradient)
    return replace(slope, gradient=slope.gradient * torch.where(own > 0, norm / own, torch.zeros_like(own)))
