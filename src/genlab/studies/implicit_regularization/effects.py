"""From arms to effects."""

import math
from collections.abc import Callable, Mapping, Sequence

from genlab.intervals import Interval
from genlab.results.claims import Finding, Region, finding, judged, not_measured
from genlab.results.runs import Run
from genlab.studies.bundles.copies import Grid, Point, Seeds, noted
from genlab.studies.implicit_regularization.arms import (
    Arm,
    Task,
    all_tasks,
    apart,
    differences,
    gap,
    ratio,
    share,
    tested,
)

Measure = Callable[[Sequence[Run]], Sequence[Finding]]


def ids(*arms: Arm) -> tuple[str, ...]:
    """Conditions that were used."""
    return tuple(dict.fromkeys(copy.id for arm in arms for copies in arm.grid.values() for copy in copies.values()))


def notes(**arms: Arm) -> str:
    """Lost copies, and a flag where the arms' training losses are unequal."""
    groups = {name.replace("_", " "): list(arm.copies.values()) for name, arm in arms.items()}
    return noted(groups, lambda copy: float(copy.columns["training_loss"][copy.best_row]))


def written(arm: Arm) -> str:
    """An arm with what was chosen for it."""
    if arm.point is None:
        return arm.name
    strength = f" lambda={arm.point.strength:g}" if arm.point.strength else ""
    return f"{arm.name} (eta={arm.point.step_size:g}{strength})"


def small_generalizes_better(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """The gap: small batch minus large batch, both tuned."""
    found = []
    for task in all_tasks(runs):
        small, large = task.small, task.large
        setting = f"{task.name} batch={small.way.batch} {written(small)} against batch={large.way.batch} {written(large)}"
        values = differences(small, large)
        if not values:
            found.append(not_measured(setting, expected, _unchosen(small, large) or "no seed in common"))
            continue
        found.append(
            finding(setting, expected, values, conditions=ids(small, large), note=notes(small_batch=small, large_batch=large))
        )
    return found


def closes(expected: Region, *methods: str, where: Callable[[str], bool] = lambda task: True) -> Measure:
    """The share of the gap that each arm of some methods closes."""

    def measure(runs: Sequence[Run]) -> Sequence[Finding]:
        found = []
        for task in filter(lambda task: where(task.name), all_tasks(runs)):
            for arm in task.first(*methods):
                setting = f"{task.name} {written(arm)}"
                found.append(_share(task, arm, setting, expected))
        return found

    return measure


def beats_the_control(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """The share of the gap by which GN and FT each close more than L2."""
    found = []
    for task in all_tasks(runs):
        controls = task.first("l2")
        for arm in task.first("gn", "ft") if controls else []:
            found.append(_share(task, arm, f"{task.name} {written(arm)} over {written(controls[0])}", expected, controls[0]))
    return found


def _unchosen(*arms: Arm) -> str:
    """Why an arm has no step size and strength, if one has none."""
    missing = [arm.name for arm in arms if arm.point is None]
    return f"{missing[0]}: no validation set to choose by, or a seed diverged at every point" if missing else ""


def _share(task: Task, arm: Arm, setting: str, expected: Region, other: Arm | None = None) -> Finding:
    conditions = ids(task.small, task.large, arm, *([other] if other else []))
    if why := _unchosen(task.small, task.large, arm, *([other] if other else [])):
        return not_measured(setting, expected, why, conditions=conditions)
    between, closed = gap(task), share(task, arm, other)
    if between is not None and between.low <= 0:
        why = f"no gap to close: small minus large batch is {between}"
        return not_measured(setting, expected, why, conditions=conditions)
    if between is None or closed is None:
        return not_measured(setting, expected, "fewer than two seeds trained in each arm", conditions=conditions)
    if not all(map(math.isfinite, (closed.low, closed.high))):
        return not_measured(setting, expected, f"the gap {between} is too uncertain to divide by", conditions=conditions)
    named = {"small_batch": task.small, "large_batch": task.large, "arm": arm} | ({"control": other} if other else {})
    note = notes(**named)
    return judged(setting, expected, closed, conditions=conditions, note=note)


def early_norms(expected: Region, *methods: str) -> Measure:
    """How far each arm's micro-batch gradient norms are from the small batch's, over how far the large batch's are."""

    def measure(runs: Sequence[Run]) -> Sequence[Finding]:
        found = []
        for task in all_tasks(runs):
            plain = apart(task.large, task.small)
            for arm in task.first(*methods):
                own = apart(arm, task.small)
                values = {seed: own[seed] / plain[seed] for seed in own if plain.get(seed)}
                conditions = ids(task.small, task.large, arm)
                if not any(map(math.isfinite, values.values())):
                    why = "no records of gradient norms at equal steps early in training"
                    found.append(not_measured(f"{task.name} {written(arm)}", expected, why, conditions=conditions))
                    continue
                note = notes(small_batch=task.small, large_batch=task.large, arm=arm)
                found.append(finding(f"{task.name} {written(arm)}", expected, values, conditions=conditions, note=note))
        return found

    return measure


def sweep(expected: Region, *, rescaled: bool) -> Measure:
    """Generalization with the smallest micro-batch minus that with the largest, at one strength, or at one over the size.

    Step size and strength are those chosen at the smallest micro-batch; at the others the same, or the strength times the ratio
    of sizes, wherever the grid has it.
    """

    def measure(runs: Sequence[Run]) -> Sequence[Finding]:
        found = []
        for task in all_tasks(runs):
            for method in ("gn", "ft"):
                arms = task.named(method)
                setting = f"{task.name} {arms[0].name if arms else method.upper()}"
                if len(arms) < 2 or arms[0].point is None:
                    if arms:
                        found.append(not_measured(setting, expected, _unchosen(arms[0]) or "one micro-batch size only"))
                    continue
                values, words = _swept(arms, rescaled=rescaled)
                if not values:
                    found.append(not_measured(setting, expected, "the grid has no such strength at a larger micro-batch"))
                    continue
                sizes = swept(arms, rescaled=rescaled)
                note = noted({f"micro-batch {size}": list(copies.values()) for size, (_, copies) in sizes.items()})
                found.append(finding(f"{task.name} {words}", expected, values, conditions=ids(*arms), note=note))
        return found

    return measure


def swept(arms: Sequence[Arm], *, rescaled: bool) -> dict[int, tuple[Point, Seeds]]:
    """By micro-batch size: the copies at the smallest one's step size and its strength, or that times the ratio of sizes."""
    first = arms[0]
    assert first.point is not None
    found = {}
    for arm in arms:
        factor = arm.way.microbatch / first.way.microbatch if rescaled else 1.0
        point = _near(arm.grid, Point(first.point.step_size, first.point.strength * factor))
        if point is not None:
            found[arm.way.microbatch] = (point, arm.grid[point])
    return found


def _swept(arms: Sequence[Arm], *, rescaled: bool) -> tuple[Mapping[int, float], str]:
    known = swept(arms, rescaled=rescaled)
    small, large = min(known), max(known)
    if small == large:
        return {}, ""
    (point, few), (other, many) = known[small], known[large]
    values = {seed: tested(copy) - tested(many[seed]) for seed, copy in few.items() if seed in many}
    strength = f"lambda={point.strength:g}" if not rescaled else f"lambda={point.strength:g} against {other.strength:g}"
    return values, f"{arms[0].name} against {large}, eta={point.step_size:g} {strength}"


def _near(grid: Grid, wanted: Point) -> Point | None:
    for point in grid:
        if all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(point, wanted, strict=True)):
            return point
    return None


def flips(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """The share of the gap that iterative grafting closes on CIFAR-10 minus that on CIFAR-100, by networks that both have."""
    by_network: dict[str, dict[str, Task]] = {}
    for task in all_tasks(runs):
        data, network, *_ = task.name.split()
        for name in ("cifar100", "cifar10"):
            if data.startswith(name):
                by_network.setdefault(network, {}).setdefault(name, task)
                break
    found = []
    for network, tasks in by_network.items():
        if len(tasks) < 2:
            found.append(not_measured(network, expected, f"{next(iter(tasks))} only"))
            continue
        grafted = {name: task.first("iterative") for name, task in tasks.items()}
        if not all(grafted.values()):
            found.append(not_measured(network, expected, "no iterative grafting on both"))
            continue
        arms = [arm for name, task in tasks.items() for arm in (task.small, task.large, grafted[name][0])]
        gaps = {name: gap(task) for name, task in tasks.items()}
        if any(each is None or each.low <= 0 for each in gaps.values()):
            found.append(not_measured(network, expected, "no gap to close on one of them", conditions=ids(*arms)))
            continue
        ten, hundred = (share(tasks[name], grafted[name][0]) for name in ("cifar10", "cifar100"))
        if ten is None or hundred is None:
            found.append(not_measured(network, expected, "fewer than two seeds trained in each arm", conditions=ids(*arms)))
            continue
        centre = ten.centre - hundred.centre  # the two are independent: their half-widths add as squares do
        low = centre - math.hypot(ten.centre - ten.low, hundred.high - hundred.centre)
        high = centre + math.hypot(ten.high - ten.centre, hundred.centre - hundred.low)
        interval = Interval(centre, low, high, min(ten.n, hundred.n))
        found.append(judged(f"{network} iterative grafting", expected, interval, conditions=ids(*arms)))
    return found


def lowered(expected: Region, column: str, *, early: bool) -> Measure:
    """A column of GN's arm over the large batch's: early in training, or at the last iterate."""

    def measure(runs: Sequence[Run]) -> Sequence[Finding]:
        found = []
        for task in all_tasks(runs):
            for arm in task.first("gn"):
                if early:
                    values = ratio(arm, task.large, column)
                else:
                    values = {
                        seed: copy.last(column) / task.large.copies[seed].last(column)
                        for seed, copy in arm.copies.items()
                        if seed in task.large.copies and task.large.copies[seed].last(column)
                    }
                note = notes(GN=arm, large_batch=task.large)
                found.append(finding(f"{task.name} {written(arm)}", expected, values, conditions=ids(task.large, arm), note=note))
        return found

    return measure
