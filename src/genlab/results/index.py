"""The index of a store: settled conditions in a few files, so that ten thousand of them are read in one go.

The truth is in ``conditions/``. A *segment* ``index/NAME/`` holds copies of conditions that had ended: ``conditions.parquet``
(one row each, with a stamp of the files it was made from) and ``records-SCHEMA.parquet`` (all their records, one file a
record class). A row whose stamp is not that of the files as they are now does not count. ``index/`` may be deleted at any time;
a look that finds ``WORTH`` conditions or more outside it writes a segment, if it may.
"""

import contextlib
import hashlib
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genlab.results import records
from genlab.results.runs import Run
from genlab.results.trouble import StoreError

if TYPE_CHECKING:
    from genlab.results.store import Store

WORTH = 64  # fewer are read from their folders every time: about 0.1 s in a folder (docs/log.md)
SEGMENTS = 8  # more are merged into one; our assumption
KEPT_SECONDS = 3600.0  # a superseded segment stays so long: somebody may be reading it
FILES = ("condition.json", "outcome.json", "environments.json", "facts.json", "traceback.txt")
COLUMNS = ("condition", "stamp", "study", "status", "settings", *FILES, "records")


@dataclass(frozen=True)
class Entry:
    """A condition at one look.

    Attributes:
        id: of the condition.
        stamp: of its files, empty where it has not ended.
        study: its study.
        status: ``finished``, ``failed`` or ``incomplete``.
        settings: as JSON, sorted.
        texts: its small files by name, those that are there.
        records: its records, or where they are: a file of the index, the first row and the number of rows. None: no records.
    """

    id: str
    stamp: str
    study: str
    status: str
    settings: str
    texts: Mapping[str, str]
    records: "pa.Table | tuple[str, int, int] | None" = field(repr=False)

    def json(self, name: str) -> Any:
        """What a JSON file of the condition holds, None where it is not there."""
        return json.loads(self.texts[name]) if name in self.texts else None


@dataclass(frozen=True)
class Look:
    """What a store held at one look: its conditions by id."""

    store: "Store"
    entries: Mapping[str, Entry]

    def runs(self, ids: Iterable[str]) -> list[Run]:
        """The finished ones among these conditions.

        Raises:
            StoreError: a condition is finished and has no records.
        """
        files: dict[str, tuple[pa.Table, dict[str, NDArray[Any]]]] = {}
        found = []
        for entry in (self.entries[id] for id in ids):
            if entry.status != "finished":
                continue
            if entry.records is None:
                raise StoreError(
                    f"{self.store.url}: condition {entry.id} is finished but has no records.parquet: "
                    "delete its folder and run again"
                )
            if isinstance(entry.records, tuple):
                name, first, rows = entry.records
                if name not in files:
                    table = _table(self.store, name).drop_columns(["condition"])
                    whole = [column for column in table.column_names if _sliceable(table[column])]
                    files[name] = table, records.columns_of(table.select(whole))
                table, columns = files[name]
                own = records.columns_of(
                    table.slice(first, rows).select([each for each in table.column_names if each not in columns])
                )
                cut = {each: columns[each][first : first + rows] for each in columns} | own
                cut = {each: cut[each] for each in table.column_names}
            else:
                cut = records.columns_of(entry.records)
            found.append(Run(entry.id, json.loads(entry.settings), entry.json("outcome.json")["ending"], cut))
        return found


def look(store: "Store", *, worth: int = WORTH) -> Look:
    """What the store holds now, from the index where it is true, else from the conditions' own files.

    Raises:
        StoreError: the store cannot be read, or a file in it is broken.
    """
    stamps = store.stamps()
    entries: dict[str, Entry] = {}
    live = 0
    segments = _segments(store)
    for name in segments:
        before = len(entries)
        for entry in _stored(store, name):
            if entry.id not in entries and stamps.get(entry.id) == entry.stamp:
                entries[entry.id] = entry
        live += len(entries) > before
    fresh = _read(store, {id: stamp for id, stamp in stamps.items() if id not in entries})
    settled = [entry for entry in fresh if entry.stamp]
    entries |= {entry.id: entry for entry in fresh}
    if len(settled) >= worth:
        merged = settled if live < SEGMENTS else [entry for entry in entries.values() if entry.stamp]
        with contextlib.suppress(StoreError):  # one may read a store that one may not write
            entries |= {entry.id: entry for entry in _write(store, merged)}
            _drop(
                store,
                segments,
                {entry.records[0].split("/")[1] for entry in entries.values() if isinstance(entry.records, tuple)},
            )
    return Look(store, {id: entries[id] for id in sorted(entries)})


def query(look: Look, sql: str) -> pa.Table:
    """DuckDB over ``records`` and ``conditions``."""
    import duckdb

    entries = list(look.entries.values())
    names = ("condition", "study", "status", "settings")
    rows = {"condition": [each.id for each in entries]} | {name: [getattr(each, name) for each in entries] for name in names[1:]}
    schema = pa.schema([(name, pa.string()) for name in names])
    files: dict[str, list[tuple[str, int]]] = defaultdict(list)
    tables = [pa.table({"condition": pa.array([], pa.string())})]
    for each in entries:
        if each.status == "finished" and isinstance(each.records, tuple):
            files[each.records[0]].append((each.id, each.records[2]))
        elif each.status == "finished" and each.records is not None:
            tables.append(_labelled([each.id], [each.records]))
    with duckdb.connect() as connection:
        connection.register("conditions", pa.table(rows, schema=schema))
        connection.register("fresh", pa.concat_tables(tables, promote_options="permissive"))
        sources = ["select * from fresh"]
        for number, (name, valid) in enumerate(files.items()):
            if look.store.local:
                connection.read_parquet(str(look.store.local / name)).create_view(f"part{number}")
            else:
                connection.register(f"part{number}", _table(look.store, name))
            total = connection.sql(f"select count(*) from part{number}").fetchall()[0][0]
            where = ""
            if total != sum(rows for _, rows in valid):
                connection.register(f"valid{number}", pa.table({"condition": [id for id, _ in valid]}))
                where = f" where condition in (select condition from valid{number})"
            sources.append(f"select * from part{number}{where}")
        connection.execute(f"create view records as {' union all by name '.join(sources)}")
        return connection.sql(sql).to_arrow_table()


def _read(store: "Store", stamps: Mapping[str, str]) -> list[Entry]:
    """Conditions from their own files; one that is only begun is not yet one."""
    found = []
    ids = list(stamps)
    for some in (ids[start : start + 256] for start in range(0, len(ids), 256)):  # bounds the bytes in memory
        names = (*FILES[:4], "records.parquet")
        got = store.get_all(f"conditions/{id}/{name}" for id in some for name in names)
        for id in some:
            data = {name: got[f"conditions/{id}/{name}"] for name in names}
            if data["condition.json"] is None:
                continue
            texts = {name: text.decode(errors="replace") for name in FILES[:4] if (text := data[name]) is not None}
            parsed = {name: store.parsed(f"conditions/{id}/{name}", text) for name, text in texts.items()}
            condition, outcome = parsed["condition.json"], parsed.get("outcome.json") or {"status": "incomplete"}
            if not isinstance(condition, dict) or not {"study", "settings"} <= condition.keys():
                raise StoreError(
                    f"{store.url}/conditions/{id}/condition.json is not a condition: restore it or delete its folder"
                )
            settings = json.dumps(condition["settings"], sort_keys=True)
            if outcome["status"] == "failed" and (told := store.get(f"conditions/{id}/traceback.txt")):
                texts["traceback.txt"] = told.decode(errors="replace")
            table = None
            if outcome["status"] == "finished" and (raw := data["records.parquet"]) is not None:
                table = store.table(id, raw)
            stamp = stamps[id] if "outcome.json" in parsed else ""
            found.append(Entry(id, stamp, condition["study"], outcome["status"], settings, texts, table))
    return found


def _segments(store: "Store") -> list[str]:
    """Names of the segments, newest first."""
    return sorted(store.names("index"), reverse=True)


def _stored(store: "Store", name: str) -> list[Entry]:
    """What a segment holds; nothing where it is not whole."""
    data = store.get(f"index/{name}/conditions.parquet")
    if data is None:
        return []
    try:
        rows = records.from_bytes(data).to_pylist()
    except pa.ArrowException:
        return []
    if rows and not set(COLUMNS) <= rows[0].keys():
        return []  # of another genlab
    return [
        Entry(
            row["condition"],
            row["stamp"],
            row["study"],
            row["status"],
            row["settings"],
            {file: row[file] for file in FILES if row[file] is not None},
            (f"index/{name}/{row['records']}", row["first"], row["rows"]) if row["records"] else None,
        )
        for row in rows
    ]


def _write(store: "Store", entries: Sequence[Entry]) -> list[Entry]:
    """Write a segment of these conditions, the file that makes it count last.

    Returns:
        The same conditions, with their records in the segment.
    """
    name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
    files: dict[str, pa.Table] = {}
    groups: dict[str, list[tuple[Entry, pa.Table]]] = defaultdict(list)
    for entry in entries:
        if isinstance(entry.records, tuple):
            file, first, rows = entry.records
            if file not in files:
                files[file] = _table(store, file).drop_columns(["condition"])
            table = files[file].slice(first, rows)
        elif entry.records is None:
            continue
        else:
            table = entry.records
        digest = hashlib.blake2b(table.schema.remove_metadata().to_string().encode(), digest_size=6).hexdigest()
        groups[f"records-{digest}.parquet"].append((entry, table))
    places: dict[str, tuple[str, int, int]] = {}
    for file, group in groups.items():
        first = 0
        for entry, table in group:
            places[entry.id] = f"index/{name}/{file}", first, len(table)
            first += len(table)
        whole = _labelled([entry.id for entry, _ in group], [table for _, table in group])
        store.put(f"index/{name}/{file}", records.to_bytes(whole))
    moved = [
        Entry(each.id, each.stamp, each.study, each.status, each.settings, each.texts, places.get(each.id)) for each in entries
    ]
    rows_ = [
        {column: getattr(each, column) for column in ("stamp", "study", "status", "settings")}
        | {"condition": each.id}
        | {file: each.texts.get(file) for file in FILES}
        | dict(
            zip(("records", "first", "rows"), (each.records[0].rsplit("/")[-1], *each.records[1:]), strict=True)
            if isinstance(each.records, tuple)
            else ()
        )
        for each in moved
    ]
    schema = pa.schema([(column, pa.string()) for column in COLUMNS] + [("first", pa.int64()), ("rows", pa.int64())])
    store.put(f"index/{name}/conditions.parquet", records.to_bytes(pa.Table.from_pylist(rows_, schema=schema)))
    return moved


def _drop(store: "Store", segments: Iterable[str], used: set[str]) -> None:
    """Delete segments that hold nothing that counts, an hour after they were written."""
    for name in segments:
        born = name.partition("-")[0]
        if name not in used and (not born.isdigit() or time.time() - int(born) / 1e9 > KEPT_SECONDS):
            for file in store.names(f"index/{name}"):
                store.remove(f"index/{name}/{file}")


def _table(store: "Store", name: str) -> pa.Table:
    data = store.get(name)
    if data is None:
        raise StoreError(f"{store.url}/{name} is gone: delete {store.url}/index, it is made again, and ask again")
    return records.from_bytes(data)


def _labelled(ids: Sequence[str], tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of one schema in one, with the condition's id in front."""
    which = np.repeat(np.arange(len(ids)), [len(table) for table in tables])
    whole = pa.concat_tables([table.replace_schema_metadata() for table in tables])
    return whole.add_column(0, "condition", pa.array(ids, pa.string()).take(pa.array(which, pa.int64())))


def _sliceable(column: pa.ChunkedArray) -> bool:
    """Whether a column's NumPy form, cut, is that of the cut column: not where numbers become floats only for their gaps."""
    return (
        pa.types.is_floating(column.type)
        or pa.types.is_list(column.type)
        or pa.types.is_string(column.type)
        or not column.null_count
    )
