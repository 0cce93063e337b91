"""Ways for a process to die at work, each a call for a process of its own; and the killers that count what they killed.

The killers run in an interpreter of their own (``main``), so that the fork server has the heavy libraries.
"""

import contextlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import active_children
from pathlib import Path
from typing import Any

from genlab import chance
from genlab.results.store import Store
from genlab.running.pool import Event, Line, Pool, Task
from genlab.studies.catalogue import Choice, load
from genlab.studies.execute import Ended, Place, execute
from genlab.studies.study import all_conditions

PRELOAD = (  # all that execute imports on its way: a life is then spent at work
    *("genlab.studies.execute", "tests.laws.deaths", "pyarrow.parquet", "safetensors.numpy", "filelock"),
    *("pydantic.type_adapter", "fsspec.implementations.local", "pandas"),  # pyarrow imports pandas where there is one
)
PRELOAD_REAL = (
    *(*PRELOAD, "genlab.studies.edge_of_stability.method", "sklearn.datasets"),
    "torch.fx.experimental.symbolic_shapes",  # torch.autograd.grad imports it, and sympy with it
)
CHANGES = {"open", "os.rename", "os.remove", "os.mkdir"}  # audit events, each raised just before the change


def die_at(line: Line, choice: Choice, id: str, place: Place, change: int) -> int:
    """Killed just before its n-th change to the store; returns how many there were, if there were fewer."""
    seen = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event not in CHANGES or not str(arguments[0]).startswith(place.store):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        seen += 1
        if seen == change:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    execute(line, choice, id, place)
    return seen


def die_beyond(line: Line, choice: Choice, id: str, place: Place, size: int) -> Ended:
    """Killed in the middle of the first write beyond ``size`` bytes: a torn draft is left."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    return no_room_beyond(line, choice, id, place, size)


def no_room_beyond(line: Line, choice: Choice, id: str, place: Place, size: int) -> Ended:
    """The first write beyond ``size`` bytes is an error."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return execute(line, choice, id, place)


def one(choice: Choice) -> str:
    """The id of the first condition of a choice."""
    return all_conditions(load(choice))[0][1].id


def every_death(choice: Choice, folder: Path, way: str, numbers: Sequence[int]) -> dict[int, str]:
    """Runs a condition once for each number, in a store of its own, and says how each run ended."""
    call = {"die_at": die_at, "die_beyond": die_beyond, "no_room_beyond": no_room_beyond}[way]
    id = one(choice)
    tasks = [Task(str(each), (choice, id, Place(str(folder / str(each)), "cpu", 1, 0.0), each)) for each in numbers]
    with Pool(call, tasks, workers=2, threads=1, preload=PRELOAD) as pool:
        return {int(event.key): _words(event) for event in pool.events() if event and event.kind in ("done", "died")}


def random_kills(choice: Choice, folder: Path, wanted: int, key: str) -> dict[str, int]:
    """Kills a condition at random moments until it has finished, in fresh stores, until ``wanted`` processes were killed.

    A life ends while it begins or within three times as long; the longest life grows by 2% with each, so that a machine
    that has become slower comes to an end too.
    """
    id = one(choice)
    counted = {"kills": 0, "in a write": 0, "runs": 0}
    with _run(choice, id, folder / "uninterrupted", 1e9) as pool:
        assert [event.kind for event in pool.events() if event and event.kind != "progress"] == ["started", "done"]
    life = 4 * _beginning(choice, id, folder / "begun")
    while counted["kills"] < wanted:
        place = folder / f"run {counted['runs']}"
        while Store(place).status(id) != "finished":
            Store(place).prepare()  # as the command line does
            delay = chance.python(key, counted["runs"], counted["kills"]).uniform(0, life)
            if _killed(choice, id, place, delay):
                counted["kills"] += 1
                counted["in a write"] += any(place.rglob(".*.draft"))
                life *= 1.02
        Store(place).prepare()
        counted["runs"] += 1
    return counted


def _beginning(choice: Choice, id: str, place: Path) -> float:
    """Seconds until a process writes its first checkpoint."""
    begun = time.monotonic()
    with _run(choice, id, place, 0.0) as pool:
        for _ in pool.events(tick=0.002):
            if any(place.rglob("checkpoint.*")):
                return time.monotonic() - begun
    raise AssertionError("no checkpoint was written")


def _killed(choice: Choice, id: str, place: Path, delay: float) -> bool:
    """Whether the process was still at work after ``delay`` seconds, and was killed."""
    with _run(choice, id, place, 0.0) as pool:
        end = time.monotonic() + delay
        for event in pool.events(tick=0.002):
            if event and event.kind == "done":
                return False
            if event and event.kind == "died":
                assert event.content["why"].startswith("killed by SIGKILL"), event
                return True
            if time.monotonic() > end:
                for child in active_children():
                    child.kill()
    raise AssertionError("a task neither ended nor died")


@contextlib.contextmanager
def _run(choice: Choice, id: str, place: Path, seconds: float) -> Iterator[Pool]:
    task = Task(id, (choice, id, Place(str(place), "cpu", 1, seconds)))
    with Pool(execute, [task], workers=1, threads=1, preload=PRELOAD_REAL) as pool:
        yield pool


def _words(event: Event) -> str:
    return str(event.content.get("why", event.content.get("result")))


def main() -> None:
    """The killer, the choice and its other arguments are one JSON list; prints what the killer returns."""
    what, reference, assignments, folder, *rest = json.loads(sys.argv[1])
    killers: dict[str, Callable[..., Any]] = {"every_death": every_death, "random_kills": random_kills}
    print(json.dumps(killers[what](Choice(reference, "mini", tuple(assignments)), Path(folder), *rest)))
