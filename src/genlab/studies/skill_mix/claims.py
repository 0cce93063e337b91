"""The paper's findings as functions of the records.

Regions were written down before any model was evaluated with genlab. A script's numbers speak to no claim.
"""

from collections.abc import Callable, Sequence

import numpy as np

from genlab import chance
from genlab.intervals import Interval, percentiles, resampled_means
from genlab.results.claims import Claim, Finding, Region, judged, not_measured
from genlab.results.runs import Run
from genlab.studies.skill_mix.study import scripted
from genlab.studies.skill_mix.texts import Cell, by_student, main

FALLS = Region(high=0)  # by definition: full marks at the largest k minus those at the smallest
PLUMBING = "a script stands in for a model here: its numbers test the plumbing and say nothing of any model"


def _of_models(
    measure: Callable[[Sequence[Cell]], Sequence[Finding]], expected: Region
) -> Callable[[Sequence[Run]], Sequence[Finding]]:
    """Claims look at models only."""

    def over(runs: Sequence[Run]) -> Sequence[Finding]:
        real = [run for run in runs if not scripted(run.settings)]
        if runs and not real:
            return [not_measured("all conditions", expected, PLUMBING, conditions=[run.id for run in runs])]
        return measure(main(real))

    return over


def _falls(found: Sequence[Cell]) -> Sequence[Finding]:
    findings = []
    for student, cells in by_student(found).items():
        first, last = cells[0], cells[-1]
        conditions = [id for cell in cells for id in cell.conditions]
        if first.k == last.k:
            findings.append(not_measured(student, FALLS, "one k only: set k=2,3,4", conditions=conditions))
            continue
        interval = _difference(last, first)
        if interval is None:
            findings.append(not_measured(student, FALLS, "fewer than two combinations have a grade", conditions=conditions))
            continue
        setting = f"{student}, k={last.k} minus k={first.k}, {last.pack}, by {last.grader}"
        findings.append(judged(setting, FALLS, interval, conditions=conditions, note=f"n is of combinations at k={last.k}"))
    return findings


def _difference(cell: Cell, other: Cell) -> Interval | None:
    """Full marks of one cell minus another's, from independent bootstraps: different k meet different combinations."""
    if min(cell.combinations, other.combinations) < 2:
        return None
    draws = []
    for each in (cell, other):
        found = each.by_combination("full_marks")
        pairs = [(name, value) for name, values in found.items() for value in values]
        random = chance.numpy("skill_mix", "difference", each.student, each.k)
        draws.append(resampled_means([value for _, value in pairs], [name for name, _ in pairs], random=random))
    n = min(cell.combinations, other.combinations)
    low, high = percentiles(draws[0] - draws[1], n)
    ours = [np.mean([row.full_marks for row in each.graded]) for each in (cell, other)]
    centre = float(ours[0] - ours[1])
    return Interval(centre, min(low, centre), max(high, centre), n)


def _saturation(found: Sequence[Cell]) -> Sequence[Finding]:
    why = "genlab does not know how large a model is: the table of saturation points has each student's, with its interval"
    return [not_measured(student, Region(), why) for student in by_student(found)]


def _novelty(found: Sequence[Cell]) -> Sequence[Finding]:
    why = (
        "it needs the frequency of the pack's skills in the training corpus, and its size, which nobody has measured for this "
        "pack: the table of bounds shows what follows from assumed ones"
    )
    return [not_measured(f"{cell.student}, k={cell.k}", Region(low=0), why, conditions=cell.conditions) for cell in found]


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "C1",
        "The more skills a text must combine, the fewer texts earn full marks.",
        "Ratio of Full Marks (pass@1) at the largest k minus that at the smallest, per student",
        "GPT-4: .08 at k=6, .95 at k=2 (leaderboard, best of 3, names deducted)",
        _of_models(_falls, FALLS),
    ),
    Claim(
        "C2",
        "Larger models hold out to a larger k.",
        "saturation point: the k at which the Ratio of Full Marks falls below one half",
        None,
        _of_models(_saturation, Region()),
    ),
    Claim(
        "C3",
        "The best model combines skills in ways that it cannot have seen: beyond stochastic parrots.",
        "Ratio of Full Marks minus the bound p_s^k p_t L",
        "GPT-4, k=5: .12 against a bound of .07 (n about 39: its own interval holds .07)",
        _of_models(_novelty, Region(low=0)),
    ),
)
