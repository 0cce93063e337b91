"""Copying to mirrors: order, one warning, what a slow one costs, keys in messages."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from genlab.mirrors import copying
from genlab.mirrors.copying import Copying
from genlab.mirrors.mirror import Copied
from genlab.mirrors.secrets import hidden, refuse
from genlab.running.pool import Event
from genlab.studies.execute import Ended


class Remembering:
    """A mirror that keeps what it is told, fails at an act, or waits for a word before it takes anything."""

    def __init__(self, failing: str = "", word: threading.Event | None = None) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.failing, self.word = failing, word

    def _take(self, act: str, *arguments: Any) -> None:
        if self.word:
            self.word.wait()
        if act == self.failing:
            raise OSError("no answer from https://me:secretword@host with abcdef123456\nand more")
        self.told.append((act, *arguments))

    def begin(self, run: Copied) -> None:
        self._take("begin", run.id)

    def note(self, id: str, step: int, numbers: Mapping[str, float]) -> None:
        self._take("note", id, step, numbers)

    def end(self, id: str, status: str, ending: str) -> None:
        self._take("end", id, status, ending)

    def verdicts(self, run: Copied, rows: Sequence[Mapping[str, Any]]) -> None:
        self._take("verdicts", run.id, len(rows))


RUNS = {"a": Copied("a-1", "toy", "a", {"seed": 0}), "b": Copied("b-1", "toy", "b", {"seed": 1})}
EVENTS = [
    Event("a", "started"),
    None,
    Event("b", "started"),
    Event("stranger", "started"),
    Event("a", "progress", {"step": 3, "of": 9, "note": {"loss": 1.0}}),
    Event("a", "progress", {"step": 4, "of": 9, "note": {}}),
    Event("a", "done", {"result": Ended("finished", "steps")}),
    Event("b", "died", {"why": "killed by SIGKILL"}),
]


def test_mirrors_are_told_in_order_and_of_what_is_copied_only() -> None:
    mirror = Remembering()
    warnings: list[str] = []
    with Copying({"one": mirror}, RUNS, warnings.append) as copies:
        for event in EVENTS:
            copies.on(event)
        copies.verdicts(Copied("v", "toy", "verdicts", {}), [{}, {}])
    assert warnings == []
    assert mirror.told == [
        ("begin", "a-1"),
        ("begin", "b-1"),
        ("note", "a-1", 3, {"loss": 1.0}),
        ("end", "a-1", "finished", "steps"),
        ("end", "b-1", "died", "killed by SIGKILL"),
        ("verdicts", "v", 2),
    ]


def test_one_that_fails_warns_once_without_keys_and_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "abcdef123456")
    good, bad = Remembering(), Remembering(failing="begin")
    warnings: list[str] = []
    with Copying({"good": good, "bad": bad}, RUNS, warnings.append) as copies:
        for event in EVENTS:
            copies.on(event)
    why = "OSError: no answer from https://(hidden)@host with (hidden)"
    assert warnings == [f"mirror bad failed and gets no more of this run, the store does: {why}"]
    assert (len(good.told), bad.told) == (5, [])


def test_a_slow_one_loses_notes_and_is_left_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "MOST_WAITING", 5)
    monkeypatch.setattr(copying, "CLOSE_SECONDS", 5.0)
    word = threading.Event()
    warnings: list[str] = []
    slow = Remembering(word=word)
    with Copying({"slow": slow}, RUNS, warnings.append) as copies:
        copies.on(EVENTS[0])
        for step in range(20):
            copies.on(Event("a", "progress", {"step": step, "of": 20, "note": {"loss": 1.0}}))
        copies.on(Event("a", "done", {"result": Ended("finished", "steps")}))
        word.set()
    assert [act for act, *_ in slow.told] == ["begin", *["note"] * (len(slow.told) - 2), "end"]
    assert warnings == [f"mirror slow was too slow for {22 - len(slow.told)} notes: the store is complete"]
    assert 4 <= len(slow.told) - 2 <= 6

    monkeypatch.setattr(copying, "CLOSE_SECONDS", 0.05)
    word.clear()
    with Copying({"slow": Remembering(word=word)}, RUNS, warnings.append) as copies:
        copies.on(EVENTS[0])
    assert warnings[-1].startswith("mirror slow is ")
    assert warnings[-1].endswith("messages behind and was left: the store is complete")
    word.set()


def test_what_runs_when_the_run_is_broken_off_is_stopped() -> None:
    mirror = Remembering()
    copies = Copying({"one": mirror}, RUNS, print)
    with copies:  # left by Ctrl-C while a condition runs
        copies.on(EVENTS[0])
    assert mirror.told == [("begin", "a-1"), ("end", "a-1", "stopped", "")]


def test_secrets_are_hidden_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "short")
    monkeypatch.setenv("MY_SECRET", "long enough")
    assert hidden("short, long enough, s3://bucket/a@b") == "short, (hidden), s3://bucket/a@b"
    with pytest.raises(ValueError, match=r"https://\(hidden\)@host.*, set A$"):
        refuse("https://me:word@host", "set A")
    refuse("https://host/a@b", "set A")
