"""What a student will cost: measured rates for the embedded ones, calls and tokens for others."""

from collections.abc import Mapping
from typing import Any

from genlab.studies.instruct_skillmix.study import InstructSkillMix
from genlab.studies.study import Price

TOKENS_A_ROW = 90  # of an instruction with its answer, k = 2: measured, docs/log.md
TOKENS_A_SECOND = 20_000  # trained: as in the study skill_composition
ANSWERS_A_SECOND = 150  # sampled and checked: measured, docs/log.md
START_SECONDS = 6.0  # torch, transformers and trl imported, and a trainer made: as in skill_composition
MEMORY = 700 * 2**20  # of a process with them: measured, docs/log.md
BENCHMARK = 805  # AlpacaEval's questions, where all are asked
JUDGING_TOKENS = (
    1_600  # told to a judge: our prompt and answers as long as the paper's best model's (3,141 characters) and GPT-4's
)
VERDICT_TOKENS = 25  # of its reply


def price(study: InstructSkillMix, settings: Mapping[str, Any]) -> Price:
    """Time and memory in the embedded world; for models calls and tokens, as nobody knows how fast they are."""
    tuned = settings["source"] != "base"
    epochs = settings["epochs"] if tuned else 0
    held = epochs * settings["held_out"] if tuned else 0
    if settings["data"] is not None:
        from genlab.evaluation.budget import rates

        asked = settings["questions"] or BENCHMARK
        known = rates(study.prices) if study.prices else {}
        used = {settings["judge"]: 2 * asked, settings["choosing_judge"]: 2 * held}  # both orders
        costs = [
            known[judge].cost(calls * JUDGING_TOKENS, calls * VERDICT_TOKENS) if judge in known else None
            for judge, calls in used.items()
            if calls
        ]
        return Price(
            0.0,
            0,
            asked,
            calls=sum(used.values()),
            tokens=sum(used.values()) * (JUDGING_TOKENS + VERDICT_TOKENS),
            dollars=None if None in costs else sum(cost for cost in costs if cost is not None),
        )
    asked = settings["questions"] * len(settings["asked"])
    trained = epochs * (settings["n"] or 0) * TOKENS_A_ROW / TOKENS_A_SECOND
    return Price(START_SECONDS + trained + (2 * asked + held) / ANSWERS_A_SECOND, MEMORY, asked)
