"""The keeper of one condition's record stream: killed at any instant, it resumes to the same records.

Rows are kept in memory and written in parts, each part before the checkpoint that counts it. A part that no checkpoint
counts does not exist. At the end all rows become one Parquet file, then the outcome is written, then the parts go.
"""

import contextlib
import sys
import time
import traceback
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from genlab.results import records, snapshots
from genlab.results.lease import Lease
from genlab.results.snapshots import Snapshot
from genlab.results.store import Store, StoreError
from genlab.results.trouble import explain

LOCK_SECONDS = 10.0  # a killed run's processes are gone well before


class Keeper:
    """Keeps the records of the condition ``id`` in ``store``.

    Args:
        store: where.
        id: the condition's id.
        record: the study's record class.
        description: what ``condition.json`` holds besides the id.
    """

    def __init__(self, store: Store, id: str, record: type, description: Mapping[str, Any]) -> None:
        self.store = store
        self.id = id
        self.schema = records.schema_of(record)
        self.description = dict(description)
        self.parts: list[str] = []
        self.rows: list[Any] = []
        self.kept = 0
        self.spent = 0.0
        self._started = time.process_time()
        self._session = uuid.uuid4().hex[:8]
        self._lease: Lease | None = None

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the condition against other processes: by a file lock in a folder, by a lease (genlab.results.lease) elsewhere.

        A lock of a killed process is free at once, its lease after some silence. Should two processes run a condition all the
        same, because the filesystem cannot make a file exclusively or one was cut off for too long, its files stay whole and
        consistent: parts bear their session's name, and a checkpoint lists its own.

        Raises:
            StoreError: another process is running it.
        """
        if self.store.local is None:
            self._lease = Lease(self.store, self._name("").rstrip("/"))
            self._lease.acquire()
            try:
                yield
            finally:
                self._lease.release()
            return
        from filelock import FileLock, Timeout

        folder = self.store.local / "conditions" / self.id
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / ".lock", timeout=LOCK_SECONDS)
            lock.acquire()
        except Timeout as error:
            raise StoreError(f"condition {self.id} is being run by another process: wait for it, or stop it") from error
        except OSError as error:
            raise StoreError(explain(error, "write to", self.store.url, self.store.local)) from error
        try:
            yield
        finally:
            lock.release()

    def begin(self, environment: Mapping[str, str]) -> Snapshot | None:
        """Note where this session runs, clear what a killed one left, and return the snapshot to go on from."""
        if self.store.local is not None:
            for draft in (self.store.local / "conditions" / self.id).glob(".*.draft"):
                draft.unlink(missing_ok=True)
        if self._get("condition.json") is None:
            self.store.put_json(self._name("condition.json"), self.description)
        known = self.store.get_json(self._name("environments.json")) or []
        if dict(environment) not in known:
            self.store.put_json(self._name("environments.json"), [*known, dict(environment)])
        for leftover in ("outcome.json", "traceback.txt"):
            self.store.remove(self._name(leftover))
        data = self._get("checkpoint.safetensors")
        if data is None:
            return None
        snapshot = snapshots.from_bytes(data)
        keeping = snapshot.values["keeper"]
        self.parts = keeping.get("names") or [
            f"part-{index:06d}.parquet" for index in range(keeping["parts"])
        ]  # before they had names
        self.kept, self.spent = keeping["rows"], keeping["seconds"]
        return Snapshot(snapshot.arrays, snapshot.values["study"])

    def note(self, facts: Mapping[str, str]) -> None:
        """Keep what the condition stands on, once; a resumed run that stands on something else is an error.

        Nothing says nothing: it is no change, and later facts take its place.

        Raises:
            StoreError: the facts changed since the condition began, for instance the data it reads.
        """
        known = self.store.get_json(self._name("facts.json"))
        if not known:
            self.store.put_json(self._name("facts.json"), dict(facts))
        elif facts and known != dict(facts):
            changed = ", ".join(sorted(name for name in {*known, *facts} if known.get(name) != facts.get(name)))
            raise StoreError(f"condition {self.id} began on something else ({changed} changed): use another --out for it")

    def add(self, rows: Sequence[Any]) -> None:
        """Keep rows; they are safe from the next checkpoint on."""
        self.rows.extend(rows)

    def checkpoint(self, snapshot: Snapshot) -> None:
        """Make everything added so far safe, together with the snapshot taken after it."""
        self._still_ours()
        if self.rows:
            part = records.to_bytes(records.table_of(self.rows, self.schema))
            name = f"part-{len(self.parts):06d}-{self._session}.parquet"
            self.store.put(self._name(name), part)
            self.parts, self.kept, self.rows = [*self.parts, name], self.kept + len(self.rows), []
        keeping = {"parts": len(self.parts), "names": self.parts, "rows": self.kept, "seconds": self._seconds()}
        whole = Snapshot(snapshot.arrays, {"keeper": keeping, "study": dict(snapshot.values)})
        self.store.put(self._name("checkpoint.safetensors"), snapshots.to_bytes(whole))

    def finish(self, ending: str) -> None:
        """Write all records as one file, then the outcome; only then drop parts and checkpoint."""
        self._still_ours()
        parts = [self._get(name) for name in self.parts]
        if any(part is None for part in parts):
            if self.store.status(self.id) == "finished":
                return  # by another process, which tidied
            raise StoreError(f"condition {self.id} lost a part of its records: delete {self._name('')} and run again")
        tables = [records.from_bytes(part) for part in parts if part is not None]
        tables.append(records.table_of(self.rows, self.schema))
        table = pa.concat_tables([each.cast(self.schema) for each in tables])
        self.store.put(self._name("records.parquet"), records.to_bytes(table))
        self._outcome(status="finished", ending=ending, records=len(table))
        self.store.tidy(self.id)

    def fail(self, error: BaseException) -> None:
        """Keep the traceback; the next run goes on from the last checkpoint."""
        text = "".join(traceback.format_exception(error))
        self.store.put(self._name("traceback.txt"), text.encode())
        self._outcome(status="failed", ending=f"{type(error).__name__}: {error}", records=self.kept)

    def _outcome(self, *, status: str, ending: str, records: int) -> None:
        outcome = {
            "status": status,
            "ending": ending,
            "records": records,
            "cpu_seconds": round(self._seconds(), 3),
            "peak_bytes": _peak_bytes(),
        }
        self.store.put_json(self._name("outcome.json"), outcome)

    def _still_ours(self) -> None:
        if self._lease is not None:
            self._lease.check()

    def _seconds(self) -> float:
        return self.spent + time.process_time() - self._started

    def _name(self, name: str) -> str:
        return f"conditions/{self.id}/{name}"

    def _get(self, name: str) -> bytes | None:
        return self.store.get(self._name(name))


def _peak_bytes() -> int | None:
    """Largest memory this process has held, None where the system does not say."""
    try:
        import resource
    except ModuleNotFoundError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
