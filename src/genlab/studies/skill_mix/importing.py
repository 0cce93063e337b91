"""Results of the official repository as conditions of this study, so that they stand in one report with new ones."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from genlab.grading.graded import GradedText
from genlab.grading.official_results import read
from genlab.studies.skill_mix.study import SkillMix
from genlab.studies.study import Condition

OFFICIAL = "official"  # in place of a pack's name: the official list, of which ten skills and ten topics were published


def conditions(folder: Path) -> tuple[list[tuple[Condition, list[GradedText]]], list[str]]:
    """Conditions with their rows, each text scored in paper mode and, in a condition of its own, in strict mode; and problems.

    Raises:
        ValueError: the folder holds no results in the official layout.
    """
    found = read(folder)
    made = [
        (_condition(rows, mode), rows)
        for mode, every in (("paper", found.rows_paper), ("strict", found.rows_strict))
        for rows in _groups(every)
    ]
    return made, [str(problem) for problem in found.problems]


def _groups(rows: Sequence[GradedText]) -> Iterator[list[GradedText]]:
    grouped: dict[tuple[str, str, int], list[GradedText]] = {}
    for row in rows:
        grouped.setdefault((row.student, row.grader, row.k), []).append(row)
    yield from grouped.values()


def _condition(rows: Sequence[GradedText], mode: str) -> Condition:
    first = rows[0]
    return SkillMix().condition(
        student=first.student,
        grader=[first.grader],
        k=first.k,
        pack=OFFICIAL,
        pack_digest="",
        seed=0,
        n=len({row.sample for row in rows}),
        generations=max(row.generation for row in rows),
        gradings=max(len(row.gradings) for row in rows),
        mode=mode,
        controls=0,
        uncommon=False,
        stop="no",
        width=None,
        look=None,
        against=None,
        inspect={},
        grading={},
        imported=True,
    )
