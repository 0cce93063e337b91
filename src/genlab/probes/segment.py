"""Sharpness between two iterates: along the segment that joins them, and at its middle.

With batch norm and a small step size the sharpness *at* the iterates can stay below 2 / eta while the largest value on the
segment between them reaches it (Cohen et al. 2021). Kaur et al. 2022 measure it so, at i / 7 for i = 0 .. 7.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.probes.eigen import Eigenpairs
from genlab.probes.tracker import Tracker
from genlab.training.problem import Problem

POINTS = 8  # Kaur et al. 2022, official code: weights i / 7, i = 0 .. 7
TOLERANCE = 1e-3  # of the residuals, as the tracker's


@dataclass(frozen=True)
class SegmentSharpness:
    """The largest Hessian eigenvalue at points of a segment, with the evidence for each.

    Attributes:
        positions: of the points, from 0 (the start) to 1 (the end), evenly spaced.
        values: the sharpness at each, NaN where the loss has no finite curvature.
        residuals: |H u - lambda u| / |lambda| at each.
        converged: whether each residual is within the tolerance.
        products: Hessian-vector products spent, over all points.
    """

    positions: tuple[float, ...]
    values: tuple[float, ...]
    residuals: tuple[float, ...]
    converged: tuple[bool, ...]
    products: int

    @property
    def largest(self) -> float:
        """The largest sharpness over the points; NaN where one of them is."""
        return self.values[self._top]

    @property
    def where(self) -> float:
        """The position of the largest sharpness."""
        return self.positions[self._top]

    @property
    def all_converged(self) -> bool:
        """Whether every point's value has converged: the largest is proven no better than the worst of them."""
        return all(self.converged)

    @property
    def _top(self) -> int:
        return max(range(len(self.values)), key=lambda index: (math.isnan(self.values[index]), self.values[index]))


def segment_sharpness(
    problem: Problem,
    start: Float[Tensor, " param"],
    end: Float[Tensor, " param"],
    points: int = POINTS,
    *,
    tolerance: float = TOLERANCE,
    most_products: int = 300,
    tracker: Tracker | None = None,
) -> SegmentSharpness:
    """Sharpness at evenly spaced points of the segment from one iterate to the next, both ends among them.

    Each point's search starts from the eigenvectors of the point before. Nothing of the module changes: batch norm in train
    mode normalises by the statistics at each point, as Kaur et al. 2022 measure it, and its running statistics stay as they are;
    in eval mode it normalises by those at every point.

    >>> from genlab.training.losses import half_squared_error
    >>> problem = Problem(torch.nn.Linear(1, 1, bias=False), half_squared_error, torch.tensor([[1.0], [3.0]]), torch.ones(2, 1))
    >>> found = segment_sharpness(problem, torch.zeros(1), torch.ones(1), points=3)
    >>> found.positions, found.values, found.all_converged  # a quadratic: (1 + 9) / 2 everywhere
    ((0.0, 0.5, 1.0), (5.0, 5.0, 5.0), True)

    Args:
        problem: whose training loss.
        start: the weights at position 0.
        end: the weights at position 1.
        points: how many, 2 at least. An odd number has the midpoint among them; see ``midpoint_sharpness`` for it alone.
        tolerance: largest relative residual of a converged value.
        most_products: budget of one point.
        tracker: a tracker of this problem to go on with from step to step, instead of a new one; it brings its own tolerance
            and budget, and comes back at the last point.

    Raises:
        ValueError: fewer than 2 points, a tracker of another problem, or weights of another shape.
        RuntimeError: the loss changes between two passes.
    """
    if points < 2:
        raise ValueError(f"a segment wants its 2 ends at least, got points={points}; for its middle use midpoint_sharpness")
    tracker = _tracker(problem, tracker, tolerance, most_products)
    positions = tuple(index / (points - 1) for index in range(points))
    readings = [tracker(_between(start, end, position)) for position in positions]
    return SegmentSharpness(
        positions,
        tuple(reading.values[0] for reading in readings),
        tuple(reading.residuals[0] for reading in readings),
        tuple(reading.converged for reading in readings),
        sum(reading.products for reading in readings),
    )


def midpoint_sharpness(
    problem: Problem,
    start: Float[Tensor, " param"],
    end: Float[Tensor, " param"],
    *,
    tolerance: float = TOLERANCE,
    most_products: int = 300,
    tracker: Tracker | None = None,
) -> Eigenpairs:
    """Sharpness halfway between two iterates, ``values[0]``.

    Oscillations across a valley cancel there, so the midpoint lies nearer its floor than either iterate (Cohen et al. 2024,
    2410.24206). Arguments and errors as for ``segment_sharpness``.
    """
    return _tracker(problem, tracker, tolerance, most_products)(_between(start, end, 0.5))


def _between(start: Tensor, end: Tensor, position: float) -> Tensor:
    """The point at a position from 0 to 1; exactly ``start`` at 0 and ``end`` at 1."""
    if start.shape != end.shape:
        raise ValueError(
            f"the ends of a segment are weight vectors of one shape, got {tuple(start.shape)} and {tuple(end.shape)}"
        )
    return end if position == 1 else torch.lerp(start, end, position) if position else start  # lerp of inf by 0 is NaN


def _tracker(problem: Problem, tracker: Tracker | None, tolerance: float, most_products: int) -> Tracker:
    if tracker is None:
        return Tracker(problem, tolerance=tolerance, most_products=most_products)
    if tracker.problem is not problem:
        raise ValueError("the tracker measures another problem: pass Tracker(problem), or tracker=None for a new one")
    return tracker
