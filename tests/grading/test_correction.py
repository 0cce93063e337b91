"""Correction: against counts by hand, the formula turned round, and what 95% means."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.grading.graded_rows import graded

from genlab import chance
from genlab.grading.correction import Planted, corrected, error_rates, planted, true_ratio
from genlab.grading.graded import GradedText
from genlab.intervals import cluster_bootstrap, wilson

rates = st.floats(0, 1)
ROWS = [
    graded("g", "a", [(1, 1, 1, 1, 1)], k=2, control="genuine", truth=(1.0, 1.0, 1.0, 1.0, 1.0)),
    graded("g", "b", [(1, 0, 1, 1, 1)], k=2, control="genuine", truth=(1.0, 1.0, 1.0, 1.0, 1.0)),
    graded("g", "c", [(1, 1, 1, 1, 1), (1, 1, 1, 1, 0), (1, 0, 1, 1, 0)], k=2, control="forged", truth=(0.0, 0.0, 0.0, 1.0, 1.0)),
    graded("g", "d", [(0, 0, 0, 1, 1)], k=2, control="forged", truth=(0.0, 0.0, 0.0, math.nan, 1.0)),
    graded("g", "e", [(1, 1, 0, 1, 1)], k=2, control="off topic", truth=(math.nan, math.nan, 0.0, math.nan, 1.0)),
    graded("g", "f", [(1, 1, 1, 1, 1)], k=2, control="open", truth=(math.nan, 1.0, 1.0, 1.0, 1.0)),
    graded("g", "student's", [(1, 1, 1, 1, 1)], k=2),
    graded("g", "no truth", [(1, 1, 1, 1, 1)], k=2, control="forged"),
    graded("g", "unreadable", [None], k=2, control="forged", truth=(0.0, 0.0, 0.0, 0.0, 0.0)),
]


def rate_of(kind: str, control: str, rows: list[GradedText] = ROWS) -> tuple[object, object]:
    (found,) = [each for each in error_rates(rows) if (each.kind, each.control) == (kind, control)]
    return found.false_positive, found.false_negative


def test_error_rates_are_counts_over_points_with_n_texts() -> None:
    assert rate_of("skill", "genuine") == (None, wilson(2 * 1 / 4, 2))
    assert rate_of("skill", "forged") == (wilson(2 * 2 / 4, 2), None)  # the vote gives both skills of c
    assert rate_of("skill", "all") == (wilson(2 * 2 / 4, 2), wilson(3 * 1 / 5, 3))  # a, b, and one point of f
    assert rate_of("topic", "all") == (wilson(1, 3), wilson(0, 3))
    assert rate_of("topic", "off topic") == (wilson(0, 1), None)
    assert rate_of("sense", "all") == (None, wilson(0, 4))


def test_the_graders_own_view_of_length_counts_and_not_ours() -> None:
    row = replace(ROWS[2], points=(1.0, 1.0, 1.0, 1.0, 1.0))  # our count gives what two of three gradings withhold
    assert rate_of("length", "forged", [row]) == (None, wilson(1, 1))


def test_full_marks_are_judged_as_a_whole() -> None:
    assert rate_of("full marks", "genuine") == (None, wilson(1, 2))
    assert rate_of("full marks", "forged") == (wilson(0, 2), None)
    assert rate_of("full marks", "off topic") == (wilson(0, 1), None)  # one point of 0 is enough to know
    assert not [each for each in error_rates(ROWS) if (each.kind, each.control) == ("full marks", "open")]


def test_kinds_of_control_stand_beside_all_of_them() -> None:
    assert {each.control for each in error_rates(ROWS)} == {"all", "genuine", "forged", "off topic", "open"}
    assert error_rates(ROWS[-3:]) == ()


def test_planted_texts_are_those_whose_full_marks_are_known() -> None:
    assert planted(ROWS) == Planted(deserving=(1.0, 0.0), undeserving=(0.0, 0.0, 0.0))
    unnamed = [replace(row, full_marks_unnamed=0.0) for row in ROWS]
    assert planted(unnamed, lambda row: row.full_marks_unnamed).deserving == (0.0, 0.0)


@given(rates, rates, rates)
def test_the_formula_undoes_what_a_grader_does(truth: float, sensitivity: float, specificity: float) -> None:
    if sensitivity + specificity <= 1:
        with pytest.raises(ValueError, match="their sum has to exceed 1"):
            true_ratio(truth, sensitivity, specificity)
    elif sensitivity + specificity > 1.01:
        measured = truth * sensitivity + (1 - truth) * (1 - specificity)
        assert true_ratio(measured, sensitivity, specificity) == pytest.approx(truth, abs=1e-9)


@given(rates, st.floats(0.6, 1), st.floats(0.6, 1))
def test_a_corrected_ratio_is_a_ratio(measured: float, sensitivity: float, specificity: float) -> None:
    assert 0 <= true_ratio(measured, sensitivity, specificity) <= 1
    assert true_ratio(measured, 1, 1) == pytest.approx(measured)


def experiment(truth: float, sensitivity: float, wrongly: float, controls: int, *key: str | int) -> tuple[list[float], Planted]:
    """Full marks of 100 combinations of 3 texts as a grader sees them, and what it made of planted texts."""
    random = chance.numpy("experiment", *key)
    ease = np.repeat(random.beta(truth, 1 - truth, 100), 3)
    values = random.random(300) < np.where(random.random(300) < ease, sensitivity, wrongly)
    seen = [tuple((random.random(controls) < rate).astype(float).tolist()) for rate in (sensitivity, wrongly)]
    return values.astype(float).tolist(), Planted(*seen)


CLUSTERS = [each // 3 for each in range(300)]


@pytest.mark.parametrize(("truth", "sensitivity", "wrongly"), [(0.12, 0.95, 0.05), (0.75, 0.8, 0.1), (0.9, 1.0, 0.0)])
def test_corrected_intervals_cover_the_truth_where_measured_ones_need_not(
    truth: float, sensitivity: float, wrongly: float
) -> None:
    trials, covered, blind = 200, 0, 0
    for trial in range(trials):
        values, controls = experiment(truth, sensitivity, wrongly, 40, f"{truth:g}", trial)
        random = chance.numpy("corrected", f"{truth:g}", trial)
        found = corrected(values, CLUSTERS, controls, random=random, resamples=400)
        covered += found.low <= truth <= found.high
        raw = cluster_bootstrap(values, CLUSTERS, random=random, resamples=400)
        blind += raw.low <= truth <= raw.high
        assert 0 <= found.low <= found.centre <= found.high <= 1
        assert found.n == 100
    assert covered / trials > 0.92
    if sensitivity < 0.9:
        assert blind / trials < 0.7


def test_the_uncertainty_of_the_error_rates_is_carried() -> None:
    values, _ = experiment(0.5, 0.9, 0.1, 2, "carried")
    widths = []
    for tens in (2, 20, 2000):
        controls = Planted((1.0,) * 9 * tens + (0.0,) * tens, (0.0,) * 9 * tens + (1.0,) * tens)
        found = corrected(values, CLUSTERS, controls, random=chance.numpy("widths"))
        assert found.centre == pytest.approx(true_ratio(float(np.mean(values)), 0.9, 0.9))
        widths.append(found.high - found.low)
    raw = cluster_bootstrap(values, CLUSTERS, random=chance.numpy("widths"))
    assert widths[0] > 1.3 * widths[1] > 1.3 * widths[2]
    assert widths[2] == pytest.approx((raw.high - raw.low) / 0.8, rel=0.05)


def test_no_error_among_few_planted_texts_is_not_no_error() -> None:
    values, _ = experiment(0.5, 1.0, 0.0, 2, "perfect")
    found = corrected(values, CLUSTERS, Planted((1.0,) * 10, (0.0,) * 10), random=chance.numpy("perfect"))
    raw = cluster_bootstrap(values, CLUSTERS, random=chance.numpy("perfect"))
    assert found.centre == pytest.approx(raw.centre)
    assert found.high - found.low > 1.2 * (raw.high - raw.low)


@pytest.mark.parametrize(
    "controls",
    [Planted((1.0, 0.0) * 10, (1.0, 0.0) * 10), Planted((1.0,) * 3, (0.0,) * 2 + (1.0,)), Planted((0.0,) * 20, (1.0,) * 20)],
)
def test_a_grader_that_may_be_a_coin_is_not_corrected(controls: Planted) -> None:
    with pytest.raises(ValueError, match="the grader's errors are too large to correct for"):
        corrected([1.0, 0.0] * 150, CLUSTERS, controls, random=chance.numpy("coin"))


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        (Planted((1.0,), (0.0,) * 9), "that deserve the score, got 1"),
        (Planted((1.0,) * 9, ()), "that do not deserve the score, got 0"),
    ],
)
def test_a_correction_needs_planted_texts_of_both_kinds(controls: Planted, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        corrected([1.0, 0.0] * 150, CLUSTERS, controls, random=chance.numpy("few"))
