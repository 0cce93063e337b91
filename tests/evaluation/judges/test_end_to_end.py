"""From a file of questions to the printed table: a shipped student and the exact judge, then the scripted judge beside it."""

import contextlib
import io
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("inspect_ai")
pytest.importorskip("torch")

from tests.evaluation.evals import quiet
from tests.evaluation.judges.judged_evals import ran
from tests.evaluation.parts import Line

from genlab import chance, cli
from genlab.evaluation.judges import embedded, results
from genlab.evaluation.judges.alpaca_eval import alpaca_eval
from genlab.evaluation.part import Part, evaluate
from genlab.grading.annotations import read_annotations
from genlab.skills.pack import load
from genlab.skillworld import queries


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))


def questions(place: Path, n: int) -> str:
    """Queries of one skill, and junk for a reference."""

    def junk(query: queries.Query) -> str:
        return queries.junk(query, chance.python("junk", query.index))

    rows = embedded.questions(load("skillworld"), 1, n, seed=11, reference=junk, generator="junk")
    embedded.write(place / "skillworld.jsonl", rows)
    return str(place / "skillworld.jsonl")


def typed(*words: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What ``genlab`` prints, in this process."""
    monkeypatch.setattr(sys, "argv", ["genlab", *words])
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    return said.getvalue()


def test_a_shipped_student_meets_the_exact_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, logs = questions(tmp_path, 20), str(tmp_path / "logs")
    task = {"questions": asked, "judge": "checker/skillworld"}
    part = Part(task, "batched/skillworld", (), {"max_tokens": 60}, {}, logs, make=alpaca_eval, role="judge")
    line = Line()
    with quiet():
        evaluate(line, part)
    assert line.ended == 20
    (judged,) = results.read(logs)
    assert (judged.model, judged.judge, len(judged.graded)) == ("batched/skillworld", "checker/skillworld", 20)
    for each, query in zip(judged.items, queries.queries(load("skillworld"), 1, seed=11), strict=False):
        assert each.compared is not None
        assert each.compared.preference == queries.preference(query, each.reference, each.answers[0])
    log = ran(tmp_path, alpaca_eval, questions=asked, n=3)
    written = tmp_path / "annotations.json"
    told = typed("judged", logs, "--annotations", str(written), "--resamples", "20", monkeypatch=monkeypatch)
    rows = {line.split()[1]: line.split() for line in told.splitlines() if line.startswith(("batched/", "mockllm/"))}
    assert {judge: row[3] for judge, row in rows.items()} == {"checker/skillworld": "20", "mockllm/judge": "3"}
    assert all(row[2].count("-") == 2 for row in rows.values())  # the date
    assert len(read_annotations(written)) == 23
    (found,) = json.loads(typed("judged", log.location, "--json", "--resamples", "20", monkeypatch=monkeypatch))
    assert (found["judged"]["judge"], found["n"], found["length_controlled"]) == ("mockllm/judge", 3, None)


def test_mistakes_end_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in {
        (str(tmp_path),): "no Inspect log at",
        (str(tmp_path / "nothing"),): "no Inspect log at",
    }.items():
        monkeypatch.setattr(sys, "argv", ["genlab", "judged", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2
        assert message in capsys.readouterr().err
