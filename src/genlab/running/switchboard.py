"""Between a command and its tasks on a Ray cluster: progress goes up, the word to stop goes down. What runs on the workers.

The switchboard is one asynchronous actor beside the command. A worker waits for the word to stop with one call that stays
open, and sends a report only when the last one has arrived, so that a thousand workers do not drown it.
"""

import asyncio
import contextlib
import os
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from genlab.running.pool import Line

GATHER_SECONDS = 0.1  # our assumption: how long news may lie before the command hears them, all at once
Try = tuple[str, int]  # a task's key, and how many of its workers were lost before


class Switchboard:
    """The actor: keeps each running task's last word until the command fetches it."""

    def __init__(self) -> None:
        self._news: dict[Try, Mapping[str, Any]] = {}
        self._fresh = asyncio.Event()
        self._stop = asyncio.Event()

    async def tell(self, which: Try, content: Mapping[str, Any]) -> None:
        """Take a task's word in; nothing says that it has begun."""
        if content or which not in self._news:
            self._news[which] = content
        self._fresh.set()

    async def news(self) -> dict[Try, Mapping[str, Any]]:
        """The last word of every task that has said something since this was last asked; waits until one has."""
        await self._fresh.wait()
        await asyncio.sleep(GATHER_SECONDS)
        self._fresh.clear()
        news, self._news = self._news, {}
        return news

    async def stop(self) -> None:
        """Let everything reach a safe place."""
        self._stop.set()

    async def until_stopped(self) -> None:
        """Return when the command wants everything to reach a safe place."""
        await self._stop.wait()


class Wire:
    """A task's end of the line: sends a word unless the last one is still on its way."""

    def __init__(self, board: Any, which: Try) -> None:
        self._board = board
        self._which = which
        self._sent: Future[Any] = board.tell.remote(which, {}).future()

    def send(self, message: Any, /) -> None:
        """Send what a line reports; what comes too fast is left out, for only the last word counts."""
        if self._sent.done():
            self._sent = self._board.tell.remote(self._which, message[1]).future()


_stops: dict[Any, threading.Event] = {}  # of this worker, by switchboard: a worker runs one task after another


def _stop_of(board: Any) -> threading.Event:
    """The event that is set when the command wants an end, or is gone."""
    name = board._actor_id
    if name not in _stops:
        _stops[name] = threading.Event()
        board.until_stopped.remote().future().add_done_callback(lambda _: _stops[name].set())
    return _stops[name]


def perform(
    call: Callable[..., Any], arguments: tuple[Any, ...], which: Try, board: Any, folder: str
) -> tuple[str, dict[str, Any]]:
    """Make the call on this worker; returns the kind and content of the event that it ended with.

    ``folder`` is where the command was typed, and relative paths are read from there, where this machine has it.
    """
    stop = _stop_of(board)
    if stop.is_set():
        return "unbegun", {}
    with contextlib.suppress(OSError):
        os.chdir(folder)
    try:
        return "done", {"result": call(Line(Wire(board, which), stop), *arguments)}
    except BaseException as error:
        return "died", {"why": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
