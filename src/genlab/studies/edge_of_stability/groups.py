"""Which runs speak to a claim, and one finding a setting from those that differ in their seed only."""

import json
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from genlab.results.claims import Finding, Region, finding, not_measured
from genlab.results.runs import Run
from genlab.studies.edge_of_stability.effects import Effect, crossing, edge, plateau, steps_to
from genlab.studies.edge_of_stability.study import eta, setting

Settings = Mapping[str, object]
Where = Callable[[Settings], bool]

STEPPING = (  # settings in which a run with a step size over the sharpness may differ from one with a fixed step size
    *("schedule", "step_size", "steps", "goal_loss", "beside", "beside_steps", "settle", "test_every", "dense_every"),
    *("sharpness_every", "eigenpairs", "tolerance"),
)


def plain(settings: Settings) -> bool:
    """Full-batch, one step size, no batch norm."""
    return not any(name in settings for name in ("schedule", "batch_size", "ghost_batch"))


def descends(settings: Settings) -> bool:
    """Plain gradient descent with squared error."""
    return settings["update"] == "gd" and settings["loss"] == "mse" and plain(settings)


def tiny(settings: Settings) -> bool:
    """Problems small enough for the whole Hessian."""
    return str(settings["data"]).startswith(("chebyshev", "linear"))


def images(settings: Settings) -> bool:
    """Plain gradient descent on images."""
    return descends(settings) and not tiny(settings)


def with_flow(settings: Settings) -> bool:
    """Gradient flow runs beside it."""
    return settings["beside"] == "flow"


def with_quadratic(settings: Settings) -> bool:
    """A frozen quadratic runs beside it."""
    return settings["beside"] == "quadratic"


def momentum(settings: Settings) -> bool:
    """Momentum, full-batch, one step size."""
    return settings["update"] in ("polyak", "nesterov", "ema") and plain(settings)


def entropy(settings: Settings) -> bool:
    """Plain gradient descent with cross-entropy."""
    return settings["update"] == "gd" and settings["loss"] == "ce" and plain(settings)


def adaptive(settings: Settings) -> bool:
    """Full-batch Adam or RMSProp, one step size."""
    return settings["update"] in ("adam", "rmsprop") and plain(settings)


def over_sharpness(settings: Settings) -> bool:
    """Gradient descent with a step size over the sharpness."""
    return settings.get("schedule") == "over-sharpness" and settings["update"] == "gd" and settings["loss"] == "mse"


def changes(settings: Settings) -> bool:
    """Gradient descent whose step size changes once."""
    return settings.get("schedule") == "change" and settings["update"] == "gd" and settings["loss"] == "mse"


def mini_batches(settings: Settings) -> bool:
    """Stochastic gradient descent whose batch sharpness was read."""
    return "batch_draws" in settings and settings["update"] == "gd" and settings["loss"] == "mse" and "schedule" not in settings


def normalised(settings: Settings) -> bool:
    """Gradient descent with batch norm, read between iterates too."""
    return "ghost_batch" in settings and "segment_points" in settings and settings["update"] == "gd"


def grouped(runs: Sequence[Run], where: Where) -> dict[str, list[Run]]:
    """Runs that differ in their seed only, by name; where two groups share a name, by what tells them apart too."""
    groups: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda each: (setting(each.settings), each.settings["seed"])):
        if where(run.settings):
            groups.setdefault(key(run, "seed"), []).append(run)
    named: dict[str, list[list[Run]]] = {}
    for group in groups.values():
        named.setdefault(setting(group[0].settings), []).append(group)
    found = {}
    for name, namesakes in named.items():
        first = [group[0].settings for group in namesakes]
        fields = dict.fromkeys(field for settings in first for field in settings if field != "seed")  # not all have all of them
        differ = [field for field in fields if len({json.dumps(each.get(field)) for each in first}) > 1]
        for group in namesakes:
            found[" ".join([name, *(f"{field}={group[0].settings.get(field)}" for field in differ)])] = group
    return found


def key(run: Run, *without: str) -> str:
    """The settings of a run but for some of them."""
    return json.dumps({name: value for name, value in run.settings.items() if name not in without}, sort_keys=True)


def each(
    effect: Effect, expected: Region, where: Where, *, possible: Callable[[Sequence[Run]], str] | None = None
) -> Callable[[Sequence[Run]], Sequence[Finding]]:
    """One finding a setting. ``possible`` may say why a setting cannot speak to the claim."""

    def measure(runs: Sequence[Run]) -> Sequence[Finding]:
        found = []
        for name, group in grouped(runs, where).items():
            ids = [run.id for run in group]
            why = possible(group) if possible else ""
            if why:
                found.append(not_measured(name, expected, why, conditions=ids))
                continue
            values = {run.settings["seed"]: effect(run) for run in group}
            found.append(finding(name, expected, values, conditions=ids, note=fate(group)))
        return found

    return measure


def fate(group: Sequence[Run]) -> str:
    """What happened to runs that may lack a value."""
    diverged = [str(run.settings["seed"]) for run in group if run.ending == "diverged"]
    below = [str(run.settings["seed"]) for run in group if run.ending != "diverged" and crossing(run) is None]
    notes = [f"seed {', '.join(diverged)} diverged"] if diverged else []
    readings = np.concatenate([run["converged"][run.measured("sharpness")[0]] for run in group])
    if unconverged := int((readings == 0).sum()):
        notes.append(f"{unconverged} of {len(readings)} readings unconverged")
    return "; ".join(notes + ([f"seed {', '.join(below)} never reached the threshold"] if below else []))


def room(group: Sequence[Run]) -> str:
    """Why runs cannot double their sharpness, empty where they can."""
    room = min(float(run["threshold"][0] / run["sharpness"][0]) for run in group)
    return "" if room >= 2 else f"the threshold is only {room:.2f} times a seed's initial sharpness: no room to double"


def scaling(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """Plateau times eta at the largest step size, over that at the smallest."""
    found = []
    grids: dict[str, dict[float, dict[int, Run]]] = {}
    for run in sorted(runs, key=lambda each: (-each.settings["steps"], each.id)):  # of several lengths, the longest
        if descends(run.settings):  # what runs beside a descent does not change it
            rest = key(run, "seed", "step_size", "steps", "beside", "beside_steps", "settle")
            grids.setdefault(rest, {}).setdefault(run.settings["step_size"], {}).setdefault(run.settings["seed"], run)
    for by_size in grids.values():
        small, large = min(by_size), max(by_size)
        some = next(iter(by_size[small].values()))
        name = f"{some.settings['data']} {some.settings['network']} mse gd"
        if small == large:
            found.append(not_measured(f"{name} eta={eta(small)}", expected, "one step size only"))
            continue
        name += f" eta={eta(large)} against {eta(small)}"
        both = sorted(by_size[small].keys() & by_size[large].keys())
        pairs = [by_size[size][seed] for size in (small, large) for seed in both]
        values = {seed: plateau(by_size[large][seed]) / plateau(by_size[small][seed]) for seed in both}
        found.append(finding(name, expected, values, conditions=[run.id for run in pairs], note=fate(pairs)))
    return found


def slower(runs: Sequence[Run], expected: Region) -> Sequence[Finding]:
    """Steps to the loss goal of runs with a step size over the sharpness, over those of fixed step sizes at the edge.

    A run that did not reach its goal counts with the steps it made: a lower bound, and the note says so.
    """
    found = []
    for name, group in grouped(runs, over_sharpness).items():
        same = {key(run, *STEPPING): run for run in group}
        fixed: dict[float, dict[int, Run]] = {}
        for run in sorted(runs, key=lambda each: (-each.settings["steps"], each.id)):  # of several lengths, the longest
            if descends(run.settings) and key(run, *STEPPING) in same:
                fixed.setdefault(run.settings["step_size"], {}).setdefault(run.settings["seed"], run)
        if not fixed:
            found.append(not_measured(name, expected, "no run with a fixed step size beside it"))
        for size, by_seed in sorted(fixed.items()):
            values, used, unfinished = {}, [], []
            for run in group:
                seed, goal = run.settings["seed"], run.settings["goal_loss"]
                rival = by_seed.get(seed)
                taken = None if rival is None or goal is None else steps_to(rival, goal)
                at_edge = rival is not None and taken is not None and (edge(rival) or math.inf) < taken
                values[seed] = int(run["step"][-1]) / taken if taken and at_edge and run.ending != "diverged" else math.nan
                used += [run.id] + ([rival.id] if rival else [])
                if run.ending == "steps":
                    unfinished.append(str(seed))
            note = f"at least: seed {', '.join(unfinished)} did not get there" if unfinished else ""
            found.append(finding(f"{name} against {eta(size)}", expected, values, conditions=used, note=note))
    return found
