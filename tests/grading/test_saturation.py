"""Saturation and novelty: against interpolation by hand, numpy.interp, and the sheet of facts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab import chance
from genlab.grading.saturation import LEVEL, Saturation, novelty, novelty_bound, saturation
from genlab.intervals import Interval, wilson

GPT4 = {2: 0.95, 3: 0.66, 4: 0.48, 5: 0.12, 6: 0.08}  # Ratio of Full Marks on the published leaderboard


def texts(rates: dict[int, float], combinations: int = 100) -> dict[int, dict[int, list[float]]]:
    """One text a combination, with as many full marks as the rate says."""
    return {k: {each: [float(each < round(rate * combinations))] for each in range(combinations)} for k, rate in rates.items()}


def found(rates: dict[int, float], combinations: int = 100, level: float = LEVEL) -> Saturation:
    return saturation(texts(rates, combinations), random=chance.numpy("saturation"), level=level, resamples=500)


def test_gpt4_saturates_between_three_and_four() -> None:
    ours = found(GPT4)
    assert ours.k == pytest.approx(3 + (0.66 - 0.5) / (0.66 - 0.48))
    assert 3 < ours.low < ours.k < ours.high < 4.5
    assert (ours.n, ours.smallest, ours.largest) == (100, 2, 6)
    assert str(ours).startswith("3.89 [3.")


@given(st.lists(st.integers(0, 20), min_size=2, max_size=6, unique=True), st.integers(1, 19))
@settings(deadline=None, max_examples=50)
def test_a_falling_score_is_read_off_as_numpy_does(percents: list[int], level: int) -> None:
    falling = sorted(percents, reverse=True)
    rates = {2 + each: value / 20 for each, value in enumerate(falling)}
    ours = found(rates, 20, (level - 0.5) / 20)  # never equal to a score
    expected = np.interp(-(level - 0.5) / 20, [-rate for rate in rates.values()], list(rates), left=-math.inf, right=math.inf)
    assert ours.k == pytest.approx(float(expected))
    assert ours.low <= ours.k <= ours.high


def test_the_first_fall_counts() -> None:
    assert found({1: 0.8, 2: 0.4, 3: 0.9, 4: 0.1}).k == pytest.approx(1.75)


def test_k_that_were_left_out_are_bridged() -> None:
    assert found({2: 0.8, 6: 0.2}).k == pytest.approx(4)


def test_the_level_itself_is_reached() -> None:
    assert found({2: 0.5, 3: 0.5, 4: 0.0}).k == pytest.approx(3)


@pytest.mark.parametrize(
    ("rates", "k", "said"),
    [
        ({2: 1.0, 3: 1.0}, math.inf, "at least 3 [at least 3, at least 3]"),
        ({2: 0.0, 3: 0.0}, -math.inf, "at most 2 [at most 2, at most 2]"),
        ({4: 0.9}, math.inf, "at least 4 [at least 4, at least 4]"),
        ({4: 0.1}, -math.inf, "at most 4 [at most 4, at most 4]"),
    ],
)
def test_beyond_what_was_measured_there_is_only_a_bound(rates: dict[int, float], k: float, said: str) -> None:
    assert found(rates).k == k
    assert str(found(rates)) == said


def test_an_interval_may_be_open_on_one_side() -> None:
    ours = found({2: 0.9, 3: 0.47}, 60)
    assert 2 < ours.low < ours.k < 3
    assert ours.high == math.inf
    assert str(ours).endswith(", at least 3]")


@pytest.mark.parametrize("truth", [2.5, 3.25])
def test_the_interval_covers_the_truth(truth: float) -> None:
    rates = {k: min(1.0, max(0.0, 0.5 + (truth - k) * 0.4)) for k in (2, 3, 4)}  # linear, so that interpolating is right
    trials, covered = 200, 0
    for trial in range(trials):
        random = chance.numpy("saturation covers", f"{truth:g}", trial)
        drawn = {k: {each: [float(random.random() < rate)] * 3 for each in range(50)} for k, rate in rates.items()}
        ours = saturation(drawn, random=random, resamples=300)
        covered += ours.low <= truth <= ours.high
        assert ours.n == 50
    assert covered / trials > 0.91


@pytest.mark.parametrize("level", [0.0, -0.5, 1.1])
def test_a_level_lies_above_nothing_and_up_to_all(level: float) -> None:
    with pytest.raises(ValueError, match="a level above 0 and at most 1"):
        found(GPT4, level=level)


def test_no_k_saturates_nothing() -> None:
    with pytest.raises(ValueError, match="needs a measured k"):
        saturation({}, random=chance.numpy("none"))


@pytest.mark.parametrize(("k", "bound"), [(4, 2.99), (5, 0.07), (6, 0.0016)])
def test_the_bound_is_that_of_the_sheet_of_facts(k: int, bound: float) -> None:
    assert novelty_bound(k, p_s=0.0234, p_t=1e-6, L=1e13) == pytest.approx(bound, rel=0.03)


@pytest.mark.parametrize(
    ("k", "p_s", "p_t", "L"), [(0, 0.1, 0.1, 1), (2, 0, 0.1, 1), (2, 1.1, 0.1, 1), (2, 0.1, 0, 1), (2, 0.1, 0.1, 0)]
)
def test_a_bound_needs_frequencies_and_texts(k: int, p_s: float, p_t: float, L: float) -> None:
    with pytest.raises(ValueError, match="the bound needs k of at least 1"):
        novelty_bound(k, p_s, p_t, L)


def test_the_papers_margin_at_five_is_not_shown_with_its_n() -> None:
    ours = novelty(wilson(0.12 * 39, 39), 0.07)
    assert ours.verdict == "not shown"
    assert ours.share is not None
    assert ours.share.centre == pytest.approx(0.42, abs=0.005)  # "more than one third", as the paper has it
    assert ours.share.low == 0


def test_at_six_it_is_shown() -> None:
    ours = novelty(wilson(0.08 * 32, 32), novelty_bound(6, 0.0234, 1e-6, 1e13))
    assert ours.verdict == "beyond"
    assert ours.share is not None
    assert ours.share.low > 0.9


def test_a_bound_of_one_or_more_says_nothing() -> None:
    ours = novelty(Interval(1.0, 0.98, 1.0, 100), novelty_bound(4, 0.0234, 1e-6, 1e13))
    assert ours.verdict == "vacuous bound"
    assert ours.share is not None
    assert ours.share.centre == 0


def test_no_correct_answer_has_no_share() -> None:
    assert novelty(wilson(0, 30), 0.01).share is None


@given(st.floats(0.001, 1), st.floats(0.001, 1), st.floats(0.001, 1), st.floats(1e-6, 2))
def test_the_verdict_and_the_share_agree(one: float, two: float, three: float, bound: float) -> None:
    low, centre, high = sorted((one, two, three))
    ours = novelty(Interval(centre, low, high, 50), bound)
    assert ours.share is not None
    assert 0 <= ours.share.low <= ours.share.centre <= ours.share.high <= 1
    assert (ours.verdict == "beyond") == (ours.share.low > 0)
    if bound < centre:
        assert ours.share.centre == pytest.approx((centre - bound) / centre)
