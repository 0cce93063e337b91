"""The study's tables, and what a reader must know before them."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from genlab.results.exhibits import Table
from genlab.results.runs import Run
from genlab.studies.aligned_gradients import effects
from genlab.studies.aligned_gradients.effects import Effect, Way
from genlab.studies.aligned_gradients.plan import ADVERSARIAL, NOISE, STANDARD
from genlab.studies.seeds import written

MEASURES = ("own", f"judge_{NOISE}", f"judge_{ADVERSARIAL}", f"judge_{STANDARD}", "high_frequency", "variation", "neighbour")
RADII = (0.0, 0.25, 0.5, 0.75, 1.0)


def tables(runs: Sequence[Run]) -> Sequence[Table]:
    """Alignment, networks, certified accuracy."""
    made = (_alignment(runs), _networks(runs), _certified(runs))
    return [each for each in made if each.rows]


def remarks(runs: Sequence[Run]) -> Sequence[str]:
    """Networks that diverged; standard ones that did not fit their training set; how certificates and judges are to be read."""
    found, lost = [], []
    for name, group in effects.tasks(runs).items():
        for run in group:
            for net, ending in zip(*(run[each][run["what"] == "network"] for each in ("net", "ending")), strict=True):
                if ending == "diverged":
                    lost.append(f"{net} of {name} seed {run.settings['seed']}")
            goal = run.settings["goal_accuracy"]
            reached = effects.network(run, "training_accuracy", STANDARD)
            if reached < goal:
                found.append(
                    f"{name} seed {run.settings['seed']}: the standard network fits {reached:.3f} of its training set, not "
                    f"{goal:g}."
                )
    if lost:
        found.insert(0, f"Diverged, and in no number here: {', '.join(lost)}.")
    if runs:
        found.append(
            "Judges are other networks of the other architecture, not people. The noise judge shares its training noise with one "
            "side of the 2 x 2: look at the adversarial one beside it. No verdict rests on the standard judge: at larger radii "
            "such a one was found to be fooled by everything."
        )
    return found


def _written(group: Sequence[Run], effect: Effect, digits: int = 3) -> str:
    return written(effects.over_seeds(group, effect), digits)


def _all_ways(group: Sequence[Run]) -> list[Way]:
    return list(dict.fromkeys(way for run in group for way in effects.ways(run)))


def _alignment(runs: Sequence[Run]) -> Table:
    rows = []
    for name, group in effects.tasks(runs).items():
        for way in _all_ways(group):
            cells = [_written(group, partial(effects.mean, name=each, way=way)) for each in MEASURES]
            cells[4:4] = [_written(group, partial(each, way=way)) for each in (effects.transfer, effects.pointing)]
            cells.append(_written(group, partial(effects.mean, name="frechet", way=way, what="distance")))
            seeds = sum(math.isfinite(effects.mean(run, "own", way)) for run in group)
            rows.append((name, str(way), *cells, str(seeds)))
    images = max((run.settings["images"] for run in runs), default=0)
    return Table(
        "alignment",
        "What came of images changed towards another class",
        f"Means over {images} images a seed, then over seeds, with Student-t 95% intervals. Seen: share of images in which the "
        "network itself, or a judge, finds the target most probable; transfer: standard judge over itself. Pointing: cosine of "
        "the first gradient with the target's mean image, less other classes'. High frequencies and variation are of the change "
        "(white noise has 0.80 of 32 x 32 pixels, and 2.8); nearest: distance to the nearest training image of the target over "
        "that of real ones; Frechet: of features of the standard judge, biased upwards with so few images.",
        (
            *("task", "way", "seen by itself", "by the noise judge", "by the adversarial judge", "by the standard judge"),
            *("transfer", "pointing", "high frequencies", "variation", "nearest", "Frechet", "seeds"),
        ),
        rows,
    )


def _networks(runs: Sequence[Run]) -> Table:
    rows = []
    for name, group in effects.tasks(runs).items():
        nets = dict.fromkeys(str(net) for run in group for net in run["net"][run["what"] == "network"])
        for net in nets:
            cells = [
                _written(group, partial(_of, net=net, name=each), 4)
                for each in ("training_accuracy", "test_accuracy", "noisy_accuracy", "steps")
            ]
            rows.append((name, net, *cells))
    return Table(
        "networks",
        "The networks",
        "Accuracy on training and test images, and on noisy test images (noise of its training, or the first sigma). Means over "
        "seeds with Student-t 95% intervals. Judges are of the other architecture.",
        ("task", "network", "training accuracy", "test accuracy", "noisy accuracy", "steps"),
        rows,
    )


def _of(run: Run, net: str, name: str) -> float:
    values = np.asarray(run[name], dtype=float)[(run["what"] == "network") & (run["net"] == net)]
    return float(values[0]) if len(values) else math.nan


def _certified(runs: Sequence[Run]) -> Table:
    rows = []
    for name, group in effects.tasks(runs).items():
        for way in certified_ways(group):
            cells = [_written(group, partial(effects.certified_accuracy, way=way, radius=radius)) for radius in RADII]
            abstained = _written(group, partial(_abstained, way=way))
            rows.append((name, str(way), *cells, abstained))
    settings = runs[0].settings if runs else {}
    return Table(
        "certified",
        "Certified accuracy",
        f"Share of {settings.get('certified', 0)} test images whose class is right and certain within the radius (L2, pixels in "
        f"[0, 1]); n0 = {settings.get('first_draws', 0)}, n = {settings.get('draws', 0)}, alpha = {settings.get('alpha', 0):g}; "
        "abstentions count as wrong. Means over seeds with Student-t 95% intervals.",
        ("task", "network", *(f"r = {radius:g}" for radius in RADII), "abstains"),
        rows,
    )


def certified_ways(group: Sequence[Run]) -> list[Way]:
    """Networks with the noise they were certified with."""
    found: dict[Way, None] = {}
    for run in group:
        rows = run["what"] == "certificate"
        for key in zip(run["training"][rows], run["training_sigma"][rows], run["sigma"][rows], strict=True):
            found[Way(str(key[0]), float(key[1]), float(key[2]))] = None
    return list(found)


def _abstained(run: Run, way: Way) -> float:
    predicted = effects.column(run, "predicted", "certificate", way)
    return float(np.mean(predicted < 0)) if len(predicted) else math.nan
