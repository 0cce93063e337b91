"""The sequential mode: when a condition has seen enough, with intervals that hold whenever it stops."""

from collections.abc import Mapping, Sequence
from typing import Any

from genlab.grading.graded import GradedText
from genlab.grading.sequential import Decision, StopRule


def rule(settings: Mapping[str, Any]) -> StopRule:
    """The stop rule of a condition: on full marks, one value a combination.

    Two models count as alike, and the condition stops, when their difference is known to be smaller than ``width``.
    """
    if settings["stop"] == "apart":
        return StopRule(None, True, settings["look"], settings["n"], smallest=settings["width"])
    return StopRule(settings["width"], False, settings["look"], settings["n"])


def decide(settings: Mapping[str, Any], rows: Sequence[GradedText]) -> Decision | None:
    """Look at what there is, in the order of the combinations; None where nothing has a grade yet."""
    found = values(settings, rows)
    return rule(settings).decide(found) if found else None


def values(settings: Mapping[str, Any], rows: Sequence[GradedText]) -> list[float]:
    """Full marks, one value a combination: its texts' mean, or the student's mean minus that of the one it is held against.

    A combination without a graded text (of either) is left out.
    """
    means = _means([row for row in rows if row.grader == settings["grader"][0] and not row.control and row.status == "graded"])
    ours = {index: value for (student, index), value in means.items() if student == settings["student"]}
    if settings["stop"] != "apart":
        return [ours[index] for index in sorted(ours)]
    theirs = {index: value for (student, index), value in means.items() if student == settings["against"]}
    return [ours[index] - theirs[index] for index in sorted(ours.keys() & theirs.keys())]


def _means(rows: Sequence[GradedText]) -> dict[tuple[str, int], float]:
    scores: dict[tuple[str, int], list[float]] = {}
    for row in rows:
        scores.setdefault((row.student, row.index), []).append(row.full_marks or 0.0)
    return {key: sum(each) / len(each) for key, each in scores.items()}
