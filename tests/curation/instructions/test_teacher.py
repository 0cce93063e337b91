"""A model as the teacher, served on loopback: what the data hold is what a slow and obvious teacher's pupil would keep."""

import contextlib
import json
import multiprocessing
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasets")
pytest.importorskip("inspect_ai")

from datasets import load_from_disk
from inspect_ai.log import EvalSample, list_eval_logs, read_eval_log
from tests.curation.instructions.teaching import USAGE, Endpoint, Said, Script, Teacher, pair
from tests.evaluation.commands import done, kill, start, surroundings
from tests.laws.test_interrupted import until

from genlab import chance
from genlab.curation.instructions import prompts
from genlab.curation.instructions.checks import fault
from genlab.curation.instructions.items import Item, item
from genlab.curation.instructions.kinds import GENERAL
from genlab.curation.instructions.making import Outcome, Recipe, Unfinished, instruct
from genlab.curation.instructions.replies import Pair, read
from genlab.curation.instructions.task import TRIES
from genlab.finetuning import conversations
from genlab.skills.pack import Pack, load, part, save

ENGLISH = load("english")
SPOILT = Teacher(garbage=0.3)
N, SEED = 20, 4  # of those tried, the first whose garbage is of all nine kinds


def refusing(messages: list[dict[str, str]]) -> Said:
    """A teacher that will not."""
    return "I am sorry, and I cannot help with that.", "stop"


def silent_at(skill: str) -> Script:
    """A teacher that is not there where a skill is asked for."""
    return lambda messages: 404 if f"- {skill}: " in messages[0]["content"] else Teacher()(messages)


def naming(messages: list[dict[str, str]]) -> Said:
    """A teacher that names the first skill it is given, unless it was refused for it."""
    skill = messages[0]["content"].partition("\n- ")[2].partition(":")[0]
    if len(messages) == 3:
        return "It is thin.", "stop"
    reply = Teacher()(messages)[0]
    asked = json.loads(reply)["instruction"]
    told = "names a skill" in messages[0]["content"].partition("Refused so far")[2]
    return pair(asked if told else f"{asked} Use {skill}.", json.loads(reply)["response"])


def slow(messages: list[dict[str, str]]) -> Said:
    """The spoilt teacher, at a pace at which it can be killed: the endpoint has one thread."""
    time.sleep(0.02)
    return SPOILT(messages)


COMMAND = [sys.executable, "-c", "from genlab.cli.data import app; app()", "instruct"]
SCRIPTS: dict[str, Script] = {
    "good": Teacher(),
    "spoilt": SPOILT,
    "slow": slow,
    "refusing": refusing,
    "silent": silent_at(item(ENGLISH, 2, 3, seed=0, query_types=GENERAL).names[0]),
    "naming": naming,
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(SCRIPTS) as found:
        yield found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, warm: None, endpoint: Endpoint) -> Iterator[Path]:
    """A folder with a cache of its own, and the fork server's processes reach the endpoint and nothing else."""
    folder = tmp_path_factory.mktemp("instructions")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in surroundings(folder, endpoint.url).items():
            patch.setenv(name, value)
        for name in ("GENLAB_PRICES", "GENLAB_MAX_COST", "GENLAB_LEDGER"):
            patch.delenv(name, raising=False)
        yield folder


def recipe(teacher: str, **fields: Any) -> Recipe:
    return Recipe(**{"pack": "english", "n": N, "teacher": f"openai-api/local/{teacher}", **fields})


@pytest.fixture(scope="module")
def made(place: Path) -> Outcome:
    return instruct(recipe("spoilt", seed=SEED), place / "made")


def samples(folder: Path) -> dict[str, EvalSample]:
    """All that stands in the logs of a folder, by sample."""
    logs = [read_eval_log(each) for each in list_eval_logs(str(folder / "logs"))]
    return {str(each.id): each for log in logs for each in log.samples or ()}


def conversation(script: Callable[[list[dict[str, str]]], Any], asked: Item) -> tuple[Pair | None, list[str], int]:
    """A teacher's conversations about an item, held here: the pair, what refused attempts lack, and the number of calls."""
    reasons: list[str] = []
    calls = 0
    for _ in range(TRIES):
        messages: list[dict[str, str]] = []
        found: Pair | None = None
        for words in (prompts.draft(asked, refused=reasons), prompts.critique(asked), prompts.refine()):
            messages.append({"role": "user", "content": words})
            said, ending = script(messages)
            messages.append({"role": "assistant", "content": said})
            calls += 1
            why = {"length": "cut at max_tokens", "content_filter": "refused"}.get(ending, "")
            reply = read(said)
            found = reply if isinstance(reply, Pair) and not why else None
            if len(messages) != 4 and found is None:
                reasons.append(why or "unreadable")
                break
        else:
            assert found is not None
            wrong = fault(found, asked.skills)
            if wrong is None:
                return found, reasons, calls
            reasons.append(wrong.reason)
    return None, reasons, calls


# ------------------------------------------------------------------------------------------------ what is in it
def test_a_third_of_garbage_costs_tries_and_never_a_bad_row(made: Outcome) -> None:
    rows = list(load_from_disk(str(made.folder)))
    expected, attempts, calls, reasons = [], [], 0, []
    for index in range(made.count.asked):
        asked = item(ENGLISH, 2, index, seed=SEED, query_types=GENERAL)
        found, refused, cost = conversation(SPOILT, asked)
        calls += cost
        reasons += refused
        if found is not None:
            expected.append((index, found.instruction, found.response))
            attempts.append(len(refused) + 1)
    assert [(row["index"], *(turn["content"] for turn in row["messages"])) for row in rows] == expected[:N]
    assert [row["attempts"] for row in rows] == attempts[:N]
    assert made.count.attempts_refused == len(reasons) > N / 3
    assert made.count.refused == {reason: reasons.count(reason) for reason in set(reasons)}
    assert len(made.count.refused) == 9  # all kinds of garbage
    assert (made.input_tokens, made.output_tokens) == (USAGE[0] * calls, USAGE[1] * calls)
    assert all(fault(Pair(*(turn["content"] for turn in row["messages"]))) is None for row in rows)


def test_a_row_leads_to_its_conversation_in_the_logs(made: Outcome) -> None:
    held = samples(made.folder)
    for row in load_from_disk(str(made.folder)):
        sample = held[row["sample"]]
        said = [message.text for message in sample.messages]
        asked = item(ENGLISH, 2, row["index"], seed=SEED, query_types=GENERAL)
        assert (row["k"], tuple(row["skills"]), row["query_type"], row["topic"]) == (2, asked.names, asked.kind, asked.topic)
        assert said[2::2] == [prompts.critique(asked), prompts.refine()]
        assert all(f"- {skill.name}: {skill.definition}" in said[0] for skill in asked.skills)
        assert read(said[-1]) == Pair(*(turn["content"] for turn in row["messages"]))
        assert sample.scores is not None
        assert sample.scores["usable"].value == 1
    assert len(held) == made.count.asked


def test_what_is_kept_apart_stands_beside_the_rows_with_reason_and_words(made: Outcome) -> None:
    lines = [json.loads(line) for line in (made.folder / "rejected.jsonl").read_text("utf-8").splitlines()]
    kept = set(load_from_disk(str(made.folder))["index"])
    assert len(lines) == sum(made.count.rejected.values()) > 0
    for line in lines:
        assert line["index"] not in kept
        assert len(line["attempts"]) == TRIES
        assert line["reason"] == line["attempts"][-1]["reason"]
        assert all({"reason", "why", "said"} == set(each) for each in line["attempts"])
        assert line["sample"] in samples(made.folder)


def test_the_card_says_what_it_cost_and_what_was_refused(made: Outcome) -> None:
    text = (made.folder / "README.md").read_text("utf-8")
    for reason, count in made.count.refused.items():
        assert f"| {reason} | {count} |" in text
    assert f"Tokens of all calls, for rejected items too: {made.input_tokens:,} in, {made.output_tokens:,} out." in text
    assert "Cost: unknown: no prices were given" in text
    assert "What openai-api/local/spoilt wrote is under the terms of who offers it." in text


def test_fewer_are_the_first_ones_without_a_benchmarks_and_cost_no_call(made: Outcome, place: Path, endpoint: Endpoint) -> None:
    rows = list(load_from_disk(str(made.folder)))
    (place / "bench.txt").write_text(rows[1]["messages"][0]["content"] + "\n")
    before = endpoint.requests.copy()
    few = instruct(recipe("spoilt", n=5, seed=SEED, decontaminate=(str(place / "bench.txt"),), format="alpaca"), place / "few")
    assert endpoint.requests == before
    ours = [(row["index"], row["instruction"], row["output"]) for row in load_from_disk(str(few.folder))]
    theirs = [(row["index"], *(turn["content"] for turn in row["messages"])) for row in rows]
    assert ours == [theirs[0], *theirs[2:6]]
    assert few.count.rejected["repeats a benchmark"] == 1


def test_an_instruction_that_names_its_skill_is_refused_and_the_teacher_told_so(place: Path) -> None:
    outcome = instruct(recipe("naming", n=2, k=1), place / "unnamed")
    assert set(load_from_disk(str(outcome.folder))["attempts"]) == {2}
    assert outcome.count.refused == {"names a skill": 2}


def test_a_naive_teacher_is_given_no_skills(place: Path) -> None:
    outcome = instruct(Recipe(n=3, naive=True, teacher="openai-api/local/good"), place / "naive")
    for row in load_from_disk(str(outcome.folder)):
        assert (row["k"], row["skills"], row["query_type"], row["topic"]) == (0, [], "", "")
        first = samples(outcome.folder)[row["sample"]].messages[0].text
        assert first == prompts.draft(Item(row["index"]))
        assert "skill" not in first.partition("What the request must be")[0]
    assert "naive sampling" in (outcome.folder / "README.md").read_text("utf-8")


def test_a_private_pack_without_topics_of_one_skill(place: Path) -> None:
    few: Pack = part(ENGLISH, ENGLISH.skills[:1], ENGLISH.topics[:1], private=True, salt="grain")
    save(replace(few, topics=()), place / "one.yaml")
    outcome = instruct(recipe("good", pack=str(place / "one.yaml"), k=1, n=2), place / "one")
    assert {row["topic"] for row in load_from_disk(str(outcome.folder))} == {""}
    assert "**Private:" in (outcome.folder / "README.md").read_text("utf-8")
    with pytest.raises(ValueError, match="k is between 1 and 1, the number of skills in pack"):
        instruct(recipe("good", pack=str(place / "one.yaml"), k=2), place / "two")


# ------------------------------------------------------------------------------------------------ what ends a run
def test_a_teacher_that_always_refuses_ends_the_run_with_its_counts(place: Path, endpoint: Endpoint) -> None:
    before = endpoint.requests.total()
    with pytest.raises(Unfinished, match=r"(?s)refusing wrote too few .*0 kept of 2 asked for, .*2 unreadable; .* 6 unreadable"):
        instruct(recipe("refusing", n=2, max_tries=1), place / "refusing")
    assert endpoint.requests.total() - before == 2 * TRIES  # a draft that cannot be read is not criticized
    assert not (place / "refusing").exists()


@pytest.mark.long
def test_an_item_without_an_answer_stops_the_run_unless_another_may_take_its_place(place: Path) -> None:
    words = recipe("silent", n=6)
    with pytest.raises(
        Unfinished, match=r"1 of 6 items got no answer \(.*no service today.*\)\. The same command asks .*; --lost"
    ):
        instruct(words, place / "silent")
    outcome = instruct(replace(words, lost=True), place / "silent")
    assert outcome.count.rejected == {"unanswered": 1}
    assert load_from_disk(str(outcome.folder))["index"] == [0, 1, 2, 4, 5, 6]


@pytest.mark.long
def test_a_budget_stops_the_run_and_more_of_it_goes_on_without_asking_twice(place: Path, endpoint: Endpoint) -> None:
    (place / "prices.yaml").write_text("openai-api/local/good: {input: 10, output: 10}\n")
    words = recipe("good", n=8, seed=9, prices=str(place / "prices.yaml"), inspect=("max_tokens=300", "max_connections=2"))
    before = endpoint.requests.copy()
    with pytest.raises(
        Unfinished, match=r"max_cost is reached.* with a larger --max-cost asks for those again and for nothing else"
    ):
        instruct(replace(words, max_cost=0.03), place / "budget")
    first = (endpoint.requests - before).total()
    assert not (place / "budget").exists()
    outcome = instruct(replace(words, max_cost=5.0), place / "budget")
    seen = endpoint.requests - before
    assert 0 < first < seen.total() == 3 * 8
    assert set(seen.values()) == {1}
    cost = sum(USAGE) * 1e-5 * 3 * 8
    ((spent,),) = sqlite3.connect(place / "budget" / "budget.sqlite").execute("select sum(dollars) from calls")
    assert outcome.cost == pytest.approx(cost)
    assert spent == pytest.approx(cost)
    assert f"Cost: ${cost:.2f}" in (outcome.folder / "README.md").read_text("utf-8")


def children(parent: int) -> list[int]:
    """Processes whose parent this is."""
    found = []
    for each in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if each.name.isdigit() and (each / "stat").read_text().rpartition(")")[2].split()[1] == str(parent):
                found.append(int(each.name))
    return found


def rows_of(script: Script, n: int, seed: int) -> list[tuple[int, str, str]]:
    """The first n rows of a teacher, found out here."""
    found: list[tuple[int, str, str]] = []
    index = 0
    while len(found) < n:
        kept, _, _ = conversation(script, item(ENGLISH, 2, index, seed=seed, query_types=GENERAL))
        found += [(index, kept.instruction, kept.response)] if kept else []
        index += 1
    return found


def kept(place: Path) -> list[tuple[int, str, str]]:
    return [(row["index"], *(turn["content"] for turn in row["messages"])) for row in load_from_disk(str(place))]


def cached(place: Path) -> int:
    """Replies in Inspect's cache."""
    return sum(each.is_file() for each in (place / "cache").rglob("*"))


def instruct_as(environment: dict[str, str], recipe: Recipe, place: Path) -> None:
    os.environ.update(environment)  # the fork server has its own
    instruct(recipe, place)


def test_killed_twice_it_ends_with_the_same_rows_and_asks_for_no_reply_that_came(place: Path, endpoint: Endpoint) -> None:
    context = multiprocessing.get_context("forkserver")
    words = recipe("slow", n=16, seed=5, inspect=("max_connections=4",))
    before, asked, held = endpoint.requests.total(), endpoint.requests.total(), cached(place)
    for wanted in (8, 24):
        arguments = (dict(os.environ), words, place / "killed")
        process = context.Process(target=instruct_as, args=arguments)  # it runs on in processes of the fork server
        process.start()
        assert until(lambda: endpoint.requests.total() - before >= wanted or not process.is_alive())  # noqa: B023
        server = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])
        for each in children(server):
            os.kill(each, signal.SIGKILL)
        process.join(60)
        assert until(lambda: not children(server))  # noqa: B023
        assert process.exitcode != 0
        assert not (place / "killed").exists()
        came = cached(place) - held
        assert endpoint.requests.total() - asked - came <= 4  # what was in flight when it was killed
        asked, held = endpoint.requests.total(), cached(place)
    instruct(words, place / "killed")
    assert endpoint.requests.total() - asked == cached(place) - held  # nothing that was there was asked for
    assert kept(place / "killed") == rows_of(SPOILT, 16, 5)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_command_killed_ten_times_at_random_ends_with_the_same_rows(tmp_path: Path) -> None:
    words = [*COMMAND, "--pack", "english", "-n", "60", "--out", "made", "--teacher", "openai-api/local/slow"]
    words += ["--inspect", "max_connections=4"]
    with Endpoint({"slow": SPOILT}, seconds=0.05) as endpoint:
        environment = surroundings(tmp_path, endpoint.url)
        random, asked, held, kills = chance.python("kills"), 0, 0, 0
        while kills < 10:
            process = start(words, tmp_path, environment)
            wanted = asked + random.randint(1, 24)
            assert until(lambda: endpoint.requests.total() >= wanted or process.poll() is not None)  # noqa: B023
            assert process.poll() is None, (tmp_path / "said.txt").read_text()
            kill(process)
            kills += 1
            assert not (tmp_path / "made").exists()
            assert endpoint.requests.total() - asked - (cached(tmp_path) - held) <= 4  # in flight
            asked, held = endpoint.requests.total(), cached(tmp_path)
        done(words, tmp_path, environment)
        assert endpoint.requests.total() - asked == cached(tmp_path) - held
        assert cached(tmp_path) == len(endpoint.delivered)
    assert kept(tmp_path / "made") == rows_of(SPOILT, 60, 0)


# ------------------------------------------------------------------------------------------------ what it is for
@pytest.mark.long  # test_loop.py trains a student on such data in the gate
def test_trl_trains_on_it(made: Outcome, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from genlab.finetuning.recipe import Recipe as Training
    from genlab.finetuning.run import finetune
    from genlab.students.folder import make, tokenizer

    rows = conversations.read(made.folder)
    lines = [turn["content"] for row in rows for turn in row["messages"]]
    make(tmp_path / "base", tokenizer(lines, size=320), width=16, layers=1, heads=2, seed=0)
    training = Training(str(tmp_path / "base"), steps=6, batch=8, step_size=1e-2)
    outcome = finetune(training, tmp_path / "student", train=made.folder, device="cpu")
    assert (outcome.steps, outcome.examples, outcome.dropped) == (6, N, 0)
    assert outcome.losses[-1][1] < outcome.losses[0][1]
