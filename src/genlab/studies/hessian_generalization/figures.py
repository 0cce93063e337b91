"""The study's figures, from its records."""

import math
from collections.abc import Sequence

from genlab.results.figures import Figure, Panel
from genlab.results.runs import Run
from genlab.studies.bundles.copies import Grid, Point, Way, tasks, trained
from genlab.studies.bundles.drawing import ERROR, along, line, path
from genlab.studies.hessian_generalization.effects import quality, sharpness, trains
from genlab.studies.hessian_generalization.networks import dropouts

ACCURACY, RISK = "test accuracy", "-log10 of the test loss"


def figures(runs: Sequence[Run]) -> Sequence[Figure]:
    """Every figure that the runs can fill."""
    every_task = tasks(trained(runs))
    made = [
        Figure(
            "accuracy-sharpness",
            "Generalization against lambda_max",
            "Each point is a setting, each line a sweep of step sizes or of SAM's rho with one batch size, from small to large. "
            f"Largest Hessian eigenvalue of the training loss at each copy's last iterate. {ERROR}",
            [_together(name, ways) for name, ways in every_task.items() if len(ways) > 1],
        ),
        Figure(
            "step-size",
            "lambda_max and generalization against the step size",
            f"Plain descent, one line a batch size. {ERROR}",
            [panel for name, ways in every_task.items() for panel in _over_steps(name, ways)],
        ),
        Figure(
            "sam",
            "lambda_max and generalization against SAM's rho",
            f"One line a batch and step size; rho = 0 is plain descent. {ERROR}",
            [panel for name, ways in every_task.items() for panel in _over_radius(name, ways)],
        ),
        Figure(
            "along",
            "lambda_max along training",
            "Of plain descent, where it was measured on the way. Means over the seeds that still train there (half of them at "
            "least), with Student-t 95% intervals.",
            [panel for name, ways in every_task.items() for panel in _along(name, ways)],
        ),
        Figure("dropout", "lambda_max and test accuracy against dropout", ERROR, _over_dropout(runs)),
    ]
    return [figure for figure in made if any(panel.lines for panel in figure.panels)]


def _measure_of(name: str) -> str:
    return RISK if " mse" in name else ACCURACY


def _together(name: str, ways: dict[Way, Grid]) -> Panel:
    lines = [
        each
        for way, grid in ways.items()
        for sweep, points in _sweeps(way, grid).items()
        for each in path(sweep, [list(grid[point].values()) for point in points], sharpness, quality)
    ]
    return Panel(name, "lambda_max", _measure_of(name), lines)


def _sweeps(way: Way, grid: Grid) -> dict[str, list[Point]]:
    """Points of a grid by what is swept: step sizes of plain descent, rho of SAM at one step size."""
    points = trains(grid)
    if way.method == "sgd":
        return {f"{way}": points}
    sizes = dict.fromkeys(point.step_size for point in points)
    return {f"{way} eta={size:g}": [point for point in points if point.step_size == size] for size in sizes}


def _over_steps(name: str, ways: dict[Way, Grid]) -> list[Panel]:
    swept = {way.batch: grid for way, grid in ways.items() if way.method == "sgd" and len(grid) > 2}
    panels = []
    for words, value in (("lambda_max", sharpness), (_measure_of(name), quality)):
        lines = [
            each
            for batch, grid in swept.items()
            for each in line(
                f"batch={batch}",
                {math.log10(point.step_size): list(copies.values()) for point, copies in grid.items()},
                value,
            )
        ]
        panels.append(Panel(name, "log10 of the step size", words, lines))
    return panels if swept else []


def _over_radius(name: str, ways: dict[Way, Grid]) -> list[Panel]:
    swept = {}
    for way, grid in ways.items():
        if way.method == "sam":
            for size in dict.fromkeys(point.step_size for point in grid):
                points = {point.strength: list(copies.values()) for point, copies in grid.items() if point.step_size == size}
                swept[f"batch={way.batch} eta={size:g}"] = points
    panels = []
    for words, value in (("lambda_max", sharpness), (_measure_of(name), quality)):
        lines = [each for label, points in swept.items() for each in line(label, points, value)]
        panels.append(Panel(name, "rho", words, lines))
    return panels if swept else []


def _along(name: str, ways: dict[Way, Grid]) -> list[Panel]:
    lines = [
        each
        for way, grid in ways.items()
        for point, copies in grid.items()
        for each in along(f"{way} eta={point.step_size:g}", list(copies.values()), "sharpness")
        if way.method == "sgd"
    ]
    return [Panel(name, "step", "lambda_max", lines)] if lines else []


def _over_dropout(runs: Sequence[Run]) -> list[Panel]:
    panels = []
    for name, by_p in dropouts(runs).items():
        points = {p: list(copies.values()) for p, copies in by_p.items()}
        for words, value in (("lambda_max", sharpness), (ACCURACY, quality)):
            panels.append(Panel(name, "probability of dropout", words, line(name, points, value)))
    return panels
