"""The law: killed at any instant and run again, a condition ends with the records of a run that nobody disturbed, bit for bit."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from tests.laws.deaths import one

from genlab import chance
from genlab.results import keeper
from genlab.results.lease import Lease
from genlab.results.store import Store
from genlab.running.pool import Line
from genlab.studies.catalogue import Choice
from genlab.studies.execute import Ended, Place, execute

ROOT = Path(__file__).parents[2]
WALK = Choice(f"{Path(__file__).with_name('walk.py')}:study")
SHORT = Choice(WALK.reference, "mini", ("steps=3",))
SETTLED = {".lock", "condition.json", "environments.json", "facts.json", "outcome.json", "records.parquet"}
SMALL = (
    *("data=chebyshev-4-20", "network=regression", "precision=float64", "loss=mse", "momentum=0", "seeds=1", "test_every=0"),
    *("dense_every=0", "eigenpairs=2", "goal_loss=none", "beside=nothing"),
)


class Killed(BaseException):
    """Stands for the end of a process."""


class Mortal(MemoryFileSystem):  # type: ignore[misc] # fsspec has no types
    """A remote file system whose user dies at a certain change, before or after it took effect."""

    protocol = "mortal"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    changes: ClassVar[int] = 0
    death: ClassVar[int] = 0
    after: ClassVar[bool] = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("mortal://")))

    @classmethod
    def lives(cls, death: int = 0, *, after: bool = False) -> None:
        cls.changes, cls.death, cls.after = 0, death, after

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **more: Any) -> None:
        self._change(lambda: super(Mortal, self).pipe_file(path, value, mode, **more))

    def rm_file(self, path: str) -> None:
        self._change(lambda: super(Mortal, self).rm_file(path))

    def _change(self, act: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            act()  # a lease is renewed: how often by then depends on the machine
            return
        Mortal.changes += 1
        dies = Mortal.changes == Mortal.death
        if not dies or Mortal.after:
            act()
        if dies:
            raise Killed


class Halting(Line):
    """A line whose parent wants the task to stop after so many steps."""

    steps = 0
    asked = 0

    @property
    def stopping(self) -> bool:
        self.asked += 1
        return self.asked > self.steps


def go(choice: Choice, store: str | Path, *, seconds: float = 0.0, steps: int | None = None) -> Ended:
    """Run the first condition of a choice in this process; with ``steps``, until it is asked to stop after so many."""
    ours, theirs = Pipe(duplex=False)
    with ours, theirs:
        line = Line(theirs) if steps is None else Halting(theirs)
        if isinstance(line, Halting):
            line.steps = steps or 0
        return execute(line, choice, one(choice), Place(str(store), "cpu", 1, seconds))


def settled(choice: Choice, store: str | Path) -> bytes:
    """The records of a finished condition, after a look at what else is left."""
    place, id = Store(store), one(choice)
    assert place.status(id) == "finished"
    assert set(place.names(f"conditions/{id}")) == (SETTLED if place.local else SETTLED - {".lock"})
    data = place.get(f"conditions/{id}/records.parquet")
    assert data is not None
    return data


def killer(what: str, choice: Choice, folder: Path, *rest: Any) -> "subprocess.Popen[str]":
    words = json.dumps([what, choice.reference, choice.assignments, str(folder), *rest])
    command = [sys.executable, "-W", "error", "-c", "from tests.laws.deaths import main; main()", words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def told(process: "subprocess.Popen[str]") -> dict[str, Any]:
    said, _ = process.communicate(timeout=250)
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(said)
    return found


def whole(choice: Choice, folder: Path) -> bytes:
    """The records of a run that nobody disturbed and that wrote no checkpoint."""
    assert go(choice, folder / "undisturbed", seconds=1e9).status == "finished"
    return settled(choice, folder / "undisturbed")


def test_killed_at_any_change_on_a_remote_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "Lease", partial(Lease, silent=0.4, renew=0.1))  # else half a minute for each that stayed
    fsspec.register_implementation("mortal", Mortal, clobber=True)
    expected = whole(WALK, tmp_path)
    Mortal.lives()
    go(WALK, "mortal://counted")
    assert settled(WALK, "mortal://counted") == expected
    changes = Mortal.changes
    assert changes >= 20
    for death in range(1, changes + 1):
        for after in (False, True):
            place = f"mortal://{death}-{after}"
            for again in (death, chance.python("again", death, after).randint(1, changes)):
                Mortal.lives(again, after=after)
                try:
                    go(WALK, place)
                except Killed:
                    continue
            Mortal.lives()
            go(WALK, place)
            assert settled(WALK, place) == expected, place


@pytest.mark.slow
def test_a_process_killed_at_any_change_on_a_disk(tmp_path: Path) -> None:
    expected = whole(SHORT, tmp_path)
    (changes,) = map(int, told(killer("every_death", SHORT, tmp_path, "die_at", [10**6])).values())
    assert changes > 40
    ended = told(killer("every_death", SHORT, tmp_path, "die_at", list(range(1, changes + 1))))
    assert [why for why in ended.values() if not why.startswith("killed by SIGKILL")] == []
    for number in range(1, changes + 1):
        assert go(SHORT, tmp_path / str(number)).status == "finished"
        assert settled(SHORT, tmp_path / str(number)) == expected, number


@pytest.mark.parametrize(("way", "words"), [("die_beyond", "killed by SIGXFSZ"), ("no_room_beyond", "StoreError: no room left")])
def test_a_process_that_runs_out_of_room_in_the_middle_of_a_write(way: str, words: str, tmp_path: Path) -> None:
    expected = whole(SHORT, tmp_path)
    sizes = [1, 100, 300, 700, 1500, len(expected) - 200, len(expected) - 1]
    ended = told(killer("every_death", SHORT, tmp_path, way, sizes))
    assert [why for why in ended.values() if not why.startswith(words)] == []
    assert any(tmp_path.rglob(".*.draft")) == (way == "die_beyond")
    for size in sizes:
        assert go(SHORT, tmp_path / str(size)).status == "finished"
        assert settled(SHORT, tmp_path / str(size)) == expected, size


ENDS = {
    "flow": ("update=gd", "step_size=2/3", "steps=6", "sharpness_every=2", "beside=flow", "beside_steps=5"),
    "quadratic": (
        *("update=gd", "step_size=2/0.5", "steps=6", "sharpness_every=2"),
        *("beside=quadratic", "settle=0", "beside_steps=3"),
    ),
    "polyak": ("update=polyak", "momentum=0.5", "step_size=2/3", "steps=6", "sharpness_every=3"),
    "nesterov": ("update=nesterov", "momentum=0.5", "step_size=2/3", "steps=6", "sharpness_every=3"),
    "adam": ("update=adam", "momentum=0.9", "step_size=1e-3", "steps=6", "sharpness_every=3"),
    "over-sharpness": ("update=gd", "schedule=over-sharpness", "step_size=1", "steps=6", "sharpness_every=3"),
    "mini-batches": (
        "update=polyak",
        "momentum=0.5",
        "step_size=2/3",
        "batch_size=8",
        "batch_draws=2",
        "steps=6",
        "sharpness_every=3",
    ),
    "loss goal": ("update=gd", "step_size=2/8", "steps=50", "sharpness_every=3", "goal_loss=0.27205"),
    "diverged": ("update=gd", "step_size=1e30", "steps=50", "sharpness_every=2"),
}


@pytest.mark.parametrize("variant", ENDS)
def test_a_real_study_stopped_after_any_step(variant: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    choice = Choice("edge_of_stability", "mini", (*SMALL, *ENDS[variant]))
    expected = whole(choice, tmp_path)
    run = Store(tmp_path / "undisturbed").run(one(choice))
    assert run is not None
    assert run.ending == (variant if variant in ("loss goal", "diverged") else "steps")
    if variant in ("flow", "quadratic"):
        column = {"flow": "flow_sharpness", "quadratic": "quadratic_loss"}[variant]
        assert 1 < len(run.measured(column)[0]) < len(run["step"])
    for step in range(len(run["step"])):
        assert go(choice, tmp_path / str(step), steps=step, seconds=1e9).status == "stopped"
        assert Store(tmp_path / str(step)).get(f"conditions/{one(choice)}/checkpoint.safetensors")
        assert go(choice, tmp_path / str(step)).status == "finished"
        assert settled(choice, tmp_path / str(step)) == expected, step
    for _ in run["step"]:
        assert go(choice, tmp_path / "steps", steps=0).status == "stopped"
    assert go(choice, tmp_path / "steps", steps=0).status == "finished"
    assert settled(choice, tmp_path / "steps") == expected


KILLED = {
    "flow": ("update=gd", "step_size=2/8", "beside=flow", "beside_steps=200"),
    "polyak": ("update=polyak", "step_size=2/8", "momentum=0.5"),
    "quadratic": ("update=gd", "step_size=2/3", "beside=quadratic", "settle=5", "beside_steps=200"),
}


@pytest.mark.long
def test_fifty_random_kills_of_a_real_study(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    choices = {
        name: Choice("edge_of_stability", "mini", (*SMALL, *more, "steps=300", "sharpness_every=5"))
        for name, more in KILLED.items()
    }

    def kill(name: str) -> dict[str, int]:
        return told(killer("random_kills", choices[name], tmp_path / name, 17, name))

    with ThreadPoolExecutor(2) as two:
        counted = list(two.map(kill, choices))
    print(counted)
    assert sum(each["kills"] for each in counted) >= 50
    for name, choice in choices.items():
        expected = settled(choice, tmp_path / name / "uninterrupted")
        runs = [place for place in (tmp_path / name).iterdir() if place.name.startswith("run ")]
        assert runs
        for place in runs:
            assert settled(choice, place) == expected, place
