"""How far a model combines: the k at which its score falls off, and whether its successes can all be found in its corpus."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from genlab.intervals import CONFIDENCE, RESAMPLES, Floats, Interval, Name, percentiles, resampled_means

LEVEL = 0.5  # our assumption: Yu et al. 2023 speak of a saturation point and define none


@dataclass(frozen=True)
class Saturation:
    """The k at which a score falls below ``level`` for the first time, linearly between the k that were measured.

    ``k``, ``low`` and ``high`` are infinite where the score stays at ``level`` or above up to the largest k measured, and minus
    infinity where it is below at the smallest: then only a bound is known, and ``str`` says it. ``n`` is the smallest number of
    combinations of any k.

    >>> print(Saturation(level=0.5, smallest=2, largest=6, k=math.inf, low=4.25, high=math.inf, n=100))
    at least 6 [4.25, at least 6]
    """

    level: float
    smallest: int
    largest: int
    k: float
    low: float
    high: float
    n: int
    confidence: float = CONFIDENCE

    def __str__(self) -> str:
        return f"{self._said(self.k)} [{self._said(self.low)}, {self._said(self.high)}]"

    def _said(self, k: float) -> str:
        return f"{k:.3g}" if math.isfinite(k) else f"at least {self.largest}" if k > 0 else f"at most {self.smallest}"


def saturation(
    scores: Mapping[int, Mapping[Name, Sequence[float]]],
    *,
    random: np.random.Generator,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Saturation:
    """Saturation k of a score, such as the Ratio of Full Marks, with a cluster bootstrap at each k.

    The paper has no formal definition; ours is that of ``Saturation``. The interval holds for the k measured: a score that
    dips below ``level`` at a k that was left out is not seen.

    Args:
        scores: for each k, what each combination's texts scored, from 0 to 1.
        random: where resampling draws from.
        level: what the score has to reach.
        resamples: of the bootstrap.
        confidence: of the interval.

    Raises:
        ValueError: no k, a k with fewer than two combinations, or a level that is not above 0 and at most 1.
    """
    if not scores or not 0 < level <= 1:
        raise ValueError(f"saturation needs a measured k and a level above 0 and at most 1, got {len(scores)} k, level {level:g}")
    ks = sorted(scores)
    means, draws = [], []
    for its in (scores[k] for k in ks):
        values = [value for each in its.values() for value in each]
        clusters = [name for name, each in its.items() for _ in each]
        draws.append(resampled_means(values, clusters, random=random, resamples=resamples))
        means.append(float(np.mean(values)))
    n = min(sum(len(each) > 0 for each in its.values()) for its in scores.values())
    measured = np.array(ks, dtype=np.float64)
    k = float(_crossings(measured, np.array([means]), level)[0])
    beyond = (ks[0] - 1.0, ks[-1] + 1.0)  # in place of the infinities, so that quantiles can be interpolated
    crossings = np.clip(_crossings(measured, np.stack(draws, 1), level), *beyond)
    low, high = (_open(each, ks[0], ks[-1]) for each in percentiles(crossings, n, confidence))
    return Saturation(level, ks[0], ks[-1], k, min(low, k), max(high, k), n, confidence)


def novelty_bound(k: int, p_s: float, p_t: float, L: float) -> float:
    """Largest share of random prompts that a model can answer with texts from its corpus: p_s^k * p_t * L.

    From Yu et al. 2023: of ``L`` texts, each shows a skill with frequency ``p_s`` and is about a topic with frequency ``p_t``,
    independently. A bound of 1 or more says nothing.

    >>> [float(f"{novelty_bound(k, 0.0234, 1e-6, 1e13):.2g}") for k in (4, 5, 6)]
    [3.0, 0.07, 0.0016]

    Raises:
        ValueError: k below 1, a frequency that is not above 0 and at most 1, or no text.
    """
    if k < 1 or not 0 < p_s <= 1 or not 0 < p_t <= 1 or L <= 0:
        raise ValueError(
            f"the bound needs k of at least 1, frequencies above 0 and at most 1, and L above 0; "
            f"got k={k}, p_s={p_s:g}, p_t={p_t:g}, L={L:g}"
        )
    return float(p_s**k * p_t * L)


@dataclass(frozen=True)
class Novelty:
    """Whether a model's rate of correct answers exceeds what its corpus can hold.

    Attributes:
        verdict: "beyond" where the whole interval of the rate lies above the bound; "vacuous bound" where the bound is 1 or
            more; else "not shown".
        rate, bound: what was compared.
        share: of correct answers, how many at least cannot come from the corpus: (rate - bound) / rate, at least 0, with the
            interval that the rate's gives. None where no answer was correct.
    """

    verdict: Literal["beyond", "not shown", "vacuous bound"]
    rate: Interval
    bound: float
    share: Interval | None


def novelty(measured: Interval, bound: float) -> Novelty:
    """Hold a measured rate, such as the Ratio of Full Marks of one generation, against ``novelty_bound``.

    The bound speaks of one answer a prompt: a best-of-G rate is above it more often than it should be.
    """
    verdict: Literal["beyond", "not shown", "vacuous bound"] = "not shown"
    if bound >= 1:
        verdict = "vacuous bound"
    elif measured.low > bound:
        verdict = "beyond"
    share = None
    if measured.centre > 0:
        rates = (measured.centre, measured.low, measured.high)
        centre, low, high = (max(0.0, 1 - bound / rate) if rate > 0 else 0.0 for rate in rates)
        share = Interval(centre, low, high, measured.n, measured.confidence)
    return Novelty(verdict, measured, bound, share)


def _crossings(ks: Floats, means: Floats, level: float) -> Floats:
    """Where each row of ``means``, one column a k, first falls below ``level``: infinite where never, -infinite where at once."""
    below = np.column_stack([means < level, np.ones(len(means), dtype=bool)])
    first = below.argmax(1)
    last = len(ks) - 1
    after = np.clip(first, 1, last) if last else np.zeros_like(first)
    before = np.maximum(after - 1, 0)
    row = np.arange(len(means))
    drop = means[row, before] - means[row, after]
    part = (means[row, before] - level) / np.where(drop > 0, drop, 1.0)
    between = ks[before] + part * (ks[after] - ks[before])
    return np.where(first == 0, -np.inf, np.where(first > last, np.inf, between))


def _open(k: float, smallest: int, largest: int) -> float:
    return -math.inf if k < smallest else math.inf if k > largest else k
