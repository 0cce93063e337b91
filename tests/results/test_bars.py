"""Bars: one a category, to scale, named, and never a 0 where nothing was measured."""

import io
import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.results.drawn import coloured, runs

from genlab.results.bars import categories, places, thickness, wrapped
from genlab.results.figures import Bars, Figure, Line, Panel, Rule
from genlab.results.interactive import described, payload, plotly
from genlab.results.legend import BAR_OPACITY, COLOURS, Legend
from genlab.results.png import render

NAMES = st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=12, unique=True)


def figure(*bars: Bars, **more: Any) -> Figure:
    return Figure("f", "A title", "", (Panel("p", "skill", "ratio", bars=bars, **more),))


def drawn(*bars: Bars, **more: Any) -> dict[str, Any]:
    made = figure(*bars, **more)
    return plotly(made.panels[0], Legend(made))


@pytest.mark.parametrize(
    ("names", "y", "message"),
    [
        (("a", "b"), np.ones(3), r"bars 'mine' need one value a category, got 2 and \(3,\)"),
        (("a", "a"), np.ones(2), "bars 'mine' name a category twice"),
    ],
)
def test_bars_that_do_not_fit_are_refused(names: tuple[str, ...], y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Bars("mine", names, y)


def test_bars_share_a_panel_with_neither_lines_nor_logarithms() -> None:
    bars, line = Bars("b", ("a",), np.ones(1)), Line("l", np.ones(1), np.ones(1))
    for more in ({"lines": [line]}, {"log_y": True}):
        with pytest.raises(ValueError, match="panel 'p' has bars"):
            figure(bars, **more)


@given(NAMES, NAMES, st.integers(1, 9))
def test_each_bar_has_a_place_of_its_own_in_the_row_of_its_name(first: list[str], second: list[str], groups: int) -> None:
    bars = [Bars(f"group {i}", first if i % 2 else second, np.ones(len(first if i % 2 else second))) for i in range(groups)]
    panel = Panel("", "", "", bars=bars)
    names = categories(panel)
    edges = []
    for each in bars:
        at = places(panel, each)
        assert [names[len(names) - 1 - round(place)] for place in at] == list(each.categories)
        edges += [(place - thickness(panel) / 2, place + thickness(panel) / 2) for place in at]
    edges.sort()
    assert all(below[1] <= above[0] + 1e-9 for below, above in pairwise(edges))


def test_the_first_category_stands_on_top_and_keeps_its_name() -> None:
    plot = drawn(Bars("a", ("metaphor", "red <b>herring</b>"), np.array([0.25, 0.75])))
    axis = plot["layout"]["yaxis"]
    named = dict(zip(axis["tickvals"], axis["ticktext"], strict=True))
    (trace,) = plot["data"]
    told = {named[place]: value for place, value in zip(trace["y"], trace["x"], strict=True)}
    assert told == {"metaphor": 0.25, "red &lt;b&gt;herring&lt;/b&gt;": 0.75}
    assert trace["y"][0] > trace["y"][1]
    assert plot["layout"]["xaxis"]["title"]["text"] == "ratio"
    assert plot["layout"]["yaxis"]["title"]["text"] == "skill"


def test_what_was_not_measured_is_named_and_never_drawn_as_nothing() -> None:
    y = np.array([0.0, np.nan, np.inf])
    main, missing = drawn(Bars("a", ("zero", "lost", "endless"), y, n=np.array([3, 0, 3])))["data"]
    assert main["x"] == [0, None, None]
    assert main["customdata"] == ["zero: 0, n = 3", "lost: not measured, n = 0", "endless: inf, n = 3"]
    assert [each.strip() for each in missing["text"]] == ["not measured", "inf"]
    assert missing["y"] == main["y"][1:]


def test_bars_of_nothing_say_so() -> None:
    for bars in (Bars("a", (), np.ones(0)), Bars("a", ("x",), np.full(1, np.nan))):
        assert [note["text"] for note in drawn(bars)["layout"]["annotations"]] == ["nothing measured yet"]
        assert "Nothing measured yet" in described(figure(bars).panels[0])
        render(figure(bars), dpi=40)


def test_the_words_for_those_who_cannot_see_it() -> None:
    bars = [Bars(name, ("x", "y"), np.ones(2), low=np.zeros(2), high=np.ones(2)) for name in ("ours", "theirs")]
    told = described(figure(*bars, rules=[Rule(0.5, "chance")]).panels[0])
    assert told == "p: ratio against skill. Bars for 2 categories: ours, theirs. With intervals. Reference line at 0.5: chance."


def test_a_long_name_takes_two_lines_at_most_and_a_hostile_one_is_named() -> None:
    assert all(len(line) <= 26 for line in wrapped("word " * 40))
    assert len(wrapped("word " * 40)) == 2
    assert wrapped("x" * 100) == ["x" * 26, "x" * 25 + "…"]
    assert wrapped("fl\u202eip") == ["fl[U+202E]ip"]
    assert wrapped(" ") == [""]


@pytest.mark.parametrize("many", [1, 2, 8, 60])
def test_any_number_of_bars_has_room(many: int) -> None:
    values = np.linspace(1.0, 0.2, many)
    names = [f"a skill with a name of several words, {i}" for i in range(many)]
    made = figure(Bars("a", names, values, "ours"), y_range=(0, 1))
    height = payload(made)["panels"][0]["layout"]["height"]
    assert 100 < height < 3000
    assert (height - 70) / many >= 30  # two lines of text
    found = runs(coloured(render(made, dpi=80), COLOURS[0], BAR_OPACITY))[:many]  # the legend's swatch comes last
    assert len(found) == many
    np.testing.assert_allclose(np.array(found) / found[0], values, atol=0.02)


def test_both_renderers_use_one_colour_a_group_and_hatch_the_seventh() -> None:
    bars = [Bars(f"model {i}", ("x",), np.ones(1), f"model {i}") for i in range(7)]
    plot = drawn(*bars)
    assert [trace["marker"]["color"] for trace in plot["data"]] == [*COLOURS, COLOURS[0]]
    assert ["pattern" in trace["marker"] for trace in plot["data"]] == [False] * 6 + [True]
    picture = render(figure(*bars), dpi=100)
    for colour in COLOURS[1:]:
        assert coloured(picture, colour, BAR_OPACITY).sum() > 500
    marks = [entry.mark for entry in Legend(figure(*bars)).entries]
    assert marks == ["bar"] * 6 + ["hatched bar"]


def test_a_group_of_bars_and_lines_is_one_row_of_the_legend() -> None:
    line = Panel("l", "k", "ratio", [Line("ours", np.arange(2.0), np.ones(2), "ours")])
    both = Figure("f", "", "", (line, Panel("b", "skill", "ratio", bars=[Bars("ours", ("x",), np.ones(1), "ours")])))
    assert [entry.label for entry in Legend(both).entries] == ["ours"]
    render(both, dpi=40)


def test_every_bar_is_in_the_columns_with_its_interval_and_count() -> None:
    y, low, high, n = np.array([0.5, np.nan]), np.array([0.4, np.nan]), np.array([0.6, np.nan]), np.array([12, 0])
    content = payload(figure(Bars("a", ("x", "y"), y, low=low, high=high, n=n)))
    json.dumps(content, allow_nan=False)
    (line,) = content["lines"]
    assert {name: content["columns"][line[name]] for name in ("x", "y", "low", "high", "n")} == {
        "x": ["x", "y"],
        "y": [0.5, "nan"],
        "low": [0.4, "nan"],
        "high": [0.6, "nan"],
        "n": [12, 0],
    }


def test_names_above_the_bars_of_several_rules_do_not_meet() -> None:
    layout = drawn(Bars("a", ("x",), np.ones(1)), rules=[Rule(0.5, "one"), Rule(0.5, "two")])["layout"]
    assert [note["yshift"] for note in layout["annotations"]] == [15, 0]
    assert [(shape["x0"], shape["x1"]) for shape in layout["shapes"]] == [(0.5, 0.5)] * 2


def test_a_picture_of_hostile_names_can_be_made() -> None:
    names = ("$\\frac$", "_x", "\u202eevil", "half \ud800", "nul \0", "漢字", "<script>")
    picture = render(figure(Bars("$", names, np.ones(7)), rules=[Rule(0.5, "$\ud800")]), dpi=50)
    assert Image.open(io.BytesIO(picture)).format == "PNG"
    json.dumps(payload(figure(Bars("$", names, np.ones(7)))), allow_nan=False)
