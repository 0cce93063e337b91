"""From gradings to the score that stands in the log: the vote, the length by our count, the names that are deducted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genlab.evaluation.grading import Graded
from genlab.grading import official, sentences
from genlab.grading.prompts import visible
from genlab.grading.reading import MOST_CHARACTERS
from genlab.grading.rubric import Rubric
from genlab.grading.scores import deducted, scores, vote
from genlab.skills.naming import names_itself

if TYPE_CHECKING:
    from inspect_ai.scorer import Score


class Unread(list[Any]):
    """A list in a score's metadata that a copy of the score shares.

    Inspect hands each metric a deep copy of every score, and a metric reads the value alone: copying what the graders said took
    a sixteenth of an evaluation's processor time (measured, docs/log.md).
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> "Unread":
        return self


def score(text: str, rubric: Rubric, found: Sequence[Graded], *, mode: str, control: str = "") -> "Score":
    """One Inspect score of a text: the first grader's, with everything every grader said in its metadata.

    It is unscored where the first grader left no readable grading, and for a planted text.
    """
    from inspect_ai.scorer import Score

    first = found[0]
    seen = text[:MOST_CHARACTERS]  # a longer one has no grading
    counted = length(seen, mode)
    points = voted(first.readable, counted, rubric, mode)
    said = named(seen, rubric, mode)
    metadata: dict[str, Any] = {
        "graders": Unread(each.to_json() for each in found),
        "points": points,
        "named": said,
        "sentences": counted,
        "criteria": [each.name for each in rubric.criteria],
    }
    explanation = _explained(rubric, first, points, said, counted)
    if control:
        return Score.unscored(
            reason="control", answer=text, explanation=f"planted text: {control}\n\n{explanation}", metadata=metadata
        )
    if points is None:
        why = "; ".join(dict.fromkeys(reason for reason in first.reasons if reason))
        return Score.unscored(reason="ungraded", answer=text, explanation=f"Ungraded: {why}", metadata=metadata)
    value = valued(points, said)
    return Score(value=dict(value), answer=text, explanation=explanation, metadata=metadata)


def valued(points: Sequence[float], said: Sequence[float]) -> dict[str, float]:
    """The three scores, plain and with named skills deducted."""
    plain, unnamed = scores(points), scores(deducted(points, said))
    return {
        "full_marks": plain.full_marks,
        "all_skills": plain.all_skills,
        "skill_fraction": plain.skill_fraction,
        "full_marks_unnamed": unnamed.full_marks,
        "all_skills_unnamed": unnamed.all_skills,
        "skill_fraction_unnamed": unnamed.skill_fraction,
    }


def voted(gradings: Sequence[Sequence[float]], counted: int, rubric: Rubric, mode: str) -> tuple[float, ...] | None:
    """The points of a text, None without a readable grading: the vote, with the length point by our own count."""
    if not gradings:
        return None
    length_point = float(counted <= rubric.limit)
    points = vote(gradings) if mode == "strict" else official.voted(gradings)
    return (*points[:-1], length_point)


def length(text: str, mode: str) -> int:
    """Sentences of a text, as a reader counts them (strict) or the official code does (paper)."""
    return sentences.count(text) if mode == "strict" else official.sentence_count(text)


def named(text: str, rubric: Rubric, mode: str) -> tuple[float, ...]:
    """1 for each skill that the text names."""
    if mode == "strict":
        seen = visible(text)  # as the grader sees it: a name with unseen characters in it is a name
        return tuple(float(names_itself(skill, seen)) for skill in rubric.skills)
    return official.named([skill.name for skill in rubric.skills], text)


def _explained(rubric: Rubric, first: Graded, points: Sequence[float] | None, said: Sequence[float], counted: int) -> str:
    """A table that reads well in ``inspect view``."""
    votes = first.readable
    lines = ["| criterion | point | gradings | the grader's reason |", "|---|---|---|---|"]
    for place, criterion in enumerate(rubric.criteria):
        point = "–" if points is None else f"{points[place]:g}"
        given = " ".join(f"{each[place]:g}" for each in votes) or "unreadable"
        reason = " ".join(first.remarks[place].split()).replace("|", "/") if place < len(first.remarks) else ""
        note = " (named in the text)" if place < len(said) and said[place] else ""
        note += f" (counted: {counted}, allowed: {rubric.limit})" if criterion.kind == "length" else ""
        lines.append(f"| {criterion.name}{note} | {point} | {given} | {reason} |")
    return "\n".join(lines)
