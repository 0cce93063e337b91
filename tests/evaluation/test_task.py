"""The task through Inspect: what it asks, that its metrics are those of its rows, and that nothing is asked twice."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai")

from inspect_ai.log import EvalLog
from inspect_ai.model import GenerateConfig
from tests.evaluation.evals import Script, evaluated

from genlab.evaluation import writing
from genlab.evaluation.logs import expected, read_texts, rows
from genlab.evaluation.task import METRICS, Cell, skill_mix
from genlab.grading import official, sentences
from genlab.grading.controls import KINDS
from genlab.grading.graded import GradedText, readings
from genlab.grading.scores import deducted, scores, vote
from genlab.skills.combinations import common
from genlab.skills.pack import load

SMALL_PACK = str(Path(__file__).parents[2] / "examples" / "small_pack.yaml")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("GENLAB_PRICES", "GENLAB_MAX_COST", "GENLAB_LEDGER"):
        monkeypatch.delenv(name, raising=False)


def asked(**arguments: Any) -> dict[str, tuple[str, str]]:
    """What a task asks: its samples' prompts and metadata by id."""
    return {str(each.id): (str(each.input), repr(each.metadata)) for each in skill_mix(**arguments).dataset}


# ------------------------------------------------------------------------------------------------ samples
def test_few_samples_are_the_first_of_many() -> None:
    few, many = asked(k=3, n=7, controls=0), asked(k=3, n=12, controls=0)
    assert list(few) == list(many)[:7]
    assert all(many[id] == what for id, what in few.items())
    assert list(asked(k=3, n=5, first=7, controls=0).items()) == list(many.items())[7:]


def test_planted_texts_do_not_depend_on_how_many_combinations_a_part_has() -> None:
    """Or a run shared by two processes would grade other texts than the same run in one."""
    few, many = asked(k=3, n=2, controls=14), asked(k=3, n=40, controls=14)
    planted = {id for id, (_, about) in many.items() if "'planted'" in about}
    assert len(planted) == 14
    assert {id: many[id] for id in planted} == {id: few[id] for id in few if "'planted'" in few[id][1]}
    assert not any("'planted'" in about for _, about in asked(k=3, n=5, first=2, controls=14).values())


def test_other_arguments_make_other_ids_or_the_same_samples() -> None:
    base = asked(k=3, n=5)
    assert asked(k=3, n=5, gradings=1, generations=7, mode="paper", graders=2) == base
    for other in ({"seed": 1}, {"k": 4}, {"pack": "mathematics"}):
        assert not asked(**{"k": 3, "n": 5, **other}).keys() & base.keys()


def test_common_skills_are_replaced_and_counted() -> None:
    left_out = common(load("english"), 0.05)
    assert left_out
    task = skill_mix(k=5, n=30, uncommon=True)
    for each in task.dataset:
        assert not left_out & set((each.metadata or {})["skills"]) or "deserving" in str(each.id)
    assert (task.metadata or {})["excluded_draws"] > 0
    assert len([each for each in task.dataset if "control" not in (each.metadata or {})]) == 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k is between 1 and 159, the number of skills in pack 'english'; got 0"),
        ({"k": 500}, "k is between 1 and"),
        ({"k": 2, "n": 10**6, "pack": SMALL_PACK}, "lower n or k, or use a larger pack"),
        ({"pack": "nowhere"}, "no pack 'nowhere'. There are: english, code_review, mathematics, skillworld; or a file"),
        ({"pack": "nowhere.yaml"}, "no pack file 'nowhere.yaml'"),
        ({"n": 0}, "n is at least 1, got 0"),
        ({"generations": 0}, "generations is at least 1, got 0"),
        ({"gradings": 0}, "gradings is at least 1, got 0"),
        ({"graders": 0}, "graders is at least 1, got 0"),
        ({"controls": -1}, "controls is at least 0, got -1"),
        ({"first": -1}, "first is at least 0, got -1"),
        ({"mode": "lenient"}, "mode is strict or paper, got 'lenient'"),
        ({"max_cost": 1.0}, "max_cost wants prices: prices=FILE"),
        ({"max_cost": 0.0, "prices": "P"}, "max_cost is above 0 dollars, got 0"),
        ({"prices": "nowhere.yaml"}, "cannot read prices from nowhere.yaml"),
    ],
)
def test_what_cannot_be_asked_says_what_is_right(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("a/b: {input: 1, output: 1}")
    arguments = {name: str(tmp_path / "prices.yaml") if value == "P" else value for name, value in arguments.items()}
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared as it stands
        skill_mix(**arguments)
    assert message in str(caught.value)


def test_the_pack_has_as_many_skills_as_the_error_above_says() -> None:
    assert len(load("english").skills) == 159
    Cell(k=159)


@pytest.mark.slow
def test_inspects_own_command_says_it_too(tmp_path: Path) -> None:
    for words, message in ((["-T", "k=0"], "k is between 1 and"), (["-T", "pack=nowhere"], "no pack 'nowhere'")):
        command = [sys.executable, "-c", "from inspect_ai._cli.main import main; main()", "eval", "genlab/skill_mix", *words]
        done = subprocess.run(
            [*command, "--model", "scripted/student", "--model-role", "grader=scripted/grader"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode != 0
        assert message in " ".join((done.stdout + done.stderr).split())


# ------------------------------------------------------------------------------------------------ scores
def metrics(log: EvalLog) -> dict[tuple[str, str, str], float]:
    """(reducer, score, metric) to value."""
    assert log.results
    return {
        (str(each.reducer), each.name, name): metric.value for each in log.results.scores for name, metric in each.metrics.items()
    }


def recomputed(texts: list[GradedText], score: str) -> tuple[float, float]:
    """The mean over combinations of the mean, and of the best, of their graded texts."""
    by_sample: dict[str, list[float]] = {}
    for row in texts:
        if not row.control and row.status == "graded":
            by_sample.setdefault(row.sample, []).append(getattr(row, score))
    means = [sum(each) / len(each) for each in by_sample.values()]
    return sum(means) / len(means), sum(map(max, by_sample.values())) / len(by_sample)


def check_metrics(log: EvalLog, grader: str) -> list[GradedText]:
    found = list(rows(log))
    mine = [row for row in found if row.grader == grader]
    shown = metrics(log)
    for score in (name + suffix for name in METRICS for suffix in ("", "_unnamed")):
        mean, best = recomputed(mine, score)
        assert shown["mean", score, "mean"] == pytest.approx(mean)
        assert shown["max", score, "mean"] == pytest.approx(best)
    return found


def test_the_metrics_are_those_of_the_rows(tmp_path: Path) -> None:
    log = evaluated(tmp_path, controls=13, n=8)
    assert log.status == "success"
    found = check_metrics(log, "mockllm/grader")
    assert len(found) == 8 * 2 + 13
    assert expected(log) == len(log.samples or ()) == (8 + 13) * 2
    pack = load("english")
    for row in found:
        read = readings(row.gradings)
        assert len(row.gradings) == 3
        assert len(read) == 3
        if row.control:
            assert row.truth
            continue
        text = row.text
        points = (*vote(read)[:-1], float(sentences.count(text) <= max(1, row.k - 1)))
        assert row.points == points
        worth, unnamed = scores(points), scores(deducted(points, row.named))
        assert (row.full_marks, row.all_skills, row.skill_fraction) == tuple(vars(worth).values())
        assert (row.full_marks_unnamed, row.all_skills_unnamed, row.skill_fraction_unnamed) == tuple(vars(unnamed).values())
        assert row.categories == tuple(pack.skill(name).category for name in row.skills)
        assert row.status == "graded"
        assert row.draft
        assert row.input_tokens > row.output_tokens > 0
        assert row.grader_input_tokens > row.grader_output_tokens > 0
        assert row.cost is None
    kinds = [row.control for row in found if row.control]
    assert set(KINDS) <= {*kinds}
    assert {row.generation for row in found if row.control} == {1}


def test_planted_texts_are_outside_every_metric(tmp_path: Path) -> None:
    with_them, without = evaluated(tmp_path / "a", controls=12), evaluated(tmp_path / "b", controls=0)
    assert metrics(with_them) == metrics(without)
    ours = [row for row in rows(with_them) if not row.control]
    assert ours == list(rows(without))
    hidden = [str(each.id) for each in with_them.samples or () if each.epoch == 1]
    places = [place for place, id in enumerate(hidden) if id.count("-") > 3]
    assert places != list(range(len(places)))  # not all in front
    assert places != list(range(len(hidden) - len(places), len(hidden)))  # and not all behind


def test_an_ungraded_text_is_in_no_mean(tmp_path: Path) -> None:
    def refuse(name: str, said: list[str]) -> str | None:
        told = "It is about" not in said[0] and "Give each criterion" in said[0]
        return "I would rather not." if told and hard in said[0] else None

    hard = next(iter(skill_mix(k=2, n=6, controls=0).dataset)).metadata["topic"]  # type: ignore[index]
    script = Script(refuse)
    log = evaluated(tmp_path, script=script)
    found = check_metrics(log, "mockllm/grader")
    lost = [row for row in found if row.status != "graded"]
    assert {row.sample for row in lost} == {"english-k2-s0-0000"}
    assert {(row.status, row.points, row.full_marks, row.why) for row in lost} == {
        ("ungraded", None, None, "the reply lacks the grading's code")
    }
    assert {len(row.gradings) for row in lost} == {3}
    assert {row.gradings for row in lost} == {("", "", "")}
    assert log.results
    assert {each.unscored_samples for each in log.results.scores if each.reducer == "mean"} == {1}


def test_gradings_that_could_not_be_read_are_asked_for_again(tmp_path: Path) -> None:
    seen: dict[str, int] = {}

    def refuse_once(name: str, said: list[str]) -> str | None:
        if not name.startswith("grader"):
            return None
        text = said[0].split("\nBEGIN ")[1].split("\n", 1)[1].split("\nEND ")[0]
        seen[text] = seen.get(text, 0) + 1
        return "Not now." if seen[text] == 1 else None

    script = Script(refuse_once)
    log = evaluated(tmp_path, script=script, n=4, generations=1, gradings=1)
    assert {row.status for row in rows(log)} == {"graded"}
    replies = [(sample.scores or {})["rubric_points"].metadata["graders"][0]["replies"] for sample in log.samples or ()]  # type: ignore[index]
    assert {each[0] for each in replies} == {"Not now."}
    assert script.calls["grader"] == sum(map(len, replies)) >= 8


def test_two_graders_side_by_side(tmp_path: Path) -> None:
    log = evaluated(tmp_path, graders=("grader", "grader-b"), controls=6)
    found = check_metrics(log, "mockllm/grader")
    one, other = ([row for row in found if row.grader == name] for name in ("mockllm/grader", "mockllm/grader-b"))
    assert len(one) == len(other) == 6 * 2 + 6
    assert [row.text for row in one] == [row.text for row in other]
    assert [row.gradings for row in one] != [row.gradings for row in other]
    assert sum(row.input_tokens for row in one) == sum(row.input_tokens for row in other)


def test_a_grader_has_to_be_named(tmp_path: Path) -> None:
    log = evaluated(tmp_path, graders=(), n=1)
    assert log.status == "error"
    assert log.samples
    assert all(each.error and "grader" in each.error.message for each in log.samples)
    assert {row.status for row in rows(log)} == {"unanswered"}


def test_paper_mode_scores_as_the_official_code(tmp_path: Path) -> None:
    def half(name: str, said: list[str]) -> str | None:
        if not name.startswith("grader"):
            return None
        topic = said[0].split('in the context of "')[1].split('"')[0]
        rows_of = {odd: "| a | 1.5 |\n| b | 0.5 |\n| c | 1 |\n| d | 1 |\n| e | 0 |", even: "| a | 1 |\n| b | N/A |"}
        return f"{official.TABLE}\n{rows_of[topic]}\nExplanation: so." if topic in rows_of else None

    odd, even = ((each.metadata or {})["topic"] for each in list(skill_mix(k=2, n=6, controls=0).dataset)[:2])
    log = evaluated(tmp_path, script=Script(half), mode="paper")
    found = check_metrics(log, "mockllm/grader")
    for row in found:
        if row.topic == odd:
            assert row.gradings == ("1.5,0.5,1,1,0",) * 3
            assert row.points == (2.0, 0.0, 1.0, 1.0, 1.0)  # half to even, and the length by counting
            assert (row.full_marks, row.all_skills, row.skill_fraction) == (1, 1, 1)  # for 2 and 0, there, make 2
        elif row.topic == even:
            assert row.status == "ungraded"
            assert "the official parser stops at this reply" in row.why
        else:
            voted = official.voted(readings(row.gradings))
            assert row.points == (*voted[:-1], float(official.sentence_count(row.text) <= 1))
            assert row.named == official.named(row.skills, row.text)
    assert (log.eval.metadata or {})["mode"] == "paper"


def test_an_empty_text_earns_nothing_and_costs_no_grading(tmp_path: Path) -> None:
    script = Script(lambda name, said: "Answer:\nExplanation: none." if name == "student" else None)
    log = evaluated(tmp_path, script=script, n=2, generations=1)
    assert script.calls["grader"] == 0
    for row in rows(log):
        assert (row.text, row.status, row.points) == ("", "graded", (0.0, 0.0, 0.0, 0.0, 1.0))
        assert (row.full_marks, row.all_skills, row.skill_fraction) == (0, 0, 0)


def test_half_a_character_is_replaced_before_it_breaks_the_log(tmp_path: Path) -> None:
    """Said by a student, and by a grader: over the wire, JSON's "\\ud83d" is half an emoji."""

    def cut(name: str, said: list[str]) -> str | None:
        return "Answer: half \ud83d, whole \ud83d\ude00" if name == "student" else 'Not {"code": "\ud83d"}'

    for _ in ("asked", "from the cache"):
        evaluated(tmp_path, script=Script(cut), n=1, generations=1)
        (row,) = {(row.text, row.status, row.why) for row in read_texts(tmp_path / "logs")}
        assert row[:2] == ("half \ufffd, whole \U0001f600", "ungraded")


def test_a_name_with_unseen_signs_in_it_is_deducted_all_the_same(tmp_path: Path) -> None:
    first = next(iter(skill_mix(k=2, n=1, controls=0).dataset))
    name = "\u200b".join((first.metadata or {})["skills"][0])
    script = Script(lambda who, said: f"Answer: A {name}." if who == "student" else None)
    (row,) = rows(evaluated(tmp_path, script=script, n=1, generations=1))
    assert row.named == (1.0, 0.0)


# ------------------------------------------------------------------------------------------------ money
def test_a_second_run_is_served_from_the_cache(tmp_path: Path) -> None:
    first, second = Script(), Script()
    before = list(rows(evaluated(tmp_path / "a", script=first, controls=6, graders=("grader", "grader-b"))))
    after = list(rows(evaluated(tmp_path / "b", script=second, controls=6, graders=("grader", "grader-b"))))
    assert first.calls["student"] == 6 * 2 * 2
    assert first.calls["grader"] >= (6 * 2 + 5) * 3
    assert second.calls.total() == 0
    assert before == after


def test_without_a_cache_everything_is_asked_again(tmp_path: Path) -> None:
    calls = []
    for name in ("a", "b"):
        script = Script()
        evaluated(tmp_path / name, script=script, n=2, cache=False)
        calls.append(script.calls)
    assert calls[0] == calls[1]
    assert calls[0]["student"] == 8


def test_more_combinations_ask_for_the_new_ones_only(tmp_path: Path) -> None:
    evaluated(tmp_path / "a", n=4, controls=6)
    more = Script()
    evaluated(tmp_path / "b", script=more, n=6, controls=6)
    assert more.calls["student"] == 2 * 2 * 2


def test_every_generation_is_a_call_of_its_own(tmp_path: Path) -> None:
    """One reply for three epochs would make pass@1 and best of G the same number."""
    script = Script()
    evaluated(tmp_path, script=script, n=2, generations=3)
    assert script.calls["student"] == 2 * 3 * 2


def test_a_budget_stops_the_run_and_scores_nothing_it_stopped(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("mockllm/student: {input: 10, output: 10}\nmockllm/grader: {input: 10, output: 10}\n")
    limit, prices = 0.2, str(tmp_path / "prices.yaml")
    config = GenerateConfig(max_tokens=300)
    log = evaluated(tmp_path, config=config, n=20, generations=1, gradings=1, max_cost=limit, prices=prices)
    found = list(rows(log))
    assert len(found) == 20
    statuses = {row.status for row in found}
    assert statuses == {"graded", "stopped"}
    assert all("max_cost is reached: $0." in row.why and row.points is None for row in found if row.status == "stopped")
    assert all(row.cost is not None for row in found if row.status == "graded")
    assert 0 < sum(row.cost or 0.0 for row in found) <= limit
    for row in found:
        if row.status == "graded":
            tokens = row.input_tokens + row.output_tokens + row.grader_input_tokens + row.grader_output_tokens
            assert row.cost == pytest.approx(tokens * 1e-5)
    check_metrics(log, "mockllm/grader")


# ------------------------------------------------------------------------------------------------ what a reader of the log sees
def test_a_log_says_what_it_stands_on_and_shows_grades_readably(tmp_path: Path) -> None:
    log = evaluated(tmp_path, n=2, generations=1, controls=1)
    about = log.eval.metadata or {}
    pack = load("english")
    assert (about["pack"], about["pack_version"], about["pack_digest"]) == (pack.name, pack.version, pack.digest)
    assert about["student_prompts"] == writing.digest()
    sample = next(each for each in log.samples or () if "control" not in each.metadata)
    score = (sample.scores or {})["rubric_points"]
    table = (score.explanation or "").splitlines()
    assert table[0].startswith("| criterion | point | gradings |")
    assert len(table) == 2 + 2 + 3
    assert all(line.count("|") == 5 for line in table)
    assert score.answer == sample.store["text"]
    assert [each.role for each in sample.messages] == ["user", "assistant", "user", "assistant"]
