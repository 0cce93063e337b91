"""Figures as plain values: a study says which lines and bars stand in which panel; rendering is somebody else's work."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Line:
    """One curve. ``group`` names the colour it shares with others (three seeds of one step size are one group).

    Attributes:
        low, high: the interval at each point, drawn as a bar with caps; NaN where there is none.
        n: how many values each point rests on; a reader who points at it is told.
        markers: whether each point has a mark, as a line of few points needs.
    """

    name: str
    x: Array
    y: Array
    group: str = ""
    dashed: bool = False
    faint: bool = False
    low: Array | None = None
    high: Array | None = None
    n: Array | None = None
    markers: bool = False


@dataclass(frozen=True)
class Bars:
    """One value a category, as bars of one colour; several of them in a panel stand side by side in each category.

    Attributes:
        y: the values; NaN where there is none, which is shown as "not measured" and never as 0.
        group, low, high, n: as in ``Line``.
    """

    name: str
    categories: Sequence[str]
    y: Array
    group: str = ""
    low: Array | None = None
    high: Array | None = None
    n: Array | None = None

    def __post_init__(self) -> None:
        if np.shape(self.y) != (len(self.categories),):
            raise ValueError(f"bars {self.name!r} need one value a category, got {len(self.categories)} and {np.shape(self.y)}")
        if len(set(self.categories)) < len(self.categories):
            raise ValueError(f"bars {self.name!r} name a category twice: {list(self.categories)}")


@dataclass(frozen=True)
class Rule:
    """A reference line at one value, such as a stability threshold."""

    y: float
    name: str
    group: str = ""


@dataclass(frozen=True)
class Panel:
    """One pair of axes, for lines or for bars.

    ``y_label``, ``y_range``, ``log_y`` and rules belong to the values. Bars lie on their side, so that long names can be
    read: their values run across, and ``x_label`` says what the categories are.

    Attributes:
        y_range: the range of the values, where it is known beforehand, as for ratios; None shows what there is.
        whole_x: whether x are whole numbers (k = 2, 3, 4), marked as such; lines with intervals then stand a little beside
            each other, so that their intervals can be told apart.
    """

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line] = ()
    rules: Sequence[Rule] = ()
    log_y: bool = False
    bars: Sequence[Bars] = ()
    y_range: tuple[float, float] | None = None
    whole_x: bool = False

    def __post_init__(self) -> None:
        if self.bars and (self.lines or self.log_y):
            raise ValueError(
                f"panel {self.title!r} has bars: their axis is linear and takes no lines, which need a panel of their own"
            )
        if self.y_range and not (
            -np.inf < self.y_range[0] < self.y_range[1] < np.inf and (self.y_range[0] > 0 or not self.log_y)
        ):
            above = "0 < " if self.log_y else ""
            raise ValueError(f"panel {self.title!r} needs y_range=(low, high) with {above}low < high, got {self.y_range}")


@dataclass(frozen=True)
class Figure:
    """Panels side by side under one caption. ``name`` becomes the file name."""

    name: str
    title: str
    caption: str
    panels: Sequence[Panel] = field(default_factory=tuple)
