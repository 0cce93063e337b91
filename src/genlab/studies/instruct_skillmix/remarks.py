"""What a reader must know before any number of Instruct-SkillMix, and the numbers in a line each."""

from collections.abc import Sequence

from genlab.results.runs import Run
from genlab.studies.instruct_skillmix.scores import length_controlled_win_rate, students, win_rate


def remarks(runs: Sequence[Run]) -> Sequence[str]:
    """Whose world it is, whose assumptions are in it; what diverged and what is ungraded."""
    said = []
    every = students(runs)
    if any(each.settings["data"] is None for each in every):
        said.append(
            "A miniature: a student of less than a million weights, in a formal language whose teacher and judge are programs. "
            "It knows every skill alone before it sees an instruction. What holds here is a fact about it, and no evidence on "
            "large models"
        )
        if any(each.settings["source"] == "naive" for each in every):
            said.append(
                "The naive teacher is a model of one: it picks its two skills with weights 1/rank, our assumption of how peaked "
                "a chat model's own choice is. C5 stands and falls with it"
            )
    if ungraded := sum(each.ungraded for each in every):
        said.append(f"{ungraded} answers have no readable judgement and are in no mean")
    if ended := [run for run in runs if run.ending.startswith("diverged")]:
        said.append(f"{len(ended)} students diverged in fine-tuning and are in no mean: {', '.join(run.ending for run in ended)}")
    return said


def numbers(runs: Sequence[Run]) -> Sequence[str]:
    """The ablation: for instance ``SDA k=2 n=500: win rate 0.44 [0.40, 0.48], length-controlled 0.43 [...]; 3 seeds``."""
    lines = []
    for each in students(runs):
        told = []
        for words, score in (("win rate", win_rate), ("length-controlled", length_controlled_win_rate)):
            if (found := each.interval(score)) is not None:
                told.append(f"{words} {found.centre:.3f} [{found.low:.3f}, {found.high:.3f}]")
        lines.append(f"{each.name}: {', '.join(told) or 'nothing graded'}; {len(each.runs)} seeds")
    return lines
