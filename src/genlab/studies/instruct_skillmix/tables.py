"""The study's tables: the ablation, differences from the full recipe, what answers fail on, the epochs chosen."""

from collections.abc import Sequence

from genlab.intervals import Interval
from genlab.results.exhibits import Table
from genlab.results.runs import Run
from genlab.studies.instruct_skillmix.scores import (
    Student,
    characters,
    difference,
    find,
    full_marks,
    length_controlled_win_rate,
    present,
    students,
    win_rate,
)
from genlab.studies.seeds import interval_of, written

EACH = "Mean over seeds with its Student-t 95% interval; of one seed, Wilson's over its answers."


def tables(runs: Sequence[Run]) -> Sequence[Table]:
    """Those that there are answers for."""
    every = students(runs)
    made = [_ablation(every), _differences(every), _criteria(every), _epochs(every)] if every else []
    return [each for each in made if each.rows]


def _ablation(every: Sequence[Student]) -> Table:
    rows = []
    bases = list(dict.fromkeys(str(each.settings["base"]) for each in every))
    several = len(bases) > 1
    for each in every:
        lengths = each.by_seed(characters)
        rows.append(
            (
                f"{each.name} on {each.settings['base']}" if several else each.name,
                said(each.interval(win_rate)),
                said(each.interval(length_controlled_win_rate)),
                f"{sum(lengths.values()) / len(lengths):.0f}",
                str(sum(map(len, each.answers.values()))),
                str(each.ungraded),
                str(len(each.runs)),
                next(row.judge for answers in each.answers.values() for row in answers),
            )
        )
    return Table(
        "ablation",
        "Win rates over the reference",
        f"Fine-tuned from {', '.join(bases)}. A tie counts half. Length-controlled is AlpacaEval's regression without its gamed "
        f"baselines. {EACH}",
        ("student", "win rate", "length-controlled", "characters", "answers", "ungraded", "seeds", "judge"),
        rows,
    )


def _differences(every: Sequence[Student]) -> Table:
    rows = []
    for ours in find(every, source="SDA", k=2, shirkers="none"):
        for other in find(every, like=ours):
            if other is ours or other.settings["n"] != ours.settings["n"]:
                continue
            values = difference(other, ours)
            if values:
                rows.append((other.name, ours.name, written(interval_of(list(values.values()))), str(len(values))))
    return Table(
        "differences",
        "Win rates minus that of the full recipe at the same size",
        "Seed by seed on the same instructions; below 0 is worse than skills asked of the teacher, two at a time, no shirkers.",
        ("student", "minus", "difference", "seeds"),
        rows,
    )


def _criteria(every: Sequence[Student]) -> Table:
    rows = []
    for each in every:
        answers = [row for rows_of in each.answers.values() for row in rows_of if row.points]
        if not answers:
            continue
        sizes = sorted({row.k for row in answers})
        others = [sum(row.points[row.k + place] for row in answers) / len(answers) for place in range(3)]
        rows.append(
            (
                each.name,
                *(said(each.interval(full_marks(k))) for k in sizes),
                said(each.interval(present)),
                *(f"{share:.3f}" for share in others),
            )
        )
    sizes = sorted({row.k for each in every for rows_of in each.answers.values() for row in rows_of if row.points})
    return Table(
        "criteria",
        "What answers earn before the checker",
        f"Full marks by k, the share of skills shown, and the share of answers on the topic, of sense, short enough. {EACH}",
        ("student", *(f"full marks k = {k}" for k in sizes), "skills shown", "topic", "sense", "length"),
        rows,
    )


def _epochs(every: Sequence[Student]) -> Table:
    rows = []
    for each in every:
        chosen = [str(answers[0].epoch) for _, answers in sorted(each.answers.items()) if answers]
        if each.settings["source"] != "base":
            rows.append((each.name, str(each.settings["epochs"]), ", ".join(chosen)))
    return Table(
        "epochs",
        "Which epoch was evaluated",
        "Chosen on held-out instructions of the data's own kind, by a judge that is not the final one.",
        ("student", "epochs", "chosen, seed by seed"),
        rows,
    )


def said(interval: Interval | None) -> str:
    """An interval in a cell of a table."""
    return "–" if interval is None else f"{interval.centre:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
