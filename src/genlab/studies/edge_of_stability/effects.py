"""What one run says: from its records to one number, NaN where it cannot say."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genlab.results.runs import Run

WINDOW = 100  # steps after freezing or crossing over which losses and distances are compared
LATE = 10  # readings a plateau needs

Effect = Callable[[Run], float]


def crossing(run: Run) -> int | None:
    """The step of the first reading at or above the threshold, None if there is none."""
    rows, values = run.measured("sharpness")
    over = rows[values >= run["threshold"][rows]]
    return int(run["step"][over[0]]) if len(over) else None


def edge(run: Run) -> int | None:
    """The crossing of a run that did not diverge: only such a run says what happens at the edge."""
    return None if run.ending == "diverged" else crossing(run)


def plateau(run: Run) -> float:
    """Mean sharpness over threshold in the second half of the readings after the crossing; NaN where there are too few."""
    start = edge(run)
    rows, values = run.measured("sharpness")
    if start is None:
        return math.nan
    return _late((values / run["threshold"][rows])[run["step"][rows] >= start])


def equilibrium(run: Run) -> float:
    """Mean sharpness over threshold in the second half of the readings after it first rises to the threshold from below.

    For adaptive updates: before P has seen a few gradients the preconditioned sharpness can start above the threshold.
    """
    rows, values = run.measured("sharpness")
    ratio = values / run["threshold"][rows]
    rises = np.flatnonzero((ratio[1:] >= 1) & (ratio[:-1] < 1))
    return _late(ratio[rises[0] + 1 :]) if len(rises) and run.ending != "diverged" else math.nan


def _late(readings: NDArray[Any]) -> float:
    """Mean of the second half; NaN where it has too few readings."""
    late = readings[len(readings) // 2 :]
    return float(late.mean()) if len(late) >= LATE else math.nan


def change(run: Run) -> int | None:
    """The step at which the step size changed, None if it did not come to that."""
    changed = np.flatnonzero(run["threshold"] != run["threshold"][0])
    return int(run["step"][changed[0]]) if len(changed) else None


def resettling(run: Run) -> float:
    """Mean sharpness over the new threshold in the second half of the readings after a change of step size.

    NaN for a run that was not at the edge before it.
    """
    at, before = change(run), edge(run)
    if at is None or before is None or before >= at:
        return math.nan
    rows, values = run.measured("sharpness")
    return _late((values / run["threshold"][rows])[run["step"][rows] >= at])


def in_the_second_half(column: str) -> Effect:
    """Mean of a sharpness column over the threshold, second half of its readings; NaN for a run that diverged."""

    def effect(run: Run) -> float:
        rows, values = run.measured(column)
        return _late(values / run["threshold"][rows]) if run.ending != "diverged" and len(rows) else math.nan

    return effect


def steps_to(run: Run, loss: float) -> int | None:
    """Steps until the training loss is first below ``loss``, None if it never is."""
    below = np.flatnonzero(run["loss"] < loss)
    return int(run["step"][below[0]]) if len(below) else None


def sharpening(run: Run) -> float:
    """Sharpness at the crossing (or the largest, where there is none) over that at the start."""
    if run.ending == "diverged":
        return math.nan
    start = crossing(run)
    rows, values = run.measured("sharpness")
    before = values if start is None else values[run["step"][rows] <= start]
    return float(before.max() / before[0])


def unsteadiness(run: Run) -> float:
    """Share of loss-raising steps after the crossing minus that before it; NaN where there are none on one side."""
    start = edge(run)
    rose = np.diff(run["loss"]) > 0
    if not start or start >= len(rose):
        return math.nan
    return float(rose[start:].mean()) - float(rose[:start].mean())


def descent(run: Run) -> float:
    """Mean loss over the last tenth of the steps after the crossing, over that of the first tenth."""
    start = edge(run)
    if start is None:
        return math.nan
    after = run["loss"][start:]
    tenth = len(after) // 10
    return float(after[-tenth:].mean() / after[:tenth].mean()) if tenth else math.nan


def straying(run: Run) -> float:
    """Largest distance between descent and flow before the crossing, as a share of the way travelled."""
    start = crossing(run)
    rows, distance = run.measured("distance")
    early = (run["step"][rows] > 0) & (run["step"][rows] < (math.inf if start is None else start))
    return float((distance[early] / run["travelled"][rows][early]).max()) if early.any() else math.nan


def parting(run: Run) -> float:
    """Distance between descent and flow WINDOW steps after the crossing, over that at the crossing."""
    start = crossing(run)
    rows, distance = run.measured("distance")
    if start is None or not (later := np.flatnonzero(run["step"][rows] >= start + WINDOW)).size:
        return math.nan
    at = np.flatnonzero(run["step"][rows] >= start)[0]
    return float(distance[later[0]] / distance[at]) if distance[at] > 0 else math.nan


def flow_sharpness(run: Run) -> float:
    """Sharpness of the flow at the end of its overlay, over the descent's threshold."""
    _, values = run.measured("flow_sharpness")
    return float(values[-1] / run["threshold"][0]) if len(values) and crossing(run) is not None else math.nan


def peak(run: Run) -> float:
    """Largest sharpness over threshold, of a run that starts below it and does not diverge."""
    if crossing(run) == 0 or run.ending == "diverged":
        return math.nan
    return float(np.nanmax(run["sharpness"] / run["threshold"]))


def last(run: Run) -> float:
    """Sharpness over threshold at the last reading, of a run that crossed the threshold and reached its loss goal."""
    if crossing(run) is None or run.ending != "loss goal":
        return math.nan
    return float(run.measured("sharpness")[1][-1] / run["threshold"][0])


def explosion(column: str) -> Effect:
    """log10 of the largest size of a loss column within WINDOW steps of the freezing, over the loss there.

    Size, for a quadratic may also run off to minus infinity: the Hessian at the edge has negative eigenvalues too.
    """

    def effect(run: Run) -> float:
        rows, frozen = run.measured("quadratic_loss")
        if not len(rows) or len(run["loss"]) <= rows[0] + WINDOW:  # never frozen, or too late for the whole window
            return math.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            seen = np.log10(np.abs(run[column][rows[0] : rows[0] + WINDOW + 1]) / frozen[0])
        return float(min(np.nanmax(seen), 30.0))  # beyond 30 decades it is infinite for every purpose

    return effect


def error(run: Run) -> float:
    """Largest relative difference between the tracked sharpness and the dense one."""
    rows, dense = run.measured("dense_sharpness")
    return float(np.abs(run["sharpness"][rows] / dense - 1).max()) if len(rows) else math.nan
