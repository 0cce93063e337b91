"""What is chosen for review, and that a rater's page tells nothing that would unblind."""

import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.review.sample_review import GRADERS, SKILLS, STUDENTS, row, rows

from genlab.evaluation.masking import WITHHELD, withheld
from genlab.review.items import catalogue, choose, digest, identity, reviewable
from genlab.skills.pack import Pack
from genlab.skills.skill import Skill


def test_the_choice_is_even_over_k_and_student() -> None:
    these = rows(10)
    chosen = {item.id for item in choose(these, SKILLS, 16)}
    cells = Counter((each.k, each.student) for each in these if identity(each) in chosen)
    assert set(cells.values()) == {4}


def test_full_marks_and_failures_are_both_seen_where_there_are_both() -> None:
    ten = [row(STUDENTS[0], GRADERS[0], 2, index, 1, full_marks=float(index == 7)) for index in range(10)]
    verdicts = {identity(each): each.full_marks for each in ten}
    assert {verdicts[item.id] for item in choose(ten, SKILLS, 2)} == {0.0, 1.0}


def test_texts_that_graders_differ_on_are_a_verdict_of_their_own() -> None:
    both = [row(STUDENTS[0], grader, 2, index, 1, full_marks=1.0) for index in range(9) for grader in GRADERS]
    both[5] = replace(both[5], full_marks=0.0)
    assert identity(both[5]) in {item.id for item in choose(both, SKILLS, 2)}


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 5))
def test_a_longer_review_holds_the_shorter_one(n: int, m: int, seed: int) -> None:
    few, many = sorted((n, m))
    these = rows(5)
    assert set(choose(these, SKILLS, few, seed=seed)) <= set(choose(these, SKILLS, many, seed=seed))


def test_the_choice_depends_on_the_seed_and_on_no_order() -> None:
    these = rows(6)
    first = choose(these, SKILLS, 10, seed=1)
    assert choose(these[::-1], SKILLS, 10, seed=1) == first
    assert choose(these, SKILLS, 10, seed=2) != first


def test_asking_for_more_than_there_is_gives_all() -> None:
    these = rows(2)
    assert len(choose(these, SKILLS, 1000)) == len(these) == len({identity(each) for each in these})


def test_planted_and_ungraded_texts_are_never_chosen() -> None:
    good = row(STUDENTS[0], GRADERS[0], 2, 0, 1)
    planted = replace(good, text="planted", control="named")
    ungraded = replace(good, text="ungraded", status="ungraded", points=None, full_marks=None)
    assert [item.text for item in choose([planted, ungraded, good], SKILLS, 10)] == [good.text]
    assert [reviewable(each) for each in (good, planted, ungraded)] == [True, False, False]


def test_texts_that_a_private_pack_withheld_cannot_be_reviewed() -> None:
    private = row(
        STUDENTS[0], GRADERS[0], 2, 0, 1, text=withheld("a secret", Pack("mine", "1", (), (), private=True, salt="5e1f"))
    )
    with pytest.raises(ValueError, match="private"):
        choose([private], SKILLS, 1)
    forged = replace(private, text=f"{WITHHELD} says the student")
    assert reviewable(forged)


def test_nothing_to_review_is_said() -> None:
    with pytest.raises(ValueError, match="nothing to review"):
        choose([], SKILLS, 3)
    with pytest.raises(ValueError, match="at least 1"):
        choose(rows(1), SKILLS, 0)


def test_a_missing_definition_is_an_error_that_names_it() -> None:
    only = row(STUDENTS[0], GRADERS[0], 2, 0, 1)
    with pytest.raises(ValueError, match=re.escape(min(only.skills))):
        catalogue([only], {})


def test_criteria_are_told_apart_or_refused() -> None:
    def named(*names: str) -> tuple[str, ...]:
        these = row(STUDENTS[0], GRADERS[0], len(names), 0, 1, skills=names, points=(1.0,) * (len(names) + 3))
        (item,) = catalogue([these], {name: Skill(name, "odd", "How long.", "") for name in names}).values()
        return item.criteria

    assert len(set(named("length"))) == 4
    with pytest.raises(ValueError, match="share a name"):
        named("length", "the whole text: length")


def test_equal_texts_for_an_equal_task_are_one_item_and_other_tasks_are_others() -> None:
    one = row(STUDENTS[0], GRADERS[0], 2, 0, 1)
    assert identity(replace(one, student=STUDENTS[1], grader=GRADERS[1], generation=2, points=None)) == identity(one)
    for changed in ({"text": one.text + " "}, {"topic": "sailing"}, {"skills": one.skills[::-1]}):
        assert identity(replace(one, **changed)) != identity(one)


def test_other_definitions_are_another_version_of_the_same_item() -> None:
    one = row(STUDENTS[0], GRADERS[0], 2, 0, 1)
    reworded = {name: replace(skill, definition="Other words.") for name, skill in SKILLS.items()}
    (first,), (second,) = catalogue([one], SKILLS).values(), catalogue([one], reworded).values()
    assert first.id == second.id
    assert first.version != second.version
    assert digest([first]) != digest([second])


def test_a_page_gets_the_rubric_and_nothing_that_unblinds() -> None:
    these = rows(8, graders=GRADERS)
    chosen = choose(these, SKILLS, 20)
    assert [item.id for item in chosen] == sorted(item.id for item in chosen)
    told = [item.to_page() for item in chosen]
    assert set(told[0]) == {"id", "version", "text", "rest", "topic", "limit", "criteria"}
    assert set(told[0]["criteria"][0]) == {"name", "kind", "definition", "example"}
    words = json.dumps(told)
    hidden = {*STUDENTS, *GRADERS, "apple", "berry", "cherry", "date-4"} | {each.sample for each in these} | {"a draft"}
    assert [name for name in hidden if name in words] == []
    asked = told[0]["criteria"]
    skill = SKILLS[asked[0]["name"]]
    assert (asked[0]["definition"], asked[0]["example"]) == (skill.definition, skill.example)
    assert [each["name"] for each in asked[-3:]] == ["on topic", "makes sense", "length"]


def test_the_limit_is_that_of_the_rubric() -> None:
    told = {item.rubric.k: item.to_page() for item in catalogue(rows(1), SKILLS).values()}
    assert told[2]["limit"] == "one sentence"
    assert told[3]["limit"] == "2 sentences"
    assert told[3]["criteria"][-1]["definition"] == "It has at most 2 sentences."
