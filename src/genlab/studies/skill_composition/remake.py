"""Make the two students that ship with genlab again: ``python -m genlab.studies.skill_composition.remake FOLDER``.

``FOLDER/skillworld-base`` is the base of seed 0, ``FOLDER/skillworld`` what the study makes of it with D(1,2,3), strict, seed 0:
half an hour of one core or more (38 minutes of CPU measured beside other work). On another machine the last digits of the
weights differ, and so may single texts.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

from genlab.finetuning.run import Outcome, finetune
from genlab.students.folder import card
from genlab.studies.skill_composition import SkillComposition, method
from genlab.studies.skill_composition.embedded import Base

SEED = 0
COMMAND = "python -m genlab.studies.skill_composition.remake FOLDER"
ABOUT = """A Llama of {weights:,} weights, made from nothing on skillworld, a formal language of 68 skills that a program can
check (docs/skillworld.md). It knows no other language and answers nothing but requests such as
`Write about law, in at most 2 sentences: hedge; correction of heat; fear.`

{more}

Its full marks, by split and k, stand in the report of `genlab run skill_composition`; the length of a text is bounded by what
it was made from, eight sentences."""
BASE = "The base: {texts:,} conversations of open requests, single skills, and lists of words with at most two skills among them."
STUDENT = "skillworld-base, fine-tuned on {texts:,} texts of one, two and three skills (LoRA, merged): D(1,2,3), strict."


def remake(folder: Path) -> None:
    """Make both students in ``folder``; what is there already is gone on with."""
    study = SkillComposition(base="trained", mixture=("D(1,2,3)",), seeds=1)
    made = Base(study.width, study.layers, study.base_texts, SEED)
    drafts = folder / "drafts"
    drafts.mkdir(parents=True, exist_ok=True)
    recipe = made.recipe(made.start(drafts / "start"))
    base = _made(finetune(recipe, drafts / "base", train=made.data(), report=_told, device="cpu"))
    (condition,) = study.conditions()
    rows = method.data(condition.settings, method.split_packs(condition.settings), str(base))
    recipe = method.recipe(condition.settings, str(base))
    student = _made(finetune(recipe, drafts / "student", train=rows, report=_told, device="cpu"))
    for name, source, more in (
        ("skillworld-base", base, BASE.format(texts=study.base_texts)),
        ("skillworld", student, STUDENT.format(texts=len(rows))),
    ):
        place = folder / name
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(source, place)
        card(place, about=ABOUT.format(weights=_weights(place), more=more), seed=SEED, command=COMMAND, license="apache-2.0")


def _made(outcome: Outcome) -> Path:
    if outcome.folder is None:
        raise RuntimeError(f"diverged at step {outcome.diverged_at}")
    return outcome.folder


def _weights(folder: Path) -> int:
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "numpy") as weights:
        names: Any = weights.keys()
        return sum(weights.get_tensor(name).size for name in names)


def _told(done: int, of: int, loss: float) -> None:
    if done % 500 == 0 or done == of:
        sys.stderr.write(f"{done:,} of {of:,} steps, loss {loss:.3f}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {COMMAND}")
    remake(Path(sys.argv[1]))
