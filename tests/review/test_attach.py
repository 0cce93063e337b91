"""Ratings in a real Inspect log: as scores with provenance, once, and without touching anything else."""

import itertools
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from inspect_ai import Epochs, Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog, read_eval_log, write_eval_log
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver
from tests.review.clicking import about, click, whole, write
from tests.review.sample_review import SKILLS, row

from genlab.evaluation.grading import Graded
from genlab.grading.graded import GradedText
from genlab.review import remarks
from genlab.review.attach import attach
from genlab.review.items import catalogue, identity
from genlab.review.ratings import Ratings, read

# Inspect 0.3.285 on tenacity 9.2, and streams of anyio's that it leaves to the garbage collector
pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in.*MemoryObject:pytest.PytestUnraisableExceptionWarning"),
]
STUDENT, GRADER = "mockllm/model", "mockllm/grader"
KEYS = ("full_marks", "all_skills", "skill_fraction")
ROWS = [row(STUDENT, GRADER, 2, index, generation) for index in range(3) for generation in (1, 2)]
ITEMS = catalogue(ROWS, SKILLS)


def outputs() -> Iterator[ModelOutput]:
    while True:
        output = ModelOutput.from_content(STUDENT, "a reply")
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else Inspect downloads a tokenizer to count
        yield output


@solver
def write_text() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state = await generate(state)
        found = next(each for each in ROWS if (each.sample, each.generation) == (state.sample_id, state.epoch))
        state.store.set("text", found.text)
        return state

    return solve


@scorer(metrics=[{name: [mean()] for name in KEYS}])
def rubric_points() -> Scorer:
    async def judge(state: TaskState, target: Target) -> Score:
        said = Graded(GRADER, ("1,1,1,1,1",), ("",), ("there", "here", "yes", "yes", "short"))
        return Score(value=dict.fromkeys(KEYS, 1.0), answer=state.store.get("text"), metadata={"graders": [said.to_json()]})

    return judge


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples = [Sample(id=each.sample, input="Write.") for each in ROWS if each.generation == 1]
    task = Task(
        MemoryDataset(samples), solver=write_text(), scorer=rubric_points(), epochs=Epochs(2, ["mean", "max"]), name="skill_mix"
    )
    folder = tmp_path_factory.mktemp("logs")
    model = get_model(STUDENT, custom_outputs=itertools.islice(outputs(), 100))
    (log,) = evaluate(task, model=model, log_dir=str(folder), display="none", log_realtime=False)
    assert log.status == "success", log.error
    return Path(log.location)


@pytest.fixture
def log_path(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / made.name))


def rated(folder: Path, *clicks: dict[str, object]) -> Ratings:
    return read([write(folder / "r.jsonl", clicks)], ITEMS)


def of(these: GradedText, log: EvalLog, rater: str) -> Score:
    (sample,) = [each for each in log.samples or () if (each.id, each.epoch) == (these.sample, these.generation)]
    return (sample.scores or {})[f"human/{rater}"]


def item(number: int):  # type: ignore[no-untyped-def]
    return ITEMS[identity(ROWS[number])]


def test_ratings_become_scores_that_say_whose_they_are(log_path: Path, tmp_path: Path) -> None:
    before = read_eval_log(str(log_path))
    clicks = [*whole("Ana", item(0), [1] * 5), *whole("Ana", item(3), [1, 0, 1, 1, 1]), *whole("Bo B.", item(0), [1, 1, 0, 1, 1])]
    ratings = rated(tmp_path, *clicks, about("Ana", item(3), note="the second is named only"))
    assert attach(log_path, ROWS, ratings) == 3
    after = read_eval_log(str(log_path))
    assert of(ROWS[0], after, "Ana").value == {"full_marks": 1.0, "all_skills": 1.0, "skill_fraction": 1.0}
    assert of(ROWS[3], after, "Ana").value == {"full_marks": 0.0, "all_skills": 0.0, "skill_fraction": 0.5}
    assert of(ROWS[0], after, "Bo B.").value == {"full_marks": 0.0, "all_skills": 1.0, "skill_fraction": 0.0}
    score = of(ROWS[3], after, "Ana")
    assert score.metadata is not None
    assert score.metadata["criteria"] == [*ROWS[3].skills, "on topic", "makes sense", "length"]
    assert score.metadata["points"] == [1.0, 0.0, 1.0, 1.0, 1.0]
    assert score.metadata["note"] == "the second is named only"
    assert "the second is named only" in (score.explanation or "")
    (edit,) = score.history
    assert edit.provenance is not None
    assert edit.provenance.author == "Ana"
    assert edit.provenance.metadata["rated_at"] == "2026-11-24T12:00:00+00:00"
    assert after.results == before.results
    for old, new in zip(before.samples or (), after.samples or (), strict=True):
        assert {name: each for name, each in (new.scores or {}).items() if not name.startswith("human/")} == old.scores
        assert (new.store, new.output, new.messages, new.metadata) == (old.store, old.output, old.messages, old.metadata)
    assert [path.name for path in log_path.parent.iterdir() if path.suffix not in (".eval", ".jsonl")] == []


def test_attaching_twice_changes_no_byte(log_path: Path, tmp_path: Path) -> None:
    ratings = rated(tmp_path, *whole("Ana", item(0), [1] * 5), *whole("Ana", item(1), [1, "unsure", 1]))
    assert attach(log_path, ROWS, ratings) == 2
    first, changed = log_path.read_bytes(), log_path.stat().st_mtime_ns
    assert attach(log_path, ROWS, ratings) == 0
    assert log_path.read_bytes() == first
    assert log_path.stat().st_mtime_ns == changed


def test_what_is_not_rated_whole_is_unscored_and_says_why(log_path: Path, tmp_path: Path) -> None:
    clicks = [
        *whole("Ana", item(0), [1, "unsure", 1, 1, 1]),
        *whole("Ana", item(1), [1, None, 0]),
        click("Ana", item(2), 0, None),
    ]
    assert attach(log_path, ROWS, rated(tmp_path, *clicks)) == 2
    log = read_eval_log(str(log_path))
    for number, reason, points in ((0, "unsure", [1, None, 1, 1, 1]), (1, "incomplete", [1, None, 0, None, None])):
        score = of(ROWS[number], log, "Ana")
        assert math.isnan(score.value)  # type: ignore[arg-type]
        assert score.reason == reason
        assert score.metadata is not None
        assert score.metadata["points"] == points


def test_a_changed_rating_keeps_the_earlier_one_in_its_history(log_path: Path, tmp_path: Path) -> None:
    first, later = whole("Ana", item(0), [1] * 5), click("ana", item(0), 1, 0, second=60)
    attach(log_path, ROWS, rated(tmp_path, *first))
    assert attach(log_path, ROWS, rated(tmp_path, *first, later)) == 1
    score = of(ROWS[0], read_eval_log(str(log_path)), "Ana")
    assert score.value == {"full_marks": 0.0, "all_skills": 0.0, "skill_fraction": 0.5}
    assert [each.value for each in score.history] == [dict.fromkeys(KEYS, 1.0), score.value]
    gone = [click("Ana", item(0), place, None, second=90) for place in range(5)]
    assert attach(log_path, ROWS, rated(tmp_path, *first, later, *gone)) == 1
    assert of(ROWS[0], read_eval_log(str(log_path)), "Ana").reason == "withdrawn"


def test_ratings_of_another_text_or_model_are_not_attached(log_path: Path, tmp_path: Path) -> None:
    rewritten = [replace(each, text=each.text + " Again.") for each in ROWS]
    elsewhere = [replace(each, student="openai/other") for each in ROWS]
    planted = [replace(each, control="named") for each in ROWS]
    before = log_path.read_bytes()
    for these in (rewritten, elsewhere):
        items = catalogue(these, SKILLS)
        clicks = [click for each in items.values() for click in whole("Ana", each, [1] * 5)]
        assert attach(log_path, these, read([write(tmp_path / "r.jsonl", clicks)], items)) == 0
    assert attach(log_path, planted, rated(tmp_path, *whole("Ana", item(0), [1] * 5))) == 0
    assert log_path.read_bytes() == before


def test_a_log_that_has_not_ended_is_left_alone(log_path: Path, tmp_path: Path) -> None:
    log = read_eval_log(str(log_path))
    log.status = "started"
    write_eval_log(log, str(log_path))
    before = log_path.read_bytes()
    with pytest.raises(ValueError, match="has not ended"):
        attach(log_path, ROWS, rated(tmp_path, *whole("Ana", item(0), [1] * 5)))
    assert log_path.read_bytes() == before


def test_remarks_come_from_the_log_or_the_folder_of_logs(made: Path, tmp_path: Path) -> None:
    found = remarks.read(made)
    assert len(found) == len(ROWS)
    assert found[STUDENT, GRADER, ROWS[0].sample, 2] == ("there", "here", "yes", "yes", "short")
    assert remarks.read(made.parent) == found
    assert remarks.read(tmp_path / "nowhere") == {}
