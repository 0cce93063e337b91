"""An OpenAI-compatible endpoint that fails on purpose: the scripts' replies, spoilt in eight ways, each at some of the samples.

What befalls a request depends on its body and on how often that body came, never on time. A sample is recognised by its skills
and topic, which its three calls share: the draft, the improved text and the grading. A kind of fault falls on one of the three.
"""

import asyncio
import contextlib
import hashlib
import json
import re
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser, GenerateConfig

from genlab import chance
from genlab.evaluation.scripted import Scripted

STATUSES = {"429": "Retry-After: 0\r\n", "500": "", "404": ""}  # with a line of their heads; a 404 is not asked for again
PASSING = (*STATUSES, "silent", "cut", "html")  # spoil one request each; the next one for the same body may succeed
LASTING = ("empty", "truncated", "huge")  # are what the model said: paid for, and the same again for the same body
KINDS = ("429", "500", "silent", "cut", "html", *LASTING)
USAGE = (100, 10)  # tokens of every reply
CALLS = ("draft", "improved", "grading")
HUGE = 2_000_000
TOPIC = re.compile(r'(?: about (.+?) that shows |on the topic "(.+?)")')


@dataclass
class Seen:
    """What the endpoint counted.

    Attributes:
        requests: a body's requests.
        delivered: a body's replies that were written to the socket whole, each of which a provider would charge for.
        hits: samples that a kind of fault befell.
        asked: every body that was asked for, in order.
    """

    requests: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    hits: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    asked: list[str] = field(default_factory=list)


class Faulty:
    """The endpoint, in a thread of its own while the context is open.

    Args:
        rate: share of the samples that each kind of fault befalls.
        kinds: which kinds there are.
        usage: whether replies say how many tokens they took.
        seconds: that a good reply takes.

    Attributes:
        down: by model, the status that answers all its requests.
    """

    def __init__(self, rate: float = 0.2, kinds: tuple[str, ...] = KINDS, *, usage: bool = True, seconds: float = 0.0) -> None:
        self.rate, self.kinds, self.usage, self.seconds = rate, kinds, usage, seconds
        self.down: dict[str, int] = {}
        self.seen = Seen()
        self.url = ""
        self._failed: Counter[str] = Counter()  # a body's requests that were spoilt
        self._first: dict[tuple[str, str], str] = {}  # the first body of each call of a sample: a grading has several
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> "Faulty":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def faults(self, sample: str, call: str) -> list[str]:
        """The kinds that befall a call of a sample, in the order in which they come."""
        found = [
            kind
            for kind in self.kinds
            if chance.python("fault", kind, sample).random() < self.rate
            and chance.python("call", kind, sample).choice(CALLS) == call
        ]
        chance.python("order", sample, call).shuffle(found)
        return found

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=8 * HUGE, backlog=1024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._end.wait()
        server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0.05)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"(?im)^content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                if not await self._answer(json.loads(body), reader, writer):
                    break
        self._open.discard(writer)
        writer.close()

    async def _answer(self, asked: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection lives on."""
        body = hashlib.sha256(json.dumps([asked["model"], asked["messages"]]).encode()).hexdigest()[:16]
        self.seen.asked.append(body)
        self.seen.requests[body] += 1
        if status := self.down.get(asked["model"]):
            return await _send(writer, status, _error("no service today"))
        sample, call = _whose(asked)
        first = self._first.setdefault((sample, call), body) == body
        faults = self.faults(sample, call)
        passing = [kind for kind in faults if kind in PASSING][self._failed[body] :]
        if first and passing:
            self._failed[body] += 1
            self.seen.hits[passing[0]].add(sample)
            return await self._fail(passing[0], reader, writer)
        await asyncio.sleep(self.seconds)
        said = [_message(each) for each in asked["messages"]]
        output = await Scripted(model_name=asked["model"]).generate(said, [], "auto", GenerateConfig())
        text, reason = output.completion, "stop"
        for kind in [kind for kind in faults if kind in LASTING and (first or _stubborn(sample))][:1]:
            self.seen.hits[kind].add(sample)
            text, reason = _spoilt(kind, text)
        reply = {
            "id": f"chatcmpl-{body}",
            "object": "chat.completion",
            "created": 0,
            "model": f"{asked['model']}@{body}",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}],
        }
        if self.usage:
            reply["usage"] = dict(zip(("prompt_tokens", "completion_tokens", "total_tokens"), (*USAGE, sum(USAGE)), strict=True))
        alive = await _send(writer, 200, json.dumps(reply))
        self.seen.delivered[body] += 1
        return alive

    async def _fail(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if kind in STATUSES:
            return await _send(writer, int(kind), _error("not now"), more=STATUSES[kind])
        match kind:
            case "html":
                page = "<html><body>Please log in to the hotel's network.</body></html>"
                return await _send(writer, 200, page, kind="text/html")
            case "cut":
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"id": "chatcmpl-')
                await writer.drain()
                return False
            case "silent":
                await reader.read(1)  # until the client goes
                return False
        raise AssertionError(kind)


async def _send(writer: asyncio.StreamWriter, status: int, body: str, *, kind: str = "application/json", more: str = "") -> bool:
    content = body.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n{more}\r\n"
    writer.write(head.encode() + content)
    await writer.drain()
    return True


def _error(message: str) -> str:
    return json.dumps({"error": {"message": message, "type": "server_error", "code": None}})


def _whose(asked: dict[str, Any]) -> tuple[str, str]:
    """The sample that a request is about, and which of its calls it is."""
    first = str(asked["messages"][0]["content"])
    topic = TOPIC.search(first)
    if topic is None:  # of another task: a sample of its own
        return hashlib.sha256(first.encode()).hexdigest()[:16], CALLS[0]
    skills = [line.partition(":")[0] for line in first.splitlines() if line.startswith("- ") and " For example: " in line]
    call = "grading" if "grader" in asked["model"] else CALLS[len(asked["messages"]) // 2]
    return f"{topic[1] or topic[2]} | {' | '.join(skills)}", call


def _message(each: dict[str, Any]) -> ChatMessage:
    kind = ChatMessageAssistant if each["role"] == "assistant" else ChatMessageUser
    return kind(content=str(each["content"]))


def _stubborn(sample: str) -> bool:
    """Whether a sample's gradings are spoilt at every try."""
    return chance.python("stubborn", sample).random() < 0.5


def _spoilt(kind: str, text: str) -> tuple[str, str]:
    match kind:
        case "empty":
            return "", "stop"
        case "truncated":
            return text[: len(text) // 2], "length"
        case "huge":
            return f"Answer: {'Bees hum, and so it goes. ' * (HUGE // 26)}", "stop"
    raise AssertionError(kind)
