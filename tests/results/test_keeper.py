"""The keeper: whatever a session's end, the next one goes on, and the records are those of one that never ended."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab.results import records
from genlab.results.keeper import LOCK_SECONDS, Keeper
from genlab.results.snapshots import Snapshot
from genlab.results.store import Store, StoreError

ID = "0123456789abcdef"
FOLDER = f"conditions/{ID}"
SETTLED = [".lock", "condition.json", "environments.json", "facts.json", "outcome.json", "records.parquet"]
HERE = {"python": "3.11", "device": "cpu"}
STEPS = 5


@dataclass(frozen=True)
class Row:
    step: int
    value: float
    gap: float | None


class Killed(BaseException):
    """Stands for the end of a process."""


class Mortal(Store):
    """A store whose process ends at its n-th change: before it takes effect, after it, or midway, leaving half a draft."""

    def __init__(self, url: Path, death: int = 0, moment: str = "") -> None:
        super().__init__(url)
        self.changes = 0
        self.death = death
        self.moment = moment

    def put(self, name: str, data: bytes) -> None:
        draft = Path(self.root) / name
        draft = draft.with_name(f".{draft.name}.{self.changes}.draft")
        self._change(lambda: super(Mortal, self).put(name, data), lambda: draft.write_bytes(data[: len(data) // 2]))

    def remove(self, name: str) -> None:
        self._change(lambda: super(Mortal, self).remove(name), lambda: None)

    def _change(self, act: Callable[[], None], midway: Callable[[], Any]) -> None:
        self.changes += 1
        if self.changes != self.death:
            act()
            return
        {"before": lambda: None, "midway": midway, "after": act}[self.moment]()
        raise Killed


def keeper_of(store: Store) -> Keeper:
    return Keeper(store, ID, Row, {"study": "toy", "settings": {"seed": 0}})


def session(store: Store, *, every: int = 1, until: int = STEPS) -> int:
    """What execute does, over a stream whose every row depends on all before it; ``until`` below STEPS stops in between.

    Returns the steps it took.
    """
    keeper = keeper_of(store)
    with keeper.alone():
        if store.status(ID) == "finished":
            store.tidy(ID)
            return 0
        snapshot = keeper.begin(HERE)
        keeper.note({"data": "digits", "checksum": "1"})
        begun = step = snapshot.values["step"] if snapshot else 0
        state = snapshot.arrays["state"] if snapshot else np.array([0.5])
        while step < until:
            keeper.add([Row(step, float(state[0]), None if step % 2 else float("nan"))])
            state = 3.9 * state * (1 - state)  # chaos: a step done twice or left out would show
            step += 1
            if step % every == 0:
                keeper.checkpoint(Snapshot({"state": state}, {"step": step}))
        if until == STEPS:
            keeper.finish("steps")
        return int(step - begun)


def finished(store: Store) -> bytes:
    assert store.status(ID) == "finished"
    assert store.names(FOLDER) == [name for name in SETTLED if name != ".lock" or store.local]
    data = store.get(f"{FOLDER}/records.parquet")
    assert data is not None
    return data


@pytest.fixture
def uninterrupted(tmp_path: Path) -> bytes:
    store = Store(tmp_path / "uninterrupted")
    session(store, every=99)
    return finished(store)


def deaths(tmp_path: Path) -> Iterator[tuple[int, str]]:
    whole = Mortal(tmp_path / "counted")
    session(whole)
    assert whole.changes > 20
    return ((death, moment) for death in range(1, whole.changes + 1) for moment in ("before", "midway", "after"))


def test_killed_at_any_change_and_resumed_the_bytes_are_equal(tmp_path: Path, uninterrupted: bytes) -> None:
    for death, moment in deaths(tmp_path):
        place = tmp_path / f"{death} {moment}"
        with pytest.raises(Killed):
            session(Mortal(place, death, moment))
        written = Store(place).get(f"{FOLDER}/records.parquet")
        steps = session(Store(place))
        assert finished(Store(place)) == uninterrupted, (death, moment)
        assert written is None or steps == 0, "what was done is done again"


def test_killed_again_and_again(tmp_path: Path, uninterrupted: bytes) -> None:
    """Each session lives for two changes more than the one before: it begins, gets a little further, and dies."""
    for moment in ("before", "midway", "after"):
        place, lives, kills = tmp_path / moment, 1, 0
        while Store(place).status(ID) != "finished":
            try:
                session(Mortal(place, lives, moment))
            except Killed:
                kills, lives = kills + 1, lives + 2
        session(Store(place))
        assert kills > 3
        assert finished(Store(place)) == uninterrupted


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, STEPS - 1)), max_size=4))
def test_stopped_anywhere_with_any_cadence(plans: list[tuple[int, int]]) -> None:
    whole, store = (Store(f"memory://{uuid.uuid4().hex}") for _ in range(2))
    session(whole)
    for every, until in plans:
        session(store, every=every, until=until)
    session(store, every=3)
    assert finished(store) == finished(whole)
    for each in (whole, store):
        each.files.rm(each.root, recursive=True)


def test_a_begun_condition_says_what_it_is_and_where_it_runs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for place in (HERE, HERE, {**HERE, "device": "cuda"}, HERE):
        assert keeper_of(store).begin(place) is None
    assert store.get_json(f"{FOLDER}/condition.json") == {"study": "toy", "settings": {"seed": 0}}
    assert store.get_json(f"{FOLDER}/environments.json") == [HERE, {**HERE, "device": "cuda"}]
    assert store.status(ID) == "incomplete"


def test_a_part_that_no_checkpoint_counts_does_not_exist(tmp_path: Path, uninterrupted: bytes) -> None:
    store = Store(tmp_path)
    session(store, every=2, until=3)  # rows 0 and 1 are counted, row 2 is lost
    foreign = records.to_bytes(records.table_of([Row(-1, -1.0, None)] * 9, records.schema_of(Row)))
    store.put(f"{FOLDER}/part-000001.parquet", foreign)
    store.put(f"{FOLDER}/part-000007.parquet", foreign)
    session(store, every=99)
    assert finished(store) == uninterrupted


def test_rows_added_after_the_checkpoint_are_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    session(store, every=2, until=3)
    snapshot = keeper_of(store).begin(HERE)
    assert snapshot is not None
    assert snapshot.values == {"step": 2}


def test_a_checkpoint_without_new_rows_makes_no_part(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keeper = keeper_of(store)
    keeper.begin(HERE)
    for _ in range(3):
        keeper.checkpoint(Snapshot({}, {}))
    assert [name for name in store.names(FOLDER) if name.startswith("part-")] == []


def test_a_condition_without_rows_finishes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keeper = keeper_of(store)
    keeper.begin(HERE)
    keeper.finish("nothing to do")
    run = store.run(ID)
    assert run is not None
    assert (run.ending, len(run["step"])) == ("nothing to do", 0)


def test_the_outcome_counts_rows_and_seconds_of_all_sessions(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keeper = keeper_of(store)
    keeper.begin(HERE)
    keeper.spent = 100.0
    keeper.add([Row(0, 0.0, None)])
    keeper.checkpoint(Snapshot({}, {"step": 1}))
    keeper = keeper_of(store)
    keeper.begin(HERE)
    keeper.add([Row(1, 0.0, None)])
    keeper.finish("steps")
    outcome = store.get_json(f"{FOLDER}/outcome.json")
    assert (outcome["status"], outcome["ending"], outcome["records"]) == ("finished", "steps", 2)
    assert 100 <= outcome["cpu_seconds"] < 200
    assert outcome["peak_bytes"] > 2**20


def test_a_failure_leaves_its_traceback_and_the_next_session_goes_on(tmp_path: Path, uninterrupted: bytes) -> None:
    store = Store(tmp_path)
    session(store, until=3)
    keeper = keeper_of(store)
    keeper.begin(HERE)
    keeper.add([Row(3, 0.0, None)])
    try:
        raise ValueError("out of luck")
    except ValueError as error:
        keeper.fail(error)
    assert b"out of luck" in (store.get(f"{FOLDER}/traceback.txt") or b"")
    outcome = store.get_json(f"{FOLDER}/outcome.json")
    assert (outcome["status"], outcome["ending"], outcome["records"]) == ("failed", "ValueError: out of luck", 3)
    session(store)
    assert finished(store) == uninterrupted


def test_facts_that_changed_are_an_error(tmp_path: Path) -> None:
    keeper = keeper_of(Store(tmp_path))
    keeper.note({"data": "cifar10", "checksum": "1"})
    keeper.note({"checksum": "1", "data": "cifar10"})
    with pytest.raises(StoreError, match=r"began on something else \(checksum, parameters changed\): use another --out for it"):
        keeper.note({"data": "cifar10", "checksum": "2", "parameters": "7"})


def test_facts_may_come_late_and_stay(tmp_path: Path) -> None:
    keeper = keeper_of(Store(tmp_path))
    for facts in ({}, {"epoch": "2"}, {}, {"epoch": "2"}):  # a run that does not know them at first, and the same resumed
        keeper.note(facts)
    assert keeper.store.get_json(f"{FOLDER}/facts.json") == {"epoch": "2"}


def test_a_lost_part_is_an_error(tmp_path: Path) -> None:
    store = Store(tmp_path)
    session(store, until=3)
    store.remove(f"{FOLDER}/{next(name for name in store.names(FOLDER) if name.startswith('part-000001'))}")
    with pytest.raises(StoreError, match=rf"condition {ID} lost a part of its records: delete {FOLDER}/ and run again"):
        session(store)
    assert store.get(f"{FOLDER}/records.parquet") is None


def test_a_finished_condition_is_tidied_and_not_run_again(tmp_path: Path, uninterrupted: bytes) -> None:
    store = Store(tmp_path)
    session(store)
    outcome = store.get(f"{FOLDER}/outcome.json")
    store.put(f"{FOLDER}/part-000000.parquet", b"")
    store.put(f"{FOLDER}/checkpoint.safetensors", b"")
    session(store)
    assert finished(store) == uninterrupted
    assert store.get(f"{FOLDER}/outcome.json") == outcome


HOLD = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.results.test_keeper import Store, keeper_of
with keeper_of(Store(sys.argv[1])).alone():
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow  # LOCK_SECONDS of waiting
def test_two_processes_do_not_run_one_condition_and_a_killed_one_lets_go(tmp_path: Path, uninterrupted: bytes) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, os.fspath(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=rf"condition {ID} is being run by another process: wait for it, or stop it"):
            session(Store(tmp_path))
    finally:
        holder.kill()
        holder.communicate(timeout=LOCK_SECONDS)
    session(Store(tmp_path))
    assert finished(Store(tmp_path)) == uninterrupted
