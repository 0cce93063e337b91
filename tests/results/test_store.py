"""The store: files whole or not at all, open formats, and errors that say what to do."""

import contextlib
import json
import math
import os
import resource
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlab.results import records
from genlab.results.store import DRAFT_SECONDS, FORMAT, Store, StoreError


@dataclass(frozen=True)
class Reading:
    step: int
    loss: float
    sharpness: float | None = None


@dataclass(frozen=True)
class Grade:
    step: float  # the same name as a Reading's, of another type
    loss: float | None
    text: str


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made = Store(tmp_path / "store" if request.param == "folder" else f"memory://{uuid.uuid4().hex}/store")
    made.prepare()
    return made


def keep(store: Store, id: str, study: str, rows: list[Any], *, status: str = "finished", **settings: Any) -> None:
    """A condition as the keeper leaves it."""
    store.put_json(f"conditions/{id}/condition.json", {"study": study, "settings": settings})
    table = records.table_of(rows, records.schema_of(type(rows[0])))
    store.put(f"conditions/{id}/records.parquet", records.to_bytes(table))
    store.put_json(f"conditions/{id}/outcome.json", {"status": status, "ending": "steps"})


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow beyond ``size`` bytes: what a quota does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """Without root's rights, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_was_put_is_got(store: Store) -> None:
    store.put("a/b.txt", b"one")
    store.put("a/b.txt", b"two")
    assert store.get("a/b.txt") == b"two"
    assert store.get("a/none.txt") is None
    assert store.get("a/b.txt/below a file") is None


def test_json_comes_back(store: Store) -> None:
    value = {"a": [1, 2.5, None, "é"], "b": {"c": True}}
    store.put_json("a.json", value)
    assert store.get_json("a.json") == value
    assert store.get_json("none.json") is None


def test_names_are_sorted_and_absent_folders_are_empty(store: Store) -> None:
    for name in ("b", "a", "c/d"):
        store.put(f"folder/{name}", b"")
    assert store.names("folder") == ["a", "b", "c"]
    assert store.names("nowhere") == []


def test_removing_twice_is_no_error(store: Store) -> None:
    store.put("a", b"")
    store.remove("a")
    store.remove("a")
    assert store.get("a") is None


def test_preparing_again_changes_nothing(store: Store) -> None:
    store.put("conditions/a/x", b"1")
    before = store.get("store.json")
    store.prepare()
    assert (store.get("store.json"), store.get("conditions/a/x")) == (before, b"1")
    assert store.get_json("store.json") == {"genlab store": FORMAT}


@pytest.mark.parametrize("place", ["{}/store", "file://{}/store", "{}/store/"])
def test_a_folder_can_be_written_in_several_ways(place: str, tmp_path: Path) -> None:
    store = Store(place.format(tmp_path))
    store.prepare()
    assert store.local == tmp_path / "store"
    assert files_in(tmp_path) == ["store/store.json"]


def test_a_write_that_fails_midway_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    store.put("conditions/a/x", b"old")
    with (
        largest_file(1000),
        pytest.raises(StoreError, match=r"no room left to write to .* \(File too large\): what was finished"),
    ):
        store.put("conditions/a/x", bytes(5000))
    assert files_in(tmp_path) == ["conditions/a/x", "store.json"]
    assert store.get("conditions/a/x") == b"old"
    store.put("conditions/a/x", bytes(5000))
    assert store.get("conditions/a/x") == bytes(5000)


def test_a_folder_where_a_file_should_be_leaves_no_draft(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "a").mkdir()
    acts: list[Callable[[], object]] = [lambda: store.put("a", b"1"), lambda: store.get("a"), lambda: store.remove("a")]
    for act in acts:
        with pytest.raises(StoreError, match=str(tmp_path)):
            act()
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.parametrize("place", ["/sys/genlab", "/proc/genlab", "/proc/1/genlab", "/dev/null/genlab"])
def test_a_place_that_refuses_even_root_is_told(place: str) -> None:
    if not os.path.ismount(f"/{place.split('/')[1]}"):
        pytest.skip(f"no {place} here")
    with pytest.raises(StoreError, match=rf"cannot write to {place} \(.*\): choose another place with --out"):
        Store(place).prepare()


def test_a_place_without_permission_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "closed" / "store")
    store.prepare()
    (tmp_path / "closed" / "store").chmod(0)
    (tmp_path / "open").mkdir(mode=0o500)
    try:
        with nobody():
            for act in (store.prepare, store.ids, lambda: store.put("a", b""), lambda: store.get("store.json")):
                with pytest.raises(StoreError, match=r"cannot (write to|read) .* \(Permission denied\): choose another place"):
                    act()
            with pytest.raises(StoreError, match=r"Permission denied"):
                Store(tmp_path / "open" / "store").prepare()
    finally:
        (tmp_path / "closed" / "store").chmod(0o700)


@pytest.mark.parametrize("below", ["", "/store", "/some/store"])
def test_a_file_where_a_folder_should_be(below: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    store = Store(f"{tmp_path}/file{below}")
    with pytest.raises(StoreError, match=r"is a file: --out wants a folder|Not a directory\): choose another place with --out"):
        store.prepare()
    assert (store.ids(), store.runs("toy"), store.status("a")) == ([], [], "incomplete")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StoreError, match="is a folder with other things in it: --out wants a new folder or a genlab store"):
        Store(tmp_path).prepare()
    assert files_in(tmp_path) == ["thesis.tex"]


def test_a_first_write_that_was_killed_is_no_other_thing(tmp_path: Path) -> None:
    (tmp_path / f".store.json.{uuid.uuid4().hex}.draft").write_bytes(b"{")
    Store(tmp_path).prepare()
    assert Store(tmp_path).get_json("store.json") == {"genlab store": FORMAT}


def test_drafts_of_killed_runs_go_and_fresh_ones_stay(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    old, fresh = [tmp_path / ".report.html.1.draft", tmp_path / "figures" / ".a.png.1.draft"], tmp_path / ".report.html.2.draft"
    for each in (*old, fresh):
        each.parent.mkdir(exist_ok=True)
        each.touch()
    for each in old:
        os.utime(each, (0, time.time() - DRAFT_SECONDS - 60))
    store.prepare()
    assert files_in(tmp_path) == [fresh.name, "store.json"]


def test_what_a_killed_run_left_of_a_finished_condition_goes(store: Store) -> None:
    keep(store, "a", "toy", [Reading(0, 1.0)])
    keep(store, "b", "toy", [Reading(0, 1.0)], status="failed")
    for name in ("a/part-000000.parquet", "a/part-000001.parquet", "a/checkpoint.safetensors", "b/checkpoint.safetensors"):
        store.put(f"conditions/{name}", b"")
    store.prepare()
    assert store.names("conditions/a") == ["condition.json", "outcome.json", "records.parquet"]
    assert "checkpoint.safetensors" in store.names("conditions/b")


@pytest.mark.parametrize("content", [{"genlab store": FORMAT + 1}, {}, [], 3, "a"])
def test_a_store_of_another_format_is_refused(content: Any, tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text(json.dumps(content))
    with pytest.raises(StoreError, match=rf"is a store of format .*, this genlab reads format {FORMAT}: update it"):
        Store(tmp_path).prepare()


def test_corrupt_json_is_told(store: Store) -> None:
    store.put("conditions/a/outcome.json", b'{"status": "fin')
    with pytest.raises(StoreError, match=r"conditions/a/outcome.json is not JSON \(.*\): restore it or delete its condition"):
        store.status("a")


def test_the_status_of_a_condition(store: Store) -> None:
    keep(store, "a", "toy", [Reading(0, 1.0)])
    keep(store, "b", "toy", [Reading(0, 1.0)], status="failed")
    store.put_json("conditions/c/condition.json", {"study": "toy", "settings": {}})
    assert store.ids() == ["a", "b", "c"]
    assert [store.status(id) for id in "abcd"] == ["finished", "failed", "incomplete", "incomplete"]


def test_runs_are_the_finished_conditions_of_a_study(store: Store) -> None:
    keep(store, "b", "toy", [Reading(0, 1.0, 2.0), Reading(1, math.nan)], seed=1)
    keep(store, "a", "toy", [Reading(0, 1.0)], seed=0)
    keep(store, "c", "toy", [Reading(0, 1.0)], status="failed")
    keep(store, "d", "other", [Reading(0, 1.0)])
    store.put("conditions/begun/checkpoint.safetensors", b"")
    runs = store.runs("toy")
    assert [(run.id, run.settings["seed"], run.ending) for run in runs] == [("a", 0, "steps"), ("b", 1, "steps")]
    np.testing.assert_array_equal(runs[1]["loss"], [1.0, math.nan])
    np.testing.assert_array_equal(runs[1]["sharpness"], [2.0, math.nan])
    assert store.runs("nothing") == []
    assert store.run("c") is None
    assert store.run("nowhere") is None
    assert (store.study_of("d"), store.study_of("begun")) == ("other", None)


def test_a_finished_condition_without_records_is_told(store: Store) -> None:
    keep(store, "a", "toy", [Reading(0, 1.0)])
    store.remove("conditions/a/records.parquet")
    with pytest.raises(StoreError, match=r"condition a is finished but has no records.parquet: delete its folder and run again"):
        store.runs("toy")


def test_duckdb_joins_records_and_conditions(store: Store) -> None:
    for seed in range(2):
        keep(store, f"a{seed}", "toy", [Reading(step, seed + step) for step in range(3)], seed=seed, eta=0.5)
    keep(store, "b", "toy", [Reading(0, 100.0)], status="failed", seed=7)
    store.put("conditions/begun/checkpoint.safetensors", b"")
    rows = store.query("""
        select settings ->> '$.seed' as seed, count(*) as steps, sum(loss) as total
        from records join conditions using (condition) where study = 'toy' group by all order by all
    """)
    assert rows.to_pylist() == [{"seed": "0", "steps": 3, "total": 3.0}, {"seed": "1", "steps": 3, "total": 6.0}]
    states = store.query("select condition, status from conditions order by all").to_pylist()
    assert [tuple(row.values()) for row in states] == [("a0", "finished"), ("a1", "finished"), ("b", "failed")]


def test_studies_with_different_records_share_a_query(store: Store) -> None:
    keep(store, "a", "toy", [Reading(1, 2.0, 3.0)])
    keep(store, "b", "graded", [Grade(2.5, None, "fine")])
    rows = store.query("select condition, step, loss, sharpness, text from records order by condition").to_pylist()
    assert [tuple(row.values()) for row in rows] == [("a", 1.0, 2.0, 3.0, None), ("b", 2.5, None, None, "fine")]


def test_a_store_without_records_can_be_queried(store: Store) -> None:
    assert store.query("select * from records join conditions using (condition)").num_rows == 0
