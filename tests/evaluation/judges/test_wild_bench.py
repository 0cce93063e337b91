"""WildBench as an Inspect task: a rating by checklist, five steps against a reference in both orders, the margin for length."""

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai")

from hypothesis import given
from hypothesis import strategies as st
from tests.evaluation.evals import Script
from tests.evaluation.judges.judged_evals import ran, written

from genlab.evaluation.judges import results
from genlab.evaluation.judges.judging import Verdict
from genlab.evaluation.judges.pairs import Compared
from genlab.evaluation.judges.rewards import as_preference, rescaled, reward_of, with_margin
from genlab.evaluation.judges.summary import summary
from genlab.evaluation.judges.verdicts import EXTENTS
from genlab.evaluation.judges.wild_bench import wild_bench

USER = {"role": "user", "content": "Write about bees."}
ROWS: list[dict[str, Any]] = [
    {
        "session_id": f"s{at}",
        "primary_tag": tag,
        "conversation_input": [USER, {"role": "assistant", "content": "Bees."}, {"role": "user", "content": f"More, {at}."}],
        "checklist": ["Is it about bees?", "Is it more?"],
    }
    for at, tag in enumerate(["Editing", "Editing", "Math", "Math"])
]
REFERENCES = [{"session_id": f"s{at}", "output": ["Bees hum."], "generator": "ref"} for at in (3, 2, 1, 0)]
CODE = re.compile(r"^BEGIN (\w+) THE CONVERSATION$", re.MULTILINE)
VALUES = st.sampled_from(list(EXTENTS.values()))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))


def judging(answer: str, verdict: str) -> Script:
    """A student that says ``answer``, and a judge that finds it better by ``verdict`` wherever it stands, and rates it 7."""

    def spoil(name: str, said: list[str]) -> str:
        if name == "student":
            assert said[:2] == ["Write about bees.", "Bees."]
            return answer
        code = CODE.search(said[-1])
        assert code
        assert "| - Is it more?" in said[-1]
        if '"rating"' in said[-1]:
            return f'{{"code": "{code[1]}", "reason": "", "rating": 7}}'
        place = 1 if f"ANSWER 1\n| {answer[:20]}" in said[-1] else 2
        return f'{{"code": "{code[1]}", "reason": "", "verdict": "{place} {verdict}"}}'

    return Script(spoil)


def only(place: Path) -> results.Judged:
    (judged,) = results.read(place / "logs")
    return judged


@pytest.mark.parametrize(
    ("answer", "verdict", "margin", "reward"),
    [
        ("Bees buzz and hum.", "much better", 500, 1.0),
        ("Bees buzz and hum." * 40, "slightly better", 500, 0.0),
        pytest.param("Bees buzz and hum." * 40, "slightly better", -1, 0.5, marks=pytest.mark.long),
    ],
)
def test_score_and_reward(answer: str, verdict: str, margin: int, reward: float, tmp_path: Path) -> None:
    script = judging(answer, verdict)
    given: dict[str, Any] = {
        "questions": written(tmp_path, ROWS),
        "references": written(tmp_path, REFERENCES, "references.jsonl"),
    }
    log = ran(tmp_path, wild_bench, script=script, margin=margin, **given)
    judged = only(tmp_path)
    assert script.calls == {"student": 4, "judge": 12}
    found = summary(judged, resamples=50)
    assert found.score is not None
    assert found.reward is not None
    assert found.position is not None
    assert (found.score.centre, found.reward.centre, found.position.first.centre) == (4.0, reward, 0.5)
    assert set(found.ratings) == {"mean", "Editing", "Math"}
    assert judged.margin == (None if margin < 0 else margin)
    assert log.results is not None
    means = {score.name: score.metrics["mean"].value for score in log.results.scores if score.metrics}
    assert means == {"rating": 7.0, "reward": reward}


def test_without_a_reference_there_is_a_score_only_and_an_empty_answer_has_the_least(tmp_path: Path) -> None:
    script = judging(" ", "much better")
    ran(tmp_path, wild_bench, script=script, questions=written(tmp_path, ROWS))
    found = summary(only(tmp_path), resamples=50)
    assert found.score is not None
    assert (found.score.centre, found.reward) == (-8.0, None)
    references = written(tmp_path, REFERENCES, "references.jsonl")
    other = tmp_path / "other"
    ran(other, wild_bench, script=script, questions=written(tmp_path, ROWS), references=references)
    lost = summary(only(other), resamples=50)
    assert lost.reward is not None
    assert lost.reward.centre == -1.0
    assert script.calls == {"student": 4}


@given(VALUES, VALUES, st.integers(-2000, 2000), st.sampled_from([None, 0, 500]))
def test_laws_of_the_reward(forward: float, backward: float, longer: int, margin: int | None) -> None:
    compared = Compared("judge", Verdict(forward), Verdict(backward))
    mirrored = Compared("judge", Verdict(backward), Verdict(forward))
    reward = reward_of(compared, longer, margin)
    assert reward is not None
    assert reward_of(mirrored, -longer, margin) == -reward  # the reference's reward against the model
    plain = reward_of(compared, longer, None)
    assert plain is not None
    assert as_preference(compared).preference == 1.5 + plain / 2
    assert with_margin(forward, longer, margin) in (forward, 0.0)
    assert reward_of(Compared("judge", Verdict(None), Verdict(1.0)), longer, margin) is None
    assert (rescaled(1), rescaled(10)) == (-8, 10)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"conversation_input": []}, "conversation_input is a list"),
        ({"conversation_input": [USER, {"role": "assistant", "content": "x"}]}, "ends with the assistant's"),
        ({"conversation_input": [{"role": "judge", "content": "x"}]}, "in it"),
        ({"checklist": "all good"}, "checklist is a list of texts"),
        ({"session_id": "other"}, "has no answer for session_id 'other'"),
    ],
)
def test_questions_that_do_not_fit(row: dict[str, Any], message: str, tmp_path: Path) -> None:
    references = written(tmp_path, REFERENCES, "references.jsonl")
    with pytest.raises(ValueError, match=re.escape(message)):
        wild_bench(questions=written(tmp_path, [ROWS[0] | row]), references=references)
