"""Paper mode: what the official code computes (LeoYu/skill-mix at aeeea53, the last commit), faults included, in our own words.

For comparison with published figures only: what it reads wrongly, and where it stops, is listed in the tests.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genlab.grading.rubric import OTHERS

Array = NDArray[np.floating[Any]]

TABLE = "Here's the grading table:"  # what the official prompt asks a grader to write above its table
ANSWER, DEFINITIONS = (
    "The student's answer was: ",
    "For reference, here are the definitions for the skills",
)  # around the text, there


class Crash(ValueError):
    """The official code raises on this input, which ends its whole run; the message says on what."""


@dataclass(frozen=True)
class OfficialPoints:
    """Points in the order they were found, and the grader's own total; None where it gave none (the official code: 0)."""

    points: tuple[float, ...]
    total: float | None


def text_of(output: str) -> str:
    """The text in a student's output: after the last ``Answer:``, before the first ``Explanation`` that follows.

    >>> text_of("Answer: Bees hum. Explanation: ..."), text_of("Bees hum.")
    ('Bees hum.', 'Bees hum.')
    """
    return output.split("Answer:")[-1].split("Explanation")[0].strip()


def sentence_count(text: str) -> int:
    """Sentences as the official code counts them: places where an end mark, one blank and a capital meet, and one.

    Straight quotation marks may stand on either side of the blank. The titles are joined by patterns whose dot stands for any
    character, so "Dry. " is safe and "Dr! " is not an end.

    >>> sentence_count("It hums. Does it?"), sentence_count("One. two. three."), sentence_count("")
    (2, 1, 1)
    """
    for title in ("Mr", "Mrs", "Ms", "Dr", "Prof"):
        text = re.sub(f"{title}. ", f"{title}.", text)
    return 1 + len(re.findall("[.!?]['\"]* ['\"]*[A-Z]", text))


def table_points(reply: str) -> OfficialPoints:
    """The points in a reply that holds a table, by the order of its rows.

    Raises:
        Crash: a row has one cell, or its second cell leaves no number when all but digits, dots and strokes is dropped.
    """
    found: dict[str, float] = {}
    for line in reply.split(TABLE)[-1].split("Explanation:")[0].split("\n"):
        if "|" not in line or "--" in line or "criteria" in line.lower():
            continue
        cells = [cell.strip() for cell in line.split("|") if cell.strip()]
        if not cells:
            continue
        if len(cells) == 1:
            raise Crash(f"a row with one cell: {line.strip()[:80]!r}")
        number = _number(cells[1])
        if number is not None:
            found[cells[0].lower()] = number
    named: dict[str, float] = {}
    for key, number in found.items():
        named["score" if "total" in key else key] = number
    return OfficialPoints(tuple(number for key, number in named.items() if "score" not in key), named.get("score"))


def _number(cell: str) -> float | None:
    kept = re.sub("[^0-9./]", "", cell)
    if not kept:
        return None
    numerator = re.match(r"\d+(?=/)", kept)
    try:
        return float(numerator[0] if numerator else kept)
    except ValueError:
        raise Crash(f"points that are no number: {cell[:80]!r}") from None


def listed_points(reply: str) -> OfficialPoints:
    """The points in a reply that says "Point earned: 1" of each criterion and ends in "Grade: 5"; what is no number earns 0.

    Raises:
        Crash: the first number after the last "grade:" (anywhere, where that word is missing) is none, such as 1.2.3.
    """
    points = []
    for piece in reply.lower().split("earned:")[1:]:
        words = piece.strip().split("\n")[0].split(" ")[0]
        if words:
            digits = re.sub("[^0-9]+$", "", words.split("/")[0])
            try:
                points.append(float(digits))
            except ValueError:
                points.append(0.0)
    tail = reply.lower().split("grade:")[-1]
    start = next((place for place, letter in enumerate(tail) if letter.isdigit()), None)
    if start is None:
        return OfficialPoints(tuple(points), None)
    length = next((n for n, letter in enumerate(tail[start:]) if not (letter.isdigit() or letter == ".")), len(tail) - start)
    total = tail[start : start + length].rstrip(".")
    try:
        return OfficialPoints(tuple(points), float(total))
    except ValueError:
        raise Crash(f"a grade that is no number: {total[:80]!r}") from None


def padded(points: Sequence[float], k: int) -> tuple[float, ...]:
    """The points of k + 3 criteria: what is too much is cut, what is missing counts as 0 at the end, wherever it was missing.

    >>> padded((1, 1, 1), 1), padded((1, 1, 1, 1, 1), 1), padded((), 1)
    ((1.0, 1.0, 1.0, 0.0), (1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 0.0))
    """
    found = [float(point) for point in points[: k + OTHERS]]
    return (*found, *[0.0] * (k + OTHERS - len(found)))


def with_length(points: Sequence[float], sentences: int, limit: int) -> tuple[float, ...]:
    """Points with the last, the grader's for length, replaced by whether the count is within the limit.

    >>> with_length((1, 1, 1, 0), sentences=1, limit=1)
    (1, 1, 1, 1.0)
    """
    return (*points[:-1], float(sentences <= limit))


def needle(skill: str) -> str:
    """What counts as naming a skill when it stands anywhere in the text, inside a word too: the name up to its bracket.

    >>> needle("Accident (fallacy)")
    'accident'
    """
    return skill.split("(")[0].strip().lower()


def named(skills: Sequence[str], text: str) -> tuple[float, ...]:
    """1 for each skill that the text names, else 0.

    >>> named(("metaphor", "emotional self regulation"), "A metaphorical way to self-regulate your emotions.")
    (1.0, 0.0)
    """
    return tuple(float(needle(skill) in text.lower()) for skill in skills)


def answer_in(prompt: str) -> str:
    """The student's text, in its quotation marks, as the official code finds it again in a grader's prompt.

    Raises:
        Crash: the words that introduce it are not there.
    """
    pieces = prompt.split(DEFINITIONS)[0].split(ANSWER)
    if len(pieces) < 2:
        raise Crash(f"the grader's prompt lacks {ANSWER!r}")
    return pieces[1].strip()


def voted(gradings: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The mean of the gradings, rounded; a half goes to the even number, so that two against two earn nothing.

    >>> voted([(1, 1, 1.5), (0, 1, 1.5)])
    (0.0, 1.0, 2.0)
    """
    return tuple(float(point) for point in _voted(np.asarray(gradings, np.float32), axis=0))


def _voted(points: Array, axis: int) -> Array:
    rounded: Array = np.rint(points.mean(axis=axis))
    return rounded


def _all_skills(points: Array, k: int) -> Array:
    earned: Array = np.equal(points[..., :k].sum(-1), k).astype(np.float64)
    return earned


def _good_rest(points: Array, k: int) -> Array:
    earned: Array = np.greater_equal(points[..., k:].sum(-1), OTHERS - 1).astype(np.float64)
    return earned


def _where_rest_is_full(points: Array, k: int, value: Array) -> Array:
    return np.where(points[..., k:].sum(-1) == OTHERS, value, np.zeros_like(value))


METHODS: Mapping[str, Callable[[Array, int], Array]] = {
    "all_points_earned_binary": lambda points, k: np.equal(points.sum(-1), k + OTHERS).astype(np.float64),
    "all_skills_and_good_rest": lambda points, k: _all_skills(points, k) * _good_rest(points, k),
    "average_over_skills_filtered": lambda points, k: _where_rest_is_full(points, k, points[..., :k].sum(-1) / k),
    "sum_over_skills_filtered": lambda points, k: _where_rest_is_full(points, k, points[..., :k].sum(-1)),
    "average_over_skills": lambda points, k: points[..., :k].mean(-1),
    "sum_over_skills": lambda points, k: points[..., :k].sum(-1),
    "split_skills_vs_rest_binary": lambda points, k: _all_skills(points, k) + _good_rest(points, k),
    "sum": lambda points, k: points.sum(-1),
    "average": lambda points, k: points.mean(-1),
    "rescaled_sum": lambda points, k: (points.sum(-1) / (k + OTHERS)) ** (k + OTHERS),
}
"""What a text's points are worth, by the official names: full marks, all skills, skill fraction, then unpublished ones."""


def worth(points: Sequence[float], k: int, method: str) -> float:
    """What one text's points are worth after the vote.

    >>> [worth((1, 1, 1, 1, 0), 2, method) for method in list(METHODS)[:3]]
    [0.0, 1.0, 0.0]

    Raises:
        ValueError: no such method, or not k + 3 points.
    """
    return float(_worth(np.asarray(points, np.float64), k, method))


def _worth(points: Array, k: int, method: str) -> Array:
    if method not in METHODS:
        raise ValueError(f"no method {method!r}. There are: {', '.join(METHODS)}")
    if points.shape[-1] != k + OTHERS:
        raise ValueError(f"{k} skills make {k + OTHERS} points, got {points.shape[-1]}: use padded(points, {k})")
    return METHODS[method](points, k)


def aggregated(
    tensor: Sequence[Sequence[Sequence[Sequence[float]]]] | Array,
    k: int,
    method: str,
    over_generations: Literal["max", "mean"] = "max",
    kept: Sequence[int] | None = None,
) -> tuple[float, float]:
    """Mean and standard deviation (n - 1) over combinations, of the best generation of each, by this method.

    The deviation is NaN for one combination and both are for none, as there; what the official script prints behind its plus
    or minus sign is the deviation over the root of n.

    Args:
        tensor: points by generation, grading, combination, point, after ``padded``, ``with_length`` and deductions.
        k: skills in a combination.
        method: one of ``METHODS``.
        over_generations: the best of them, method by method (the official default), or their mean.
        kept: places of the combinations that count; None for all. Common skills are filtered so, without drawing others.

    Raises:
        ValueError: not four dimensions, not k + 3 points, no such method, or gradings of different numbers of texts.
    """
    try:
        points = np.asarray(tensor, np.float32)
    except ValueError as error:
        raise ValueError("rounds differ in length: every generation needs as many gradings, of as many combinations") from error
    if points.ndim != 4:
        raise ValueError(f"expected points by generation, grading, combination, point; got {points.ndim} dimensions")
    value = _worth(_voted(points, axis=1), k, method)
    value = value if kept is None else value[:, list(kept)]
    if over_generations not in ("max", "mean"):
        raise ValueError(f"over_generations is max or mean, got {over_generations!r}")
    best = value.max(axis=0) if over_generations == "max" else value.mean(axis=0)
    mean = float(best.mean()) if best.size else math.nan
    return mean, float(best.std(ddof=1)) if best.size > 1 else math.nan
