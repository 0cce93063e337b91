"""Small real stores: a study of gradient descent on a parabola, whose conditions are written by the keeper."""

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genlab.results.claims import Claim, Finding, Region, finding
from genlab.results.figures import Figure, Line, Panel
from genlab.results.keeper import Keeper
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.results.store import Store
from genlab.studies.study import Advance, Condition, Study

HOSTILE = "<img src=x onerror=\"document.title='owned'\"></script><b>bold</b>\u202e"


@dataclass(frozen=True)
class Row:
    step: int
    time: float
    loss: float
    threshold: float
    sharpness: float | None = None


@dataclass(frozen=True)
class Descent(Study):
    name, title, record = "descent", "Does descent on a parabola diverge above step size 2?", Row

    def conditions(self) -> list[Condition]:
        return [descent(eta, seed) for eta in (1.0, 1.9) for seed in range(3)]

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        yield from ()
        return "steps"

    @classmethod
    def label(cls, settings: Mapping[str, Any]) -> str:
        return f"{settings['word']} eta={settings['step_size']} seed {settings['seed']}"

    @classmethod
    def claims(cls) -> list[Claim]:
        return [Claim("T1", "Below step size 2 the loss falls.", "loss, last over first", None, _falls)]

    @classmethod
    def figures(cls, runs: Sequence[Run]) -> Sequence[Figure]:
        lines = [Line(f"seed {run.settings['seed']}", run["step"], run["loss"], f"{run.settings['step_size']}") for run in runs]
        return (Figure("loss", "Loss along the run", "Every step.", [Panel("Loss", "step", "loss", lines)]),)


def _falls(runs: Sequence[Run]) -> list[Finding]:
    found = []
    for eta in sorted({run.settings["step_size"] for run in runs}):
        mine = [run for run in runs if run.settings["step_size"] == eta]
        ratios = {run.settings["seed"]: float(run["loss"][-1] / run["loss"][0]) for run in mine}
        found.append(finding(f"eta {eta}", Region(high=1), ratios, conditions=[run.id for run in mine]))
    return found


study = Descent()
REFERENCE = f"{Path(__file__).resolve()}:study"


def descent(step_size: float, seed: int, word: str = "plain") -> Condition:
    return study.condition(step_size=step_size, seed=seed, word=word)


def rows(step_size: float, seed: int, steps: int = 20) -> list[Row]:
    """Descent from 1 + seed on x^2 / 2; the sharpness is read at every fifth step."""
    found, w = [], 1.0 + seed
    for step in range(steps):
        loss = 0.5 * w * w if abs(w) < 1e100 else math.inf
        found.append(Row(step, step * step_size, loss, 2 / step_size, 1.0 + 0.01 * step if step % 5 == 0 else None))
        w -= step_size * w if abs(w) < 1e100 else math.nan
    return found


def keeper(store: Store, condition: Condition, reference: str = REFERENCE) -> Keeper:
    made = {"study": condition.study, "reference": reference, "protocol": 1, "settings": dict(condition.settings)}
    kept = Keeper(store, condition.id, Row, made)
    kept.begin({"genlab": "0", "device": "cpu", "processor": "a test's"})
    kept.note({"data": "a parabola"})
    return kept


def finished(store: Store, step_size: float, seed: int, *, word: str = "plain", ending: str = "steps", steps: int = 20) -> str:
    """A condition that ran to its end; its id."""
    condition = descent(step_size, seed, word)
    kept = keeper(store, condition)
    kept.add(rows(step_size, seed, steps))
    kept.finish(ending)
    return condition.id


def running(store: Store, step_size: float, seed: int, steps: int) -> Keeper:
    """A condition with a checkpoint after so many steps."""
    kept = keeper(store, descent(step_size, seed))
    kept.add(rows(step_size, seed, steps))
    kept.checkpoint(Snapshot({"w": np.ones(1)}, {"step": steps}))
    return kept


def failed(store: Store, step_size: float, seed: int) -> str:
    condition = descent(step_size, seed)
    kept = keeper(store, condition)
    try:
        raise RuntimeError(f"out of luck {HOSTILE}")
    except RuntimeError as error:
        kept.fail(error)
    return condition.id


def store_in(folder: Path) -> Store:
    """Three seeds of two step sizes, one that diverged, one that failed."""
    store = Store(folder / "store")
    store.prepare()
    for eta in (1.0, 1.9):
        for seed in range(3):
            finished(store, eta, seed)
    finished(store, 2.5, 0, ending="diverged", steps=700)
    failed(store, 3.0, 0)
    return store
