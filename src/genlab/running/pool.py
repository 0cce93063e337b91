"""Tasks over this machine's cores: one process a task, live messages, a clean stop, no orphan.

Processes come from a fork server that has imported the heavy libraries once (or are spawned where there is none), so that
a task starts in milliseconds and its death, whatever the cause, is its own.
"""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

STOP_SECONDS = 60.0  # how long a task may take to reach a safe place after it was asked to stop
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Sender(Protocol):
    """What carries a task's words to its parent: a pipe here, an actor on a cluster."""

    def send(self, message: Any, /) -> None:
        """Send a kind of word and its content; it must not wait for an answer."""


class Line:
    """A task's line to its parent; ``stop`` is set when the parent wants it to end."""

    def __init__(self, connection: Sender, stop: threading.Event | None = None) -> None:
        self._connection = connection
        self._stop = stop or threading.Event()

    def report(self, **content: Any) -> None:
        """Send something worth showing."""
        self._connection.send(("progress", content))

    @property
    def stopping(self) -> bool:
        """Whether the parent wants the task to reach a safe place and return."""
        return self._stop.is_set()


@dataclass(frozen=True)
class Task:
    """A call to make in a process of its own: ``call(line, *arguments)``; all of it must be picklable."""

    key: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Event:
    """What happened to the task ``key``: started, progress, done (``content["result"]``) or died (``content["why"]``).

    On a cluster also lost (``content["why"]``): its worker or machine is gone, and it will be started again.
    """

    key: str
    kind: str
    content: Mapping[str, Any] = field(default_factory=dict)


class Pool:
    """Runs tasks, at most ``workers`` at once; use as a context manager, which leaves no process behind.

    Args:
        call: an importable function.
        tasks: what to run, in order.
        workers: processes at once.
        threads: threads each task may use; the product with ``workers`` should not exceed the cores.
        preload: modules the fork server imports once.
    """

    def __init__(
        self, call: Callable[..., Any], tasks: Sequence[Task], *, workers: int, threads: int, preload: Sequence[str] = ()
    ) -> None:
        self.call = call
        self.waiting = list(tasks)
        self.workers = workers
        self.threads = threads
        self.context = _context(preload)
        self._running: dict[str, tuple[BaseProcess, Connection]] = {}

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        for process, connection in self._running.values():
            process.kill()
            process.join()
            connection.close()
        self._running.clear()

    def events(self, *, tick: float = 0.2) -> Iterator[Event | None]:
        """Events as they come, and None at least every ``tick`` seconds, until all tasks have ended."""
        while self.waiting or self._running:
            while self.waiting and len(self._running) < self.workers:
                task = self.waiting.pop(0)
                self._start(task)
                yield Event(task.key, "started")
            yield from self._collect(tick)
            yield None

    def stop(self) -> Iterator[Event]:
        """Start nothing more, ask what runs to reach a safe place, and yield its last events."""
        self.waiting.clear()
        for process, _ in self._running.values():
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while self._running and time.monotonic() < deadline:
            yield from self._collect(0.2)

    def _start(self, task: Task) -> None:
        ours, theirs = self.context.Pipe(duplex=False)
        before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(self.threads)))
        arguments = (self.call, task.arguments, theirs, dict(os.environ))
        process = self.context.Process(target=_child, args=arguments, name=f"genlab {task.key}")  # type: ignore[attr-defined]
        blocked = hasattr(signal, "pthread_sigmask")  # or Ctrl-C would break the fork server while it imports
        try:
            if blocked:
                signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            process.start()
        finally:
            if blocked:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        theirs.close()
        self._running[task.key] = (process, ours)

    def _collect(self, timeout: float) -> Iterator[Event]:
        ready = wait([connection for _, connection in self._running.values()], timeout)
        for key, (process, connection) in list(self._running.items()):
            if connection not in ready:
                continue
            try:
                kind, content = connection.recv()
            except (EOFError, OSError):
                process.join()
                kind, content = "died", {"why": _epitaph(process.exitcode)}
            if kind in ("done", "died"):
                process.join()
                connection.close()
                del self._running[key]
            yield Event(key, kind, content)


def _context(preload: Sequence[str]) -> BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    return context


def _child(call: Callable[..., Any], arguments: tuple[Any, ...], connection: Connection, environment: Mapping[str, str]) -> None:
    os.environ.clear()  # the fork server has that of the moment in which it was started
    os.environ.update(environment)
    line = Line(connection)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, lambda *_: line._stop.set())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        connection.send(("done", {"result": call(line, *arguments)}))
    except BaseException as error:
        connection.send(("died", {"why": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _epitaph(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        return f"killed by {name}" + (": most likely out of memory, try fewer --workers" if name == "SIGKILL" else "")
    return f"exited with code {exitcode} and no word"


def share(cores: int, tasks: int, workers: int | None) -> tuple[int, int]:
    """(workers, threads a worker) so that together they do not exceed the cores.

    >>> share(cores=8, tasks=3, workers=None), share(cores=2, tasks=30, workers=None), share(cores=4, tasks=9, workers=2)
    ((3, 2), (2, 1), (2, 2))
    """
    at_once = max(1, min(tasks, workers or cores))
    return at_once, max(1, cores // at_once)
