"""Intervals: against scipy's, and against what 95% means."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from genlab import chance
from genlab.intervals import CONFIDENCE, Interval, student_t

values = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20)


@given(values, st.floats(0.5, 0.999))
def test_student_t_is_scipys(sample: list[float], confidence: float) -> None:
    spread = stats.sem(sample)
    assume(spread > 1e-9)
    low, high = stats.t.interval(confidence, len(sample) - 1, loc=np.mean(sample), scale=spread)
    interval = student_t(sample, confidence)
    room = 1e-9 * (abs(low) + abs(high) + spread)
    assert interval.low == pytest.approx(low, abs=room)
    assert interval.high == pytest.approx(high, abs=room)
    assert (interval.n, interval.confidence) == (len(sample), confidence)


@given(values)
def test_the_centre_is_the_mean_and_in_the_middle(sample: list[float]) -> None:
    interval = student_t(sample)
    assert interval.low <= interval.centre <= interval.high
    assert interval.centre == pytest.approx(math.fsum(sample) / len(sample))
    assert interval.confidence == CONFIDENCE == 0.95


@given(values.flatmap(lambda sample: st.tuples(st.just(sample), st.permutations(sample))))
def test_the_order_of_seeds_does_not_matter(samples: tuple[list[float], list[float]]) -> None:
    assert student_t(samples[0]) == student_t(samples[1])


def test_equal_values_leave_no_width() -> None:
    assert student_t([2.5, 2.5, 2.5]) == Interval(2.5, 2.5, 2.5, 3)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_nineteen_intervals_of_twenty_cover_the_truth(n: int) -> None:
    trials = 2000
    draws = [chance.numpy("coverage", n, trial).normal(loc=3.0, scale=2.0, size=n) for trial in range(trials)]
    covered = sum((found := student_t(draw.tolist())).low <= 3.0 <= found.high for draw in draws)
    noise = math.sqrt(CONFIDENCE * (1 - CONFIDENCE) / trials)
    assert abs(covered / trials - CONFIDENCE) < 4 * noise


@pytest.mark.parametrize("sample", [[], [1.0]])
def test_one_seed_has_no_error_bar(sample: list[float]) -> None:
    with pytest.raises(ValueError, match=rf"needs at least 2 values, got {len(sample)}: run more seeds"):
        student_t(sample)


@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused(lost: float) -> None:
    with pytest.raises(ValueError, match=r"finite values, got .*: leave diverged runs out and count them"):
        student_t([1.0, lost, 2.0])


def test_an_interval_in_words() -> None:
    assert str(student_t([1.0, 2.0, 3.0])) == "2 [-0.4841, 4.484]"
