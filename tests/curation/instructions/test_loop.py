"""The whole loop for real: data, a student that TRL trains on them, a judge's task that scores it."""

from pathlib import Path

import pytest

pytest.importorskip("inspect_ai")
pytest.importorskip("trl")

from tests.evaluation.evals import quiet
from tests.evaluation.parts import Line

from genlab import chance
from genlab.curation.extraction.embedded import agnostic
from genlab.curation.instructions.making import Recipe as Data
from genlab.curation.instructions.making import instruct
from genlab.evaluation.judges import embedded, results
from genlab.evaluation.judges.alpaca_eval import alpaca_eval
from genlab.evaluation.part import Part, evaluate
from genlab.finetuning.recipe import Recipe
from genlab.finetuning.run import finetune
from genlab.skillworld import queries


def wins(student: str, questions: str, logs: Path) -> float:
    part = Part(
        {"questions": questions, "judge": embedded.EXACT},
        student,
        (),
        {"max_tokens": 120, "temperature": 0.0},
        {},
        str(logs),
        make=alpaca_eval,
        role="judge",
    )
    with quiet():
        evaluate(Line(), part)
    (judged,) = results.read(logs)
    assert len(judged.graded) == 12
    return sum(each.compared.preference - 1 for each in judged.graded if each.compared and each.compared.preference) / 12


def test_a_student_that_trl_trained_on_the_data_beats_its_base_before_the_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    made = instruct(Data(k=2, n=120), tmp_path / "data")
    training = Recipe("skillworld-base", epochs=2.0, batch=24, step_size=2e-3)
    student = finetune(training, tmp_path / "student", train=made.folder, device="cpu")

    def reference(query: queries.Query) -> str:
        return queries.brevity(query, chance.python("reference", query.index))

    asked = tmp_path / "asked.jsonl"
    embedded.write(asked, embedded.questions(agnostic(), 2, 12, seed=9, reference=reference, generator="hasty"))
    before = wins("batched/skillworld-base", str(asked), tmp_path / "before")
    after = wins(f"batched/{student.folder}", str(asked), tmp_path / "after")
    assert after > before + 0.2
