"""Skillworld as a pack: the file is what the function makes, its texts earn what they should, and planted texts are true."""

import math

import pytest

from genlab.evaluation.checking import CHECKERS
from genlab.grading import sentences
from genlab.grading.controls import DESERVING, KINDS, planted
from genlab.grading.rubric import sentence_limit
from genlab.skills.combinations import draw
from genlab.skills.naming import names_itself
from genlab.skills.pack import load
from genlab.skillworld.checker import check
from genlab.skillworld.skills import pack

REMAKE = 'genlab.skills.pack.save(genlab.skillworld.skills.pack(), "src/genlab/skills/packs/skillworld.yaml", overwrite=True)'
PACK = pack()


def test_the_shipped_file_is_what_the_function_makes() -> None:
    assert load("skillworld") == PACK, f"remake it: {REMAKE}"
    assert load("skillworld").digest == PACK.digest


def test_it_is_asked_briefly_and_checked_exactly() -> None:
    assert (PACK.manner, PACK.checker) == ("brief", "skillworld")
    assert CHECKERS[PACK.checker] is check
    assert {each.licence for each in PACK.skills} == {PACK.licence} == {"Apache-2.0"}


def test_an_example_shows_its_skill() -> None:
    for skill in PACK.skills:
        (about,) = (topic.name for topic in PACK.topics if check(skill.example, [], topic.name, 1)[0])
        assert check(skill.example, [skill.name], about, 1) == (1.0,) * 4


def test_exemplars_earn_every_point_in_as_many_sentences_as_allowed() -> None:
    assert [len(each.skills) for each in PACK.exemplars] == [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3
    for each in PACK.exemplars:
        limit = sentence_limit(len(each.skills))
        assert check(each.text, each.skills, each.topic, limit) == (1.0,) * (len(each.skills) + 3)
        assert sentences.count(each.text) == limit
        assert not any(names_itself(skill, each.text) for skill in PACK.skills)


@pytest.mark.parametrize("k", range(1, 7))
def test_the_checker_finds_in_planted_texts_what_they_are_said_to_deserve(k: int) -> None:
    seen = set()
    for combination, control in planted(draw(PACK, k, 40, seed=3).combinations, PACK, 40, seed=3):
        names = [skill.name for skill in combination.skills]
        found = check(control.text, names, combination.topic.name, sentence_limit(k))
        wrong = [
            (point, true) for point, true in zip(found, control.truth, strict=True) if not math.isnan(true) and point != true
        ]
        assert wrong == [], control
        seen.add(control.kind)
    assert seen == {*KINDS, *([DESERVING] if k <= 4 else [])}
