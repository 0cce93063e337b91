"""Sharpness along a trajectory: each reading starts from the last one's eigenvectors."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance
from genlab.probes.eigen import GUARD, Eigenpairs, largest
from genlab.probes.hessian import Hessian
from genlab.training.problem import Problem

LEAST_WARM = 3  # expansions after a warm start: measured, docs/log.md
LEAST_COLD = 12  # expansions from random rows: measured, docs/log.md


class Tracker:
    """Tracks the k largest Hessian eigenvalues of a problem as its weights move.

    Three lines in any training loop::

        problem = Problem(model, half_squared_error, inputs, targets)
        tracker = Tracker(problem, k=2)
        reading = tracker()  # at the model's present parameters; reading.values[0] is the sharpness

    Every reading adds a fresh random direction to the old eigenvectors; every ``cold_every``-th also takes as many
    expansions as a search from nothing, so that a new eigenvalue from elsewhere is not missed for long.

    Args:
        problem: what to measure. It is checked once that two passes give one loss.
        k: eigenpairs wanted.
        tolerance: largest relative residual of a converged pair.
        most_products: budget of one reading; one that ends there has not converged.
        cold_every: how often to search as if from nothing.
        graph_bytes: bound on the gradient graphs kept during a reading.
        seed: of the random directions; keyed by reading, so that a resumed tracker draws what it would have drawn.

    Raises:
        ValueError: k below 1 or above the number of parameters, or another argument out of range.
        RuntimeError: at the first reading, when the loss changes between two passes.
    """

    def __init__(
        self,
        problem: Problem,
        k: int = 1,
        *,
        tolerance: float = 1e-3,
        most_products: int = 300,
        cold_every: int = 20,
        graph_bytes: int = 2**30,
        seed: int = 0,
    ) -> None:
        if not 1 <= k <= problem.parameter_count:
            most = problem.parameter_count
            raise ValueError(f"k eigenpairs of a Hessian with {most} parameters: k is 1 to {most}, got {k}")
        if not tolerance > 0 or most_products < 1 or cold_every < 1:
            raise ValueError(
                f"tolerance is above 0, most_products and cold_every at least 1, got {tolerance}, {most_products}, {cold_every}"
            )
        self.problem = problem
        self.k = k
        self.tolerance = tolerance
        self.most_products = most_products
        self.cold_every = cold_every
        self.graph_bytes = graph_bytes
        self.seed = seed
        self.readings = 0
        self.vectors: Tensor | None = None

    def __call__(self, weights: Float[Tensor, " param"] | None = None) -> Eigenpairs:
        """The largest eigenpairs at ``weights``, or at the module's present parameters."""
        if weights is None:
            weights = self.problem.weights()
        if self.readings == 0:
            self.problem.refuse_if_random(weights)
        warm = self.vectors is not None and self.readings % self.cold_every != 0
        rows = self._random(weights, 1 if warm else self.k + GUARD)
        if self.vectors is not None:
            rows = torch.cat([self.vectors, rows])
        pairs = largest(
            Hessian(self.problem, weights, graph_bytes=self.graph_bytes),
            self.k,
            start=rows,
            tolerance=self.tolerance,
            most_products=self.most_products,
            least_expansions=LEAST_WARM if warm else LEAST_COLD,
        )
        self.readings += 1
        self.vectors = torch.cat([pairs.vectors, pairs.spare]) if len(pairs.vectors) else None
        return pairs

    def state(self) -> dict[str, Tensor]:
        """What the next reading depends on, for a checkpoint."""
        vectors = {} if self.vectors is None else {"vectors": self.vectors}
        return {"readings": torch.tensor(self.readings), **vectors}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a ``state``."""
        self.readings = int(state["readings"].item())
        self.vectors = state.get("vectors")

    def _random(self, weights: Tensor, rows: int) -> Tensor:
        generator = torch.Generator().manual_seed(chance.number("tracker", self.seed, self.readings))
        return torch.randn((rows, len(weights)), generator=generator, dtype=weights.dtype).to(weights.device)


def sharpness(
    problem: Problem, weights: Float[Tensor, " param"] | None = None, *, k: int = 1, tolerance: float = 1e-4
) -> Eigenpairs:
    """The k largest Hessian eigenvalues of the training loss at one point, from a cold start.

    The sharpness is lambda_max, ``values[0]``: gradient descent with step size eta is stable below 2 / eta.
    """
    return Tracker(problem, k, tolerance=tolerance)(weights)
