"""What the students answer to one and the same instruction."""

from collections.abc import Sequence

from genlab.results.exhibits import Outcome, Passage, Passages
from genlab.results.runs import Run
from genlab.studies.instruct_skillmix.record import Answered
from genlab.studies.instruct_skillmix.scores import students

SHOWN = 1  # instructions of each k: fifteen students answer each


def examples(runs: Sequence[Run]) -> Sequence[Passages]:
    """The first instructions of the first seed, k by k, each with the reference's answer and every student's."""
    every = students(runs)
    firsts = [(each.name, each.answers[min(each.answers)]) for each in every]
    made = []
    for k in sorted({row.k for _, answers in firsts for row in answers}):
        items = []
        for place in range(SHOWN):
            rows = [(name, own[place]) for name, answers in firsts if len(own := _of(answers, k)) > place]
            if rows:
                items.append(_reference(rows[0][1]))
                items += [_passage(name, row) for name, row in rows]
        caption = "The first instruction of the first seed: not picked."
        title = f"Answers where k = {k}" if k else "Answers"
        made.append(Passages(f"answers-k{k}", title, caption, tuple(items)))
    return made


def _of(answers: Sequence[Answered], k: int) -> list[Answered]:
    return [each for each in answers if each.k == k]


def _reference(row: Answered) -> Passage:
    return Passage("reference", "other", {"instruction": row.instruction, "sample": row.sample}, row.reference or "(empty)", [])


def _passage(name: str, row: Answered) -> Passage:
    criteria = [*row.skills, "on topic", "makes sense", "length"]
    marks = [(words, point >= 1, "") for words, point in zip(criteria, row.points, strict=True)] if row.points else []
    words = {None: "ungraded", 1.0: "loses", 2.0: "wins", 1.5: "ties"}.get(row.preference, f"preference {row.preference}")
    outcome: Outcome = "other" if row.preference in (None, 1.5) else "success" if row.preference > 1.5 else "failure"
    facts = {"instruction": row.instruction, "judge": row.judge, "sample": row.sample}
    return Passage(f"{name}: {words}", outcome, facts, row.text or "(empty)", marks)
