"""A figure as plotly's JSON, one plot a panel: long lines thinned for the screen, every recorded point kept beside them."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genlab.results.bars import categories, places, thickness, values
from genlab.results.curves import POINTS, drawable, is_empty, is_thinned, lone, thinned
from genlab.results.figures import Bars, Figure, Line, Panel
from genlab.results.layout import INK, layout, plain, rules
from genlab.results.legend import BAR_OPACITY, FAINT, ON_DARK, Legend
from genlab.results.whiskers import ends, shifts, words


def numbers(values: NDArray[Any]) -> list[int | float | str]:
    """Values to seven significant digits (whole numbers exact), with "nan", "inf" and "-inf" as words.

    >>> numbers(np.array([3.0, 0.123456789, np.nan, -np.inf]))
    [3, 0.1234568, 'nan', '-inf']
    """
    return [_number(value) for value in np.asarray(values, dtype=np.float64).tolist()]


def _number(value: float) -> int | float | str:
    if not math.isfinite(value):
        return str(value)
    return int(value) if value.is_integer() and abs(value) < 2**53 else float(f"{value:.7g}")


def plotly(panel: Panel, legend: Legend) -> dict[str, Any]:
    """``{"data": [...], "layout": {...}}``, drawn on white. NaN and infinity are null: they leave a gap."""
    return {"data": [trace for _, traces in _traces(panel, legend) for trace in traces], "layout": layout(panel, legend)}


def payload(figure: Figure) -> dict[str, Any]:
    """All the page needs of a figure: its legend, its panels, and its recorded points as columns that lines refer to.

    A trace without points of its own takes them from the columns of its ``line``: those are lines that are neither thinned
    nor have intervals.
    """
    legend = Legend(figure)
    columns: dict[bytes | tuple[str, ...], int] = {}
    recorded: list[Sequence[int | float | str]] = []

    def column(drawn: Line | Bars, name: str) -> dict[str, int]:
        """Where this column stands, under its name; nothing where there is none."""
        values = drawn.categories if name == "x" and isinstance(drawn, Bars) else getattr(drawn, name)
        if values is None:
            return {}
        named = values is getattr(drawn, "categories", None)
        content = tuple(values) if named else np.asarray(values, dtype=np.float64).tobytes()
        if content not in columns:
            columns[content] = len(recorded)
            recorded.append(list(values) if named else numbers(np.asarray(values)))
        return {name: columns[content]}

    lines: list[dict[str, Any]] = []
    panels: list[dict[str, Any]] = []
    for panel in figure.panels:
        data = []
        for drawn, traces in _traces(panel, legend):
            if isinstance(drawn, Line):
                ordered = bool(np.all(np.diff(drawn.x) >= 0))
                traces[0]["meta"] = {"line": len(lines), "thinned": is_thinned(drawn), "ordered": ordered}
                if not is_thinned(drawn) and "text" not in traces[0]:
                    del traces[0]["x"], traces[0]["y"]
            line: dict[str, Any] = {"panel": panel.title, "name": drawn.name, "group": drawn.group}
            line |= {} if isinstance(drawn, Line) else {"words": True}
            for name in ("x", "y", "low", "high", "n"):
                line |= column(drawn, name)
            lines.append(line)
            data += traces
        groups = ["group " + rule.group for rule in rules(panel)]
        across = panel.y_label if panel.bars else panel.x_label
        about = {"title": panel.title, "x_label": across, "log_y": panel.log_y, "rules": groups}
        panels.append({"data": data, "layout": layout(panel, legend)} | about)
    entries = [asdict(entry) for entry in legend.entries]
    drawn_as = {"title": figure.title, "legend": entries, "dark": ON_DARK, "points": POINTS}
    return drawn_as | {"columns": recorded, "lines": lines, "panels": panels}


def thins(figure: Figure) -> bool:
    """Whether any line is too long to be drawn whole."""
    return any(is_thinned(line) for panel in figure.panels for line in panel.lines)


def described(panel: Panel) -> str:
    """A panel in words, for those who cannot see it."""
    scale = ", on a log scale" if panel.log_y else ""
    told = f"{panel.title}: {panel.y_label} against {panel.x_label}{scale}."
    if is_empty(panel):
        return f"{told} Nothing measured yet."
    drawn: list[Line | Bars] = [*panel.lines, *panel.bars]
    groups = ", ".join(dict.fromkeys(each.group or each.name for each in drawn))
    if panel.bars:
        names = categories(panel)
        told += f" Bars for {len(names)} categor{'y' if len(names) == 1 else 'ies'}: {groups}."
    else:
        told += f" {len(panel.lines)} line{'s' * (len(panel.lines) != 1)}: {groups}."
    if any(ends(each) for each in drawn):
        told += " With intervals."
    return told + "".join(f" Reference line at {rule.y:.4g}: {rule.name}." for rule in panel.rules)


def _traces(panel: Panel, legend: Legend) -> list[tuple[Line | Bars, list[dict[str, Any]]]]:
    """What is drawn for each line and each bars, the trace that holds its points first."""
    lines = zip(panel.lines, shifts(panel), strict=True)
    return [
        *((line, _line(line, shift, legend, log_y=panel.log_y)) for line, shift in lines),
        *((bars, _bars(panel, bars, legend)) for bars in panel.bars),
    ]


def _line(line: Line, shift: float, legend: Legend, *, log_y: bool) -> list[dict[str, Any]]:
    x, y = drawable(line, log_y=log_y)
    rows = thinned(y) if is_thinned(line) else np.arange(len(y))
    colour, mark, between = legend.colour(line.group), legend.mark(line), ends(line)
    look: dict[str, Any] = {
        "type": "scatter",
        "name": plain(line.name),
        "legendgroup": legend.key(line),
        "opacity": FAINT if line.faint else 0.9,
        "hovertemplate": "%{x}, %{y:.5~g}<extra>%{fullData.name}</extra>",
    }
    stroke = {"color": colour, "width": 1.1 if line.faint else 1.7, "dash": legend.dash(line)}
    main = look | {"mode": "lines", "line": stroke, "x": _nulled(x[rows]), "y": _nulled(y[rows])}
    told: list[str] = []
    if between or line.n is not None:
        told = [f"{_number(at)}, {each}" for at, each in zip(x.tolist(), words(line), strict=True)]
        look["hovertemplate"] = "%{text}<extra>%{fullData.name}</extra>"
        main |= look | {"x": _nulled(x + shift), "text": told}
    if between:
        main["error_y"] = _whiskers(y, *between, colour, width=4)
    dots = lone(y)
    if mark:
        main |= {"mode": "lines+markers", "marker": {"color": colour, "size": 5 if line.faint else 7, "symbol": mark}}
    elif len(dots):
        dots = dots[thinned(y[dots])]
        look |= {"mode": "markers", "marker": {"color": colour, "size": 5}, "x": _nulled(x[dots] + shift), "y": _nulled(y[dots])}
        return [main, look | ({"text": [told[place] for place in dots]} if told else {})]
    return [main]


def _bars(panel: Panel, bars: Bars, legend: Legend) -> list[dict[str, Any]]:
    y, heights, told = values(bars), places(panel, bars), words(bars)
    colour, between = legend.colour(bars.group), ends(bars)
    look: dict[str, Any] = {"name": plain(bars.name), "legendgroup": legend.key(bars)}
    fill: dict[str, Any] = {"color": colour, "opacity": BAR_OPACITY, "line": {"color": colour, "width": 1}}
    if legend.mark(bars).startswith("hatched"):
        fill["pattern"] = {"shape": "/", "fillmode": "replace", "size": 6}
    main = look | {"type": "bar", "orientation": "h", "x": _nulled(y), "y": _nulled(heights), "width": 0.94 * thickness(panel)}
    named = [plain(f"{name}: {each}") for name, each in zip(bars.categories, told, strict=True)]
    main |= {"marker": fill, "customdata": named, "hovertemplate": "%{customdata}<extra>%{fullData.name}</extra>"}
    if between:
        main["error_x"] = _whiskers(y, *between, INK, width=3)
    gone = np.flatnonzero(np.isnan(y))
    if not len(gone):
        return [main]
    base = max(panel.y_range[0], 0.0) if panel.y_range else 0.0
    why = ["\u00a0" + told[place].partition(",")[0] for place in gone]
    look |= {"type": "scatter", "mode": "text", "text": why, "textposition": "middle right", "hoverinfo": "skip"}
    look |= {"textfont": {"size": 10, "color": INK}, "opacity": 0.7}
    return [main, look | {"x": [base for _ in gone], "y": _nulled(heights[gone])}]


def _whiskers(
    y: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], colour: str, *, width: int
) -> dict[str, Any]:
    """Lengths as plotly counts them, from the value; a null would be a length of 0 to it, and "nan" is none."""
    look = {"type": "data", "symmetric": False, "color": colour, "thickness": 1.3, "width": width}
    return look | {"array": numbers(high - y), "arrayminus": numbers(y - low)}


def _nulled(values: NDArray[np.float64]) -> list[int | float | None]:
    return [None if isinstance(value, str) else value for value in numbers(values)]
