"""What a student will cost: measured rates for the embedded ones, tokens for others."""

from collections.abc import Mapping
from typing import Any

from genlab.studies.skill_composition.study import MIXTURES, SPLITS, SkillComposition
from genlab.studies.study import Price

TOKENS_A_TEXT = 52  # of the corpus and of D(1,2,3): measured, docs/log.md
TOKENS_A_SECOND = 20_000  # trained, width 96, 3 layers, one core: measured, docs/log.md
WEIGHTS = 422_000  # of that student
TEXTS_A_SECOND = 400  # written and checked, k = 1 to 5: measured, docs/log.md
START_SECONDS = 6.0  # torch, transformers and trl imported: measured, docs/log.md
MEMORY = 700 * 2**20  # of a process with them: measured, docs/log.md


def price(study: SkillComposition, settings: Mapping[str, Any]) -> Price:
    """Time and memory for skillworld's students; for other packs calls and tokens, as nobody knows how fast they are."""
    evaluated = len(SPLITS) * len(settings["k"]) * settings["n"]
    sizes = MIXTURES[settings["mixture"]]
    texts = settings["texts"] if sizes else 0
    if sizes and settings["sizing"] == "growing":
        texts = texts * len(sizes) // 3
    if settings["pack"] != "skillworld":
        calls = evaluated * (2 + 3 * len(settings["grader"]))
        return Price(0.0, 0, evaluated * len(settings["grader"]), calls=calls, tokens=calls * 600)
    made = settings.get("base_texts", 0) / max(1, len(study.mixture))  # shared by the students of a seed
    scale = (settings.get("width", 96) / 96) ** 2 * settings.get("layers", 3) / 3
    trained = (texts + made) * TOKENS_A_TEXT / TOKENS_A_SECOND * scale
    return Price(START_SECONDS + trained + evaluated / TEXTS_A_SECOND * scale, MEMORY, evaluated)
