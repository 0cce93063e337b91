"""The largest eigenvalues of a symmetric operator, each with the residual that proves it.

A block Krylov method with Rayleigh-Ritz and thick restarts: the basis starts from the vectors it is given plus a fresh
random one and grows by the residuals of the wanted pairs. A pair is converged when its residual is small; a small *change*
proves nothing (at the edge of stability a stop on relative change of 1e-3 reads 1% low, as large as the effect).
A residual proves that an eigenvalue lies that near, not that no larger one exists: the random vector and a least number of
expansions are there for that, and a cold start once in a while (see ``tracker``).

A value is much nearer to its eigenvalue than its vector to the eigenvector: with residual r and a gap to the rest of the
spectrum the error is about r^2 / gap (Kato and Temple; Parlett, The Symmetric Eigenvalue Problem, 1998, ch. 11). That is
the estimate here, with gaps read off the Ritz values: as good as they are.
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
        converged: whether every pair is as exact as was asked.
        spare: further Ritz vectors worth starting the next search from, shape (spare, param).
        errors: estimated relative error of each value: its residual r, or about r^2 / gap where that is smaller.
    """

    values: tuple[float, ...]
    vectors: Float[Tensor, "k param"]
    residuals: tuple[float, ...]
    products: int
    converged: bool
    spare: Float[Tensor, "spare param"]
    errors: tuple[float, ...] = ()


@dataclass(frozen=True)
class Exactness:
    """When a pair is exact enough: |H u - lambda u| <= tolerance |lambda|, or an estimated error of lambda within accuracy."""

    tolerance: float | None = None
    accuracy: float | None = None

    def __post_init__(self) -> None:
        given = [each for each in (self.tolerance, self.accuracy) if each is not None]
        if not given or not all(each > 0 for each in given):
            raise ValueError(f"exactness wants a tolerance or an accuracy above 0, got {self.tolerance} and {self.accuracy}")

    @property
    def residual(self) -> float:
        """A relative residual that does: the tolerance, or the root of the accuracy, for errors are of second order."""
        return self.tolerance if self.tolerance is not None else math.sqrt(self.accuracy or 0)

    def met(self, residuals: Tensor, errors: Tensor) -> Tensor:
        """Which pairs are: by the residual where a tolerance is given, else by the estimated error."""
        return residuals <= self.tolerance if self.tolerance is not None else errors <= self.accuracy  # type: ignore[operator]


def largest(
    operator: Operator,
    k: int,
    *,
    start: Float[Tensor, "start param"],
    tolerance: float | None = 1e-3,
    accuracy: float | None = None,
    most_products: int = 300,
    least_expansions: int = 12,
) -> Eigenpairs:
    """The k largest (algebraically) eigenpairs of a symmetric operator.

    Args:
        operator: maps rows to rows; symmetric.
        k: pairs wanted.
        start: first basis rows, at least k (all of them where the operator is smaller than that); put a random one among them.
        tolerance: accept a pair when |H u - lambda u| <= tolerance * |lambda|.
        accuracy: with ``tolerance=None``, accept it when the estimated relative error of lambda is at most this.
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
    exactness = Exactness(tolerance, accuracy)
    return Search(operator, start).finish(k, exactness, most_products=most_products, least_expansions=least_expansions)


def _stray(like: Tensor, place: int) -> Tensor:
    """A random row, the same whenever a search comes to the same place."""
    generator = torch.Generator().manual_seed(chance.number("eigen", "stray", place))
    return torch.randn((1, like.shape[1]), generator=generator, dtype=like.dtype).to(like.device)


def _orthonormal(rows: Tensor, basis: Tensor) -> Tensor | None:
    """``rows`` made orthonormal to the basis and among themselves by blocks; None where that wants more care."""
    if not len(rows):
        return rows
    before = torch.linalg.vector_norm(rows, dim=1)
    if not bool(((before > 1e-6) & (before < 1e6)).all()):  # squares would underflow: powers of 2 leave every bit as it is
        rows = rows * _powers(rows.abs().amax(dim=1))[:, None]
        before = torch.linalg.vector_norm(rows, dim=1)
    for _ in range(2):
        if len(basis):
            rows = torch.addmm(rows, rows @ basis.T, basis, alpha=-1)
        gram = (rows @ rows.T).double().cpu()
        sizes = gram.diagonal().sqrt()
        lost = bool((sizes < 0.1 * before.double().cpu()).any())  # much has cancelled: rounding weighs in what is left
        if lost or not bool((sizes > 0).all()) or not bool(torch.isfinite(gram).all()):
            return None
        if bool(torch.linalg.eigvalsh(gram / sizes / sizes[:, None])[0] < 1e-2):
            return None
        unit = torch.eye(len(gram), dtype=gram.dtype)
        inverse = torch.linalg.solve_triangular(torch.linalg.cholesky(gram), unit, upper=False)
        rows, before = inverse.to(rows) @ rows, torch.ones_like(before)
    return rows


def _powers(sizes: Tensor) -> Tensor:
    """Powers of 2 that bring the sizes near 1."""
    powers = [math.ldexp(1, -math.frexp(size)[1]) if math.isfinite(size) else 1.0 for size in sizes.tolist()]
    return torch.tensor(powers, dtype=torch.float64).to(sizes)


@dataclass(frozen=True, eq=False)
class Ritz:
    """Ritz pairs in falling order with residual vectors, and relative norms of these."""

    values: Float[Tensor, " pair"]
    vectors: Float[Tensor, "pair param"]
    residuals: Float[Tensor, "pair param"]
    relative: Float[Tensor, " pair"]

    def part(self, which: slice) -> "Ritz":
        """Some of the pairs."""
        return Ritz(self.values[which], self.vectors[which], self.residuals[which], self.relative[which])

    def errors(self, k: int, outside: "Ritz | None" = None) -> Float[Tensor, " k"]:
        """Estimated relative errors of the first k values.

        A residual r couples its pair to what lies outside of the k wanted: to each direction at distance gap, an eigenvalue
        is off by what a 2 x 2 matrix of gap and coupling c says, 2 c^2 / (gap + sqrt(gap^2 + 4 c^2)). ``outside`` names such
        directions; what they leave of r lies behind the last of them, or behind the next Ritz value.
        """
        relative, values = self.relative[:k], self.values[:k]
        scale = values.abs().clamp_min(torch.finfo(values.dtype).tiny)

        def shift(coupling: Tensor, other: Tensor) -> Tensor:
            gap = (values - other) / scale
            return 2 * coupling.square() / (gap + (gap.square() + 4 * coupling.square()).sqrt()).clamp_min(1e-30)

        if outside is None or not len(outside.values):
            behind = self.values[k : k + 1]
            return torch.minimum(relative, shift(relative, behind)) if len(behind) else relative
        couplings = (self.residuals[:k] @ outside.vectors.T / scale[:, None]).T
        rest = (relative.square() - couplings.square().sum(dim=0)).clamp_min(0).sqrt()
        seen = torch.stack([shift(each, value) for each, value in zip(couplings, outside.values, strict=True)]).sum(dim=0)
        return torch.minimum(relative, seen + shift(rest, outside.values[-1]))


class Search:
    """An orthonormal basis (rows) with its images under the operator, and what Rayleigh and Ritz say of it."""

    def __init__(self, operator: Operator, start: Float[Tensor, "start param"]) -> None:
        self.operator = operator
        self.products = 0
        self.finite = True
        self._count = 0
        self._rows = start.new_empty((min(2 * len(start) + ROOM // 2, start.shape[1]), start.shape[1]))
        self._under = torch.empty_like(self._rows)
        self._gram = torch.zeros((0, 0), dtype=torch.float64)  # basis @ images.T, kept as it grows
        self._projected: tuple[Tensor, Tensor] | None = None  # of the basis as it is, like the next
        self._found: Ritz | None = None
        self._start = start
        self.expand(start)

    @property
    def basis(self) -> Float[Tensor, "basis param"]:
        """The orthonormal rows."""
        return self._rows[: self._count]

    @property
    def images(self) -> Float[Tensor, "basis param"]:
        """The operator times each of them."""
        return self._under[: self._count]

    def finish(self, k: int, exactness: Exactness, *, most_products: int, least_expansions: int = 0) -> Eigenpairs:
        """Grow the basis by residuals until the k leading pairs are exact enough, or the budget ends."""
        expansions = 0
        size = self._start.shape[1]
        while True:
            pairs = self.ritz(k + GUARD)
            if not self.finite:
                return undefined(self._start, k, self.products)
            errors = pairs.errors(k)
            good = exactness.met(pairs.relative[:k], errors)
            found = len(good) >= k and bool(good.all())
            whole = self._count == size
            looked_around = expansions >= least_expansions or whole
            if whole or (found and looked_around) or self.products >= most_products:
                return self.answer(pairs, k, errors, converged=found and looked_around)
            if self._count + k + GUARD > 2 * k + ROOM:
                self.restart(k + 2 * GUARD)
            # the guard's residual and the fresh direction's once all is found; until then those of what is not
            rows = torch.cat([self.unexplored(k), self.unexplored(k + GUARD)]) if found else self._open(pairs, good, exactness)
            if not self.expand(rows):
                self.expand(_stray(self._start, self._count))  # the basis is invariant: look elsewhere
            expansions += 1

    @staticmethod
    def _open(pairs: Ritz, good: Tensor, exactness: Exactness) -> Tensor:
        """Residuals of the wanted pairs that are not exact enough, and of the guard if it is far off."""
        k = len(good)
        off = pairs.relative[k:] > exactness.residual
        return torch.cat([pairs.residuals[:k][~good], pairs.residuals[k:][off]])

    def answer(self, pairs: Ritz, k: int, errors: Tensor, *, converged: bool) -> Eigenpairs:
        """The k leading pairs as a result; NaN where the budget ended before there were k directions."""
        missing = (math.nan,) * (k - len(pairs.values))
        return Eigenpairs(
            (*pairs.values[:k].tolist(), *missing),
            pairs.vectors[:k],
            (*pairs.relative[:k].tolist(), *missing),
            self.products,
            converged,
            pairs.vectors[k:],
            (*errors.tolist(), *missing),
        )

    def expand(self, rows: Float[Tensor, "row param"]) -> bool:
        """Add the directions of ``rows`` that are new; False where there are none."""
        first = self._count
        fresh = _orthonormal(rows, self.basis) if len(rows) + first <= rows.shape[1] else None
        count = first + len(fresh) if fresh is not None else self._one_by_one(rows)
        if count == first:
            return False
        self._hold(count)
        if fresh is not None:
            self._rows[first:count] = fresh
        self._under[first:count] = self.operator(self._rows[first:count])
        self.products += count - first
        self._count = count
        gram = torch.empty((count, count), dtype=torch.float64)
        gram[:first, :first] = self._gram
        gram[first:] = (self._under[first:count] @ self._rows[:count].T).double().cpu()
        gram[:first, first:] = gram[first:, :first].T
        self.finite = self.finite and bool(torch.isfinite(gram).all())  # an entry of an image that is not spoils its row
        self._gram, self._projected, self._found = gram, None, None
        return True

    def _one_by_one(self, rows: Tensor) -> int:
        """Write what is new in ``rows`` behind the basis, with care for rows that are nearly dependent, or tiny."""
        first, tiny = self._count, 10 * torch.finfo(rows.dtype).eps
        count = first
        for row in rows:
            row = row / row.abs().max().clamp_min(torch.finfo(row.dtype).tiny)  # so that no square underflows
            before = row.norm()
            for _ in range(2):  # twice is enough: the second pass removes what rounding left of the first
                row = row - (self._rows[:count] @ row) @ self._rows[:count]
            norm = row.norm()
            if bool(norm > tiny * before) and count < row.shape[0]:
                row = row / norm
                row = row - (self._rows[:count] @ row) @ self._rows[:count]
                self._hold(count + 1)
                self._rows[count] = row / row.norm()
                count += 1
        return count

    def _hold(self, rows: int) -> None:
        """Make room for that many rows."""
        if rows > len(self._rows):
            more = min(2 * len(self._rows), self._rows.shape[1]) - len(self._rows)
            self._rows = torch.cat([self._rows, self._rows.new_empty((more, self._rows.shape[1]))])
            self._under = torch.cat([self._under, self._under.new_empty((more, self._under.shape[1]))])

    def ritz(self, most: int) -> Ritz:
        """The leading Ritz pairs, at most ``most``."""
        if not self.finite:
            nothing = self.basis[:0]
            return Ritz(nothing[:, 0], nothing, nothing, nothing[:, 0])
        if self._found is None or len(self._found.values) < min(most, self._count):
            values, coordinates = self._project()
            largest_known = values.abs().max()
            values, coordinates = values[:most], coordinates[:most]
            vectors = coordinates @ self.basis
            residuals = (coordinates @ self.images).addcmul_(values[:, None], vectors, value=-1)
            self._found = Ritz(values, vectors, residuals, self._relative(values, residuals, largest_known))
        return self._found.part(slice(most))

    def unexplored(self, first: int) -> Float[Tensor, "row param"]:
        """The residual of the leading Ritz pair from ``first`` on that has one: where the fresh direction still leads."""
        values, coordinates = self._project()
        for index in range(first, self._count):
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
        if not bool(((scale > 1e-6) & (scale < 1e6)).all()):
            powers = _powers(scale)
            residuals, scale = residuals * powers[:, None], scale * powers
        norms: Tensor = torch.linalg.vector_norm(residuals, dim=1) / scale
        return norms

    def restart(self, keep: int) -> None:
        """Shrink the basis to its leading Ritz vectors; no product is lost, for their images are known."""
        values, coordinates = self._project()
        kept = coordinates[:keep]
        basis, images = kept @ self.basis, kept @ self.images
        self._rows[: len(kept)], self._under[: len(kept)], self._count = basis, images, len(kept)
        self._gram = torch.diag(values[:keep].double().cpu())
        self._projected, self._found = None, None

    def _project(self) -> tuple[Tensor, Tensor]:
        if self._projected is None:
            values, columns = torch.linalg.eigh((self._gram + self._gram.T) / 2)
            self._projected = values.flip(0).to(self.basis), columns.T.flip(0).to(self.basis)
        return self._projected


def undefined(like: Float[Tensor, "row param"], k: int, products: int) -> Eigenpairs:
    """What is known where the operator returned something that is not finite: nothing."""
    nan, nothing = (math.nan,) * k, like.new_zeros((0, like.shape[1]))
    return Eigenpairs(nan, nothing, nan, products, False, nothing, nan)
