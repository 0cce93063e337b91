"""The paper's findings as functions of the records.

Regions were written down before the reported seeds were run; where the paper gives no number they are our assumption or
what an earlier miniature measured (docs/log.md), and say so. *Crossing* is the first reading at or above the threshold.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from genlab.results.claims import Claim, Finding, Region, finding, not_measured
from genlab.results.runs import Run
from genlab.studies.edge_of_stability.study import eta, setting

SHARPENS = Region(low=2)  # our assumption: at least a doubling
HOVER = Region(0.95, 1.2)  # our assumption: room on both sides of the official demo's 1.02 to 1.06
PROPORTIONAL = Region(0.9, 1.1)  # our assumption: within 10%
UNSTEADY = Region(low=0.01)  # our assumption: one step in a hundred more than before
FALLS = Region(high=1)  # by definition
TRACKS = Region(high=0.01)  # our assumption: 1% of the way travelled
PARTS = Region(low=10)  # our assumption: tenfold
SURPASSES = Region(low=1.2)  # our assumption: above where descent hovers
PEAKS = Region(low=1)  # by definition
DROPS = Region(high=0.3)  # our assumption
EXPLODES = Region(low=1)  # our assumption: tenfold within 100 steps
EXACT = Region(high=1e-3)  # our assumption: far below the overshoot of 1e-2 that is studied

WINDOW = 100  # steps after freezing or crossing over which losses and distances are compared
LATE = 10  # readings a plateau needs

Where = Callable[[Mapping[str, object]], bool]
Effect = Callable[[Run], float]


def crossing(run: Run) -> int | None:
    """The step of the first reading at or above the threshold, None if there is none."""
    rows, values = run.measured("sharpness")
    over = rows[values >= run["threshold"][rows]]
    return int(run["step"][over[0]]) if len(over) else None


def _edge(run: Run) -> int | None:
    """The crossing of a run that did not diverge: only such a run says what happens at the edge."""
    return None if run.ending == "diverged" else crossing(run)


def plateau(run: Run) -> float:
    """Mean sharpness over threshold in the second half of the readings after the crossing; NaN where there are too few."""
    start = _edge(run)
    rows, values = run.measured("sharpness")
    if start is None:
        return math.nan
    after = values[run["step"][rows] >= start] / run["threshold"][0]
    late = after[len(after) // 2 :]
    return float(late.mean()) if len(late) >= LATE else math.nan


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
    start = _edge(run)
    rose = np.diff(run["loss"]) > 0
    if not start or start >= len(rose):
        return math.nan
    return float(rose[start:].mean()) - float(rose[:start].mean())


def descent(run: Run) -> float:
    """Mean loss over the last tenth of the steps after the crossing, over that of the first tenth."""
    start = _edge(run)
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


def _groups(runs: Sequence[Run], where: Where) -> dict[str, list[Run]]:
    """Runs that differ in their seed only, by name; where two groups share a name, by what tells them apart too."""
    groups: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda each: (setting(each.settings), each.settings["seed"])):
        if where(run.settings):
            groups.setdefault(_key(run, "seed"), []).append(run)
    named: dict[str, list[list[Run]]] = {}
    for group in groups.values():
        named.setdefault(setting(group[0].settings), []).append(group)
    found = {}
    for name, namesakes in named.items():
        first = [group[0].settings for group in namesakes]
        differ = [field for field in first[0] if field != "seed" and len({json.dumps(each[field]) for each in first}) > 1]
        for group in namesakes:
            found[" ".join([name, *(f"{field}={group[0].settings[field]}" for field in differ)])] = group
    return found


def _key(run: Run, *without: str) -> str:
    return json.dumps({name: value for name, value in run.settings.items() if name not in without}, sort_keys=True)


def _each(
    effect: Effect, expected: Region, where: Where, *, possible: Callable[[Sequence[Run]], str] | None = None
) -> Callable[[Sequence[Run]], Sequence[Finding]]:
    """One finding a setting. ``possible`` may say why a setting cannot speak to the claim."""

    def measure(runs: Sequence[Run]) -> Sequence[Finding]:
        found = []
        for name, group in _groups(runs, where).items():
            ids = [run.id for run in group]
            why = possible(group) if possible else ""
            if why:
                found.append(not_measured(name, expected, why, conditions=ids))
                continue
            values = {run.settings["seed"]: effect(run) for run in group}
            found.append(finding(name, expected, values, conditions=ids, note=_fate(group)))
        return found

    return measure


def _fate(group: Sequence[Run]) -> str:
    """What happened to runs that may lack a value."""
    diverged = [str(run.settings["seed"]) for run in group if run.ending == "diverged"]
    below = [str(run.settings["seed"]) for run in group if run.ending != "diverged" and crossing(run) is None]
    notes = [f"seed {', '.join(diverged)} diverged"] if diverged else []
    readings = np.concatenate([run["converged"][run.measured("sharpness")[0]] for run in group])
    if unconverged := int((readings == 0).sum()):
        notes.append(f"{unconverged} of {len(readings)} readings unconverged")
    return "; ".join(notes + ([f"seed {', '.join(below)} never reached the threshold"] if below else []))


def _room(group: Sequence[Run]) -> str:
    room = min(float(run["threshold"][0] / run["sharpness"][0]) for run in group)
    return "" if room >= 2 else f"the threshold is only {room:.2f} times a seed's initial sharpness: no room to double"


def _scaling(runs: Sequence[Run]) -> Sequence[Finding]:
    """Plateau times eta at the largest step size, over that at the smallest."""
    found = []
    grids: dict[str, dict[float, dict[int, Run]]] = {}
    for run in sorted(runs, key=lambda each: (-each.settings["steps"], each.id)):  # of several lengths, the longest
        if _descends(run.settings):  # what runs beside a descent does not change it
            key = _key(run, "seed", "step_size", "steps", "beside", "beside_steps", "settle")
            grids.setdefault(key, {}).setdefault(run.settings["step_size"], {}).setdefault(run.settings["seed"], run)
    for by_size in grids.values():
        small, large = min(by_size), max(by_size)
        some = next(iter(by_size[small].values()))
        name = f"{some.settings['data']} {some.settings['network']} mse gd"
        if small == large:
            found.append(not_measured(f"{name} eta={eta(small)}", PROPORTIONAL, "one step size only"))
            continue
        name += f" eta={eta(large)} against {eta(small)}"
        both = sorted(by_size[small].keys() & by_size[large].keys())
        pairs = [by_size[size][seed] for size in (small, large) for seed in both]
        values = {seed: plateau(by_size[large][seed]) / plateau(by_size[small][seed]) for seed in both}
        found.append(finding(name, PROPORTIONAL, values, conditions=[run.id for run in pairs], note=_fate(pairs)))
    return found


def _descends(settings: Mapping[str, object]) -> bool:
    return settings["update"] == "gd" and settings["loss"] == "mse"


def _tiny(settings: Mapping[str, object]) -> bool:
    return str(settings["data"]).startswith(("chebyshev", "linear"))


def _images(settings: Mapping[str, object]) -> bool:
    return _descends(settings) and not _tiny(settings)


def _with_flow(settings: Mapping[str, object]) -> bool:
    return settings["beside"] == "flow"


def _with_quadratic(settings: Mapping[str, object]) -> bool:
    return settings["beside"] == "quadratic"


def _momentum(settings: Mapping[str, object]) -> bool:
    return settings["update"] in ("polyak", "nesterov")


def _entropy(settings: Mapping[str, object]) -> bool:
    return settings["update"] == "gd" and settings["loss"] == "ce"


DEMO = "1.02 to 1.06 (official demo, CIFAR-10 5k, read off its plot)"

CLAIMS = (
    Claim(
        "C1",
        "Progressive sharpening: while the sharpness is below 2/eta, training raises it.",
        "sharpness at the crossing, the first reading at or above 2/eta, over that at the start",
        "78 to 200, 2.6 times (official demo)",
        _each(sharpening, SHARPENS, _descends, possible=_room),
    ),
    Claim(
        "C2",
        "Edge of stability: once there, the sharpness hovers at, or just above, 2/eta.",
        "mean sharpness over 2/eta, second half after the crossing",
        DEMO,
        _each(plateau, HOVER, _images),
    ),
    Claim(
        "C3",
        "The plateau is set by the step size: it is proportional to 1/eta.",
        "plateau times eta, largest over smallest step size",
        None,
        _scaling,
    ),
    Claim(
        "C4a",
        "At the edge the loss is not monotone over short times: many more steps raise it than before.",
        "share of steps that raise the loss, after minus before the crossing",
        None,
        _each(unsteadiness, UNSTEADY, _descends),
    ),
    Claim(
        "C4b",
        "Over long times the loss keeps falling at the edge.",
        "mean loss of the last tenth of the steps after the crossing over the first tenth",
        "0.20 at the first spike to 0.11 at the stop (official demo)",
        _each(descent, FALLS, _descends),
    ),
    Claim(
        "C5a",
        "Before the edge, gradient descent follows gradient flow.",
        "largest distance to the flow before the crossing over the way travelled",
        None,
        _each(straying, TRACKS, _with_flow),
    ),
    Claim(
        "C5b",
        "At the edge it leaves the flow.",
        f"distance to the flow {WINDOW} steps after the crossing over that at it",
        None,
        _each(parting, PARTS, _with_flow),
    ),
    Claim(
        "C5c",
        "The flow's sharpness goes on rising past 2/eta.",
        "flow's sharpness at the end of the overlay over 2/eta",
        "430/200 = 2.15 (official demo)",
        _each(flow_sharpness, SURPASSES, _with_flow),
    ),
    Claim(
        "C6",
        "With momentum the sharpness hovers at that update's own threshold.",
        "mean sharpness over the update's maximum stable sharpness, second half after the crossing",
        "(2 + 2 beta)/eta for Polyak, (2 + 2 beta)/(eta (1 + 2 beta)) for Nesterov",
        _each(plateau, HOVER, _momentum),
    ),
    Claim(
        "C7a",
        "With cross-entropy too the sharpness reaches 2/eta.",
        "largest sharpness over 2/eta",
        None,
        _each(peak, PEAKS, _entropy),
    ),
    Claim(
        "C7b",
        "With cross-entropy it drops late in training, once the points are fitted.",
        "sharpness over 2/eta at the loss goal",
        None,
        _each(last, DROPS, _entropy),
    ),
    Claim(
        "C9a",
        f"Gradient descent on the quadratic frozen at the edge diverges within {WINDOW} steps.",
        "log10 of its largest loss over the loss where it was frozen",
        None,
        _each(explosion("quadratic_loss"), EXPLODES, _with_quadratic),
    ),
    Claim(
        "C9b",
        "Gradient descent on the real loss does not.",
        "log10 of its largest loss over the same steps over the loss where the quadratic was frozen",
        None,
        _each(explosion("loss"), Region(high=1), _with_quadratic),
    ),
    Claim(
        "C13a",
        "The smallest problems show the same plateau.",
        "mean sharpness over 2/eta, second half after the crossing",
        None,
        _each(plateau, HOVER, lambda settings: _descends(settings) and _tiny(settings)),
    ),
    Claim(
        "C13b",
        "There the tracked sharpness is that of the whole Hessian in float64.",
        "largest relative difference",
        None,
        _each(error, EXACT, lambda settings: _tiny(settings) and bool(settings["dense_every"])),
    ),
)
