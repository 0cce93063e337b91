"""Points of a sweep with their intervals over seeds, as lines of a figure and rows of a table."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from genlab.intervals import Interval
from genlab.results.figures import Line
from genlab.studies.bundles.copies import Trained
from genlab.studies.seeds import interval_of

ERROR = "Means over seeds that trained to their goal, with Student-t 95% intervals."
Value = Callable[[Trained], float]


def over_seeds(copies: Sequence[Trained], value: Value) -> Interval | None:
    """Mean and interval of the finite values; without width of a single one; None of none."""
    return interval_of([value(copy) for copy in copies])


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
    shared = [step for step in sorted(by_step) if 2 * len(by_step[step]) >= len(copies)]
    known = {step: each for step in shared if (each := interval_of(by_step[step]))}
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
