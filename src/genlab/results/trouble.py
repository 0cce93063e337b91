"""What goes wrong with a store, and whether it passes: lost connections are waited for, the rest is told."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

PATIENCE_SECONDS = 60.0  # our assumption: a server that restarts, or asks for less, is back by then
LONGEST_PAUSE = 8.0  # seconds between two tries; our assumption
FINAL = (FileNotFoundError, FileExistsError, PermissionError, NotADirectoryError, IsADirectoryError)
ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
Answer = TypeVar("Answer")


class StoreError(OSError):
    """The store cannot be read or written; the message says what to do."""


def patient(call: Callable[[], Answer], seconds: float) -> Answer:
    """What ``call`` returns, asked again for ``seconds`` where a connection is lost or a server has trouble of its own.

    Raises:
        Exception: what the last try raised; at once where another try would raise it again (no such file, no permission).
    """
    deadline, pause = time.monotonic() + seconds, 0.1
    while True:
        try:
            return call()
        except Exception as error:
            if _lasting(error) or time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _lasting(error: Exception) -> bool:
    return isinstance(error, (*FINAL, StoreError)) or "credentials" in str(error).lower()


def explain(error: Exception, act: str, url: str, local: Path | None) -> str:
    """What happened on the way to a store, and what to do. ``local`` is its folder, None elsewhere."""
    why = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    if isinstance(error, OSError) and error.errno in ROOM:
        room = f", {_free(local) >> 20} MB free" if local and error.errno == errno.ENOSPC else ""
        return (
            f"no room left to write to {url} ({why}{room}): what was finished is safe; make room and run the same command again"
        )
    if local is None and not isinstance(error, FINAL):
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        server = f" at AWS_ENDPOINT_URL={endpoint}" if endpoint and url.startswith("s3") else ""
        return (
            f"cannot {act} {url}{server} ({why}): what was finished is safe; "
            "check connection, address and credentials, and run the same command again"
        )
    return f"cannot {act} {url} ({why}): choose another place with --out, or change its permissions"


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
