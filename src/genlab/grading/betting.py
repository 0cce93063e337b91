"""A confidence sequence by betting: an interval for a mean that may be looked at after every value.

For each mean m that the truth could have, somebody starts with 1 and bets on the values being lower than m, at odds that are
fair if m is the truth. By Ville's inequality such a fortune ever reaches 1/a with probability at most a, so an m against which
it did is ruled out: whenever one looks, however one decides to stop, whatever the distribution on [0, 1]. The construction is
that of Waudby-Smith and Ramdas (2020, "Estimating means of bounded random variables by betting"); in place of their bets, which
follow the past, a fortune here is split over a few fixed bets, as in Cover's universal portfolio. So the interval depends on
which values came and not on their order, and it can be tuned to the width that a rule waits for.
"""

from collections.abc import Sequence

import numpy as np

from genlab.intervals import CONFIDENCE, Floats

AIM = 0.1  # the distance from the mean that bets are tuned to where nobody says (our assumption)
STRIDES = np.array([0.7, 1.0, 1.4, 2.0, 4.0, 8.0])  # from m to the mean a bet speaks for, in aims: measured (docs/log.md)
HALVINGS = 24  # of a bracket of at most 1: limits are exact to 6e-8, outwards


def confidence_sequence(values: Sequence[float], confidence: float = CONFIDENCE, *, aim: float = AIM) -> tuple[float, float]:
    """The interval for the mean of ``values`` after the last of them: one value between 0 and 1 a combination.

    The values are independent, with the same mean; take them in the order of their index, not of their arrival, which may
    favour the short and easy ones. With probability ``confidence`` the truth lies in *all* intervals that growing ``values``
    ever give.

    Args:
        values: any number of them; none at all leaves 0 to 1.
        confidence: for both ends together.
        aim: half-width at which the interval is to be tightest, in advance of any value.

    Raises:
        ValueError: a value outside 0 to 1.
    """
    support, counts = tallied(values)
    low, high = limits(counts[None], support, confidence, aim=aim)
    return float(low[0]), float(high[0])


def running(values: Sequence[float], confidence: float = CONFIDENCE, *, look: int = 1, aim: float = AIM) -> tuple[Floats, Floats]:
    """Low and high ends after every ``look`` values and after the last, each the intersection of all intervals so far.

    Where an intersection is empty, which happens with probability at most 1 - ``confidence``, its ends are crossed.

    Raises:
        ValueError: no value, or one outside 0 to 1.
    """
    if not len(values):
        raise ValueError("a running confidence sequence needs a value to look at, got none")
    support, _ = tallied(values)
    ends = [*range(look, len(values), look), len(values)]
    came = np.cumsum(np.asarray(values, dtype=np.float64)[:, None] == support, 0)
    low, high = limits(came[np.array(ends) - 1].astype(np.float64), support, confidence, aim=aim)
    return np.maximum.accumulate(low), np.minimum.accumulate(high)


def tallied(values: Sequence[float]) -> tuple[Floats, Floats]:
    """The different values, and how often each came.

    Raises:
        ValueError: a value outside 0 to 1.
    """
    support, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    if len(support) and not (support[0] >= 0 and support[-1] <= 1):
        raise ValueError(f"a confidence sequence needs values from 0 to 1, got {support[0]:g} to {support[-1]:g}")
    return support, counts.astype(np.float64)


def limits(counts: Floats, support: Floats, confidence: float = CONFIDENCE, *, aim: float = AIM) -> tuple[Floats, Floats]:
    """Low and high ends for many streams at once: ``counts`` has a row a stream and a column a value of ``support``."""
    high = _upper(counts, support, confidence, aim)
    low = 1 - _upper(counts, 1 - support, confidence, aim)
    return low, high


def _upper(counts: Floats, support: Floats, confidence: float, aim: float) -> Floats:
    """The least mean that is ruled out from above: a fortune that bets on low values only grows with m, so halving finds it."""
    enough = np.log(2 / (1 - confidence))  # half of the error for either end
    total = counts.sum(1)
    kept = np.divide(counts @ support, total, out=np.zeros(len(counts)), where=total > 0)  # no fortune grows against the mean
    kept = np.minimum(kept, 1 - 2.0**-20)  # room for a mean between it and 1
    out = np.ones(len(counts))
    for _ in range(HALVINGS):
        middle = (kept + out) / 2
        ruled_out = _fortune(counts, support, middle, aim) >= enough
        out = np.where(ruled_out, middle, out)
        kept = np.where(ruled_out, kept, middle)
    return out


def _fortune(counts: Floats, support: Floats, m: Floats, aim: float) -> Floats:
    """Log of the fortune against a mean m of each stream, split evenly over bets that the mean is b = m - stride * aim.

    A bet's factor for a value x is x b/m + (1 - x)(1 - b)/(1 - m): 1 on average if the mean is m, and for zeros and ones the
    ratio of their likelihoods.
    """
    b = np.maximum(m[:, None] - STRIDES * aim, 0.0)
    ones, zeros = b / m[:, None], (1 - b) / (1 - m[:, None])
    total = np.zeros(b.shape)
    with np.errstate(divide="ignore", invalid="ignore"):  # a bet that stakes all may lose all: log 0
        for x, came in zip(support, counts.T, strict=True):
            total += np.where(came[:, None] > 0, came[:, None] * np.log(x * ones + (1 - x) * zeros), 0.0)
    return np.asarray(np.logaddexp.reduce(total, axis=1) - np.log(len(STRIDES)))
