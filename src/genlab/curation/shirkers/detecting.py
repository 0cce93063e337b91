"""Finding shirkers in any instruction data: every answer beside the others of its data set, without labels and without a model.

Two scores a row: hasty (too little for its question) and empty (words that say nothing). A score adds up the evidence of several
features; evidence is how far a feature lies on the bad side of where good answers lie, in their standard deviations. Where good
answers lie is read off the better end of the data, so that up to 4 in 10 answers may be bad without moving it.

What is not seen this way: a wrong answer, junk in phrases that filler.py does not know, and a short answer where short is
the custom. docs/shirkers.md has what was measured.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genlab.curation.shirkers.answers import Row, answer, instruction
from genlab.curation.shirkers.features import NAMES, Features, measure
from genlab.curation.shirkers.planting import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HASTY = {
    "short": -1.0,
    "sameness": -0.3,
    "uptake": -0.3,
}  # weights, signed to where shirkers lie: our assumption, from tuning data
EMPTY = {
    "filler": 1.0,
    "sameness": 1.0,
    "long": 1.0,
    "repetition": 0.5,
    "marks": -0.5,
    "rarity": -0.5,
    "company": -0.5,
}  # the same
THRESHOLD = 3.5  # measured: docs/log.md, on tuning data only
MOST = 4.0  # evidence of one feature at most, so that none decides alone: our assumption
GOOD, BETTER = 0.7, 0.9  # quantiles by which good answers are located
APART = 0.757  # of a normal variable, its quantiles BETTER and GOOD, in standard deviations
LEAST = {"filler": 0.02, "short": 0.15, "long": 0.15}  # standard deviations at least: less says nothing; our assumption
ROUNDING = 1e-4  # standard deviation at least, of the others: less is rounding
TOLD = 1.0  # evidence from which on a feature is given as a reason: our assumption


@dataclass(frozen=True)
class Scored:
    """An answer beside the others of its data.

    Attributes:
        index: its row, from 0.
        hasty: evidence that it says too little: like a planted "brevity".
        empty: evidence that it says nothing: like planted "junk".
        reasons: what the larger of the two rests on, strongest first.
    """

    index: int
    hasty: float
    empty: float
    reasons: tuple[str, ...]

    @property
    def score(self) -> float:
        """The larger of the two."""
        return max(self.hasty, self.empty)

    @property
    def looks(self) -> Kind:
        """Which kind of shirker it looks like, if any."""
        return "brevity" if self.hasty >= self.empty else "junk"


def score(rows: Sequence[Row], *, model: str = "") -> list[Scored]:
    """Every row's answer, scored beside the others.

    Args:
        rows: of instruction data in any format that ``genlab.finetuning.conversations`` reads; 20 at least.
        model: that embeds texts, as for ``genlab.curation.embedding.embed``; "" is the built-in.

    Raises:
        ValueError: rows that cannot be read, or too few to compare.
    """
    return scored(measure([instruction(row) for row in rows], [answer(row) for row in rows], model=model))


def scored(features: Features) -> list[Scored]:
    """The scores of rows whose features are known."""
    hasty, empty = evidence(features, HASTY), evidence(features, EMPTY)
    sums = [_sum(each, weights) for each, weights in ((hasty, HASTY), (empty, EMPTY))]
    found = []
    for index in range(len(features.short)):
        one, other = float(sums[0][index]), float(sums[1][index])
        larger = hasty if one >= other else empty
        strengths = sorted(((float(each[index]), name) for name, each in larger.items()), reverse=True)
        said = {name: float(getattr(features, name)[index]) for name in NAMES}
        reasons = tuple(_reason(name, said, larger is hasty) for strength, name in strengths if strength >= TOLD)
        found.append(Scored(index, one, other, reasons))
    return found


def dropped(scores: Sequence[Scored], threshold: float = THRESHOLD) -> list[Scored]:
    """Those above the threshold, worst first."""
    return sorted((each for each in scores if each.score > threshold), key=lambda each: (-each.score, each.index))


def evidence(features: Features, weights: Mapping[str, float]) -> "dict[str, Floats]":
    """Of each feature in ``weights``, how far rows lie on its bad side, between 0 and ``MOST`` times its weight; [n] each."""
    return {
        name: abs(weight) * _beyond(getattr(features, name), weight, LEAST.get(name, ROUNDING))
        for name, weight in weights.items()
    }


def _sum(found: "Mapping[str, Floats]", weights: Mapping[str, float]) -> "Floats":
    return np.asarray(sum(found.values()) / math.sqrt(sum(weight**2 for weight in weights.values())), np.float64)


def _beyond(values: "Floats", sign: float, least: float) -> "Floats":
    good = -math.copysign(1.0, sign) * values
    middle, better = np.quantile(good, [GOOD, BETTER])
    spread = max((better - middle) / APART or float(good.std()), least)  # equal quantiles: most answers are alike in it
    return np.asarray(np.clip((middle - good) / spread, 0.0, MOST))


def _reason(name: str, said: Mapping[str, float], hasty: bool) -> str:
    if name == "sameness":
        return "lacks what answers here have in common" if hasty else "resembles answers to anything"
    return {
        "short": f"has {math.exp(said['short']):.0%} of the words that like instructions get",
        "long": f"has {math.exp(said['long']):.1f} times the words that like instructions get",
        "uptake": f"takes up {said['uptake']:.0%} of the instruction's words",
        "rarity": "says little that others do not say",
        "marks": f"has {100 * said['marks']:.1f} numbers, names, code or list items in 100 words",
        "filler": f"is filler in {said['filler']:.0%} of its words",
        "repetition": f"repeats {said['repetition']:.0%} of its pairs of words",
        "company": "is unlike the answers to like instructions",
    }[name]


def to_json(found: Scored, row: Row) -> dict[str, Any]:
    """A scored row, as ``genlab data find-shirkers --out`` writes it."""
    numbers = {
        "index": found.index,
        "score": round(found.score, 4),
        "hasty": round(found.hasty, 4),
        "empty": round(found.empty, 4),
    }
    words = {"instruction": instruction(row), "answer": answer(row)}
    return {**numbers, "looks": found.looks, "reasons": list(found.reasons), **words}


__all__ = ["THRESHOLD", "Scored", "dropped", "score", "to_json"]
