"""The study's figures, from its records."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from genlab.intervals import Interval
from genlab.results.figures import Bars, Figure, Line, Panel
from genlab.results.runs import Run
from genlab.studies.aligned_gradients import effects
from genlab.studies.aligned_gradients.effects import Effect, Way, over_seeds
from genlab.studies.aligned_gradients.plan import ADVERSARIAL, NOISE, STANDARD
from genlab.studies.aligned_gradients.tables import certified_ways

ERROR = "Means over seeds with Student-t 95% intervals."


def figures(runs: Sequence[Run]) -> Sequence[Figure]:
    """Every figure that the runs can fill."""
    tasks = effects.tasks(runs)
    made = [
        Figure(
            "judges",
            "Who sees the target",
            "Share of images, each changed towards another class on one network, in which a judge of another architecture and "
            f"seed sees that class. No verdict rests on the standard judge. {ERROR}",
            [_judges(name, group) for name, group in tasks.items()],
        ),
        Figure(
            "certified",
            "Certified accuracy",
            "Share of test images whose class is right and certain within a radius (L2, pixels in [0, 1]). Curves end where n "
            f"copies can certify no more. {ERROR}",
            [_certified(name, group) for name, group in tasks.items()],
        ),
        Figure(
            "samples",
            "Noise samples of a gradient",
            f"Of the noise-trained network: cosine of two independent gradients, and what the judges see. {ERROR}",
            [panel for name, group in tasks.items() for panel in _samples(name, group)],
        ),
        Figure(
            "grain",
            "Grain of the change",
            f"Share of energy above half of Nyquist's frequency. {ERROR}",
            [_grain(name, group) for name, group in tasks.items()],
        ),
    ]
    return [figure for figure in made if any(panel.lines or panel.bars for panel in figure.panels)]


def _ways(group: Sequence[Run]) -> list[Way]:
    return list(dict.fromkeys(way for run in group for way in effects.ways(run)))


def _bars(name: str, ways: Sequence[Way], found: Sequence[Interval | None]) -> Bars:
    y, low, high, n = (
        np.array([math.nan if each is None else getattr(each, part) for each in found]) for part in ("centre", "low", "high", "n")
    )
    return Bars(name, tuple(map(str, ways)), y, group=name, low=low, high=high, n=n)


def _judges(name: str, group: Sequence[Run]) -> Panel:
    ways = _ways(group)
    bars = [
        _bars(f"{judge} judge", ways, [over_seeds(group, partial(effects.seen, judge=judge, way=way)) for way in ways])
        for judge in (NOISE, ADVERSARIAL, STANDARD)
    ]
    return Panel(name, "made on", "share in which the target is seen", bars=bars if ways else [], y_range=(0, 1))


def _grain(name: str, group: Sequence[Run]) -> Panel:
    ways = _ways(group)
    found = [over_seeds(group, partial(effects.grain, way=way)) for way in ways]
    return Panel(name, "made on", "high-frequency share", bars=[_bars("change", ways, found)] if ways else [])


def _line(name: str, points: Sequence[tuple[float, Interval | None]], *, markers: bool = True) -> list[Line]:
    known = [(x, each) for x, each in points if each]
    if not known:
        return []
    columns = zip(*((x, each.centre, each.low, each.high, each.n) for x, each in known), strict=True)
    x, y, low, high, n = (np.array(each, float) for each in columns)
    return [Line(name, x, y, group=name, low=low, high=high, n=n, markers=markers)]


def _certified(name: str, group: Sequence[Run]) -> Panel:
    lines = []
    for way in certified_ways(group):
        radii = np.concatenate([effects.column(run, "certified_radius", "certificate", way) for run in group])
        marks = np.linspace(0, float(radii.max()) if len(radii) else 0.0, 9)
        points = [
            (float(each), over_seeds(group, partial(effects.certified_accuracy, way=way, radius=float(each)))) for each in marks
        ]
        lines += _line(str(way), points)
    return Panel(name, "radius", "certified accuracy", lines, y_range=(0, 1))


def _samples(name: str, group: Sequence[Run]) -> list[Panel]:
    samples = sorted({each for run in group for each in run.settings["samples"]})
    if len(samples) < 2:
        return []
    agreeing = _line(
        "two gradients agree",
        [(math.log2(each), over_seeds(group, partial(effects.agreement, samples=each))) for each in samples],
    )
    for judge in (NOISE, ADVERSARIAL):
        points = [(math.log2(each), over_seeds(group, _seen_at(judge, each))) for each in samples]
        agreeing += _line(f"seen by the {judge} judge", points)
    return [Panel(name, "log2 of the samples", "cosine, or share seen", agreeing, y_range=(0, 1))]


def _seen_at(judge: str, samples: int) -> Effect:
    def effect(run: Run) -> float:
        return effects.seen(run, judge, effects.two_by_two(run)["noise smoothed"], samples=samples)

    return effect
