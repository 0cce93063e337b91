"""A bundle's records, copy by copy: what claims, tables and figures are made of."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genlab.results.runs import Run
from genlab.studies.bundles.plan import way

UNEQUAL = 2.0  # training losses further apart than this factor are unequal (our assumption)


@dataclass(frozen=True)
class Trained:
    """One copy's records.

    Attributes:
        id: of its condition.
        settings: of its condition, with ``step_size``, ``strength`` and ``seed`` of its own.
        columns: its rows.
    """

    id: str
    settings: Mapping[str, Any]
    columns: Mapping[str, NDArray[Any]]

    @property
    def seed(self) -> int:
        return int(self.settings["seed"])

    @property
    def ending(self) -> str:
        """How it ended: "goal", "steps" or "diverged"."""
        return str(self.columns["ending"][-1])

    @property
    def reached(self) -> bool:
        """Whether it reached the goal, or had none and did not diverge."""
        goals = (self.settings.get("goal_loss"), self.settings.get("goal_accuracy"))
        return self.ending == "goal" or (self.ending == "steps" and all(goal is None for goal in goals))

    def last(self, name: str) -> float:
        """A column in its last record; NaN where it was not measured."""
        value = self.columns[name][-1]
        return math.nan if value is None else float(value)

    def series(self, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """Steps and values where a column was measured."""
        values = self.columns[name]
        known = ~np.isnan(values)
        return self.columns["step"][known], values[known]

    def quality(self, name: str = "test", *, row: int = -1) -> float:
        """How well it generalizes: accuracy over a set; of a regression -log10 of the loss there. More is better."""
        accuracy, loss = (self.columns[f"{name}_{kind}"][row] for kind in ("accuracy", "loss"))
        if accuracy is not None and not math.isnan(accuracy):
            return float(accuracy)
        return math.nan if loss is None or math.isnan(loss) else -math.log10(max(float(loss), 1e-30))

    @property
    def best_row(self) -> int:
        """The record at which it generalizes best on the *validation* set; the last one without such a set."""
        found = [self.quality("validation", row=row) for row in range(len(self.columns["step"]))]
        known = [row for row, value in enumerate(found) if math.isfinite(value)]
        return max(known, key=lambda row: found[row]) if known else -1


def trained(runs: Sequence[Run]) -> list[Trained]:
    """Every copy of every run."""
    found = []
    for run in runs:
        keys = list(zip(run["step_size"].tolist(), run["strength"].tolist(), run["seed"].tolist(), strict=True))
        rows: dict[tuple[float, float, int], list[int]] = {}
        for row, key in enumerate(keys):
            rows.setdefault(key, []).append(row)
        for (step_size, strength, seed), where in rows.items():
            settings = {**run.settings, "step_size": step_size, "strength": strength, "seed": int(seed)}
            found.append(Trained(run.id, settings, {name: column[where] for name, column in run.columns.items()}))
    return found


class Way(NamedTuple):
    """How copies train: what one line of a figure shares."""

    method: str
    batch: int
    microbatch: int
    donor: str = ""

    def __str__(self) -> str:
        words = way({"method": self.method, "batch_size": self.batch, "microbatch": self.microbatch})
        return f"{words} {self.donor}" if self.donor else words


class Point(NamedTuple):
    """Where on the grid of a way."""

    step_size: float
    strength: float


Seeds = dict[int, Trained]  # by seed
Grid = dict[Point, Seeds]


def task(copy: Trained) -> str:
    """Data, network, loss, goal and what else must be alike: only copies of one task can be compared."""
    settings = copy.settings
    other = (" augmented" if settings.get("augment") else "") + (" float64" if settings["precision"] == "float64" else "")
    return f"{settings['data']}{other} {settings['network']} {settings['loss']}{goal(settings)}"


def goal(settings: Mapping[str, Any]) -> str:
    """Where training ends, in words; empty where only the steps end it."""
    loss, accuracy = settings.get("goal_loss"), settings.get("goal_accuracy")
    words = [f"loss {loss:g}" if loss is not None else "", f"accuracy {accuracy:g}" if accuracy is not None else ""]
    return f" to {' or '.join(filter(None, words))}" if any(words) else ""


def tasks(copies: Sequence[Trained]) -> dict[str, dict[Way, Grid]]:
    """By task, then by way of training, then by point of the grid; all in rising order."""
    found: dict[str, dict[Way, Grid]] = {}
    for each in sorted(copies, key=lambda each: (task(each), _way(each), each.settings["step_size"], each.settings["strength"])):
        grid = found.setdefault(task(each), {}).setdefault(_way(each), {})
        point = Point(each.settings["step_size"], each.settings["strength"])
        grid.setdefault(point, {})[each.seed] = each
    return found


def _way(copy: Trained) -> Way:
    settings = copy.settings
    lent = f"of batch={settings['donor_batch']} eta={settings['donor_step_size']:g}" if settings.get("donor_step_size") else ""
    return Way(settings["method"], settings["batch_size"], settings["microbatch"] or 0, lent)


def chosen(grid: Grid, *, of: Callable[[Trained], float] = lambda each: each.quality("validation")) -> Point | None:
    """The point whose mean over seeds generalizes best on the *validation* set; None where no point has all of its seeds.

    Seeds that diverged make a point not eligible: a step size that only some survive is not one to recommend.
    """
    whole = max((len(copies) for copies in grid.values()), default=0)
    scored = {
        point: mean(copies, of)
        for point, copies in grid.items()
        if len(copies) == whole and all(each.ending != "diverged" for each in copies.values())
    }
    known = {point: value for point, value in scored.items() if math.isfinite(value)}
    return max(known, key=lambda point: known[point]) if known else None


def mean(copies: Mapping[int, Trained], of: Callable[[Trained], float]) -> float:
    """Mean over the copies for which it is a number; NaN of none."""
    values = [value for each in copies.values() if math.isfinite(value := of(each))]
    return math.fsum(values) / len(values) if values else math.nan


def fates(copies: Sequence[Trained]) -> str:
    """Those that did not get to their goal, counted; empty if all did."""
    lost = [each.ending for each in copies if not each.reached]
    words = {"diverged": "diverged", "steps": "did not reach the goal"}
    return ", ".join(f"{lost.count(ending)} of {len(copies)} {words[ending]}" for ending in dict.fromkeys(lost))


def unequal(groups: Mapping[str, Sequence[Trained]], loss: Callable[[Trained], float] | None = None) -> str:
    """A flag for a comparison of groups whose mean training losses differ by more than a factor of two; else empty.

    The losses are those at the last record, unless ``loss`` says otherwise: copies overshoot a goal between two looks at it.
    """
    value = loss or (lambda copy: copy.last("training_loss"))
    means = {name: found for name, copies in groups.items() if math.isfinite(found := mean(dict(enumerate(copies)), value))}
    if len(means) < 2 or max(means.values()) <= UNEQUAL * min(means.values()):
        return ""
    least, most = min(means, key=lambda name: means[name]), max(means, key=lambda name: means[name])
    return f"unequal training loss: {means[most]:.3g} ({most}) against {means[least]:.3g} ({least})"


def noted(groups: Mapping[str, Sequence[Trained]], loss: Callable[[Trained], float] | None = None) -> str:
    """What a reader of a comparison must know: copies that did not get to their goal, and unequal training losses."""
    every = [copy for copies in groups.values() for copy in copies]
    return "; ".join(filter(None, (fates(every), unequal(groups, loss))))


def by_point(grid: Grid) -> dict[str, list[Trained]]:
    """The copies of each point, by its name, for ``noted``."""
    return {
        f"eta={point.step_size:g}" + (f" strength={point.strength:g}" if point.strength else ""): list(copies.values())
        for point, copies in grid.items()
    }
