"""The whole command: killed, stopped by Ctrl-C or out of room, it leaves nobody at work; typed again, it completes."""

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genlab import chance
from genlab.results import records

GENLAB = [sys.executable, "-c", "from genlab.cli import main; main()"]
WALK = ["run", f"{Path(__file__).with_name('walk.py')}:study", "--device", "cpu", "--workers", "2", "--seeds", "2"]
SLOW_WALK = [*WALK[:-1], "4", "--set", "steps=40", "--set", "pause=0.02"]
REAL = [
    *("run", "edge_of_stability", "--seeds", "3", "--device", "cpu", "--workers", "2"),
    *("--set", "data=chebyshev-4-20", "--set", "network=regression", "--set", "precision=float64", "--set", "loss=mse"),
    *("--set", "update=gd", "--set", "momentum=0", "--set", "beside=flow", "--set", "step_size=2/8", "--set", "steps=300"),
    *("--set", "sharpness_every=5", "--set", "test_every=0", "--set", "dense_every=0", "--set", "goal_loss=none"),
    *("--set", "settle=0", "--set", "beside_steps=200"),
]
PATIENCE = 120.0


def start(words: list[str], *, before: str = "") -> "subprocess.Popen[str]":
    """The command in a session of its own; ``before`` is code that its interpreter runs first."""
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # what runs us may have it ignored
    command = [sys.executable, "-c", f"{heard}\n{before}\nfrom genlab.cli import main; main()", *words]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, **pipes)


def genlab(words: list[str], *, code: int = 0, before: str = "") -> str:
    process = start(words, before=before)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, out + err
    return " ".join((out + err).split())


def until(question: Callable[[], Any]) -> bool:
    """Whether the answer became yes in good time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if question():
            return True
        time.sleep(0.005)
    return False


def members(session: int) -> set[int]:
    """Living processes of a session: the command and all that it started."""
    found = set()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, _, its_session = (place / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.add(int(place.name))
    return found


def at_work(process: "subprocess.Popen[str]") -> bool:
    """Whether a condition is being run: beside the command there are a fork server, a resource tracker and a worker."""
    assert process.poll() is None
    return len(members(process.pid)) > 3


def contents(store: Path, name: str = "records.parquet") -> dict[str, bytes]:
    return {place.parent.name: place.read_bytes() for place in store.glob(f"conditions/*/{name}")}


def refuse_torn(store: Path) -> None:
    """Every file can be read, and no draft is left."""
    for place in store.rglob("*.json"):
        json.loads(place.read_text())
    for place in store.rglob("*.parquet"):
        records.from_bytes(place.read_bytes())
    assert list(store.rglob("*.draft")) == []


@pytest.mark.parametrize(
    ("words", "kills"),
    [
        pytest.param(SLOW_WALK, 3, id="walk", marks=pytest.mark.slow),
        pytest.param(REAL, 2, id="edge_of_stability", marks=pytest.mark.long),
    ],
)
def test_killed_and_interrupted_the_same_command_completes(words: list[str], kills: int, tmp_path: Path) -> None:
    if words is REAL:
        pytest.importorskip("torch")
    whole, store = tmp_path / "whole", tmp_path / "store"
    genlab([*words, "--out", str(whole)])
    expected = contents(whole)
    assert len(expected) in (3, 4)
    words = [*words, "--out", str(store)]

    workers = 0
    for kill in range(kills):
        process = start(words)
        assert until(lambda: at_work(process))  # noqa: B023 - called here
        time.sleep(chance.python("kill the command", len(expected), kill).uniform(0.0, 0.7))
        workers += at_work(process)
        process.kill()
        process.communicate(timeout=PATIENCE)
        assert until(lambda: not members(process.pid))  # noqa: B023 - called here
        assert contents(store, "outcome.json").keys() <= contents(store).keys()
    assert workers  # some of the kills hit a condition at work, and not all of them the moment between two
    done = {place: place.stat().st_mtime_ns for place in store.glob("conditions/*/outcome.json")}

    process = start(words)
    assert until(lambda: at_work(process))
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + err
    assert not members(process.pid)
    assert "stopping: each condition writes a checkpoint" in out
    assert contents(store, "checkpoint.safetensors")
    advice = err.partition("To go on:\n")[2].strip()
    assert shlex.split(advice) == ["genlab", *words]

    genlab(shlex.split(advice)[1:])
    assert contents(store) == expected
    assert all(place.stat().st_mtime_ns == moment for place, moment in done.items())
    settled = {"condition.json", "environments.json", "facts.json", "outcome.json", "records.parquet", ".lock"}
    assert {frozenset(each.name for each in place.iterdir()) for place in store.glob("conditions/*")} == {frozenset(settled)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that nobody disturbed."""
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    genlab([*WALK, "--out", str(store)])
    return store


@pytest.fixture(scope="module")
def undisturbed(finished: Path) -> dict[str, bytes]:
    return contents(finished)


def test_nothing_is_left_to_run(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "store")
    words = [*WALK, "--out", str(tmp_path / "store")]
    before = contents(tmp_path / "store", "outcome.json")
    assert "All 2 conditions are in the store" in genlab(words)
    assert contents(tmp_path / "store", "outcome.json") == before


@pytest.mark.parametrize("limit", [1500, pytest.param(4000, marks=pytest.mark.long)])
def test_a_file_that_may_not_grow(limit: int, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    """A limit below the records, and one below the report only."""
    store = tmp_path / "store"
    words = [*WALK, "--out", str(store)]
    before = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    said = genlab(words, before=before, code=1)
    assert f"no room left to write to {store} (File too large): what was finished is safe; make room and run the same" in said
    assert "Traceback" not in said
    refuse_torn(store)
    assert len(contents(store)) == (2 if limit == 4000 else 0)
    genlab(words)
    assert contents(store) == undisturbed


FULL = """
mount -t tmpfs -o size="$1" tmpfs "$2" || exit 77
folder=$2; shift 2
"$@" --out "$folder/disk" > first.txt 2>&1; echo $? >> first.txt
cp -r "$folder/disk" full
mount -o remount,size=64m "$folder" || exit 77
"$@" --out "$folder/disk" > second.txt 2>&1; echo $? >> second.txt
cp -r "$folder/disk" store
"""


@pytest.mark.parametrize("size", [pytest.param("16k", marks=pytest.mark.slow), pytest.param("40k", marks=pytest.mark.long)])
def test_a_full_disk(size: str, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    """A real one, as small as ``size``, which only this test sees."""
    room = tmp_path / "room"
    room.mkdir()
    command = ["unshare", "-rm", "sh", "-c", FULL, "sh", size, str(room), *GENLAB, *WALK]
    try:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no disk of one's own here: {done.stderr.strip()}")
    *said, code = (tmp_path / "first.txt").read_text().split()
    assert code == "1", said
    message = f"no room left to write to {room}/disk (No space left on device, 0 MB free): what was finished is safe; make room"
    assert message in " ".join(said)
    assert "Traceback" not in said
    refuse_torn(tmp_path / "full")
    *said, code = (tmp_path / "second.txt").read_text().split()
    assert code == "0", said
    assert contents(tmp_path / "store") == undisturbed
