"""From records to effects, one value a seed: what judges see, where gradients point, how changes look."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from genlab.intervals import Interval
from genlab.results.claims import Finding, Region, finding, not_measured
from genlab.results.runs import Run
from genlab.studies.aligned_gradients.plan import ADVERSARIAL, NOISE, SMOOTHADV, STANDARD
from genlab.studies.seeds import interval_of

Measure = Callable[[Sequence[Run]], Sequence[Finding]]
Effect = Callable[[Run], float]


class JudgedEffect(Protocol):
    """An effect as one judge sees it."""

    def __call__(self, run: Run, judge: str) -> float: ...


INDEPENDENT = (NOISE, ADVERSARIAL)  # judges that verdicts rest on


class Way(NamedTuple):
    """One way to synthesize: a training, its noise, and that of its gradient."""

    training: str
    training_sigma: float
    sigma: float

    def __str__(self) -> str:
        noise = f" {self.training_sigma:g}" if self.training_sigma else ""
        return f"{self.training}{noise}, {f'smoothed {self.sigma:g}' if self.sigma else 'plain gradient'}"


def reference(run: Run) -> float:
    """Noise of the 2 x 2."""
    return float(run.settings["sigmas"][0])


def two_by_two(run: Run) -> dict[str, Way]:
    """The four ways of the 2 x 2 by name."""
    sigma = reference(run)
    return {
        "standard": Way(STANDARD, 0.0, 0.0),
        "standard smoothed": Way(STANDARD, 0.0, sigma),
        "noise": Way(NOISE, sigma, 0.0),
        "noise smoothed": Way(NOISE, sigma, sigma),
    }


def ways(run: Run) -> list[Way]:
    """Every way of a run, in the order in which they were asked."""
    rows = run["what"] == "image"
    keys = zip(run["training"][rows], run["training_sigma"][rows], run["sigma"][rows], strict=True)
    return list(dict.fromkeys(Way(str(training), float(noise), float(sigma)) for training, noise, sigma in keys))


def column(run: Run, name: str, what: str, way: Way | None = None, samples: int | None = None) -> Any:
    """A numeric column of some rows; of a way at the most samples unless said."""
    rows = run["what"] == what
    if way is not None:
        rows = rows & (run["training"] == way.training) & (run["training_sigma"] == way.training_sigma)
        rows = rows & (run["sigma"] == way.sigma)
        if what in ("image", "distance"):
            most = samples or (run.settings["samples"][-1] if way.sigma else 1)
            rows = rows & (run["samples"] == most)
    return np.asarray(run[name], dtype=float)[rows]


def mean(run: Run, name: str, way: Way, *, what: str = "image", samples: int | None = None) -> float:
    """Mean of a column over images; NaN where none was recorded."""
    values = column(run, name, what, way, samples)
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def seen(run: Run, judge: str, way: Way, *, samples: int | None = None) -> float:
    """Share of changed images in which a judge sees the target."""
    return mean(run, f"judge_{judge}", way, samples=samples)


def transfer(run: Run, way: Way) -> float:
    """What a standard judge sees over what the network itself sees: 1 for evidence of the class, less for its own quirks."""
    own = mean(run, "own", way)
    return seen(run, STANDARD, way) / own if own else math.nan


def pointing(run: Run, way: Way) -> float:
    """Mean cosine of the first gradient with the target's mean image, less that with other classes'."""
    return mean(run, "cosine", way) - mean(run, "cosine_other", way)


def grain(run: Run, way: Way) -> float:
    """Mean share of high frequencies in the change."""
    return mean(run, "high_frequency", way)


def network(run: Run, name: str, training: str, sigma: float = 0.0) -> float:
    """A column of a network that synthesizes."""
    rows = (run["what"] == "network") & (run["training"] == training) & (run["training_sigma"] == sigma)
    rows = rows & np.array([not str(each).startswith("judge") for each in run["net"]])
    values = np.asarray(run[name], dtype=float)[rows]
    return float(values[0]) if len(values) else math.nan


def certified_accuracy(run: Run, way: Way, radius: float) -> float:
    """Share of certified images whose class is right and certain at this radius; abstentions count as wrong."""
    right, radii = column(run, "correct", "certificate", way), column(run, "certified_radius", "certificate", way)
    return float(np.mean((right > 0) & (radii >= radius))) if len(right) else math.nan


def average_radius(run: Run, way: Way) -> float:
    """Mean certified radius, 0 where the class is wrong or the certificate abstains (ACR of Zhai et al. 2020, 2001.02378)."""
    right, radii = column(run, "correct", "certificate", way), column(run, "certified_radius", "certificate", way)
    return float(np.mean((right > 0) * radii)) if len(right) else math.nan


def tasks(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs that differ by their seed only, by data and architecture (judges are of the other one)."""
    found: dict[str, list[Run]] = {}
    groups: dict[str, tuple[str, list[Run]]] = {}
    for run in sorted(runs, key=lambda each: (each.settings["data"], each.settings["network"], each.settings["seed"])):
        settings = {name: value for name, value in run.settings.items() if name != "seed"}
        name = f"{settings['data']} {settings['network']}"
        groups.setdefault(str(sorted(settings.items())), (name, []))[1].append(run)
    for name, group in groups.values():
        label = name
        while label in found:
            label = f"{label} (other settings)"
        found[label] = group
    return found


def measured(expected: Region, effect: Effect, *, needs: str = "") -> Measure:
    """One finding a task: an effect of each seed's run."""

    def measure(runs: Sequence[Run]) -> list[Finding]:
        found = []
        for name, group in tasks(runs).items():
            values = {int(run.settings["seed"]): effect(run) for run in group}
            ids = [run.id for run in group]
            if not any(map(math.isfinite, values.values())) and needs:
                found.append(not_measured(name, expected, needs, conditions=ids))
            else:
                found.append(finding(name, expected, values, conditions=ids))
        return found

    return measure


def by_judges(expected: Region, effect: JudgedEffect, *, needs: str = "") -> Measure:
    """One finding a task and independent judge."""

    def measure(runs: Sequence[Run]) -> list[Finding]:
        found = []
        for judge in INDEPENDENT:
            for each in measured(expected, partial(effect, judge=judge), needs=needs)(runs):
                found.append(replace(each, setting=f"{each.setting}, {judge} judge"))
        return found

    return measure


def difference(first: str, second: str) -> JudgedEffect:
    """Of what a judge sees, between two ways of the 2 x 2."""

    def effect(run: Run, judge: str) -> float:
        known = two_by_two(run)
        return seen(run, judge, known[first]) - seen(run, judge, known[second])

    return effect


def arm_over_standard(arm: str) -> JudgedEffect:
    """Of what a judge sees, between an arm as it is meant to be used and a standard network."""

    def effect(run: Run, judge: str) -> float:
        sigma = reference(run)
        way = Way(SMOOTHADV, sigma, sigma) if arm == SMOOTHADV else Way(arm, 0.0, 0.0)
        return seen(run, judge, way) - seen(run, judge, Way(STANDARD, 0.0, 0.0))

    return effect


def of_two(measure: Callable[[Run, Way], float], first: str, second: str) -> Effect:
    """The difference of a measure between two ways of the 2 x 2."""

    def effect(run: Run) -> float:
        known = two_by_two(run)
        return measure(run, known[first]) - measure(run, known[second])

    return effect


def agreement(run: Run, samples: int) -> float:
    """Mean cosine of two independent gradients of so many samples."""
    rows = (run["what"] == "spread") & (run["samples"] == samples)
    values = np.asarray(run["agreement"], dtype=float)[rows]
    return float(values.mean()) if len(values) else math.nan


def more_samples_agree(run: Run) -> float:
    """Agreement at the most samples minus at the fewest."""
    samples = run.settings["samples"]
    return agreement(run, samples[-1]) - agreement(run, samples[0]) if len(samples) > 1 else math.nan


def more_samples_show(run: Run, judge: str) -> float:
    """What a judge sees at the most samples minus at the fewest, fresh noise each step."""
    samples, way = run.settings["samples"], two_by_two(run)["noise smoothed"]
    return seen(run, judge, way) - seen(run, judge, way, samples=samples[0]) if len(samples) > 1 else math.nan


def over_sigma(measure: Callable[[Run, float], float]) -> Effect:
    """A measure at the largest sigma minus at the smallest, each network trained and smoothed with it."""

    def effect(run: Run) -> float:
        sigmas = sorted(run.settings["sigmas"])
        return measure(run, sigmas[-1]) - measure(run, sigmas[0]) if len(sigmas) > 1 else math.nan

    return effect


def coarseness(run: Run, sigma: float) -> float:
    """Share of high frequencies in the change, of the network trained and smoothed with sigma."""
    return grain(run, Way(NOISE, sigma, sigma))


def accuracy(run: Run, sigma: float) -> float:
    """Test accuracy of the network trained with sigma."""
    return network(run, "test_accuracy", NOISE, sigma)


def least_own(run: Run) -> float:
    """The smallest share, over all ways, of images in which the network itself sees the target."""
    values = [mean(run, "own", way) for way in ways(run)]
    return min(values) if values else math.nan


def radius_and_alignment(run: Run, judge: str) -> float:
    """Kendall's tau, over smoothed networks, between average certified radius and how probable a judge finds the target."""
    from scipy.stats import kendalltau

    sigma = reference(run)
    smoothed = [Way(STANDARD, 0.0, sigma), *(Way(NOISE, each, each) for each in run.settings["sigmas"])]
    smoothed += [Way(SMOOTHADV, sigma, sigma)] if SMOOTHADV in run.settings["arms"] else []
    pairs = [(average_radius(run, way), mean(run, f"judge_{judge}_probability", way)) for way in smoothed]
    known = [pair for pair in pairs if all(map(math.isfinite, pair))]
    if len(known) < 3 or any(len({pair[side] for pair in known}) < 2 for side in (0, 1)):
        return math.nan
    return float(kendalltau(*zip(*known, strict=True)).statistic)


def over_seeds(runs: Sequence[Run], effect: Effect) -> Interval | None:
    """Mean of an effect over the seeds for which it is a number, with its interval."""
    return interval_of([effect(run) for run in runs])
