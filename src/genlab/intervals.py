"""Honest error bars: an interval always travels with the number of values and the confidence it was made at."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95  # every interval genlab prints, unless its own row says otherwise


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval ``[low, high]`` around ``centre``, from ``n`` independent values."""

    centre: float
    low: float
    high: float
    n: int
    confidence: float = CONFIDENCE

    def __str__(self) -> str:
        return f"{self.centre:.4g} [{self.low:.4g}, {self.high:.4g}]"


def student_t(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Student-t interval for the mean of ``values``: one value per seed, two at least.

    >>> student_t([1.0, 2.0, 3.0])
    Interval(centre=2.0, low=-0.484..., high=4.484..., n=3, confidence=0.95)

    Raises:
        ValueError: fewer than two values (one seed has no error bar), or a value that is not finite.
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"a Student-t interval needs at least 2 values, got {n}: run more seeds")
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"a Student-t interval needs finite values, got {list(values)}: leave diverged runs out and count them")
    from scipy import stats

    mean = math.fsum(values) / n
    variance = math.fsum((value - mean) * (value - mean) for value in values) / (n - 1)
    half = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * math.sqrt(variance / n)
    return Interval(mean, mean - half, mean + half, n, confidence)
