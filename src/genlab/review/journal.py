"""A file of ratings that grows by whole lines, each on the disk before it is acknowledged."""

import json
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RATINGS = "ratings.jsonl"


class Journal:
    """The ratings file of a folder, for any number of threads.

    Args:
        folder: made if it is missing.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / RATINGS
        self._lock = threading.Lock()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        _sync(self.path.parent)

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write records at the end; when this returns they survive a power cut.

        Raises:
            OSError: they could not be written; what stands in the file already is untouched.
        """
        lines = "".join(json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n" for record in records).encode()
        with self._lock, self.path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read() != b"\n":
                    lines = b"\n" + lines  # the last line was cut off when its writer was killed
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        """Let a write end that has begun, and begin no other: a process may end at any moment after this."""
        self._lock.acquire()


def _sync(folder: Path) -> None:
    """Make a new file's name last, where the system lets a folder be synced."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
