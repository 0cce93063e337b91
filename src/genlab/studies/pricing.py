"""What the prices of training studies share: timing on this machine, what a process takes, and data looked at beforehand."""

import functools
import time
from collections.abc import Callable
from typing import Any

from genlab.training import data

PROCESS_BYTES = 450 * 2**20  # measured: 350 MB with torch, scipy and pyarrow imported; the rest for reading data


@functools.cache
def check_data(name: str, data_dir: str | None) -> None:
    """Load a data set and forget it.

    Raises:
        ValueError: as ``data.load``.
    """
    data.load(name, data_dir=data_dir)


def fastest(call: Callable[[], Any]) -> float:
    """Seconds of the fastest of six calls, or of those that fit into a second where one is slow.

    Two at least: the first pays for what is imported and set up once, and would price a study a hundred times too high.
    """
    taken: list[float] = []
    while len(taken) < 2 or (len(taken) < 6 and sum(taken[1:]) < 1):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return min(taken)
