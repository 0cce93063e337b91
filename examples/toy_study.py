"""A whole study in a file: does gradient descent on a parabola of curvature 1 diverge above step size 2?

genlab run examples/toy_study.py:study
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genlab import chance
from genlab.results.claims import Claim, Finding, Region, finding
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.studies.study import Advance, Condition, Study


@dataclass(frozen=True)
class Row:
    step: int
    loss: float


@dataclass(frozen=True)
class Parabola(Study):
    name, title, record = "parabola", "Does descent on a parabola diverge above step size 2?", Row
    step_size: tuple[float, ...] = (1.9, 2.1)
    seeds: int = 3
    steps: int = 50

    def conditions(self) -> list[Condition]:
        return [
            self.condition(step_size=eta, steps=self.steps, seed=seed) for eta in self.step_size for seed in range(self.seeds)
        ]

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        w = snapshot.arrays["w"] if snapshot else chance.numpy("parabola", settings["seed"]).normal(size=1)
        for step in range(snapshot.values["step"] if snapshot else 0, settings["steps"]):
            row = Row(step, loss=float(0.5 * w @ w))
            w = w - settings["step_size"] * w
            yield Advance(step + 1, settings["steps"], (row,), snapshot=lambda: Snapshot({"w": w}, {"step": step + 1}))  # noqa: B023
        return "steps"

    @classmethod
    def claims(cls) -> list[Claim]:
        return [Claim("T1", "Above step size 2 the loss grows, below it shrinks.", "loss, last over first", None, growth)]


def growth(runs: Sequence[Run]) -> list[Finding]:
    found = []
    for eta in sorted({run.settings["step_size"] for run in runs}):
        group = [run for run in runs if run.settings["step_size"] == eta]
        ratios = {run.settings["seed"]: float(run["loss"][-1] / run["loss"][0]) for run in group}
        found.append(
            finding(
                f"step size {eta}", Region(low=1) if eta > 2 else Region(high=1), ratios, conditions=[run.id for run in group]
            )
        )
    return found


study = Parabola()
