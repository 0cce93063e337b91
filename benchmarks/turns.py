"""Calls timed in turn, A B A B, in one process."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch


def clock(device: str) -> Callable[[], float]:
    if device != "cuda":
        return time.process_time

    def synchronised() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return synchronised


def in_turn(calls: Mapping[str, Callable[[], object]], rounds: int, device: str) -> dict[str, float]:
    """Median seconds of each, after a round that is not counted."""
    now = clock(device)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            begun = now()
            call()
            seconds[name].append(now() - begun)
    return {name: statistics.median(each[1:]) for name, each in seconds.items()}
