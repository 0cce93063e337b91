"""A figure as an image file for a paper: matplotlib, at a fixed size, the same bytes each time."""

import io
import math
import warnings
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from genlab.results.curves import drawable, is_empty, lone, spread, thinned
from genlab.results.figures import Figure, Panel
from genlab.results.legend import BLACK, DASHES, FAINT, Entry, Legend, short

SIZES = {1: (6.4, 3.9), 2: (9.6, 3.7), 3: (13.2, 3.7)}  # inches, by the number of columns
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#55585f",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e4e5e8",
    "grid.linewidth": 0.6,
    "xtick.color": "#55585f",
    "ytick.color": "#55585f",
    "xtick.labelcolor": "#222428",
    "ytick.labelcolor": "#222428",
    "lines.linewidth": 1.2,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "svg.hashsalt": "genlab",
    "svg.fonttype": "path",
}


def columns(panels: int) -> int:
    """How many panels stand side by side: up to three, and four as two by two."""
    return 2 if panels == 4 else min(max(panels, 1), 3)


def render(figure: Figure, *, kind: Literal["png", "svg"] = "png", dpi: int = 200) -> bytes:
    """The figure with its title and one legend below its panels; the caption is left to the page it will stand on."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        canvas = _drawn(figure)
        file = io.BytesIO()
        canvas.savefig(file, format=kind, dpi=dpi, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return file.getvalue()


def _drawn(figure: Figure) -> Canvas:
    legend = Legend(figure)
    across = columns(len(figure.panels))
    down = max(math.ceil(len(figure.panels) / across), 1)
    width, height = SIZES[across]
    handles = [_handle(entry) for entry in legend.entries]
    per_row = _legend_columns(legend.entries, width)
    legend_height = 0.25 * math.ceil(len(handles) / per_row)
    canvas = Canvas(figsize=(width, round(height * down + legend_height, 2)), layout="constrained", facecolor="white")
    FigureCanvasAgg(canvas)
    canvas.suptitle(_plain(figure.title), x=0.008, ha="left", fontsize=11.5, fontweight="bold")
    for place, panel in enumerate(figure.panels, start=1):
        _draw(panel, canvas.add_subplot(down, across, place), legend)
    if handles:
        canvas.legend(handles=handles, loc="outside lower center", ncols=per_row, handlelength=2.2, columnspacing=1.8)
    return canvas


def _draw(panel: Panel, axes: Axes, legend: Legend) -> None:
    axes.set_title(_plain(panel.title), pad=8)
    axes.set_xlabel(_plain(panel.x_label))
    axes.set_ylabel(_plain(panel.y_label))
    if is_empty(panel):
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "nothing measured yet", ha="center", va="center", color="#6b6f78", transform=axes.transAxes)
        return
    if panel.log_y:
        axes.set_yscale("log")
    axes.margins(x=0.02)
    for line in panel.lines:
        x, y = drawable(line, log_y=panel.log_y)
        rows, dots = thinned(y), lone(y)
        look: dict[str, Any] = {"color": legend.colour(line.group), "alpha": FAINT if line.faint else 0.9}
        look |= {"linewidth": 0.8 if line.faint else 1.2, "zorder": 2 if line.faint else 3}
        axes.plot(x[rows], y[rows], DASHES[legend.dash(line)], solid_joinstyle="round", **look)
        axes.plot(x[dots], y[dots], ".", markersize=4, **look)
    _draw_rules(panel, axes, legend)


def _draw_rules(panel: Panel, axes: Axes, legend: Legend) -> None:
    rules = [rule for rule in panel.rules if math.isfinite(rule.y) and (rule.y > 0 or not panel.log_y)]
    for rule in rules:
        axes.axhline(rule.y, linestyle=(0, (5, 3)), linewidth=0.9, color=BLACK, zorder=4)
    low, high = axes.get_ylim()
    scale = math.log if panel.log_y else float
    places = [(scale(rule.y) - scale(low)) / (scale(high) - scale(low)) for rule in rules]
    for rule, place in zip(rules, spread(places, gap=0.06), strict=True):
        colour = legend.colour(rule.group)
        axes.text(
            1.015, place, _plain(short(rule.name)), color=colour, va="center_baseline", fontsize=8.5, transform=axes.transAxes
        )
    axes.set_ylim(low, high)


def _handle(entry: Entry) -> Line2D:
    look: dict[str, Any] = {"color": entry.colour, "linestyle": DASHES[entry.dash], "alpha": FAINT if entry.faint else 1.0}
    return Line2D([], [], linewidth=1.6, label=_plain(short(entry.label, most=60)), **look)


def _legend_columns(entries: tuple[Entry, ...], width: float) -> int:
    longest = max((min(len(entry.label), 60) for entry in entries), default=1)
    return int(np.clip(width // (0.075 * longest + 0.6), 1, max(len(entries), 1)))


def _plain(text: str) -> str:
    """Text as matplotlib shows it unread: a dollar is no formula, and a first underscore hides no legend entry."""
    return (" " + text if text.startswith("_") else text).replace("$", r"\$")
