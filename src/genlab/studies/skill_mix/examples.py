"""Ten texts with their grades: five that earned full marks and five that did not, drawn by key, not picked."""

from collections.abc import Sequence

from genlab import chance
from genlab.grading.graded import GradedText, readings
from genlab.grading.rubric import OTHERS
from genlab.results.exhibits import Passage, Passages
from genlab.results.runs import Run
from genlab.studies.skill_mix.texts import main

EACH = 5


def examples(runs: Sequence[Run]) -> Sequence[Passages]:
    """Five successes and five failures, spread over students and k."""
    graded = [row for cell in main(runs) for row in cell.graded]
    shown = [_passage(row) for full in (1.0, 0.0) for row in _spread([row for row in graded if row.full_marks == full])]
    if not shown:
        return ()
    caption = (
        f"At most {EACH} texts with full marks and {EACH} without, drawn at random (by key) with students and k taking turns. "
        "A mark is the vote of the gradings, which stand beside it; the length is our own count."
    )
    return (Passages("examples", "Examples", caption, tuple(shown)),)


def _spread(rows: Sequence[GradedText]) -> list[GradedText]:
    """At most ``EACH`` rows, one of each student and k before a second of any."""
    by_cell: dict[tuple[str, int], list[GradedText]] = {}
    for row in sorted(rows, key=lambda row: chance.number("example", row.student, row.sample, row.generation)):
        by_cell.setdefault((row.student, row.k), []).append(row)
    turns = [row for place in range(EACH) for cell in by_cell.values() for row in cell[place : place + 1]]
    return turns[:EACH]


def _passage(row: GradedText) -> Passage:
    assert row.points is not None
    given = readings(row.gradings)
    criteria = [*row.skills, "on topic", "makes sense", "length"]
    marks = []
    for place, (name, point) in enumerate(zip(criteria, row.points, strict=True)):
        votes = f"gradings {' '.join(f'{each[place]:g}' for each in given)}"
        if place < row.k and row.named[place]:
            votes += "; the text names it"
        if place == row.k + OTHERS - 1:
            votes = f"{row.sentences} sentences counted, {max(1, row.k - 1)} allowed"
        marks.append((name, point >= 1, votes))
    facts = {
        "student": row.student,
        "k": str(row.k),
        "topic": row.topic,
        "grader": row.grader,
        "sample": f"{row.sample}, generation {row.generation}",
    }
    earned = f"{sum(row.points):g} of {row.k + OTHERS} points"
    return Passage(f"{row.topic}: {earned}", "success" if row.full_marks else "failure", facts, row.text or "(empty)", marks)
