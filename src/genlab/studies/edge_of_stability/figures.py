"""The study's figures, from its records."""

from collections.abc import Callable, Sequence

import numpy as np

from genlab.results.figures import Array, Figure, Line, Panel, Rule
from genlab.results.runs import Run
from genlab.studies.edge_of_stability.groups import (
    STEPPING,
    changes,
    descends,
    entropy,
    key,
    mini_batches,
    normalised,
    over_sharpness,
    plain,
)
from genlab.studies.edge_of_stability.study import steps_of, update_of

MOMENTS = 60  # steps shown before the freezing of the quadratic


def figures(runs: Sequence[Run]) -> Sequence[Figure]:
    """Every figure that the runs can fill."""
    ordered = sorted(
        runs, key=lambda run: (run.settings["data"], run.settings["network"], -run.settings["step_size"], run.settings["seed"])
    )

    def chosen(**wanted: object) -> list[Run]:
        return [run for run in ordered if all(run.settings[name] == value for name, value in wanted.items())]

    full = [run for run in ordered if plain(run.settings)]
    descents, entropies = [run for run in full if descends(run.settings)], [run for run in full if entropy(run.settings)]
    momenta = [run for name in ("polyak", "nesterov", "ema") for run in full if run.settings["update"] == name]
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
            "Sharpness under Polyak, Nesterov and averaged (EMA) momentum. Dashed: (2 + 2 beta)/eta, "
            "(2 + 2 beta)/(eta (1 + 2 beta)) and (2 + 2 beta)/((1 - beta) eta).",
            _panels(momenta, _sharpness),
        ),
        Figure(
            "cross-entropy",
            "Sharpness with cross-entropy, and 2/eta",
            "Sharpness along gradient descent with cross-entropy, down to the loss goal.",
            _panels(entropies, _sharpness),
        ),
        Figure(
            "quadratic",
            "The network and the frozen quadratic",
            "Training loss (solid), and that of gradient descent on the second-order Taylor expansion frozen at an iterate at "
            "the edge (dashed), both from that iterate, cut at 10^6 times where it was frozen. A quadratic that falls off the "
            "axis runs to minus infinity.",
            _panels(quadratics, _frozen, log_y=True, y_label="loss", rules=False, x_label="step since freezing"),
        ),
        Figure(
            "adaptive",
            "Preconditioned sharpness of Adam and RMSProp, and their thresholds",
            "Largest eigenvalue of P^-1/2 H P^-1/2 along full-batch Adam and RMSProp, P being what each step divides by. Dashed: "
            "(2 + 2 beta1)/((1 - beta1) eta) and 2/eta.",
            [
                panel
                for name in ("adam", "rmsprop")
                for panel in _panels(chosen(update=name), _sharpness, log_y=True, y_label=f"preconditioned sharpness, {name}")
            ],
        ),
        Figure(
            "changed",
            "The step size changes in mid-run",
            "Sharpness along gradient descent whose step size drops or rises at one step. Dashed: 2/eta at each step.",
            _panels([run for run in ordered if changes(run.settings)], _against_threshold, rules=False),
        ),
        Figure(
            "over-sharpness",
            "A step size of 1/sharpness against a fixed one at the edge",
            "Training loss, and sharpness, along gradient descent with eta = 1/sharpness at the last reading, and with the fixed "
            "step sizes run beside it.",
            _over_sharpness(ordered),
        ),
        Figure(
            "mini-batches",
            "Mini-batches: batch sharpness and sharpness",
            "Over 2/eta, along stochastic gradient descent: sharpness of the whole training loss (solid), and the mean curvature "
            "of mini-batches along their own gradients (dashed).",
            _panels(
                [run for run in ordered if mini_batches(run.settings)],
                _of_batches,
                rules=False,
                y_label="sharpness over 2/eta",
            ),
        ),
        Figure(
            "segment",
            "Batch norm: sharpness at the iterates and between them",
            "Sharpness over 2/eta at the iterates (solid), and the largest over the points of the segment to the next iterate "
            "(dashed).",
            _panels(
                [run for run in ordered if normalised(run.settings)],
                _between,
                rules=False,
                y_label="sharpness over 2/eta",
            ),
        ),
    ]
    return [figure for figure in made if figure.panels]


def _over_sharpness(runs: Sequence[Run]) -> list[Panel]:
    over = [run for run in runs if over_sharpness(run.settings)]
    alike = {key(run, *STEPPING) for run in over}
    both = over + [run for run in runs if descends(run.settings) and key(run, *STEPPING) in alike]
    return [
        *_panels(both, _loss, log_y=True, y_label="training loss", rules=False),
        *_panels(both, _sharpness, rules=False),
    ]


def _group(run: Run) -> str:
    """What runs of one colour share: update and step sizes, as ``setting`` writes them."""
    name = update_of(run.settings)
    return steps_of(run.settings) if name == "gd" else f"{name} {steps_of(run.settings)}"


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


def _against_threshold(run: Run) -> Sequence[Line]:
    return [*_sharpness(run), _line(run, run["step"], run["threshold"], what=" 2/eta", dashed=True)]


def _over_threshold(run: Run, column: str, what: str) -> Sequence[Line]:
    """Sharpness (solid) and another column (dashed), both over the threshold."""
    rows, values = run.measured(column)
    ours, sharpness = run.measured("sharpness")
    return [
        _line(run, run["step"][ours], sharpness / run["threshold"][ours]),
        _line(run, run["step"][rows], values / run["threshold"][rows], what=what, dashed=True),
    ]


def _between(run: Run) -> Sequence[Line]:
    return _over_threshold(run, "segment_sharpness", " between")


def _of_batches(run: Run) -> Sequence[Line]:
    return _over_threshold(run, "batch_sharpness", " of batches")


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
