"""A teacher of instructions behind an OpenAI-compatible endpoint on loopback: a script, and spoilt at a share of its replies.

What it says depends on a request's body and on nothing else, so that runs which ask the same are told the same.
"""

import asyncio
import contextlib
import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from genlab import chance

Said = tuple[str, str]  # a reply, and its finish reason
Script = Callable[[list[dict[str, str]]], Said | int]
USAGE = (100, 10)  # tokens of every reply
_WORDS = "ladder kettle harbour violin garden ledger anchor meadow lantern saddle thimble quarry orchard pulley satchel"
WORDS = _WORDS.split()
GARBAGE: dict[str, Callable[[str, str], Said]] = {  # from a good instruction and response
    "cut at max_tokens": lambda asked, said: (json.dumps({"instruction": asked, "response": said})[:60], "length"),
    "unreadable": lambda asked, said: (f"Sure! Here is one.\nInstruction: {asked}\nResponse: {said}", "stop"),
    "too short": lambda asked, said: pair(asked, "Yes."),
    "repeats the instruction": lambda asked, said: pair(asked, asked),
    "scaffold words": lambda asked, said: pair(f"{asked} Revised", said),
    "###": lambda asked, said: pair(asked, f"### Answer\n{said}"),
    "does not end properly": lambda asked, said: pair(asked, f"{said} And the details related to the"),
    "not self-contained": lambda asked, said: pair("Summarize the attached report for my manager.", said),
    "speaks of itself as an exercise": lambda asked, said: pair(f"{asked} Use both skills.", said),
}


def pair(asked: str, said: str) -> Said:
    """A reply in the form that is asked for."""
    return json.dumps({"instruction": asked, "response": said}), "stop"


class Teacher:
    """The script: a good pair, or garbage of every kind.

    Args:
        garbage: share of the drafts and refinements that are garbage.
        alike: instructions it has in all; None for as many as there are.
    """

    def __init__(self, garbage: float = 0.0, alike: int | None = None) -> None:
        self.garbage, self.alike = garbage, alike

    def __call__(self, messages: list[dict[str, str]]) -> Said:
        told = json.dumps(messages)
        random = chance.python("teacher", told)
        if len(messages) == 3:
            return "The request is thin, and the answer says little. ### Revised", "stop"
        about = chance.python("item", re.sub(r"\n\nRefused so far: .*", "", messages[0]["content"]))
        first, second, third = about.sample(WORDS, 3)
        number = about.randrange(self.alike) if self.alike else about.randrange(10**9)
        asked = f"I keep a {first} and a {second} in shed {number}. How do I keep them dry in winter?"
        days = random.randint(2, 9)
        said = f"Hang the {first} high, wrap the {second} in cloth, and look at the {third} every {days} days."
        if random.random() < self.garbage:
            return GARBAGE[random.choice(list(GARBAGE))](asked, said)
        return pair(asked, said)


class Endpoint:
    """Serves a teacher, in a thread of its own while the context is open.

    Args:
        teachers: by model, what it replies to messages; an HTTP status in the place of a reply fails the request.
        seconds: that a reply takes.

    Attributes:
        requests, delivered: of each body, how often it came, and how often its reply went out whole: what is paid for.
    """

    def __init__(self, teachers: dict[str, Script], *, seconds: float = 0.0) -> None:
        self.teachers, self.seconds = teachers, seconds
        self.requests: Counter[str] = Counter()
        self.delivered: Counter[str] = Counter()
        self.url = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> "Endpoint":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=1024)
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
                await self._answer(json.loads(await reader.readexactly(int(length[1]) if length else 0)), writer)
        self._open.discard(writer)
        writer.close()

    async def _answer(self, asked: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        body = hashlib.sha256(json.dumps([asked["model"], asked["messages"]]).encode()).hexdigest()[:16]
        self.requests[body] += 1
        await asyncio.sleep(self.seconds)
        found = self.teachers[asked["model"]](asked["messages"])
        if isinstance(found, int):
            await _send(writer, found, json.dumps({"error": {"message": "no service today", "type": "x", "code": None}}))
            return
        text, reason = found
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
        usage = dict(zip(("prompt_tokens", "completion_tokens", "total_tokens"), (*USAGE, sum(USAGE)), strict=True))
        said = {
            "id": body,
            "object": "chat.completion",
            "created": 0,
            "model": asked["model"],
            "choices": [choice],
            "usage": usage,
        }
        await _send(writer, 200, json.dumps(said))
        self.delivered[body] += 1


async def _send(writer: asyncio.StreamWriter, status: int, body: str) -> None:
    content = body.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    await writer.drain()
