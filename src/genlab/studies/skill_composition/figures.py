"""The study's figures: scores over k for every student, split by split."""

from collections.abc import Sequence

import numpy as np

from genlab.results.figures import Figure, Line, Panel
from genlab.results.runs import Run
from genlab.studies.skill_composition.scores import SCORES, Student, students
from genlab.studies.skill_composition.study import SPLITS

CAPTIONS = {
    "full_marks": "Ratio of full marks: every skill, the topic, sense and length.",
    "present": "Share of the k skills shown, whatever else; dashed, faint: of the next request's skills, which is chance.",
}


def figures(runs: Sequence[Run]) -> Sequence[Figure]:
    """One figure a way of fine-tuning and score: the base and the students made from it that way."""
    every = students(runs)
    found = []
    for way in dict.fromkeys(each.way for each in every if each.way) or ("",):
        shown = [each for each in every if each.way == way or (not each.way and _has(every, each, way))]
        for score, caption in CAPTIONS.items():
            panels = [
                Panel(split, "k", SCORES[score], _lines(shown, split, score), y_range=(0, 1), whole_x=True) for split in SPLITS
            ]
            if any(panel.lines for panel in panels):
                name = f"{score}{way}".replace(" ", "-").replace("%", "")
                found.append(Figure(name, f"{SCORES[score].capitalize()} over k,{way or ' base'}", f"{caption} {_ERROR}", panels))
    return found


_ERROR = "Means over seeds with Student-t 95% intervals, cut at 0 and 1."


def _has(every: Sequence[Student], base: Student, way: str) -> bool:
    """Whether students were made that way from this base."""
    return not way or any(each.way == way and (each.base, each.pack) == (base.base, base.pack) for each in every)


def _lines(shown: Sequence[Student], split: str, score: str) -> list[Line]:
    lines = []
    several = len({each.base for each in shown}) > 1
    for each in shown:
        name = f"{each.mixture} on {each.base}" if several else each.mixture
        lines += _line(each, name, split, score)
        if score == "present" and each.mixture == "D(1,2,3)":
            lines += _line(each, f"{name}, by chance", split, "by_chance", faint=True)
    return lines


def _line(student: Student, name: str, split: str, score: str, *, faint: bool = False) -> list[Line]:
    sizes = sorted({k for run in student.runs.values() for k in run.settings["k"]})
    known = [(k, each) for k in sizes if (each := student.interval(split, k, score)) is not None]
    if not known:
        return []
    x, y, low, high, n = (
        np.array(values, float) for values in zip(*((k, i.centre, i.low, i.high, i.n) for k, i in known), strict=True)
    )
    return [Line(name, x, y, group=name, dashed=faint, faint=faint, low=low, high=high, n=n, markers=True)]
