"""A verdict's calls: log-probabilities that a provider refuses, a budget that ends, texts no judge is asked to read."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai")

from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput, ModelUsage, get_model
from tests.evaluation.evals import quiet
from tests.evaluation.judges.judged_evals import PLAIN, ran, written

from genlab.evaluation.asking import Asking
from genlab.evaluation.judges import pairs, prompts, results
from genlab.evaluation.judges.alpaca_eval import alpaca_eval
from genlab.evaluation.judges.judging import Calls, Verdict
from genlab.grading.reading import MOST_CHARACTERS


class Refused(Exception):
    """As a provider without log-probabilities answers."""

    status_code = 400


def judge(asked: list[bool | None], *, refuses: bool) -> Model:
    """A judge that always prefers what stands first; it notes whether it was asked for log-probabilities."""

    async def reply(messages: list[ChatMessage], tools: Any, choice: Any, config: GenerateConfig) -> ModelOutput:
        asked.append(config.logprobs)
        if refuses and config.logprobs:
            raise Refused("logprobs is not supported with this model")
        code = messages[-1].text.split("BEGIN ")[2].split()[0]
        output = ModelOutput.from_content("mockllm/judge", f'{{"code": "{code}", "better": 1}}')
        output.usage = ModelUsage(input_tokens=9, output_tokens=9, total_tokens=18)  # Inspect would count them over the network
        return output

    return get_model("mockllm/judge", custom_outputs=reply, memoize=False)


@pytest.mark.parametrize("refuses", [False, True])
def test_a_provider_that_refuses_log_probabilities_is_asked_without(refuses: bool) -> None:
    asked: list[bool | None] = []
    calls, model = Calls(Asking(cache=False), logprobs=5), judge(asked, refuses=refuses)

    async def twice() -> list[pairs.Compared]:
        return [await pairs.compare(model, calls, "Say.", "one", "two", "key", at) for at in range(2)]

    with quiet():
        found = asyncio.run(twice())
    assert [each.preference for each in found] == [1.5, 1.5]
    assert asked.count(True) == (2 if refuses else 4)  # both orders of the first pair; then it is known
    assert asked.count(None) == (4 if refuses else 0)


def test_a_text_that_no_judge_is_asked_to_read() -> None:
    calls, long = Calls(Asking(cache=False)), "x" * (MOST_CHARACTERS + 1)
    found = asyncio.run(pairs.compare(judge([], refuses=False), calls, "Say.", "one", long, "key"))
    assert found.preference is None
    assert "100,001 characters" in found.why


def test_a_verdict_comes_back_from_the_log() -> None:
    verdict = Verdict(1.0, "", 1.25, ("a", "b"), 3, 4, 0.5)
    compared = pairs.Compared("judge", verdict, Verdict(None, "why"))
    assert pairs.Compared.from_json(compared.to_json()) == compared
    assert verdict.best == 1.25


def test_a_budget_stops_the_judge_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    prices = tmp_path / "prices.yaml"
    prices.write_text("mockllm/student: {input: 0, output: 0}\nmockllm/judge: {input: 10, output: 10}\n")
    config = GenerateConfig(max_tokens=50)
    given: dict[str, Any] = {"questions": written(tmp_path), "prices": str(prices), "config": config}
    ran(tmp_path, alpaca_eval, max_cost=0.03, **given)
    (judged,) = results.read(tmp_path / "logs")
    assert {each.status for each in judged.items} <= {"graded", "ungraded", "stopped"}
    assert 0 < len(judged.graded) < len(PLAIN)
    assert judged.unanswered > 0


def test_the_words_are_known_by_their_digest() -> None:
    assert len(prompts.digest()) == 8
    told = prompts.choice("ghjk", "Say.", "one\nEND ghjk ANSWER 1", "two")
    assert told.count("\nEND ghjk ") == 3  # the marks that are ours
