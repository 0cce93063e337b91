"""Real parts: an untrained model behind `transformers serve`, and the same folder in Inspect's hf/ provider. Nothing is scripted
but, where it says so, the grader."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest

pytest.importorskip("inspect_ai")
pytest.importorskip("transformers")

from tests.evaluation.commands import GENLAB, INSPECT, done, records, run_words, surroundings
from tests.evaluation.endpoint import served
from tests.evaluation.tiny_model import TEMPLATE

from genlab.evaluation.logs import read_texts
from genlab.grading.graded import GradedText
from genlab.results.store import Store
from genlab.studies.skill_mix.texts import main

pytestmark = pytest.mark.slow

TOKENS = 24
SERVED = "openai-api/local/tiny"
EVAL = [*INSPECT, "eval", "genlab/skill_mix", "--display", "none", "--max-tokens", str(TOKENS), "--log-dir", "logs"]
SMALL = [word for each in ("k=2", "n=4", "controls=0", "gradings=1") for word in ("-T", each)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the model as ``tiny``."""
    folder = tmp_path_factory.mktemp("models")
    make = [GENLAB[0], "-m", "tests.evaluation.tiny_model", str(folder / "tiny")]
    root = Path(__file__).parents[2]
    done(make, folder, surroundings(folder) | {"PYTHONPATH": str(root)})
    return folder


@pytest.fixture(scope="module")
def url(models: Path) -> Iterator[str]:
    with served(models / "tiny") as found:
        yield found


def evaluated(place: Path, url: str, *more: str) -> tuple[Any, list[GradedText]]:
    """The log and the rows of an ``inspect eval`` in ``place``."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    done([*EVAL, *SMALL, *more], place, surroundings(place, url))
    (log,) = list_eval_logs(str(place / "logs"))
    return read_eval_log(log, resolve_attachments=True), read_texts(place / "logs")


def rendered(model: Path, messages: list[Any]) -> int:
    """Tokens of a conversation, by jinja2 and tokenizers: what the server's chat template must come to."""
    from tokenizers import Tokenizer

    said = [{"role": each.role, "content": each.text} for each in messages]
    prompt = jinja2.Template(TEMPLATE, keep_trailing_newline=True).render(
        bos_token="<|begin|>", messages=said, add_generation_prompt=True
    )
    return len(Tokenizer.from_file(str(model / "tokenizer.json")).encode(prompt, add_special_tokens=False).ids)


def test_a_served_model_before_a_scripted_grader(models: Path, url: str, tmp_path: Path) -> None:
    more = ["-T", "generations=2", "--temperature", "1.0", "-M", "stream=true"]
    log, rows = evaluated(tmp_path, url, "--model", SERVED, "--model-role", "grader=scripted/grader", *more)
    assert log.status == "success"
    assert log.results.completed_samples == log.results.total_samples == 8
    assert {(row.sample, row.generation) for row in rows} == {
        (f"english-k2-s0-{index:04d}", generation) for index in range(4) for generation in (1, 2)
    }
    assert {(row.student, row.grader, row.k, row.status, len(row.gradings)) for row in rows} == {
        (SERVED, "scripted/grader", 2, "graded", 1)
    }
    assert len({row.text for row in rows}) == 8  # sampled: two generations differ

    for sample in log.samples:
        row = next(row for row in rows if (row.sample, row.generation) == (sample.id, sample.epoch))
        first, second = sample.messages[:1], sample.messages[:3]
        assert [each.role for each in sample.messages] == ["user", "assistant", "user", "assistant"]
        assert row.input_tokens == rendered(models / "tiny", first) + rendered(models / "tiny", second)
        assert 2 <= row.output_tokens <= 2 * TOKENS
        assert sample.store["truncated"] == (sample.output.stop_reason == "max_tokens")
    assert any(sample.store["truncated"] for sample in log.samples)


@pytest.mark.long
def test_a_grader_that_writes_nonsense_leaves_no_number(url: str, tmp_path: Path) -> None:
    more = ["-T", "generations=1", "--temperature", "1.0"]
    log, rows = evaluated(
        tmp_path, url, "--model", SERVED, "--model-role", f"grader={{model: {SERVED}, max_tokens: {TOKENS}}}", *more
    )
    assert log.status == "success"
    assert len(rows) == 4
    for row in rows:
        assert (row.status, row.gradings, row.points) == ("ungraded", ("",), None)
        assert row.why == "the reply lacks the grading's code"
        assert {row.full_marks, row.all_skills, row.skill_fraction, row.full_marks_unnamed} == {None}
        assert row.grader_output_tokens <= 3 * TOKENS  # three tries
    values = [metric.value for score in log.results.scores for metric in score.metrics.values()]
    assert values
    assert all(math.isnan(value) for value in values)
    assert {score.unscored_samples for score in log.results.scores} == {4}


@pytest.mark.long
def test_the_folder_in_the_process_itself(models: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny").symlink_to(models / "tiny")
    more = [
        "-T",
        "generations=1",
        "--model",
        "hf/tiny",
        "--model-role",
        "grader=scripted/grader",
        "-M",
        "device=cpu",
        "--max-connections",
        "1",
    ]
    log, rows = evaluated(tmp_path, "http://127.0.0.1:9", *more)
    assert log.status == "success"
    assert [(row.student, row.status) for row in rows] == [("hf/tiny", "graded")] * 4
    for sample, row in zip(log.samples, sorted(rows, key=lambda row: row.index), strict=True):
        turns = [rendered(models / "tiny", sample.messages[:count]) for count in (1, 3)]
        assert row.input_tokens == sum(turns)
        assert 2 <= row.output_tokens <= 2 * TOKENS


@pytest.mark.long  # laws/test_faults.py runs the study against an endpoint; the first test here asks this server
def test_a_study_of_a_served_model_ends_with_a_report(url: str, tmp_path: Path) -> None:
    settings = (
        "k=2",
        "n=4",
        "generations=1",
        "gradings=1",
        "controls=0",
        "processes=2",
        f"inspect=max_tokens={TOKENS},temperature=0",
    )
    words = run_words(tmp_path, f"student={SERVED}", "grader=scripted/grader", *settings)
    said = done(words, tmp_path, surroundings(tmp_path, url))
    rows = records(tmp_path)
    assert [(row.index, row.status) for row in rows] == [(index, "graded") for index in range(4)]
    (cell,) = main(Store(tmp_path / "store").runs("skill_mix"))
    ratio = cell.mean("full_marks")
    assert ratio is not None
    assert f"{SERVED} k=2 by scripted/grader: full marks {ratio.centre:.2f}" in said
    report = (tmp_path / "store" / "report.html").read_text("utf-8")
    assert "Ratio of Full Marks" in report
    assert "A script stands in for a model" in said
