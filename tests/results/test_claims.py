"""Verdicts: what may be said of an effect from its values over seeds."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.intervals import Interval, student_t
from genlab.results.claims import Claim, Finding, Judged, Region, Verdict, finding, judge, judged, not_measured
from genlab.results.runs import Run

NEAR_ONE = Region(0.9, 1.1)
bounds = st.none() | st.floats(-10, 10)


def found(*values: float, region: Region = NEAR_ONE) -> Finding:
    return finding("toy", region, dict(enumerate(values)), conditions=["a", "b"])


def claim(*findings: Finding) -> Claim:
    return Claim("C1", "It holds.", "a ratio", None, lambda runs: findings)


def verdict_of(*findings: Finding) -> Verdict:
    return Judged(claim(*findings), findings).verdict


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((1.0, 1.01, 0.99), Verdict.HOLDS),
        ((2.0, 2.01, 1.99), Verdict.FAILS),
        ((0.1, 0.11, 0.09), Verdict.FAILS),
        ((1.1, 1.11, 1.09), Verdict.UNDECIDED),  # straddles the bound
        ((0.0, 1.0, 2.0), Verdict.UNDECIDED),  # wider than the region
        ((1.0,), Verdict.UNDECIDED),
        ((5.0,), Verdict.UNDECIDED),  # even far away: one seed has no error bar
        ((), Verdict.NOT_MEASURED),
        ((math.nan, math.inf), Verdict.NOT_MEASURED),
        ((1.0, math.nan), Verdict.UNDECIDED),
    ],
)
def test_the_verdict_on_one_setting(values: tuple[float, ...], verdict: Verdict) -> None:
    assert found(*values).verdict == verdict


@given(bounds, bounds, st.lists(st.floats(-10, 10), min_size=2, max_size=6))
def test_a_finding_holds_exactly_when_its_interval_lies_inside(
    low: float | None, high: float | None, values: list[float]
) -> None:
    result = found(*values, region=Region(low, high))
    interval = student_t(values)
    above = low is None or interval.low >= low
    below = high is None or interval.high <= high
    outside = (low is not None and interval.high < low) or (high is not None and interval.low > high)
    expected = Verdict.HOLDS if above and below else Verdict.FAILS if outside else Verdict.UNDECIDED
    assert result.verdict == expected
    assert result.interval == interval


@given(bounds, bounds, st.lists(st.floats(-10, 10), min_size=3, max_size=3), st.integers(1, 500))
def test_an_interval_made_elsewhere_is_judged_by_the_same_rule(
    low: float | None, high: float | None, ends: list[float], n: int
) -> None:
    below, centre, above = sorted(ends)
    result = judged("k = 3", Region(low, high), Interval(centre, below, above, n), conditions=["a"], note="by bootstrap")
    inside = (low is None or low <= below) and (high is None or above <= high)
    outside = (low is not None and above < low) or (high is not None and below > high)
    assert result.verdict == (Verdict.HOLDS if inside else Verdict.FAILS if outside else Verdict.UNDECIDED)
    assert (result.effect, result.n, result.seeds, result.note) == (centre, n, (), "by bootstrap")


@pytest.mark.parametrize("ends", [(math.nan, 0.0, 1.0), (0.5, -math.inf, 1.0), (0.5, 0.0, math.nan)])
def test_an_interval_without_an_end_is_no_finding(ends: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"setting 'k = 3' needs an interval of finite numbers, got .*not_measured"):
        judged("k = 3", NEAR_ONE, Interval(*ends, n=10), conditions=())


def test_n_counts_the_values_or_is_that_of_the_interval() -> None:
    assert [found(*values).n for values in ((), (1.0,), (1.0, math.nan), (1.0, 1.1, 0.9))] == [0, 1, 1, 3]
    assert [found(*values).seeds for values in ((), (1.0,), (1.0, 1.1))] == [(), (1.0,), (1.0, 1.1)]


def test_one_seed_says_so() -> None:
    result = found(1.0)
    assert (result.effect, result.interval, result.note) == (1.0, None, "one seed: no interval")


def test_values_that_are_not_finite_are_left_out_and_named() -> None:
    result = finding("toy", NEAR_ONE, {3: math.nan, 1: 1.0, 0: 1.0, 2: -math.inf}, conditions=(), note="on CPU")
    assert result.values == (1.0, 1.0)
    assert result.effect == 1.0
    assert result.interval is not None
    assert result.interval.n == 2
    assert result.note == "on CPU; no finite value for seed 2, 3"


def test_values_are_in_the_order_of_seeds() -> None:
    assert finding("toy", NEAR_ONE, {2: 1.2, 0: 1.0, 1: 1.1}, conditions=()).values == (1.0, 1.1, 1.2)


def test_an_effect_that_was_not_measured_is_none_and_not_zero() -> None:
    result = not_measured("toy", NEAR_ONE, "no run crossed", conditions=["a"])
    assert (result.effect, result.interval, result.values) == (None, None, ())
    assert (result.verdict, result.note, result.conditions) == (Verdict.NOT_MEASURED, "no run crossed", ("a",))


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        ("", Verdict.NOT_MEASURED),
        ("n", Verdict.NOT_MEASURED),
        ("hn", Verdict.HOLDS),
        ("hun", Verdict.UNDECIDED),
        ("hhhfhun", Verdict.FAILS),
    ],
)
def test_the_worst_setting_decides(settings: str, verdict: Verdict) -> None:
    kinds = {"h": found(1.0, 1.0), "f": found(9.0, 9.1), "u": found(1.0), "n": found()}
    assert verdict_of(*(kinds[each] for each in settings)) == verdict
    assert verdict_of(*(kinds[each] for each in reversed(settings))) == verdict


def test_judging_hands_the_runs_to_every_claim() -> None:
    def measure(runs: Sequence[Run]) -> list[Finding]:
        return [finding("all", NEAR_ONE, {run.settings["seed"]: run["x"][-1] for run in runs}, conditions=[r.id for r in runs])]

    runs = [Run(f"id{seed}", {"seed": seed}, "steps", {"x": np.array([5.0, 1.0])}) for seed in range(3)]
    judged = judge([Claim("C1", "", "", None, measure), claim(found(9.0, 9.1))], runs)
    assert [each.verdict for each in judged] == [Verdict.HOLDS, Verdict.FAILS]
    assert judged[0].findings[0].conditions == ("id0", "id1", "id2")


@given(bounds, bounds, st.floats(-10, 10))
def test_a_region_is_closed(low: float | None, high: float | None, value: float) -> None:
    region = Region(low, high)
    assert (value in region) == ((low is None or low <= value) and (high is None or value <= high))
    if low is not None and (high is None or low <= high):
        assert low in region
    assert not (value in region and region.misses(Interval(value, value, value, 2)))


def test_regions_in_words() -> None:
    regions = (Region(), Region(low=1), Region(high=1), Region(0.5, 2))
    assert [str(region) for region in regions] == ["any value", "at least 1", "at most 1", "0.5 to 2"]


def test_a_run_says_where_a_column_was_measured() -> None:
    run = Run("a", {}, "steps", {"x": np.array([np.nan, 2.0, np.nan, 4.0]), "n": np.array([1, 2, 3, 4])})
    rows, values = run.measured("x")
    assert (rows.tolist(), values.tolist()) == ([1, 3], [2.0, 4.0])
    assert run.measured("n")[0].tolist() == [0, 1, 2, 3]
