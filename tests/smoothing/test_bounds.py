"""What counts prove: against statsmodels and scipy, the paper's figures, and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from genlab.smoothing.bounds import (
    abstains,
    certified_radius,
    largest_radius,
    lower_bound,
    smallest_probability,
    tie_p_value,
    upper_bound,
)


@given(st.data(), st.integers(1, 100_000), st.sampled_from([0.001, 0.01, 0.05, 0.3]))
def test_the_bound_is_that_of_statsmodels(data: st.DataObject, n: int, alpha: float) -> None:
    successes = data.draw(st.integers(0, n))
    low, high = proportion_confint(successes, n, alpha=2 * alpha, method="beta")
    assert lower_bound(successes, n, alpha) == pytest.approx(low, rel=1e-9, abs=1e-300)
    assert upper_bound(successes, n, alpha) == pytest.approx(high, rel=1e-9)


def test_figures_of_the_paper() -> None:
    lower = lower_bound(99_000, 100_000, 0.001)
    assert lower == pytest.approx(0.988989, abs=5e-7)
    assert certified_radius(lower, 0.5) == pytest.approx(0.5 * 2.2900, abs=5e-5)
    for n, most in ((100_000, 3.8115), (10_000, 3.1986), (1_000, 2.4633)):
        assert largest_radius(n, 0.001, 1.0) == pytest.approx(most, abs=5e-5)
    assert largest_radius(100_000, 0.01, 1.0) == pytest.approx(3.9105, abs=5e-5)  # where published logs saturate
    assert largest_radius(500, 0.05, 0.25) == pytest.approx(0.25 * stats.norm.ppf(0.05 ** (1 / 500)))


@pytest.mark.parametrize("p", [0.5, 0.7, 0.95, 0.999])
def test_coverage_by_simulation(p: float) -> None:
    n, alpha, trials = 300, 0.05, 4000
    successes = np.random.default_rng(0).binomial(n, p, trials)
    known = {each: lower_bound(each, n, alpha) for each in set(successes.tolist())}
    wrong = np.mean([known[each] > p for each in successes.tolist()])
    assert wrong <= alpha + 3 * (alpha * (1 - alpha) / trials) ** 0.5


@given(st.integers(1, 3000), st.data())
def test_it_abstains_exactly_below_one_half(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    lower = lower_bound(successes, n, 0.001)
    assert abstains(lower) == (lower < 0.5)
    assert (certified_radius(lower, 0.25) > 0) == (lower > 0.5)
    if lower >= 0.5:
        assert smallest_probability(certified_radius(lower, 0.25), 0.25) == pytest.approx(lower)
        assert stats.binom.sf(successes - 1, n, 0.5) <= 0.001 * (1 + 1e-9)  # the same said by a test of p <= 1/2


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_tie_is_tested_as_by_scipy(first: int, second: int) -> None:
    expected = 1.0 if first + second == 0 else stats.binomtest(first, first + second, 0.5).pvalue
    assert tie_p_value(first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("successes", "n", "alpha", "said"),
    [(1, 0, 0.1, "at least 1 trial"), (5, 4, 0.1, "got 5 of 4"), (-1, 4, 0.1, "got -1"),
     (1, 4, 0.0, "alpha"), (1, 4, 1.0, "alpha"), (1, 4, float("nan"), "alpha")],
)  # fmt: skip
def test_what_cannot_be_is_refused(successes: int, n: int, alpha: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        lower_bound(successes, n, alpha)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        tie_p_value(-1, 3)
