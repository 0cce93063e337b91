"""What of a condition's records is a curve: along which axis, in how many series, and which one number stands for it.

Studies say nothing about this: it follows from the columns. A record with ``step``, ``time`` or ``epoch`` is a reading along a
run; one without, such as a graded text, is one of many of a kind, and counts by its mean. What a study says of its claims is
computed by the study and stands beside this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genlab.results.curves import thinned

Columns = Mapping[str, NDArray[Any]]

AXES = ("step", "time", "epoch")  # the fields along which the studies of this package record
OVER = " / "  # between the two fields of a ratio
NUMBERING = ("index", "generation", "image", "label", "target")  # fields that say which record it is, and measure nothing
CONTROL = "control"  # genlab.grading.GradedText: empty for a student's own text, else it was planted
THRESHOLD = "threshold"  # Cohen et al. 2021: 2/eta, or what momentum makes of it
COPIES = 200  # series of one condition at most: our assumption, four times the largest bundle of the miniatures


@dataclass(frozen=True)
class Series:
    """Rows of a condition that belong together, such as one copy among those trained at once.

    Attributes:
        name: what tells it from the others of its condition ("step_size=0.1 seed=2"); empty where it is the only one.
        rows: their indices, in order.
    """

    name: str
    rows: NDArray[np.intp]


@dataclass(frozen=True)
class Curve:
    """One metric of one series.

    Attributes:
        x, y: what is to be drawn, thinned with its extremes kept; NaN where nothing can be.
        recorded: how many points there are in the records.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    recorded: int


def axes(columns: Columns) -> list[str]:
    """The fields that readings run along, the first of which says when; none where records are no readings.

    >>> axes({"step": np.arange(3), "loss": np.ones(3)}), axes({"k": np.array([2, 2]), "text": np.array(["a", "b"], object)})
    (['step'], [])
    """
    found = [name for name in AXES if name in columns and _whole(columns[name]) and _moves(columns[name])]
    if found or any(column.dtype == object for column in columns.values()):
        return found
    first = next((name for name, column in columns.items() if _numeric(column)), None)
    if first is None or not _whole(columns[first]):
        return []
    return [first] if len(columns[first]) > 1 and bool(np.all(np.diff(columns[first].astype(np.float64)) > 0)) else []


def series(columns: Columns) -> list[Series]:
    """The rows as series along the first axis: where several rows share a place on it, the fields that tell them apart cut them.

    >>> found = series({"step": np.array([0, 0, 1, 1]), "seed": np.array([0, 1, 0, 1]), "loss": np.array([3.0, 4.0, 2.0, 2.5])})
    >>> [(each.name, each.rows.tolist()) for each in found]
    [('seed=0', [0, 2]), ('seed=1', [1, 3])]
    """
    return _cut(columns, axes(columns))


def _cut(columns: Columns, along: Sequence[str]) -> list[Series]:
    size = _length(columns)
    whole = np.arange(size)
    if not along or len(np.unique(columns[along[0]])) == size:
        return [Series("", whole)]
    codes = [np.unique(columns[along[0]], return_inverse=True)[1]]
    keys: list[str] = []
    places = len(np.unique(codes[0]))
    for name, column in columns.items():
        if name in along or column.dtype == object or not _whole(column):
            continue
        values, code = np.unique(column, return_inverse=True)
        if not 1 < len(values) <= size // 2:
            continue
        together = len(np.unique(np.stack([*codes, code]), axis=1).T)
        if together > places:
            codes, places, keys = [*codes, code], together, [*keys, name]
        if places == size:
            break
    if not keys:
        return [Series("", whole)]
    _, which = np.unique(np.stack(codes[1:]), axis=1, return_inverse=True)
    groups = [np.flatnonzero(which.ravel() == each) for each in range(int(which.max()) + 1)]
    groups.sort(key=lambda rows: int(rows[0]))
    return [Series(" ".join(f"{key}={columns[key][rows[0]]:g}" for key in keys), rows) for rows in groups[:COPIES]]


def keys(columns: Columns) -> set[str]:
    """The fields that name a series rather than measure it."""
    return _keys(series(columns))


def _keys(cuts: Sequence[Series]) -> set[str]:
    named = cuts[0].name
    return {part.partition("=")[0] for part in named.split()} if named else set()


def metrics(columns: Columns) -> list[str]:
    """The fields that measure something, and the ratio of each sharpness to its threshold in front.

    >>> metrics({"step": np.arange(2), "loss": np.ones(2), "sharpness": np.ones(2), "threshold": np.ones(2)})
    ['sharpness / threshold', 'loss', 'sharpness', 'threshold']
    """
    along = axes(columns)
    return _measured(columns, along, _cut(columns, along))


def _measured(columns: Columns, along: Sequence[str], cuts: Sequence[Series]) -> list[str]:
    apart = {*along, *_keys(cuts), *NUMBERING}
    plain = [name for name, column in columns.items() if _numeric(column) and name not in apart]
    return [*(f"{name}{OVER}{THRESHOLD}" for name in plain if name.endswith("sharpness") and THRESHOLD in plain), *plain]


def values(columns: Columns, metric: str) -> NDArray[np.float64]:
    """A metric in every row, NaN where it was not recorded.

    Raises:
        ValueError: the records have no such field.
    """
    name, _, below = metric.partition(OVER)
    for each in (name, *([below] if below else [])):
        if each not in columns or not _numeric(columns[each]):
            raise ValueError(f"no metric {metric!r}: these records have {', '.join(metrics(columns))}")
    above = columns[name].astype(np.float64)
    if not below:
        return above
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(above / columns[below].astype(np.float64))


def final(columns: Columns) -> dict[str, float]:
    """The one number of each metric: its last reading, averaged over series; its mean, where records are no readings.

    NaN where a metric was never recorded. Infinity stays infinity. Planted texts are in no mean.
    """
    if not _length(columns):
        return {}
    if CONTROL in columns and columns[CONTROL].dtype == object:
        own = columns[CONTROL] == ""
        columns = {name: column[own] for name, column in columns.items()}
    along = axes(columns)
    cuts = _cut(columns, along)
    found = {}
    for name in _measured(columns, along, cuts):
        read = values(columns, name)
        if along:
            read_there = [read[cut.rows] for cut in cuts] if len(cuts) > 1 else [read]
            kept = [each[~np.isnan(each)] for each in read_there]
            last = [float(each[-1]) for each in kept if len(each)]
        else:
            last = read[~np.isnan(read)].tolist()
        found[name] = sum(last) / len(last) if last else float("nan")
    return found


def curves(columns: Columns, metric: str, axis: str, *, points: int) -> list[Curve]:
    """A metric along an axis: one curve a series, those without any reading left out.

    Args:
        columns: of the records.
        metric: one of ``metrics(columns)``.
        axis: one of ``axes(columns)``.
        points: of a curve at most, about; a longer one keeps its extremes.

    Raises:
        ValueError: the records have no such metric or axis.
    """
    if axis not in axes(columns):
        raise ValueError(f"no axis {axis!r}: these records have {', '.join(axes(columns)) or 'none'}")
    read, along = values(columns, metric), columns[axis].astype(np.float64)
    found = []
    for cut in series(columns):
        x, y = along[cut.rows], read[cut.rows]
        there = np.flatnonzero(~np.isnan(y))
        if not len(there):
            continue
        x, y = x[there], y[there]
        shown = thinned(np.where(np.isfinite(y), y, np.nan), points)
        found.append(Curve(cut.name, x[shown], y[shown], len(there)))
    return found


def _numeric(column: NDArray[Any]) -> bool:
    return column.dtype.kind in "iufb"


def _whole(column: NDArray[Any]) -> bool:
    """Whether it is a number in every row."""
    return _numeric(column) and not (column.dtype.kind == "f" and bool(np.isnan(column).any()))


def _moves(column: NDArray[Any]) -> bool:
    return len(column) < 2 or bool((column != column[0]).any())


def _length(columns: Columns) -> int:
    return len(next(iter(columns.values()), ()))
