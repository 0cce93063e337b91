"""Graded texts by cell: one student at one k before one grader, its seeds pooled, with the scores' means and intervals."""

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from genlab import chance
from genlab.evaluation.roles import models_among
from genlab.grading.graded import GradedText
from genlab.intervals import Interval, cluster_bootstrap
from genlab.results.runs import Run
from genlab.results.texts import texts

Score = Literal["full_marks", "all_skills", "skill_fraction"]
SCORES: dict[Score, str] = {
    "full_marks": "Ratio of Full Marks",
    "all_skills": "Ratio of All Skills",
    "skill_fraction": "Skill Fraction",
}
STATUSES = ("ungraded", "unanswered", "stopped")
_ITS_OWN = {"seed", "student", "against", "k", "stop", "width", "look"}  # settings in which the runs of one cell may differ


@dataclass(frozen=True)
class Cell:
    """One student at one k before one grader.

    Attributes:
        student, grader, k, pack, mode: what it is.
        first: whether this is the grader whose grades are the score, not one beside it.
        settings: of its runs, seed aside. Under a stop rule, the interval of full marks is the rule's own.
        texts: the student's, one a combination and generation.
        controls: the planted ones.
        conditions: ids of the runs it comes from.
    """

    student: str
    grader: str
    k: int
    pack: str
    mode: str
    first: bool
    settings: Mapping[str, Any]
    texts: tuple[GradedText, ...]
    controls: tuple[GradedText, ...]
    conditions: tuple[str, ...]

    @property
    def graded(self) -> tuple[GradedText, ...]:
        """The texts that have a grade."""
        return tuple(row for row in self.texts if row.status == "graded")

    @property
    def exact(self) -> bool:
        """Whether the grader is a program that decides every point: it has no errors to measure, and no other world's numbers."""
        return not models_among([self.grader])

    @property
    def combinations(self) -> int:
        """How many combinations have a graded text."""
        return len({row.sample for row in self.graded})

    def by_combination(self, score: str) -> dict[Hashable, list[float]]:
        """The graded texts' scores, by combination."""
        found: dict[Hashable, list[float]] = {}
        for row in self.graded:
            found.setdefault(row.sample, []).append(float(getattr(row, score)))
        return found

    def mean(self, score: str) -> Interval | None:
        """Pass@1: the mean over texts; None with fewer than two combinations."""
        found = self.by_combination(score)
        if self.settings["stop"] == "width" and score == "full_marks" and len(self.conditions) == 1 and self.first:
            from genlab.studies.skill_mix.stopping import decide

            decision = decide(self.settings, self.texts)
            return decision.interval if decision else None
        return self._interval([(name, value) for name, values in found.items() for value in values], score, "mean")

    def best(self, score: str) -> Interval | None:
        """Best of G: the mean over combinations of the best text's score, as the paper reports it."""
        return self._interval([(name, max(values)) for name, values in self.by_combination(score).items()], score, "best")

    def _interval(self, pairs: Sequence[tuple[Hashable, float]], *key: str) -> Interval | None:
        if len({name for name, _ in pairs}) < 2:
            return None
        random = chance.numpy("skill_mix", "interval", self.student, self.grader, self.k, *key)
        values = [min(1.0, value) for _, value in pairs]  # a half point of paper mode can lift a skill fraction above 1
        return cluster_bootstrap(values, [name for name, _ in pairs], random=random)


def cells(runs: Sequence[Run]) -> list[Cell]:
    """All cells of finished runs, by student as first met, then k, then grader."""
    grouped: dict[tuple[Any, ...], list[tuple[GradedText, Run]]] = {}
    students: dict[str, None] = {}
    for run in runs:
        settings = run.settings
        for row in texts(run):
            students.setdefault(row.student)
            first = row.grader == settings["grader"][0]
            key = (row.student, row.k, not first, row.grader, _shared(settings))
            grouped.setdefault(key, []).append((row, run))
    place = {student: index for index, student in enumerate(students)}
    found = []
    for key in sorted(grouped, key=lambda key: (place[key[0]], *key[1:])):
        student, k, beside, grader, _ = key
        settings = grouped[key][0][1].settings
        rows = [row for row, _ in grouped[key]]
        found.append(
            Cell(
                student,
                grader,
                k,
                settings["pack"],
                settings["mode"],
                not beside,
                settings,
                tuple(row for row in rows if not row.control),
                tuple(row for row in rows if row.control),
                tuple(dict.fromkeys(run.id for _, run in grouped[key])),
            )
        )
    return found


def main(runs: Sequence[Run]) -> list[Cell]:
    """The cells whose grades are the score."""
    return [cell for cell in cells(runs) if cell.first]


def by_student(found: Iterable[Cell]) -> dict[str, list[Cell]]:
    """Cells of each student, by k. Where one was evaluated in several ways, each has its own entry, and its name says how."""
    grouped: dict[str, dict[str, list[Cell]]] = {}
    for cell in found:
        grouped.setdefault(cell.student, {}).setdefault(_shared(cell.settings) + cell.grader, []).append(cell)
    named = {}
    for student, ways in grouped.items():
        firsts = [cells[0] for cells in ways.values()]
        told = [name for name in firsts[0].settings if len({json.dumps(each.settings.get(name)) for each in firsts}) > 1]
        told = [name for name in told if name not in _ITS_OWN]
        for cells in ways.values():
            first = cells[0]
            how = [f"{name}={_said(first.settings.get(name))}" for name in told]
            named[f"{student} ({', '.join(how)})" if how else student] = cells
    return named


def _shared(settings: Mapping[str, Any]) -> str:
    """What the runs of one cell have in common."""
    return json.dumps({name: value for name, value in settings.items() if name not in _ITS_OWN}, sort_keys=True)


def _said(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def points_by(cell: Cell, of: Literal["category", "skill", "topic"]) -> Mapping[str, tuple[list[float], list[str]]]:
    """Skill points earned (by category or skill) or full marks (by topic), with the combination of each."""
    found: dict[str, tuple[list[float], list[str]]] = {}

    def add(name: str, value: float, sample: str) -> None:
        values, samples = found.setdefault(name, ([], []))
        values.append(value)
        samples.append(sample)

    for row in cell.graded:
        if of == "topic":
            add(row.topic, row.full_marks or 0.0, row.sample)
            continue
        assert row.points is not None
        for name, point in zip(row.categories if of == "category" else row.skills, row.points[: row.k], strict=True):
            add(name, min(1.0, point), row.sample)
    return found
