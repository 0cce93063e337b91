"""A graded text: what one grader made of one student's text, as one row of the records.

All statistics (ratios, agreement, corrections, reports) are functions of these rows.
"""

from dataclasses import dataclass
from typing import Literal

Status = Literal["graded", "ungraded", "unanswered", "stopped"]


@dataclass(frozen=True)
class GradedText:
    """One text before one grader.

    Attributes:
        student, grader: names of the models, as Inspect says them.
        sample: the id of the combination, equal for all students and graders that met it ("english-k3-s0-0007").
        index, generation: the combination's number from 0; which of its G texts, from 1.
        k, skills, categories, topic: what was asked for; skills in the order of the rubric.
        text, draft: the second turn, which is graded, and the first.
        control: "" for a student's text; else the kind of planted text, whose true points are ``truth``.
        truth: the k + 3 points a planted text deserves; NaN where the control does not say.
        gradings: one string a grading: its k + 3 points joined by commas, skills then topic, sense, length; "" where unreadable.
        reasons: one string a grading: why it could not be read, or "".
        points: what the vote over readable gradings gives, with the length point by our count; None where ungraded.
        named: 1 for a skill whose name or alias stands in the text, else 0; k values.
        sentences: our count; at most max(1, k - 1) are allowed.
        status: graded; ungraded (no readable grading); unanswered (the student gave no text: an error, a refusal by the
            provider); stopped (by a limit). Only graded rows count in any ratio, and the others are counted beside it.
        why: what happened, where status is not graded.
        full_marks, all_skills, skill_fraction: the three scores, None where not graded.
        full_marks_unnamed, all_skills_unnamed, skill_fraction_unnamed: with the point of each named skill deducted.
        input_tokens, output_tokens: of the student's calls and, in ``grader_*``, of the grader's.
        cost: in US dollars, of all those calls; None where no price is known.
    """

    student: str
    grader: str
    sample: str
    index: int
    generation: int
    k: int
    skills: tuple[str, ...]
    categories: tuple[str, ...]
    topic: str
    text: str
    draft: str
    control: str
    truth: tuple[float, ...] | None
    gradings: tuple[str, ...]
    reasons: tuple[str, ...]
    points: tuple[float, ...] | None
    named: tuple[float, ...]
    sentences: int
    status: str
    why: str
    full_marks: float | None
    all_skills: float | None
    skill_fraction: float | None
    full_marks_unnamed: float | None
    all_skills_unnamed: float | None
    skill_fraction_unnamed: float | None
    input_tokens: int
    output_tokens: int
    grader_input_tokens: int
    grader_output_tokens: int
    cost: float | None


def written(points: tuple[float, ...]) -> str:
    """One grading as it stands in ``gradings``.

    >>> written((1.0, 0.0, 0.5))
    '1,0,0.5'
    """
    return ",".join(f"{point:g}" for point in points)


def readings(gradings: tuple[str, ...]) -> list[tuple[float, ...]]:
    """The readable gradings among ``gradings``.

    >>> readings(("1,0,1", "", "1,1,1"))
    [(1.0, 0.0, 1.0), (1.0, 1.0, 1.0)]
    """
    return [tuple(float(point) for point in each.split(",")) for each in gradings if each]
