"""Agreement: against the krippendorff package, scikit-learn, and counting pairs by hand."""

import math
import warnings
from collections.abc import Sequence
from itertools import combinations

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from tests.grading.graded_rows import graded

from genlab import chance
from genlab.grading.agreement import Agreement, agreement, between_graders, between_gradings, kinds

Table = Sequence[Sequence[float | None]]

rating = st.sampled_from([0.0, 1.0, 2.0, None])
tables = st.integers(2, 4).flatmap(
    lambda raters: st.lists(st.lists(rating, min_size=raters, max_size=raters), min_size=2, max_size=25)
)


def found(table: Table, clusters: list[int] | None = None) -> Agreement:
    return agreement(table, random=chance.numpy("agreement"), clusters=clusters, resamples=200)


def pairs(table: Table) -> list[list[bool]]:
    """Of each item with two ratings, whether each pair of its ratings agrees."""
    return [
        [one == other for one, other in combinations([each for each in row if each is not None], 2)]
        for row in table
        if sum(each is not None for each in row) >= 2
    ]


@given(tables)
@settings(deadline=None, max_examples=150)
def test_alpha_is_that_of_the_krippendorff_package(table: Table) -> None:
    kept = [row for row in table if sum(each is not None for each in row) >= 2]
    assume(kept)
    varies = len({each for row in kept for each in row if each is not None}) > 1
    ours = found(table)
    if not varies:
        assert ours.alpha is None
        return
    reliability = [[np.nan if each is None else each for each in column] for column in zip(*table, strict=True)]
    theirs = krippendorff.alpha(reliability_data=np.array(reliability, dtype=float), level_of_measurement="nominal")
    assert ours.alpha == pytest.approx(theirs, abs=1e-9)


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.0]), st.sampled_from([0.0, 1.0, 2.0])), min_size=2, max_size=40))
@settings(deadline=None)
def test_kappa_is_scikit_learns(rows: list[tuple[float, float]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it divides by zero where both raters use one category
        theirs = cohen_kappa_score(*([str(each) for each in column] for column in zip(*rows, strict=True)))
    ours = found([list(row) for row in rows])
    if math.isnan(theirs):
        assert ours.kappa is None
    else:
        assert ours.kappa == pytest.approx(theirs, abs=1e-9)


@given(tables)
@settings(deadline=None)
def test_raw_agreement_and_prevalence_are_counts(table: Table) -> None:
    agreeing = pairs(table)
    assume(agreeing)
    ours = found(table)
    given_points = [each for row in table if sum(each is not None for each in row) >= 2 for each in row if each is not None]
    assert ours.raw == pytest.approx(sum(sum(each) / len(each) for each in agreeing) / len(agreeing))
    assert ours.prevalence == pytest.approx(given_points.count(1.0) / len(given_points))
    assert ours.items == len(agreeing)


@given(tables, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_items_and_of_raters_does_not_matter(table: Table, random: object) -> None:
    assume(pairs(table))
    turned = [row[::-1] for row in table][::-1]
    ours, theirs = found(table), found(turned)
    assert (ours.alpha is None) == (theirs.alpha is None)
    if ours.alpha is not None:
        assert ours.alpha == pytest.approx(theirs.alpha)
    assert (ours.raw, ours.prevalence) == pytest.approx((theirs.raw, theirs.prevalence))
    assert (ours.items, ours.raters) == (theirs.items, theirs.raters)


def test_missing_is_none_or_nan_and_a_lone_rating_counts_nowhere() -> None:
    table: Table = [[1, 1, None], [0, None, 0], [1, 0, 1], [None, None, 0]]
    with_nan = [[math.nan if each is None else each for each in row] for row in table]
    assert found(table) == found(with_nan)
    assert found(table) == found(table[:3])
    assert (found(table).items, found(table).raters) == (3, 3)


def test_with_no_variation_there_is_nothing_to_agree_about() -> None:
    ours = found([[1, 1]] * 20)
    assert (ours.alpha, ours.kappa, ours.alpha_interval, ours.kappa_interval) == (None, None, None, None)
    assert (ours.raw, ours.prevalence) == (1, 1)
    assert ours.raw_interval is not None
    assert ours.raw_interval.low < 0.9  # twenty items cannot say more


def test_kappa_is_of_two_raters_only() -> None:
    assert found([[1, 1, 0], [0, 1, 0], [1, 1, 1]]).kappa is None
    assert found([[1, 1, None], [0, 1, None], [0, 0, None]]).kappa is not None  # the third rated nothing


def test_full_agreement_on_few_items_is_not_certain() -> None:
    few, many = (found([[1, 1], [0, 0]] * repeats) for repeats in (5, 500))
    assert few.alpha == many.alpha == few.kappa == 1
    assert few.alpha_interval is not None
    assert many.alpha_interval is not None
    assert few.alpha_interval.low < 0.6 < 0.98 < many.alpha_interval.low < 1
    assert few.alpha_interval.high == 1


def test_a_single_dissent_leaves_alpha_without_an_interval() -> None:
    ours = found([[1, 1]] * 30 + [[1, 0]])  # a third of all resamples has no variation
    assert ours.alpha is not None
    assert ours.alpha_interval is None


def test_the_interval_of_alpha_covers_the_alpha_of_the_population() -> None:
    trials, covered, blind = 200, 0, 0
    truth = 1 - 2 * 0.2 * 0.8 / 0.5  # two raters who each err in a fifth of items, half of which deserve the point
    for trial in range(trials):
        random = chance.numpy("alpha covers", trial)
        right = random.integers(0, 2, 60)
        once = np.abs(right[:, None] - (random.random((60, 2)) < 0.2)).astype(float)
        table = np.repeat(once, 4, axis=0).tolist()  # four criteria of each text, graded alike
        clusters = np.repeat(np.arange(60), 4).tolist()
        ours = agreement(table, random=random, clusters=clusters, resamples=300)
        alone = agreement(table, random=random, resamples=300)
        assert ours.alpha_interval is not None
        assert alone.alpha_interval is not None
        assert (ours.alpha_interval.n, alone.alpha_interval.n) == (60, 240)
        covered += ours.alpha_interval.low <= truth <= ours.alpha_interval.high
        blind += alone.alpha_interval.low <= truth <= alone.alpha_interval.high
    assert covered / trials > 0.9
    assert blind / trials < 0.8


def test_one_cluster_has_values_and_no_intervals() -> None:
    ours = found([[1, 1], [0, 1]], clusters=[7, 7])
    assert ours.alpha is not None
    assert (ours.alpha_interval, ours.kappa_interval, ours.raw_interval, ours.prevalence_interval) == (None,) * 4


@pytest.mark.parametrize(
    ("table", "clusters", "said"),
    [
        ([[1, 0], [1]], None, "one column a rater in every row"),
        ([[1, None], [None, 0]], None, "an item with 2 ratings, got none in 2 items"),
        ([], None, "an item with 2 ratings, got none in 0 items"),
        ([[1, 0]], [1, 2], "1 items and 2 clusters"),
    ],
)
def test_what_agreement_refuses(table: Table, clusters: list[int] | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        found(table, clusters)


def test_between_gradings_holds_each_grader_against_itself() -> None:
    rows = [
        graded("strict", "a", [(1, 0, 1, 1, 0), (1, 0, 1, 1, 1), (0, 0, 1, 1, 0)], k=2),
        graded("strict", "b", [(1, 1, 1, 1, 0), None, (1, 0, 1, 1, 0)], k=2),
        graded("strict", "c", [None, None, (1, 1, 1, 1, 1)], k=2),
        graded("kind", "a", [(1, 1, 1, 1), (1, 1, 1, 1)]),
    ]
    ours = between_gradings(rows, random=chance.numpy("gradings"))
    assert list(ours) == ["strict", "kind"]
    assert list(ours["strict"]) == ["skill", "topic", "sense", "length", "all"]
    skill = ours["strict"]["skill"]
    by_hand = found([[1, 1, 0], [0, 0, 0], [1, None, 1], [1, None, 0]])
    assert (skill.alpha, skill.raw, skill.prevalence) == (by_hand.alpha, by_hand.raw, by_hand.prevalence)
    assert (skill.items, skill.raters) == (4, 3)
    assert skill.raw_interval is not None
    assert skill.raw_interval.n == 2  # combinations, not criteria
    assert ours["strict"]["all"].items == 10
    assert ours["strict"]["topic"].alpha is None
    assert ours["kind"]["all"].raw == 1


def test_between_graders_matches_texts_by_votes() -> None:
    rows = [
        graded("one", "a", [(1, 1, 1, 0), (1, 1, 0, 0), (0, 1, 1, 0)]),  # votes 1, 1, 1, 0
        graded("two", "a", [(0, 1, 1, 1)]),
        graded("one", "b", [(1, 1, 1, 1)]),
        graded("two", "b", [(1, 1, 0, 1)]),
        graded("one", "c", [(1, 1, 1, 1)]),
        graded("two", "c", [(1, 1, 1, 1)], text="another text of the same combination"),
        graded("two", "d", [None]),
        graded("one", "d", [(1, 1, 1, 1)]),
    ]
    ours = between_graders(rows, random=chance.numpy("graders"))
    assert {kind: each.items for kind, each in ours.items()} == {"skill": 2, "topic": 2, "sense": 2, "length": 2, "all": 8}
    assert {kind: each.raw for kind, each in ours.items()} == {
        "skill": 0.5,
        "topic": 1,
        "sense": 0.5,
        "length": 0.5,
        "all": 5 / 8,
    }
    assert ours["skill"].raters == 2
    assert ours["skill"].kappa is not None


def test_between_graders_refuses_a_text_in_two_rows() -> None:
    rows = [graded("one", "a", [(1, 1, 1, 1)])] * 2
    with pytest.raises(ValueError, match="one graded text 1 of a by student in two rows"):
        between_graders(rows, random=chance.numpy("twice"))


def test_rows_without_two_gradings_say_nothing() -> None:
    assert between_gradings([graded("one", "a", [(1, 1, 1, 1)])], random=chance.numpy("none")) == {"one": {}}
    assert between_graders([graded("one", "a", [(1, 1, 1, 1)])], random=chance.numpy("none")) == {}


def test_kinds_are_in_the_order_of_points() -> None:
    assert kinds(3) == ("skill", "skill", "skill", "topic", "sense", "length")
