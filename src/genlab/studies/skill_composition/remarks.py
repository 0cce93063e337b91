"""What a reader must know before any number of skill composition, and the numbers in a line each."""

from collections.abc import Sequence

from genlab.results.runs import Run
from genlab.studies.skill_composition.scores import students
from genlab.studies.skill_composition.study import SPLITS

KNOWS = 0.9  # full marks at k = 1 below which a base does not know the skills that it is to combine; our assumption


def remarks(runs: Sequence[Run]) -> Sequence[str]:
    """Whose world it is; bases that do not know their skills; single seeds."""
    said = []
    every = students(runs)
    if any(each.pack == "skillworld" for each in every):
        said.append(
            "A miniature: students of less than a million weights, in a formal language of 68 skills whose checker is exact. "
            "What holds here is a fact about it, and no evidence on large models"
        )
    for each in every:
        for split in ("train", "held-out"):
            alone = each.interval(split, 1, "full_marks")
            if not each.way and alone is not None and alone.centre < KNOWS:
                said.append(
                    f"{each.name} on {each.base} shows a single skill ({split}) in {alone.centre:.0%} of texts only: what it "
                    "cannot do alone it cannot combine, and the claims say little"
                )
    ended = [run for run in runs if run.ending.startswith("diverged")]
    if ended:
        said.append(f"{len(ended)} students diverged in fine-tuning and are in no mean: {', '.join(run.ending for run in ended)}")
    return said


def numbers(runs: Sequence[Run]) -> Sequence[str]:
    """For instance ``D(1,2,3) strict, train: full marks k=1 1.00, k=2 0.99 [0.98, 1.00], ...``."""
    lines = []
    for each in students(runs):
        sizes = sorted({k for run in each.runs.values() for k in run.settings["k"]})
        for split in SPLITS:
            cells = [(k, interval) for k in sizes if (interval := each.interval(split, k, "full_marks")) is not None]
            if cells:
                told = ", ".join(f"k={k} {i.centre:.2f} [{i.low:.2f}, {i.high:.2f}]" for k, i in cells)
                lines.append(f"{each.name}, {split}: full marks {told}; {len(each.runs)} seeds")
    return lines
