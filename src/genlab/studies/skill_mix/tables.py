"""The study's tables: scores, comparisons, saturation, novelty, hardest and easiest skills, money, the published rows."""

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

from genlab import chance
from genlab.grading.saturation import novelty, novelty_bound, saturation
from genlab.intervals import Interval, paired
from genlab.results.exhibits import Table
from genlab.results.runs import Run
from genlab.studies.skill_mix import graders
from genlab.studies.skill_mix.figures import share
from genlab.studies.skill_mix.published import NOTE, PUBLISHED, SOURCE
from genlab.studies.skill_mix.stopping import decide
from genlab.studies.skill_mix.texts import SCORES, STATUSES, Cell, by_student, main, points_by

ASSUMED_SKILL_FREQUENCIES = (
    0.01,
    0.0234,
    0.05,
)  # our assumption; .0234 is what the paper's bound of .07 at k=5 implies (facts 1.10)
ASSUMED_CORPUS = 1e13  # text units; our assumption, as in the back-solving of the paper's bound
PAPERS_TOPIC = 1e-6  # unigram frequency of the paper's topics (its README), where the pack's are unknown
EXTREMES = 10  # skills at either end
LEAST = 5  # combinations that a skill must have been met in to be ranked; our assumption


def tables(runs: Sequence[Run]) -> Sequence[Table]:
    """Every table that the runs can fill."""
    found = main(runs)
    if not found:
        return ()
    made = [_scores(found), _comparisons(found), _saturations(found), _extremes(found, "skill"), _extremes(found, "topic")]
    by_models = [cell for cell in found if not cell.exact]  # a formal language has no corpus and no published row
    made += [*graders.tables(runs), _novelty(by_models), _money(runs), *([_published()] if by_models else [])]
    return [table for table in made if table.rows]


def shown(interval: Interval | None, digits: int = 3) -> str:
    """An interval as a cell.

    >>> shown(Interval(0.25, 0.125, 0.5, n=10)), shown(None)
    ('0.250 [0.125, 0.500]', '–')
    """
    if interval is None:
        return "–"
    return f"{interval.centre:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def _scores(found: Sequence[Cell]) -> Table:
    rows = []
    for cell in found:
        counts = [sum(row.status == status for row in cell.texts) for status in STATUSES]
        for what, interval in (("pass@1", cell.mean), ("best of G", cell.best)):
            for suffix, names in (("", "counted"), ("_unnamed", "deducted")):
                values = [shown(interval(f"{score}{suffix}")) for score in SCORES]
                lost = [str(count) for count in counts]
                rows.append(
                    [cell.student, str(cell.k), what, names, *values, str(cell.combinations), str(len(cell.graded)), *lost]
                )
    return Table(
        "scores",
        "Scores",
        "Each score with its 95% interval from a bootstrap over combinations. Best of G: the best of a combination's texts, as "
        "the paper counts. Named skills: whether a skill that the text names keeps its point.",
        ["student", "k", "over texts", "named skills", *SCORES.values(), "combinations", "graded texts", *STATUSES],
        rows,
    )


def _comparisons(found: Sequence[Cell]) -> Table:
    """Students two by two, on the combinations that both met."""
    rows = []
    named = [(name, cell) for name, cells in by_student(found).items() for cell in cells]
    for k in sorted({cell.k for cell in found}):
        for (one, first), (other, second) in combinations([each for each in named if each[1].k == k], 2):
            difference = _difference(first, second)
            if difference is None:
                continue
            told = "yes" if difference.low > 0 or difference.high < 0 else "no"
            rows.append([str(k), one, other, shown(difference), str(difference.n), told])
    return Table(
        "comparisons",
        "Students compared on the same combinations",
        "Ratio of Full Marks (pass@1) of the first minus the second, combination by combination; not corrected for how "
        "many pairs there are.",
        ["k", "first", "second", "difference", "combinations", "told apart"],
        rows,
    )


def _difference(first: Cell, second: Cell) -> Interval | None:
    """Of two cells that one grader graded alike, combination by combination; the rule's own interval where one stopped them."""
    alike = ("pack", "pack_digest", "mode")
    if first.grader != second.grader or any(first.settings[name] != second.settings[name] for name in alike):
        return None
    settings = first.settings
    if settings["stop"] == "apart" and first.conditions == second.conditions and len(first.conditions) == 1:
        decision = decide(settings, [*first.texts, *second.texts])
        if decision is None or first.student == settings["student"]:
            return decision.interval if decision else None
        return Interval(-decision.interval.centre, -decision.interval.high, -decision.interval.low, decision.interval.n)
    ours, theirs = first.by_combination("full_marks"), second.by_combination("full_marks")
    if len(ours.keys() & theirs.keys()) < 2:
        return None
    return paired(ours, theirs, random=chance.numpy("skill_mix", "paired", first.student, second.student, first.k))


def _saturations(found: Sequence[Cell]) -> Table:
    rows = []
    for student, cells in by_student(found).items():
        scores = {cell.k: cell.by_combination("full_marks") for cell in cells if cell.combinations > 1}
        if len(scores) > 1:
            point = saturation(scores, random=chance.numpy("skill_mix", "saturation", student))
            rows.append([student, str(point), f"{point.smallest} to {point.largest}", str(point.n)])
    return Table(
        "saturation",
        "Saturation",
        "The k, interpolated between those measured, at which the Ratio of Full Marks first falls below one half, with its 95% "
        "interval. The definition is ours: the paper gives none.",
        ["student", "saturation k", "k measured", "combinations at the least"],
        rows,
    )


def _extremes(found: Sequence[Cell], of: Literal["skill", "topic"]) -> Table:
    """The skills that earned least and most of their points, or the topics on which least and most texts earned full marks."""
    rows = []
    for student, cells in by_student(found).items():
        values: dict[str, tuple[list[float], list[str]]] = {}
        for cell in cells:
            for name, (points, samples) in points_by(cell, of).items():
                known = values.setdefault(name, ([], []))
                known[0].extend(points)
                known[1].extend(samples)
        met = [name for name, (_, samples) in values.items() if len(set(samples)) >= LEAST]
        ranked = sorted(met, key=lambda name: (sum(values[name][0]) / len(values[name][0]), name))
        ends = ranked if len(ranked) <= 2 * EXTREMES else [*ranked[:EXTREMES], *ranked[-EXTREMES:]]
        rows += [[student, name, shown(share(*values[name], student, of, name)), str(len(set(values[name][1])))] for name in ends]
    what = "Share of points earned" if of == "skill" else "Ratio of Full Marks"
    return Table(
        f"{of}s",
        f"Hardest and easiest {of}s",
        f"{what} of each {of}, all k together, with its 95% interval: the {EXTREMES} lowest and the {EXTREMES} highest of each "
        f"student, of those met in at least {LEAST} combinations. The ends of a ranking of noisy shares lie further apart than "
        "the truth.",
        ["student", of, what, "combinations"],
        rows,
    )


def _novelty(found: Sequence[Cell]) -> Table:
    rows = []
    for cell in found:
        rate = cell.mean("full_marks_unnamed")
        for p_s in ASSUMED_SKILL_FREQUENCIES:
            bound = novelty_bound(cell.k, p_s, PAPERS_TOPIC, ASSUMED_CORPUS)
            if rate is None:
                continue
            verdict = novelty(rate, bound)
            novel = shown(verdict.share, 2) if verdict.share and bound < 1 else "–"
            rows.append([cell.student, str(cell.k), f"{p_s:g}", f"{bound:.2g}", shown(rate), novel, verdict.verdict])
    return Table(
        "novelty",
        "Beyond stochastic parrots, under assumptions",
        "If a model could only repeat combinations from a corpus of L texts, at most p_s^k p_t L of the random prompts could be "
        f"answered. Here L = {ASSUMED_CORPUS:g} and p_t = {PAPERS_TOPIC:g}, and p_s is assumed: nobody has measured it for this "
        "pack. A bound of 1 and more says nothing.",
        ["student", "k", "assumed p_s", "bound", "full marks, names deducted", "novel share of them", "verdict"],
        rows,
    )


def _money(runs: Sequence[Run]) -> Table:
    from genlab.studies.skill_mix.texts import cells

    rows = []
    for cell in cells(runs):
        every = (*cell.texts, *cell.controls)
        answered = [row for row in every if row.status in ("graded", "ungraded")]
        known = [row.cost for row in answered if row.cost is not None]
        rows.append(
            [
                cell.student,
                cell.grader,
                str(cell.k),
                f"{sum(row.input_tokens for row in every):,}",
                f"{sum(row.output_tokens for row in every):,}",
                f"{sum(row.grader_input_tokens for row in every):,}",
                f"{sum(row.grader_output_tokens for row in every):,}",
                f"{sum(known):.4f}" if known and len(known) == len(answered) else "unknown",
            ]
        )
    return Table(
        "cost",
        "Tokens and dollars",
        "Of all calls whose reply is kept, planted texts included. Dollars only where the run was given prices for every call. A "
        "student's calls stand in the row of each of its graders, and were made once.",
        ["student", "grader", "k", "student in", "student out", "grader in", "grader out", "dollars"],
        rows,
    )


def _published() -> Table:
    rows = [
        [row.student, str(row.k), f"{row.full_marks:.2f}", f"{row.all_skills:.2f}", f"{row.skill_fraction:.2f}"]
        for row in PUBLISHED
    ]
    return Table(
        "published",
        "The published leaderboard, for reference: not comparable",
        f"{SOURCE} {NOTE}",
        ["student", "k", *SCORES.values()],
        rows,
    )
