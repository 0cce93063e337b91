"""The three scores against the official definitions, over every text that can be graded, and their laws."""

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab.grading import official
from genlab.grading.rubric import OTHERS
from genlab.grading.scores import Scores, deducted, scores, vote

PAPER = ("all_points_earned_binary", "all_skills_and_good_rest", "average_over_skills_filtered")
POINTS = st.integers(1, 6).flatmap(lambda k: st.lists(st.sampled_from([0.0, 1.0]), min_size=k + OTHERS, max_size=k + OTHERS))


def values(found: Scores) -> tuple[float, float, float]:
    return found.full_marks, found.all_skills, found.skill_fraction


@pytest.mark.parametrize("k", range(1, 7))
def test_every_text_is_worth_what_the_official_code_says(k: int) -> None:
    for points in product((0.0, 1.0), repeat=k + OTHERS):
        assert values(scores(points)) == tuple(official.worth(points, k, method) for method in PAPER)


@settings(deadline=None)
@given(POINTS)
def test_scores_stay_in_range_and_in_order(points: list[float]) -> None:
    full, every, fraction = values(scores(points))
    assert {full, every} <= {0.0, 1.0}
    assert 0 <= fraction <= 1
    assert full <= every
    assert full <= fraction


@settings(deadline=None)
@given(POINTS, st.data())
def test_another_point_never_lowers_a_score(points: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(points) - 1))
    more = [*points[:place], 1.0, *points[place + 1 :]]
    assert all(after >= before for before, after in zip(values(scores(points)), values(scores(more)), strict=True))


@settings(deadline=None)
@given(POINTS, st.randoms(use_true_random=False))
def test_the_order_of_skills_does_not_matter(points: list[float], random: Random) -> None:
    k = len(points) - OTHERS
    skills = points[:k]
    random.shuffle(skills)
    assert scores([*skills, *points[k:]]) == scores(points)


@settings(deadline=None)
@given(st.integers(1, 7), st.data())
def test_the_vote_is_the_majority(raters: int, data: st.DataObject) -> None:
    gradings = data.draw(st.lists(st.tuples(*[st.sampled_from([0.0, 1.0])] * 5), min_size=raters, max_size=raters))
    found = vote(gradings)
    for place, point in enumerate(found):
        given_it = sum(each[place] == 1 for each in gradings)
        assert point == (1.0 if given_it > raters - given_it else 0.0)
    assert vote(list(reversed(gradings))) == found
    assert vote([found]) == found


@pytest.mark.parametrize(("two", "point"), [((0, 0), 0), ((0, 1), 0), ((1, 1), 1)])
def test_a_tie_earns_nothing_as_in_the_paper(two: tuple[int, int], point: int) -> None:
    gradings = [(float(each),) * 4 for each in two]
    assert vote(gradings) == (float(point),) * 4 == official.voted(gradings)


def test_a_vote_needs_gradings_of_one_length() -> None:
    with pytest.raises(ValueError, match="a vote needs a grading, got none"):
        vote([])
    with pytest.raises(ValueError, match="shorter"):
        vote([(1.0, 1.0), (1.0,)])


@settings(deadline=None)
@given(POINTS, st.data())
def test_a_deduction_takes_the_named_skills_points_and_no_other(points: list[float], data: st.DataObject) -> None:
    k = len(points) - OTHERS
    named = data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=k, max_size=k))
    left = deducted(points, named)
    assert left[k:] == tuple(points[k:])
    assert all(after == (0.0 if said else before) for before, said, after in zip(points, named, left, strict=False))
    assert all(after <= before for before, after in zip(values(scores(points)), values(scores(left)), strict=True))
