"""Skill composition: what its students are taught and asked, its claims on made-up records, and a small one from start to end."""

import dataclasses
import itertools
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

from genlab import chance
from genlab.grading.graded import GradedText
from genlab.grading.rubric import sentence_limit
from genlab.results.claims import Verdict, judge
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.skillworld import teacher
from genlab.skillworld.checker import check
from genlab.skillworld.words import TOPICS
from genlab.students.generating import Reply
from genlab.studies.skill_composition import PRESETS, SkillComposition, method
from genlab.studies.skill_composition.embedded import Base, token_counter
from genlab.studies.skill_composition.scores import by_chance, students
from genlab.studies.study import all_conditions

SMALL = SkillComposition(base="trained", width=16, layers=1, base_texts=60, texts=90, n=12, seeds=1, batch=30)


def settings(study: SkillComposition = SMALL, mixture: str = "D(1,2,3)", seed: int = 0) -> dict[str, Any]:
    found = [each.settings for each in study.conditions() if (each.settings["mixture"], each.settings["seed"]) == (mixture, seed)]
    return dict(found[0])


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained base."""
    return Base(16, 1, 60, 0).start(tmp_path_factory.mktemp("base") / "start")


# ------------------------------------------------------------------------------------------------ what is taught
def asked_for(conversation: Mapping[str, Any]) -> tuple[str, list[str], str]:
    """Topic, skills and text of a conversation."""
    prompt, reply = (message["content"] for message in conversation["messages"])
    head, _, skills = prompt.rpartition(": ")
    return head.removeprefix("Write about ").partition(", in at most ")[0], skills.rstrip(".").split("; "), reply


@pytest.mark.parametrize("mixture", ["D(1)", "D(1,2)", "D(1,2,3)"])
def test_strict_texts_earn_full_marks_and_meet_no_skill_or_topic_that_is_held_out(mixture: str, start: Path) -> None:
    about = settings(mixture=mixture)
    parts = method.split_packs(about)
    skills, topics = {each.name for each in parts["train"].skills}, {each.name for each in parts["train"].topics}
    assert not skills & {each.name for each in parts["held-out"].skills}
    assert not topics & {each.name for each in parts["held-out"].topics}
    sizes = set()
    for row in method.data(about, parts, str(start)):
        topic, names, text = asked_for(row)
        assert skills.issuperset(names)
        assert topic in topics
        assert min(check(text, names, topic, sentence_limit(len(names)))) == 1
        sizes.add(len(names))
    assert sizes == {int(each) for each in mixture if each.isdigit()}


def test_no_combination_of_the_evaluation_is_taught(start: Path) -> None:
    study = dataclasses.replace(SMALL, texts=3000, n=100)
    about = settings(study)
    parts = method.split_packs(about)
    asked = {each.identity for name in ("train", "all") for k in (2, 3) for each in method.combinations(parts[name], k, about)}
    taught = {(frozenset(names), topic) for topic, names, _ in map(asked_for, method.data(about, parts, str(start)))}
    assert len(taught) > 1500
    assert not asked & taught


def test_every_mixture_has_as_many_tokens_and_growing_ones_as_many_texts_of_each_k(start: Path) -> None:
    study = dataclasses.replace(SMALL, mixture=("format", "D(1)", "D(1,2)", "D(1,2,3)"), texts=900)
    count = token_counter(str(start))
    tokens = {}
    for mixture in study.mixture:
        about = settings(study, mixture)
        tokens[mixture] = sum(count(list(method.data(about, method.split_packs(about), str(start)))))
    assert max(tokens.values()) / min(tokens.values()) < 1.15  # to a hundred texts
    growing = dataclasses.replace(study, sizing="growing")
    for mixture, texts in {"D(1)": 300, "D(1,2)": 600, "D(1,2,3)": 900}.items():
        about = settings(growing, mixture)
        assert len(method.data(about, method.split_packs(about), str(start))) == texts


def test_the_form_alone_asks_for_words_and_is_as_long_as_ever(start: Path) -> None:
    about = settings(dataclasses.replace(SMALL, mixture=("format",)), "format")
    for topic, names, text in map(asked_for, method.data(about, method.split_packs(about), str(start))):
        assert set(names) <= set(TOPICS[topic])
        assert check(text, [], topic, sentence_limit(len(names))) == (1, 1, 1)


def test_replay_is_the_share_asked_for_and_brings_held_out_skills_one_by_one(start: Path) -> None:
    about = settings(dataclasses.replace(SMALL, texts=400, replay=0.25))
    parts = method.split_packs(about)
    held = {each.name for each in parts["held-out"].skills}
    rows = [asked_for(row) for row in method.data(about, parts, str(start))]
    assert sum(bool(held.intersection(names)) for _, names, _ in rows) > 10
    fresh = rows[: len(rows) * 3 // 4]
    assert not any(held.intersection(names) for _, names, _ in fresh)


# ------------------------------------------------------------------------------------------------ claims on made-up records
def made(mixture: str, rate: float, seed: int, **changes: Any) -> Run:
    """A run in which that share of the texts of every cell shows all skills, and the others none."""
    study = dataclasses.replace(SkillComposition(mixture=(mixture,), base="trained", seeds=seed + 1, n=20), **changes)
    about = settings(study, mixture, seed)
    parts = method.split_packs(about)
    rows: list[GradedText] = []
    for split, part in parts.items():
        for k in about["k"]:
            for each in method.combinations(part, k, about):
                names = [skill.name for skill in each.skills]
                shown = names if each.index < round(rate * 20) else []
                text = teacher.write(shown, each.topic.name, sentence_limit(k), chance.python("made", split, k, each.index))
                reply = Reply(text, 10, 20, True)
                rows.append(method.row(part, each, reply, student=mixture, sample=f"{split}-k{k}-s{seed}-{each.index:04d}"))
    columns = {field.name: _column([getattr(each, field.name) for each in rows]) for field in dataclasses.fields(GradedText)}
    (condition,) = (each for each in study.conditions() if each.settings["seed"] == seed)
    return Run(condition.id, about, "evaluated", columns)


def _column(values: list[Any]) -> Any:
    array = np.empty(len(values), object)
    array[:] = [math.nan if value is None else list(value) if isinstance(value, tuple) else value for value in values]
    return array


@pytest.fixture(scope="module")
def better() -> list[Run]:
    """Three seeds in which more skills a text taught more."""
    rates = {"base": 0.05, "D(1)": 0.1, "D(1,2)": 0.4, "D(1,2,3)": 0.8}
    return [made(mixture, rate, seed) for seed in range(3) for mixture, rate in rates.items()]


def verdicts(runs: list[Run]) -> dict[str, Verdict]:
    return {each.claim.id: each.verdict for each in judge(SkillComposition.claims(), runs)}


def test_claims_hold_where_every_seed_says_so(better: list[Run]) -> None:
    assert verdicts(better) == {
        "C1": Verdict.HOLDS,
        "C2": Verdict.HOLDS,
        "C3": Verdict.HOLDS,
        "C4": Verdict.NOT_MEASURED,
        "C5": Verdict.FAILS,  # as good as trained skills, and not better
    }


def test_students_that_can_do_nothing_are_no_success() -> None:
    runs = [made(mixture, 0.0, seed) for seed in range(2) for mixture in ("base", "D(1)", "D(1,2)", "D(1,2,3)")]
    assert {verdicts(runs)[claim] for claim in ("C1", "C2", "C3")} == {Verdict.FAILS}


def test_strict_and_replay_are_never_mixed(better: list[Run]) -> None:
    replayed = [made("D(1,2,3)", 0.2, seed, replay=0.25) for seed in range(3)]
    every = students([*better, *replayed])
    assert [each.name for each in every] == ["base", "D(1) strict", "D(1,2) strict", "D(1,2,3) strict", "D(1,2,3) replay 25%"]
    findings = judge(SkillComposition.claims(), [*better, *replayed])[0].findings
    assert len(findings) == 8
    assert {finding.setting.partition(" minus")[0] for finding in findings} == {"D(1,2,3) strict", "D(1,2,3) replay 25%"}
    names = {figure.name for figure in SkillComposition.figures([*better, *replayed])}
    assert names == {"full_marks-strict", "present-strict", "full_marks-replay-25", "present-replay-25"}


def test_growing_sizes_say_nothing_of_efficiency(better: list[Run]) -> None:
    bases = [run for run in better if run.settings["mixture"] == "base"]
    growing = [made(mixture, 0.5, seed, sizing="growing") for seed in range(2) for mixture in ("D(1,2)", "D(1,2,3)")]
    assert judge(SkillComposition.claims(), [*bases, *growing])[2].findings == ()


def test_tables_and_numbers_say_what_was_made(better: list[Run]) -> None:
    tables = {table.name: table for table in SkillComposition.tables(better)}
    (line,) = [row for row in tables["full-marks"].rows if row[0] == "D(1,2,3) strict" and row[2] == "held-out"]
    assert line[3:] == ("0.800 [0.800, 0.800]",) * 5 + ("3",)
    (kept,) = [row for row in tables["retention"].rows if row[0] == "D(1,2) strict"]
    assert kept[2:4] == ("0.400 [0.400, 0.400]",) * 2
    assert any(each.startswith("D(1,2,3) strict, train: full marks k=1 0.80") for each in SkillComposition.numbers(better))
    notes = SkillComposition.remarks(better)
    assert "no evidence on large models" in notes[0]
    assert any("base on trained shows a single skill (train) in 5% of texts only" in note for note in notes)
    (three, four) = SkillComposition.passages(better)
    assert (len(three.items), len(four.items)) == (8, 12)


def test_chance_is_what_texts_show_of_the_next_request(better: list[Run]) -> None:
    (best, *_) = [each for each in students(better) if each.mixture == "D(1,2,3)"]
    rows = best.cells[0]["all", 5]
    following = [*rows[1:], rows[0]]
    pairs = zip(rows, following, strict=True)
    shares = [sum(check(own.text, other.skills, own.topic, 4)[:5]) / 5 for own, other in pairs]
    assert by_chance(rows) == pytest.approx(sum(shares) / len(shares))


# ------------------------------------------------------------------------------------------------ whole runs
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mixture": ("D(4)",)}, "mixture knows base, format, D(1), D(1,2), D(1,2,3); got D(4)"),
        ({"pack": "english"}, "wants base=FOLDER"),
        ({"replay": 1.0}, "replay is a share from 0 to below 1, got 1"),
        ({"k": ()}, "k names at least one number"),
        ({"held_topics": 0.0}, "held_topics is a share between 0 and 1, got 0"),
        ({"texts": 0}, "texts is at least 1, got 0"),
    ],
)
def test_what_cannot_be_studied_says_what_is_right(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        dataclasses.replace(SMALL, **changes)


def test_processes_side_by_side_begin_with_different_seeds() -> None:
    first = PRESETS["full"]()[0].conditions()[:5]
    assert [each.settings["seed"] for each in first] == [0, 1, 2, 3, 4]


def test_presets_are_what_they_say() -> None:
    assert len(all_conditions(PRESETS["mini"]())) == 5 * 3
    every = all_conditions(PRESETS["full"]())
    assert len(every) == 5 * (5 + 4 + 3)  # the bases are evaluated once
    assert {condition.settings["base"] for _, condition in all_conditions(PRESETS["paper"]())} == {
        "meta-llama/Llama-2-13b-chat-hf",
        "mistralai/Mistral-7B-Instruct-v0.2",
    }


def advance(
    study: SkillComposition, about: dict[str, Any], snapshot: Snapshot | None, cells: int
) -> tuple[list[GradedText], Snapshot]:
    """The rows of so many cells from a snapshot on, and the next snapshot."""
    rows: list[GradedText] = []
    last = Snapshot({}, {"cells": 0})
    run = study.run(about, snapshot, "cpu")
    for step in run:
        rows += step.records
        if step.records:
            last = step.snapshot()
            cells -= 1
            if not cells:
                run.close()
                break
    return rows, last


@pytest.mark.long
def test_a_small_student_from_base_to_texts_resumes_to_the_same(tmp_path: Path) -> None:
    whole = SMALL.keeping_in(str(tmp_path / "whole"))
    about = settings(mixture="D(1,2)")
    assert isinstance(whole, SkillComposition)
    expected, _ = advance(whole, about, None, 100)
    assert len(expected) == 3 * 5 * 12

    other = SMALL.keeping_in(str(tmp_path / "other"))
    assert isinstance(other, SkillComposition)
    for step in itertools.islice(other.run(about, None, "cpu"), 3):  # stopped while the base is made
        assert not step.records
    first, snapshot = advance(other, about, None, 4)
    rest, _ = advance(other, about, snapshot, 100)
    assert [*first, *rest] == expected
