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
                    .lock              held while a process runs it; .lease-* where there are no file locks
    index/                             many conditions in a few files, made from the rest (genlab.results.index)

A ``.NAME.*.draft`` anywhere is a write that was killed: it goes when its condition resumes, elsewhere after an hour.
"""

import contextlib
import errno
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from genlab.results import records
from genlab.results.runs import Run
from genlab.results.trouble import PATIENCE_SECONDS, explain, patient
from genlab.results.trouble import StoreError as StoreError

if TYPE_CHECKING:
    import pyarrow as pa

    from genlab.results.index import Look

FORMAT = 1
SETTLED = ("outcome.json", "condition.json")  # what says that a condition has ended, and what it is
DRAFT_SECONDS = 3600.0  # no write takes that long: nobody is at work on an older draft


Answer = TypeVar("Answer")


class Store:
    """A store at a folder or fsspec URL. Elsewhere than in a folder, what fails is tried again for ``patience`` seconds.

    >>> store = Store("memory://demo")
    >>> store.put("conditions/a/outcome.json", b"{}")
    >>> store.get("conditions/a/outcome.json"), store.get("nothing")
    (b'{}', None)
    """

    def __init__(self, url: str | os.PathLike[str], *, patience: float = PATIENCE_SECONDS) -> None:
        from fsspec.core import url_to_fs

        self.url = os.fspath(url)
        try:
            self.files, root = url_to_fs(self.url, use_listings_cache=False)  # others write, too
        except ImportError as error:
            scheme = self.url.partition(":")[0]
            install = "pip install 'genlab[s3]'" if scheme in ("s3", "s3a") else f"pip install 'fsspec[{scheme}]'"
            raise StoreError(f"{self.url}: {error}; type {install}") from error
        except ValueError as error:
            raise StoreError(
                f"{self.url}: {error}; give a folder or a URL that fsspec knows, such as s3://bucket/name"
            ) from error
        self.root = root.rstrip("/")
        self.local = Path(self.root) if "file" in self.files.protocol else None
        self.patience = 0.0 if self.local else patience

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
            self._check_format(found.get("genlab store") if isinstance(found, dict) else None)
            self._drop_old_drafts()
            for id, files in self.listing().items():
                if any(_passing(name) for name in files) and self.status(id) == "finished":
                    self.tidy(id)

    def _check_format(self, written: object) -> None:
        if written != FORMAT:
            raise StoreError(f"{self.url} is a store of format {written}, this genlab reads format {FORMAT}: update it")

    def put(self, name: str, data: bytes) -> None:
        """Write a whole file, or leave what was there.

        Raises:
            StoreError: no room, no permission.
        """
        with self._explained("write to"):
            if self.local:
                replace(self.local / name, data)
            else:
                self._ask(lambda: self.files.pipe_file(f"{self.root}/{name}", data))

    def create(self, name: str, data: bytes) -> bool:
        """Write a whole file where there is none; False where there is one.

        Of several who try at once one succeeds, if the filesystem knows fsspec's mode ``create`` (memory, S3, Google's).

        Raises:
            StoreError: no room, no permission.
        """

        def once() -> bool:
            try:
                self.files.pipe_file(f"{self.root}/{name}", data, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno == errno.EINVAL and self.get(name) is not None:  # "precondition failed", of some servers
                    return False
                raise
            return True

        with self._explained("write to"):
            return self._ask(once)

    def get(self, name: str) -> bytes | None:
        """A file's bytes, None where there is none."""
        with self._explained("read"), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if self.local:
                return (self.local / name).read_bytes()
            data: bytes = self._ask(lambda: self.files.cat_file(f"{self.root}/{name}"))
            return data
        return None

    def get_all(self, names: Iterable[str]) -> dict[str, bytes | None]:
        """Many files' bytes, asked for at once where the filesystem can."""
        names = list(names)
        if self.local or not names:
            return {name: self.get(name) for name in names}
        with self._explained("read"):
            found = self._ask(lambda: self.files.cat([f"{self.root}/{name}" for name in names], on_error="return"))
        got = {path.removeprefix(f"{self.root}/").lstrip("/"): data for path, data in found.items()}
        # what failed is asked for once more by itself: patiently, and with its own error
        again = {name for name in names if not isinstance(got.get(name), (bytes, FileNotFoundError))}
        return {name: self.get(name) if name in again else _bytes(got[name]) for name in names}

    def put_json(self, name: str, value: Any) -> None:
        """Write a JSON file."""
        self.put(name, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode())

    def get_json(self, name: str) -> Any:
        """A JSON file's value, None where there is none.

        Raises:
            StoreError: the file is not JSON.
        """
        data = self.get(name)
        return None if data is None else self.parsed(name, data)

    def parsed(self, name: str, data: bytes | str) -> Any:
        """The value in a JSON file's bytes.

        Raises:
            StoreError: the file is not JSON.
        """
        try:
            return json.loads(data)
        except ValueError as error:
            raise StoreError(f"{self.url}/{name} is not JSON ({error}): restore it or delete its condition's folder") from error

    def remove(self, name: str) -> None:
        """Delete a file if it is there."""
        with self._explained("write to"), contextlib.suppress(FileNotFoundError):
            self._ask(lambda: self.files.rm_file(f"{self.root}/{name}"))

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted."""
        with self._explained("read"), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if self.local:
                return sorted(each.name for each in os.scandir(self.local / folder))
            listing = self._ask(lambda: self.files.ls(f"{self.root}/{folder}", detail=False))
            return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in listing)
        return []

    def ids(self) -> list[str]:
        """Ids of all conditions begun."""
        return self.names("conditions")

    def listing(self) -> dict[str, dict[str, str]]:
        """All files of all conditions, ``{id: {name: stamp}}``, in one look; a file written again has another stamp."""
        found: dict[str, dict[str, str]] = {}
        with self._explained("read"), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if self.local:
                for folder in sorted((self.local / "conditions").iterdir()):
                    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as files:
                        found[folder.name] = {file.name: _stamp(file.stat()) for file in files}
                return found
            root = f"{self.root}/conditions"
            for path, facts in sorted(self._ask(lambda: self.files.find(root, detail=True)).items()):
                id, _, name = path.removeprefix(root).lstrip("/").partition("/")
                moment = facts.get("LastModified") or facts.get("mtime") or facts.get("created")
                found.setdefault(id, {})[name] = f"{facts.get('ETag')} {moment} {facts.get('size')}"
        return found

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
        return Run(id, condition["settings"], outcome["ending"], records.columns_of(self.table(id, data)))

    def table(self, id: str, data: bytes) -> "pa.Table":
        """The records in a condition's Parquet file.

        Raises:
            StoreError: the file is broken.
        """
        import pyarrow as pa

        try:
            return records.from_bytes(data)
        except pa.ArrowException as error:
            raise StoreError(
                f"{self.url}/conditions/{id}/records.parquet cannot be read ({error}): delete its folder and run again"
            ) from error

    def runs(self, study: str) -> list[Run]:
        """All finished conditions of a study, by id."""
        found = self.look()
        return found.runs(id for id, entry in found.entries.items() if entry.study == study)

    def look(self) -> "Look":
        """What the store holds now, read in one go (genlab.results.index)."""
        from genlab.results import index

        return index.look(self)

    def stamps(self) -> dict[str, str]:
        """A stamp of every condition begun, in one look: another one when it ended again or its description changed.

        Empty for a condition that has not ended. A session removes the outcome first and writes it last, so that nothing else
        of an ended condition changes without it.
        """
        if self.local is None:
            files = self.listing()
            return {
                id: " ".join(str(each.get(name)) for name in SETTLED) if SETTLED[0] in each else "" for id, each in files.items()
            }
        found = {}
        for id in self.ids():
            folder = f"{self.root}/conditions/{id}"
            try:
                found[id] = " ".join(_stamp(os.stat(f"{folder}/{name}")) for name in SETTLED)  # noqa: PTH116  # thrice as fast
            except (FileNotFoundError, NotADirectoryError):
                found[id] = ""
        return found

    def study_of(self, id: str) -> str | None:
        """The study a condition belongs to; None while its folder is only begun."""
        condition = self.get_json(f"conditions/{id}/condition.json")
        return condition["study"] if condition else None

    def tidy(self, id: str) -> None:
        """Drop what only an unfinished condition needs."""
        for name in self.names(f"conditions/{id}"):
            if _passing(name):
                self.remove(f"conditions/{id}/{name}")

    def query(self, sql: str) -> "pa.Table":
        """DuckDB over the store: ``records`` (all rows, with their condition's id) and ``conditions`` (settings as JSON)."""
        from genlab.results import index

        return index.query(self.look(), sql)

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
        except (StoreError, AssertionError):
            raise
        except Exception as error:
            if self.local and not isinstance(error, OSError):
                raise
            raise StoreError(explain(error, act, self.url, self.local)) from error

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        return patient(call, self.patience)


def _bytes(answer: Any) -> bytes | None:
    return answer if isinstance(answer, bytes) else None


def _passing(name: str) -> bool:
    """Whether a file is one that only an unfinished condition needs."""
    return name == "checkpoint.safetensors" or name.startswith("part-")


def _stamp(file: os.stat_result) -> str:
    return f"{file.st_ino} {file.st_mtime_ns} {file.st_size}"


def opened(place: str | os.PathLike[str]) -> Store:
    """A store to read: it must be there, and may still be empty.

    Raises:
        ValueError: nothing is there, or it is no store.
        StoreError: it cannot be read, or was written by a newer genlab.
    """
    store = Store(place)
    found = store.get_json("store.json")
    if found is None and not store.ids():
        raise ValueError(f"no store at {store.url}: make one with genlab run STUDY --out {store.url}")
    store._check_format(found.get("genlab store") if isinstance(found, dict) else FORMAT)
    return store


def replace(path: Path, data: bytes) -> None:
    """Write a whole file, or leave what was there; its folder is made.

    Raises:
        OSError: it cannot be written.
    """
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
