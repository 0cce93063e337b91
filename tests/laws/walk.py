"""A study for the laws of resuming: a random walk whose every step depends on all before it, in a file as a user's own is.

genlab run tests/laws/walk.py:study
"""

import functools
import math
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from genlab import chance
from genlab.results.claims import Claim, Finding, Region, finding
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.studies.study import Advance, Condition, Study


@dataclass(frozen=True)
class Stride:
    step: int
    place: float
    speed: float | None
    trail: tuple[float, ...] | None
    turned: bool
    word: str


@dataclass(frozen=True)
class Walk(Study):
    """``steps`` strides, each taking ``pause`` seconds."""

    name: ClassVar[str] = "walk"
    title: ClassVar[str] = "Where does a random walk end?"
    record: ClassVar[type] = Stride
    seeds: int = 1
    steps: int = 4
    pause: float = 0.0

    def conditions(self) -> list[Condition]:
        return [self.condition(seed=seed, steps=self.steps, pause=self.pause) for seed in range(self.seeds)]

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        place = snapshot.arrays["place"] if snapshot else chance.numpy("walk", settings["seed"]).normal(size=3)
        heading = snapshot.arrays.get("heading") if snapshot else None  # there is none before the second step
        for step in range(snapshot.values["step"] if snapshot else 0, settings["steps"]):
            time.sleep(settings["pause"])
            row = Stride(
                step=step,
                place=math.nan if step == 2 else float(place[0]),
                speed=None if heading is None else float(abs(heading).sum()),
                trail=tuple(place.tolist()) if step % 2 else None,
                turned=heading is not None and bool(heading[0] < 0),
                word=f"step {step % 3}",
            )
            heading = 0.9 * (heading if heading is not None else 0.0) + chance.numpy(settings["seed"], step).normal(size=3)
            place = place + 0.1 * heading
            arrays = {"place": place} if step == 0 else {"place": place, "heading": heading}
            if step == 0:
                heading = None
            values = {"step": step + 1}
            facts = {"data": "none", "shoes": "brown"}
            make = functools.partial(Snapshot, arrays, values)
            yield Advance(step + 1, settings["steps"], (row,), make, note={"at": row.place}, facts=facts)
        return "steps"

    @classmethod
    def claims(cls) -> list[Claim]:
        return [Claim("W1", "It ends near where it began.", "distance", None, ends)]


def ends(runs: Sequence[Run]) -> list[Finding]:
    distances = {run.settings["seed"]: float(abs(run["place"][-1] - run["place"][0])) for run in runs}
    return [finding("all walks", Region(high=10), distances, conditions=[run.id for run in runs])]


study = Walk()
