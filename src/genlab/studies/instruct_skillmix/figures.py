"""The study's figures: win rate over the number of examples, by what they are made of, and over the share of shirkers."""

from collections.abc import Sequence

import numpy as np

from genlab.results.figures import Bars, Figure, Line, Panel
from genlab.results.runs import Run
from genlab.studies.instruct_skillmix.scores import Student, find, students, win_rate

ERROR = "Means over seeds with Student-t 95% intervals, cut at 0 and 1."


def figures(runs: Sequence[Run]) -> Sequence[Figure]:
    """Up to three a world."""
    every = students(runs)
    found = []
    for number, world in enumerate(dict.fromkeys(each.world for each in every)):
        own = [each for each in every if each.world == world]
        suffix = f"-{number + 1}" if number else ""
        about = f"Win rate over the reference, a tie counting half, on {own[0].settings['base']}. {ERROR}"
        panels = [each for each in (_sizes(own), _sources(own)) if each]
        if panels:
            found.append(Figure(f"data{suffix}", "Win rate by size and source of the data", about, panels))
        panels = [panel for kind in ("brevity", "junk") if (panel := _shares(own, kind))]
        if panels:
            caption = f"{about} Shirkers stand at random places of the examples; 0 is the same data without."
            found.append(Figure(f"shirkers{suffix}", "Win rate over the share of shirkers", caption, panels))
    return found


def _sizes(own: Sequence[Student]) -> Panel | None:
    line = _line("SDA k=2", find(own, source="SDA", k=2, shirkers="none"), "n")
    return Panel("SDA, two skills", "examples", "win rate", [line], y_range=_range([line])) if len(line.x) > 1 else None


def _sources(own: Sequence[Student]) -> Panel | None:
    """The arms of that size which most of them have."""
    clean = [each for each in find(own, shirkers="none") if each.settings["source"] != "base"]
    sizes = [int(each.settings["n"]) for each in clean]
    if not sizes:
        return None
    size = max(sizes, key=lambda each: (sizes.count(each), each))
    shown = [*find(own, source="base"), *(each for each in clean if each.settings["n"] == size)]
    known = [(each.name, found) for each in shown if (found := each.interval(win_rate)) is not None]
    if len(known) < 2:
        return None
    y, low, high, n = (
        np.array(values, float) for values in zip(*((i.centre, i.low, i.high, i.n) for _, i in known), strict=True)
    )
    bars = Bars("win rate", tuple(name for name, _ in known), y, low=low, high=high, n=n)
    return Panel(f"{size:,} examples", "data", "win rate", bars=[bars], y_range=_range([bars]))


def _shares(own: Sequence[Student], kind: str) -> Panel | None:
    spoiled = find(own, shirkers=kind)
    lines = []
    for size in sorted({int(each.settings["n"]) for each in spoiled}):
        clean = find(own, source="SDA", k=2, shirkers="none", n=size)
        lines.append(_line(f"SDA k=2 n={size:,}", [*clean, *find(spoiled, n=size)], "share"))
    return Panel(kind, "share of shirkers", "win rate", lines, y_range=_range(lines)) if lines else None


def _line(name: str, own: Sequence[Student], axis: str) -> Line:
    placed = sorted(own, key=lambda each: float(each.settings[axis]))
    known = [(each.settings[axis], found) for each in placed if (found := each.interval(win_rate)) is not None]
    x, y, low, high, n = (np.array([(at, i.centre, i.low, i.high, i.n) for at, i in known], float).reshape(-1, 5)).T
    return Line(name, x, y, group=name, low=low, high=high, n=n, markers=True)


def _range(shown: Sequence[Line | Bars]) -> tuple[float, float]:
    """Up to a half, an equal of the reference, or to 1 where anything is above."""
    highest = max((float(np.nanmax(each.high)) for each in shown if each.high is not None and len(each.high)), default=1.0)
    return (0.0, 0.5 if highest <= 0.5 else 1.0)
