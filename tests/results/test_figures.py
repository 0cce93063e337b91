"""Figures as image files and as plotly's JSON."""

import hashlib
import io
import json
import math
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from typing import Any, Literal

import matplotlib
import numpy as np
import pytest
from PIL import Image
from tests.results.sample_report import curves, gaps, hostile

from genlab.results.curves import POINTS, drawable, lone, spread, thinned
from genlab.results.figures import Figure, Line, Panel, Rule
from genlab.results.interactive import described, numbers, payload, plotly, thins
from genlab.results.legend import COLOURS, Legend
from genlab.results.png import SIZES, render

STEP = np.arange(100.0)
EMPTY = (
    Figure("none", "No panels", ""),
    Figure("bare", "A panel without lines", "", (Panel("bare", "x", "y", (), (Rule(1.0, "one"),)),)),
    Figure("lost", "Nothing finite", "", (Panel("lost", "x", "y", (Line("a", STEP, np.full(100, np.nan)),), log_y=True),)),
)
ODD: dict[str, Any] = {
    "infinite": np.where(STEP % 2, np.inf, 1.0),
    "not positive": -STEP,
    "huge": np.where(STEP % 2, 1e308, -1e308),
    "tiny": np.full(100, 1e-320),
    "constant": np.zeros(100),
    "whole numbers": np.arange(100),
    "single": STEP.astype(np.float32) * 1e-30,
}


def odd(log_y: bool) -> Figure:
    lines = [Line(name, STEP, y, group=name) for name, y in ODD.items()]
    rules = (Rule(0.0, "zero"), Rule(math.nan, "nan"), Rule(2.0, "_two$"))
    return Figure("odd", "An odd $ title_ $x^", "", (Panel("$\\frac$ 漢字 $", "_x", "$y$", lines, rules, log_y),))


def test_a_png_has_the_size_of_its_columns() -> None:
    image = Image.open(io.BytesIO(render(curves(300), dpi=100)))
    width, height = SIZES[2]
    assert image.format == "PNG"
    assert image.size == (round(width * 100), round((height + 0.25) * 100))
    assert len(image.convert("RGB").getcolors(2**20) or ()) > 50


def test_images_are_the_same_bytes_each_time_and_leave_matplotlib_as_it_was() -> None:
    before = dict(matplotlib.rcParams)
    kinds: tuple[Literal["svg"], Literal["png"]] = ("svg", "png")
    for kind in kinds:
        first, second = (hashlib.sha256(render(gaps(), kind=kind, dpi=60)).hexdigest() for _ in range(2))
        assert first == second
    assert dict(matplotlib.rcParams) == before


def test_an_svg_is_xml_without_a_date() -> None:
    text = render(gaps(), kind="svg").decode()
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "dc:date" not in text


@pytest.mark.parametrize("figure", [*EMPTY, odd(False), odd(True), hostile().figures[0]], ids=lambda figure: figure.name[:4])
def test_what_cannot_be_drawn_leaves_a_gap(figure: Figure) -> None:
    assert Image.open(io.BytesIO(render(figure, dpi=50))).size[0] == 50 * SIZES[1][0]
    json.dumps(payload(figure), allow_nan=False)


@pytest.mark.parametrize("figure", EMPTY[1:], ids=lambda figure: figure.name)
def test_an_empty_panel_says_so(figure: Figure) -> None:
    plot = plotly(figure.panels[0], Legend(figure))
    assert [note["text"] for note in plot["layout"]["annotations"]] == ["nothing measured yet"]
    assert "Nothing measured yet" in described(figure.panels[0])


def test_x_and_y_must_have_one_length() -> None:
    with pytest.raises(ValueError, match="one length"):
        drawable(Line("short", STEP, STEP[:-1]), log_y=False)


def test_thinning_keeps_extremes_ends_and_gaps() -> None:
    y = np.random.default_rng(0).normal(size=20_000)
    y[[7_777, 13_131]] = 50, -50
    y[4_000:4_100] = np.nan
    rows = thinned(y)
    assert len(rows) <= POINTS + 3
    assert {0, 7_777, 13_131, len(y) - 1} <= set(rows)
    assert np.isnan(y[rows]).any()
    assert np.all(np.diff(rows) > 0)
    for start in range(0, len(y), 2_000):
        inside = rows[(rows >= start) & (rows < start + 2_000)]
        assert np.nanmax(y[inside]) == np.nanmax(y[start : start + 2_000])
        assert np.nanmin(y[inside]) == np.nanmin(y[start : start + 2_000])


def test_a_line_that_fits_is_drawn_whole() -> None:
    assert thinned(np.zeros(POINTS)).tolist() == list(range(POINTS))
    assert not thins(curves(POINTS))
    assert thins(curves(POINTS + 1))


def test_a_point_between_gaps_gets_a_dot() -> None:
    figure = gaps()
    modes = [trace["mode"] for trace in plotly(figure.panels[0], Legend(figure))["data"]]
    assert modes.count("markers") == 1
    assert lone(np.array([1.0])).tolist() == [0]


def test_a_thinned_line_keeps_all_its_points_in_the_columns() -> None:
    figure = curves(5000)
    content = payload(figure)
    drawn = content["panels"][0]["data"][0]
    recorded = content["lines"][drawn["meta"]["line"]]
    assert len(drawn["x"]) <= POINTS + 2
    np.testing.assert_allclose(content["columns"][recorded["y"]], figure.panels[0].lines[0].y, rtol=1e-6)
    assert content["columns"][recorded["x"]] == list(range(5000))


def test_lines_on_the_same_steps_share_a_column() -> None:
    content = payload(curves(50))
    assert len({line["x"] for line in content["lines"]}) == 1
    assert "x" not in content["panels"][0]["data"][0]


def test_a_divergence_stays_in_the_recorded_columns() -> None:
    assert numbers(np.array([1.0, np.inf, np.nan])) == [1, "inf", "nan"]
    content = payload(gaps())
    assert "inf" in content["columns"][content["lines"][2]["y"]]
    assert None in plotly(gaps().panels[0], Legend(gaps()))["data"][2]["y"]


def test_a_group_has_one_colour_and_one_legend_row() -> None:
    legend = Legend(curves(5))
    assert [entry.label for entry in legend.entries] == ["η = 0.01", "η = 0.02", "η = 0.04", "η = 0.08"]
    assert [entry.colour for entry in legend.entries] == list(COLOURS[:4])


def test_a_group_in_two_dashes_has_two_rows_named_by_its_lines() -> None:
    labels = [entry.label for entry in Legend(gaps()).entries]
    assert labels == ["batch 128, train", "batch 128, test", "batch 4096, train", "batch 4096, test", "chance"]


def test_more_groups_than_colours_still_look_different() -> None:
    lines = [Line("a", STEP, STEP, group=f"group {i}", dashed=i % 2 == 0, markers=True) for i in range(3 * len(COLOURS))]
    entries = Legend(Figure("many", "", "", (Panel("", "", "", lines),))).entries
    assert len({(entry.colour, entry.dash) for entry in entries}) == len(entries)
    assert len({(entry.colour, entry.mark) for entry in entries}) == len(entries)
    assert len({entry.mark for entry in entries[: len(COLOURS)]}) == len(COLOURS)


def test_labels_stand_apart_in_their_order() -> None:
    places = [0.5, 0.5, 0.52, 0.9, 0.1]
    moved = spread(places, gap=0.1)
    ordered = sorted(moved)
    assert min(np.diff(ordered)) >= 0.1 - 1e-6
    assert np.argsort(moved, kind="stable").tolist() == np.argsort(places, kind="stable").tolist()


def test_a_fixed_range_is_seen_whole_in_both_renderers() -> None:
    ratio = Panel("r", "k", "ratio", [Line("a", np.array([2.0, 4.0]), np.array([0.2, 0.3]))], y_range=(0, 1), whole_x=True)
    layout = plotly(ratio, Legend(Figure("f", "", "", (ratio,))))["layout"]
    assert layout["yaxis"]["range"][0] < 0 < 1 < layout["yaxis"]["range"][1]
    assert layout["xaxis"]["range"][0] < 2 < 4 < layout["xaxis"]["range"][1]
    assert layout["xaxis"]["dtick"] == 1
    free = render(Figure("f", "", "", (replace(ratio, y_range=None),)), dpi=50)
    assert render(Figure("f", "", "", (ratio,)), dpi=50) != free


def test_a_fixed_range_on_a_log_axis_is_in_powers_of_ten_for_plotly() -> None:
    panel = Panel("p", "x", "y", [Line("a", STEP, STEP + 1)], y_range=(1, 1000), log_y=True)
    low, high = plotly(panel, Legend(Figure("f", "", "", (panel,))))["layout"]["yaxis"]["range"]
    assert -0.2 < low < 0
    assert 3 < high < 3.2


@pytest.mark.parametrize("bounds", [(1.0, 0.0), (0.5, 0.5), (math.nan, 1.0), (0.0, math.inf)])
def test_a_range_must_be_one(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"panel 'p' needs y_range=\(low, high\) with low < high"):
        Panel("p", "", "", y_range=bounds)
    with pytest.raises(ValueError, match="with 0 < low < high"):
        Panel("p", "", "", y_range=(0.0, 1.0), log_y=True)


def test_words_in_a_plot_are_never_markup() -> None:
    panel = Panel("t", "<b>x</b>", "y & z", (Line('<a href="x">', STEP, STEP),), (Rule(1, "<i>"),))
    plot = plotly(panel, Legend(Figure("f", "", "", (panel,))))
    assert plot["layout"]["xaxis"]["title"]["text"] == "&lt;b&gt;x&lt;/b&gt;"
    assert plot["data"][0]["name"] == '&lt;a href="x"&gt;'
    assert plot["layout"]["annotations"][0]["text"] == "&lt;i&gt;"
