"""Calls for a pool's processes to make: each does one thing a task may do, most of them unwelcome."""

import ctypes
import os
import resource
import signal
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from genlab.running.pool import THREAD_VARIABLES, Line


def double(line: Line, number: int) -> int:
    return 2 * number


def warned(line: Line) -> None:
    warnings.warn("of a task", stacklevel=1)


def variable(line: Line, name: str) -> str | None:
    return os.environ.get(name)


def count(line: Line, upto: int) -> int:
    for number in range(upto):
        line.report(number=number)
    return upto


def many_bytes(line: Line, size: int) -> bytes:
    return bytes(size)


def nap(line: Line, seconds: float) -> tuple[float, float]:
    """When the nap began and when it ended; the clock is the machine's."""
    begun = time.monotonic()
    time.sleep(seconds)
    return begun, time.monotonic()


def misfortune(line: Line, kind: str) -> Callable[[], int]:
    """What befalls a task."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    match kind:
        case "raises":
            raise ValueError("out of luck")
        case "leaves":
            raise SystemExit(3)
        case "exits":
            os._exit(7)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "killed in a word":
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
            while True:
                line.report(text="x" * 1_000_000)
        case "crashes":
            ctypes.string_at(0)
        case "aborts":
            os.abort()
    return lambda: 1  # cannot be pickled


def whichever(line: Line, kind: str) -> int:
    """Misfortune for all but the fine."""
    if kind != "fine":
        misfortune(line, kind)
    return 1


def until_stopped(line: Line, folder: str, name: str) -> str:
    """Works until it is asked to stop, then takes a moment to reach a safe place."""
    Path(folder, name).touch()
    while not line.stopping:
        time.sleep(0.005)
    time.sleep(0.2)
    return "safe"


def forever(line: Line, folder: str) -> None:
    """Leaves its process id, and works on whatever it is asked."""
    draft = Path(folder, f".{os.getpid()}")
    draft.touch()
    draft.rename(Path(folder, str(os.getpid())))
    while True:
        time.sleep(1)


def variables(line: Line) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in THREAD_VARIABLES}
