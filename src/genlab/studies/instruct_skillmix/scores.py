"""What the records say of each student: win rates and points by seed."""

import functools
import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genlab import chance
from genlab.grading.annotations import Annotation
from genlab.grading.length_control import length_controlled
from genlab.intervals import Interval, wilson
from genlab.results.runs import Run
from genlab.results.texts import rows
from genlab.studies.instruct_skillmix.record import Answered
from genlab.studies.instruct_skillmix.study import SHIRKERS, SOURCES, arm
from genlab.studies.seeds import interval_of

Score = Callable[[tuple[Answered, ...]], float | None]
_READ: dict[int, tuple[weakref.ref[Run], tuple[Answered, ...]]] = {}
RESAMPLES = 2  # of a seed's own length-controlled interval, which nobody reads: intervals are over seeds


@dataclass(frozen=True)
class Student:
    """One arm over its seeds.

    Attributes:
        settings: of one of its runs; all but the seed hold for the others.
        runs: by seed.
        answers: by seed, all rows, ungraded ones too.
    """

    settings: Mapping[str, Any]
    runs: Mapping[int, Run]
    answers: Mapping[int, tuple[Answered, ...]]

    @property
    def name(self) -> str:
        """For instance ``SDA k=2 n=500``."""
        return arm(self.settings)

    @property
    def world(self) -> tuple[object, ...]:
        """Students of equal worlds may be compared: base, judge, instructions and temperature."""
        names = ("base", "data", "judge", "benchmark", "asked", "questions", "temperature")
        return tuple(str(self.settings[name]) for name in names)

    @property
    def conditions(self) -> list[str]:
        """Ids of its runs."""
        return [run.id for run in self.runs.values()]

    @property
    def ungraded(self) -> int:
        """Answers of all seeds without a judgement."""
        return sum(each.preference is None for answers in self.answers.values() for each in answers)

    def by_seed(self, score: Score) -> dict[int, float]:
        """A score of each seed's answers; seeds for which there is none are left out."""
        found = {seed: score(answers) for seed, answers in self.answers.items()}
        return {seed: value for seed, value in found.items() if value is not None}

    def interval(self, score: Score) -> Interval | None:
        """Mean over seeds with its interval, within 0 and 1; of one seed Wilson's over its answers."""
        values = self.by_seed(score)
        if len(values) == 1:
            ((seed, value),) = values.items()
            n = sum(each.preference is not None for each in self.answers[seed])
            return wilson(min(1.0, max(0.0, value)) * n, n) if n else None
        found = interval_of(list(values.values()))
        return found and Interval(found.centre, max(0.0, found.low), min(1.0, found.high), found.n)


def students(runs: Sequence[Run]) -> list[Student]:
    """The students of finished runs: the base first, then by source, k, size, kind and share of shirkers."""
    found: dict[tuple[object, ...], dict[int, Run]] = {}
    for run in runs:
        if run.ending == "judged":
            key = tuple(str(value) for name, value in sorted(run.settings.items()) if name != "seed")
            found.setdefault(key, {})[run.settings["seed"]] = run
    made = [
        Student(next(iter(seeds.values())).settings, seeds, {seed: answers(run) for seed, run in seeds.items()})
        for seeds in found.values()
    ]
    return sorted(made, key=_place)


def answers(run: Run) -> tuple[Answered, ...]:
    """The rows of a run, read once: claims, tables and figures all look at them."""
    place = id(run)
    known = _READ.get(place)
    if known is None or known[0]() is not run:
        known = weakref.ref(run, lambda gone: _READ.pop(place, None)), tuple(rows(run, Answered))
        _READ[place] = known
    return known[1]


def win_rate(answers: tuple[Answered, ...]) -> float | None:
    """The mean share of the preference, ungraded answers left out."""
    known = [each.share for each in answers if each.share is not None]
    return math.fsum(known) / len(known) if known else None


@functools.lru_cache(maxsize=4096)
def length_controlled_win_rate(answers: tuple[Answered, ...]) -> float | None:
    """AlpacaEval's, without its gamed baselines and difficulties: ``length_controlled_minimal`` there.

    None where lengths do not differ or too few answers are graded.
    """
    made = [
        Annotation(each.sample, each.reference, each.text, "reference", each.student, each.judge, each.preference)
        for each in answers
    ]
    try:
        found = length_controlled(made, random=chance.numpy("length control"), resamples=RESAMPLES)
    except ValueError:
        return None
    return found.win_rate.centre


def full_marks(k: int | None = None) -> Score:
    """Share of answers that earn every point, of one k or all; None where no checker judged."""

    def score(answers: tuple[Answered, ...]) -> float | None:
        known = [each.full_marks for each in answers if each.full_marks is not None and k in (None, each.k)]
        return math.fsum(known) / len(known) if known else None

    return score


def present(answers: tuple[Answered, ...]) -> float | None:
    """Mean share of skills shown; None where no checker judged."""
    known = [each.present for each in answers if each.present is not None]
    return math.fsum(known) / len(known) if known else None


def characters(answers: tuple[Answered, ...]) -> float | None:
    """Mean length of the answers."""
    return math.fsum(each.characters for each in answers) / len(answers) if answers else None


def difference(better: Student, worse: Student) -> dict[int, float]:
    """Differences of win rates, seed by seed: both answered the same instructions."""
    ours, theirs = better.by_seed(win_rate), worse.by_seed(win_rate)
    return {seed: ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())}


def find(every: Sequence[Student], like: Student | None = None, **settings: Any) -> list[Student]:
    """Students of these settings, and of the world of another."""
    return [
        each
        for each in every
        if all(each.settings[name] == value for name, value in settings.items()) and (like is None or like.world == each.world)
    ]


def _place(student: Student) -> tuple[object, ...]:
    its = student.settings
    return (
        student.world,
        SOURCES.index(str(its["source"])),
        its["k"] or 0,
        SHIRKERS.index(str(its["shirkers"])),
        its["n"] or 0,
        its["share"],
    )
