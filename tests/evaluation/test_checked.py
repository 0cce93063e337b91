"""Packs with an exact checker, through Inspect: one turn, no grader model, and points that are those of the checker."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai")

from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessageUser, GenerateConfig
from tests.evaluation.evals import Script, evaluated
from tests.evaluation.test_task import check_metrics, metrics

from genlab import chance
from genlab.evaluation import writing
from genlab.evaluation.checking import graded
from genlab.evaluation.logs import expected, rows
from genlab.evaluation.scoring import length, valued, voted
from genlab.evaluation.scripted import SHOWN, Scripted
from genlab.evaluation.task import skill_mix
from genlab.grading.controls import KINDS
from genlab.grading.graded import readings
from genlab.grading.rubric import Rubric, rubric, sentence_limit
from genlab.skills.combinations import draw
from genlab.skills.pack import load, save
from genlab.skillworld.checker import check
from genlab.skillworld.teacher import write

PACK = load("skillworld")
EXACT = "checker/skillworld"
SMALL_PACK = Path(__file__).parents[2] / "examples" / "small_pack.yaml"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("GENLAB_PRICES", "GENLAB_MAX_COST", "GENLAB_LEDGER"):
        monkeypatch.delenv(name, raising=False)


def asked(k: int, n: int, seed: int = 5) -> list[Rubric]:
    return [rubric(each.skills, each.topic.name) for each in draw(PACK, k, n, seed=seed).combinations]


def taught(its: Rubric, *key: str | int) -> str:
    """The teacher's text for a rubric, in either order."""
    random = chance.python("taught", its.topic, *key)
    return write([skill.name for skill in its.skills], its.topic, its.limit, random, order=random.choice(("asked", "free")))


# ------------------------------------------------------------------------------------------------ what is said
def test_a_brief_prompt_is_one_line_of_names() -> None:
    (its,) = asked(3, 1)
    one, two, three = (skill.name for skill in its.skills)
    assert writing.draft(its, form="a poem", manner="brief") == (
        f"Write about {its.topic}, in at most 2 sentences: {one}; {two}; {three}."
    )
    assert "in at most one sentence: " in writing.draft(asked(1, 1)[0], form="a poem", manner="brief")
    assert (writing.turns("paper"), writing.turns("brief")) == (2, 1)


def test_each_manner_has_a_digest_of_its_own_and_the_papers_is_that_of_old_logs() -> None:
    assert writing.digest() == writing.digest("paper") == "96cc7743"  # of logs from before there were manners
    assert writing.digest("brief") != writing.digest("paper")
    versions = [skill_mix(n=1, controls=0, pack=pack).version for pack in ("english", "skillworld")]
    assert [str(each).partition("-")[0] for each in versions] == [writing.digest("paper"), writing.digest("brief")]


@pytest.mark.parametrize("k", range(1, 7))
def test_a_taught_text_is_found_whole_and_both_counts_of_sentences_agree(k: int) -> None:
    for number, its in enumerate(asked(k, 60)):
        text = taught(its, number)
        assert writing.text_of(text) == text
        one = graded(text, its, PACK, gradings=3)
        assert one.readable == [(1.0,) * (k + 3)] * 3
        assert length(text, "strict") == its.limit
        assert voted(one.readable, length(text, "strict"), its, "strict") == (1.0,) * (k + 3)
        tight = replace(its, limit=its.limit - 1)
        assert voted(graded(text, tight, PACK, gradings=1).readable, length(text, "strict"), tight, "strict") == (
            *(1.0,) * (k + 2),
            0.0,
        )


@given(st.integers(1, 5), st.integers(0, 39), st.data())
def test_no_score_depends_on_who_counts_the_sentences(k: int, place: int, data: st.DataObject) -> None:
    """Of words parted by blanks: where the counts differ, the text is not of the language, and every score is 0 by either."""
    its = asked(k, 40)[place]
    words = (taught(its, "one") + " " + taught(its, "two")).split()
    for _ in range(data.draw(st.integers(0, 4))):
        here, there = (data.draw(st.integers(0, len(words) - 1)) for _ in range(2))
        words[here:there] = [] if data.draw(st.booleans()) and there - here < len(words) else words[there:here]
        words = words or ["."]
    text = " ".join(words)
    exact = check(text, [skill.name for skill in its.skills], its.topic, its.limit)
    counted = voted([exact], length(text, "strict"), its, "strict")
    assert counted is not None
    assert valued(counted, (0.0,) * k) == valued(exact, (0.0,) * k)


# ------------------------------------------------------------------------------------------------ the scripted student
def says(model: str, said: str) -> str:
    output = asyncio.run(Scripted(model).generate([ChatMessageUser(content=said)], [], "auto", GenerateConfig()))
    return output.completion


@pytest.mark.parametrize(("model", "rate"), [("student", SHOWN), ("student-60", 0.6), ("student-0", 0.0), ("student-100", 1.0)])
def test_a_script_told_names_shows_each_with_its_chance(model: str, rate: float) -> None:
    shown: list[float] = []
    for its in asked(3, 200):
        text = says(model, writing.draft(its, form=PACK.text, manner="brief"))
        points = check(text, [skill.name for skill in its.skills], its.topic, its.limit)
        assert points[-3:] == (1.0, 1.0, 1.0)
        shown += points[:-3]
    assert sum(shown) / len(shown) == pytest.approx(rate, abs=4 * (0.25 / len(shown)) ** 0.5 if 0 < rate < 1 else 0)


# ------------------------------------------------------------------------------------------------ the task
def exactly(place: Path, *, script: Script | None = None, graders: Sequence[str] = (), **arguments: Any) -> EvalLog:
    """An evaluation on skillworld; ``graders`` are the models beside the checker."""
    return evaluated(place, script=script, graders=graders, **{"pack": "skillworld", "k": 3, "checked": True, **arguments})


def test_no_grader_is_named_and_the_points_are_the_checkers(tmp_path: Path) -> None:
    script = Script()
    log = exactly(tmp_path, script=script, n=8, controls=14)
    assert log.status == "success"
    assert log.eval.model_roles in (None, {})
    assert script.calls == {"student": 8 * 2}  # one turn a text, and nobody else is asked
    found = check_metrics(log, EXACT)
    assert expected(log) == len(log.samples or ()) == (8 + 14) * 2
    assert len(found) == 8 * 2 + 14
    for row in found:
        points = check(row.text, row.skills, row.topic, sentence_limit(row.k))
        assert (row.grader, row.status, row.points) == (EXACT, "graded", points)
        assert readings(row.gradings) == [points] * 3
        assert row.reasons == ("", "", "")
        assert (row.draft, row.grader_input_tokens, row.grader_output_tokens) == ("", 0, 0)
        wrong = [true for true, point in zip(row.truth or (), points, strict=False) if true == true and true != point]
        assert wrong == []
        assert row.cost == (0.0 if row.control else None)  # nobody said what the student costs
    assert set(KINDS) <= {row.control for row in found}
    assert 0 < metrics(log)["mean", "full_marks", "mean"] < 1
    turns = [
        sum(each.role == "assistant" for each in sample.messages)
        for sample in log.samples or ()
        if "planted" not in sample.metadata
    ]
    assert set(turns) == {1}
    assert (log.eval.metadata or {})["checker"] == "skillworld"


def test_a_student_that_knows_the_language_earns_every_point(tmp_path: Path) -> None:
    answers = {writing.draft(its, form="", manner="brief"): taught(its) for its in asked(4, 6, seed=0)}

    def all_of_it(name: str, said: list[str]) -> str | None:
        return answers["\n".join(said)]

    shown = metrics(exactly(tmp_path, script=Script(all_of_it), k=4))
    assert {value for (_, _, metric), value in shown.items() if metric == "mean"} == {1.0}


def test_a_model_beside_the_checker_is_asked_in_the_role_of_the_grader(tmp_path: Path) -> None:
    script = Script()
    log = exactly(tmp_path, script=script, graders=("grader",), n=5, gradings=2)
    assert script.calls["student"] == 5 * 2
    assert script.calls["grader"] >= 5 * 2 * 2
    found = check_metrics(log, EXACT)
    exact, judged = ([row for row in found if row.grader == name] for name in (EXACT, "mockllm/grader"))
    assert [row.text for row in exact] == [row.text for row in judged]
    assert len(exact) == len(judged) == 5 * 2
    assert all(row.grader_input_tokens > 0 for row in judged)
    assert [row.points for row in exact] != [row.points for row in judged]
    assert [row.grader for row in found[:2]] == [EXACT, "mockllm/grader"]


@pytest.mark.parametrize("graders", [(), ("grader",)])
def test_a_student_that_gives_no_reply_is_a_row_of_each_grader(tmp_path: Path, graders: tuple[str, ...]) -> None:
    def refuse(name: str, said: list[str]) -> str | None:
        if name == "student":
            raise ConnectionError("nobody is there")
        return None

    log = exactly(tmp_path, script=Script(refuse), graders=graders, n=2, generations=1)
    found = list(rows(log))
    assert [row.grader for row in found] == [EXACT, *(f"mockllm/{name}" for name in graders)] * 2
    assert {(row.status, row.points) for row in found} == {("unanswered", None)}
    assert all("nobody is there" in row.why for row in found)


def test_an_empty_text_earns_what_a_model_would_have_to_give_it(tmp_path: Path) -> None:
    def silent(name: str, said: list[str]) -> str | None:
        return "" if name == "student" else None

    found = list(rows(exactly(tmp_path, script=Script(silent), graders=("grader",), n=1, generations=1)))
    assert {row.points for row in found} == {(*(0.0,) * 5, 1.0)}


def test_a_budget_wants_no_price_for_a_checker(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("mockllm/student: {input: 1000000, output: 0}")
    log = exactly(tmp_path, n=2, generations=1, controls=6, max_cost=1e9, prices=str(tmp_path / "prices.yaml"))
    for row in rows(log):
        assert row.status == "graded"
        assert row.cost == (0.0 if row.control else row.input_tokens)


def test_manner_and_checker_go_with_each_other_or_without(tmp_path: Path) -> None:
    """One turn before a model, two turns before a checker."""
    brief = replace(load(str(SMALL_PACK)), manner="brief")
    drafted = replace(PACK, manner="paper")
    for name, pack in (("brief", brief), ("drafted", drafted)):
        save(pack, tmp_path / f"{name}.yaml")
    script = Script()
    log = evaluated(tmp_path / "a", script=script, pack=str(tmp_path / "brief.yaml"), n=3, generations=1, gradings=1)
    assert script.calls["student"] == 3
    assert {row.grader for row in rows(log)} == {"mockllm/grader"}
    script = Script()
    log = exactly(tmp_path / "b", script=script, pack=str(tmp_path / "drafted.yaml"), n=3, generations=1)
    assert script.calls == {"student": 3 * 2}
    assert {row.grader for row in rows(log)} == {EXACT}
    assert all(row.draft for row in rows(log))


def test_what_a_checker_cannot_grade_is_refused(tmp_path: Path) -> None:
    strange = replace(PACK, skills=(*PACK.skills, replace(PACK.skills[0], name="irony")))
    save(strange, tmp_path / "strange.yaml")
    elsewhere = replace(PACK, topics=(*PACK.topics, replace(PACK.topics[0], name="dueling")))
    save(elsewhere, tmp_path / "elsewhere.yaml")
    save(replace(load(str(SMALL_PACK)), manner="brief"), tmp_path / "brief.yaml")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"pack": "skillworld", "mode": "paper"}, "pack 'skillworld' is graded by checker/skillworld: set mode=strict"),
        ({"pack": str(tmp_path / "brief.yaml"), "mode": "paper"}, "pack 'small' asks in one turn: set mode=strict"),
        ({"pack": str(tmp_path / "strange.yaml")}, "names checker 'skillworld', and skillworld has no skill 'irony'"),
        ({"pack": str(tmp_path / "elsewhere.yaml")}, "names checker 'skillworld', and skillworld has no topic 'dueling'"),
    ]
    for arguments, message in cases:
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared as it stands
            skill_mix(**arguments)
        assert message in str(caught.value)
