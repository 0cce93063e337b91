"""A study whose conditions take as long as a test needs: a walk with a snapshot at every step. The first dies when told to."""

import os
import signal
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlab import chance
from genlab.results.snapshots import Snapshot
from genlab.studies.study import Advance, Condition, Study


@dataclass(frozen=True)
class Row:
    step: int
    place: float


@dataclass(frozen=True)
class Walk(Study):
    name, title, record = "walk", "Where does a random walk go?", Row
    walkers: int = 4
    steps: int = 40

    def conditions(self) -> list[Condition]:
        return [self.condition(steps=self.steps, seed=seed) for seed in range(self.walkers)]

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        place = float(snapshot.arrays["place"][0]) if snapshot else 0.0
        for step in range(snapshot.values["step"] if snapshot else 0, settings["steps"]):
            time.sleep(float(os.environ.get("GENLAB_TEST_PAUSE", "0")))
            if step == settings["steps"] // 2 and settings["seed"] == 0:
                befall()
            steps = chance.numpy("walk", settings["seed"], step).normal(size=1)
            place += float(steps[0])
            kept = Snapshot({"place": steps * 0 + place}, {"step": step + 1})
            yield Advance(step + 1, settings["steps"], (Row(step, place),), snapshot=lambda kept=kept: kept)  # type: ignore[misc]
        return "steps"


def befall() -> None:
    """Once, where the test left a file that says so: the worker is killed; it leaves its process id."""
    told = os.environ.get("GENLAB_TEST_DEATH")
    if told and Path(told).exists():
        Path(told).rename(told + f".{os.getpid()}")
        os.kill(os.getpid(), signal.SIGKILL)


study = Walk()
