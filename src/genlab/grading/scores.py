"""From points to the three scores of Skill-Mix (Yu et al. 2023).

Points of one text are k skill points, then topic, sense and length; s is the sum of the first k, o that of the last three.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from genlab.grading.rubric import OTHERS


@dataclass(frozen=True)
class Scores:
    """What one text is worth, each from 0 to 1."""

    full_marks: float
    all_skills: float
    skill_fraction: float


def scores(points: Sequence[float]) -> Scores:
    """Full marks: every point earned. All skills: s = k and o at least 2. Skill fraction: s / k where o = 3, else 0.

    >>> scores((1, 1, 1, 1, 1)), scores((1, 0, 1, 1, 1))
    (Scores(full_marks=1.0, all_skills=1.0, skill_fraction=1.0), Scores(full_marks=0.0, all_skills=0.0, skill_fraction=0.5))
    """
    k = len(points) - OTHERS
    skills, others = sum(points[:k]), sum(points[k:])
    return Scores(
        full_marks=float(skills + others == k + OTHERS),
        all_skills=float(skills == k and others >= OTHERS - 1),
        skill_fraction=float(skills / k) if others == OTHERS else 0.0,
    )


def vote(gradings: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The majority of readable gradings, criterion by criterion: a point is earned by more than half of them.

    >>> vote([(1, 1, 0), (1, 0, 0), (1, 1, 1)])
    (1.0, 1.0, 0.0)

    Raises:
        ValueError: no grading, or gradings of different lengths.
    """
    if not gradings:
        raise ValueError("a vote needs a grading, got none: the text is ungraded")
    return tuple(float(2 * sum(column) > len(column)) for column in zip(*gradings, strict=True))


def deducted(points: Sequence[float], named: Sequence[float]) -> tuple[float, ...]:
    """Points without those of the skills that the text names."""
    k = len(points) - OTHERS
    return (*(point * (1 - said) for point, said in zip(points[:k], named, strict=True)), *points[k:])
