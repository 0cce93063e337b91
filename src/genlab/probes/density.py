"""The spectral density of a symmetric operator by stochastic Lanczos quadrature (Ghorbani, Krishnan and Xiao 2019, 1901.10159).

From a random probe z of unit length, m Lanczos steps give a Gauss quadrature: m nodes and weights that integrate every
polynomial of degree 2 m - 1 against z's share of the spectrum exactly. The mean over probes estimates the density of eigenvalues.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.intervals import CONFIDENCE, Interval, student_t
from genlab.probes.eigen import Operator
from genlab.probes.trace import rademacher

SHARE_OF_SPREAD = 0.01  # width of the smoothing kernel over the spread of the nodes, where none is given (our assumption)


@dataclass(frozen=True, eq=False)
class Smoothed:
    """A density on a grid, smoothed by a Gaussian, with a pointwise 95% Student-t interval over the probes.

    Attributes:
        at: eigenvalues, rising, shape (point,), float64.
        density: the estimate, in eigenvalues per unit of eigenvalue, as a share of all: it integrates to 1.
        low, high: of the interval at each point; low may be below 0 where few probes agree.
        width: standard deviation of the Gaussian.
        probes: how many the interval rests on.
    """

    at: Float[Tensor, " point"]
    density: Float[Tensor, " point"]
    low: Float[Tensor, " point"]
    high: Float[Tensor, " point"]
    width: float
    probes: int


@dataclass(frozen=True, eq=False)
class SpectralDensity:
    """Quadrature nodes and weights, one row a probe, in float64 on the CPU.

    Attributes:
        nodes: Ritz values, rising, shape (probe, step); NaN where a product was not finite.
        weights: of the nodes, summing to 1 in each row; 0 where Lanczos ended early because the probe's space was exhausted.
        size: of the operator.
        products: operator products spent.
    """

    nodes: Float[Tensor, "probe step"]
    weights: Float[Tensor, "probe step"]
    size: int
    products: int

    def moment(self, power: int) -> Interval:
        """Mean of the eigenvalues' powers, tr(A^power) / size, with its interval over probes: times size the first is the trace.

        Raises:
            ValueError: a product was not finite.
        """
        return student_t((self.weights * self.nodes**power).sum(dim=1).tolist())

    def share_above(self, threshold: float) -> Interval:
        """Share of the eigenvalues above a threshold, such as 0 or 2 / eta, with its interval over probes.

        A node stands for all eigenvalues near it, so the share is as coarse as the nodes are; at the ends of the spectrum these
        are eigenvalues. The interval sees the probes' chance, not that.

        Raises:
            ValueError: a product was not finite.
        """
        finite = torch.where(torch.isnan(self.nodes), math.nan, (self.nodes > threshold).double())
        found = student_t((self.weights * finite).sum(dim=1).tolist())
        return Interval(found.centre, max(0.0, found.low), min(1.0, found.high), found.n, found.confidence)

    def smoothed(self, at: Float[Tensor, " point"] | None = None, *, width: float | None = None, points: int = 400) -> Smoothed:
        """The density on a grid, each node a Gaussian of its weight.

        Args:
            at: the grid; by default ``points`` even steps over all nodes and four widths beyond.
            width: standard deviation of the Gaussian, in units of the eigenvalues; by default 1% of the nodes' spread.
            points: of the default grid.

        Raises:
            ValueError: a width that is not above 0, or no spread to take one from; a product that was not finite.
        """
        from scipy.special import stdtrit

        if not bool(torch.isfinite(self.nodes).all()):
            raise ValueError("a product with the operator was not finite: there is no density to draw")
        low, high = self.nodes.min().item(), self.nodes.max().item()
        width = SHARE_OF_SPREAD * (high - low) if width is None else width
        if not width > 0:
            raise ValueError(f"the smoothing width is above 0, got {width:g}: pass width=, in units of the eigenvalues")
        if at is None:
            at = torch.linspace(low - 4 * width, high + 4 * width, points, dtype=torch.float64)
        at = at.double().cpu()
        bumps = torch.exp(-(((at[:, None] - self.nodes.flatten()) / width) ** 2) / 2) / (width * math.sqrt(2 * math.pi))
        curves = (bumps.view(len(at), *self.nodes.shape) * self.weights).sum(dim=2)
        probes = len(self.nodes)
        half = float(stdtrit(probes - 1, 0.5 + CONFIDENCE / 2)) * curves.std(dim=1) / math.sqrt(probes)
        mean = curves.mean(dim=1)
        return Smoothed(at, mean, mean - half, mean + half, width, probes)


def spectral_density(
    operator: Operator, like: Float[Tensor, " param"], *, steps: int = 50, probes: int = 5, seed: int = 0
) -> SpectralDensity:
    """Stochastic Lanczos quadrature with full reorthogonalization.

    >>> found = spectral_density(lambda rows: rows * torch.tensor([1.0, 3.0]), torch.zeros(2), steps=2, probes=2)
    >>> [round(value, 4) for value in found.nodes[0].tolist()], [round(value, 4) for value in found.weights[0].tolist()]
    ([1.0, 3.0], [0.5, 0.5])

    Args:
        operator: symmetric, rows to rows.
        like: a vector of the operator's size, dtype and device, such as the weights.
        steps: Lanczos steps a probe, one product each; ``steps`` vectors are held in memory. At most the operator's size.
        probes: random vectors, 2 at least. Their number matters little for large operators: the variance falls with the size too.
        seed: of the probes.

    Raises:
        ValueError: no step, or fewer than 2 probes.
    """
    if steps < 1 or probes < 2:
        raise ValueError(f"a spectral density wants at least 1 step and 2 probes, got {steps} and {probes}")
    steps = min(steps, len(like))
    nodes, weights = torch.full((2, probes, steps), math.nan, dtype=torch.float64)
    products = 0
    for probe in range(probes):
        start = rademacher(like, "spectral density", seed, probe) / math.sqrt(len(like))
        small, spent = _lanczos(operator, start, steps)
        products += spent
        if small is None:
            continue
        values, vectors = torch.linalg.eigh(small)
        nodes[probe], weights[probe] = values[-1], 0.0
        nodes[probe, : len(values)], weights[probe, : len(values)] = values, vectors[0] ** 2
    return SpectralDensity(nodes, weights, len(like), products)


def _lanczos(operator: Operator, start: Tensor, steps: int) -> tuple[Tensor | None, int]:
    """The tridiagonal matrix of at most ``steps`` steps in float64, and the products spent; None where one was not finite."""
    small = torch.zeros((steps, steps), dtype=torch.float64)
    basis = start.new_empty((steps, len(start)))
    row, largest = start, 0.0
    for step in range(steps):
        basis[step] = row
        image = operator(row[None])[0]
        if not bool(torch.isfinite(image).all()):
            return None, step + 1
        before = image.norm().item()
        small[step, step] = torch.dot(row, image).item()
        known = basis[: step + 1]
        for _ in range(2):  # twice is enough: the second pass removes what rounding left of the first
            image = image - (known @ image) @ known
        beta = image.norm().item()
        largest = max(largest, before)
        if beta <= 10 * torch.finfo(start.dtype).eps * largest:  # the probe's space is exhausted: the quadrature is exact
            return small[: step + 1, : step + 1], step + 1
        if step + 1 < steps:
            small[step, step + 1] = small[step + 1, step] = beta
            row = image / beta
    return small, steps
