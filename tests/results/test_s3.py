"""The store on S3: a real server over HTTP, several writers, kills and lost connections."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.results.buckets import Wire, serving
from typer.testing import CliRunner, Result

from genlab.cli import app
from genlab.results.keeper import Keeper
from genlab.results.lease import Lease
from genlab.results.snapshots import Snapshot
from genlab.results.store import Store, StoreError
from genlab.running.pool import Line
from genlab.studies.catalogue import Choice
from genlab.studies.execute import Place, execute

pytest.importorskip("moto")
pytest.importorskip("s3fs")
ROOT = Path(__file__).parents[2]
ID = "0123456789abcdef"
FOLDER = f"conditions/{ID}"


@dataclass(frozen=True)
class Row:
    step: int


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as made:
        yield made


@pytest.fixture
def url(wire: Wire) -> str:
    return f"s3://lab/{uuid.uuid4().hex}"


def genlab(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def keeper_of(store: Store, id: str = ID) -> Keeper:
    return Keeper(store, id, Row, {"study": "toy", "settings": {"seed": 0}})


def kept(store: Store, id: str = ID, rows: int = 3) -> None:
    keeper = keeper_of(store, id)
    with keeper.alone():
        keeper.begin({"python": "3.11"})
        for step in range(rows):
            keeper.add([Row(step)])
            keeper.checkpoint(Snapshot({}, {"step": step + 1}))
        keeper.finish("steps")


def test_a_study_on_s3_gives_the_records_of_a_local_run(url: str, tmp_path: Path) -> None:
    words = ["run", f"{ROOT}/examples/toy_study.py:study", "--seeds", "2", "--set", "steps=5", "--out"]
    command = [sys.executable, "-c", "from genlab.cli import main; main()", *words, url]  # a fork server that knows the bucket
    remote = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert remote.returncode == 0, remote.stderr
    here, there = Store(tmp_path / "store"), Store(url)
    assert len(there.ids()) == 4
    line, choice = Line(multiprocessing.Pipe()[1]), Choice(words[1], "mini", ("seeds=2", "steps=5"))
    for id in there.ids():
        execute(line, choice, id, Place(here.url, "cpu", 1))
    for id in here.ids():
        assert there.get(f"conditions/{id}/records.parquet") == here.get(f"conditions/{id}/records.parquet")
        assert [name for name in there.names(f"conditions/{id}") if name.startswith((".", "part"))] == []
    asked = "select condition, step, loss, status from records join conditions using (condition) order by all"
    assert there.query(asked).equals(here.query(asked))
    shown = genlab("show", url)
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("finished") == 4
    there.remove("report.html")
    again = genlab(*words, url)
    assert "All 4 conditions are in the store; nothing to run" in again.output
    assert b"</html>" in (there.get("report.html") or b"")


def test_two_writers_on_different_conditions(url: str) -> None:
    ids = [f"{number:016x}" for number in range(6)]

    def write(some: list[str]) -> None:
        for id in some:
            kept(Store(url), id)

    halves = [threading.Thread(target=write, args=(some,)) for some in (ids[::2], ids[1::2])]
    for each in halves:
        each.start()
    for each in halves:
        each.join()
    store = Store(url)
    assert [(run.id, list(run["step"])) for run in store.runs("toy")] == [(id, [0, 1, 2]) for id in ids]


def test_a_held_condition_is_refused_and_goes_on_when_it_is_given_back(url: str) -> None:
    first, second = (Lease(Store(url), FOLDER, renew=0.2) for _ in range(2))
    first.acquire()
    with pytest.raises(StoreError, match=rf"condition {ID} is being run by another process \(.* {os.getpid()}\): wait for it"):
        second.acquire()
    first.release()
    second.acquire()
    second.check()
    second.release()
    assert Store(url).names(FOLDER) == []


def test_of_many_who_want_a_condition_one_gets_it(url: str) -> None:
    leases = [Lease(Store(url), FOLDER, renew=0.2) for _ in range(6)]
    got: list[Lease] = []
    refused: list[Lease] = []

    def want(lease: Lease) -> None:
        try:
            lease.acquire()
            got.append(lease)
        except StoreError:
            refused.append(lease)

    threads = [threading.Thread(target=want, args=(each,)) for each in leases]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(got), len(refused)) == (1, 5)
    got[0].release()


def test_a_silent_holder_loses_its_condition_and_is_told(url: str) -> None:
    first, second = (Lease(Store(url), FOLDER, silent=0.5, renew=0.1) for _ in range(2))
    first.acquire()
    first._done.set()  # its process is paused: it renews no more
    second.acquire()
    assert second.number == 2
    first._done.clear()
    first._renew()  # it wakes
    with pytest.raises(StoreError, match="went to another process while this one could not reach the store"):
        first.check()
    first.release()
    assert second._mine()
    second.release()


def test_two_sessions_of_one_condition_keep_files_that_fit(url: str) -> None:
    """Without any lease: each session's checkpoint counts its own parts, whatever the other writes between."""
    store = Store(url)
    one, two = keeper_of(store), keeper_of(store)
    for each in (one, two):
        each.begin({})
    for each, rows in ((one, [0]), (two, [0, 1]), (one, [1, 2]), (two, [2])):
        each.add([Row(step) for step in rows])
        each.checkpoint(Snapshot({}, {"step": rows[-1] + 1}))
    resumed = keeper_of(store)
    assert resumed.begin({}) is not None
    resumed.finish("steps")
    run = store.run(ID)
    assert run is not None
    assert list(run["step"]) == [0, 1, 2]
    two.finish("steps")  # its parts are gone with the other's: what is finished stays
    assert list(Store(url).runs("toy")[0]["step"]) == [0, 1, 2]


WRITE = """
import sys
from genlab.results.store import Store
store = Store(sys.argv[1])
store.put("conditions/a/records.parquet", b"old")
print("ready", flush=True)
sys.stdin.readline()
store.put("conditions/a/records.parquet", bytes(4_000_000))
"""


def test_a_worker_killed_in_the_middle_of_a_write_leaves_what_was_there(wire: Wire, url: str) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITE, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdin is not None
        assert writer.stdout.readline() == "ready\n"
        wire.stalled.clear()
        wire.stall_after = 1_000_000
        writer.stdin.write("\n")
        writer.stdin.flush()
        assert wire.stalled.wait(30), "the write never began"
        writer.send_signal(signal.SIGKILL)
        writer.wait(30)
    finally:
        wire.stall_after = None
        writer.kill()
        writer.communicate()
    time.sleep(0.2)  # the server notices
    store = Store(url)
    assert store.get("conditions/a/records.parquet") == b"old"
    assert store.names("conditions/a") == ["records.parquet"]


def test_an_upload_in_pieces_is_not_there_before_its_end(wire: Wire, url: str) -> None:
    store = Store(url)
    client = store.files
    place = {"Bucket": "lab", "Key": f"{url.rsplit('/', 1)[1]}/conditions/a/records.parquet"}
    upload = client.call_s3("create_multipart_upload", **place)["UploadId"]
    piece = client.call_s3("upload_part", **place, UploadId=upload, PartNumber=1, Body=bytes(5 * 2**20))
    assert (store.get("conditions/a/records.parquet"), store.listing()) == (None, {})
    pieces = {"Parts": [{"PartNumber": 1, "ETag": piece["ETag"]}]}
    client.call_s3("complete_multipart_upload", **place, UploadId=upload, MultipartUpload=pieces)
    assert store.get("conditions/a/records.parquet") == bytes(5 * 2**20)


def test_a_server_that_asks_for_patience_gets_it(wire: Wire, url: str) -> None:
    store = Store(url)
    store.put("a", b"1")
    wire.refusals = 3
    store.put("a", b"2")
    assert wire.refusals == 0
    wire.delay = 0.3
    try:
        assert store.get("a") == b"2"
    finally:
        wire.delay = 0.0


def test_a_lost_connection_is_waited_for(wire: Wire, url: str) -> None:
    store = Store(url)
    store.put("a", b"1")
    wire.cut()
    back = threading.Timer(1.0, wire.connect)
    back.start()
    store.put("a", b"2")
    back.join()
    assert store.get("a") == b"2"


def test_a_connection_that_stays_lost_is_told_and_the_condition_goes_on(wire: Wire, url: str) -> None:
    store = Store(url, patience=0.2)
    keeper = keeper_of(store)
    keeper.begin({})
    keeper.add([Row(0)])
    keeper.checkpoint(Snapshot({}, {"step": 1}))
    keeper.add([Row(1)])
    wire.cut()
    try:
        with pytest.raises(
            StoreError, match=rf"cannot write to {url} at AWS_ENDPOINT_URL=http.* \(.*\): .* run the same command"
        ):
            keeper.checkpoint(Snapshot({}, {"step": 2}))
        with pytest.raises(StoreError, match=rf"cannot read {url}"):
            store.look()
    finally:
        wire.connect()
    again = keeper_of(store)
    snapshot = again.begin({})
    assert snapshot is not None
    assert snapshot.values == {"step": 1}
    again.add([Row(1)])
    again.finish("steps")
    assert list(store.runs("toy")[0]["step"]) == [0, 1]


def test_a_bucket_that_is_not_there_is_told_at_once(wire: Wire) -> None:
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"cannot write to s3://nowhere/store \(.*bucket.*\): choose another place with --out"):
        Store("s3://nowhere/store").prepare()
    assert time.monotonic() - began < 20
