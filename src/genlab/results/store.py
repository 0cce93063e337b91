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
"""

import contextlib
import errno
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.results import records
from genlab.results.runs import Run

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1


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
        """Make the store where there is none.

        Raises:
            StoreError: the place cannot be written, holds something else, or was written by a newer genlab.
        """
        if self.local and self.local.is_file():
            raise StoreError(f"{self.url} is a file: --out wants a folder")
        found = self.get_json("store.json")
        if found is None:
            if self.local and self.local.is_dir() and any(self.local.iterdir()):
                raise StoreError(f"{self.url} is a folder with other things in it: --out wants a new folder or a genlab store")
            self.put_json("store.json", {"genlab store": FORMAT})
        elif found.get("genlab store") != FORMAT:
            raise StoreError(
                f"{self.url} is a store of format {found.get('genlab store')}, this genlab reads format {FORMAT}: update it"
            )

    def put(self, name: str, data: bytes) -> None:
        """Write a whole file, or leave what was there.

        Raises:
            StoreError: no room, no permission.
        """
        try:
            if self.local:
                _replace(self.local / name, data)
            else:
                self.files.pipe_file(f"{self.root}/{name}", data)
        except OSError as error:
            raise StoreError(self._explain(error)) from error

    def get(self, name: str) -> bytes | None:
        """A file's bytes, None where there is none."""
        try:
            data: bytes = self.files.cat_file(f"{self.root}/{name}")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return data

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
        with contextlib.suppress(FileNotFoundError):
            self.files.rm_file(f"{self.root}/{name}")

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted."""
        try:
            listing = self.files.ls(f"{self.root}/{folder}", detail=False)
        except FileNotFoundError:
            return []
        return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in listing)

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
        return Run(id, condition["settings"], outcome["ending"], records.columns_of(records.from_bytes(data)))

    def runs(self, study: str) -> list[Run]:
        """All finished conditions of a study, by id."""
        mine = [id for id in self.ids() if self.study_of(id) == study]
        return [run for run in map(self.run, mine) if run is not None]

    def study_of(self, id: str) -> str | None:
        """The study a condition belongs to; None while its folder is only begun."""
        condition = self.get_json(f"conditions/{id}/condition.json")
        return condition["study"] if condition else None

    def query(self, sql: str) -> "pa.Table":
        """DuckDB over the store: ``records`` (all rows, with their condition's id) and ``conditions`` (settings as JSON)."""
        import duckdb
        import pyarrow as pa

        rows: list[Mapping[str, Any]] = []
        tables = []
        for id in self.ids():
            condition = self.get_json(f"conditions/{id}/condition.json")
            if condition is None:
                continue
            settings = json.dumps(condition["settings"], sort_keys=True)
            rows.append({"condition": id, "study": condition["study"], "status": self.status(id), "settings": settings})
            data = self.get(f"conditions/{id}/records.parquet")
            if data is not None and rows[-1]["status"] == "finished":
                table = records.from_bytes(data)
                tables.append(table.add_column(0, "condition", pa.array([id] * len(table), pa.string())))
        kinds = pa.schema([(name, pa.string()) for name in ("condition", "study", "status", "settings")])
        with duckdb.connect() as connection:
            connection.register("conditions", pa.Table.from_pylist(rows, schema=kinds))
            if tables:
                connection.register("records", pa.concat_tables(tables, promote_options="default"))
            return connection.sql(sql).to_arrow_table()

    def _explain(self, error: OSError) -> str:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            room = f" ({shutil.disk_usage(self.local.anchor or '.').free >> 20} MB free)" if self.local else ""
            return (
                f"no room left to write to {self.url}{room}: what was finished is safe; make room and run the same command again"
            )
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return f"cannot write to {self.url} ({error.strerror}): choose another place with --out, or change its permissions"
        return f"cannot write to {self.url}: {error}"


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
