"""A lease: who runs a condition in a store that has no file locks. Held by renewing it, lost by being silent.

A lease is a file ``.lease-NUMBER`` that its holder rewrites every few seconds. It is made by a write that fails where the
file exists (S3's ``If-None-Match``, fsspec's mode ``create``), so that of several who want it one gets it. Whoever sees a
lease unchanged for ``SILENT_SECONDS`` of his own clock, no two clocks are compared, makes the one with the next number.
"""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from typing import TYPE_CHECKING

from genlab.results.trouble import StoreError

if TYPE_CHECKING:
    from genlab.results.store import Store

SILENT_SECONDS = 30.0  # our assumption: no living holder is silent for so long
RENEW_SECONDS = 10.0  # a third of it: two renewals may fail
ASK_SECONDS = 1.0  # how often one who waits looks


class Lease:
    """A lease on a folder of a store.

    Args:
        store: where.
        folder: its name in the store.
        silent: after how many seconds without a sign another holder counts as dead.
        renew: seconds between this holder's signs.
    """

    def __init__(self, store: "Store", folder: str, *, silent: float = SILENT_SECONDS, renew: float = RENEW_SECONDS) -> None:
        self.store = store
        self.folder = folder
        self.silent = silent
        self.renew = renew
        self.me = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
        self.number = 0
        self.lost = False
        self._beats = 0
        self._done = threading.Event()
        self._renewer: threading.Thread | None = None

    def acquire(self) -> None:
        """Take the lease, waiting at most as long as a dead holder's stays.

        Raises:
            StoreError: another process holds it and is alive, or the store cannot be reached.
        """
        number, content = self._latest()
        if number:
            number, content = self._silent(number, content)
        if not self.store.create(self._name(number + 1), self._content()):
            now = self.store.get(self._name(number + 1))
            if now != self._content():  # else ours: the first try arrived, only its answer was lost
                raise StoreError(self._taken(now))
        self.number = number + 1
        for old in self._numbers():
            if old < self.number:
                self.store.remove(self._name(old))
        self._renewer = threading.Thread(target=self._renew, daemon=True, name=f"lease {self.folder}")
        self._renewer.start()

    def release(self) -> None:
        """Give the lease back; a server that is away keeps it until it counts as silent."""
        self._done.set()
        if self._renewer is not None:
            self._renewer.join()
        with contextlib.suppress(StoreError):
            if self.number and self._mine():
                self.store.remove(self._name(self.number))

    def check(self) -> None:
        """Raise where somebody else took the lease.

        Raises:
            StoreError: this process was silent for too long.
        """
        if self.lost:
            raise StoreError(
                f"{self.store.url}/{self.folder} went to another process while this one could not reach the store: leave it to it"
            )

    def _silent(self, number: int, content: bytes | None) -> tuple[int, bytes | None]:
        """Wait until the lease is given back or was silent for long enough."""
        seen = time.monotonic()
        while time.monotonic() - seen < self.silent:
            time.sleep(min(ASK_SECONDS, self.silent / 4))
            latest, now = self._latest()
            if latest == 0:
                return 0, None
            if (latest, now) != (number, content):
                raise StoreError(self._taken(now))
        return number, content

    def _renew(self) -> None:
        while not self._done.wait(self.renew):
            with contextlib.suppress(StoreError):  # away: tried again, until somebody else takes it
                if not self._mine():
                    self.lost = True
                    return
                self._beats += 1
                self.store.put(self._name(self.number), self._content())

    def _mine(self) -> bool:
        number, content = self._latest()
        return number == self.number and content is not None and json.loads(content)["holder"] == self.me

    def _latest(self) -> tuple[int, bytes | None]:
        number = max(self._numbers(), default=0)
        return (number, self.store.get(self._name(number))) if number else (0, None)

    def _numbers(self) -> list[int]:
        names = self.store.names(self.folder)
        return [int(name.removeprefix(".lease-")) for name in names if name.startswith(".lease-")]

    def _name(self, number: int) -> str:
        return f"{self.folder}/.lease-{number:06d}"

    def _content(self) -> bytes:
        return json.dumps({"holder": self.me, "beats": self._beats}).encode()

    def _taken(self, content: bytes | None) -> str:
        holder = json.loads(content)["holder"].rsplit(" ", 1)[0] if content else "another machine"
        return f"condition {self.folder.rsplit('/', 1)[-1]} is being run by another process ({holder}): wait for it, or stop it"
