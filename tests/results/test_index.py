"""The index: the same answers as from the conditions' own files, and never an old one."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlab.results import index, records
from genlab.results.store import Store


@dataclass(frozen=True)
class Reading:
    step: int
    loss: float | None
    good: bool | None = None


@dataclass(frozen=True)
class Grade:
    step: float  # the same name as a Reading's, of another type
    text: str


ALL = "select condition, step, loss, text, study, status from records join conditions using (condition) order by all"
CONDITIONS = "select * from conditions order by all"


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made = Store(tmp_path / "store" if request.param == "folder" else f"memory://{uuid.uuid4().hex}/store")
    made.prepare()
    for number in range(5):
        keep(made, f"a{number}", "toy", [Reading(step, step + number, None if step else True) for step in range(number)])
    keep(made, "b0", "graded", [Grade(0.5, "é")])
    keep(made, "c0", "toy", [Reading(0, 1.0)], status="failed")
    made.put("conditions/c0/traceback.txt", b"out of luck")
    made.put_json("conditions/d0/condition.json", {"study": "toy", "settings": {}})
    return made


def keep(store: Store, id: str, study: str, rows: list[Any], *, status: str = "finished") -> None:
    """A condition as the keeper leaves it."""
    store.put_json(f"conditions/{id}/condition.json", {"study": study, "settings": {"seed": 0}})
    kind = type(rows[0]) if rows else Reading
    store.put(f"conditions/{id}/records.parquet", records.to_bytes(records.table_of(rows, records.schema_of(kind))))
    store.put_json(f"conditions/{id}/outcome.json", {"status": status, "ending": "steps"})


def answers(look: index.Look) -> tuple[Any, ...]:
    runs = [
        (run.id, run.ending, {name: (each.dtype, each.tolist()) for name, each in run.columns.items()})
        for run in look.runs(look.entries)
    ]
    entries = [(each.id, each.study, each.status, each.settings, dict(each.texts)) for each in look.entries.values()]
    return repr(runs), entries, index.query(look, ALL).to_pylist(), index.query(look, CONDITIONS).to_pylist()


def truth(store: Store) -> tuple[Any, ...]:
    for segment in store.names("index"):
        for file in store.names(f"index/{segment}"):
            store.remove(f"index/{segment}/{file}")
    return answers(index.look(store, worth=10**9))


def test_the_index_answers_as_the_conditions_do(store: Store) -> None:
    expected = truth(store)
    assert store.names("index") == [] or store.local
    assert answers(index.look(store, worth=1)) == expected  # makes it
    look = index.look(store, worth=10**9)
    assert answers(look) == expected
    places = [type(each.records) for each in look.entries.values() if each.status == "finished"]
    assert places == [tuple] * 6


def test_each_run_is_that_of_its_own_file(store: Store) -> None:
    index.look(store, worth=1)
    for run in index.look(store).runs(["a3", "b0", "c0"]):
        alone = store.run(run.id)
        assert alone is not None
        assert list(run.columns) == list(alone.columns)
        for name in alone.columns:
            assert run[name].dtype == alone[name].dtype
            np.testing.assert_array_equal(run[name], alone[name])


def change(store: Store, how: str) -> None:
    if how == "run again":
        keep(store, "a1", "toy", [Reading(7, 7.0)])
    if how == "deleted":
        store.files.rm(f"{store.root}/conditions/a2", recursive=True)
    if how == "added":
        keep(store, "a9", "toy", [Reading(9, 9.0)])
    if how == "being run again":
        store.remove("conditions/c0/outcome.json")
    if how == "described anew":
        condition = store.get_json("conditions/a1/condition.json")
        store.put_json("conditions/a1/condition.json", {**condition, "reference": "elsewhere"})


@pytest.mark.parametrize("how", ["run again", "deleted", "added", "being run again", "described anew"])
def test_what_changed_is_read_anew(store: Store, how: str) -> None:
    before = answers(index.look(store, worth=1))
    change(store, how)
    after = answers(index.look(store))
    assert after != before
    assert after == truth(store)


@pytest.mark.parametrize("broken", ["gone", "half"])
def test_a_segment_that_is_not_whole_does_not_count(store: Store, broken: str) -> None:
    index.look(store, worth=1)
    (segment,) = store.names("index")
    name = f"index/{segment}/conditions.parquet"
    data = store.get(name)
    assert data is not None
    store.remove(name)
    if broken == "half":
        store.put(name, data[: len(data) // 2])
    assert {type(each.records) for each in index.look(store).entries.values()} != {tuple}
    assert answers(index.look(store)) == truth(store)


def test_many_segments_become_one_and_old_ones_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(index.SEGMENTS + 2):
        keep(store, f"e{number}", "toy", [Reading(number, 1.0)])
        index.look(store, worth=1)
    look = index.look(store)
    assert len({each.records[0].split("/")[1] for each in look.entries.values() if isinstance(each.records, tuple)}) <= 2
    assert len(store.names("index")) == index.SEGMENTS + 2, "somebody may be reading them"
    monkeypatch.setattr(index, "KEPT_SECONDS", 0.0)
    keep(store, "f", "toy", [Reading(1, 1.0)])
    index.look(store, worth=1)
    left = [name for name in store.names("index") if store.get(f"index/{name}/conditions.parquet")]
    assert len(left) <= 3
    assert answers(index.look(store)) == truth(store)


def test_few_conditions_make_no_index(store: Store) -> None:
    assert store.query("select count(*) as n from records").to_pylist() == [{"n": 11}]
    assert store.names("index") == []


def test_a_store_of_before_parts_had_names_goes_on(tmp_path: Path) -> None:
    from genlab.results.keeper import Keeper
    from genlab.results.snapshots import Snapshot, to_bytes

    store = Store(tmp_path)
    part = records.to_bytes(records.table_of([Reading(0, 1.0)], records.schema_of(Reading)))
    store.put("conditions/a/part-000000.parquet", part)
    keeping = {"parts": 1, "rows": 1, "seconds": 2.0}
    store.put("conditions/a/checkpoint.safetensors", to_bytes(Snapshot({}, {"keeper": keeping, "study": {"step": 1}})))
    keeper = Keeper(store, "a", Reading, {"study": "toy", "settings": {}})
    assert keeper.begin({}) == Snapshot({}, {"step": 1})
    keeper.add([Reading(1, 2.0)])
    keeper.finish("steps")
    assert json.loads(store.get("conditions/a/outcome.json") or b"")["records"] == 2
