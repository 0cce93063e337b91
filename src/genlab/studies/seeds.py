"""A number of each seed as one interval, and how a table writes it."""

import math
from collections.abc import Sequence

from genlab.intervals import Interval, student_t


def interval_of(values: Sequence[float]) -> Interval | None:
    """Mean and Student-t 95% interval of the finite values; without width of a single one; None of none.

    >>> interval_of([0.5, math.nan]), interval_of([])
    (Interval(centre=0.5, low=nan, high=nan, n=1, confidence=0.95), None)
    """
    known = [each for each in values if math.isfinite(each)]
    if not known:
        return None
    return student_t(known) if len(known) > 1 else Interval(known[0], math.nan, math.nan, 1)


def written(interval: Interval | None, digits: int = 3) -> str:
    """``0.912 [0.9, 0.924]`` in a table; empty where there is none.

    >>> written(interval_of([0.5])), written(None)
    ('0.5', '')
    """
    if interval is None:
        return ""
    if math.isnan(interval.low):
        return f"{interval.centre:.{digits}g}"
    return f"{interval.centre:.{digits}g} [{interval.low:.{digits}g}, {interval.high:.{digits}g}]"
