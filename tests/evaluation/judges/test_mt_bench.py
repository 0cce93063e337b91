"""MT-Bench as an Inspect task: two turns in one conversation, a rating each, the reference where there is one."""

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai")

from tests.evaluation.evals import Script
from tests.evaluation.judges.judged_evals import ran, written

from genlab.evaluation.judges import prompts, results
from genlab.evaluation.judges.mt_bench import mt_bench
from genlab.evaluation.judges.summary import summary

ROWS: list[dict[str, Any]] = [
    {"question_id": 81, "category": "writing", "turns": ["Write about bees.", "Now shorter."]},
    {"question_id": 82, "category": "writing", "turns": ["Write about ants.", "Now longer."]},
    {"question_id": 101, "category": "math", "turns": ["What is 1+1?", "And doubled?"], "reference": ["2", "4"]},
    {"question_id": 102, "category": "math", "turns": ["What is 1+2?", "And doubled?"]},
]
CODE = re.compile(r"^BEGIN (\w+) REQUEST 1$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))


def rating(said: list[str], value: Any) -> str:
    code = CODE.search(said[-1])
    assert code
    return f'I think so.\n{{"code": "{code[1]}", "reason": "so", "rating": {value}}}'


def only(place: Path) -> results.Judged:
    (judged,) = results.read(place / "logs")
    return judged


def test_both_turns_are_answered_in_one_conversation_and_rated(tmp_path: Path) -> None:
    heard: list[list[str]] = []

    def spoil(name: str, said: list[str]) -> str:
        heard.append([name, *said])
        if name == "student":
            return "First." if len(said) == 1 else "Second."
        return rating(said, 4 if "ANSWER 2" in said[-1] else 8)

    script = Script(spoil)
    apart = [{"question_id": 102, "model_id": "m", "choices": [{"index": 0, "turns": [3, ""]}]}]
    given: dict[str, Any] = {"questions": written(tmp_path, ROWS), "references": written(tmp_path, apart, "references.jsonl")}
    log = ran(tmp_path, mt_bench, script=script, **given)
    judged = only(tmp_path)
    assert script.calls == {"student": 8, "judge": 8}
    assert ["student", "Write about bees.", "First.", "Now shorter."] in heard
    assert [each.ratings for each in judged.items] == [(8.0, 4.0)] * 4
    assert log.results is not None
    means = {score.name: score.metrics["mean"].value for score in log.results.scores if score.metrics}
    assert means == {"turn_1": 8.0, "turn_2": 4.0, "mean": 6.0}
    found = summary(judged, resamples=50)
    assert {name: each.centre for name, each in found.ratings.items()} == {
        "turn 1": 8.0, "turn 2": 4.0, "mean": 6.0, "math": 6.0, "writing": 6.0,
    }  # fmt: skip
    assert found.ratings["mean"].n == 4  # questions, not turns
    judging = {said[1] for said in heard if said[0] == "judge"}
    assert len(judging) == 8
    assert sum("REFERENCE 1" in text for text in judging) == 4  # both turns of the two in mathematics
    assert sum("| 4\nEND" in text for text in judging) == 1


def test_references_stand_before_the_judge_where_there_are_any() -> None:
    with_one = prompts.turn("ghjk", ["What is 1+1?"], ["2"], ["two"])
    assert "BEGIN ghjk REFERENCE 1\n| two\nEND ghjk REFERENCE 1" in with_one
    assert "Compare it with the reference" in with_one
    for without in (prompts.turn("ghjk", ["x"], ["2"], []), prompts.turn("ghjk", ["x", "y"], ["2", "3"], ["two", ""])):
        assert "Compare it with the reference" not in without
    assert "ANSWER 2, and that one only" in prompts.turn("ghjk", ["x", "y"], ["2", "3"], [])


def test_an_unreadable_turn_is_ungraded_and_the_other_counts(tmp_path: Path) -> None:
    def spoil(name: str, said: list[str]) -> str:
        if name == "student":
            return "" if "ants" in said[0] and len(said) == 3 else "Hm."
        return "rating: 7" if "bees" in said[-1] and "ANSWER 2" in said[-1] else rating(said, 7)

    log = ran(tmp_path, mt_bench, script=Script(spoil), questions=written(tmp_path, ROWS))
    judged = only(tmp_path)
    assert [each.ratings for each in judged.items] == [(7.0, None), (7.0, 1.0), (7.0, 7.0), (7.0, 7.0)]
    assert (judged.ungraded, len(judged.graded)) == (1, 3)
    found = summary(judged, resamples=50)
    assert found.ratings["turn 1"].n == 4
    assert found.ratings["turn 2"].n == 3
    assert log.results is not None
    assert log.results.scores[0].unscored_samples == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"turns": ["one"]}, "turns is a list of 2 texts"),
        ({"turns": "one"}, "turns is a list of 2 texts"),
        ({"turns": [1, 2]}, "turns is a list of 2 texts"),
        ({"category": None}, "has no category"),
    ],
)
def test_questions_that_do_not_fit(row: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        mt_bench(questions=written(tmp_path, [ROWS[0] | row]))
