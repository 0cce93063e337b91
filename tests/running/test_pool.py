"""The pool: results come back, deaths are told, nothing is left running, and the cores are not asked twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.running import calls

from genlab.running.pool import THREAD_VARIABLES, Event, Pool, Task, share

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0


def pool(call: Callable[..., Any], *arguments: Sequence[Any], workers: int = 2) -> Pool:
    return Pool(call, [Task(str(index), tuple(each)) for index, each in enumerate(arguments)], workers=workers, threads=1)


def run(call: Callable[..., Any], *arguments: Sequence[Any], workers: int = 2) -> list[Event]:
    with pool(call, *arguments, workers=workers) as made:
        return [event for event in made.events(tick=0.05) if event is not None]


def results(events: Sequence[Event]) -> dict[str, Any]:
    return {event.key: event.content["result"] for event in events if event.kind == "done"}


def until(question: Callable[[], Any]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if question():
            return True
        time.sleep(0.01)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pids(folder: Path) -> list[int]:
    return [int(place.name) for place in folder.glob("[0-9]*")]


def test_a_task_has_the_environment_of_the_moment_in_which_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    for now in ("one", "another"):  # the fork server runs since the first
        monkeypatch.setenv("GENLAB_MOMENT", now)
        assert results(run(calls.variable, ("GENLAB_MOMENT",))) == {"0": now}


def test_warnings_of_tasks_are_errors_where_the_documentation_runs_them(warm: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for how, kind in (("default", "done"), ("error", "died")):
        monkeypatch.setenv("PYTHONWARNINGS", how)
        assert run(calls.warned, ())[-1].kind == kind


def test_every_task_gives_its_result() -> None:
    events = run(calls.double, *[(number,) for number in range(5)])
    assert results(events) == {str(number): 2 * number for number in range(5)}
    assert [event.key for event in events if event.kind == "started"] == ["0", "1", "2", "3", "4"]


def test_no_tasks_no_events() -> None:
    assert run(calls.double) == []


def test_progress_comes_in_order_before_the_result() -> None:
    events = run(calls.count, (20,), (20,))
    for key in ("0", "1"):
        mine = [(event.kind, event.content.get("number")) for event in events if event.key == key]
        assert mine == [("started", None), *[("progress", number) for number in range(20)], ("done", None)]


def test_a_large_result_fits_through_the_line() -> None:
    assert results(run(calls.many_bytes, (5_000_000,))) == {"0": bytes(5_000_000)}


def test_none_comes_at_least_every_tick() -> None:
    with pool(calls.nap, (0.6,)) as made:
        ticks = sum(event is None for event in made.events(tick=0.05))
    assert ticks >= 8


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_no_more_than_so_many_workers_at_once(workers: int) -> None:
    naps = list(results(run(calls.nap, *[(0.2,)] * 5, workers=workers)).values())
    assert len(naps) == 5
    at_once = max(sum(begun <= moment < ended for begun, ended in naps) for moment, _ in naps)
    assert at_once <= workers
    assert workers == 1 or at_once > 1


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("raises", "ValueError: out of luck"),
        ("leaves", "SystemExit: 3"),
        ("exits", "exited with code 7 and no word"),
        ("killed", "killed by SIGKILL: most likely out of memory, try fewer --workers"),
        ("killed in a word", "killed by SIGKILL: most likely out of memory, try fewer --workers"),
        ("crashes", "killed by SIGSEGV"),
        ("aborts", "killed by SIGABRT"),
        ("returns what cannot be sent", "PicklingError|AttributeError"),
    ],
)
def test_a_death_is_told_and_the_others_go_on(kind: str, why: str) -> None:
    call = calls.misfortune if "sent" in kind else calls.whichever
    events = run(call, ("fine",), (kind,), ("fine",), (kind,), ("fine",))
    died = {event.key: event.content["why"] for event in events if event.kind == "died"}
    if call is calls.whichever:
        assert results(events) == {"0": 1, "2": 1, "4": 1}
        assert died == {"1": why, "3": why}
    else:
        assert len(died) == 5
        assert all(any(each.startswith(word) for word in why.split("|")) for each in died.values())


def test_an_exception_brings_its_traceback() -> None:
    (death,) = [event for event in run(calls.misfortune, ("raises",)) if event.kind == "died"]
    assert 'raise ValueError("out of luck")' in death.content["traceback"]


def test_stopping_lets_tasks_reach_a_safe_place_and_starts_nothing_more(tmp_path: Path) -> None:
    with pool(calls.until_stopped, *[(str(tmp_path), str(number)) for number in range(4)]) as made:
        for _ in made.events(tick=0.05):
            if len(list(tmp_path.iterdir())) == 2:
                break
        last = list(made.stop())
    assert results(last) == {"0": "safe", "1": "safe"}
    assert sorted(place.name for place in tmp_path.iterdir()) == ["0", "1"]


def test_leaving_the_context_kills_what_runs(tmp_path: Path) -> None:
    def interrupted() -> None:
        with pool(calls.forever, (str(tmp_path),), (str(tmp_path),)) as made:
            for _ in made.events(tick=0.05):
                if len(pids(tmp_path)) == 2:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(pids(tmp_path)) == 2
    assert not any(alive(pid) for pid in pids(tmp_path))


PARENT = """
import json, sys
from genlab.running.pool import Pool, Task
from tests.running import calls

call, workers, *arguments = json.loads(sys.argv[1])
with Pool(getattr(calls, call), [Task(str(n), tuple(arguments)) for n in range(workers)], workers=workers, threads=3) as pool:
    print(json.dumps([event.content.get("result") for event in pool.events() if event and event.kind == "done"]))
"""


def parent(call: str, workers: int, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "error", "-c", PARENT, json.dumps([call, workers, *arguments])]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM])
def test_no_child_outlives_its_parent(way: signal.Signals, tmp_path: Path) -> None:
    process = parent("forever", 2, str(tmp_path))
    assert until(lambda: len(pids(tmp_path)) == 2)
    process.send_signal(way)
    process.communicate(timeout=PATIENCE)
    assert until(lambda: not any(alive(pid) for pid in pids(tmp_path)))


def test_a_task_is_told_how_many_threads_it_may_use() -> None:
    said, _ = parent("variables", 1, OMP_NUM_THREADS="16").communicate(timeout=PATIENCE)
    assert json.loads(said) == [dict.fromkeys(THREAD_VARIABLES, "3")]


def test_the_parents_own_environment_is_as_before() -> None:
    before = dict(os.environ)
    run(calls.double, (1,))
    assert dict(os.environ) == before


@given(st.integers(1, 256), st.integers(0, 300), st.none() | st.integers(1, 300))
def test_workers_and_their_threads_share_the_cores(cores: int, tasks: int, workers: int | None) -> None:
    at_once, threads = share(cores, tasks, workers)
    assert 1 <= at_once <= max(1, tasks)
    assert workers is None or at_once <= workers
    if workers is None or workers <= cores:
        assert at_once * threads <= cores < at_once * (threads + 1)
    else:  # who asks for more workers than cores gets them, with one thread each while they crowd the cores
        assert at_once * threads <= max(cores, at_once)
