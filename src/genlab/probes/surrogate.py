"""Eigenpairs of a dear operator with the help of a cheap one: searched on the cheap one, proved on the dear one.

The cheap operator may be the Hessian over some of the examples. Corrected so that it agrees with the dear one on the vectors
whose images are known, it is a surrogate good enough to search on; the correction is the symmetric one of least change
(Powell 1970, "PSB"; Dennis and Schnabel 1983, ch. 9). Its Ritz vectors then get dear products, Rayleigh and Ritz give values and
residuals of the dear operator itself, and where these do not do, the surrogate is corrected by them and searched again: a
Davidson method whose preconditioner is the surrogate. So nothing of the answer rests on the cheap operator, only its price.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.probes.eigen import GUARD, Eigenpairs, Exactness, Operator, Ritz, Search, undefined

# Measured on CIFAR-10 5k, before and at the edge (docs/log.md, 2026-11-28), where not called an assumption.
SEARCHED = 0.3  # the surrogate is searched to this share of the residual that would do on the dear operator
CROWDED = 0.03  # neighbours this near to a wanted eigenvalue get dear products too: the surrogate may confuse them
BEHIND = 3  # directions behind the wanted ones that errors are estimated by: our assumption
NEW = 0.25  # of a direction, squared: with less of it new, too little was known of that part: our assumption
MEMORY = 3  # vectors whose defects are kept beyond the wanted pairs'
ROUNDS = 3  # searches on a surrogate before the dear operator is left to itself: our assumption
MOST_SEARCHED = 60  # cheap products of one search: our assumption


class Surrogate:
    """A cheap symmetric operator, corrected to have given images on given vectors.

    Args:
        cheap: the operator to correct, rows to rows.
        vectors: orthonormal rows on which images are known.
        defects: what ``cheap`` lacks there: dear(vectors) - cheap(vectors).
    """

    def __init__(self, cheap: Operator, vectors: Float[Tensor, "known param"], defects: Float[Tensor, "known param"]) -> None:
        self.cheap = cheap
        self.vectors = vectors
        self.defects = defects
        inner = defects @ vectors.T
        self._inner = (inner + inner.T) / 2

    def __call__(self, rows: Float[Tensor, "vector param"]) -> Float[Tensor, "vector param"]:
        """Corrected operator times each row: C x + D'Vx + V'Dx - V'(DV')Vx, with V the vectors and D the defects as rows."""
        along = rows @ self.vectors.T
        return (
            self.cheap(rows)
            .addmm_(along, self.defects)
            .addmm_(torch.addmm(rows @ self.defects.T, along, self._inner, alpha=-1), self.vectors)
        )


@dataclass(frozen=True, eq=False)
class Known:
    """What readings leave to the next: orthonormal ``vectors`` and their ``defects``, both of shape (known, param)."""

    vectors: Float[Tensor, "known param"]
    defects: Float[Tensor, "known param"]

    def followed_by(self, older: "Known | None", most: int) -> "Known":
        """With what an older reading knew of directions that this one does not, ``most`` vectors in all.

        Two eigenvalues that crowd each other change places from reading to reading: the second one's defect is worth keeping.
        """
        if older is None or len(self.vectors) >= most:
            return self
        along = older.vectors @ self.vectors.T
        unknown = (1 - along.square().sum(dim=1)).tolist()  # the share of each that is new
        chosen = [index for index, share in enumerate(unknown) if share > NEW][: most - len(self.vectors)]
        if not chosen:
            return self
        vectors = torch.addmm(older.vectors[chosen], along[chosen], self.vectors, alpha=-1)
        defects = torch.addmm(older.defects[chosen], along[chosen], self.defects, alpha=-1)
        gram = (vectors @ vectors.T).double().cpu()
        while len(gram) > 1 and torch.linalg.eigvalsh(gram)[0] < NEW / 2:  # the last of them is nearly the others'
            gram = gram[:-1, :-1]
        unit = torch.eye(len(gram), dtype=gram.dtype)
        turn = torch.linalg.solve_triangular(torch.linalg.cholesky(gram), unit, upper=False).to(vectors)
        return Known(
            torch.cat([self.vectors, turn @ vectors[: len(gram)]]), torch.cat([self.defects, turn @ defects[: len(gram)]])
        )


def guided(
    operator: Operator,
    cheap: Operator,
    k: int,
    *,
    start: Float[Tensor, "start param"],
    known: Known | None,
    exactness: Exactness,
    most_products: int,
    least_expansions: int,
) -> tuple[Eigenpairs, Known | None]:
    """The k largest eigenpairs of ``operator``, searched for on ``cheap``; and what the next reading may start from.

    Args:
        operator: the dear one. Values, residuals and convergence are its own.
        cheap: one that resembles it.
        k: pairs wanted.
        start: first basis rows of the search, a random one among them.
        known: of an earlier reading nearby, whose defects are taken to hold still.
        exactness: when a pair is exact enough.
        most_products: of the dear operator.
        least_expansions: of the search on the surrogate, before it is believed.
    """
    aim = Exactness(tolerance=SEARCHED * exactness.residual)
    surrogate: Operator = cheap if known is None else Surrogate(cheap, known.vectors, known.defects)
    scouted = _scouted(surrogate, start, k, aim, least_expansions)
    if len(scouted.values) < k:  # not finite
        return undefined(start, k, 0), None
    crowd = scouted.values[k : k + BEHIND - 1] > (1 - CROWDED) * scouted.values[k - 1]
    block = k + int(crowd.sum().item())
    search = Search(operator, scouted.vectors[:block])
    for left in reversed(range(ROUNDS)):
        pairs = search.ritz(k + GUARD)
        if not search.finite:
            return undefined(start, k, search.products), None
        errors = pairs.errors(k, scouted.part(slice(block, None)))
        good = exactness.met(pairs.relative[:k], errors)
        if bool(good.all()):
            answer = search.answer(pairs, k, errors, converged=True)
            return replace(answer, spare=scouted.vectors[k : k + BEHIND - 1]), _known(search, k, cheap, known)
        if not left or search.products + k > most_products:
            break
        surrogate = Surrogate(cheap, search.basis, search.images - cheap(search.basis))
        scouted = _scouted(surrogate, torch.cat([pairs.vectors[:k], scouted.vectors[k : k + BEHIND - 1]]), k, aim, 1)
        if len(scouted.values) < k or not search.expand(scouted.vectors[:k][~good]):
            search.expand(pairs.residuals[:k][~good])
    answer = search.finish(k, exactness, most_products=most_products)
    return answer, _known(search, k, cheap, known) if len(answer.vectors) else None


def _scouted(surrogate: Operator, start: Tensor, k: int, aim: Exactness, least_expansions: int) -> Ritz:
    """The k leading pairs of the surrogate, and some that follow."""
    search = Search(surrogate, start)
    search.finish(k, aim, most_products=MOST_SEARCHED, least_expansions=least_expansions)
    return search.ritz(k + BEHIND)


def _known(search: Search, k: int, cheap: Operator, older: Known | None) -> Known:
    """Dear images of the leading Ritz vectors, H u = lambda u + r, less cheap ones; and what was known before."""
    most = k + MEMORY
    pairs = search.ritz(most)
    defects = torch.addcmul(pairs.residuals, pairs.values[:, None], pairs.vectors).sub_(cheap(pairs.vectors))
    return Known(pairs.vectors, defects).followed_by(older, most)
