"""``batched/`` through Inspect: requests share batches, and a text depends on what was asked and on nothing else."""

import asyncio
import gc
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai")

from inspect_ai import Epochs, Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentImage,
    ContentText,
    GenerateConfig,
    Model,
    ModelOutput,
    get_model,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolInfo
from tests.evaluation.evals import quiet
from tests.students.tiny_student import conversations, make_tiny

from genlab.students import desk
from genlab.students.desk import Desk, Manner
from genlab.students.generating import Reply, TooLong, Writer
from genlab.students.places import shipped
from genlab.students.provider import Batched, key

ASKED = conversations(40)
TOKENS = 12
GREEDY: dict[str, Any] = {"temperature": 0.0, "max_tokens": TOKENS}
WARM: dict[str, Any] = {"temperature": 0.7, "max_tokens": TOKENS}
PLAIN = Manner(0.0, 1.0, 0, TOKENS)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with quiet():
        yield


def model(folder: Path | str, **arguments: Any) -> Model:
    return get_model(f"batched/{folder}", memoize=False, device="cpu", **arguments)


def batched(of: Model) -> Batched:
    assert isinstance(of.api, Batched)
    return of.api


def messages(conversation: Sequence[dict[str, str]]) -> list[ChatMessage]:
    kinds = {"user": ChatMessageUser, "assistant": ChatMessageAssistant, "system": ChatMessageSystem}
    return [kinds[turn["role"]](content=turn["content"]) for turn in conversation]


def said(of: Model, asked: Sequence[Sequence[dict[str, str]]], **options: Any) -> list[ModelOutput]:
    """All asked for at once."""

    async def all_at_once() -> list[ModelOutput]:
        config = GenerateConfig(max_connections=len(asked), **options)
        return await asyncio.gather(*[of.generate(messages(each), config=config) for each in asked])

    return asyncio.run(all_at_once())


def evaluated(of: Model, place: Path, *, times: int = 1, count: int = 10, **options: Any) -> EvalLog:
    """The log of a plain evaluation of three epochs in which every sample asks ``times`` times the same."""

    @solver
    def asking() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            replies = [await get_model().generate(state.messages) for _ in range(times)]
            state.output = replies[-1]
            state.store.set("replies", [each.completion for each in replies])
            return state

        return solve

    samples = [Sample(id=number, input=messages(each)) for number, each in enumerate(ASKED[:count])]
    (log,) = inspect_eval(
        Task(dataset=MemoryDataset(samples), solver=asking(), epochs=Epochs(3)),
        model=of, log_dir=str(place), display="log", log_realtime=False, max_connections=64, max_samples=64, **options,
    )  # fmt: skip
    assert log.status == "success", log.error
    return log


def texts(log: EvalLog) -> dict[tuple[int | str, int], list[str]]:
    return {(each.id, each.epoch): each.store["replies"] for each in log.samples or []}


# ------------------------------------------------------------------------------------------------ what is written


def test_many_requests_are_few_batches_and_their_texts_are_the_writers(student: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "PAUSE", 1.0)  # a busy machine may take more than five milliseconds from one request to the next
    ours = model(student)
    outputs = said(ours, ASKED, **GREEDY)
    assert batched(ours).desk.batches == [len(ASKED)]
    wanted = Writer(student).write(ASKED, max_tokens=TOKENS)
    assert [each.completion for each in outputs] == [each.text for each in wanted]
    assert [each.stop_reason for each in outputs] == ["stop" if each.finished else "max_tokens" for each in wanted]
    for output, reply in zip(outputs, wanted, strict=True):
        assert output.usage
        assert (output.usage.input_tokens, output.usage.output_tokens) == (reply.input_tokens, reply.output_tokens)
        assert output.usage.total_tokens == reply.input_tokens + reply.output_tokens


def test_sampled_texts_are_the_writers_too_and_the_order_of_requests_does_not_matter(student: Path) -> None:
    keys = [key(each, seed=3) for each in ASKED]
    wanted = [each.text for each in Writer(student).write(ASKED, temperature=0.7, max_tokens=TOKENS, keys=keys)]
    assert len(set(wanted)) > len(ASKED) // 2
    places = list(range(len(ASKED)))
    for seed in range(2):
        random.Random(seed).shuffle(places)
        found = said(model(student, batch=16), [ASKED[place] for place in places], seed=3, **WARM)
        assert [each.completion for each in found] == [wanted[place] for place in places]


def test_asked_again_it_says_something_else_and_a_fresh_model_the_same_again(student: Path) -> None:
    def tries(seed: int | None) -> list[str]:
        fresh = model(student)
        return [each.completion for _ in range(2) for each in said(fresh, [ASKED[0]] * 5, seed=seed, **WARM)]

    assert len(set(tries(None))) == 10
    assert tries(None) == tries(0)
    assert not set(tries(0)) & set(tries(1))


def test_a_call_without_a_reply_does_not_count_as_asked(student: Path) -> None:
    ours = model(student)

    async def abandoned() -> None:
        call = asyncio.create_task(ours.generate(messages(ASKED[0]), config=GenerateConfig(**WARM)))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    asyncio.run(abandoned())
    after, fresh = (said(each, ASKED[:1], **WARM)[0].completion for each in (ours, model(student)))
    assert after == fresh


def test_epochs_differ_and_an_evaluation_can_be_repeated(student: Path, tmp_path: Path) -> None:
    first = texts(evaluated(model(student), tmp_path / "a", times=2, **WARM))
    every = [text for replies in first.values() for text in replies]
    assert (len(every), len(set(every))) == (60, 60)
    assert texts(evaluated(model(student, batch=7), tmp_path / "b", times=2, **WARM)) == first
    one = texts(evaluated(model(student), tmp_path / "c", count=4, **WARM))
    assert one == {place: replies[:1] for place, replies in first.items() if place in one}  # fewer samples and fewer calls
    (named,) = Writer(student).write(
        [ASKED[2]], temperature=0.7, max_tokens=TOKENS, keys=[key(ASKED[2], seed=0, sample="2", epoch=3)]
    )
    assert named.text == first[2, 3][0]


class Slow(Writer):
    """Counts its calls, fails them at will, and holds the first one until it is let go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.calls: list[int] = []
        self.begun, self.go = threading.Event(), threading.Event()
        self.error: Exception | None = None

    def write(self, asked: Any, **how: Any) -> list[Reply]:  # type: ignore[override]
        self.calls.append(len(asked))
        self.begun.set()
        assert self.go.wait(20)
        if self.error:
            raise self.error
        return super().write(asked, **how)


@pytest.fixture
def slow(student: Path) -> Iterator[Slow]:
    writer = Slow(student)
    yield writer
    writer.go.set()


class Counting(Desk):
    """Lets its slow writer go once so many have asked."""

    def __init__(self, writer: Slow, until: int) -> None:
        super().__init__(writer)
        self.gate, self.left = writer.go, until

    async def ask(self, *call: Any) -> Reply:
        self.left -= 1
        if not self.left:
            self.gate.set()
        return await super().ask(*call)


def test_an_evaluation_writes_in_few_batches(student: Path, slow: Slow, tmp_path: Path) -> None:
    ours = model(student)
    batched(ours).desk = desk = Counting(slow, 30)
    found = texts(evaluated(ours, tmp_path, **GREEDY))
    assert sum(desk.batches) == 30
    assert len(desk.batches) <= 3  # the first to ask, who then waited, and perhaps the last
    wanted = Writer(student).write(ASKED[:10], max_tokens=TOKENS)
    assert found == {(place, epoch): [wanted[place].text] for place in range(10) for epoch in (1, 2, 3)}


def test_what_is_not_set_is_as_the_folder_has_it(student: Path, tmp_path: Path) -> None:
    timid = tmp_path / "timid"
    shutil.copytree(student, timid)
    asked = ASKED[:10]

    def folder(**usual: Any) -> list[str]:
        known = json.loads((student / "generation_config.json").read_text())
        (timid / "generation_config.json").write_text(json.dumps(known | usual))
        return [each.completion for each in said(model(timid), asked, max_tokens=TOKENS)]

    writer, keys = Writer(student), [key(each, seed=0) for each in asked]
    cool = {"temperature": 0.5, "top_p": 0.8, "top_k": 9}
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [({}, {"temperature": 1.0}), (cool, cool), ({"do_sample": False}, {})]
    for usual, how in cases:
        assert folder(**usual) == [each.text for each in writer.write(asked, max_tokens=TOKENS, keys=keys, **how)]
    with pytest.raises(ValueError, match="wants to be sampled with min_p"):
        folder(min_p=0.1)


def test_a_reply_is_as_long_as_the_model_has_positions_where_nothing_says_less(student: Path) -> None:
    ours = model(student)
    batched(ours).desk.writer.ends = []
    (output,) = said(ours, ASKED[:1], temperature=0.0)
    assert output.usage
    assert output.usage.total_tokens == 128
    assert output.stop_reason == "max_tokens"


def test_messages_are_what_the_chat_template_makes_of_them(student: Path) -> None:
    talk = [{"role": "system", "content": "Be brief."}, *ASKED[0]]
    parts = ChatMessageUser(content=[ContentText(text=talk[1]["content"])])

    async def both() -> list[ModelOutput]:
        ours, config = model(student), GenerateConfig(**GREEDY)
        return [await ours.generate([*messages(talk[:1]), parts, *messages(talk[2:])], config=config)]

    (wanted,) = Writer(student).write([talk], max_tokens=TOKENS)
    assert [each.completion for each in asyncio.run(both())] == [wanted.text]


def test_the_shipped_student_is_found_by_its_name() -> None:
    asked = [[{"role": "user", "content": "Write about law, in at most one sentence: hedge."}]]
    ours = model("skillworld")
    assert batched(ours).where == str(shipped()["skillworld"])
    (wanted,) = Writer(shipped()["skillworld"]).write(asked, max_tokens=40)
    (found,) = said(ours, asked, temperature=0.0, max_tokens=40)
    assert found.completion == wanted.text
    assert found.stop_reason == "stop"


def test_one_folder_is_loaded_once_and_again_after_it_was_trained_on(student: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(student, folder)
    first = model(folder)
    assert batched(model(folder)).desk is batched(first).desk
    assert batched(model(folder, batch=3)).desk is not batched(first).desk
    make_tiny(folder, seed=1)
    second = model(folder)
    assert batched(second).desk is not batched(first).desk
    assert said(second, ASKED[:1], **GREEDY)[0].completion == Writer(folder).write(ASKED[:1], max_tokens=TOKENS)[0].text


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"stop_seqs": ["."]}, "batched/ has no stop_seqs; it has max_tokens, seed, temperature, top_k, top_p"),
        ({"logprobs": True, "top_logprobs": 3}, "batched/ has no logprobs, top_logprobs"),
        ({"num_choices": 2}, "batched/ has no num_choices"),
        ({"frequency_penalty": 0.5}, "batched/ has no frequency_penalty"),
        ({"temperature": -1.0}, "temperature -1.0: expected 0 or more"),
        ({"temperature": 1.0, "top_p": 0.0}, "top_p 0.0"),
        ({"temperature": 1.0, "top_k": -1}, "top_k -1"),
        ({"max_tokens": 0}, "max_tokens 0"),
    ],
)
def test_options_that_cannot_be_honoured_are_errors(student: Path, options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        said(model(student), ASKED[:1], **options)


def test_options_that_change_nothing_are_taken(student: Path) -> None:
    options: dict[str, Any] = {"num_choices": 1, "logprobs": False, "frequency_penalty": 0.0, "max_retries": 1, "timeout": 60}
    assert (
        said(model(student), ASKED[:1], **GREEDY, **options)[0].completion
        == said(model(student), ASKED[:1], **GREEDY)[0].completion
    )


def test_tools_and_pictures_are_errors(student: Path) -> None:
    ours = model(student)
    picture = ChatMessageUser(content=[ContentImage(image="data:image/png;base64,iVBORw0KGgo=")])
    with pytest.raises(ValueError, match=r"calls no tools, got look"):
        asyncio.run(ours.generate("a cat", tools=[ToolInfo(name="look", description="Looks.")]))
    with pytest.raises(ValueError, match=r"reads text from system, user and assistant, got image, user"):
        asyncio.run(ours.generate([picture]))


@pytest.mark.parametrize(
    ("arguments", "why"), [({"fast": True}, "device, threads and batch, not fast"), ({"batch": 0}, "batch 0")]
)
def test_model_arguments_that_are_none_are_errors(student: Path, arguments: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        model(student, **arguments)


def test_a_folder_that_holds_no_model_is_an_error(tmp_path: Path) -> None:
    cases = {str(tmp_path): "holds no model", f"{tmp_path}/none": "no model folder at", "nobody": "no student and no folder"}
    for name, why in cases.items():
        with pytest.raises(ValueError, match=why):
            model(name)


# ------------------------------------------------------------------------------------------------ what goes wrong


def outcomes(work: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
    async def timely() -> list[Any]:
        return await asyncio.wait_for(work(), 20)

    return asyncio.run(timely())


def test_while_a_batch_is_written_the_next_one_collects(slow: Slow) -> None:
    desk = Desk(slow, batch=64)

    async def work() -> list[Any]:
        first = asyncio.create_task(desk.ask(ASKED[0], ("k",), PLAIN))
        await asyncio.to_thread(slow.begun.wait)
        rest = [asyncio.create_task(desk.ask(each, ("k",), PLAIN)) for each in ASKED[1:]]
        other = asyncio.create_task(desk.ask(ASKED[0], ("k",), Manner(0.0, 1.0, 0, 3)))
        await asyncio.sleep(0.05)
        slow.go.set()
        return await asyncio.gather(first, *rest, other)

    *replies, short = outcomes(work)
    assert slow.calls == [1, len(ASKED) - 1, 1]
    assert replies == Writer.write(slow, ASKED, max_tokens=TOKENS)
    assert short.output_tokens <= 3


def test_a_cancelled_request_leaves_the_others_alone_and_is_not_written_where_it_can_be_helped(slow: Slow) -> None:
    desk = Desk(slow)

    async def work() -> list[Any]:
        first = asyncio.create_task(desk.ask(ASKED[0], ("k",), PLAIN))
        await asyncio.to_thread(slow.begun.wait)
        rest = [asyncio.create_task(desk.ask(each, ("k",), PLAIN)) for each in ASKED[1:5]]
        await asyncio.sleep(0)
        first.cancel()
        rest[1].cancel()
        await asyncio.sleep(0)
        slow.go.set()
        return await asyncio.gather(first, *rest, return_exceptions=True)

    found = outcomes(work)
    assert [isinstance(each, asyncio.CancelledError) for each in found] == [True, False, True, False, False]
    assert slow.calls == [1, 3]
    assert [found[place] for place in (1, 3, 4)] == Writer.write(slow, [ASKED[place] for place in (1, 3, 4)], max_tokens=TOKENS)


def test_an_error_reaches_everybody_who_waits_and_the_desk_goes_on(slow: Slow) -> None:
    desk = Desk(slow)
    slow.error = RuntimeError("no memory")
    slow.go.set()

    async def work() -> list[Any]:
        return await asyncio.gather(*[desk.ask(each, ("k",), PLAIN) for each in ASKED], return_exceptions=True)

    found = outcomes(work)
    assert {repr(each) for each in found} == {"RuntimeError('no memory')"}
    assert len({id(each) for each in found}) == len(found)  # or each would carry the tracebacks of all
    slow.error = None
    assert outcomes(work) == Writer.write(slow, ASKED, max_tokens=TOKENS)


def test_what_is_wrong_with_one_conversation_is_wrong_with_it_alone(student: Path) -> None:
    writer = Writer(student)
    writer.tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
        + str(writer.tokenizer.chat_template)
    )
    desk = Desk(writer)
    system = [{"role": "system", "content": "Be brief."}, *ASKED[0]]
    far = [{"role": "user", "content": " cat" * 140}]
    asked = [*ASKED[:3], system, far, *ASKED[3:6], far + far]

    async def work() -> list[Any]:
        return await asyncio.gather(*[desk.ask(each, ("k",), PLAIN) for each in asked], return_exceptions=True)

    found = outcomes(work)
    assert [each for each in found if isinstance(each, Reply)] == writer.write(ASKED[:6], max_tokens=TOKENS)
    assert "no system turn" in str(found[3])
    assert [type(each) for each in (found[4], found[8])] == [TooLong, TooLong]
    assert ["has 142 tokens" in str(found[4]), "has 283 tokens" in str(found[8])] == [True, True]


def test_what_nobody_waits_for_any_more_is_not_written_to_its_end(student: Path) -> None:
    writer = Writer(student)
    writer.ends, writer.positions = [], None
    desk = Desk(writer)
    endless = Manner(0.0, 1.0, 0, 10**6)

    async def given_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(desk.ask(ASKED[0], ("k",), endless), 0.3)

    asyncio.run(given_up())
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(desk.ask(ASKED[1], ("k",), endless))
    loop.run_until_complete(asyncio.sleep(0.1))
    loop.close()  # and nobody cancels what waits in it
    until = time.monotonic() + 20
    while any(each.name == "genlab writer" for each in threading.enumerate()):
        assert time.monotonic() < until, "it is still being written"
        time.sleep(0.01)
    waiting._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio would complain of it
    del waiting
    gc.collect()
    assert asyncio.run(desk.ask(ASKED[0], ("k",), PLAIN)).output_tokens == TOKENS


@pytest.mark.long
def test_a_process_that_is_done_ends(student: Path) -> None:
    """And says the same in a fresh process."""
    script = f"""
import asyncio
from inspect_ai.model import GenerateConfig, get_model

async def main():
    model = get_model("batched/{student}", device="cpu")
    config = GenerateConfig(temperature=0.7, max_tokens={TOKENS})
    endless = asyncio.create_task(model.generate("a cat", config=GenerateConfig(temperature=0.0)))
    await asyncio.sleep(0.1)
    print(repr((await model.generate({ASKED[1][0]["content"]!r}, config=config)).completion))

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    (wanted,) = said(model(student), [ASKED[1]], **WARM)
    assert done.stdout.strip() == repr(wanted.completion)


@pytest.mark.slow
def test_inspects_own_provider_says_the_same_of_the_same_folder(student: Path) -> None:
    theirs = get_model("hf/tiny", memoize=False, model_path=str(student), device="cpu", do_sample=False)
    options: dict[str, Any] = {"max_tokens": TOKENS, "max_connections": len(ASKED)}

    async def ask() -> list[str]:
        config = GenerateConfig(**options)
        return [
            each.completion for each in await asyncio.gather(*[theirs.generate(messages(each), config=config) for each in ASKED])
        ]

    assert asyncio.run(ask()) == [each.completion for each in said(model(student), ASKED, **GREEDY)]
