"""Intervals at points: what is drawn of them, what is told, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.results.drawn import coloured, extent

from genlab.results.figures import Array, Bars, Figure, Line, Panel
from genlab.results.interactive import payload, plotly, thins
from genlab.results.legend import COLOURS, Legend
from genlab.results.png import render
from genlab.results.whiskers import ends, shifts, words

ONE, TWO = np.ones(1), np.full(1, 2.0)


def traces(panel: Panel) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = plotly(panel, Legend(Figure("f", "", "", (panel,))))["data"]
    return found


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (ONE, None, "give both low and high"),
        (np.ones(2), np.ones(2), "needs low and high at each of"),
        (TWO, ONE, r"needs low <= high, got 2 and 1 at point 0"),
    ],
)
def test_an_interval_that_is_none_is_refused(low: Array | None, high: Array | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ends(Line("a", ONE, ONE, low=low, high=high))
    with pytest.raises(ValueError, match=message):
        ends(Bars("a", ("x",), ONE, low=low, high=high))


def test_a_count_is_one_a_point() -> None:
    with pytest.raises(ValueError, match="needs one n a point"):
        words(Line("a", ONE, ONE, n=np.ones(3)))


@given(st.lists(st.tuples(*[st.floats(-100, 100)] * 3), min_size=1, max_size=8))
def test_the_bars_that_plotly_draws_end_where_the_interval_ends(rows: list[tuple[float, float, float]]) -> None:
    low, y, high = np.sort(np.array(rows), axis=1).T
    x = np.arange(len(y), dtype=float)
    line = traces(Panel("", "", "", [Line("a", x, y, low=low, high=high)]))[0]
    (bars,) = traces(Panel("", "", "", bars=[Bars("a", [str(each) for each in x], y, low=low, high=high)]))
    for drawn, error in ((line["y"], line["error_y"]), (bars["x"], bars["error_x"])):
        np.testing.assert_allclose(np.array(drawn) + error["array"], high, atol=1e-4)
        np.testing.assert_allclose(np.array(drawn) - error["arrayminus"], low, atol=1e-4)


def test_a_point_without_an_interval_has_none() -> None:
    """A null would be a cap of length 0 to plotly; "nan" is no bar."""
    low, high = np.array([np.nan, 0.1, 0.1]), np.array([0.9, 0.9, np.inf])
    (line,) = traces(Panel("", "", "", [Line("a", np.arange(3.0), np.full(3, 0.5), low=low, high=high)]))
    assert line["error_y"]["array"] == ["nan", 0.4, "nan"]
    assert line["text"] == ["0, 0.5", "1, 0.5 [0.1, 0.9]", "2, 0.5"]


def test_a_reader_who_points_is_told_value_interval_and_count_at_the_true_x() -> None:
    lines = [Line(name, TWO, ONE, low=ONE, high=TWO, n=np.full(1, 40)) for name in "ab"]
    panel = Panel("", "", "", lines, whole_x=True)
    for trace, shift in zip(traces(panel), np.repeat(shifts(panel), 2), strict=True):  # a lone point has a dot of its own
        assert trace["text"] == ["2, 1 [1, 2], n = 40"]
        assert trace["x"] == [2 + shift]
    content = payload(Figure("f", "", "", (panel,)))
    assert [content["columns"][line["x"]] for line in content["lines"]] == [[2], [2]]


@given(st.integers(2, 40))
def test_lines_with_intervals_stand_apart_in_order_and_near_their_x(count: int) -> None:
    moved = shifts(Panel("", "", "", [Line("a", ONE, ONE, low=ONE, high=TWO)] * count, whole_x=True))
    assert min(np.diff(moved)) > 0
    assert max(moved) < 0.25
    assert sum(moved) == pytest.approx(0, abs=1e-4)


def test_a_long_line_with_intervals_is_not_thinned() -> None:
    x = np.arange(5000.0)
    figure = Figure("f", "", "", (Panel("", "", "", [Line("a", x, x, low=x - 1, high=x + 1)]),))
    assert not thins(figure)
    assert len(payload(figure)["panels"][0]["data"][0]["error_y"]["array"]) == 5000


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.9), (0.3, 0.7), (0.45, 0.5)])
def test_the_picture_shows_the_interval_to_scale(low: float, high: float) -> None:
    """The full range, drawn beside it, is the ruler."""
    x, y = np.array([1.0, 2.0]), np.array([0.5, 0.5])
    line = Line("a", x, y, "a", low=np.array([0.0, low]), high=np.array([1.0, high]))
    image = coloured(render(Figure("f", "", "", (Panel("", "", "", [line], y_range=(0, 1)),)), dpi=150), COLOURS[0])
    ruler, drawn = extent(image, side="left"), extent(image, side="right")
    assert drawn / ruler == pytest.approx(high - low, abs=0.02)


@pytest.mark.parametrize("log_y", [False, True])
def test_an_interval_that_reaches_below_zero_can_be_drawn_on_any_axis(log_y: bool) -> None:
    line = Line("a", np.array([1.0, 2.0]), np.array([1.0, 10.0]), low=np.array([-1.0, 2.0]), high=np.array([2.0, 20.0]))
    figure = Figure("f", "", "", (Panel("", "", "", [line], log_y=log_y),))
    render(figure, dpi=50)
    payload(figure)
