"""Requests that arrive one by one are written many at a time: one model, and while there is work one thread, for each folder."""

import asyncio
import contextlib
import copy
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genlab import chance
from genlab.students.generating import Conversation, Reply, TooLong, Writer

PAUSE = 0.005  # seconds without a new request after which a batch is written (our assumption; see benchmarks/generation.py)


@dataclass(frozen=True)
class Manner:
    """How replies are written; requests of one manner share a batch."""

    temperature: float
    top_p: float
    top_k: int
    max_tokens: int


@dataclass(frozen=True, eq=False)
class _Request:
    conversation: Conversation
    key: tuple[chance.Key, ...]
    manner: Manner
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Reply]"

    def waits(self) -> bool:
        """Whether anybody would hear the answer."""
        return not (self.answer.done() or self.loop.is_closed())


class Desk:
    """Takes requests from any event loop; while a batch is written, the next one collects.

    Args:
        writer: the model.
        batch: rows written at once.
    """

    def __init__(self, writer: Writer, *, batch: int = 256) -> None:
        self.writer, self.batch = writer, batch
        self.batches: list[int] = []  # how many requests each batch had that was begun
        self._waiting: list[_Request] = []
        self._writing = False
        self._lock = threading.Lock()

    async def ask(self, conversation: Conversation, key: tuple[chance.Key, ...], manner: Manner) -> Reply:
        """A reply, written together with those that others ask for at about the same time.

        Raises:
            ValueError: what ``Writer.write`` raises; a conversation that is too long, or that the chat template does not take,
                spoils none of the others.
        """
        loop = asyncio.get_running_loop()
        request = _Request(conversation, key, manner, loop, loop.create_future())
        with self._lock:
            self._waiting.append(request)
            start, self._writing = not self._writing, True
        if start:
            threading.Thread(target=self._work, name="genlab writer").start()  # one that waited would be lost in a forked process
        return await request.answer

    def _work(self) -> None:
        while requests := self._collected():
            for manner in dict.fromkeys(each.manner for each in requests):
                alike = [each for each in requests if each.manner == manner]
                for start in range(0, len(alike), self.batch):
                    self._write(alike[start : start + self.batch], manner)

    def _collected(self) -> list[_Request]:
        """All that waits, once nothing more has come for a moment or a batch is full; none, and the work ends."""
        seen = -1
        while seen < len(self._waiting) < self.batch:
            seen = len(self._waiting)
            if seen:
                time.sleep(PAUSE)
        with self._lock:
            found, self._waiting = self._waiting, []
            self._writing = bool(found)
        return found

    def _write(self, requests: Sequence[_Request], manner: Manner) -> None:
        live = [each for each in requests if each.waits()]
        if not live:
            return
        self.batches.append(len(live))
        try:
            replies = self.writer.write(
                [each.conversation for each in live],
                temperature=manner.temperature,
                top_p=manner.top_p,
                top_k=manner.top_k,
                max_tokens=manner.max_tokens,
                keys=[each.key for each in live],
                batch=self.batch,
                wanted=lambda: any(each.waits() for each in live),
            )
        except InterruptedError:
            return
        except Exception as error:
            alone = self._spoilt(live, error)
            _tell(alone or {each: _again(error) for each in live})
            if alone:
                self._write([each for each in live if each not in alone], manner)
        else:
            _tell(dict(zip(live, replies, strict=True)))

    def _spoilt(self, requests: Sequence[_Request], error: Exception) -> dict[_Request, Exception]:
        """Those that are an error by themselves, each with its own; none where it is everybody's."""
        if isinstance(error, TooLong):
            each = zip(error.rows, error.tokens, strict=True)
            return {requests[row]: TooLong([0], [tokens], error.positions) for row, tokens in each}
        found: dict[_Request, Exception] = {}
        for request in requests:
            try:
                self.writer.tokens([request.conversation])
            except Exception as own:
                found[request] = own
        return found


def _again(error: Exception) -> Exception:
    """An error like it: one that is raised in many places gathers all of their tracebacks."""
    try:
        return copy.copy(error).with_traceback(error.__traceback__)
    except TypeError:  # made from other arguments than it shows
        return error


def _tell(outcomes: Mapping[_Request, Reply | Exception]) -> None:
    """Answer in each request's own loop; a loop that was closed waits for nothing."""
    for loop in {each.loop for each in outcomes}:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_answer, {each: outcome for each, outcome in outcomes.items() if each.loop is loop})


def _answer(outcomes: dict[_Request, Reply | Exception]) -> None:
    for request, outcome in outcomes.items():
        if request.answer.done():
            continue
        if isinstance(outcome, Exception):
            request.answer.set_exception(outcome)
        else:
            request.answer.set_result(outcome)
