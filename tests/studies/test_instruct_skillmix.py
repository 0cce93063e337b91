"""Instruct-SkillMix: what its students are taught and asked, its claims on made-up records, and small ones from start to end."""

import dataclasses
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

from genlab.curation.shirkers import planting
from genlab.evaluation.judges import embedded as judging
from genlab.finetuning.best_epoch import best_epoch
from genlab.results.claims import Verdict, judge
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.skills.pack import load
from genlab.skillworld import queries
from genlab.skillworld.queries import SHAPES
from genlab.studies.fine_tuned import home
from genlab.studies.instruct_skillmix import PRESETS, InstructSkillMix, scores
from genlab.studies.instruct_skillmix.embedded import Embedded
from genlab.studies.instruct_skillmix.models import Models
from genlab.studies.instruct_skillmix.record import Answered
from genlab.studies.study import all_conditions

SMALL = InstructSkillMix(n=(48,), epochs=2, held_out=6, questions=4, seeds=1)


def settings(study: InstructSkillMix = SMALL, seed: int = 0) -> dict[str, Any]:
    return dict(next(each.settings for each in study.conditions() if each.settings["seed"] == seed))


def changed(**fields: Any) -> InstructSkillMix:
    return dataclasses.replace(SMALL, **fields)


# ------------------------------------------------------------------------------------------------ what is taught and asked
def words(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["messages"][0]["content"], row["messages"][1]["content"]) for row in rows]


@pytest.mark.parametrize("fields", [{}, {"k": (1,)}, {"source": ("SDD",)}, {"source": ("naive",)}])
def test_answers_are_good_and_meet_nothing_that_is_asked_or_chosen_by(fields: dict[str, Any]) -> None:
    world = Embedded(settings(changed(**fields)), "cpu")
    rows, asked = world.rows(), world.asked()
    taken = {(frozenset(each.skills), each.topic) for each in asked if len(each.skills) > 1}
    assert len(rows) == 48 == len({instruction for instruction, _ in words(rows)})
    for row, (instruction, answer) in zip(rows, words(rows), strict=True):
        about = queries.Query(row["index"], row["query_type"], tuple(row["skills"]), row["topic"], instruction)
        assert min(queries.points(about, answer)) == 1
        assert (frozenset(row["skills"]), row["topic"]) not in taken
    held = {each.instruction for each in world.made[48:]}
    assert len(held) == 6
    assert not held & {instruction for instruction, _ in words(rows)}
    assert [len(each.skills) for each in asked] == [1] * 4 + [2] * 4 + [3] * 4
    assert not {each.instruction for each in asked} & held


def test_all_students_of_a_seed_are_asked_the_same_and_those_of_another_seed_something_else() -> None:
    one, other = (Embedded(settings(changed(source=(name,))), "cpu").asked() for name in ("SDA", "naive"))
    assert one == other
    assert one != Embedded(settings(changed(seeds=2), seed=1), "cpu").asked()


def test_skills_of_a_data_set_are_those_that_its_examples_show() -> None:
    few = Embedded(settings(changed(source=("SDD",), seed_examples=8)), "cpu")
    shown = {skill.name for skill in few.pack().skills}
    assert 0 < len(shown) < len(load("skillworld").skills) / 2
    assert all(shown.issuperset(row["skills"]) for row in few.rows())


@pytest.mark.parametrize("kind", ["brevity", "junk"])
def test_shirkers_are_the_share_asked_for_and_the_rest_stays_word_for_word(kind: str) -> None:
    clean = words(Embedded(settings(), "cpu").rows())
    few, more = (Embedded(settings(changed(shirkers=(kind,), share=(share,))), "cpu").rows() for share in (0.125, 0.25))
    hit = [{place for place, row in enumerate(rows) if row[planting.KIND] == kind} for rows in (few, more)]
    assert [len(each) for each in hit] == [6, 12]
    assert hit[0] < hit[1]
    for place, (one, other) in enumerate(zip(clean, words(more), strict=True)):
        assert one[0] == other[0]
        assert (one == other) == (place not in hit[1])
        if place in hit[1]:
            assert (len(other[1]) < len(one[1])) == (kind == "brevity")


def test_a_naive_teacher_asks_for_fewer_skills_than_random_pairs_do() -> None:
    spread = [
        len({skill for row in Embedded(settings(changed(source=(name,), n=(200,))), "cpu").rows() for skill in row["skills"]})
        for name in ("SDA", "naive")
    ]
    assert spread[0] > spread[1]


# ------------------------------------------------------------------------------------------------ claims on made-up records
def made(rate: float, seed: int, *, study: InstructSkillMix = SMALL, lengths: int = 40) -> Run:
    """A run in which that share of the answers wins, and the others lose."""
    study = dataclasses.replace(study, seeds=seed + 1)
    (condition,) = (each for each in study.conditions() if each.settings["seed"] == seed)
    rows = [
        Answered(
            student="made",
            epoch=2,
            judge="checker/skillworld",
            sample=f"k{k}-s{seed}-{number:02d}",
            index=number,
            k=k,
            skills=("hedge",) * k,
            query_type="planning",
            topic="law",
            instruction=f"Plan {number}.",
            text="x" * (lengths + number % 7),
            reference="y" * 50,
            preference=2.0 if number < rate * 20 else 1.0,
            points=(1.0,) * (k + 3) if number < rate * 20 else (*[0.0] * k, 1.0, 1.0, 1.0),
            full_marks=float(number < rate * 20),
            characters=lengths + number % 7,
            reference_characters=50,
            status="graded",
            why="",
            input_tokens=1,
            output_tokens=1,
            cost=0.0,
        )
        for k in (1, 2, 3)
        for number in range(20)
    ]
    columns = {each.name: _column([getattr(row, each.name) for row in rows]) for each in dataclasses.fields(Answered)}
    return Run(condition.id, condition.settings, "judged", columns)


def _column(values: list[Any]) -> Any:
    array = np.empty(len(values), object)
    array[:] = [math.nan if value is None else list(value) if isinstance(value, tuple) else value for value in values]
    return array


ARMS: dict[str, tuple[dict[str, Any], float]] = {
    "base": ({"source": ("base",)}, 0.05),
    "small": ({"n": (24,)}, 0.4),
    "full": ({}, 0.8),
    "single": ({"k": (1,)}, 0.6),
    "SDD": ({"source": ("SDD",)}, 0.7),
    "naive": ({"source": ("naive",)}, 0.5),
    "brevity": ({"shirkers": ("brevity",)}, 0.3),
    "junk": ({"shirkers": ("junk",)}, 0.2),
}


@pytest.fixture(scope="module")
def good() -> list[Run]:
    """Three seeds in which everything is as the paper says."""
    return [made(rate, seed, study=changed(**fields)) for seed in range(3) for fields, rate in ARMS.values()]


def verdicts(runs: Sequence[Run]) -> dict[str, Verdict]:
    return {each.claim.id: each.verdict for each in judge(InstructSkillMix.claims(), runs)}


def test_claims_hold_where_every_seed_says_so_and_fail_where_it_is_the_other_way_round(good: list[Run]) -> None:
    assert set(verdicts(good).values()) == {Verdict.HOLDS}
    assert len(verdicts(good)) == 6
    upside = [made(1 - rate, seed, study=changed(**fields)) for seed in range(3) for fields, rate in ARMS.values()]
    assert set(verdicts(upside).values()) == {Verdict.FAILS}


def test_what_was_not_run_is_not_measured_and_one_seed_decides_nothing(good: list[Run]) -> None:
    assert set(verdicts(good[:1]).values()) == {Verdict.NOT_MEASURED}
    assert set(verdicts(good[: len(ARMS)]).values()) == {Verdict.UNDECIDED}


def test_other_temperatures_bases_and_judges_are_never_compared(good: list[Run]) -> None:
    cold = [made(1.0, seed, study=changed(temperature=0.0, k=(1,))) for seed in range(3)]
    assert verdicts([*good, *cold]) == verdicts(good)
    alone = [run for run in good if run.settings["k"] != 1]
    assert verdicts([*alone, *cold])["C3"] is Verdict.NOT_MEASURED


def test_the_ablation_table_holds_every_student_with_its_interval(good: list[Run]) -> None:
    tables = {each.name: each for each in InstructSkillMix.tables(good)}
    assert set(tables) == {"ablation", "differences", "criteria", "epochs"}
    rows = {row[0]: row for row in tables["ablation"].rows}
    assert len(rows) == len(ARMS)
    assert rows["SDA k=2 n=48"][1] == "0.800 [0.800, 0.800]"
    assert rows["SDA k=2 n=48"][4:] == ("180", "0", "3", "checker/skillworld")
    assert {row[0]: row[2] for row in tables["differences"].rows}["naive n=48"] == "-0.3 [-0.3, -0.3]"
    assert [row[2] for row in tables["epochs"].rows] == ["2, 2, 2"] * 7
    lines = InstructSkillMix.numbers(good)
    assert len(lines) == len(ARMS)
    assert lines[0].startswith("base: win rate 0.050 [0.050, 0.050], length-controlled ")


def test_figures_show_sizes_and_shares_and_passages_show_what_was_said(good: list[Run]) -> None:
    data, share = InstructSkillMix.figures(good)
    (line,) = data.panels[0].lines
    assert line.x.tolist() == [24, 48]
    assert line.y.tolist() == pytest.approx([0.4, 0.8])
    (bars,) = data.panels[1].bars
    rates = dict(zip(bars.categories, bars.y.tolist(), strict=True))
    assert rates == pytest.approx(
        {"base": 0.05, "SDA k=1 n=48": 0.6, "SDA k=2 n=48": 0.8, "SDD k=2 n=48": 0.7, "naive n=48": 0.5}
    )
    assert {panel.y_range for panel in (*data.panels, *share.panels)} == {(0.0, 1.0)}
    assert [panel.title for panel in share.panels] == ["brevity", "junk"]
    assert share.panels[1].lines[0].y.tolist() == pytest.approx([0.8, 0.2])
    assert [each.name for each in InstructSkillMix.passages(good)] == ["answers-k1", "answers-k2", "answers-k3"]
    turned = InstructSkillMix.passages(list(reversed(good)))[0].items  # runs end in any order: the first seed is seed 0
    assert len(turned) == 1 + len(ARMS)
    assert {each.facts["sample"] for each in turned} == {"k1-s0-00"}
    assert sum("miniature" in each for each in InstructSkillMix.remarks(good)) == 1
    assert sum("model of one" in each for each in InstructSkillMix.remarks(good)) == 1


def test_an_ungraded_answer_is_in_no_mean_and_is_counted() -> None:
    run = made(0.5, 0)
    lost = np.array(run.columns["preference"])
    lost[:15] = math.nan
    (student,) = scores.students([dataclasses.replace(run, columns={**run.columns, "preference": lost})])
    assert student.ungraded == 15
    assert student.by_seed(scores.win_rate) == {0: pytest.approx(20 / 45)}
    assert any("15 answers have no readable judgement" in each for each in InstructSkillMix.remarks([
        dataclasses.replace(run, columns={**run.columns, "preference": lost})
    ]))  # fmt: skip
    diverged = dataclasses.replace(run, ending="diverged at step 3")
    assert scores.students([diverged]) == []
    assert "1 students diverged" in InstructSkillMix.remarks([diverged])[0]


def test_length_control_raises_a_short_answers_rate_and_is_silent_of_one_length() -> None:
    (student,) = scores.students([made(0.5, 0)])
    controlled = student.by_seed(scores.length_controlled_win_rate)
    assert 0 < controlled[0] < 1
    equal = [dataclasses.replace(each, text="x" * 50) for each in student.answers[0]]
    assert scores.length_controlled_win_rate(tuple(equal)) is None


# ------------------------------------------------------------------------------------------------ what may be asked for
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": ("SDX",)}, "source knows base, SDA, SDD, naive; got SDX"),
        ({"shirkers": ("lazy",)}, "shirkers knows none, brevity, junk; got lazy"),
        ({"share": (0.0,)}, "share is above 0 and at most 1, got 0; for none: shirkers=none"),
        ({"n": ()}, "n names at least one number from 1, got ()"),
        ({"k": (0,)}, "k names at least one number from 1"),
        ({"epochs": 0}, "epochs is at least 1, got 0"),
        ({"step_size": 0.0}, "step_size is above 0, got 0"),
        ({"temperature": -1.0}, "temperature is at least 0, got -1"),
        ({"questions": 1}, "questions is at least 2, got 1"),
        ({"data": "folder"}, "want benchmark=FILE"),
        ({"max_cost": 5.0}, "max_cost is above 0 dollars and wants prices=FILE"),
        ({"max_cost": 0.0, "prices": "p.yaml"}, "max_cost is above 0 dollars and wants prices=FILE"),
        (
            {"data": "folder", "benchmark": "b.json", "judge": "a/b", "choosing_judge": "a/b"},
            "choosing_judge is another model than judge, got a/b for both",
        ),
    ],
)
def test_what_cannot_be_studied_says_what_is_right(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        changed(**fields)


def test_more_skills_than_a_pack_has_are_refused_before_anything_is_trained() -> None:
    study = changed(source=("SDD",), seed_examples=1, k=(40,))
    with pytest.raises(ValueError, match=r"k is between 1 and|seed texts show no skill"):
        study.ready(settings(study))


def test_presets_are_what_they_say() -> None:
    assert len(all_conditions(PRESETS["mini"]())) == 15 * 3
    assert len(all_conditions(PRESETS["full"]())) == 15 * 5
    paper = all_conditions(PRESETS["paper"]())
    assert len(paper) == 15 * 2
    assert {condition.settings["n"] for _, condition in paper} == {None, 1000, 2000, 4000}
    study, condition = paper[1]
    found = study.price(condition.settings, "cpu")
    assert found is not None
    assert found.calls == 2 * (805 + 15 * 100)
    assert found.tokens == found.calls * 1_625
    assert found.dollars is None
    own = SMALL.price(settings(), "cpu")
    assert (own.calls, own.records) == (0, 12)


def test_base_and_naive_are_one_condition_whatever_k_is_and_the_base_whatever_spoils_it() -> None:
    study = changed(source=("base", "naive"), k=(1, 2), n=(24, 48), shirkers=("none", "junk"), share=(0.1, 0.2))
    names = [study.label(each.settings) for each in study.conditions()]
    assert len(names) == len(set(names)) == 1 + 2 * (1 + 2)
    assert names[:2] == ["base seed 0", "naive n=24 seed 0"]


# ------------------------------------------------------------------------------------------------ from start to end
def records(study: InstructSkillMix) -> tuple[list[Answered], dict[str, str]]:
    rows: list[Answered] = []
    facts: dict[str, str] = {}
    for step in study.run(settings(study), None, "cpu"):
        rows += step.records
        facts.update(step.facts)
    return rows, facts


def test_a_small_student_is_taught_chosen_and_judged(tmp_path: Path) -> None:
    study = SMALL.keeping_in(str(tmp_path))
    assert isinstance(study, InstructSkillMix)
    rows, facts = records(study)
    assert [each.k for each in rows] == [1] * 4 + [2] * 4 + [3] * 4
    assert {each.status for each in rows} == {"graded"}
    for each in rows:
        about = queries.Query(each.index, each.query_type, each.skills, each.topic, each.instruction)
        assert each.preference == queries.preference(about, each.reference, each.text)
        assert each.points == queries.points(about, each.text)
    best = best_epoch(home(study, study.store, settings()) / "model")
    assert facts["epoch"] == f"{best.epoch} of 2"
    assert {each.epoch for each in rows} == {best.epoch}
    assert list(study.run(settings(study), Snapshot({}, {"cells": 1}), "cpu")) == []  # killed after the last row was kept
    (kept,) = (tmp_path / "references").iterdir()
    assert json.loads(kept.read_text()) == [each.reference for each in rows]
    kept.write_text(json.dumps([*["Nonsense"], *[each.reference for each in rows][1:]]))
    base, _ = records(dataclasses.replace(study, source=("base",)))
    assert base[0].reference == "Nonsense"  # it was read: the reference answers a seed's instructions once
    kept.unlink()
    base, _ = records(dataclasses.replace(study, source=("base",)))
    assert [each.instruction for each in base] == [each.instruction for each in rows]
    assert [each.reference for each in base] == [each.reference for each in rows]
    assert sum(sum(each.points) for each in rows) > sum(sum(each.points) for each in base)  # it does learn


@pytest.fixture
def bought(tmp_path: Path) -> InstructSkillMix:
    """A folder of data sets and questions as a user of models has them, made by skillworld for want of models."""
    from datasets import Dataset

    made = [each.to_row() for each in Embedded(settings(), "cpu").made]
    for name, rows in (
        ("SDA-k2", made[:48]),
        ("held-out", made[48:]),
        ("SDA-k2-junk", planting.plant(made[:48], kind="junk", share=1.0, seed=0, write=planting.skillworld("junk"))),
    ):
        Dataset.from_list(rows).save_to_disk(str(tmp_path / "data" / name))
    pack = load("skillworld")
    asked = judging.questions(
        pack, 2, 4, seed=7, reference=lambda each: "The judge sees the jury.", generator="plain", query_types=tuple(SHAPES)
    )
    judging.write(tmp_path / "questions.jsonl", [{k: v for k, v in row.items() if k != "skills"} for row in asked])
    return InstructSkillMix(
        n=(48,),
        epochs=1,
        held_out=4,
        questions=0,
        temperature=0.5,
        seeds=1,
        data=str(tmp_path / "data"),
        benchmark=str(tmp_path / "questions.jsonl"),
        judge="scripted/judge",
        choosing_judge="scripted/judge-30",
        store=str(tmp_path / "store"),
    )


def test_data_of_models_are_read_with_their_shirkers_and_what_lacks_is_said(bought: InstructSkillMix) -> None:
    bought.ready(settings(bought))
    junk = dataclasses.replace(bought, shirkers=("junk",), share=(0.25,))
    rows = Models(settings(junk), Path()).rows()
    assert sum(row[planting.KIND] == "junk" for row in rows) == 12
    brevity = dataclasses.replace(bought, shirkers=("brevity",))
    for study, message in (
        (brevity, "there is no data set .*SDA-k2-brevity: make it with genlab data instruct"),
        (dataclasses.replace(bought, n=(49,)), "SDA-k2 holds 48 rows, and n=49: make more, or lower n"),
        (dataclasses.replace(bought, held_out=9), "held-out holds 6 rows, and held_out=9"),
        (dataclasses.replace(bought, questions=9), "n is 0 .all. to 4"),
        (dataclasses.replace(bought, judge="gpt"), "judge is an Inspect model, such as openai/gpt-4o; got 'gpt'"),
        (dataclasses.replace(bought, base="/nowhere"), "no model folder at /nowhere"),
    ):
        with pytest.raises(ValueError, match=message):
            study.ready(settings(study))


@pytest.mark.long
def test_models_judge_through_inspect_and_another_one_chooses(bought: InstructSkillMix) -> None:
    rows, facts = records(bought)
    assert len(rows) == 4
    assert {each.judge for each in rows} == {"scripted/judge"}
    assert all(each.preference is not None or each.status != "graded" for each in rows)
    assert facts["epoch"] == "1 of 1"
    logs = home(bought, bought.store, settings(bought)) / "logs"
    assert {each.name for each in logs.iterdir()} == {"epoch-1", "benchmark"}
    held = logs.parent / "held-out.jsonl"
    assert len([json.loads(line) for line in held.read_text().splitlines()]) == 4
    again, _ = records(bought)
    assert again == rows


@pytest.mark.long
def test_a_budget_stops_the_judges_and_more_of_it_goes_on(bought: InstructSkillMix, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("scripted/judge: {input: 1000, output: 1000}\nscripted/judge-30: {input: 1000, output: 1000}\n")
    poor = dataclasses.replace(bought, prices=str(prices), max_cost=8.0)
    poor.ready(settings(poor))
    with pytest.raises(RuntimeError, match=r"answers were not judged \(.*max_cost is reached.*with a larger max_cost"):
        records(poor)
    rows, _ = records(dataclasses.replace(poor, max_cost=10_000.0))
    assert len(rows) == 4
    assert {each.status for each in rows} <= {"graded", "ungraded"}
    (priced,) = [poor.price(settings(poor), "cpu")]
    assert priced.dollars == pytest.approx((2 * 805 + 2 * 4) * 1.625)


def test_a_judge_without_a_price_is_named_before_anything_is_paid(bought: InstructSkillMix, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("scripted/judge: {input: 1, output: 1}\n")
    study = dataclasses.replace(bought, prices=str(prices), max_cost=8.0)
    with pytest.raises(ValueError, match=r"max_cost wants a price for every judge, and .* has none for scripted/judge-30"):
        study.ready(settings(study))
