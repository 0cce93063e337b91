"""What tells a careless answer from one that is short because its question is small: measured within one data set, no labels.

Every feature is a number a row, and means something beside the other rows only: what instructions of like kind get in the same
data, which words are rare there, what everybody's answers have in common.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from genlab.curation.shirkers.filler import filler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NEAREST = 10  # instructions that are like a row's own: our assumption
MUCH = (
    0.7  # quantile: the median of good answers where 4 in 10 are shirkers of one kind; our assumption, as more are not expected
)
BLOCK = 1024  # rows compared at once
STEM = 5  # letters of a word that count when instruction and answer are compared, so that "sort" meets "sorting": our assumption
RUN = 60  # first words of an answer, among which repetition is counted, so that length has no part in it: our assumption
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
MARK = re.compile(r"\d+|`[^`]+`|^\s*(?:[-*•]|\d+[.)])\s|(?<=[a-z,;] )[A-Z]\w+|\w+_\w+|\w+\(|\"[^\"]+\"|https?://", re.MULTILINE)


@dataclass(frozen=True)
class Features:
    """Of n answers, one number each; arrays of shape [n].

    Attributes:
        short: log of words, less what instructions of like length and kind get here when they get much (``MUCH``).
        long: log of words, less what they get when they get little (1 - ``MUCH``).
        uptake: share of the instruction's words, weighted by how rare they are here, that the answer takes up, between 0 and 1.
        rarity: mean log(n / texts that hold it) of the answer's words: how much it says that others do not.
        marks: numbers, names, code, quotes and list items a word.
        filler: share of words that belong to filler phrases.
        repetition: share of pairs of neighbouring words, among the first ``RUN`` words, that were there before.
        company: how much more the answer resembles answers to instructions like its own than answers at large; of cosines.
        sameness: cosine with the mean of all answers: what resembles everything says nothing.
    """

    short: "Floats"
    long: "Floats"
    uptake: "Floats"
    rarity: "Floats"
    marks: "Floats"
    filler: "Floats"
    repetition: "Floats"
    company: "Floats"
    sameness: "Floats"


NAMES = tuple(each.name for each in fields(Features))


def measure(instructions: Sequence[str], answers: Sequence[str], *, model: str = "") -> Features:
    """The features of all rows of a data set.

    Args:
        instructions: n of them.
        answers: theirs.
        model: that embeds, as for ``genlab.curation.embedding.embed``.

    Raises:
        ValueError: not as many answers as instructions, or too few to compare.
    """
    from genlab.curation.embedding import embed

    n = len(answers)
    if n != len(instructions):
        raise ValueError(f"got {len(instructions)} instructions and {n} answers")
    if n < 2 * NEAREST:
        raise ValueError(f"answers are scored beside each other, and {n} are too few: {2 * NEAREST} at least")
    words = [WORD.findall(each.lower()) for each in answers]
    asked = [WORD.findall(each.lower()) for each in instructions]
    held = Counter(word for each in words for word in set(each))
    stems = Counter(stem for each in asked for stem in _stems(each))
    vectors = embed([*instructions, *answers], model).astype(np.float32)
    questions, said = vectors[:n], vectors[n:]
    near, company = _beside(questions, said)
    length = _length([len(each) for each in asked], [len(each) for each in words])
    return Features(
        short=length - np.quantile(length[near], MUCH, axis=1),
        long=length - np.quantile(length[near], 1 - MUCH, axis=1),
        uptake=np.array([_uptake(_stems(one), _stems(other), stems, n) for one, other in zip(asked, words, strict=True)]),
        rarity=np.array([_mean([math.log(n / held[word]) for word in set(each)]) for each in words]),
        marks=np.array([len(MARK.findall(text)) / (len(each) or 1) for text, each in zip(answers, words, strict=True)]),
        filler=np.array([filler(text) / (len(each) or 1) for text, each in zip(answers, words, strict=True)]),
        repetition=np.array([_repetition(each[:RUN]) for each in words]),
        company=company,
        sameness=_unit(said.mean(axis=0)) @ said.T.astype(np.float64),
    )


def _length(asked: Sequence[int], said: Sequence[int]) -> "Floats":
    """Log words of the answers, less a robust line on log words of the instruction."""
    from sklearn.linear_model import HuberRegressor

    x, y = np.log1p(np.array(asked, np.float64)), np.log1p(np.array(said, np.float64))
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return y
    x = (x - x.mean()) / x.std()
    return np.asarray(y - HuberRegressor(max_iter=1000).fit(x[:, None], y).predict(x[:, None]))


def _beside(questions: "NDArray[np.float32]", said: "NDArray[np.float32]") -> "tuple[NDArray[np.intp], Floats]":
    """Of each row the places of its nearest instructions, shape [n, NEAREST], and the feature company."""
    n = len(said)
    at_large = said.astype(np.float64) @ said.sum(axis=0, dtype=np.float64)
    near, company = np.zeros((n, NEAREST), np.intp), np.zeros(n)
    for start in range(0, n, BLOCK):
        rows = slice(start, start + BLOCK)
        alike = questions[rows] @ questions.T
        alike[np.arange(len(alike)), np.arange(len(alike)) + start] = -np.inf
        near[rows] = np.argpartition(-alike, NEAREST - 1, axis=1)[:, :NEAREST]
        company[rows] = np.einsum("rd,rkd->rk", said[rows], said[near[rows]]).mean(axis=1)
    length = np.einsum("nd,nd->n", said, said).astype(np.float64)
    return near, company - (at_large - length) / (n - 1)


def _stems(words: Sequence[str]) -> set[str]:
    return {word[:STEM] for word in words if len(word) > 1}


def _uptake(asked: set[str], said: set[str], stems: Counter[str], n: int) -> float:
    weights = {stem: math.log((n + 1) / stems[stem]) for stem in sorted(asked)}
    whole = sum(weights.values())
    return sum(weight for stem, weight in weights.items() if stem in said) / whole if whole else 1.0


def _repetition(words: Sequence[str]) -> float:
    pairs = list(pairwise(words))
    return 1 - len(set(pairs)) / len(pairs) if pairs else 0.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _unit(vector: "NDArray[np.float32]") -> "Floats":
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length else vector, np.float64)
