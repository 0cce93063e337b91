"""The scripts: they answer what the prompts ask for, err at the rates they say, and are the same whenever they are asked."""

import asyncio
from collections.abc import Sequence

import pytest
from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model

from genlab.evaluation import writing
from genlab.evaluation.scripted import FLIPPED, NONSENSE, SHOWN, Scripted
from genlab.grading import official, prompts, sentences
from genlab.grading.controls import KINDS, plant
from genlab.grading.reading import Points, read
from genlab.grading.rubric import Rubric, rubric
from genlab.skills.combinations import draw
from genlab.skills.pack import load
from genlab.skills.skill import plain

PACK = load("english")
ASKED = [rubric(each.skills, each.topic.name) for each in draw(PACK, 3, 300, seed=5).combinations]
HONEST_MOST = 0.02  # of criteria, how often a script that never errs would err: an example within another's


def say(model: str, *said: str) -> str:
    async def once() -> str:
        script = Scripted(model)
        output = await script.generate([ChatMessageUser(content=each) for each in said], [], "auto", GenerateConfig())
        assert output.usage
        assert output.usage.total_tokens == output.usage.input_tokens + output.usage.output_tokens > 0
        return output.completion

    return asyncio.run(once())


def written(its: Rubric, model: str = "student") -> str:
    return writing.text_of(say(model, writing.draft(its, form=PACK.text)))


def share(found: Sequence[bool]) -> float:
    return sum(found) / len(found)


@pytest.mark.parametrize(("model", "chance"), [("student", SHOWN), ("student-60", 0.6), ("student-0", 0.0), ("student-100", 1.0)])
def test_a_student_shows_each_skill_with_its_chance(model: str, chance: float) -> None:
    shown = []
    for its in ASKED:
        text = plain(written(its, model))
        assert plain(its.topic) in text
        shown += [plain(skill.example) in text for skill in its.skills]
    assert share(shown) == pytest.approx(chance, abs=4 * (0.25 / len(shown)) ** 0.5 if 0 < chance < 1 else HONEST_MOST)


def test_its_text_is_one_sentence_whatever_it_pastes() -> None:
    assert {sentences.count(written(its)) for its in ASKED} == {1}


def test_scripts_are_the_same_whenever_they_are_asked_and_differ_by_name() -> None:
    texts = [[written(its, model) for its in ASKED[:40]] for model in ("student", "student", "another-student")]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("mode", ["strict", "paper"])
def test_a_grader_errs_and_refuses_at_its_rates(mode: str) -> None:
    right: list[bool] = []
    unread: list[bool] = []
    for number, its in enumerate(ASKED):
        text = written(its)
        code = prompts.fresh_code(text, "test", number)
        reply = say("grader", prompts.grading(its, text, code, form=PACK.text, mode=mode))
        if mode == "strict":
            found = read(reply, its, code)
            values = found.values if isinstance(found, Points) else None
        else:
            values = official.padded(official.table_points(reply).points, its.k) if official.TABLE in reply else None
        unread.append(values is None)
        if values:
            true = (*[float(plain(skill.example) in plain(text)) for skill in its.skills], 1.0, 1.0, 1.0)
            right += [one == other for one, other in zip(values, true, strict=True)]
    assert 1 - share(right) == pytest.approx(FLIPPED, abs=4 * (FLIPPED / len(right)) ** 0.5)
    assert share(unread) == pytest.approx(NONSENSE, abs=4 * (NONSENSE / len(unread)) ** 0.5)


def test_graders_of_one_name_say_the_same_and_of_two_do_not() -> None:
    text, codes = written(ASKED[0]), [prompts.code("test", number) for number in range(40)]
    asked = [prompts.grading(ASKED[0], text, code, form=PACK.text) for code in codes]
    replies = [[say(model, each) for each in asked] for model in ("grader", "grader", "grader-b")]
    assert replies[0] == replies[1] != replies[2]


def test_planted_texts_get_mostly_what_they_deserve() -> None:
    wrong = []
    for place, combination in enumerate(draw(PACK, 3, 60, seed=9).combinations):
        its = rubric(combination.skills, combination.topic.name)
        control = plant(KINDS[place % len(KINDS)], combination, its, PACK, seed=0)
        code = prompts.fresh_code(control.text, "planted", place)
        found = read(say("grader", prompts.grading(its, control.text, code, form=PACK.text)), its, code)
        if isinstance(found, Points):  # the script does not count sentences, and says so
            wrong += [point != true for point, true in zip(found.values[:-1], control.truth[:-1], strict=True) if true == true]
    assert share(wrong) < 3 * FLIPPED


def test_what_is_no_grading_is_not_graded() -> None:
    assert say("grader", "What is the weather like?") == "There is nothing to grade."


def test_inspect_finds_the_provider_once_genlab_is_installed() -> None:
    assert isinstance(get_model("scripted/student", memoize=False).api, Scripted)
