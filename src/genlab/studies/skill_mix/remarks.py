"""What a reader must know before any number of Skill-Mix, and the numbers in a line each."""

from collections.abc import Sequence

from genlab.results.runs import Run
from genlab.studies.skill_mix.study import scripted
from genlab.studies.skill_mix.texts import STATUSES, cells, main


def remarks(runs: Sequence[Run]) -> Sequence[str]:
    """Plumbing; exact checkers; early stops; texts without a grade; graders of a student's own family."""
    said = []
    if any(scripted(run.settings) for run in runs):
        said.append(
            "A script stands in for a model (scripted/...): these numbers test the plumbing, say nothing of any model, and are "
            "comparable with nothing"
        )
    for grader, pack in dict.fromkeys((cell.grader, cell.pack) for cell in main(runs) if cell.exact):
        said.append(
            f"A program, {grader}, grades the texts of pack {pack} and decides every point exactly: there is no grader's error "
            "in these numbers. They are of a small formal language, and comparable with no number of Skill-Mix in English, "
            "the published ones included"
        )
    if any(cell.settings["stop"] != "no" for cell in main(runs)):
        said.append(
            "Runs that may stop early: the rule's own intervals hold whenever it stops (full marks of one seed under stop=width, "
            "the difference of two models under stop=apart); all other intervals here take the number of texts as given, "
            "and are too narrow where a run stopped on what it saw"
        )
    for cell in cells(runs):
        lost = {status: sum(row.status == status for row in cell.texts) for status in STATUSES}
        if any(lost.values()):
            told = ", ".join(f"{count} {status}" for status, count in lost.items() if count)
            said.append(
                f"{cell.student}, k={cell.k}, by {cell.grader}: {told} of {len(cell.texts)} texts, in no ratio; were all of them "
                f"failures, full marks would be {_at_worst(cell.graded, len(cell.texts)):.3f}"
            )
        if cell.first and family(cell.student) == family(cell.grader) and not cell.student.startswith("scripted/"):
            said.append(f"{cell.student} is graded by {cell.grader}, of its own family: expect some favour")
    return list(dict.fromkeys(said))


def numbers(runs: Sequence[Run]) -> Sequence[str]:
    """For instance ``openai/x k=3 by anthropic/y: full marks 0.45 [0.36, 0.54], n=100 combinations, 300 texts, 2 ungraded``."""
    lines = []
    for cell in cells(runs):
        interval = cell.mean("full_marks")
        marks = f"{interval.centre:.2f} [{interval.low:.2f}, {interval.high:.2f}]" if interval else "no interval"
        lost = [f"{sum(row.status == status for row in cell.texts)} {status}" for status in STATUSES]
        counted = f"n={cell.combinations} combinations, {len(cell.graded)} texts, {', '.join(lost)}"
        note = "; scripted: a smoke test of the plumbing, comparable with nothing" if scripted(cell.settings) else ""
        lines.append(f"{cell.student} k={cell.k} by {cell.grader}: full marks {marks}, {counted}{note}")
    return lines


def family(model: str) -> str:
    """Who made a model, as far as its name says: the provider, or for hosts of many makers the maker.

    >>> family("openai/gpt-4o"), family("together/meta-llama/Llama-3"), family("openrouter/anthropic/claude-opus")
    ('openai', 'meta-llama', 'anthropic')
    """
    parts = model.split("/")
    return parts[1] if len(parts) > 2 else parts[0]


def _at_worst(graded: Sequence[object], total: int) -> float:
    return sum(float(getattr(row, "full_marks", 0.0) or 0.0) for row in graded) / total if total else 0.0
