"""A run's budget: never exceeded, whoever calls; nothing counted twice; what a kill cut off is not forgotten."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.model import ChatMessageUser, GenerateConfig, ModelOutput, ModelUsage, get_model

from genlab.evaluation.asking import ATTEMPTS, OUTPUT_TOKENS, Asking, asking
from genlab.evaluation.budget import Budget, BudgetReached, Rate, most, rates

pytestmark = pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning")  # Inspect's retries


def test_a_call_counts_at_its_most_until_it_has_ended() -> None:
    budget = Budget(1.0)
    call = budget.begin("a", 0.6)
    assert budget.spent == 0.6
    with pytest.raises(
        BudgetReached, match=r"max_cost is reached: \$0.60 of \$1 are spent or in flight, and a call may cost \$0.50"
    ):
        budget.begin("b", 0.5)
    budget.end(call, 0.1)
    assert budget.spent == 0.1
    budget.begin("b", 0.9)
    assert budget.spent == 1.0


def test_exactly_the_limit_fits() -> None:
    budget = Budget(0.5)
    budget.begin("a", 0.5)
    with pytest.raises(BudgetReached):
        budget.begin("b", 0.0001)


def test_a_replay_is_not_counted_again_even_where_nothing_is_left(tmp_path: Path) -> None:
    first = Budget(1.0, tmp_path / "ledger.sqlite")
    first.end(first.begin("a", 1.0), 0.9)
    again = Budget(1.0, tmp_path / "ledger.sqlite")
    again.end(again.begin("a", 1.0), 0.9)
    assert again.spent == 0.9


def test_without_a_cache_the_same_call_is_another() -> None:
    budget = Budget(1.0)
    budget.end(budget.begin("a", 0.5, kept=False), 0.5)
    budget.end(budget.begin("a", 0.5, kept=False), 0.4)
    assert budget.spent == 0.9
    with pytest.raises(BudgetReached):
        budget.begin("a", 0.5, kept=False)


def test_what_a_kill_cut_off_stays_counted_when_the_call_is_made_again(tmp_path: Path) -> None:
    Budget(1.0, tmp_path / "ledger.sqlite").begin("a", 0.4)
    resumed = Budget(1.0, tmp_path / "ledger.sqlite")
    resumed.end(resumed.begin("a", 0.4), 0.1)
    assert resumed.spent == pytest.approx(0.5)


def test_a_call_that_failed_counts_once_however_often_it_is_made() -> None:
    budget = Budget(0.5)
    for _ in range(3):
        budget.fail(budget.begin("a", 0.4))
    assert budget.spent == 0.4
    budget.end(budget.begin("a", 0.4), 0.1)
    assert budget.spent == 0.1


def test_a_call_of_unknown_cost_stays_at_its_most() -> None:
    budget = Budget(1.0)
    budget.end(budget.begin("a", 0.4), None)
    budget.end(budget.begin("a", 0.4), None)
    assert budget.spent == 0.4


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_is_above_nought(limit: float) -> None:
    with pytest.raises(ValueError, match="max_cost is above 0 dollars"):
        Budget(limit)


STEPS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.floats(0.01, 0.5), st.sampled_from(["end", "fail", "kill"])), max_size=25
)


@settings(deadline=None)
@given(STEPS)
def test_never_more_than_the_limit_is_spent(steps: list[tuple[str, float, str]]) -> None:
    """Against a ledger kept by hand: every call that was let through, at its most or what it did cost."""
    budget = Budget(1.0)
    paid: list[float] = []
    kept: dict[str, tuple[str, int]] = {}
    for key, dearest, end in steps:
        before = kept.get(key, ("kill", 0))
        try:
            call = budget.begin(key, dearest)
        except BudgetReached:
            assert before[0] == "kill"
            assert sum(paid) + dearest > 1.0
            continue
        if before[0] == "kill":
            paid.append(dearest)
            before = ("kill", len(paid) - 1)
        if end == "end":
            paid[before[1]] = min(paid[before[1]], dearest / 2)
            budget.end(call, paid[before[1]])
        elif end == "fail":
            budget.fail(call)
        unchanged = before[0] == "end" and end == "kill"  # a replay that was cut off has still ended before
        kept[key] = (before[0] if unchanged else end, before[1])
        assert budget.spent == pytest.approx(sum(paid))
        assert budget.spent <= 1.0 + 1e-9


SPENDER = """
import sys, time
from pathlib import Path
from genlab.evaluation.budget import Budget, BudgetReached
Path(sys.argv[1], sys.argv[2]).touch()
while len(list(Path(sys.argv[1]).iterdir())) < 4:
    time.sleep(0.001)
budget, paid = Budget(1.0, Path(sys.argv[1], "new", "ledger.sqlite")), 0
for number in range(30):
    try:
        call = budget.begin(f"{sys.argv[2]}-{number}", 0.01)
    except BudgetReached:
        break
    budget.end(call, 0.01)
    paid += 1
    time.sleep(0.001)
print(paid)
"""


def test_several_processes_never_spend_more_than_the_limit(tmp_path: Path) -> None:
    words = [[sys.executable, "-c", SPENDER, str(tmp_path), str(name)] for name in range(4)]
    processes = [subprocess.Popen(each, stdout=subprocess.PIPE, text=True) for each in words]
    paid = [int(each.communicate(timeout=60)[0]) for each in processes]
    assert sum(paid) in (99, 100)  # of 120; a hundred sums of 0.01 may exceed 1 in the last digit
    assert Budget(1.0, tmp_path / "new" / "ledger.sqlite").spent == pytest.approx(0.01 * sum(paid))


@settings(deadline=None)
@given(st.text(max_size=400), st.integers(0, 5000))
def test_the_most_is_no_less_than_what_bytes_and_tokens_can_cost(prompt: str, tokens: int) -> None:
    dearest = most(prompt, tokens, Rate(2.0, 8.0))
    assert dearest == pytest.approx((2 * (len(prompt.encode("utf-8", "replace")) // 2) + 8 * tokens) / 1e6)
    assert most(prompt, tokens, Rate(0, 0)) == 0


# ------------------------------------------------------------------------------------------------ prices
def test_prices_in_yaml_and_json(tmp_path: Path) -> None:
    place = tmp_path / "prices.yaml"
    place.write_text("openai/gpt-4o: {input: 2.5, output: 10, input_cache_read: 1.25}\nhf/tiny: {input: 0, output: 0.0}\n")
    assert rates(place) == {"openai/gpt-4o": Rate(2.5, 10), "hf/tiny": Rate(0, 0)}
    assert rates(place)["openai/gpt-4o"].cost(1_000_000, 100_000) == 3.5
    place.write_text('{"a/b": {"input": 1, "output": 2}}')
    assert rates(str(place)) == {"a/b": Rate(1, 2)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a/b: {input: 1}", r"a/b has \{'input': 1\}: expected lines such as  openai/some-model: \{input: 2.5, output: 10\}"),
        ("a/b: {input: -1, output: 1}", "a/b has"),
        ("a/b: {input: true, output: 1}", "a/b has"),
        ("a/b: {input: .nan, output: 1}", "a/b has"),
        ("a/b: {input: '1', output: 1}", "a/b has"),
        ("a/b: 3", "a/b has 3"),
        ("- a/b", "holds no prices: expected lines such as"),
        ("", "holds no prices"),
        ("{", "is not YAML"),
    ],
)
def test_prices_that_cannot_be_read_say_what_was_expected(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(content)
    with pytest.raises(ValueError, match=message):
        rates(tmp_path / "prices.yaml")


def test_a_file_of_prices_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot read prices from .*nowhere.yaml \(No such file or directory\)"):
        rates(tmp_path / "nowhere.yaml")


def test_a_budget_without_prices_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GENLAB_PRICES", "GENLAB_MAX_COST", "GENLAB_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    assert asking(True) == Asking(True, None, {})
    with pytest.raises(ValueError, match="max_cost wants prices: prices=FILE"):
        asking(True, 1.0)
    (tmp_path / "prices.yaml").write_text("a/b: {input: 1, output: 2}")
    assert asking(False, None, str(tmp_path / "prices.yaml")) == Asking(False, None, {"a/b": Rate(1, 2)})


def test_a_part_shares_the_budget_of_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prices.yaml").write_text("a/b: {input: 1, output: 2}")
    monkeypatch.setenv("GENLAB_PRICES", str(tmp_path / "prices.yaml"))
    monkeypatch.setenv("GENLAB_MAX_COST", "0.5")
    monkeypatch.setenv("GENLAB_LEDGER", str(tmp_path / "ledger.sqlite"))
    one, other = asking(True).budget, asking(True).budget
    assert one
    assert other
    one.begin("a", 0.3)
    assert other.spent == 0.3
    with pytest.raises(BudgetReached):
        other.begin("b", 0.3)


# ------------------------------------------------------------------------------------------------ calls of a model
class Counted:
    """A model that counts its calls, and fails the first so many."""

    def __init__(self, failures: int = 0, usage: bool = True, config: GenerateConfig | None = None) -> None:
        self.calls, self.failures, self.usage = 0, failures, usage
        self.model = get_model("mockllm/model", custom_outputs=self._reply, config=config or GenerateConfig(), memoize=False)

    def _reply(self, *_: Any) -> ModelOutput:
        self.calls += 1
        if self.calls <= self.failures:
            raise RuntimeError("no luck")
        output = ModelOutput.from_content("mockllm/model", "Bees hum.")
        used = ModelUsage(input_tokens=100, output_tokens=10, total_tokens=110)
        output.usage = used if self.usage else ModelUsage()
        return output


PRICE = {"mockllm/model": Rate(1000.0, 1000.0)}


def ask(asks: Asking, model: Counted, said: str = "hello", *key: str | int) -> ModelOutput:
    return asyncio.run(asks.ask(model.model, [ChatMessageUser(content=said)], *(key or ("s", 1))))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))


def test_a_call_that_does_not_fit_is_not_made() -> None:
    model = Counted()
    with pytest.raises(BudgetReached):
        ask(Asking(True, Budget(1.0), PRICE), model)  # 4096 tokens at a thousand dollars a million
    assert model.calls == 0
    short = Counted(config=GenerateConfig(max_tokens=100))
    budget = Budget(1.0)
    ask(Asking(True, budget, PRICE), short)
    assert short.calls == 1
    assert budget.spent == pytest.approx(0.11)
    assert OUTPUT_TOKENS * 1000 / 1e6 > 1


def test_the_same_call_comes_from_the_cache_and_another_prompt_is_another_call() -> None:
    model, budget = Counted(config=GenerateConfig(max_tokens=100)), Budget(10.0)
    asks = Asking(True, budget, PRICE)
    for _ in range(3):
        ask(asks, model)
    assert model.calls == 1
    assert budget.spent == pytest.approx(0.11)
    ask(asks, model, "other words")  # strict and paper mode ask under one key
    ask(asks, Counted(config=GenerateConfig(max_tokens=100, temperature=0.1)))
    assert budget.spent == pytest.approx(0.33)
    more = Counted(config=GenerateConfig(max_tokens=100, max_connections=3))
    ask(asks, more)  # how a model is reached is no part of the call
    assert more.calls == 0
    assert budget.spent == pytest.approx(0.33)


def test_without_a_cache_every_call_is_paid() -> None:
    model, budget = Counted(config=GenerateConfig(max_tokens=100)), Budget(10.0)
    for _ in range(3):
        ask(Asking(False, budget, PRICE), model)
    assert model.calls == 3
    assert budget.spent == pytest.approx(0.33)


def test_a_failing_call_is_tried_again_and_counts_once() -> None:
    budget = Budget(10.0)
    asks = Asking(True, budget, PRICE)
    model = Counted(failures=ATTEMPTS - 1, config=GenerateConfig(max_tokens=100))
    assert ask(asks, model).completion == "Bees hum."
    assert model.calls == ATTEMPTS
    assert budget.spent == pytest.approx(0.11)
    hopeless = Counted(failures=10**6, config=GenerateConfig(max_tokens=100))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="mockllm/model gave no reply: RuntimeError: no luck"):
            ask(asks, hopeless, "in vain")
    assert hopeless.calls == 2 * ATTEMPTS
    assert budget.spent == pytest.approx(0.11 + most("in vain", 100, PRICE["mockllm/model"]))


def test_a_model_without_a_price_is_refused_where_there_is_a_budget() -> None:
    model = Counted()
    with pytest.raises(ValueError, match=r"max_cost wants a price for mockllm/model: add it to the file of prices \(a/b\)"):
        ask(Asking(True, Budget(1.0), {"a/b": Rate(1, 1)}), model)
    assert model.calls == 0
