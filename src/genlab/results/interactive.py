"""A figure as plotly's JSON, one plot a panel: long lines thinned for the screen, every recorded point kept beside them."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genlab.results.curves import POINTS, drawable, is_empty, lone, spread, thinned
from genlab.results.figures import Figure, Panel, Rule
from genlab.results.legend import FAINT, ON_DARK, Legend, short

HEIGHT = 340  # pixels of one panel
INK, GRID = "#222428", "#e4e5e8"


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
    data: list[dict[str, Any]] = []
    for line in panel.lines:
        x, y = drawable(line, log_y=panel.log_y)
        rows, dots = thinned(y), lone(y)
        colour = legend.colour(line.group)
        look = {
            "type": "scatter",
            "name": _plain(line.name),
            "legendgroup": legend.key(line),
            "opacity": FAINT if line.faint else 0.9,
            "hovertemplate": "%{x}, %{y:.5~g}<extra>%{fullData.name}</extra>",
        }
        stroke = {"color": colour, "width": 1.1 if line.faint else 1.7, "dash": legend.dash(line)}
        data.append(look | {"mode": "lines", "line": stroke, "x": _nulled(x[rows]), "y": _nulled(y[rows])})
        if len(dots):
            dots = dots[thinned(y[dots])]
            look |= {"mode": "markers", "marker": {"color": colour, "size": 5}}
            data.append(look | {"x": _nulled(x[dots]), "y": _nulled(y[dots])})
    return {"data": data, "layout": _layout(panel, legend)}


def payload(figure: Figure) -> dict[str, Any]:
    """All the page needs of a figure: its legend, its panels, and its recorded points as columns that lines refer to.

    A trace that is not thinned carries no points of its own: the page takes them from the columns of its ``line``.
    """
    legend = Legend(figure)
    columns: dict[bytes, int] = {}
    recorded: list[list[int | float | str]] = []

    def column(values: NDArray[Any]) -> int:
        content = np.asarray(values, dtype=np.float64).tobytes()
        if content not in columns:
            columns[content] = len(recorded)
            recorded.append(numbers(values))
        return columns[content]

    lines: list[dict[str, Any]] = []
    panels: list[dict[str, Any]] = []
    for panel in figure.panels:
        plot = plotly(panel, legend)
        traces = iter(trace for trace in plot["data"] if trace["mode"] == "lines")
        for line, trace in zip(panel.lines, traces, strict=True):
            trace["meta"] = {"line": len(lines), "thinned": len(line.y) > POINTS, "ordered": bool(np.all(np.diff(line.x) >= 0))}
            lines.append({"panel": panel.title, "name": line.name, "group": line.group, "x": column(line.x), "y": column(line.y)})
            if not trace["meta"]["thinned"]:
                del trace["x"], trace["y"]
        rules = ["group " + rule.group for rule in _rules(panel)]
        panels.append(plot | {"title": panel.title, "x_label": panel.x_label, "log_y": panel.log_y, "rules": rules})
    entries = [asdict(entry) for entry in legend.entries]
    drawn = {"title": figure.title, "legend": entries, "dark": ON_DARK, "points": POINTS}
    return drawn | {"columns": recorded, "lines": lines, "panels": panels}


def thins(figure: Figure) -> bool:
    """Whether any line is too long to be drawn whole."""
    return any(len(line.y) > POINTS for panel in figure.panels for line in panel.lines)


def described(panel: Panel) -> str:
    """A panel in words, for those who cannot see it."""
    scale = ", on a log scale" if panel.log_y else ""
    told = f"{panel.title}: {panel.y_label} against {panel.x_label}{scale}."
    if is_empty(panel):
        return f"{told} Nothing measured yet."
    groups = ", ".join(dict.fromkeys(line.group or line.name for line in panel.lines))
    told += f" {len(panel.lines)} line{'s' * (len(panel.lines) != 1)}: {groups}."
    return told + "".join(f" Reference line at {rule.y:.4g}: {rule.name}." for rule in panel.rules)


def _layout(panel: Panel, legend: Legend) -> dict[str, Any]:
    axis = {"automargin": True, "zeroline": False, "showline": True, "ticks": "outside", "ticklen": 4, "exponentformat": "power"}
    colours = {"gridcolor": GRID, "linecolor": "#888c94", "tickcolor": "#888c94"}
    layout: dict[str, Any] = {
        "height": HEIGHT,
        "margin": {"l": 56, "r": 16, "t": 10, "b": 44},
        "font": {"size": 12, "color": INK, "family": "system-ui, sans-serif"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"namelength": -1},
        "xaxis": axis | colours | {"title": {"text": _plain(panel.x_label), "standoff": 8}, "showgrid": False},
        "yaxis": axis | colours | {"title": {"text": _plain(panel.y_label), "standoff": 8}},
        "shapes": [],
        "annotations": [],
    }
    if is_empty(panel):
        layout["xaxis"] |= {"showticklabels": False, "ticks": "", "fixedrange": True}
        layout["yaxis"] |= {"showticklabels": False, "ticks": "", "fixedrange": True, "showgrid": False}
        middle = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False, "font": {"size": 14}}
        layout["annotations"] = [middle | {"text": "nothing measured yet"}]
        return layout
    if panel.log_y:
        low, high = _range(panel)
        decades = 1.11 * (math.log10(high) - math.log10(low))  # plotly leaves this much room
        powers = {"nticks": min(math.ceil(decades + 0.1), 9)} if decades > 2.2 else {}
        layout["yaxis"] |= {"type": "log"} | powers  # else it writes 2 and 5 between the powers of ten
    _add_rules(layout, panel, legend)
    return layout


def _add_rules(layout: dict[str, Any], panel: Panel, legend: Legend) -> None:
    rules = _rules(panel)
    scale = math.log10 if panel.log_y else float
    heights = [scale(rule.y) for rule in rules]
    low, high = _range(panel)
    pixels = (HEIGHT - 60) / ((scale(high) - scale(low)) or 1)
    moved = spread([height * pixels for height in heights], gap=15)
    for rule, height, place in zip(rules, heights, moved, strict=True):
        colour = legend.colour(rule.group)
        across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": rule.y, "y1": rule.y}
        layout["shapes"].append(across | {"line": {"color": INK, "width": 1, "dash": "6px,4px"}})
        beside = {"xref": "paper", "x": 1, "xanchor": "left", "yref": "y", "y": height, "yanchor": "middle", "showarrow": False}
        words = {
            "text": _plain(short(rule.name)),
            "font": {"color": colour, "size": 11},
            "yshift": round(place - height * pixels, 1),
        }
        layout["annotations"].append(beside | words)
    layout["margin"]["r"] = 16 + round(6.4 * max((len(short(rule.name)) for rule in rules), default=0))


def _rules(panel: Panel) -> list[Rule]:
    if is_empty(panel):
        return []
    return [rule for rule in panel.rules if math.isfinite(rule.y) and (rule.y > 0 or not panel.log_y)]


def _range(panel: Panel) -> tuple[float, float]:
    drawn = [drawable(line, log_y=panel.log_y)[1] for line in panel.lines]
    values = np.concatenate([y[~np.isnan(y)] for y in drawn] + [np.array([rule.y for rule in _rules(panel)])])
    return float(values.min()), float(values.max())


def _nulled(values: NDArray[np.float64]) -> list[int | float | None]:
    return [None if isinstance(value, str) else value for value in numbers(values)]


def _plain(text: str) -> str:
    """Text as plotly shows it unread: its labels understand a little HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
