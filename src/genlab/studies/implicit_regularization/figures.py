"""The study's figures, from its records."""

import math
from collections.abc import Sequence

import numpy as np

from genlab.results.figures import Bars, Figure, Line, Panel, Rule
from genlab.results.runs import Run
from genlab.studies.bundles.copies import Trained
from genlab.studies.bundles.drawing import line, over_seeds
from genlab.studies.implicit_regularization.arms import Arm, Task, all_tasks, tested
from genlab.studies.implicit_regularization.effects import swept

ACCURACY, RISK = "test accuracy", "-log10 of the test loss"
ERROR = "Means over seeds that did not diverge, with Student-t 95% intervals."


def figures(runs: Sequence[Run]) -> Sequence[Figure]:
    """Every figure that the runs can fill."""
    tasks = all_tasks(runs)
    made = [
        Figure(
            "arms",
            "Generalization by arm",
            "SB and LB: plain descent with a small and a large batch. All others are on the large batch; the number is the "
            f"micro-batch. Each at the step size and strength that are best on validation data. {ERROR}",
            [_arms(task) for task in tasks],
        ),
        Figure(
            "gradient-norms",
            "Micro-batch gradient norms along the runs",
            "Mean squared norm of the gradients of micro-batches as large as the small batch, one line an arm, mean over seeds "
            "(geometric).",
            [panel for task in tasks for panel in _norms(task)],
        ),
        Figure(
            "micro-batches",
            "Generalization against the size of micro-batches",
            "Solid: one strength for all sizes. Dashed: it grows with the size. Step size and strength are those chosen at the "
            f"smallest size. {ERROR}",
            [panel for task in tasks for panel in _sizes(task)],
        ),
    ]
    return [figure for figure in made if figure.panels]


def _measure_of(task: Task) -> str:
    return RISK if " mse" in task.name else ACCURACY


def named(task: Task) -> dict[str, Arm]:
    """SB, LB and the others, by name."""
    return {"SB": task.small, "LB": task.large, **{arm.name: arm for arm in task.others}}


def _arms(task: Task) -> Panel:
    arms = named(task)
    found = [over_seeds(list(arm.copies.values()), tested) for arm in arms.values()]
    y, low, high, n = (
        np.array([math.nan if each is None else getattr(each, name) for each in found]) for name in ("centre", "low", "high", "n")
    )
    return Panel(task.name, "arm", _measure_of(task), bars=[Bars("generalization", tuple(arms), y, low=low, high=high, n=n)])


def _norms(task: Task) -> list[Panel]:
    shown = {"SB": task.small, "LB": task.large, **{arm.name: arm for arm in task.first("gn", "ft", "aj", "uj", "l2")}}
    lines = [each for name, arm in shown.items() for each in _course(name, list(arm.copies.values()))]
    return [Panel(task.name, "step", "mean |g_M|^2", lines, log_y=True)] if lines else []


def _course(name: str, copies: Sequence[Trained]) -> list[Line]:
    """The geometric mean over the copies that have come to a step."""
    by_step: dict[int, list[float]] = {}
    for copy in copies:
        for step, value in zip(*(each.tolist() for each in copy.series("microbatch_square")), strict=True):
            if value > 0:
                by_step.setdefault(int(step), []).append(math.log(value))
    steps = [step for step in sorted(by_step) if 2 * len(by_step[step]) >= len(copies)]
    if not steps:
        return []
    values = np.array([math.exp(math.fsum(by_step[step]) / len(by_step[step])) for step in steps])
    counts = np.array([len(by_step[step]) for step in steps], float)
    return [Line(name, np.array(steps, float), values, group=name, n=counts)]


def _sizes(task: Task) -> list[Panel]:
    lines = []
    for method in ("gn", "ft"):
        arms = task.named(method)
        if len(arms) < 2 or arms[0].point is None:
            continue
        for rescaled, what in ((False, "one strength"), (True, "strength times size")):
            points = {math.log10(size): list(each.values()) for size, (_, each) in swept(arms, rescaled=rescaled).items()}
            lines += line(f"{method.upper()}, {what}", points, tested, dashed=rescaled)
    if not lines:
        return []
    rules = [
        Rule(each.centre, name, name)
        for name, arm in (("SB", task.small), ("LB", task.large))
        if (each := over_seeds(list(arm.copies.values()), tested))
    ]
    return [Panel(task.name, "log10 of the micro-batch size", _measure_of(task), lines, rules)]
