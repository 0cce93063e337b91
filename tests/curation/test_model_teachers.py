"""Models as teachers, played by scripts: what the data hold is what the logs hold, and nothing is paid for twice."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasets")
pytest.importorskip("inspect_ai")

from inspect_ai.log import EvalSample, list_eval_logs, read_eval_log
from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput, get_model
from tests.evaluation.commands import done, kill, start, surroundings
from tests.evaluation.evals import Script, evaluated
from tests.evaluation.faulty import Faulty
from tests.laws.test_interrupted import until

from genlab.curation.pricing import prices
from genlab.curation.recipe import Recipe, plan
from genlab.curation.sifting import Count
from genlab.curation.skill_texts import Outcome, Unfinished, read, skill_texts
from genlab.curation.teachers import next_round, read_logs
from genlab.evaluation import writing
from genlab.evaluation.logs import read_texts
from genlab.evaluation.scripted import Scripted
from genlab.evaluation.task import skill_mix
from genlab.grading.rubric import rubric
from genlab.skills.pack import load
from genlab.skills.split import hold_out

DATA = [sys.executable, "-c", "from genlab.cli.data import app; app()", "skill-texts"]
SCRIPTED = Recipe(
    "english",
    held=("rhetorical",),
    k=(1, 2),
    n=6,
    teacher="scripted/student-80",
    grader="scripted/grader",
    gradings=1,
)
TRAIN = hold_out(load("english"), categories=("rhetorical",), topics=0.3, seed=0).train
PRICES = "openai-api/local/{}: {{input: 10, output: 10}}\n"
ENDPOINT = (
    *("--pack", "english", "--held", "rhetorical", "-k", "2", "--gradings", "1", "--out", "texts"),
    *("--teacher", "openai-api/local/student-80", "--grader", "openai-api/local/grader"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, warm: None) -> Iterator[Path]:
    """A folder with a cache of its own, which the fork server's processes use as well."""
    folder = tmp_path_factory.mktemp("texts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECT_CACHE_DIR", str(folder / "cache"))
        for name in ("GENLAB_PRICES", "GENLAB_MAX_COST", "GENLAB_LEDGER"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="module")
def made(place: Path) -> Outcome:
    return skill_texts(SCRIPTED, place / "made")


def replies(place: Path) -> int:
    """How many replies Inspect's cache holds: one a call that was made."""
    return sum(each.is_file() for each in (place / "cache").rglob("*"))


def samples(folder: Path) -> dict[str, EvalSample]:
    """All that stands in the logs of a folder, by sample."""
    logs = [read_eval_log(each) for each in list_eval_logs(str(folder / "logs"))]
    return {str(each.id): each for log in logs for each in log.samples or ()}


def known(folder: Path) -> Outcome:
    """What became of the texts of a folder."""
    return Outcome.from_json(folder, json.loads((folder / "outcome.json").read_text("utf-8")))


# ------------------------------------------------------------------------------------------------ what is in it
def test_what_is_kept_are_the_first_texts_of_full_marks_in_the_logs(made: Outcome) -> None:
    rows = list(read(made.folder))
    for count in made.counts:
        graded = [row for row in read_texts(made.folder / "logs") if row.k == count.k]
        assert count.asked == len(graded) == count.kept + count.spare + sum(count.rejected.values())
        good = sorted(row.index for row in graded if row.full_marks == 1 and not any(row.named))
        ours = [row for row in rows if row["k"] == count.k]
        assert [row["index"] for row in ours] == good[:6]
        assert len(ours) == count.kept == 6
    assert sum(count.asked for count in made.counts) > 12  # or nothing was rejected, and this shows little


def test_a_conversation_is_the_four_turns_of_the_log(made: Outcome) -> None:
    held = samples(made.folder)
    for row in read(made.folder):
        sample = held[row["sample"]]
        assert [(turn["role"], turn["content"]) for turn in row["messages"]] == [(m.role, m.text) for m in sample.messages]
        asked = rubric([TRAIN.skill(name) for name in row["skills"]], row["topic"])
        prompts = [turn["content"] for turn in row["messages"][::2]]
        assert prompts == [writing.draft(asked, form=TRAIN.text), writing.improved(asked)]
        assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"] * 2
        assert row["topic"] in {topic.name for topic in TRAIN.topics}
        assert (row["teacher"], row["grader"]) == (SCRIPTED.teacher, SCRIPTED.grader)


def test_tokens_are_those_of_all_calls_for_rejected_texts_too(made: Outcome) -> None:
    rows = read_texts(made.folder / "logs")
    assert made.input_tokens == sum(row.input_tokens for row in rows)
    assert made.grader_output_tokens == sum(row.grader_output_tokens for row in rows)
    assert made.cost is None
    assert "Cost: unknown: no prices were given" in (made.folder / "README.md").read_text("utf-8")


def test_fewer_texts_are_the_first_ones_and_cost_no_call(made: Outcome, place: Path) -> None:
    before = replies(place)
    few = skill_texts(Recipe(**{**vars(SCRIPTED), "k": (2,), "n": 3}), place / "few")
    assert replies(place) == before
    assert list(read(few.folder)) == [row for row in read(made.folder) if row["k"] == 2][:3]


def test_the_brief_manner_has_two_turns_and_the_exact_grader(place: Path) -> None:
    outcome = skill_texts(Recipe(k=(3,), n=6, teacher="scripted/student-80", generations=2), place / "brief")
    rows = list(read(outcome.folder))
    assert {row["grader"] for row in rows} == {"checker/skillworld"}
    assert {len(row["messages"]) for row in rows} == {2}
    pairs = [(row["index"], row["generation"]) for row in rows]
    assert pairs == sorted(set(pairs))
    assert {generation for _, generation in pairs} <= {1, 2}
    assert outcome.counts[0].rejected["duplicate"] > 0  # the script says the same again to the same request
    assert outcome.grader_input_tokens == 0


def test_a_teacher_that_keeps_failing_ends_the_run_with_its_rates(place: Path) -> None:
    hopeless = Recipe(**{**vars(SCRIPTED), "teacher": "scripted/student-0", "k": (2,), "n": 3, "max_tries": 2})
    with pytest.raises(Unfinished, match=r"(?s)student-0 wrote too few .* at k=2, .*0 kept of 6 asked for.*points lost: skill 6"):
        skill_texts(hopeless, place / "hopeless")
    assert not (place / "hopeless").exists()


class Faltering(Script):
    """A student that shows everything, and on two of the topics gives no reply, or one that is cut off at its end."""

    def __init__(self, silent: str, cut: str) -> None:
        super().__init__()
        self.silent, self.cut = silent, cut

    def model(self, name: str, config: GenerateConfig | None = None) -> Model:
        async def reply(messages: list[ChatMessage], tools: Any, choice: Any, config: GenerateConfig) -> ModelOutput:
            if f" about {self.silent} that " in messages[0].text:
                raise ConnectionError("the line is dead")
            script = Scripted("grader" if "grader" in name else "student-100")
            output = await script.generate(messages, tools, choice, config)
            if f" about {self.cut} that " in messages[0].text and len(messages) == 3:
                output.choices[0].stop_reason = "max_tokens"
            return output

        return get_model(f"mockllm/{name}", custom_outputs=reply, memoize=False)


def test_a_text_without_an_answer_stops_the_run_unless_another_may_take_its_place_and_one_cut_off_is_not_taught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    topics = [(each.metadata or {})["topic"] for each in skill_mix(k=2, n=6, controls=0).dataset]
    assert len(set(topics[:2])) == 2
    script = Faltering(*topics[:2])
    evaluated(tmp_path, script=script, n=6, generations=1, gradings=3)
    with pytest.raises(Unfinished, match=r"1 of 6 texts got no answer \(.*the line is dead\)\. The same command asks .*; --lost"):
        read_logs(str(tmp_path / "logs"), plan(SCRIPTED), asked=range(6))
    lost = plan(Recipe(**{**vars(SCRIPTED), "lost": True}))
    reasons = {each.taught.topic: each.reason for each in read_logs(str(tmp_path / "logs"), lost, asked=range(6))}
    assert reasons[topics[0]] == "unanswered"
    assert reasons[topics[1]] in ("cut at max_tokens", "not full marks")  # the grader errs now and then
    assert "cut at max_tokens" in reasons.values()
    with pytest.raises(Unfinished, match="holds 6 texts of 7 that were asked for"):
        read_logs(str(tmp_path / "logs"), lost, asked=range(7))


# ------------------------------------------------------------------------------------------------ how much is asked for
@pytest.mark.parametrize(
    ("asked", "kept", "combinations"),
    [
        (0, 0, 50),  # the first round: two texts a combination
        (100, 100 - 30, 22),  # 30 lacking at a rate of 0.7
        (100, 1, 50),  # the rate says 9,900: no more than before
        (100, 0, 50),  # nothing known: as many again
        (280, 10, 10),  # 300 at most
        (300, 10, 0),
    ],
)
def test_rounds_ask_for_what_lacks_at_the_rate_so_far(asked: int, kept: int, combinations: int) -> None:
    assert next_round(Count(2, asked, kept, 0, {}, {}), Recipe(n=100, max_tries=3, generations=2)) == combinations


def test_the_price_counts_the_calls_of_texts_that_are_all_kept(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("scripted/student-80: {input: 1, output: 1}\nscripted/grader: {input: 1, output: 1}\n")
    found = prices(plan(Recipe(**{**vars(SCRIPTED), "gradings": 3, "prices": str(tmp_path / "prices.yaml")})))
    assert [(each.k, each.texts, each.calls) for each in found] == [(1, 6, 6 * (2 + 3)), (2, 6, 6 * (2 + 3))]
    for each in found:
        assert each.dollars == pytest.approx(each.tokens * 1e-6, rel=1e-3)
    assert prices(plan(SCRIPTED))[0].dollars is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prices": "P", "max_cost": 1.0}, "has none for scripted/grader"),
        ({"teacher": "nowhere/x"}, "Inspect cannot reach nowhere/x"),
        ({"inspect": ("temprature=1",)}, "Did you mean temperature?"),
        ({"grading": ("max_connections=3",)}, "give it to inspect"),
        ({"k": (500,)}, "k is between 1 and 140"),
    ],
)
def test_what_cannot_be_asked_says_what_is_right(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("scripted/student-80: {input: 1, output: 1}\n")
    fields = {name: str(tmp_path / "prices.yaml") if value == "P" else value for name, value in fields.items()}
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared as it stands
        skill_texts(Recipe(**{**vars(SCRIPTED), **fields}), tmp_path / "texts")
    assert message in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["prices.yaml"]


# ------------------------------------------------------------------------------------------------ money
@pytest.mark.long
def test_a_budget_stops_the_run_and_more_of_it_goes_on_without_asking_twice(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(PRICES.format("student-80") + PRICES.format("grader"))
    words = [*DATA, *ENDPOINT, "--n", "6", "--prices", "prices.yaml", "--inspect", "max_tokens=300"]
    words += ["--grading", "max_tokens=300", "--max-cost"]
    with Faulty(rate=0.0) as endpoint:
        environment = surroundings(tmp_path, endpoint.url)
        said = done([*words, "0.03"], tmp_path, environment, code=1)
        assert "max_cost is reached" in said
        assert "with a larger --max-cost asks for those again and for nothing else" in said
        first = sum(endpoint.seen.delivered.values())
        assert not (tmp_path / "texts").exists()
        done([*words, "5"], tmp_path, environment)
        seen = endpoint.seen
    assert 0 < first < len(seen.delivered)
    assert set(seen.delivered.values()) == set(seen.requests.values()) == {1}
    ((spent,),) = sqlite3.connect(tmp_path / "texts" / "budget.sqlite").execute("select sum(dollars) from calls")
    cost = 110 * 1e-5  # tokens of every reply
    assert spent == pytest.approx(len(seen.delivered) * cost)
    outcome = known(tmp_path / "texts")
    assert outcome.cost == pytest.approx(spent)
    assert [count.kept for count in outcome.counts] == [6]


@pytest.mark.long
def test_killed_in_the_middle_it_goes_on_to_the_same_texts_and_asks_nothing_twice(tmp_path: Path, place: Path) -> None:
    words = [*DATA, *ENDPOINT, "--n", "16", "--inspect", "max_connections=4"]
    with Faulty(rate=0.0, seconds=0.02) as endpoint:
        environment = surroundings(tmp_path, endpoint.url)
        for wanted in (10, 40):
            process = start(words, tmp_path, environment)
            assert until(lambda: len(endpoint.seen.delivered) >= wanted or process.poll() is not None)  # noqa: B023
            assert process.poll() is None
            kill(process)
            assert not (tmp_path / "texts").exists()
        done(words, tmp_path, environment)
        seen = endpoint.seen
    twice = sum(seen.delivered.values()) - len(seen.delivered)
    assert twice <= 2 * 2 * 4  # what was in flight when it was killed: of two models, four each
    whole = skill_texts(Recipe(**{**vars(SCRIPTED), "k": (2,), "n": 16}), place / "whole")
    ours, theirs = ([(row["sample"], row["messages"]) for row in read(each)] for each in (tmp_path / "texts", whole.folder))
    assert ours == theirs
