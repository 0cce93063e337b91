"""What of a recorded line can be drawn: where it has gaps, which points stand alone, and which to keep when it is long."""

import numpy as np
from numpy.typing import NDArray

from genlab.results.figures import Line, Panel

POINTS = 2000  # our assumption: about two points a pixel of a panel; a longer line looks the same thinned
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
    """Whether no line of the panel has a point to draw."""
    return all(np.isnan(drawable(line, log_y=panel.log_y)[1]).all() for line in panel.lines)


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
