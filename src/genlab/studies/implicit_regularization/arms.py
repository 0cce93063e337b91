"""Arms: ways to train a large batch, each at the step size and strength that validation data choose."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from genlab import chance
from genlab.intervals import Interval, percentiles, resampled_sums, student_t
from genlab.results.runs import Run
from genlab.studies.bundles.copies import Grid, Point, Seeds, Trained, Way, chosen, tasks, trained
from genlab.studies.bundles.plan import METHODS

EARLY = 0.25  # of the steps: what "early in training" means (our assumption)


def validated(copy: Trained) -> float:
    """Generalization on the validation set at the record that is best there."""
    return copy.quality("validation", row=copy.best_row)


def tested(copy: Trained) -> float:
    """Generalization on the test set at that record: the protocol of the paper's code, with the sets the right way round."""
    return copy.quality("test", row=copy.best_row) if copy.ending != "diverged" else math.nan


@dataclass(frozen=True)
class Arm:
    """One way to train, as chosen.

    Attributes:
        way: method, batch, micro-batch.
        grid: everything that was tried.
        point: the chosen step size and strength; None where nothing trained.
    """

    way: Way
    grid: Grid
    point: Point | None

    @property
    def name(self) -> str:
        """GN 10 for a penalty on micro-batches of 10."""
        micro = f" {self.way.microbatch}" if self.way.microbatch else ""
        return f"{METHODS[self.way.method]}{micro}"

    @property
    def copies(self) -> Seeds:
        """By seed, at the chosen point."""
        return self.grid[self.point] if self.point else {}


@dataclass(frozen=True)
class Task:
    """The arms of one task: small batch, large batch, and the others on the large batch."""

    name: str
    small: Arm
    large: Arm
    others: tuple[Arm, ...] = field(default_factory=tuple)

    def named(self, *methods: str) -> list[Arm]:
        """The other arms of some methods; of one method those with the smallest micro-batch first."""
        return [arm for arm in self.others if arm.way.method in methods]

    def first(self, *methods: str) -> list[Arm]:
        """Of each method the arm with the smallest micro-batch."""
        found: dict[str, Arm] = {}
        for arm in self.named(*methods):
            found.setdefault(arm.way.method, arm)
        return list(found.values())


def all_tasks(runs: Sequence[Run]) -> list[Task]:
    """Tasks with a small and a large batch."""
    found = []
    for name, ways in tasks(trained(runs)).items():
        plain = sorted(way for way in ways if way.method == "sgd")
        if len(plain) < 2:
            continue
        small, large = plain[0], plain[-1]
        order = list(METHODS)
        others = sorted(
            (way for way in ways if way.method != "sgd" and way.batch == large.batch),
            key=lambda way: (order.index(way.method), way.microbatch),
        )
        found.append(Task(name, arm(small, ways[small]), arm(large, ways[large]), tuple(arm(way, ways[way]) for way in others)))
    return found


def arm(way: Way, grid: Grid) -> Arm:
    """A way at the point that validation data choose."""
    return Arm(way, grid, chosen(grid, of=validated))


def differences(one: Arm, other: Arm, value: Callable[[Trained], float] = tested) -> dict[int, float]:
    """By seed."""
    return {seed: value(copy) - value(other.copies[seed]) for seed, copy in one.copies.items() if seed in other.copies}


def gap(task: Task) -> Interval | None:
    """How much better the small batch generalizes; None with fewer than two seeds."""
    values = [value for value in differences(task.small, task.large).values() if math.isfinite(value)]
    return student_t(values) if len(values) > 1 else None


def share(task: Task, arm: Arm, other: Arm | None = None) -> Interval | None:
    """The share of the gap that an arm closes, or by which it closes more than another: a ratio of means over seeds.

    With a bootstrap over seeds, keyed. None where there are fewer than two seeds in common, or the gap is zero.
    """
    gaps, closed = differences(task.small, task.large), differences(arm, other or task.large)
    seeds = [seed for seed in sorted(gaps) if seed in closed and math.isfinite(gaps[seed]) and math.isfinite(closed[seed])]
    if len(seeds) < 2 or math.fsum(gaps[seed] for seed in seeds) == 0:
        return None
    rows = np.array([[closed[seed], gaps[seed]] for seed in seeds])
    sums = resampled_sums(rows, random=chance.numpy("share of the gap", task.name, arm.name))
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = sums[:, 0] / sums[:, 1]
    draws = draws[np.isfinite(draws)]
    centre = float(rows[:, 0].sum() / rows[:, 1].sum())
    low, high = percentiles(draws, len(seeds))
    return Interval(centre, min(low, centre), max(high, centre), len(seeds))


def apart(arm: Arm, from_: Arm, column: str = "microbatch_square") -> dict[int, float]:
    """Mean over the early records of |log of the ratio| of a column between two arms, by seed."""
    return {seed: _mean(np.abs(logs)) for seed, logs in _logs(arm, from_, column).items()}


def ratio(arm: Arm, to: Arm, column: str) -> dict[int, float]:
    """The geometric mean over the early records of the ratio of a column between two arms, by seed."""
    return {seed: math.exp(_mean(logs)) for seed, logs in _logs(arm, to, column).items()}


def _logs(one: Arm, other: Arm, column: str) -> dict[int, NDArray[np.float64]]:
    found = {}
    for seed, copy in one.copies.items():
        if seed not in other.copies:
            continue
        (steps, values), (others, beside) = copy.series(column), other.copies[seed].series(column)
        until = EARLY * min(float(steps[-1]), float(others[-1])) if len(steps) and len(others) else 0.0
        shared = [step for step in steps.tolist() if step in set(others.tolist()) and 0 < step <= until]
        a = values[np.isin(steps, shared)]
        b = beside[np.isin(others, shared)]
        with np.errstate(divide="ignore", invalid="ignore"):
            found[seed] = np.log(a / b)
    return found


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) and np.isfinite(values).all() else math.nan
