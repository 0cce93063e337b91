"""Graded texts for tests: what a test does not say is plain."""

from genlab.grading.graded import GradedText, written
from genlab.grading.scores import scores, vote


def graded(grader: str, sample: str, gradings: list[tuple[float, ...] | None], *, k: int = 1, **others: object) -> GradedText:
    """One text before one grader, from its gradings (None: unreadable); any other field by name."""
    read = [each for each in gradings if each]
    points = vote(read) if read else None
    worth = scores(points) if points else None
    full, every, fraction = (worth.full_marks, worth.all_skills, worth.skill_fraction) if worth else (None, None, None)
    fields = {
        "student": "student",
        "grader": grader,
        "sample": sample,
        "index": 0,
        "generation": 1,
        "k": k,
        "skills": ("metaphor",) * k,
        "categories": ("literary",) * k,
        "topic": "knots",
        "text": f"text of {sample}",
        "draft": "",
        "control": "",
        "truth": None,
        "gradings": tuple(written(each) if each else "" for each in gradings),
        "reasons": ("",) * len(gradings),
        "points": points,
        "named": (0.0,) * k,
        "sentences": 1,
        "status": "graded" if read else "ungraded",
        "why": "",
        "full_marks": full,
        "all_skills": every,
        "skill_fraction": fraction,
        "full_marks_unnamed": full,
        "all_skills_unnamed": every,
        "skill_fraction_unnamed": fraction,
        "input_tokens": 0,
        "output_tokens": 0,
        "grader_input_tokens": 0,
        "grader_output_tokens": 0,
        "cost": None,
    }
    return GradedText(**{**fields, **others})  # type: ignore[arg-type]
