"""Curves of records: axes, series, ratios, the number that stands for a condition, thinning."""

import math

import numpy as np
import pytest

from genlab.view.series import COPIES, axes, curves, final, keys, metrics, series, values

STEP = np.arange(6)


def test_a_reading_runs_along_its_axes() -> None:
    columns = {"step": STEP, "time": STEP * 0.5, "loss": np.ones(6)}
    assert axes(columns) == ["step", "time"]
    assert axes({"tokens": STEP * 10, "loss": np.ones(6)}) == ["tokens"]  # a study of somebody's own
    assert axes({"loss": np.ones(6)}) == []


def test_texts_run_along_nothing() -> None:
    words = np.array(["a"] * 6, dtype=object)
    assert axes({"index": STEP, "text": words, "points": np.ones(6)}) == []
    assert axes({"epoch": np.ones(6), "text": words}) == []


def test_copies_that_were_trained_at_once_are_series_of_their_own() -> None:
    steps = np.repeat(np.arange(3), 4)
    eta, seed = np.tile([0.1, 0.1, 0.2, 0.2], 3), np.tile([0, 1, 0, 1], 3)
    columns = {"step": steps, "step_size": eta, "seed": seed, "loss": np.linspace(1, 2, 12)}
    found = series(columns)
    assert [each.name for each in found] == [
        "step_size=0.1 seed=0",
        "step_size=0.1 seed=1",
        "step_size=0.2 seed=0",
        "step_size=0.2 seed=1",
    ]
    assert found[1].rows.tolist() == [1, 5, 9]
    assert keys(columns) == {"step_size", "seed"}
    assert metrics(columns) == ["loss"]
    assert final(columns)["loss"] == pytest.approx(np.linspace(1, 2, 12)[8:].mean())


def test_steps_that_repeat_for_no_reason_are_one_series() -> None:
    assert [each.name for each in series({"step": np.zeros(4), "loss": np.arange(4.0)})] == [""]


def test_very_many_series_are_cut() -> None:
    columns = {"step": np.repeat([0, 1], 500), "copy": np.tile(np.arange(500), 2), "loss": np.ones(1000)}
    assert len(series(columns)) == COPIES


def test_a_sharpness_is_read_over_its_threshold() -> None:
    columns = {"step": STEP, "sharpness": np.array([1, np.nan, 2, np.nan, 4, np.nan]), "threshold": np.full(6, 2.0)}
    assert metrics(columns)[0] == "sharpness / threshold"
    found = values(columns, "sharpness / threshold")
    assert found[[0, 2, 4]].tolist() == [0.5, 1.0, 2.0]
    (curve,) = curves(columns, "sharpness / threshold", "step", points=100)
    assert (curve.x.tolist(), curve.y.tolist(), curve.recorded) == ([0, 2, 4], [0.5, 1.0, 2.0], 3)


def test_the_last_reading_stands_for_a_run_and_the_mean_for_texts() -> None:
    assert final({"step": STEP, "loss": np.array([5, 4, 3, 2, 1, np.nan])})["loss"] == 1
    assert math.isnan(final({"step": STEP, "loss": np.full(6, np.nan)})["loss"])
    assert final({"step": STEP, "loss": np.array([1.0, 1, 1, 1, 1, np.inf])})["loss"] == math.inf
    words = np.array(list("abcdef"), dtype=object)
    assert final({"text": words, "points": np.array([1, 0, 1, 0, np.nan, np.nan])})["points"] == 0.5


def test_planted_texts_are_in_no_mean() -> None:
    control = np.array(["", "", "off topic", ""], dtype=object)
    assert final({"text": control, "control": control, "full_marks": np.array([1.0, 1.0, 0.0, 0.0])})[
        "full_marks"
    ] == pytest.approx(2 / 3)


def test_no_records_are_no_numbers() -> None:
    assert final({}) == {}
    assert final({"step": np.array([], dtype=int), "loss": np.array([])}) == {}


def test_a_long_curve_keeps_its_extremes() -> None:
    y = np.zeros(10_000)
    y[7_777], y[1_234] = 9.0, -9.0
    (curve,) = curves({"step": np.arange(10_000), "loss": y}, "loss", "step", points=100)
    assert len(curve.x) <= 110
    assert {9.0, -9.0} <= set(curve.y.tolist())
    assert curve.recorded == 10_000


def test_infinity_is_a_point_that_is_not_drawn() -> None:
    (curve,) = curves({"step": np.arange(3), "loss": np.array([1.0, np.inf, 2.0])}, "loss", "step", points=100)
    assert curve.y.tolist() == [1.0, np.inf, 2.0]


def test_what_is_not_recorded_is_refused_by_name() -> None:
    columns = {"step": STEP, "loss": np.ones(6)}
    with pytest.raises(ValueError, match="no metric 'accuracy': these records have loss"):
        curves(columns, "accuracy", "step", points=10)
    with pytest.raises(ValueError, match="no axis 'epoch': these records have step"):
        curves(columns, "loss", "epoch", points=10)
