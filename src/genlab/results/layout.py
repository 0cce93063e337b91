"""The axes of a panel as plotly's JSON: labels, ranges, reference lines, and its height in pixels."""

import math
from typing import Any

import numpy as np

from genlab.results.bars import categories, lines_a_row, wrapped
from genlab.results.curves import drawable, fixed, is_empty, spread, whole
from genlab.results.figures import Panel, Rule
from genlab.results.legend import Legend, short
from genlab.results.whiskers import ends
from genlab.visible import visible

HEIGHT = 340  # pixels of a panel of lines
ROW, AXIS, LABEL = 15, 70, 15  # pixels of a line of text in a row of bars, of what stands below the rows, of a rule's name
INK, GRID = "#222428", "#e4e5e8"


def layout(panel: Panel, legend: Legend) -> dict[str, Any]:
    """Plotly's layout, on white."""
    axis = {"automargin": True, "zeroline": False, "showline": True, "ticks": "outside", "ticklen": 4, "exponentformat": "power"}
    colours = {"gridcolor": GRID, "linecolor": "#888c94", "tickcolor": "#888c94"}
    made: dict[str, Any] = {
        "height": height(panel),
        "margin": {"l": 56, "r": 16, "t": 10, "b": 44},
        "font": {"size": 12, "color": INK, "family": "system-ui, sans-serif"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"namelength": -1},
        "xaxis": axis | colours | {"title": {"text": plain(panel.x_label), "standoff": 8}, "showgrid": False},
        "yaxis": axis | colours | {"title": {"text": plain(panel.y_label), "standoff": 8}},
        "shapes": [],
        "annotations": [],
    }
    if is_empty(panel):
        made["xaxis"] |= {"showticklabels": False, "ticks": "", "fixedrange": True}
        made["yaxis"] |= {"showticklabels": False, "ticks": "", "fixedrange": True, "showgrid": False}
        middle = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False, "font": {"size": 14}}
        made["annotations"] = [middle | {"text": "nothing measured yet"}]
        return made
    if panel.bars:
        _lay_down(made, panel)
    elif panel.log_y:
        low, high = _range(panel)
        decades = 1.11 * (math.log10(high) - math.log10(low))  # plotly leaves this much room
        powers = {"nticks": min(math.ceil(decades + 0.1), 9)} if decades > 2.2 else {}
        made["yaxis"] |= {"type": "log"} | powers  # else it writes 2 and 5 between the powers of ten
    if limits := fixed(panel):
        made["xaxis" if panel.bars else "yaxis"] |= _home(*(math.log10(each) if panel.log_y else each for each in limits))
    if marks := whole(panel):
        low, high, step = marks
        made["xaxis"] |= {"tick0": 0, "dtick": step} | _home(low, high)
    (_add_rules_across if panel.bars else _add_rules)(made, panel, legend)
    return made


def height(panel: Panel) -> int:
    """Of the panel in pixels: bars take what their names and their number need."""
    if not panel.bars or is_empty(panel):
        return HEIGHT
    return AXIS + LABEL * len(rules(panel)) + round(ROW * lines_a_row(panel) * max(len(categories(panel)), 2))


def rules(panel: Panel) -> list[Rule]:
    """The reference lines that can be drawn."""
    if is_empty(panel):
        return []
    return [rule for rule in panel.rules if math.isfinite(rule.y) and (rule.y > 0 or not panel.log_y)]


def plain(text: str) -> str:
    """Text as plotly shows it unread: its labels understand a little HTML.

    >>> plain("<b>k</b>")
    '&lt;b&gt;k&lt;/b&gt;'
    """
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _home(low: float, high: float) -> dict[str, Any]:
    """Where an axis begins and what it goes back to; plotly.js 4.1 forgets ``autorangeoptions`` when a plot is drawn anew."""
    return {"range": [low, high], "autorange": False}


def _lay_down(made: dict[str, Any], panel: Panel) -> None:
    """Bars lie: what was written for the values goes to the axis that runs across, and the categories to the other."""
    names = categories(panel)
    across, along = made["xaxis"], made["yaxis"]
    across["title"], along["title"] = along["title"], across["title"]
    across["title"]["text"] = "<br>".join(map(plain, wrapped(panel.y_label)))  # a phone leaves it little room
    across |= {"showgrid": True, "rangemode": "tozero"}
    edge = 1.0 if len(names) == 1 else 0.5
    along |= {"showgrid": False, "fixedrange": True, "ticks": "", "ticklabelstandoff": 4} | _home(-edge, len(names) - 1 + edge)
    along |= {
        "tickvals": list(range(len(names))),
        "ticktext": ["<br>".join(map(plain, wrapped(each))) for each in reversed(names)],
    }
    made["barmode"] = "overlay"


def _add_rules(made: dict[str, Any], panel: Panel, legend: Legend) -> None:
    drawn = rules(panel)
    scale = math.log10 if panel.log_y else float
    heights = [scale(rule.y) for rule in drawn]
    low, high = _range(panel)
    pixels = (HEIGHT - 60) / ((scale(high) - scale(low)) or 1)
    moved = spread([each * pixels for each in heights], gap=LABEL)
    for rule, at, place in zip(drawn, heights, moved, strict=True):
        across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": rule.y, "y1": rule.y}
        made["shapes"].append(across | {"line": {"color": INK, "width": 1, "dash": "6px,4px"}})
        beside = {"xref": "paper", "x": 1, "xanchor": "left", "yref": "y", "y": at, "yanchor": "middle", "showarrow": False}
        made["annotations"].append(beside | _name(rule, legend) | {"yshift": round(place - at * pixels, 1)})
    made["margin"]["r"] = 16 + round(6.4 * max((len(short(rule.name)) for rule in drawn), default=0))


def _add_rules_across(made: dict[str, Any], panel: Panel, legend: Legend) -> None:
    """Names stand above the bars, one below another, so that they cannot meet."""
    drawn = rules(panel)
    for place, rule in enumerate(drawn):
        up = {"type": "line", "xref": "x", "x0": rule.y, "x1": rule.y, "yref": "paper", "y0": 0, "y1": 1}
        made["shapes"].append(up | {"line": {"color": INK, "width": 1, "dash": "6px,4px"}})
        above = {"xref": "x", "x": rule.y, "xanchor": "auto", "yref": "paper", "y": 1, "yanchor": "bottom", "showarrow": False}
        made["annotations"].append(above | _name(rule, legend) | {"yshift": LABEL * (len(drawn) - 1 - place)})
    made["margin"]["t"] += LABEL * len(drawn)


def _name(rule: Rule, legend: Legend) -> dict[str, Any]:
    return {"text": plain(short(rule.name)), "font": {"color": legend.colour(rule.group), "size": 11}}


def _range(panel: Panel) -> tuple[float, float]:
    """Of all values that are drawn."""
    if limits := fixed(panel):
        return limits
    values = [drawable(line, log_y=panel.log_y)[1] for line in panel.lines]
    values += [each for line in panel.lines for each in ends(line) or ()]
    found = np.concatenate([*values, [rule.y for rule in rules(panel)]])
    found = found[np.isfinite(found) & ((found > 0) | (not panel.log_y))]
    return float(found.min()), float(found.max())
