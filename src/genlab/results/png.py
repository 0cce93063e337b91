"""A figure as an image file for a paper: matplotlib, at a fixed size, the same bytes each time."""

import io
import math
import warnings
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from genlab.results.bars import categories, lines_a_row, places, thickness, values, wrapped
from genlab.results.curves import drawable, fixed, is_empty, is_thinned, lone, spread, thinned, whole
from genlab.results.figures import Bars, Figure, Line, Panel, Rule
from genlab.results.legend import BAR_OPACITY, BLACK, DASHES, FAINT, MARKS, Entry, Legend, short
from genlab.results.whiskers import ends, shifts, words
from genlab.visible import visible

ROW, AXIS = 0.155, 1.05  # inches of a line of text in a row of bars, and of what stands above and below the rows
SIZES = {1: (6.4, 3.9), 2: (9.6, 3.7), 3: (13.2, 3.7)}  # inches, by the number of columns
INK = "#222428"
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
    heights = [
        max((_height(panel, height) for panel in figure.panels[row * across :][:across]), default=height) for row in range(down)
    ]
    canvas = Canvas(figsize=(width, round(sum(heights) + legend_height, 2)), layout="constrained", facecolor="white")
    FigureCanvasAgg(canvas)
    canvas.suptitle(_plain(figure.title), x=0.008, ha="left", fontsize=11.5, fontweight="bold")
    grid = canvas.add_gridspec(down, across, height_ratios=heights)
    for place, panel in enumerate(figure.panels):
        _draw(panel, canvas.add_subplot(grid[place]), legend)
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
    if panel.bars:
        _draw_bars(panel, axes, legend)
        return
    if panel.log_y:
        axes.set_yscale("log")
    axes.margins(x=0.02)
    for line, shift in zip(panel.lines, shifts(panel), strict=True):
        _draw_line(line, shift, axes, legend, log_y=panel.log_y)
    if limits := fixed(panel):
        axes.set_ylim(*limits)
    if marks := whole(panel):
        axes.set_xlim(*marks[:2])
        axes.xaxis.set_major_locator(MultipleLocator(marks[2]))
    _draw_rules(panel, axes, legend)


def _draw_line(line: Line, shift: float, axes: Axes, legend: Legend, *, log_y: bool) -> None:
    x, y = drawable(line, log_y=log_y)
    x = x + shift
    rows, dots = thinned(y) if is_thinned(line) else np.arange(len(y)), lone(y)
    look: dict[str, Any] = {"color": legend.colour(line.group), "alpha": FAINT if line.faint else 0.9}
    look |= {"linewidth": 0.8 if line.faint else 1.2, "zorder": 2 if line.faint else 3}
    axes.plot(x[rows], y[rows], linestyle=DASHES[legend.dash(line)], solid_joinstyle="round", **look)
    if mark := legend.mark(line):
        axes.plot(x, y, linestyle="none", marker=MARKS[mark], markersize=3 if line.faint else 4.5, markeredgewidth=0, **look)
    else:
        axes.plot(x[dots], y[dots], ".", markersize=4, **look)
    if between := ends(line):
        low, high = (np.where(np.isnan(y), np.nan, each) for each in between)
        axes.vlines(x, low, high, **look)
        for each in (low, high):
            axes.plot(x, each, "_", markersize=5, markeredgewidth=look["linewidth"], **look)


def _draw_bars(panel: Panel, axes: Axes, legend: Legend) -> None:
    """Bars lie: the values run across, and n stands beside the axes, since a printed page has no hover text."""
    names = categories(panel)
    axes.set_xlabel(_plain(panel.y_label))
    axes.set_ylabel(_plain(panel.x_label))
    axes.grid(visible=False, axis="y")
    for bars in panel.bars:
        _draw_some(panel, bars, axes, legend)
    axes.set_yticks(range(len(names)), ["\n".join(map(_plain, wrapped(each))) for each in reversed(names)], linespacing=1.1)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(*((-1, 1) if len(names) == 1 else (-0.5, len(names) - 0.5)))
    if limits := fixed(panel):
        axes.set_xlim(*limits)
    rules = _rules(panel)
    for place, rule in enumerate(rules):
        axes.axvline(rule.y, linestyle=(0, (5, 3)), linewidth=0.9, color=BLACK, zorder=4)
        above: dict[str, Any] = {
            "xytext": (0, 2 + 10 * (len(rules) - 1 - place)),
            "textcoords": "offset points",
            "ha": "center",
            "fontsize": 8.5,
        }
        colour = legend.colour(rule.group)
        axes.annotate(_plain(short(rule.name)), (rule.y, 1), xycoords=("data", "axes fraction"), color=colour, **above)
    axes.title.set_position((0, 1))
    axes.set_title(_plain(panel.title), pad=8 + 10 * len(rules))


def _draw_some(panel: Panel, bars: Bars, axes: Axes, legend: Legend) -> None:
    y, heights, colour = values(bars), places(panel, bars), legend.colour(bars.group)
    hatch = "////" if legend.mark(bars).startswith("hatched") else None
    thick = 0.94 * thickness(panel)
    axes.barh(
        heights, y, thick, color="none" if hatch else to_rgba(colour, BAR_OPACITY), edgecolor=colour, linewidth=0.8, hatch=hatch
    )
    if between := ends(bars):
        low, high = (np.where(np.isnan(y), np.nan, each) for each in between)
        axes.hlines(heights, low, high, color=INK, linewidth=0.9, zorder=3)
        for each in (low, high):
            axes.plot(each, heights, "|", color=INK, markersize=4, markeredgewidth=0.9, zorder=3)
    base = max(panel.y_range[0], 0.0) if panel.y_range else 0.0
    small: dict[str, Any] = {"fontsize": 7, "va": "center_baseline", "color": "#6b6f78", "textcoords": "offset points"}
    for place, told in enumerate(words(bars)):
        if np.isnan(y[place]):
            axes.annotate(told.partition(",")[0], (base, heights[place]), (3, 0), **small)
        if bars.n is not None:
            at = (1, heights[place])
            axes.annotate(f"n = {bars.n[place]:g}", at, (3, 0), xycoords=("axes fraction", "data"), **small)


def _height(panel: Panel, height: float) -> float:
    if not panel.bars or is_empty(panel):
        return height
    return AXIS + ROW * lines_a_row(panel) * max(len(categories(panel)), 2)


def _rules(panel: Panel) -> list[Rule]:
    return [rule for rule in panel.rules if math.isfinite(rule.y) and (rule.y > 0 or not panel.log_y)]


def _draw_rules(panel: Panel, axes: Axes, legend: Legend) -> None:
    rules = _rules(panel)
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


def _handle(entry: Entry) -> Artist:
    label = _plain(short(entry.label, most=60))
    if entry.mark.endswith("bar"):
        hatch = "////" if entry.mark.startswith("hatched") else None
        fill = "none" if hatch else to_rgba(entry.colour, BAR_OPACITY)
        return Patch(facecolor=fill, edgecolor=entry.colour, linewidth=0.8, hatch=hatch, label=label)
    look: dict[str, Any] = {"color": entry.colour, "linestyle": DASHES[entry.dash], "alpha": FAINT if entry.faint else 1.0}
    if entry.mark:
        look |= {"marker": MARKS[entry.mark], "markersize": 4.5, "markeredgewidth": 0}
    return Line2D([], [], linewidth=1.6, label=label, **look)


def _legend_columns(entries: tuple[Entry, ...], width: float) -> int:
    longest = max((min(len(entry.label), 60) for entry in entries), default=1)
    return int(np.clip(width // (0.075 * longest + 0.6), 1, max(len(entries), 1)))


def _plain(text: str) -> str:
    """Text as matplotlib shows it unread: a dollar is no formula, and a first underscore hides no legend entry."""
    text = visible(text)
    return (" " + text if text.startswith("_") else text).replace("$", r"\$")
