"""A store as it changes: who is in it, what each condition came to, read again only where a file is another one."""

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genlab.results.index import Entry, Look
from genlab.results.store import Store, StoreError
from genlab.studies.known import KnownStudy, known_study
from genlab.view.partial import kept_so_far, progress
from genlab.view.series import Columns, axes, final
from genlab.visible import visible

PATIENCE = 0.7  # seconds between two looks at a folder at least: our assumption, less than a reader notices
SHARE = 4.0  # a look that took a second is not repeated before so many have passed
CACHED = 512  # conditions whose records stay in memory: our assumption, more than a plot can show


@dataclass(frozen=True)
class Row:
    """One condition.

    Attributes:
        label: in a few words; what would hide or reorder characters is named.
        records: how many; of a condition that has not ended, those that its last checkpoint counts.
        seconds: of a processor, None where unknown.
        stamp: another one whenever the condition changed.
        axes, final: of its records so far: ``genlab.view.series``.
    """

    id: str
    study: str
    label: str
    settings: Mapping[str, Any]
    status: str
    ending: str
    records: int
    seconds: float | None
    stamp: str
    axes: tuple[str, ...] = ()
    final: Mapping[str, float] = field(default_factory=dict)
    trouble: str = ""


@dataclass(frozen=True)
class Moment:
    """What the store held at one look.

    Attributes:
        version: another one whenever anything changed.
        studies: by name, in order of appearance, with where each is found.
        rows: of each study, by label.
        versions: of each study.
    """

    version: str
    studies: Mapping[str, KnownStudy]
    rows: Mapping[str, tuple[Row, ...]]
    versions: Mapping[str, str]
    look: Look


class Watch:
    """Looks at a store as often as it is asked to, and no more often than is good for it. Threads may share one."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = threading.RLock()
        self._moment: Moment | None = None
        self._key: object = None
        self._rows: dict[str, Row] = {}
        self._studies: dict[str, KnownStudy] = {}
        self._columns: dict[str, tuple[str, Columns]] = {}
        self._next = 0.0

    def moment(self) -> Moment:
        """The store now, or a moment ago.

        Raises:
            StoreError: it cannot be read.
        """
        with self._lock:
            if self._moment is not None and time.monotonic() < self._next:
                return self._moment
            began = time.monotonic()
            stamps = self.store.stamps()
            running = {id: progress(self.store, id) for id, stamp in stamps.items() if not stamp}
            key = (stamps, running)
            if self._moment is None or key != self._key:
                self._moment, self._key = self._looked(running), key
            ended = time.monotonic()
            self._next = ended + max(PATIENCE, SHARE * (ended - began))
            return self._moment

    def columns(self, row: Row) -> Columns:
        """The records of a condition, finished or not; empty where it has none yet."""
        with self._lock:
            if row.id in self._columns and self._columns[row.id][0] == row.stamp:
                return self._columns[row.id][1]
            if row.status == "finished":
                run = self.store.run(row.id)
                found: Columns = run.columns if run else {}
            else:
                found = kept_so_far(self.store, row.id)
            while len(self._columns) >= CACHED:
                del self._columns[next(iter(self._columns))]
            self._columns[row.id] = row.stamp, found
            return found

    def _looked(self, running: Mapping[str, str]) -> Moment:
        look = self.store.look()
        stamps = {entry.id: entry.stamp or f"so far {running.get(entry.id, '')}" for entry in look.entries.values()}
        changed = [e for e in look.entries.values() if e.id not in self._rows or self._rows[e.id].stamp != stamps[e.id]]
        finished = [each for each in changed if each.status == "finished" and each.records is not None]
        records = {run.id: run.columns for run in look.runs(each.id for each in finished)}
        for entry in changed:
            self._rows[entry.id] = self._row(entry, stamps[entry.id], records.get(entry.id))
        rows: dict[str, list[Row]] = {}
        for id in look.entries:
            rows.setdefault(self._rows[id].study, []).append(self._rows[id])
        ordered = {name: tuple(sorted(each, key=lambda row: row.label)) for name, each in rows.items()}
        versions = {name: _digest([(row.id, row.stamp) for row in each]) for name, each in ordered.items()}
        studies = {name: self._studies[name] for name in ordered}
        return Moment(_digest(versions), studies, ordered, versions, look)

    def _row(self, entry: Entry, stamp: str, columns: Columns | None) -> Row:
        condition, outcome = entry.json("condition.json"), entry.json("outcome.json") or {}
        known = self._studies.get(entry.study)
        reference = str(condition.get("reference", entry.study))
        if known is None or known.reference != reference:
            known = self._studies[entry.study] = known_study(entry.study, reference)
        trouble = ""
        if columns is None and entry.status != "finished":
            try:
                columns = kept_so_far(self.store, entry.id)
            except (StoreError, ValueError, OSError) as error:
                trouble = str(error)
        columns = columns or {}
        length = len(next(iter(columns.values()), ()))
        return Row(
            id=entry.id,
            study=entry.study,
            label=visible(known.label(condition["settings"])),
            settings=condition["settings"],
            status=entry.status,
            ending=visible(str(outcome.get("ending", ""))),
            records=outcome.get("records") or length,
            seconds=outcome.get("cpu_seconds"),
            stamp=stamp,
            axes=tuple(axes(columns)) if columns else (),
            final=final(columns) if columns else {},
            trouble=trouble,
        )


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value).encode(), digest_size=12).hexdigest()
