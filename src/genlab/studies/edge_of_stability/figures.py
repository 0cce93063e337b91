"""The study's figures, from its records."""

from collections.abc import Callable, Sequence

import numpy as np

from genlab.results.figures import Array, Figure, Line, Panel, Rule
from genlab.results.runs import Run
from genlab.studies.edge_of_stability.study import eta

MOMENTS = 60  # steps shown before the freezing of the quadratic


def figures(runs: Sequence[Run]) -> Sequence[Figure]:
    """Every figure that the runs can fill."""
    ordered = sorted(
        runs, key=lambda run: (run.settings["data"], run.settings["network"], -run.settings["step_size"], run.settings["seed"])
    )

    def chosen(**wanted: object) -> list[Run]:
        return [run for run in ordered if all(run.settings[name] == value for name, value in wanted.items())]

    descents, entropy = chosen(update="gd", loss="mse"), chosen(update="gd", loss="ce")
    momentum = chosen(update="polyak") + chosen(update="nesterov")
    flows, quadratics = chosen(beside="flow"), chosen(beside="quadratic")
    made = [
        Figure(
            "sharpness",
            "Sharpness, and 2/eta",
            "Largest Hessian eigenvalue of the training loss along full-batch gradient descent with mean squared error, one line "
            "a seed. Dashed: 2/eta, above which descent on a quadratic would diverge.",
            _panels(descents, _sharpness),
        ),
        Figure(
            "loss",
            "Training loss",
            "Training loss of the same runs, at every step.",
            _panels(descents, _loss, log_y=True, y_label="training loss", rules=False),
        ),
        Figure(
            "flow",
            "Descent and gradient flow",
            "Top: sharpness of descent (solid) and of gradient flow from the same start (dashed) at equal times, step times eta. "
            "Bottom: distance between the two in weights.",
            [
                *_panels(flows, _overlay, x_label="time"),
                *_panels(flows, _apart, x_label="time", log_y=True, y_label="distance", rules=False),
            ],
        ),
        Figure(
            "momentum",
            "Sharpness with momentum, and its thresholds",
            "Sharpness under Polyak and Nesterov momentum. Dashed: (2 + 2 beta)/eta and (2 + 2 beta)/(eta (1 + 2 beta)).",
            _panels(momentum, _sharpness),
        ),
        Figure(
            "cross-entropy",
            "Sharpness with cross-entropy, and 2/eta",
            "Sharpness along gradient descent with cross-entropy, down to the loss goal.",
            _panels(entropy, _sharpness),
        ),
        Figure(
            "quadratic",
            "The network and the frozen quadratic",
            "Training loss (solid), and that of gradient descent on the second-order Taylor expansion frozen at an iterate at "
            "the edge (dashed), both from that iterate, cut at 10^6 times where it was frozen. A quadratic that falls off the "
            "axis runs to minus infinity.",
            _panels(quadratics, _frozen, log_y=True, y_label="loss", rules=False, x_label="step since freezing"),
        ),
    ]
    return [figure for figure in made if figure.panels]


def _group(run: Run) -> str:
    update = run.settings["update"]
    name = "" if update == "gd" else f"{update}({run.settings['momentum']:g}) "
    return f"{name}eta = {eta(run.settings['step_size'])}"


def _panels(
    runs: Sequence[Run],
    lines: Callable[[Run], Sequence[Line]],
    *,
    x_label: str = "step",
    y_label: str = "sharpness",
    log_y: bool = False,
    rules: bool = True,
) -> list[Panel]:
    """One panel a data set and network."""
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(f"{run.settings['data']}, {run.settings['network']}, {run.settings['loss']}", []).append(run)
    panels = []
    for title, group in grouped.items():
        thresholds = {_group(run): float(run["threshold"][0]) for run in group}
        names = {each: f"{value:.4g}" for each, value in thresholds.items()}
        marks = [Rule(value, names[each], each) for each, value in thresholds.items()] if rules else []
        panels.append(Panel(title, x_label, y_label, [line for run in group for line in lines(run)], marks, log_y))
    return panels


def _line(run: Run, x: Array, y: Array, *, what: str = "", dashed: bool = False) -> Line:
    name = f"{_group(run)}{what}, seed {run.settings['seed']}"
    return Line(name, x.astype(float), y, group=_group(run), dashed=dashed)


def _sharpness(run: Run) -> Sequence[Line]:
    rows, values = run.measured("sharpness")
    return [_line(run, run["step"][rows], values)]


def _loss(run: Run) -> Sequence[Line]:
    return [_line(run, run["step"], run["loss"])]


def _overlay(run: Run) -> Sequence[Line]:
    rows, values = run.measured("flow_sharpness")
    if not len(rows):
        return []
    ours, sharpness = run.measured("sharpness")
    ours, sharpness = ours[ours <= rows[-1]], sharpness[ours <= rows[-1]]
    return [
        _line(run, run["time"][ours], sharpness),
        _line(run, run["time"][rows], values, what=" flow", dashed=True),
    ]


def _apart(run: Run) -> Sequence[Line]:
    rows, values = run.measured("distance")
    return [_line(run, run["time"][rows][1:], values[1:])]


def _frozen(run: Run) -> Sequence[Line]:
    rows, values = run.measured("quadratic_loss")
    if not len(rows):
        return []
    first, last = max(0, rows[0] - MOMENTS), rows[-1] + 1
    with np.errstate(invalid="ignore"):
        shown = np.where(np.abs(values) > 1e6 * values[0], np.nan, np.where(values > 0, values, np.nan))
    start = run["step"][rows[0]]
    return [
        _line(run, run["step"][first:last] - start, run["loss"][first:last]),
        _line(run, run["step"][rows] - start, shown, what=" quadratic", dashed=True),
    ]
