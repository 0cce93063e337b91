"""The study's tables: full marks and shares with their intervals, retention, and what texts fail on."""

from collections.abc import Sequence

from genlab.intervals import Interval
from genlab.results.exhibits import Table
from genlab.results.runs import Run
from genlab.studies.skill_composition.scores import SCORES, Student, students
from genlab.studies.skill_composition.study import SPLITS


def tables(runs: Sequence[Run]) -> Sequence[Table]:
    """Scores by split and k; retention of single skills; which criterion is lost, and how much is written."""
    every = students(runs)
    if not every:
        return ()
    sizes = sorted({k for run in runs for k in run.settings["k"]})
    made = [
        Table(
            score.replace("_", "-"),
            f"{words.capitalize()} by split and k",
            "Mean over seeds with its Student-t 95% interval; of one seed, Wilson's over its texts.",
            ("student", "base", "skills and topics", *(f"k = {k}" for k in sizes), "seeds"),
            [
                (each.name, each.base, split, *(said(each.interval(split, k, score)) for k in sizes), str(len(each.runs)))
                for each in every
                for split in SPLITS
            ],
        )
        for score, words in SCORES.items()
        if score != "skill_fraction" or any(run.settings["pack"] != "skillworld" for run in runs)
    ]
    if 1 in sizes:
        made.append(_retention(every))
    return [*made, _failings(every, sizes)]


def said(interval: Interval | None) -> str:
    """An interval in a cell of a table."""
    return "–" if interval is None else f"{interval.centre:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _retention(every: Sequence[Student]) -> Table:
    return Table(
        "retention",
        "What is left of single skills",
        "Full marks at k = 1. Fine-tuning that forgets held-out skills one by one cannot combine them.",
        ("student", "base", "trained skills", "held-out skills", "seeds"),
        [
            (
                each.name,
                each.base,
                said(each.interval("train", 1, "full_marks")),
                said(each.interval("held-out", 1, "full_marks")),
                str(len(each.runs)),
            )
            for each in every
        ],
    )


def _failings(every: Sequence[Student], sizes: Sequence[int]) -> Table:
    rows = []
    for each in every:
        for k in sizes:
            texts = [row for cells in each.cells.values() for row in cells.get(("train", k), ())]
            if not texts:
                continue
            shares = [sum(min(row.points[:k]) for row in texts if row.points) / len(texts)]
            shares += [sum(row.points[k + place] for row in texts if row.points) / len(texts) for place in range(3)]
            written = sum(row.sentences for row in texts) / len(texts)
            rows.append((each.name, each.base, str(k), *(f"{share:.3f}" for share in shares), f"{written:.2f}", str(len(texts))))
    return Table(
        "criteria",
        "Which criteria texts meet",
        "Share of texts on trained skills and topics that show all k skills, keep to the topic, make sense, are short enough; "
        "and how many sentences they have (max(1, k - 1) are allowed). All seeds together.",
        ("student", "base", "k", "all skills", "topic", "sense", "length", "sentences", "texts"),
        rows,
    )
