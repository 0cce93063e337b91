"""What the graders are worth: agreement with themselves and each other, errors on planted texts, ratios corrected for them."""

from collections.abc import Sequence

from genlab import chance
from genlab.grading.agreement import Agreement, between_graders, between_gradings
from genlab.grading.correction import ANY, corrected, error_rates, planted
from genlab.grading.graded import GradedText
from genlab.intervals import Interval
from genlab.results.exhibits import Table
from genlab.results.runs import Run
from genlab.studies.skill_mix.remarks import family
from genlab.studies.skill_mix.texts import Cell, cells


def tables(runs: Sequence[Run]) -> list[Table]:
    """Agreement, errors on planted texts, corrected ratios, and how graders treat their own family.

    Of an exact checker: how far other graders agree with it, and its points on planted texts, which show that it works.
    """
    found = cells(runs)
    models = [cell for cell in found if not cell.exact]
    return [_agreement(found), _errors(found), _corrected(models), _families(found)]


def _agreement(found: Sequence[Cell]) -> Table:
    texts = _once([row for cell in found for row in cell.graded])
    random = chance.numpy("skill_mix", "agreement")
    rows = []
    exact = {cell.grader for cell in found if cell.exact}  # whose gradings of one text are one grading
    for grader, kinds in between_gradings([row for row in texts if row.grader not in exact], random=random).items():
        rows += [[f"gradings of {grader}", kind, *_cells(each)] for kind, each in kinds.items()]
    if len({row.grader for row in texts}) > 1:
        rows += [["graders, by their votes", kind, *_cells(each)] for kind, each in between_graders(texts, random=random).items()]
    return Table(
        "agreement",
        "Do gradings agree?",
        "Krippendorff's alpha (nominal; 1 is perfect, 0 is chance) and raw agreement, by kind of criterion, with 95% intervals "
        "over combinations. Where nearly every point is earned, alpha is low at high agreement: see the share earned.",
        ["between", "criterion", "alpha", "raw agreement", "share earned", "items", "raters"],
        rows,
    )


def _once(rows: Sequence[GradedText], *, students: bool = True) -> list[GradedText]:
    """Rows without those of a text that its grader graded before, which are no new evidence: they come from the cache.

    Such are in other runs of a store, in both modes of an import and, for planted texts, with other students.
    """
    found: dict[tuple[object, ...], GradedText] = {}
    for row in rows:
        found.setdefault((row.student if students else "", row.grader, row.sample, row.generation, row.control, row.text), row)
    return list(found.values())


def _cells(each: Agreement) -> list[str]:
    alpha = "undefined" if each.alpha is None else _with(each.alpha, each.alpha_interval)
    return [
        alpha,
        _with(each.raw, each.raw_interval),
        _with(each.prevalence, each.prevalence_interval),
        str(each.items),
        str(each.raters),
    ]


def _with(value: float, interval: Interval | None) -> str:
    return f"{value:.3f}" + (f" [{interval.low:.3f}, {interval.high:.3f}]" if interval else "")


def _errors(found: Sequence[Cell]) -> Table:
    rows = []
    for grader in dict.fromkeys(cell.grader for cell in found):
        planted_texts = _once([row for cell in found if cell.grader == grader for row in cell.controls], students=False)
        for rate in error_rates(planted_texts):
            given, missed = rate.false_positive, rate.false_negative
            rows.append(
                [
                    grader,
                    "all planted texts" if rate.control == ANY else rate.control,
                    rate.kind,
                    "–" if given is None else _with(given.centre, given),
                    "–" if given is None else str(given.n),
                    "–" if missed is None else _with(missed.centre, missed),
                    "–" if missed is None else str(missed.n),
                ]
            )
    return Table(
        "graders",
        "Errors of the graders on planted texts",
        "Texts with known points, graded along unseen: how often a grader gives a point that is not deserved, and withholds one "
        "that is, with Wilson's 95% intervals. A planted text is easier than a student's: expect more "
        "errors there.",
        ["grader", "planted", "criterion", "undeserved points", "n", "withheld points", "n "],
        rows,
    )


def _corrected(found: Sequence[Cell]) -> Table:
    rows = []
    for grader in dict.fromkeys(cell.grader for cell in found):
        mine = [cell for cell in found if cell.grader == grader]
        known = planted(_once([row for cell in mine for row in cell.controls], students=False))
        for cell in mine:
            scores = cell.by_combination("full_marks")
            values = [value for each in scores.values() for value in each]
            clusters = [name for name, each in scores.items() for _ in each]
            random = chance.numpy("skill_mix", "corrected", cell.student, grader, cell.k)
            try:
                interval = corrected(values, clusters, known, random=random)
            except ValueError as error:
                rows.append([cell.student, str(cell.k), grader, f"not corrected: {error}"])
                continue
            rows.append([cell.student, str(cell.k), grader, _with(interval.centre, interval)])
    return Table(
        "corrected",
        "Full marks, corrected for the grader's errors",
        "Rogan and Gladen's correction by the error rates on planted texts, with the uncertainty of both in the interval. It "
        "assumes that the grader errs on students' texts as on planted ones, which are easier: read it as a test of robustness.",
        ["student", "k", "grader", "Ratio of Full Marks, corrected"],
        rows,
    )


def _families(found: Sequence[Cell]) -> Table:
    """Full marks that graders give a student of their own family, beside what the others give on the same texts."""
    rows = []
    for student, k in dict.fromkeys((cell.student, cell.k) for cell in found):
        panel = [cell for cell in found if (cell.student, cell.k) == (student, k)]
        kin = [cell for cell in panel if family(cell.grader) == family(student)]
        if len(panel) < 2 or not kin:
            continue
        for cell in panel:
            interval = cell.mean("full_marks")
            own = "its own family" if cell in kin else "no family: a program" if cell.exact else "another family"
            rows.append([student, str(k), cell.grader, own, "–" if interval is None else _with(interval.centre, interval)])
    return Table(
        "families",
        "Graders of a student's own family",
        "Ratio of Full Marks that each grader gives on the same texts: a grader that favours its own family gives more.",
        ["student", "k", "grader", "grader is of", "Ratio of Full Marks"],
        rows,
    )
