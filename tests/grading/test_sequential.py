"""The sequential mode: against looks taken one by one, plans of statsmodels, and its errors on streams of known truth."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_confint

from genlab import chance
from genlab.grading.betting import confidence_sequence
from genlab.grading.sequential import (
    StopRule,
    fixed_for_difference,
    fixed_for_width,
    simulate,
    until_apart,
    until_narrow,
)
from genlab.intervals import CONFIDENCE, student_t

values = st.lists(st.sampled_from([0.0, 1 / 3, 2 / 3, 1.0]), min_size=1, max_size=60)
NOISE = 4  # standard errors that a simulated share may lie off


def share(rate: float, n: int = 1000) -> list[float]:
    return [1.0] * round(rate * n) + [0.0] * (n - round(rate * n))


def differences(better: float, worse: float, n: int = 1000) -> list[float]:
    return [1.0] * round(better * n) + [-1.0] * round(worse * n) + [0.0] * (n - round(better * n) - round(worse * n))


@given(values, st.integers(1, 9))
@settings(deadline=None)
def test_a_decision_rests_on_all_looks_so_far(sample: list[float], look: int) -> None:
    rule = StopRule(width=0.1, apart=False, look=look, most=1000, at_end=0.0)
    ends = sorted({*range(look, len(sample), look), len(sample)})
    single = [confidence_sequence(sample[:end], aim=0.1) for end in ends]
    decision = rule.decide(sample)
    low, high = max(each[0] for each in single), min(each[1] for each in single)
    assert (decision.interval.low, decision.interval.high) == pytest.approx((low, high))
    assert decision.why == ("narrow" if high - low <= 0.2 else "goes on")
    assert decision.stop == (decision.why != "goes on")
    assert low <= decision.interval.centre <= high
    assert decision.interval.n == len(sample)


@given(values, st.sampled_from([0.05, 0.1, 0.2]), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_a_width_is_always_reached_by_the_plan(sample: list[float], width: float, random: object) -> None:
    rule = until_narrow(width)
    decision = rule.decide((sample * rule.most)[: rule.most])
    assert decision.why == "narrow"
    assert (decision.interval.high - decision.interval.low) / 2 <= width


def test_the_last_look_has_the_rest_of_the_error_to_itself() -> None:
    rule = until_narrow(0.1, at_end=0.6)
    found = rule.decide([0.0, 1.0] * (rule.most // 2)).interval
    expected = proportion_confint(rule.most // 2, rule.most, alpha=0.05 * 0.6, method="agresti_coull")
    assert (found.low, found.high) == pytest.approx(expected)


@pytest.mark.parametrize("width", [0.02, 0.05, 0.1, 0.15])
def test_the_fixed_plan_is_the_least_that_reaches_the_width(width: float) -> None:
    n = fixed_for_width(width)
    halves = [np.ptp(proportion_confint(each / 2, each, method="agresti_coull")) / 2 for each in (n - 1, n)]
    assert halves[1] <= width < halves[0]


@pytest.mark.parametrize(("smallest", "deviation", "power"), [(0.1, 0.7, 0.9), (0.2, 0.4, 0.8)])
def test_the_fixed_plan_for_a_difference_is_statsmodels(smallest: float, deviation: float, power: float) -> None:
    expected = NormalIndPower().solve_power(effect_size=smallest / deviation, alpha=0.05, power=power, ratio=0)
    assert fixed_for_difference(smallest, deviation, power) == math.ceil(expected)


def test_each_reason_to_stop() -> None:
    narrow, apart = until_narrow(0.1), until_apart(0.2)
    assert narrow.decide([0.0] * 10).why == "goes on"
    assert narrow.decide([0.0] * 25).why == "narrow"
    assert apart.decide([1.0] * 20).why == "apart"
    assert apart.decide([-1.0] * 20).why == "apart"
    assert apart.decide([0.0] * 60).why == "alike"
    assert apart.decide([1.0, -1.0] * 5).why == "goes on"
    assert StopRule(None, True, 5, 50).decide([1.0, -1.0] * 25).why == "most"
    assert str(narrow.decide([0.0] * 25)).startswith("narrow: 0 [0, 0.1")


def test_a_difference_may_stop_for_its_width() -> None:
    rule = StopRule(width=0.3, apart=True, look=5, most=500)
    assert rule.decide([1.0, -1.0] * 100).why == "narrow"


def test_values_beyond_the_plan_are_not_looked_at() -> None:
    rule = StopRule(0.01, False, 10, 40)
    assert rule.decide([0.0] * 40 + [1.0] * 40) == rule.decide([0.0] * 40)


def test_the_span_of_a_difference_is_twice_as_wide() -> None:
    one = StopRule(0.1, False, 5, 400, at_end=0.0).decide([0.0, 1.0] * 40).interval
    two = StopRule(0.2, True, 5, 400, at_end=0.0).decide([-1.0, 1.0] * 40).interval
    assert (two.low, two.high) == pytest.approx((2 * one.low - 1, 2 * one.high - 1))


def test_a_simulation_is_decisions_one_by_one() -> None:
    rule, recorded, streams = until_narrow(0.1), [0.0] * 8 + [1 / 3] + [1.0], 60
    used, covered = [], 0
    for stream in range(streams):
        drawn = chance.numpy("one by one", stream).choice(recorded, rule.most).tolist()
        looks = (rule.decide(drawn[:n]) for n in [*range(rule.look, rule.most, rule.look), rule.most])
        last = next(decision for decision in looks if decision.stop)
        used.append(float(last.interval.n))
        covered += int(last.interval.low <= np.mean(recorded) <= last.interval.high)
    found = simulate(recorded, rule, fixed=93, repeats=1500, random=chance.numpy("at once"))
    slow = student_t(used, 0.9999)
    assert slow.low < found.mean_used < slow.high
    assert covered / streams == pytest.approx(found.coverage.centre, abs=0.06)
    assert found.saved == pytest.approx(1 - found.mean_used / 93)
    assert found.truth == pytest.approx(np.mean(recorded))
    assert sum(found.reasons.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("rate", "least", "greatest"),
    [(0.0, 0.70, 0.75), (0.03, 0.40, 0.65), (0.97, 0.40, 0.65), (0.2, -0.25, 0.0), (0.5, -0.25, 0.0)],
)
def test_one_model_is_covered_and_what_it_saves_depends_on_its_rate(rate: float, least: float, greatest: float) -> None:
    repeats = 600
    random = chance.numpy("one model", f"{rate:g}")
    found = simulate(share(rate), until_narrow(0.1), fixed=fixed_for_width(0.1), repeats=repeats, random=random)
    assert found.coverage.centre > CONFIDENCE - NOISE * math.sqrt(0.05 * 0.95 / repeats)
    assert least < found.saved < greatest
    assert found.half_width <= 0.1
    assert found.reasons["narrow"] == 1


def test_equal_models_are_seldom_told_apart_where_ordinary_looks_often_do() -> None:
    rule, recorded, repeats = until_apart(0.1, deviation=math.sqrt(0.3)), differences(0.15, 0.15), 600
    found = simulate(recorded, rule, fixed=rule.most, repeats=repeats, random=chance.numpy("equal models"))
    assert found.reasons["apart"] < 0.05 + NOISE * math.sqrt(0.05 * 0.95 / repeats)
    assert found.reasons["alike"] > 0.3
    alarms = 0
    for stream in range(100):
        drawn = chance.numpy("ordinary looks", stream).choice(recorded, rule.most)
        looks = [student_t(drawn[:n].tolist()) for n in range(20, rule.most, 10)]
        alarms += any(each.low > 0 or each.high < 0 for each in looks)
    assert alarms / 100 > 0.15


def test_models_that_differ_by_the_smallest_difference_are_told_apart_as_planned() -> None:
    deviation, repeats = math.sqrt(0.3 - 0.01), 600
    rule, fixed = until_apart(0.1, deviation=deviation), fixed_for_difference(0.1, deviation)
    at = simulate(differences(0.2, 0.1), rule, fixed=fixed, repeats=repeats, random=chance.numpy("smallest"))
    assert at.reasons["apart"] > 0.9 - NOISE * math.sqrt(0.09 / repeats)
    assert at.reasons["alike"] < 0.05 + NOISE * math.sqrt(0.05 * 0.95 / repeats)
    assert at.coverage.centre > CONFIDENCE - NOISE * math.sqrt(0.05 * 0.95 / repeats)
    twice = simulate(differences(0.25, 0.05), rule, fixed=fixed, repeats=repeats, random=chance.numpy("twice"))
    assert twice.reasons["apart"] > 0.99
    assert twice.saved > 0.6


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: StopRule(None, False, 5, 100), "needs a reason to stop"),
        (lambda: StopRule(0.1, False, 0, 100), "look and most of at least 1"),
        (lambda: StopRule(0.1, False, 5, 0), "look and most of at least 1"),
        (lambda: StopRule(0.1, False, 5, 100, at_end=1.0), "at_end from 0 to below 1"),
        (lambda: StopRule(0.1, False, 5, 100, confidence=0.4), "confidence between 0.5 and 1"),
        (lambda: StopRule(0.1, False, 5, 100, smallest=0.1), "is about two models"),
        (lambda: StopRule(1.5, False, 5, 100), "width and smallest lie between 0 and 1"),
        (lambda: StopRule(None, True, 5, 100, smallest=-0.1), "width and smallest lie between 0 and 1"),
        (lambda: until_narrow(0.1).decide([]), "needs a value to look at"),
        (lambda: until_narrow(0.1).decide([-0.5]), r"from 0 to 1 \(one model's means\), got -0.5"),
        (lambda: until_apart(0.1).decide([1.5]), r"from -1 to 1 \(differences of two models\)"),
    ],
)
def test_what_a_rule_refuses(make: object, said: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=said):
        make()
