"""From logs to rows: a row for every text that was asked for, each once, with what became of it."""

import dataclasses
import math
from pathlib import Path

import pytest

pytest.importorskip("inspect_ai")

from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalError, EvalLog, EvalSampleLimit, read_eval_log, write_eval_log
from tests.evaluation.evals import Script, evaluated, quiet

from genlab.evaluation.logs import expected, read_texts, rows
from genlab.grading.graded import GradedText
from genlab.results.records import columns_of, from_bytes, schema_of, table_of, to_bytes
from genlab.results.runs import Run
from genlab.results.texts import texts


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one log: three combinations, two generations, two graders, planted texts."""
    folder = tmp_path_factory.mktemp("logs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECT_CACHE_DIR", str(folder / "cache"))
        evaluated(folder, n=3, controls=7, graders=("grader", "grader-b"))
    return folder / "logs"


@pytest.fixture
def log(place: Path) -> EvalLog:
    (path,) = place.glob("*.eval")
    return read_eval_log(str(path))


def found(log: EvalLog, id: str = "english-k2-s0-0001", epoch: int = 1) -> GradedText:
    return next(row for row in rows(log) if (row.sample, row.generation) == (id, epoch))


def test_every_text_is_a_row_for_each_grader(log: EvalLog, place: Path) -> None:
    every = list(rows(log))
    keys = {(row.student, row.grader, row.sample, row.generation) for row in every}
    assert len(every) == len(keys) == 2 * (3 * 2 + 7)
    assert expected(log) == (3 + 7) * 2
    assert {row.student for row in every} == {"mockllm/student"}
    assert {row.grader for row in every} == {"mockllm/grader", "mockllm/grader-b"}
    assert sorted({row.index for row in every if not row.control}) == [0, 1, 2]
    assert every == read_texts(place) == read_texts(next(place.glob("*.eval"))) == read_texts(str(place))


def test_planted_texts_keep_their_truth(log: EvalLog) -> None:
    for row in rows(log):
        if row.control:
            assert row.truth is not None
            assert len(row.truth) == row.k + 3
            assert set(row.truth) - {0.0, 1.0} == {each for each in row.truth if math.isnan(each)}
            assert row.generation == 1
        else:
            assert row.truth is None


def test_rows_go_through_a_store_unchanged(log: EvalLog) -> None:
    every = list(rows(log))
    columns = columns_of(from_bytes(to_bytes(table_of(every, schema_of(GradedText)))))
    again = texts(Run("x", {}, "", columns))
    assert repr(again) == repr(every)  # NaN differs from itself


def test_two_logs_of_one_run_count_each_text_once(log: EvalLog, tmp_path: Path) -> None:
    """As a resumed run leaves them: the first broke off in the middle, the second holds all."""
    assert log.samples
    whole = list(rows(log))
    cut = log.model_copy(deep=True)
    assert cut.samples
    cut.samples = cut.samples[: len(cut.samples) // 2]
    cut.samples[0].error = EvalError(message="killed", traceback="", traceback_ansi="")
    for order in (("1", "2"), ("2", "1")):
        folder = tmp_path / "".join(order)
        folder.mkdir()
        write_eval_log(cut, str(folder / f"2026-01-0{order[0]}T00-00-00_skill-mix_a.eval"))
        write_eval_log(log, str(folder / f"2026-01-0{order[1]}T00-00-00_skill-mix_b.eval"))
        merged = read_texts(folder)
        assert len(merged) == len(whole)
        assert {dataclasses.replace(row, truth=None) for row in merged} == {dataclasses.replace(row, truth=None) for row in whole}


def test_the_log_of_another_task_is_refused(tmp_path: Path) -> None:
    with quiet():
        task = Task(dataset=[Sample(input="hello")], solver=[], name="greeting")
        inspect_eval(task, model=Script().model("student"), log_dir=str(tmp_path), display="none")
    with pytest.raises(ValueError, match=r"is a log of greeting, and only genlab/skill_mix has Skill-Mix grades"):
        read_texts(tmp_path)


def test_where_there_is_no_log(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ValueError, match=r"no Inspect log at .*: expected a \.eval file, or a folder of them"):
            read_texts(place)


def test_a_folder_by_its_url_is_read_as_well(place: Path) -> None:
    assert read_texts(place.as_uri()) == read_texts(place)


def of(log: EvalLog, id: str, epoch: int):  # type: ignore[no-untyped-def]
    assert log.samples
    return next(each for each in log.samples if (each.id, each.epoch) == (id, epoch))


NOTHING = (None,) * 7


def scores(row: GradedText) -> tuple[object, ...]:
    return (
        *(row.points, row.full_marks, row.all_skills, row.skill_fraction),
        *(row.full_marks_unnamed, row.all_skills_unnamed, row.skill_fraction_unnamed),
    )


def test_an_error_is_no_answer(log: EvalLog) -> None:
    of(log, "english-k2-s0-0001", 1).error = EvalError(message="the line\nis dead", traceback="", traceback_ansi="")
    row = found(log)
    assert (row.status, row.why) == ("unanswered", "the line is dead")
    assert scores(row) == NOTHING
    assert found(log, epoch=2).status == "graded"


def test_a_limit_stops_and_nothing_is_scored(log: EvalLog) -> None:
    """Inspect scores a sample that a limit stopped (G3)."""
    of(log, "english-k2-s0-0001", 1).limit = EvalSampleLimit(type="token", limit=500)
    row = found(log)
    assert (row.status, row.why) == ("stopped", "Inspect's token limit of 500")
    assert scores(row) == NOTHING


def test_without_a_score_a_text_has_no_answer_and_keeps_its_graders(log: EvalLog) -> None:
    of(log, "english-k2-s0-0001", 1).scores = None
    mine = [row for row in rows(log) if (row.sample, row.generation) == ("english-k2-s0-0001", 1)]
    assert [row.grader for row in mine] == ["mockllm/grader", "mockllm/grader-b"]
    for row in mine:
        assert row.status == "unanswered"
        assert scores(row) == NOTHING
        assert row.named == (0.0, 0.0)


def test_a_text_that_one_grader_could_not_grade_is_graded_by_the_other(log: EvalLog) -> None:
    graders = of(log, "english-k2-s0-0001", 1).scores["rubric_points"].metadata["graders"]
    graders[1].update(gradings=["", "", ""], reasons=["the reply is empty"] * 3)
    first, second = (row for row in rows(log) if (row.sample, row.generation) == ("english-k2-s0-0001", 1))
    assert first.status == "graded"
    assert (second.status, second.why) == ("ungraded", "the reply is empty")
    assert scores(second) == NOTHING


def test_one_readable_grading_decides_alone(log: EvalLog) -> None:
    graders = of(log, "english-k2-s0-0001", 1).scores["rubric_points"].metadata["graders"]
    graders[0].update(gradings=["", "1,0,1,1,1", ""], reasons=["the reply is empty", "", "the reply is empty"])
    row = found(log)
    assert row.status == "graded"
    assert row.points is not None
    assert row.points[:4] == (1, 0, 1, 1)
    assert row.why == ""
