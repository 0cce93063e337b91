"""Points of a sweep with their intervals over seeds, as lines of a figure and rows of a table."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from genlab.intervals import Interval, student_t
from genlab.results.figures import Line
from genlab.studies.bundles.copies import Trained

ERROR = "Means over seeds that trained to their goal, with Student-t 95% intervals."
Value = Callable[[Trained], float]


def over_seeds(copies: Sequence[Trained], value: Value) -> Interval | None:
    """Mean and interval of the finite values; without width of a single one; None of none."""
    values = [each for copy in copies if math.isfinite(each := value(copy))]
    return _interval(values) if values else None


def _interval(values: Sequence[float]) -> Interval:
    return student_t(values) if len(values) > 1 else Interval(values[0], math.nan, math.nan, 1)


def line(name: str, points: Mapping[float, Sequence[Trained]], value: Value, *, dashed: bool = False) -> list[Line]:
    """A value against what was varied; empty where nothing was measured."""
    known = [(x, each) for x, copies in sorted(points.items()) if (each := over_seeds(copies, value))]
    if not known:
        return []
    x, y, low, high, n = (
        np.array(each, float) for each in zip(*((x, i.centre, i.low, i.high, i.n) for x, i in known), strict=True)
    )
    return [Line(name, x, y, group=name, dashed=dashed, low=low, high=high, n=n, markers=True)]


def along(name: str, copies: Sequence[Trained], column: str) -> list[Line]:
    """A column against the step: the mean over the copies that were measured there, where at least half of them were."""
    by_step: dict[int, list[float]] = {}
    for copy in copies:
        for step, value in zip(*(each.tolist() for each in copy.series(column)), strict=True):
            by_step.setdefault(int(step), []).append(value)
    known = {step: _interval(by_step[step]) for step in sorted(by_step) if 2 * len(by_step[step]) >= len(copies)}
    if len(known) < 2:
        return []
    y, low, high, n = (np.array([getattr(each, key) for each in known.values()]) for key in ("centre", "low", "high", "n"))
    return [Line(name, np.array(list(known), float), y, group=name, low=low, high=high, n=n)]


def path(name: str, points: Sequence[Sequence[Trained]], x: Value, y: Value) -> list[Line]:
    """One measured value against another, a point a setting, in the order of the sweep."""
    known = [(a, b) for copies in points if (a := over_seeds(copies, x)) and (b := over_seeds(copies, y))]
    if not known:
        return []
    columns = zip(*((a.centre, b.centre, b.low, b.high, b.n) for a, b in known), strict=True)
    across, up, low, high, n = (np.array(each, float) for each in columns)
    return [Line(name, across, up, group=name, low=low, high=high, n=n, markers=True)]


def written(interval: Interval | None, digits: int = 3) -> str:
    """``0.912 [0.9, 0.924]`` in a table; empty where there is none."""
    if interval is None:
        return ""
    if math.isnan(interval.low):
        return f"{interval.centre:.{digits}g}"
    return f"{interval.centre:.{digits}g} [{interval.low:.{digits}g}, {interval.high:.{digits}g}]"
