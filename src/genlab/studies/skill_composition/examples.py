"""What the students write for one and the same request."""

from collections.abc import Sequence

from genlab.grading.graded import GradedText
from genlab.grading.rubric import OTHERS
from genlab.results.exhibits import Passage, Passages
from genlab.results.runs import Run
from genlab.studies.skill_composition.scores import students

SHOWN = ((3, 2), (4, 3))  # k, and how many requests
SPLIT = "all"


def examples(runs: Sequence[Run]) -> Sequence[Passages]:
    """The first requests of the first seed at k = 3 and 4, each with every student's text."""
    every = students(runs)
    made = []
    for k, count in SHOWN:
        rows = [(each.name, cells.get((SPLIT, k), ())[:count]) for each in every for cells in list(each.cells.values())[:1]]
        items = [_passage(name, texts[place]) for place in range(count) for name, texts in rows if place < len(texts)]
        if items:
            caption = (
                f"The first {count} requests of the first seed with k = {k}, all skills and topics, and what each student wrote: "
                "not picked."
            )
            made.append(Passages(f"texts-k{k}", f"Texts with k = {k}", caption, tuple(items)))
    return made


def _passage(name: str, row: GradedText) -> Passage:
    assert row.points is not None
    criteria = [*row.skills, "on topic", "makes sense", "length"]
    marks = [(words, point >= 1, "") for words, point in zip(criteria, row.points, strict=True)]
    earned = f"{sum(row.points):g} of {row.k + OTHERS} points"
    facts = {"student": name, "topic": row.topic, "grader": row.grader, "sample": row.sample}
    return Passage(f"{name}: {earned}", "success" if row.full_marks else "failure", facts, row.text or "(empty)", marks)
