"""Copying what a run says to mirrors, each in a thread of its own: one that is slow or fails never holds up or ends a run."""

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genlab.mirrors.mirror import Copied, Mirror
from genlab.mirrors.secrets import hidden
from genlab.running.pool import Event

MOST_WAITING = 10_000  # notes that a slow mirror is behind before more are dropped; our assumption, a few MB
CLOSE_SECONDS = 60.0  # that a mirror may take, after the run, for what it is behind; our assumption


class _Thread:
    """One mirror and what it has still to copy."""

    def __init__(self, name: str, mirror: Mirror, warn: Callable[[str], None]) -> None:
        self.name, self.mirror, self.warn = name, mirror, warn
        self.failed = False
        self.dropped = 0
        self._waiting: queue.SimpleQueue[tuple[str, tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._copy, name=f"mirror {name}", daemon=True)
        self._thread.start()

    def put(self, act: str, *arguments: Any) -> None:
        if self.failed:
            return
        if act == "note" and self._waiting.qsize() >= MOST_WAITING:
            self.dropped += 1
        else:
            self._waiting.put((act, arguments))

    def close(self, deadline: float) -> None:
        self._waiting.put(None)
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            self.warn(f"mirror {self.name} is {self._waiting.qsize()} messages behind and was left: the store is complete")
        elif self.dropped:
            self.warn(f"mirror {self.name} was too slow for {self.dropped} notes: the store is complete")

    def _copy(self) -> None:
        while (message := self._waiting.get()) is not None:
            act, arguments = message
            try:
                getattr(self.mirror, act)(*arguments)
            except Exception as error:
                self.failed = True
                why = hidden(f"{type(error).__name__}: {error}".splitlines()[0])
                self.warn(f"mirror {self.name} failed and gets no more of this run, the store does: {why}")
                return


class Copying:
    """Takes a pool's events and copies them to mirrors; a context manager that waits for them at its end.

    Args:
        mirrors: by the name that a warning says.
        conditions: what each condition is copied as, by the condition's id.
        warn: says one line; called from the mirrors' threads.
    """

    def __init__(self, mirrors: Mapping[str, Mirror], conditions: Mapping[str, Copied], warn: Callable[[str], None]) -> None:
        self.conditions = conditions
        self._mirrors, self._warn = mirrors, warn
        self._threads: list[_Thread] = []
        self._open: dict[str, Copied] = {}

    def __enter__(self) -> "Copying":
        self._threads = [_Thread(name, mirror, self._warn) for name, mirror in self._mirrors.items()]
        return self

    def __exit__(self, *_: object) -> None:
        for run in list(self._open.values()):  # a second Ctrl-C
            self._end(run, "stopped", "")
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.close(deadline)

    def on(self, event: Event | None) -> None:
        """Copy what one event says; events of conditions that are not copied are left."""
        run = self.conditions.get(event.key) if event else None
        if event is None or run is None:
            return
        match event.kind:
            case "started":
                self._open[event.key] = run
                self._tell("begin", run)
            case "progress":
                if numbers := event.content["note"]:
                    self._tell("note", run.id, int(event.content["step"]), dict(numbers))
            case "done" | "died":
                ended = event.content.get("result")
                self._end(run, ended.status if ended else "died", ended.why if ended else event.content["why"])
                self._open.pop(event.key, None)

    def verdicts(self, run: Copied, rows: Sequence[Mapping[str, Any]]) -> None:
        """Copy a study's verdicts."""
        self._tell("verdicts", run, rows)

    def _end(self, run: Copied, status: str, ending: str) -> None:
        self._tell("end", run.id, status, hidden(ending))

    def _tell(self, act: str, *arguments: Any) -> None:
        for thread in self._threads:
            thread.put(act, *arguments)


def run_id(store: str, condition: str) -> str:
    """The tracker's id of a condition of a store: two stores with the same condition have two runs.

    >>> run_id("/runs/a", "0123456789abcdef"), run_id("/runs/b", "0123456789abcdef")
    ('0123456789abcdef-704e19', '0123456789abcdef-96e31d')
    """
    return f"{condition}-{hashlib.sha256(store.encode()).hexdigest()[:6]}"
