"""The largest eigenvalues of a symmetric operator, each with the residual that proves it.

A block Krylov method with Rayleigh-Ritz and thick restarts: the basis starts from the vectors it is given plus a fresh
random one and grows by the residuals of the wanted pairs. A pair is converged when its residual is small; a small *change*
proves nothing (at the edge of stability a stop on relative change of 1e-3 reads 1% low, as large as the effect).
A residual proves that an eigenvalue lies that near, not that no larger one exists: the random vector and a least number of
expansions are there for that, and a cold start once in a while (see ``tracker``).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance

Operator = Callable[[Tensor], Tensor]  # rows to rows: (vector, param) -> (vector, param)

GUARD = 1  # pairs refined beyond the wanted ones, so that two that change places are both known
ROOM = 24  # most basis vectors beyond twice the wanted pairs before a thick restart


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """The k largest eigenvalues found, in falling order, with their evidence.

    Attributes:
        values: the eigenvalues, NaN where the operator returned something that is not finite.
        vectors: unit eigenvectors as rows, shape (k, param).
        residuals: |H u - lambda u| / |lambda| of each.
        products: operator products spent.
        converged: whether every residual is within the tolerance.
        spare: further Ritz vectors worth starting the next search from, shape (spare, param).
    """

    values: tuple[float, ...]
    vectors: Float[Tensor, "k param"]
    residuals: tuple[float, ...]
    products: int
    converged: bool
    spare: Float[Tensor, "spare param"]


def largest(
    operator: Operator,
    k: int,
    *,
    start: Float[Tensor, "start param"],
    tolerance: float = 1e-3,
    most_products: int = 300,
    least_expansions: int = 12,
) -> Eigenpairs:
    """The k largest (algebraically) eigenpairs of a symmetric operator.

    Args:
        operator: maps rows to rows; symmetric.
        k: pairs wanted.
        start: first basis rows, at least k (all of them where the operator is smaller than that); put a random one among them.
        tolerance: accept a pair when |H u - lambda u| <= tolerance * |lambda|.
        most_products: stop there, and say that it has not converged.
        least_expansions: grow the basis this often before accepting anything; few suffice after a good warm start.

    A search that its budget ends before the least expansions were made has not converged, whatever its residuals.

    Raises:
        ValueError: k below 1 or above the operator's size, or fewer than k rows to start from.
    """
    size = start.shape[1]
    if not 1 <= k <= size:
        raise ValueError(f"k eigenpairs of a {size} x {size} Hessian: k is 1 to {size}, got {k}")
    if len(start) < k:
        raise ValueError(f"{k} eigenpairs want at least {k} rows to start from, got {len(start)}")
    search = _Search(operator, start)
    expansions = 0
    while True:
        pairs = search.ritz(k + GUARD)
        if not search.finite:
            nan = (math.nan,) * k
            return Eigenpairs(nan, start.new_zeros((0, size)), nan, search.products, False, start.new_zeros((0, size)))
        good = pairs.relative <= tolerance
        found = len(good) >= k and bool(good[:k].all())
        whole = len(search.basis) == size
        looked_around = expansions >= least_expansions or whole
        if whole or (found and looked_around) or search.products >= most_products:
            break
        if len(search.basis) + k + GUARD > 2 * k + ROOM:
            search.restart(k + 2 * GUARD)
        around = [search.unexplored(k), search.unexplored(k + GUARD)] if found else []  # the guard's, the fresh direction's
        if not search.expand(torch.cat(around) if found else pairs.residuals[~good]):
            search.expand(_stray(start, len(search.basis)))  # the basis is invariant: look elsewhere
        expansions += 1
    missing = (math.nan,) * (k - len(pairs.values))  # only where the budget ended before there were k directions
    return Eigenpairs(
        (*pairs.values[:k].tolist(), *missing),
        pairs.vectors[:k],
        (*pairs.relative[:k].tolist(), *missing),
        search.products,
        found and looked_around,
        pairs.vectors[k:],
    )


def _stray(like: Tensor, place: int) -> Tensor:
    """A random row, the same whenever a search comes to the same place."""
    generator = torch.Generator().manual_seed(chance.number("eigen", "stray", place))
    return torch.randn((1, like.shape[1]), generator=generator, dtype=like.dtype).to(like.device)


@dataclass(frozen=True, eq=False)
class _Ritz:
    """Ritz pairs in falling order with residual vectors and relative residual norms."""

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    relative: Tensor


class _Search:
    """An orthonormal basis (rows) and its images under the operator."""

    def __init__(self, operator: Operator, start: Tensor) -> None:
        self.operator = operator
        self.products = 0
        self.finite = True
        self.basis = start.new_zeros((0, start.shape[1]))
        self.images = self.basis
        self._projected: tuple[Tensor, Tensor] | None = None  # of the basis as it is
        self.expand(start)

    def expand(self, rows: Tensor) -> bool:
        """Add the directions of ``rows`` that are new; False where there are none."""
        fresh = []
        basis = self.basis
        for row in rows:
            row = row / row.abs().max().clamp_min(torch.finfo(row.dtype).tiny)  # so that no square underflows
            before = row.norm()
            for _ in range(2):  # twice is enough: the second pass removes what rounding left of the first
                row = row - (basis @ row) @ basis
            norm = row.norm()
            if bool(norm > 10 * torch.finfo(row.dtype).eps * before) and len(basis) < basis.shape[1]:
                row = row / norm
                row = row - (basis @ row) @ basis
                fresh.append(row / row.norm())
                basis = torch.cat([basis, fresh[-1][None]])
        if not fresh:
            return False
        images = self.operator(torch.stack(fresh))
        self.products += len(fresh)
        self.finite = self.finite and bool(torch.isfinite(images).all())
        self.basis, self.images, self._projected = basis, torch.cat([self.images, images]), None
        return True

    def ritz(self, most: int) -> _Ritz:
        """The leading Ritz pairs, at most ``most``."""
        if not self.finite:
            nothing = self.basis[:0]
            return _Ritz(nothing[:, 0], nothing, nothing, nothing[:, 0])
        values, coordinates = self._project()
        largest_known = values.abs().max()
        values, coordinates = values[:most], coordinates[:most]
        vectors = coordinates @ self.basis
        residuals = coordinates @ self.images - values[:, None] * vectors
        return _Ritz(values, vectors, residuals, self._relative(values, residuals, largest_known))

    def unexplored(self, first: int) -> Tensor:
        """The residual of the leading Ritz pair from ``first`` on that has one: where the fresh direction still leads."""
        values, coordinates = self._project()
        for index in range(first, len(self.basis)):
            pair = coordinates[index : index + 1]
            residual = pair @ self.images - values[index] * (pair @ self.basis)
            if bool((residual / values.abs().max()).norm() > 10 * torch.finfo(residual.dtype).eps):
                return residual
        return self.basis[:0]

    @staticmethod
    def _relative(values: Tensor, residuals: Tensor, largest_known: Tensor) -> Tensor:
        """|residual| / |value|, formed so that squares of tiny entries do not underflow."""
        floor = 1e3 * torch.finfo(values.dtype).eps * largest_known  # an eigenvalue this small is rounding of the largest
        scale = values.abs().maximum(floor).clamp_min(torch.finfo(values.dtype).tiny)
        norms: Tensor = torch.linalg.vector_norm(residuals / scale[:, None], dim=1)
        return norms

    def restart(self, keep: int) -> None:
        """Shrink the basis to its leading Ritz vectors; no product is lost, for their images are known."""
        _, coordinates = self._project()
        self.basis, self.images = coordinates[:keep] @ self.basis, coordinates[:keep] @ self.images
        self._projected = None

    def _project(self) -> tuple[Tensor, Tensor]:
        if self._projected is None:
            small = (self.basis @ self.images.T).double().cpu()
            values, columns = torch.linalg.eigh((small + small.T) / 2)
            self._projected = values.flip(0).to(self.basis), columns.T.flip(0).to(self.basis)
        return self._projected
