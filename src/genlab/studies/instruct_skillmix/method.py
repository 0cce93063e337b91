"""How one student is made and judged: its data, its fine-tuning with the best epoch kept, then its answers before the judge."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Protocol

from genlab.finetuning.best_epoch import BestEpoch, best_epoch
from genlab.finetuning.recipe import Recipe
from genlab.results.snapshots import Snapshot
from genlab.students.places import place
from genlab.studies.fine_tuned import fine_tuned, home, local
from genlab.studies.instruct_skillmix.record import Answered
from genlab.studies.instruct_skillmix.study import InstructSkillMix
from genlab.studies.study import Advance

JUDGED_STEPS = 20  # steps of progress that the evaluation counts for
WARMUP = 0.03  # released scripts and model card (facts of 2408.14774, section 3.4)
WEIGHT_DECAY = 0.01  # torchtune's AdamW in the released scripts


class World(Protocol):
    """Where data come from and who judges: skillworld's programs, or models."""

    def rows(self) -> list[dict[str, Any]]:
        """What the student is fine-tuned on, each with ``messages``."""

    def score(self, folder: Path, epoch: int) -> float:
        """How good an epoch's model is on held-out instructions, by a judge that is not the final one."""

    def answers(self, folder: str, epoch: int) -> list[Answered]:
        """The answers of an epoch's model (0: the base) to the instructions of the evaluation, judged."""

    def check(self) -> None:
        """Find out before anything is trained for what would go wrong."""


def run(
    study: InstructSkillMix, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str
) -> Generator[Advance, None, str]:
    """Make one student and have it judged. Its models stay in the condition's folder."""
    if snapshot and snapshot.values["cells"]:  # all that there is was kept; the run was killed before it could say so
        return "judged"
    place_of = home(study, study.store, settings)
    world = world_of(study, settings, place_of, device)
    folder, epoch, steps = place(settings["base"]), 0, 0
    facts: dict[str, str] = {}
    if settings["source"] != "base":
        rows = world.rows()
        how = recipe(settings, len(rows))
        chooser = BestEpoch(how, world.score)
        outcome = yield from fine_tuned(how, place_of / "model", _dataset(rows), device, after=JUDGED_STEPS, callbacks=[chooser])
        steps = outcome.steps
        if outcome.folder is None:
            yield Advance(steps, steps, [], lambda: Snapshot({}, {"cells": 0}), facts=facts)
            return f"diverged at step {outcome.diverged_at}"
        best = best_epoch(place_of / "model")
        folder, epoch = str(best.folder), best.epoch
        facts |= {
            "examples": f"{len(rows):,}",
            "fine-tuning steps": f"{steps:,}",
            "fine-tuning tokens": f"{outcome.tokens:,}",
            "epoch": f"{best.epoch} of {len(best.scores)}",
            "scores of the epochs": ", ".join(f"{score:.3f}" for score in best.scores.values()),
        }
    answered = world.answers(folder, epoch)
    yield Advance(
        steps + JUDGED_STEPS,
        steps + JUDGED_STEPS,
        answered,
        lambda: Snapshot({}, {"cells": 1}),
        note={"win rate": _mean([each.share for each in answered])},
        facts=facts,
    )
    return "judged"


def check(study: InstructSkillMix, settings: Mapping[str, Any]) -> None:
    """Find out before anything is trained for what would go wrong.

    Raises:
        ValueError: what is missing, and what to type.
    """
    place(settings["base"])
    world_of(study, settings, Path(), "cpu").check()


def world_of(study: InstructSkillMix, settings: Mapping[str, Any], home: Path, device: str) -> World:
    """The world of a condition."""
    if settings["data"] is None:
        from genlab.studies.instruct_skillmix.embedded import Embedded

        return Embedded(settings, device, local(study.store) / "references" if study.store else None)
    from genlab.studies.instruct_skillmix.models import Models, Spending

    return Models(settings, home, Spending(study.prices, study.max_cost, local(study.store) / "budget.sqlite"))


def recipe(settings: Mapping[str, Any], examples: int) -> Recipe:
    """How a student of these settings is fine-tuned; a checkpoint an epoch."""
    how = Recipe(
        settings["base"],
        method="full",
        epochs=float(settings["epochs"]),
        batch=settings["batch"],
        step_size=settings["step_size"],
        warmup=WARMUP,
        weight_decay=WEIGHT_DECAY,
        clip=0.0,
        betas=(0.9, 0.98) if settings["base_digest"] else (0.9, 0.999),  # those that genlab's students were made with
        seed=settings["seed"],
    )
    from dataclasses import replace

    return replace(how, save_every=max(1, replace(how, epochs=1.0).count(examples)))


def _dataset(rows: list[dict[str, Any]]) -> Any:
    from datasets import Dataset

    return Dataset.from_list([{"messages": row["messages"]} for row in rows])


def _mean(shares: list[float | None]) -> float:
    known = [each for each in shares if each is not None]
    return sum(known) / len(known) if known else float("nan")
