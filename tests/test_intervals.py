"""Intervals: against scipy's and statsmodels', against draws made one by one, and against what 95% means."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from genlab import chance
from genlab.intervals import (
    CONFIDENCE,
    Floats,
    Interval,
    cluster_bootstrap,
    paired,
    percentiles,
    resampled_means,
    resampled_sums,
    student_t,
    wilson,
)

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


def plain_draws(values: list[float], clusters: list[int], random: np.random.Generator, resamples: int) -> list[float]:
    """The bootstrap of ``resampled_means`` in so many words: whole clusters and one at either border, drawn one by one."""
    names = sorted(set(clusters))
    groups = [[value for value, cluster in zip(values, clusters, strict=True) if cluster == name] for name in names]
    size = len(values) / len(names)
    sums = [(math.fsum(group), float(len(group))) for group in groups] + [(0.0, size), (size, size)]
    drawn = []
    for _ in range(resamples):
        picked = [sums[pick] for pick in random.integers(0, len(sums), len(sums))]
        drawn.append(math.fsum(total for total, _ in picked) / math.fsum(count for _, count in picked))
    return drawn


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.5, 0.999))
def test_wilson_is_statsmodels(successes: int, failures: int, confidence: float) -> None:
    assume(successes + failures > 0)
    low, high = proportion_confint(successes, successes + failures, alpha=1 - confidence, method="wilson")
    interval = wilson(successes, successes + failures, confidence)
    assert interval.low == pytest.approx(low, abs=1e-9)
    assert interval.high == pytest.approx(high, abs=1e-9)
    assert interval.low <= interval.centre <= interval.high


@pytest.mark.parametrize(("rate", "n", "low", "high"), [(0.12, 39, 0.051, 0.257), (0.08, 32, 0.025, 0.225)])
def test_wilson_of_the_published_rates(rate: float, n: int, low: float, high: float) -> None:
    found = wilson(rate * n, n)  # GPT-4 at k = 5 and 6 after filtering, as the sheet of facts has it (its n are rounded)
    assert (found.low, found.high) == pytest.approx((low, high), abs=2e-3)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-0.1, 3), (4, 3)])
def test_wilson_refuses_what_is_no_share(successes: float, n: int) -> None:
    with pytest.raises(ValueError, match="needs 0 to n successes of at least 1 trial"):
        wilson(successes, n)


def test_resampled_means_are_those_of_drawing_one_by_one() -> None:
    random = chance.numpy("resampled")
    values = random.integers(0, 2, 90).astype(float).tolist()
    clusters = random.integers(0, 12, 90).tolist()  # of uneven sizes
    slow = plain_draws(values, clusters, chance.numpy("draws"), 500)
    order = list(dict.fromkeys(clusters))
    numbered = [sorted(set(clusters)).index(each) for each in clusters]
    at_once = resampled_means(
        [value for _, value in sorted(zip(numbered, values, strict=True))],
        sorted(numbered),
        random=chance.numpy("draws"),
        resamples=500,
    )
    assert len(order) == 12
    assert at_once.tolist() == pytest.approx(slow)


@given(st.integers(1, 40), st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_draws_do_not_depend_on_how_many_are_held_at_once(rows: int, room: int) -> None:
    table = chance.numpy("table", rows).normal(size=(rows, 2))
    whole = resampled_sums(table, random=chance.numpy("draws", rows), resamples=20)
    slow = [table[chance_row].sum(0) for chance_row in chance.numpy("draws", rows).integers(0, rows, (20, rows))]
    assert whole == pytest.approx(np.array(slow))


def test_percentiles_of_many_clusters_are_the_plain_ones_and_of_few_are_wider() -> None:
    draws = chance.numpy("percentiles").normal(size=4000)
    assert percentiles(draws, 10**6) == pytest.approx(tuple(np.quantile(draws, (0.025, 0.975))), abs=1e-3)
    assert percentiles(draws, 5)[0] < percentiles(draws, 20)[0] < percentiles(draws, 10**6)[0]


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.9])
def test_a_cluster_bootstrap_covers_where_one_of_single_texts_does_not(rate: float) -> None:
    trials, covered, blind = 300, 0, 0
    for trial in range(trials):
        random = chance.numpy("clusters cover", f"{rate:g}", trial)
        values = np.repeat(random.random(40) < rate, 5).astype(float)  # five equal texts of each of 40 combinations
        found = cluster_bootstrap(values.tolist(), np.repeat(np.arange(40), 5).tolist(), random=random, resamples=400)
        covered += found.low <= rate <= found.high
        alone = cluster_bootstrap(values.tolist(), list(range(200)), random=random, resamples=400)
        blind += alone.low <= rate <= alone.high
        assert found.n == 40
    assert covered / trials > 0.92
    assert blind / trials < 0.85


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_equal_clusters_at_a_border_give_wilson_on_the_clusters(value: float) -> None:
    found = cluster_bootstrap([value] * 117, [each // 3 for each in range(117)], random=chance.numpy("equal"))
    expected = wilson(39 * value, 39)
    assert (found.low, found.centre, found.high) == pytest.approx((expected.low, value, expected.high))
    assert found.n == 39


@given(st.floats(0, 1), st.integers(2, 30), st.integers(1, 4))
def test_equal_clusters_keep_a_width(value: float, clusters: int, size: int) -> None:
    found = cluster_bootstrap(
        [value] * clusters * size, [each // size for each in range(clusters * size)], random=chance.numpy("w")
    )
    assert 0 <= found.low <= value <= found.high <= 1
    assert found.high - found.low == pytest.approx(wilson(0, clusters).high)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1)), min_size=2, max_size=40))
@settings(deadline=None)
def test_a_cluster_bootstrap_stays_in_its_span_and_holds_the_mean(rows: list[tuple[int, float]]) -> None:
    assume(len({cluster for cluster, _ in rows}) > 1)
    values = [value for _, value in rows]
    found = cluster_bootstrap(values, [cluster for cluster, _ in rows], random=chance.numpy("span"), resamples=50)
    assert -1e-12 <= found.low <= found.centre <= found.high <= 1 + 1e-12
    assert found.centre == pytest.approx(math.fsum(values) / len(values))


def test_another_statistic_is_scipys_bootstrap() -> None:
    values = chance.numpy("spread").normal(size=400)
    single = list(range(400))
    ours = cluster_bootstrap(
        values.tolist(), single, random=chance.numpy("ours"), resamples=4000, statistic=lambda each: each.std()
    )
    theirs = stats.bootstrap((values,), np.std, n_resamples=4000, method="percentile", rng=chance.numpy("theirs"))
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.005)
    assert ours.centre == values.std()


def test_another_statistic_draws_whole_clusters() -> None:
    seen: list[tuple[float, ...]] = []

    def remember(each: Floats) -> float:
        seen.append(tuple(each))
        return float(each.max())

    cluster_bootstrap([1.0, 2.0, 3.0, 4.0], ["a", "b", "a", "b"], random=chance.numpy("whole"), resamples=50, statistic=remember)
    assert set(seen[1:]) == {(1, 3, 1, 3), (1, 3, 2, 4), (2, 4, 1, 3), (2, 4, 2, 4)}


def test_a_statistic_without_variation_has_no_error_bar() -> None:
    with pytest.raises(ValueError, match="the bootstrap knows no error bar here"):
        cluster_bootstrap(
            [1.0, 1.0], ["a", "b"], random=chance.numpy("none"), resamples=20, statistic=lambda each: float(each.max())
        )


@pytest.mark.parametrize(
    ("values", "clusters", "span", "said"),
    [
        ([1.0, 0.0], ["a", "a"], (0, 1), "at least 2 clusters, got 1"),
        ([], [], (0, 1), "at least 2 clusters, got 0"),
        ([1.0, 0.0], ["a"], (0, 1), "2 values and 1 clusters"),
        ([1.0, math.nan], ["a", "b"], (0, 1), "finite values"),
        ([1.0, -0.5], ["a", "b"], (0, 1), r"from -0.5 to 1, outside \(0, 1\)"),
    ],
)
def test_what_a_cluster_bootstrap_refuses(values: list[float], clusters: list[str], span: tuple[float, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        cluster_bootstrap(values, clusters, random=chance.numpy("refused"), span=span)


def test_a_paired_difference_is_of_the_combinations_that_both_have() -> None:
    first = {"a": [1.0, 1.0, 0.0], "b": [1.0], "c": [0.0, 0.0], "only first": [0.0]}
    second = {"c": [0.0], "a": [0.0, 1.0], "b": [0.0, 0.0], "only second": [1.0], "unanswered": []}
    found = paired({**first, "unanswered": [1.0]}, second, random=chance.numpy("paired"))
    assert found.centre == pytest.approx((2 / 3 - 1 / 2 + 1 + 0) / 3)
    assert found.n == 3
    back = paired(second, first, random=chance.numpy("paired"))
    assert back.centre == pytest.approx(-found.centre)
    assert -1 <= found.low <= found.centre <= found.high <= 1


def test_pairing_takes_out_what_combinations_share() -> None:
    random = chance.numpy("shared")
    hard = random.random(200) < 0.5
    first = {each: [float(hard[each])] for each in range(200)}
    second = {each: [float(hard[each] and random.random() < 0.9)] for each in range(200)}
    found = paired(first, second, random=random)
    alone = [cluster_bootstrap([v for x in each.values() for v in x], list(each), random=random) for each in (first, second)]
    assert found.high - found.low < 0.7 * max(each.high - each.low for each in alone)
    assert found.low > 0


def test_models_that_always_agree_still_have_an_error_bar() -> None:
    same = {each: [1.0] for each in range(50)}
    found = paired(same, same, random=chance.numpy("same"))
    unseen = wilson(0, 50).high
    assert (found.low, found.centre, found.high) == pytest.approx((-unseen, 0, unseen))


@pytest.mark.parametrize("second", [{}, {"x": [1.0]}, {"a": [1.0], "x": [1.0]}])
def test_one_combination_in_common_is_no_pair(second: dict[str, list[float]]) -> None:
    with pytest.raises(ValueError, match=r"at least 2 combinations that both have, got [01]"):
        paired({"a": [1.0], "b": [0.0]}, second, random=chance.numpy("few"))
