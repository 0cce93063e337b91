"""Skill-Mix of a pack with an exact checker: who grades, what it costs, what a run leaves, and what its report leaves out."""

import dataclasses
from collections.abc import Iterator, Sequence
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai")

from tests.review.clicking import whole as clicks
from tests.review.clicking import write
from tests.studies.made_mix import made
from tests.studies.test_skill_mix_report import tables, whole
from tests.studies.test_skill_mix_runs import bytes_of, replies, run

from genlab.evaluation import writing
from genlab.grading.rubric import sentence_limit
from genlab.results.claims import Verdict, judge
from genlab.results.runs import Run
from genlab.review.attach import attach
from genlab.review.command import review
from genlab.skills.pack import load
from genlab.skillworld.checker import check
from genlab.studies.catalogue import Choice
from genlab.studies.catalogue import load as chosen
from genlab.studies.skill_mix import SkillMix
from genlab.studies.study import all_conditions

EXACT = "checker/skillworld"
SMALL = SkillMix(student=("scripted/student",), k=(3,), pack="skillworld", n=6, generations=2, gradings=2, controls=7)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache for each test; the fork server keeps the environment that it was started in, so each has its own, too."""
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("GENLAB_PRICES", "GENLAB_MAX_COST", "GENLAB_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    forkserver._forkserver._stop()  # type: ignore[attr-defined]
    yield
    forkserver._forkserver._stop()  # type: ignore[attr-defined]


def graders(*assignments: str) -> list[str]:
    """Who grades, by what is set on the command line."""
    ((_, condition),) = all_conditions(chosen(Choice("skill_mix", "mini", ("k=2", *assignments))))
    found: list[str] = condition.settings["grader"]
    return found


# ------------------------------------------------------------------------------------------------ who grades
def test_the_checker_grades_where_the_pack_has_one_and_before_any_model() -> None:
    assert graders("pack=skillworld") == [EXACT]
    assert graders("pack=skillworld", f"grader={EXACT}") == [EXACT]
    assert graders("pack=skillworld", f"grader={EXACT},openai/x") == [EXACT, "openai/x"]
    assert graders("pack=english") == ["scripted/grader"]
    assert graders("pack=english", "grader=openai/x") == ["openai/x"]


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (("pack=skillworld", "grader=openai/x"), f"before any model: set grader={EXACT},openai/x, or another pack, such as"),
        (("pack=skillworld", f"grader=openai/x,{EXACT}"), f"before any model: set grader={EXACT},openai/x"),
        (("pack=skillworld", "grader=checker/other"), f"before any model: set grader={EXACT}, or another pack"),
        (("pack=english", f"grader={EXACT}"), f"pack english has no exact checker, and grader names {EXACT}: name models"),
        (("pack=english", f"grader=openai/x,{EXACT}"), f"grader names {EXACT}: name models, such as grader=openai/gpt-4o"),
        (("pack=skillworld", "mode=paper"), f"pack 'skillworld' is graded by {EXACT}: set mode=strict"),
        (("pack=skillworld", "grading=temperature=0"), f"grading holds options of graders that are models, and {EXACT} is none"),
    ],
)
def test_graders_that_do_not_go_with_the_pack_are_refused(assignments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared as it stands
        graders(*assignments)
    assert message in str(caught.value)


def test_a_condition_says_no_more_of_a_checked_pack_than_of_another() -> None:
    """Or conditions in stores would get other names."""
    (checked,), (judged,) = SMALL.conditions(), dataclasses.replace(SMALL, pack="english").conditions()
    assert checked.settings.keys() == judged.settings.keys()
    assert SkillMix.label(checked.settings) == "scripted/student k=3 skillworld seed 0"


# ------------------------------------------------------------------------------------------------ price and readiness
def test_a_price_counts_one_turn_a_text_and_no_grading(tmp_path: Path) -> None:
    settings = SMALL.conditions()[0].settings
    price = SMALL.price(settings, "cpu")
    assert (price.calls, price.records) == (6 * 2, 6 * 2 + 7)
    beside = dataclasses.replace(SMALL, grader=(EXACT, "openai/x"), controls=0)
    more = beside.price(beside.conditions()[0].settings, "cpu")
    assert (more.calls, more.records) == (6 * 2 + 6 * 2 * 2, 6 * 2 * 2)
    (tmp_path / "prices.yaml").write_text("scripted/student: {input: 1, output: 1}")
    told = dataclasses.replace(SMALL, prices=str(tmp_path / "prices.yaml"), max_cost=1.0)
    assert told.price(settings, "cpu").dollars == pytest.approx(price.tokens / 1e6, rel=1e-2)
    told.ready(settings)  # a checker has no price, and Inspect no model of its name


def test_models_beside_the_checker_are_looked_for() -> None:
    study = dataclasses.replace(SMALL, grader=(EXACT, "nobody/x"))
    with pytest.raises(ValueError, match="Inspect cannot reach nobody/x"):
        study.ready(study.conditions()[0].settings)


# ------------------------------------------------------------------------------------------------ runs
@pytest.mark.long
def test_a_run_asks_the_student_alone_and_can_be_reviewed(tmp_path: Path) -> None:
    rows, ending = run(dataclasses.replace(SMALL, processes=2), tmp_path / "store")
    assert ending == "all combinations"
    price = SMALL.price(SMALL.conditions()[0].settings, "cpu")
    assert (len(rows), replies(tmp_path)) == (price.records, price.calls)
    for row in rows:
        assert (row.grader, row.status) == (EXACT, "graded")
        assert row.points == check(row.text, row.skills, row.topic, sentence_limit(row.k))
    assert {row.full_marks for row in rows} == {0.0, 1.0}
    assert bytes_of(run(SMALL, tmp_path / "again")[0]) == bytes_of(rows)
    assert replies(tmp_path) == price.calls

    skills = {skill.name: skill for skill in load("skillworld").skills}
    reviewing = review(rows, skills, tmp_path / "review", n=4)
    assert len(reviewing.chosen) == 4
    assert reviewing.chosen[0].rubric.skills[0].definition in reviewing.export(tmp_path / "page.html").read_text("utf-8")
    for item in reviewing.chosen:
        points = check(item.text, [skill.name for skill in item.rubric.skills], item.rubric.topic, item.rubric.limit)
        reviewing.bring([write(tmp_path / f"{item.id}.jsonl", clicks("Ana", item, map(int, points)))])
    comparison = reviewing.compare()
    assert comparison.graders == (EXACT,)
    assert comparison.disagreements == ()
    reviewing.write(comparison)
    logs = sorted((tmp_path / "store").rglob("*.eval"))
    assert sum(attach(log, rows, reviewing.ratings()) for log in logs) >= 4


def test_the_facts_of_a_run_say_who_graded(tmp_path: Path) -> None:
    study = dataclasses.replace(SMALL, n=1, controls=0)
    first = next(study.keeping_in(str(tmp_path)).run(study.conditions()[0].settings, None, "cpu"))
    assert first.facts["student's prompts"] == writing.digest("brief")
    assert first.facts["graders' prompts"] == f"none: {EXACT}"


# ------------------------------------------------------------------------------------------------ reports
def exact(rate: float, k: int, student: str = "batched/x", beside: Sequence[str] = (), **changes: Any) -> Run:
    return made(rate, student, k, graders=(EXACT, *beside), pack="skillworld", **changes)


RUNS = [exact(rate, k, n=40) for rate, k in ((0.9, 2), (0.5, 3), (0.1, 4))]


def test_a_report_of_exact_grades_measures_no_grader_and_compares_with_nothing_published() -> None:
    found = whole(RUNS)
    assert {"scores", "saturation", "graders", "cost"} <= set(found)
    assert not {"agreement", "corrected", "families", "novelty", "published"} & set(found)
    lines = [line.name for figure in SkillMix.figures(RUNS) for panel in figure.panels for line in panel.lines]
    assert set(lines) == {"batched/x"}
    assert not any("ublished" in figure.title + figure.caption for figure in SkillMix.figures(RUNS))


def test_what_an_exact_checker_is_worth_is_said_first() -> None:
    (remark,) = SkillMix.remarks(RUNS)
    assert remark.startswith(f"A program, {EXACT}, grades the texts of pack skillworld and decides every point exactly")
    assert "comparable with no number of Skill-Mix in English" in remark
    assert all("scripted" not in line and f"by {EXACT}: full marks" in line for line in SkillMix.numbers(RUNS))
    script, exactly = SkillMix.remarks([exact(0.5, 2, "scripted/student")])
    assert script.startswith("A script stands in for a model")
    assert exactly == remark
    assert not any("A program" in each for each in SkillMix.remarks([made(0.5)]))


def test_claims_are_judged_on_a_real_student_of_skillworld() -> None:
    falls = {each.claim.id: each for each in judge(SkillMix.claims(), RUNS)}["C1"]
    assert falls.verdict == Verdict.HOLDS
    assert falls.findings[0].setting == f"batched/x, k=4 minus k=2, skillworld, by {EXACT}"


def test_a_model_beside_the_checker_is_held_against_it() -> None:
    runs = [exact(0.5, k, "openai/x", ["openai/y"]) for k in (2, 3)]
    found = whole(runs)
    assert {line[0] for line in found["agreement"].rows} == {"gradings of openai/y", "graders, by their votes"}
    assert {line[2] for line in found["corrected"].rows} == {"openai/y"}
    assert {tuple(line[2:4]) for line in found["families"].rows} == {
        ("openai/y", "its own family"),
        (EXACT, "no family: a program"),
    }
    assert "published" not in found  # the score is the checker's


def test_checked_and_judged_runs_stand_in_one_report() -> None:
    both = [*RUNS, made(0.5, "batched/x", 2), made(0.5, "batched/x", 3)]
    found = tables(both)
    assert {"published", "novelty", "agreement", "corrected"} <= set(found)
    assert len(found["novelty"].rows) == 2 * 3  # of English alone
    assert len({line[0] for line in found["saturation"].rows}) == 2
    assert any("published" in line.name for line in SkillMix.figures(both)[1].panels[0].lines)
