"""The paper's findings as functions of the records.

Regions were written down before the study ran. Every difference is between students of one seed on the same instructions, and
its interval is over seeds.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from genlab.results.claims import Claim, Finding, Region, finding, not_measured
from genlab.results.runs import Run
from genlab.studies.instruct_skillmix.scores import Student, difference, find, students

ABOVE = Region(low=0.01)  # better by one win in a hundred or more: our assumption, so that two equals are no success
SHIRKERS_SHARE = 0.2  # "20%", arXiv v1's abstract


def _found(better: Student, worse: Student, note: str = "") -> Finding:
    values = difference(better, worse)
    setting, conditions = f"{better.name} minus {worse.name}, on {better.settings['base']}", better.conditions + worse.conditions
    if not values:
        return not_measured(setting, ABOVE, "no seed is in both", conditions=conditions)
    return finding(setting, ABOVE, values, conditions=conditions, note=note)


def _clean(every: Sequence[Student], **settings: Any) -> list[Student]:
    return find(every, shirkers="none", **settings)


def _above_base(every: Sequence[Student], sources: Sequence[str]) -> list[Finding]:
    findings = []
    for source in sources:
        worlds = dict.fromkeys(each.world for each in _clean(every, source=source, k=2))
        for world in worlds:
            ours = [each for each in _clean(every, source=source, k=2) if each.world == world][-1]  # the largest
            findings += [_found(ours, base) for base in find(every, like=ours, source="base")]
    return findings


def _beats_base(runs: Sequence[Run]) -> Sequence[Finding]:
    return _above_base(students(runs), ("SDA",))


def _both_ways(runs: Sequence[Run]) -> Sequence[Finding]:
    return _above_base(students(runs), ("SDD",))


def _more_data(runs: Sequence[Run]) -> Sequence[Finding]:
    sizes = _clean(students(runs), source="SDA", k=2)
    return [_found(more, less) for less, more in pairwise(sizes) if less.world == more.world]


def _against(runs: Sequence[Run], **settings: Any) -> list[Finding]:
    every = students(runs)
    return [
        _found(ours, other)
        for ours in _clean(every, source="SDA", k=2)
        for other in find(every, like=ours, shirkers="none", n=ours.settings["n"], **settings)
    ]


def _pairs(runs: Sequence[Run]) -> Sequence[Finding]:
    return _against(runs, source="SDA", k=1)


def _naive(runs: Sequence[Run]) -> Sequence[Finding]:
    return _against(runs, source="naive")


def _shirkers(runs: Sequence[Run]) -> Sequence[Finding]:
    every = students(runs)
    return [
        _found(ours, spoiled)
        for ours in _clean(every, source="SDA", k=2)
        for kind in ("brevity", "junk")
        for spoiled in find(every, like=ours, source="SDA", k=2, n=ours.settings["n"], shirkers=kind, share=SHIRKERS_SHARE)
    ]


QUANTITY = "difference in win rate over the reference"
CLAIMS = (
    Claim("C1", "Instruction data made from random pairs of skills teach a base to answer", QUANTITY, None, _beats_base),
    Claim("C2", "More of such data teach more", QUANTITY, None, _more_data),
    Claim("C3", "Two skills an instruction teach more than one", QUANTITY, None, _pairs),
    Claim(
        "C4",
        "Skills may come from an existing data set as well as from the teacher: such data teach a base, too",
        QUANTITY,
        None,
        _both_ways,
    ),
    Claim(
        "C5",
        "Naming skills teaches more than leaving the same teacher alone (asked for by reviewers; not in the paper)",
        QUANTITY,
        None,
        _naive,
    ),
    Claim("C6", "A fifth of low-quality answers does noticeable harm", QUANTITY, None, _shirkers),
)
