"""The confidence sequence: against likelihoods and products written out, and its error counted exactly."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from genlab import chance
from genlab.grading.betting import STRIDES, confidence_sequence, limits, running
from genlab.intervals import wilson

thirds = st.sampled_from([0.0, 1 / 3, 2 / 3, 1.0])
values = st.lists(thirds, min_size=1, max_size=60)


def fortune(sample: list[float], m: float, aim: float) -> float:
    """What 1 becomes when it is split evenly over the bets and bet on the mean being lower than m, one value at a time."""
    pots = []
    for stride in STRIDES:
        pot, b = 1.0, max(0.0, m - stride * aim)
        for x in sample:
            pot *= x * b / m + (1 - x) * (1 - b) / (1 - m)
        pots.append(pot)
    return math.fsum(pots) / len(pots)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.02, 0.3))
@settings(deadline=None, max_examples=60)
def test_the_ends_are_where_a_fortune_reaches_forty(sample: list[float], aim: float) -> None:
    low, high = confidence_sequence(sample, 0.95, aim=aim)
    if high < 1 - 1e-6:
        assert fortune(sample, high + 1e-7, aim) >= 40 * (1 - 1e-4)
        assert fortune(sample, max(high - 1e-6, 1e-9), aim) <= 40 * (1 + 1e-4)
    else:
        assert fortune(sample, 1 - 1e-5, aim) < 41
    mirrored = confidence_sequence([1 - x for x in sample], 0.95, aim=aim)
    assert (low, high) == pytest.approx((1 - mirrored[1], 1 - mirrored[0]), abs=1e-6)


@pytest.mark.parametrize(("successes", "n"), [(0, 20), (3, 40), (20, 40), (190, 200)])
def test_of_zeros_and_ones_it_is_a_test_of_likelihood_ratios(successes: int, n: int) -> None:
    def excess(m: float) -> float:
        bets = [stats.binom.logpmf(successes, n, max(0.0, m - stride * 0.1)) for stride in STRIDES]
        return float(np.logaddexp.reduce(bets) - math.log(len(bets)) - stats.binom.logpmf(successes, n, m) - math.log(40))

    _, high = confidence_sequence([1.0] * successes + [0.0] * (n - successes), 0.95, aim=0.1)
    expected = optimize.brentq(excess, max(successes / n, 1e-6), 1 - 1e-9)
    assert high == pytest.approx(expected, abs=1e-6)


def ever_missed(rate: float, most: int, low: dict[int, list[float]], high: dict[int, list[float]]) -> float:
    """Exact probability that intervals after each of so many fair draws of 0 and 1 leave the rate out at least once."""
    alive = {0: 1.0}
    lost = 0.0
    for n in range(1, most + 1):
        following: dict[int, float] = {}
        for successes, share in alive.items():
            for more, part in ((0, 1 - rate), (1, rate)):
                following[successes + more] = following.get(successes + more, 0.0) + share * part
        missed = [s for s in following if not low[n][s] <= rate <= high[n][s]]
        lost += math.fsum(following.pop(each) for each in missed)
        alive = following
    return lost


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.25, 0.5, 0.9])
def test_all_looks_together_miss_less_often_than_one_in_twenty(rate: float) -> None:
    most = 150
    low: dict[int, list[float]] = {}
    high: dict[int, list[float]] = {}
    low_w: dict[int, list[float]] = {}
    high_w: dict[int, list[float]] = {}
    for n in range(1, most + 1):
        successes = np.arange(n + 1.0)
        ends = limits(np.stack([n - successes, successes], 1), np.array([0.0, 1.0]), 0.95)
        low[n], high[n] = (each.tolist() for each in ends)
        ordinary = [wilson(s, n) for s in range(n + 1)]
        low_w[n], high_w[n] = [each.low for each in ordinary], [each.high for each in ordinary]
    assert 0.0005 < ever_missed(rate, most, low, high) < 0.05
    assert ever_missed(rate, most, low_w, high_w) > 0.15  # what looking often does to an interval for a fixed n


def test_generations_are_covered_at_every_look_too() -> None:
    support = np.array([0, 1 / 3, 2 / 3, 1])
    streams, looks = 1000, 100
    ease = chance.numpy("ease").beta(0.4, 0.6, (streams, looks))
    came = np.cumsum(chance.numpy("generations").binomial(3, ease)[:, :, None] == np.arange(4), 1)
    low, high = limits(came.reshape(-1, 4).astype(float), support, 0.95)
    missed = ((low > 0.4) | (high < 0.4)).reshape(streams, looks).any(1).mean()
    assert missed < 0.05 + 3 * math.sqrt(0.05 * 0.95 / streams)


@given(values.flatmap(lambda sample: st.tuples(st.just(sample), st.permutations(sample))))
@settings(deadline=None)
def test_only_which_values_came_matters(samples: tuple[list[float], list[float]]) -> None:
    assert confidence_sequence(samples[0]) == confidence_sequence(samples[1])


@given(values, st.floats(0.6, 0.98))
@settings(deadline=None)
def test_it_holds_the_mean_and_grows_with_the_confidence(sample: list[float], confidence: float) -> None:
    low, high = confidence_sequence(sample, confidence)
    assert 0 <= low <= np.mean(sample) + 1e-9
    assert np.mean(sample) - 1e-9 <= high <= 1
    wider = confidence_sequence(sample, confidence + 0.01)
    assert wider[0] <= low + 1e-7
    assert high - 1e-7 <= wider[1]


@given(values, st.integers(1, 7))
@settings(deadline=None)
def test_a_running_interval_is_the_intersection_of_all_looks(sample: list[float], look: int) -> None:
    low, high = running(sample, look=look)
    ends = sorted({*range(look, len(sample), look), len(sample)})
    single = [confidence_sequence(sample[:end]) for end in ends]
    assert low == pytest.approx([max(each[0] for each in single[: place + 1]) for place in range(len(ends))])
    assert high == pytest.approx([min(each[1] for each in single[: place + 1]) for place in range(len(ends))])


def test_nothing_is_known_of_nothing() -> None:
    assert confidence_sequence([]) == (0, 1)
    assert confidence_sequence([0.0]) == pytest.approx((0, 1), abs=0.03)


def test_more_values_and_equal_values_narrow_it() -> None:
    widths = [np.ptp(confidence_sequence([0.0, 1.0] * n)) for n in (10, 40, 160, 640)]
    assert all(wide > 1.5 * narrow for wide, narrow in pairwise(widths))
    assert np.ptp(confidence_sequence([0.5] * 100)) < 0.5 * np.ptp(confidence_sequence([0.0, 1.0] * 50))


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan])
def test_values_lie_between_0_and_1(bad: float) -> None:
    with pytest.raises(ValueError, match="needs values from 0 to 1"):
        confidence_sequence([0.5, bad])


def test_no_look_is_taken_at_nothing() -> None:
    with pytest.raises(ValueError, match="needs a value to look at, got none"):
        running([])
