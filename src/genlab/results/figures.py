"""Figures as plain values: a study says which lines stand in which panel; rendering is somebody else's work."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Line:
    """One curve. ``group`` names the colour it shares with others (three seeds of one step size are one group)."""

    name: str
    x: Array
    y: Array
    group: str = ""
    dashed: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Rule:
    """A horizontal reference line, such as a stability threshold."""

    y: float
    name: str
    group: str = ""


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    rules: Sequence[Rule] = ()
    log_y: bool = False


@dataclass(frozen=True)
class Figure:
    """Panels side by side under one caption. ``name`` becomes the file name."""

    name: str
    title: str
    caption: str
    panels: Sequence[Panel] = field(default_factory=tuple)
