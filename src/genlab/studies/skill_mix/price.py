"""What a condition will cost: calls and tokens from its very prompts, dollars where prices are known."""

from collections.abc import Mapping
from typing import Any

from genlab.studies.skill_mix.study import SkillMix
from genlab.studies.study import Price

CHARACTERS_A_TOKEN = 4.0  # our assumption: English in the tokenizers of 2024 and later
TEXT_TOKENS = 160  # of a student's reply, k = 3; the official transcripts have 235 a turn with explanation (facts 1.12)
SENTENCE_TOKENS = 15  # of a reply in the brief manner, a sentence: measured, 46 to 63 characters in skillworld, no explanation
CRITERION_TOKENS = 40  # of a grader's reply, a criterion with its reason; our assumption
PROCESS_BYTES = 250 * 2**20  # measured by others: docs/log.md
CPU_SECONDS_A_CALL = 0.013  # measured: docs/log.md
SAMPLE = 10  # combinations whose prompts are written to be measured


def price(study: SkillMix, settings: Mapping[str, Any]) -> Price:
    """Calls without repeats, tokens and dollars; the time is the processor's alone: nobody knows how fast a provider answers."""
    from genlab.evaluation import writing
    from genlab.evaluation.budget import rates
    from genlab.evaluation.roles import models_among
    from genlab.grading import prompts
    from genlab.grading.controls import planted
    from genlab.grading.rubric import rubric
    from genlab.skills.combinations import common, draw
    from genlab.skills.pack import load

    pack = load(settings["pack"])
    exclude = common(pack) if settings["uncommon"] else ()
    drawn = draw(pack, settings["k"], min(SAMPLE, settings["n"]), seed=settings["seed"], exclude=exclude).combinations
    asked = [rubric(each.skills, each.topic.name) for each in drawn]
    turns = writing.turns(pack.manner)
    first = _tokens([writing.draft(each, form=pack.text, manner=pack.manner) for each in asked])
    second = _tokens([writing.improved(each) for each in asked])
    reply = TEXT_TOKENS if turns == 2 else SENTENCE_TOKENS * asked[0].limit
    text = "x" * int(reply * CHARACTERS_A_TOKEN / turns)  # in the paper's manner, half of a reply explains the text
    grading = _tokens([prompts.grading(each, text, "gggggggggg", form=pack.text, mode=settings["mode"]) for each in asked])
    students = 2 if settings["against"] else 1
    texts = settings["n"] * settings["generations"] * students
    hidden = planted(drawn, pack, settings["controls"], seed=settings["seed"])
    gradings = (texts + sum(bool(control.text) for _, control in hidden) * students) * settings["gradings"]
    known = rates(study.prices) if study.prices else {}
    told = 2 * first + second + reply if turns == 2 else first
    student = (texts * told, texts * turns * reply)
    grader = (gradings * grading, gradings * CRITERION_TOKENS * (settings["k"] + 3))
    models = models_among(settings["grader"])
    costs = [
        known[name].cost(*(int(tokens) for tokens in used)) if name in known else None
        for name, used in [(settings["student"], student), *((each, grader) for each in models)]
    ]
    calls = turns * texts + gradings * len(models)
    return Price(
        seconds=calls * CPU_SECONDS_A_CALL,
        memory_bytes=PROCESS_BYTES * (1 + study.processes),
        records=(texts + settings["controls"] * students) * len(settings["grader"]),
        calls=calls,
        tokens=int(student[0] + student[1] + len(models) * (grader[0] + grader[1])),
        dollars=sum(cost for cost in costs if cost is not None) if None not in costs else None,
    )


def _tokens(prompts: list[str]) -> float:
    return sum(map(len, prompts)) / len(prompts) / CHARACTERS_A_TOKEN
