"""A file of certificates that grows image by image and can be cut off anywhere: what it stands on lies beside it.

    certs.tsv        one image a line, in the layout of ``records``
    certs.tsv.json   what all lines of it share, and what they were made with

A line is written whole and on disk before the next image begins. A half-written one, left by a kill, is cut off on reopening.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from genlab.smoothing import records
from genlab.smoothing.records import Row

LOCK_SECONDS = 5.0  # a killed run is gone well before


class Certificates:
    """The file ``path``, which another call with the same settings goes on with.

    Args:
        path: of the file.
        settings: JSON values that determine every line; where one differs, the file is refused.
        made_with: JSON values for the reader's information, of the first run.
        radius: whether it holds certificates, or else predictions.

    Raises:
        ValueError: the file was begun with other settings, or is none of genlab's.
    """

    def __init__(
        self, path: str | Path, settings: Mapping[str, Any], *, made_with: Mapping[str, Any] | None = None, radius: bool = True
    ) -> None:
        self.path, self.radius = Path(path).absolute(), radius
        self.beside = self.path.with_name(self.path.name + ".json")
        self.settings: dict[str, Any] = json.loads(json.dumps(settings))  # as they come back from a file
        self._made_with = dict(made_with or {})
        self.check()

    def check(self) -> None:
        """Whether the file can be gone on with.

        Raises:
            ValueError: it cannot.
        """
        if not self.beside.is_file():
            if self.path.exists() and self.path.stat().st_size:
                raise ValueError(
                    f"{self.path} has no {self.beside.name} beside it, so what it was made with is unknown: give another --out"
                )
            return
        known = self.known()
        names = [name for name in {**known, **self.settings} if known.get(name) != self.settings.get(name)]
        if names:
            changed = "; ".join(f"{name} was {known.get(name)}, now {self.settings.get(name)}" for name in names)
            raise ValueError(f"{self.path} was begun with other settings ({changed}): take those, or give another --out")

    def known(self) -> dict[str, Any]:
        """The settings that the file was begun with.

        Raises:
            ValueError: the file beside it is broken.
        """
        try:
            found = json.loads(self.beside.read_text())["settings"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.beside} cannot be read ({error}): give another --out") from error
        return dict(found)

    @contextlib.contextmanager
    def writing(self) -> "Iterator[Certificates]":
        """Hold the file against other processes of this machine, begin it if need be, and cut off half a line.

        Raises:
            ValueError: another process writes it, it cannot be written, or its settings differ.
        """
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=LOCK_SECONDS)
            lock.acquire()
        except Timeout as error:
            raise ValueError(f"{self.path} is being written by another process: wait for it, or give another --out") from error
        except OSError as error:
            raise ValueError(f"{self.path} cannot be written: {error}") from error
        try:
            self.check()
            self._begin()
            yield self
        finally:
            lock.release()

    def rows(self) -> tuple[Row, ...]:
        """The whole lines of the file.

        Raises:
            ValueError: a line is broken.
        """
        if not self.path.is_file():
            return ()
        whole, end, _ = self.path.read_text().rpartition("\n")
        if not end:
            return ()
        lines = whole.split("\n")
        if records.kind(lines[0], self.path) != self.radius:
            raise ValueError(f"{self.path} holds {'predictions' if self.radius else 'certificates'}: give another --out")
        found = []
        for number, line in enumerate(lines[1:], start=2):
            try:
                found.append(records.parsed(line, radius=self.radius))
            except ValueError as error:
                raise ValueError(f"{self.path}, line {number}: {error}") from error
        return tuple(found)

    def append(self, row: Row) -> None:
        """Add a line; it is on disk when this returns."""
        with self.path.open("a") as file:
            file.write(row.line() + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _begin(self) -> None:
        if not self.beside.is_file():
            draft = self.beside.with_name(f".{self.beside.name}.draft")
            with draft.open("w") as file:
                json.dump({"settings": self.settings, "made with": self._made_with}, file, indent=1)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.beside)
        content = self.path.read_bytes() if self.path.is_file() else b""
        whole = content.rfind(b"\n") + 1
        if content and whole == len(content):
            return
        with self.path.open("r+b" if whole else "wb") as file:
            if whole:
                file.truncate(whole)
            else:  # not even the header was
                file.write(records.text((), radius=self.radius).encode())
            file.flush()
            os.fsync(file.fileno())
