"""What an instruction data set is like in numbers: lengths, diversity of words and of meaning, what is covered."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from genlab.curation.instructions.checks import length
from genlab.curation.instructions.sifting import Made
from genlab.skills.pack import Pack

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Lengths:
    """Words a text (signs, in scripts without blanks): mean, and the quantiles ``QUANTILES``."""

    mean: float
    quantiles: tuple[float, ...]


@dataclass(frozen=True)
class Statistics:
    """Of a data set.

    Attributes:
        n: instructions.
        instruction, response: their lengths.
        instruction_distinct, response_distinct: distinct-1 and distinct-2, different words and pairs of words over all of them.
        spread: 1 minus the mean cosine of two different instructions' embeddings; None of fewer than two.
        skills, pairs: different skills, and sets of two skills of one instruction, that occur; and how many the pack has.
        query_types: instructions by query type.
    """

    n: int
    instruction: Lengths
    response: Lengths
    instruction_distinct: tuple[float, float]
    response_distinct: tuple[float, float]
    spread: float | None
    skills: tuple[int, int]
    pairs: tuple[int, int]
    query_types: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """As it stands in the card's head and in outcome.json."""
        return asdict(self)


def statistics(kept: Sequence[Made], pack: Pack | None, *, embedder: str = "") -> Statistics:
    """The statistics of instructions that are kept, at least one."""
    from genlab.curation.embedding import embed

    words = [each.pair for each in kept if each.pair is not None]
    asked, said = [each.instruction for each in words], [each.response for each in words]
    pairs = {frozenset(two) for each in kept for two in combinations(each.skills, 2)}
    size = len(pack.skills) if pack else 0
    return Statistics(
        len(kept),
        _lengths(asked),
        _lengths(said),
        (distinct(asked, 1), distinct(asked, 2)),
        (distinct(said, 1), distinct(said, 2)),
        spread(embed(asked, embedder)),
        (len({skill for each in kept for skill in each.skills}), size),
        (len(pairs), math.comb(size, 2)),
        dict(Counter(each.query_type for each in kept if each.query_type).most_common()),
    )


def distinct(texts: Sequence[str], n: int) -> float:
    """Different n-grams of words over all n-grams, 1 or 2 words each (Li et al. 2016, 1510.03055); 0 where there is none.

    >>> distinct(["the bee the bee"], 1), distinct(["the bee the bee"], 2)
    (0.5, 0.6666666666666666)
    """
    found: Counter[Any] = Counter()
    for text in texts:
        words = text.casefold().split()
        found.update(words if n == 1 else pairwise(words))
    return len(found) / found.total() if found else 0.0


def spread(rows: "np.ndarray[Any, np.dtype[np.float32]]") -> float | None:
    """1 minus the mean cosine of two different rows of unit length, shape [n, d]; None of fewer than two."""
    n = len(rows)
    if n < 2:
        return None
    total = rows.sum(axis=0, dtype=np.float64)
    own = float((rows.astype(np.float64) ** 2).sum())
    return 1 - (float(total @ total) - own) / (n * (n - 1))


def _lengths(texts: Sequence[str]) -> Lengths:
    counts = [length(text) for text in texts]
    return Lengths(float(np.mean(counts)), tuple(float(each) for each in np.quantile(counts, QUANTILES)))
