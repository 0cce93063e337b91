"""What extraction will cost: calls and tokens counted from the very prompts, dollars where there are prices."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from genlab.curation.extraction import prompts
from genlab.curation.extraction.agnostic import AT_ONCE
from genlab.curation.extraction.dependent import AN_EXAMPLE
from genlab.curation.extraction.recipe import Recipe
from genlab.curation.extraction.requests import Kind, Request
from genlab.curation.extraction.seeds import Seeds
from genlab.curation.pricing import CHARACTERS_A_TOKEN

# Our assumptions: tokens of an entry in a reply, and how many labels of 100 are in a cluster of their own.
TOPIC_TOKENS, DEFINED_TOKENS, SHOWN_TOKENS, CLUSTERS = 8, 45, 90, 0.5
NAME = "a name of some words"  # stands for what is known already, of this length


@dataclass(frozen=True)
class Price:
    """Of one stage, if every reply can be read and lists grow as asked; ``tries`` times as much is the most of a call.

    Attributes:
        stage: what is asked for.
        calls, tokens: how many, prompts and replies together.
        dollars: None where the teacher has no price.
    """

    stage: str
    calls: int
    tokens: int
    dollars: float | None


def prices(recipe: Recipe, seeds: Seeds | None) -> list[Price]:
    """The price of each stage; of none, where no model is asked.

    Raises:
        ValueError: prices that cannot be read.
    """
    if recipe.own:
        return []
    if seeds is not None:
        labels = [Request("x", "label", {"example": text, "count": AN_EXAMPLE}) for text in seeds.texts.values()]
        groups = ceil(CLUSTERS * AN_EXAMPLE * len(labels))
        naming = [Request("x", "skill", {"labels": [NAME * 8] * ceil(1 / CLUSTERS)})] * groups
        return [
            _price(recipe, "labels", labels, AN_EXAMPLE * DEFINED_TOKENS + TOPIC_TOKENS + DEFINED_TOKENS),
            _price(recipe, "names", naming, SHOWN_TOKENS),
        ]
    about: dict[str, Any] = {"domain": recipe.field}
    topics = _rounds("topics", recipe.topics, about)
    kinds = _rounds("query types", recipe.query_types, about)
    skills = _rounds("skills", recipe.per_topic, {**about, "topic": NAME}) * recipe.topics
    return [
        _price(recipe, "topics", topics, TOPIC_TOKENS * recipe.topics / len(topics)),
        _price(recipe, "query types", kinds, DEFINED_TOKENS * recipe.query_types / len(kinds)),
        _price(recipe, "skills", skills, SHOWN_TOKENS * recipe.topics * recipe.per_topic / len(skills)),
    ]


def _rounds(kind: Kind, wanted: int, about: dict[str, Any]) -> list[Request]:
    return [
        Request("x", kind, {**about, "count": AT_ONCE, "lens": prompts.LENSES[0], "known": [NAME] * known})
        for known in range(0, wanted, AT_ONCE)
    ]


def _price(recipe: Recipe, stage: str, requests: Sequence[Request], reply: float) -> Price:
    from genlab.evaluation.budget import rates

    told = sum(len(prompts.prompt(each, "gggggggggg")) for each in requests) / CHARACTERS_A_TOKEN
    said = reply * len(requests)
    rate = rates(recipe.prices).get(recipe.teacher) if recipe.prices else None
    return Price(stage, len(requests), int(told + said), rate.cost(int(told), int(said)) if rate else None)
