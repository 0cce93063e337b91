"""What of a recorded line can be drawn, and where: gaps, points that stand alone, which to keep when it is long, ranges."""

import math

import numpy as np
from numpy.typing import NDArray

from genlab.results.figures import Line, Panel

POINTS = 2000  # our assumption: about two points a pixel of a panel; a longer line looks the same thinned
ROOM = 0.03  # of a range that a panel fixes, on either side: a mark on its edge is seen whole
BESIDE = 0.3  # of a step, left and right of whole numbers
LARGEST = 1e150  # our assumption: beyond this an axis cannot compute its own range in float64


def drawable(line: Line, *, log_y: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``x`` and ``y`` in float64, with NaN in ``y`` where nothing can be drawn.

    Raises:
        ValueError: ``x`` and ``y`` differ in length or are not one-dimensional.
    """
    x = np.asarray(line.x, dtype=np.float64)
    y = np.array(line.y, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"line {line.name!r} needs x and y of one length, got shapes {x.shape} and {y.shape}")
    with np.errstate(invalid="ignore"):
        good = (np.abs(x) < LARGEST) & (np.abs(y) < LARGEST)
        y[~(good & (y > 1 / LARGEST) if log_y else good)] = np.nan
    return x, y


def is_empty(panel: Panel) -> bool:
    """Whether no line and no bar of the panel has a point to draw."""
    lines = [drawable(line, log_y=panel.log_y)[1] for line in panel.lines]
    return not any((np.abs(y) < LARGEST).any() for y in [*lines, *(np.asarray(bars.y) for bars in panel.bars)])


def is_thinned(line: Line) -> bool:
    """Whether a line is too long to be drawn whole; one with intervals or counts always is."""
    return len(line.y) > POINTS and line.low is None and line.n is None


def fixed(panel: Panel) -> tuple[float, float] | None:
    """The range to draw where the panel fixes one: a little wider, save that bars still begin at the axis.

    >>> fixed(Panel("", "", "", y_range=(0, 1))), fixed(Panel("", "", ""))
    ((-0.03, 1.03), None)
    """
    if panel.y_range is None:
        return None
    low, high = panel.y_range
    if panel.log_y:
        room = (high / low) ** ROOM
        return low / room, high * room
    room = ROOM * (high - low)
    return low - room * (not panel.bars or low < 0), high + room


def whole(panel: Panel) -> tuple[float, float, int] | None:
    """Where x are whole numbers: from where to where to draw, and the step between its marks.

    >>> whole(Panel("", "", "", [Line("a", np.array([2, 5]), np.ones(2))], whole_x=True))
    (1.7, 5.3, 1)
    """
    found = [each for line in panel.lines for each in np.asarray(line.x, dtype=np.float64).tolist() if abs(each) < LARGEST]
    if not panel.whole_x or not found:
        return None
    low, high = min(found), max(found)
    step = max(math.ceil((high - low) / 10), 1)
    return low - BESIDE * step, high + BESIDE * step, step


def lone(y: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows that no segment reaches, having a gap or an end on both sides: these need a dot to be seen.

    >>> lone(np.array([1.0, np.nan, 2.0, 3.0, np.nan, 4.0])).tolist()
    [0, 5]
    """
    padded = np.concatenate(([True], np.isnan(y), [True]))
    return np.flatnonzero(~padded[1:-1] & padded[:-2] & padded[2:])


def thinned(y: NDArray[np.float64], limit: int = POINTS) -> NDArray[np.intp]:
    """Rows to draw of a long line: both ends, the lowest and highest point of each of ``limit / 2`` buckets, and every gap.

    A line of at most ``limit`` points keeps them all.

    >>> thinned(np.array([0.0, 1.0, 9.0, 1.0, 0.0, -9.0, 0.0, 0.0]), limit=4).tolist()
    [0, 2, 4, 5, 7]
    """
    if len(y) <= limit:
        return np.arange(len(y))
    size = -(-len(y) // max(limit // 2, 1))
    starts = np.arange(0, len(y), size)
    gaps = np.isnan(y)
    lowest, highest = np.where(gaps, np.inf, y), np.where(gaps, -np.inf, y)
    padding = (0, len(starts) * size - len(y))
    lows = np.pad(lowest, padding, constant_values=np.inf).reshape(-1, size).argmin(axis=1)
    highs = np.pad(highest, padding, constant_values=-np.inf).reshape(-1, size).argmax(axis=1)
    gap_starts = np.flatnonzero(gaps & ~np.concatenate(([False], gaps[:-1])))
    return np.unique(np.concatenate((starts + lows, starts + highs, gap_starts, [0, len(y) - 1])))


def spread(places: list[float], gap: float) -> list[float]:
    """Places moved as little as a sweep can so that neighbours stand at least ``gap`` apart, for labels beside an axis.

    >>> spread([0.5, 0.51, 0.9], gap=0.1)
    [0.455, 0.555, 0.9]
    """
    if not places:
        return []
    order = sorted(range(len(places)), key=places.__getitem__)
    clusters: list[list[int]] = []
    centres: list[float] = []
    for index in order:
        clusters.append([index])
        centres.append(places[index])
        while len(clusters) > 1 and centres[-1] - centres[-2] < gap * (len(clusters[-1]) + len(clusters[-2])) / 2:
            clusters[-2:] = [clusters[-2] + clusters[-1]]
            centres[-2:] = [sum(places[each] for each in clusters[-1]) / len(clusters[-1])]
    moved = list(places)
    for cluster, centre in zip(clusters, centres, strict=True):
        for position, index in enumerate(cluster):
            moved[index] = round(centre + gap * (position - (len(cluster) - 1) / 2), 9)
    return moved
