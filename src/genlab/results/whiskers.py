"""The interval at each point of a line or bar: its ends, its words, and where lines stand so that intervals can be told apart."""

import numpy as np
from numpy.typing import NDArray

from genlab.results.curves import LARGEST
from genlab.results.figures import Bars, Line, Panel
from genlab.results.wording import number

APART = 0.08  # our assumption: between neighbouring lines, in steps of x
WIDEST = 0.48  # all lines together: less than half a step, so that it stays plain which x is meant


def ends(drawn: Line | Bars) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The lower and upper end at each point, both NaN where there is none; None where there are no intervals at all.

    Raises:
        ValueError: one end only, an end that is not one a point, or a lower end above the upper.
    """
    if drawn.low is None and drawn.high is None:
        return None
    if drawn.low is None or drawn.high is None:
        raise ValueError(f"{drawn.name!r} has one end of its intervals only: give both low and high")
    low, high = np.array(drawn.low, dtype=np.float64), np.array(drawn.high, dtype=np.float64)
    if not low.shape == high.shape == np.shape(drawn.y):
        raise ValueError(
            f"{drawn.name!r} needs low and high at each of {np.shape(drawn.y)} points, got {low.shape}, {high.shape}"
        )
    if np.any(low > high):
        place = int(np.argmax(low > high))
        raise ValueError(f"{drawn.name!r} needs low <= high, got {low[place]:g} and {high[place]:g} at point {place}")
    with np.errstate(invalid="ignore"):
        gone = ~((np.abs(low) < LARGEST) & (np.abs(high) < LARGEST))
    low[gone] = high[gone] = np.nan
    return low, high


def words(drawn: Line | Bars) -> list[str]:
    """Each point's value with its interval and its count.

    >>> words(Bars("a", ("x", "y"), np.array([0.5, np.nan]), low=np.array([0.4, np.nan]), high=np.array([0.61, np.nan])))
    ['0.5 [0.4, 0.61]', 'not measured']
    >>> words(Line("a", np.arange(2), np.array([3.0, 4.0]), n=np.array([100, 0])))
    ['3, n = 100', '4, n = 0']

    Raises:
        ValueError: not one count a point.
    """
    told = ["not measured" if np.isnan(y) else number(y) for y in np.asarray(drawn.y, dtype=np.float64).tolist()]
    between = ends(drawn)
    if between:
        for place, (low, high) in enumerate(np.stack(between, axis=1).tolist()):
            told[place] += "" if np.isnan(low) else f" [{number(low)}, {number(high)}]"
    if drawn.n is not None:
        if np.shape(drawn.n) != np.shape(drawn.y):
            raise ValueError(f"{drawn.name!r} needs one n a point, got shapes {np.shape(drawn.n)} and {np.shape(drawn.y)}")
        told = [f"{each}, n = {number(count)}" for each, count in zip(told, np.asarray(drawn.n).tolist(), strict=True)]
    return told


def shifts(panel: Panel) -> list[float]:
    """How far each line stands beside its x: the lines with intervals side by side where x are whole, all others at home.

    >>> one, two = np.ones(1), np.full(1, 2.0)
    >>> lines = [Line("a", one, one, low=one, high=two), Line("b", one, one), Line("c", one, one, low=one, high=two)]
    >>> shifts(Panel("", "", "", lines, whole_x=True)), shifts(Panel("", "", "", lines))
    ([-0.04, 0.0, 0.04], [0.0, 0.0, 0.0])
    """
    moved = [0.0 for _ in panel.lines]
    mine = [place for place, line in enumerate(panel.lines) if line.low is not None]
    if panel.whole_x and len(mine) > 1:
        gap = min(APART, WIDEST / (len(mine) - 1))
        for order, place in enumerate(mine):
            moved[place] = round(gap * (order - (len(mine) - 1) / 2), 6)
    return moved
