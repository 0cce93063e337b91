"""The study's figures: win rate over the number of examples, and over the share of shirkers."""

from collections.abc import Sequence

import numpy as np

from genlab.results.figures import Figure, Line, Panel
from genlab.results.runs import Run
from genlab.studies.instruct_skillmix.scores import Student, find, students, win_rate

ERROR = "Means over seeds with Student-t 95% intervals, cut at 0 and 1."


def figures(runs: Sequence[Run]) -> Sequence[Figure]:
    """One pair of figures a world."""
    every = students(runs)
    found = []
    for number, world in enumerate(dict.fromkeys(each.world for each in every)):
        own = [each for each in every if each.world == world]
        suffix = f"-{number + 1}" if number else ""
        about = f"on {own[0].settings['base']}"
        sizes = _lines(find(own, shirkers="none"), "n")
        if any(len(line.x) > 1 for line in sizes):
            caption = f"Win rate over the reference, a tie counting half, {about}. {ERROR}"
            panel = Panel("no shirkers", "examples", "win rate", sizes, y_range=(0, 1))
            found.append(Figure(f"size{suffix}", "Win rate over the number of examples", caption, [panel]))
        panels = [panel for kind in ("brevity", "junk") if (panel := _shares(own, kind)).lines]
        if panels:
            caption = f"Shirkers planted at random in the examples, {about}; 0 is the same data without. {ERROR}"
            found.append(Figure(f"shirkers{suffix}", "Win rate over the share of shirkers", caption, panels))
    return found


def _shares(own: Sequence[Student], kind: str) -> Panel:
    spoiled = find(own, shirkers=kind)
    sizes = {each.settings["n"] for each in spoiled}
    clean = [each for each in find(own, source="SDA", k=2, shirkers="none") if each.settings["n"] in sizes]
    return Panel(kind, "share of shirkers", "win rate", _lines([*clean, *spoiled], "share") if spoiled else [], y_range=(0, 1))


def _lines(own: Sequence[Student], axis: str) -> list[Line]:
    groups: dict[str, list[Student]] = {}
    for each in own:
        if each.settings["source"] != "base":
            its = each.settings
            name = str(its["source"]) + (f" k={its['k']}" if its["k"] else "") + (f" n={its['n']:,}" if axis == "share" else "")
            groups.setdefault(name, []).append(each)
    return [_line(name, sorted(each, key=lambda one: one.settings[axis]), axis) for name, each in groups.items()]


def _line(name: str, own: Sequence[Student], axis: str) -> Line:
    known = [(each.settings[axis], found) for each in own if (found := each.interval(win_rate)) is not None]
    x, y, low, high, n = (np.array([(at, i.centre, i.low, i.high, i.n) for at, i in known], float).reshape(-1, 5)).T
    return Line(name, x, y, group=name, low=low, high=high, n=n, markers=True)
