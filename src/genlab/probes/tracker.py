"""Sharpness along a trajectory: each reading starts from the last one's eigenvectors."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance
from genlab.probes.eigen import GUARD, Eigenpairs, Exactness, Operator, Search
from genlab.probes.hessian import Hessian
from genlab.probes.preconditioned import Preconditioned
from genlab.probes.surrogate import Known, guided
from genlab.training.problem import Problem

LEAST_WARM = 3  # expansions after a warm start, without a scout: measured, docs/log.md
LEAST_SCOUTED = 1  # with one, on the surrogate: measured, docs/log.md
LEAST_COLD = 12  # expansions from random rows: measured, docs/log.md
SCOUT_SHARE = 16  # one example in so many scouts: measured, docs/log.md
LEAST_SCOUT = 125  # scouts at the least, and one example in eight at the most: measured, docs/log.md
SCOUTED_WORK = 10**8  # examples times parameters below which scouts cost more than they save: measured, docs/log.md
CROWDED = 0.75  # of the threshold: above it an eigenvalue is about to matter; central flows track from 1.5 / eta on


class Tracker:
    """Tracks the k largest Hessian eigenvalues of a problem as its weights move.

    Three lines in any training loop::

        problem = Problem(model, half_squared_error, inputs, targets)
        tracker = Tracker(problem, k=2)
        reading = tracker()  # at the model's present parameters; reading.values[0] is the sharpness

    Where there are many examples the Hessian over a few of them, the *scout*, corrected by what the last reading knew, finds
    the vectors; products with the Hessian over all of them give values, residuals and the proof (``probes/surrogate.py``).
    Every reading adds a fresh random direction to the old eigenvectors; every ``cold_every``-th draws other scouts and also
    takes as many expansions as a search from nothing, so that a new eigenvalue from elsewhere is not missed for long.

    Args:
        problem: what to measure. It is checked once that two passes give one loss.
        k: eigenpairs wanted.
        accuracy: largest estimated relative error of a converged eigenvalue, as ``Eigenpairs.errors`` has it.
        tolerance: if given, a pair has converged when its relative residual is at most this, whatever its accuracy.
        threshold: if given (2 / eta), the block grows by one whenever its smallest eigenvalue is above three quarters of it,
            and shrinks again: readings then hold k to ``most`` values.
        most: of the eigenpairs, with a threshold.
        scout: number of examples that scout, 0 for none. By default a sixteenth of all and 125 at least, where there are a
            thousand examples and a hundred million examples times parameters; else none.
        most_products: budget of one reading; one that ends there has not converged.
        cold_every: how often to search as if from nothing.
        graph_bytes: bound on the gradient graphs kept during a reading.
        seed: of the random directions and scouts; keyed by reading, so that a resumed tracker draws what it would have drawn.

    Raises:
        ValueError: k below 1 or above the number of parameters, or another argument out of range.
        RuntimeError: at the first reading, when the loss changes between two passes.
    """

    def __init__(
        self,
        problem: Problem,
        k: int = 1,
        *,
        accuracy: float = 1e-3,
        tolerance: float | None = None,
        threshold: float | None = None,
        most: int = 20,
        scout: int | None = None,
        most_products: int = 300,
        cold_every: int = 20,
        graph_bytes: int = 2**30,
        seed: int = 0,
    ) -> None:
        size, examples = problem.parameter_count, len(problem.targets)
        if not 1 <= k <= size:
            raise ValueError(f"k eigenpairs of a Hessian with {size} parameters: k is 1 to {size}, got {k}")
        if most_products < 1 or cold_every < 1:
            raise ValueError(f"most_products and cold_every are at least 1, got {most_products} and {cold_every}")
        if threshold is not None and not (threshold > 0 and most >= k):
            raise ValueError(f"a threshold is above 0 and most at least k, got threshold {threshold}, most {most} and k {k}")
        if scout is None:
            enough = examples >= 8 * LEAST_SCOUT and examples * size >= SCOUTED_WORK
            scout = max(examples // SCOUT_SHARE, LEAST_SCOUT) if enough else 0
        if not 0 <= scout <= examples:
            raise ValueError(f"scout is a number of the {examples} examples, or 0 for none, got {scout}")
        self.problem = problem
        self.k = k
        self.exactness = Exactness(tolerance, accuracy)
        self.threshold = threshold
        self.most = min(most, size)
        self.scout = scout
        self.most_products = most_products
        self.cold_every = cold_every
        self.graph_bytes = graph_bytes
        self.seed = seed
        self.readings = 0
        self.wanted = k
        self.vectors: Tensor | None = None
        self.known: Known | None = None
        self.cold = 0  # the last reading that searched as if from nothing
        self._scouts: tuple[int, Problem] | None = None  # drawn at which reading, and who

    def __call__(
        self, weights: Float[Tensor, " param"] | None = None, *, preconditioner: Float[Tensor, " param"] | None = None
    ) -> Eigenpairs:
        """The largest eigenpairs at ``weights``, or at the module's present parameters.

        With a preconditioner, the diagonal of P, they are those of P^-1/2 H P^-1/2: what bounds Adam and RMSProp.
        """
        if weights is None:
            weights = self.problem.weights()
        if self.readings == 0:
            self.problem.refuse_if_random(weights)
        warm = self.vectors is not None and self.readings % self.cold_every != 0
        if not warm:
            self.cold = self.readings
        rows = self._random(weights, 1 if warm else self.wanted + GUARD)
        if self.vectors is not None:
            rows = torch.cat([self.vectors, rows])
        operator = self._operator(self.problem, weights, preconditioner)
        if self.scout:
            pairs, self.known = guided(
                operator,
                self._operator(self._scouting(), weights, preconditioner),
                self.wanted,
                start=rows,
                known=self.known if warm else None,
                exactness=self.exactness,
                most_products=self.most_products,
                least_expansions=LEAST_SCOUTED if warm else LEAST_COLD,
            )
        else:
            pairs = Search(operator, rows).finish(
                self.wanted,
                self.exactness,
                most_products=self.most_products,
                least_expansions=LEAST_WARM if warm else LEAST_COLD,
            )
        self.readings += 1
        self.vectors = torch.cat([pairs.vectors, pairs.spare]) if len(pairs.vectors) else None
        self.wanted = self._crowd(pairs)
        return pairs

    def state(self) -> dict[str, Tensor]:
        """What the next reading depends on, for a checkpoint."""
        counts = {"readings": self.readings, "wanted": self.wanted, "cold": self.cold}
        found = {} if self.vectors is None else {"vectors": self.vectors}
        known = {} if self.known is None else {"known": self.known.vectors, "defects": self.known.defects}
        return {name: torch.tensor(count) for name, count in counts.items()} | found | known

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a ``state``."""
        self.readings = int(state["readings"].item())
        self.wanted = int(state["wanted"].item()) if "wanted" in state else self.k
        self.cold = int(state["cold"].item()) if "cold" in state else 0
        self.vectors = state.get("vectors")
        self.known = Known(state["known"], state["defects"]) if "known" in state else None

    def _operator(self, problem: Problem, weights: Tensor, preconditioner: Tensor | None) -> Operator:
        hessian = Hessian(problem, weights, graph_bytes=self.graph_bytes)
        return hessian if preconditioner is None else Preconditioned(hessian, preconditioner)

    def _scouting(self) -> Problem:
        """The problem over the scouts, which are drawn at each cold reading."""
        if self._scouts is None or self._scouts[0] != self.cold:
            generator = torch.Generator().manual_seed(chance.number("scout", self.seed, self.cold))
            chosen = torch.randperm(len(self.problem.targets), generator=generator)[: self.scout].sort().values
            self._scouts = self.cold, self.problem.subset(chosen)
        return self._scouts[1]

    def _crowd(self, pairs: Eigenpairs) -> int:
        """How many pairs the next reading wants: one more than crowd the threshold, k at least."""
        if self.threshold is None:
            return self.k
        above = sum(value > CROWDED * self.threshold for value in pairs.values)
        return min(max(self.k, above + 1), self.most)

    def _random(self, weights: Tensor, rows: int) -> Tensor:
        generator = torch.Generator().manual_seed(chance.number("tracker", self.seed, self.readings))
        return torch.randn((rows, len(weights)), generator=generator, dtype=weights.dtype).to(weights.device)


def sharpness(
    problem: Problem, weights: Float[Tensor, " param"] | None = None, *, k: int = 1, tolerance: float = 1e-4
) -> Eigenpairs:
    """The k largest Hessian eigenvalues of the training loss at one point, from a cold start, to a relative residual.

    The sharpness is lambda_max, ``values[0]``: gradient descent with step size eta is stable below 2 / eta.
    """
    return Tracker(problem, k, tolerance=tolerance)(weights)
