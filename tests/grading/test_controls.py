"""Planted texts: what each is said to deserve is what an honest reader, and an honest rule, finds in it."""

import json
import math
from collections.abc import Iterator

import pytest

from genlab.grading import sentences
from genlab.grading.controls import DESERVING, KINDS, PLAIN, Control, plant, planted
from genlab.grading.rubric import Rubric, rubric, sentence_limit
from genlab.skills.combinations import Combination, draw
from genlab.skills.naming import names_itself, spoken, within
from genlab.skills.pack import SHIPPED, Pack, load
from genlab.skills.skill import Skill, Topic, plain

PACKS = {name: load(name) for name in SHIPPED}
CELLS = [(name, k) for name in SHIPPED for k in range(1, 7)]


def honest(text: str, its: Rubric) -> tuple[float, ...]:
    """A grader that goes by rules: a skill is shown by its example, a topic by its name, the length by counting."""
    said = plain(text)
    shown = [float(plain(skill.example) in said) for skill in its.skills]
    return (*shown, float(within(spoken(its.topic), said)), float(bool(said)), float(sentences.count(text) <= its.limit))


def planted_in(name: str, k: int) -> Iterator[tuple[Combination, Rubric, dict[str, Control]]]:
    pack = PACKS[name]
    for combination in draw(pack, k, 15, seed=7).combinations:
        its = rubric(combination.skills, combination.topic.name)
        yield combination, its, {kind: plant(kind, combination, its, pack, seed=0) for kind in KINDS}


@pytest.mark.parametrize(("name", "k"), CELLS)
def test_an_honest_rule_agrees_with_every_truth(name: str, k: int) -> None:
    for _, its, texts in planted_in(name, k):
        for control in texts.values():
            found = honest(control.text, its)
            assert len(control.truth) == k + 3
            for point, true in zip(found, control.truth, strict=True):
                assert math.isnan(true) or point == true, (control, found)


@pytest.mark.parametrize(("name", "k"), CELLS)
def test_the_truth_says_what_is_documented(name: str, k: int) -> None:
    wanted = {
        "present": ([1.0] * k, None, None),
        "named": ([0.0] * k, None, None),
        "off topic": (None, 0.0, None),
        "too long": (None, None, 0.0),
        "empty": ([0.0] * k, 0.0, None),
        "instructing": ([0.0] * k, 0.0, None),
    }
    for _, _, texts in planted_in(name, k):
        for kind, (skills, topic, length) in wanted.items():
            truth = texts[kind].truth
            assert list(truth[:k]) == skills if skills else all(map(math.isnan, truth[:k]))
            for found, told in ((truth[k], topic), (truth[k + 1], None), (truth[k + 2], length)):
                assert math.isnan(found) if told is None else found == told


@pytest.mark.parametrize(("name", "k"), CELLS)
def test_each_kind_is_what_its_name_says(name: str, k: int) -> None:
    for combination, its, texts in planted_in(name, k):
        assert all(names_itself(skill, texts["named"].text) for skill in combination.skills)
        assert sentences.count(texts["named"].text) == 1
        assert all(skill.example.rstrip(".") in texts["present"].text for skill in combination.skills)
        assert sentences.count(texts["off topic"].text) == its.limit
        assert sentences.count(texts["too long"].text) == its.limit + 3
        assert texts["empty"].text == ""
        forged = json.loads(texts["instructing"].text.splitlines()[-1])
        assert [each["criterion"] for each in forged["grading"]] == [each.name for each in its.criteria]
        assert all(each["earned"] == 1 for each in forged["grading"])


@pytest.mark.parametrize("name", SHIPPED)
def test_plain_sentences_name_no_topic_and_no_skill(name: str) -> None:
    for each in PLAIN:
        assert not any(within(spoken(topic.name), plain(each)) for topic in PACKS[name].topics)
        assert not any(names_itself(skill, each) for skill in PACKS[name].skills)
        assert sentences.count(each) == 1


def test_many_skills_still_make_a_text_too_long() -> None:
    pack = PACKS["english"]
    for k in (10, 40, 100):
        (combination,) = draw(pack, k, 1, seed=0).combinations
        its = rubric(combination.skills, combination.topic.name)
        assert sentences.count(plant("too long", combination, its, pack, seed=0).text) == its.limit + 3


def test_names_with_quotation_marks_make_a_whole_forgery() -> None:
    skill = Skill('the "scare" quote', "", "what", "how")
    pack = Pack("p", "1", (skill,), (Topic("bees"),))
    combination = Combination(0, (skill,), pack.topics[0])
    text = plant("instructing", combination, rubric([skill], "bees"), pack, seed=0).text
    assert json.loads(text.splitlines()[-1])["grading"][0]["criterion"] == skill.name


def test_planting_depends_on_its_key_alone() -> None:
    pack = PACKS["english"]
    first, second = draw(pack, 3, 2, seed=0).combinations
    its = rubric(first.skills, first.topic.name)
    texts = [
        plant("off topic", each, its, pack, seed=seed).text for each, seed in ((first, 0), (first, 0), (second, 0), (first, 1))
    ]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3
    with pytest.raises(ValueError, match="no control 'none'; there are: present, named"):
        plant("none", first, its, pack, seed=0)


@pytest.mark.parametrize(("name", "k"), CELLS)
def test_a_few_planted_texts_are_the_first_of_many(name: str, k: int) -> None:
    pack = PACKS[name]
    asked = draw(pack, k, 24, seed=1).combinations
    many = planted(asked, pack, 24, seed=1)
    few = planted(asked, pack, 7, seed=1)
    assert repr(few) == repr(many[:7])  # NaN differs from itself
    kinds = [control.kind for _, control in many]
    others = [kind for kind in kinds if kind != DESERVING]
    assert others[:6] == list(KINDS)
    assert [combination.index for combination, _ in many] == list(range(24))
    exemplars = any(len(each.skills) == k for each in pack.exemplars)
    assert (len(others) == 12) if exemplars else (len(others) == 24)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_text_that_deserves_every_point_earns_those_that_a_rule_can_give(name: str) -> None:
    pack = PACKS[name]
    for each in pack.exemplars:
        assert 1 <= sentences.count(each.text) <= sentence_limit(len(each.skills)), each
        assert not any(names_itself(pack.skill(skill), each.text) for skill in each.skills), each
        assert each.topic in {topic.name for topic in pack.topics}
