"""What the records say of each student: scores by split, k and seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genlab.grading.graded import GradedText
from genlab.intervals import Interval, student_t, wilson
from genlab.results.runs import Run
from genlab.results.texts import texts
from genlab.studies.skill_composition.study import MIXTURES, SPLITS, way

SCORES = {
    "full_marks": "full marks",
    "present": "skills shown",
    "skill_fraction": "skill fraction",
    "by_chance": "skills of another request",
}


@dataclass(frozen=True)
class Student:
    """One mixture, fine-tuned one way on one base, over its seeds.

    Attributes:
        mixture, way, base, pack: what it is; ``way`` is "" for a base, " strict" or " replay 25%" and the like.
        runs: by seed.
        cells: by seed, the graded texts of each split and k.
    """

    mixture: str
    way: str
    base: str
    pack: str
    runs: Mapping[int, Run]
    cells: Mapping[int, Mapping[tuple[str, int], Sequence[GradedText]]]

    @property
    def name(self) -> str:
        """For instance ``D(1,2,3) strict``."""
        return f"{self.mixture}{self.way}"

    @property
    def conditions(self) -> list[str]:
        """Ids of its runs."""
        return [run.id for run in self.runs.values()]

    def by_seed(self, split: str, k: int, score: str) -> dict[int, float]:
        """The mean score of one cell, by seed."""
        found = {seed: mean(cells.get((split, k), ()), score) for seed, cells in self.cells.items()}
        return {seed: value for seed, value in found.items() if value is not None}

    def interval(self, split: str, k: int, score: str) -> Interval | None:
        """The mean over seeds with its interval; of one seed Wilson's, over its texts; None without texts.

        The mean of a score between 0 and 1 is never outside them, and its interval is cut there.
        """
        values = list(self.by_seed(split, k, score).values())
        if not values:
            return None
        if len(values) == 1:
            (cells,) = (each for each in self.cells.values() if (split, k) in each)
            n = len(cells[split, k])
            return wilson(min(1.0, values[0]) * n, n)
        found = student_t(values)
        return Interval(found.centre, max(0.0, found.low), min(1.0, found.high), found.n)


def students(runs: Sequence[Run]) -> list[Student]:
    """The students of finished runs, in the order of ``MIXTURES``, strict before replay, by base and pack."""
    found: dict[tuple[str, str, str, str], dict[int, Run]] = {}
    for run in runs:
        settings = run.settings
        key = (settings["pack"], settings["base"], way(settings), settings["mixture"])
        found.setdefault(key, {})[settings["seed"]] = run
    order = list(MIXTURES)
    made = [
        Student(mixture, how, base, pack, seeds, {seed: by_cell(run) for seed, run in seeds.items()})
        for (pack, base, how, mixture), seeds in found.items()
    ]
    return sorted(made, key=lambda each: (each.pack, each.base, "replay" in each.way, each.way, order.index(each.mixture)))


def by_cell(run: Run) -> dict[tuple[str, int], list[GradedText]]:
    """All of a run's texts that have a grade, by split and k, in the order they were asked for."""
    found: dict[tuple[str, int], list[GradedText]] = {}
    for row in texts(run):
        if row.status == "graded":
            found.setdefault((split_of(row), row.k), []).append(row)
    return found


def split_of(row: GradedText) -> str:
    """The split that a text was asked for in, from its sample's id.

    Raises:
        ValueError: the id names none.
    """
    for split in SPLITS:
        if row.sample.startswith(f"{split}-"):
            return split
    raise ValueError(f"sample {row.sample!r} names no split: expected one of {', '.join(SPLITS)}")


def mean(rows: Sequence[GradedText], score: str) -> float | None:
    """The mean of a score over the texts of one cell, None where nothing was asked or graded."""
    if not rows:
        return None
    if score == "by_chance":
        return by_chance(rows)
    values = [present(row) if score == "present" else float(getattr(row, score)) for row in rows]
    return math.fsum(values) / len(values)


def present(row: GradedText) -> float:
    """The share of its k skills that a text shows, whatever else it is: the raw fraction."""
    assert row.points is not None
    return sum(row.points[: row.k]) / row.k


def by_chance(rows: Sequence[GradedText]) -> float | None:
    """The share of the *next* request's skills that texts show: what a student earns that does not heed its request.

    Only a checker can say; of other packs, and of a single text, None.
    """
    if len(rows) < 2 or not rows[0].grader.endswith("/skillworld"):
        return None
    from genlab.grading.rubric import sentence_limit
    from genlab.skillworld.shuffled import Request, chance_points

    requests = [Request(row.skills, row.topic, sentence_limit(row.k)) for row in rows]
    points = chance_points([row.text for row in rows], requests)
    k = rows[0].k
    return sum(sum(each[:k]) / k for each in points) / len(points)
