"""The store: a folder of open formats at any fsspec URL. Files are written whole or not at all.

In it lie::

    store.json                         the format's version
    command.json                       what was typed last to fill it
    report.html, figures/              made from the rest, again and again
    conditions/<id>/condition.json     study, protocol, settings
                    environments.json  where it ran, one entry a distinct environment
                    facts.json         what it stands on: checksum of its data, parameter count
                    records.parquet    its records, once it has finished
                    outcome.json       finished or failed, and how
                    traceback.txt      only where it failed
                    checkpoint.safetensors, part-*.parquet    only while it is unfinished
                    .lock              held while a process runs it

A ``.NAME.*.draft`` anywhere is a write that was killed: it goes when its condition resumes, elsewhere after an hour.
"""

import contextlib
import errno
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.results import records
from genlab.results.runs import Run

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
DRAFT_SECONDS = 3600.0  # no write takes that long: nobody is at work on an older draft


class StoreError(OSError):
    """The store cannot be read or written; the message says what to do."""


class Store:
    """A store at a folder or fsspec URL.

    >>> store = Store("memory://demo")
    >>> store.put("conditions/a/outcome.json", b"{}")
    >>> store.get("conditions/a/outcome.json"), store.get("nothing")
    (b'{}', None)
    """

    def __init__(self, url: str | os.PathLike[str]) -> None:
        from fsspec.core import url_to_fs

        self.url = os.fspath(url)
        self.files, root = url_to_fs(self.url)
        self.root = root.rstrip("/")
        self.local = Path(self.root) if "file" in self.files.protocol else None

    def prepare(self) -> None:
        """Make the store where there is none; clear what killed runs left where there is one.

        Raises:
            StoreError: the place cannot be written, holds something else, or was written by a newer genlab.
        """
        with self._explained("write to"):
            if self.local and self.local.exists() and not self.local.is_dir():
                raise StoreError(f"{self.url} is a file: --out wants a folder")
            found = self.get_json("store.json")
            if found is None:
                if self.local and self.local.is_dir() and any(not each.match(".*.draft") for each in self.local.iterdir()):
                    raise StoreError(
                        f"{self.url} is a folder with other things in it: --out wants a new folder or a genlab store"
                    )
                self.put_json("store.json", {"genlab store": FORMAT})
                return
            written = found.get("genlab store") if isinstance(found, dict) else None
            if written != FORMAT:
                raise StoreError(f"{self.url} is a store of format {written}, this genlab reads format {FORMAT}: update it")
            self._drop_old_drafts()
            for id in self.ids():
                if self.status(id) == "finished":
                    self.tidy(id)

    def put(self, name: str, data: bytes) -> None:
        """Write a whole file, or leave what was there.

        Raises:
            StoreError: no room, no permission.
        """
        with self._explained("write to"):
            if self.local:
                _replace(self.local / name, data)
            else:
                self.files.pipe_file(f"{self.root}/{name}", data)

    def get(self, name: str) -> bytes | None:
        """A file's bytes, None where there is none."""
        with self._explained("read"), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            data: bytes = self.files.cat_file(f"{self.root}/{name}")
            return data
        return None

    def put_json(self, name: str, value: Any) -> None:
        """Write a JSON file."""
        self.put(name, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode())

    def get_json(self, name: str) -> Any:
        """A JSON file's value, None where there is none.

        Raises:
            StoreError: the file is not JSON.
        """
        data = self.get(name)
        if data is None:
            return None
        try:
            return json.loads(data)
        except ValueError as error:
            raise StoreError(f"{self.url}/{name} is not JSON ({error}): restore it or delete its condition's folder") from error

    def remove(self, name: str) -> None:
        """Delete a file if it is there."""
        with self._explained("write to"), contextlib.suppress(FileNotFoundError):
            self.files.rm_file(f"{self.root}/{name}")

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted."""
        with self._explained("read"), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            listing = self.files.ls(f"{self.root}/{folder}", detail=False)
            return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in listing)
        return []

    def ids(self) -> list[str]:
        """Ids of all conditions begun."""
        return self.names("conditions")

    def status(self, id: str) -> str:
        """``finished``, ``failed`` or ``incomplete``."""
        outcome = self.get_json(f"conditions/{id}/outcome.json")
        return outcome["status"] if outcome else "incomplete"

    def run(self, id: str) -> Run | None:
        """A finished condition, None where it has not finished."""
        outcome = self.get_json(f"conditions/{id}/outcome.json")
        if outcome is None or outcome["status"] != "finished":
            return None
        data = self.get(f"conditions/{id}/records.parquet")
        if data is None:
            raise StoreError(
                f"{self.url}: condition {id} is finished but has no records.parquet: delete its folder and run again"
            )
        condition = self.get_json(f"conditions/{id}/condition.json")
        return Run(id, condition["settings"], outcome["ending"], records.columns_of(self._table(id, data)))

    def _table(self, id: str, data: bytes) -> "pa.Table":
        import pyarrow as pa

        try:
            return records.from_bytes(data)
        except pa.ArrowException as error:
            raise StoreError(
                f"{self.url}/conditions/{id}/records.parquet cannot be read ({error}): delete its folder and run again"
            ) from error

    def runs(self, study: str) -> list[Run]:
        """All finished conditions of a study, by id."""
        mine = [id for id in self.ids() if self.study_of(id) == study]
        return [run for run in map(self.run, mine) if run is not None]

    def study_of(self, id: str) -> str | None:
        """The study a condition belongs to; None while its folder is only begun."""
        condition = self.get_json(f"conditions/{id}/condition.json")
        return condition["study"] if condition else None

    def tidy(self, id: str) -> None:
        """Drop what only an unfinished condition needs."""
        for name in self.names(f"conditions/{id}"):
            if name == "checkpoint.safetensors" or name.startswith("part-"):
                self.remove(f"conditions/{id}/{name}")

    def query(self, sql: str) -> "pa.Table":
        """DuckDB over the store: ``records`` (all rows, with their condition's id) and ``conditions`` (settings as JSON)."""
        import duckdb
        import pyarrow as pa

        rows: list[Mapping[str, Any]] = []
        tables = [pa.table({"condition": pa.array([], pa.string())})]
        for id in self.ids():
            condition = self.get_json(f"conditions/{id}/condition.json")
            if condition is None:
                continue
            settings = json.dumps(condition["settings"], sort_keys=True)
            rows.append({"condition": id, "study": condition["study"], "status": self.status(id), "settings": settings})
            data = self.get(f"conditions/{id}/records.parquet")
            if data is not None and rows[-1]["status"] == "finished":
                table = self._table(id, data)
                tables.append(table.add_column(0, "condition", pa.array([id] * len(table), pa.string())))
        kinds = pa.schema([(name, pa.string()) for name in ("condition", "study", "status", "settings")])
        with duckdb.connect() as connection:
            connection.register("conditions", pa.Table.from_pylist(rows, schema=kinds))
            connection.register("records", pa.concat_tables(tables, promote_options="permissive"))
            return connection.sql(sql).to_arrow_table()

    def _drop_old_drafts(self) -> None:
        if self.local:
            for draft in [*self.local.glob(".*.draft"), *self.local.glob("figures/.*.draft")]:
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - draft.stat().st_mtime > DRAFT_SECONDS:
                        draft.unlink()

    @contextlib.contextmanager
    def _explained(self, act: str) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(self._explain(error, act)) from error

    def _explain(self, error: OSError, act: str = "write to") -> str:
        why = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            room = f", {_free(self.local) >> 20} MB free" if self.local and error.errno == errno.ENOSPC else ""
            return (
                f"no room left to write to {self.url} ({why}{room}): what was finished is safe; "
                "make room and run the same command again"
            )
        return f"cannot {act} {self.url} ({why}): choose another place with --out, or change its permissions"


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.draft")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
