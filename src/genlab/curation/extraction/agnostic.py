"""Seed-dataset agnostic extraction: topics of a domain, skills of each topic, and query types, asked of a teacher in rounds.

After Instruct-SkillMix (Kaur, Park, Goyal, Arora 2024, 2408.14774), whose own prompts for it were not released.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genlab import chance
from genlab.curation.extraction import cleaning
from genlab.curation.extraction.cleaning import Found
from genlab.curation.extraction.prompts import LENSES
from genlab.curation.extraction.recipe import Recipe
from genlab.curation.extraction.requests import Ask, Kind, Request
from genlab.curation.extraction.result import Extracted
from genlab.curation.teachers import Unfinished

AT_ONCE = 20  # names asked for in one request; our assumption: longer lists get stale, and are cut at max_tokens
LISTS: Mapping[Kind, str] = {"topics": "topics", "skills": "skills", "query types": "query_types"}  # their names in a reply


@dataclass
class Growing:
    """A list that rounds make longer.

    Attributes:
        id: names it among all.
        kind: what it lists.
        wanted: how many different names are enough.
        fields: of its requests, beside count, lens and what is known.
        said: all entries so far, as the teacher said them.
        ended: whether a round brought nothing new.
    """

    id: str
    kind: Kind
    wanted: int
    fields: Mapping[str, Any]
    said: list[Any] = field(default_factory=list)
    ended: bool = False

    @property
    def known(self) -> list[str]:
        """Different names so far."""
        names = [cleaning.tidy(each if isinstance(each, str) else each["name"]) for each in self.said]
        return list({cleaning.key(name): name for name in reversed(names) if cleaning.key(name)}.values())[::-1]

    def request(self, number: int, seed: int) -> Request:
        """What the round of this number asks for."""
        known = self.known
        lenses = chance.python("lenses", seed, self.id).sample(LENSES, len(LENSES))
        fields = {"count": min(AT_ONCE, self.wanted - len(known)), "lens": lenses[(number - 1) % len(LENSES)], "known": known}
        return Request(f"{self.id}-s{seed}-{number:02d}", self.kind, {**self.fields, **fields})

    def take(self, content: Mapping[str, Any] | None) -> None:
        """Take what a round brought; an unreadable reply (None) leaves the list open."""
        if content is not None:
            before = len(self.known)
            self.said += content[LISTS[self.kind]]
            self.ended = len(self.known) == before

    @property
    def lacking(self) -> bool:
        """Whether it is worth asking again."""
        return not self.ended and len(self.known) < self.wanted


def extract(recipe: Recipe, ask: Ask) -> Extracted:
    """Skills of the recipe's domain; ``ask`` brings the answers.

    A round asks for what is lacking, shows what is known, and looks from another side; one that brings nothing new to a list
    ends that list.

    Raises:
        Unfinished: the teacher names no topic, no query type or no skill that can be used.
    """
    about = {"domain": recipe.field}
    options: dict[str, Any] = {"threshold": recipe.near, "model": recipe.embedding}
    subjects = Growing("topics", "topics", recipe.topics, about)
    kinds = Growing("query-types", "query types", recipe.query_types, about)
    grow([subjects, kinds], recipe, ask, "topics")
    names, _, dropped = cleaning.topics(subjects.said, recipe.topics, **options)
    pairs = [(each["name"], each["definition"]) for each in kinds.said]
    types, more = cleaning.query_types(pairs, recipe.query_types, **options)
    _expect(names, "topic", recipe)
    _expect(types, "query type", recipe)
    lists = [
        Growing(f"skills-{place:03d}", "skills", recipe.per_topic, {**about, "topic": name})
        for place, name in enumerate(names, 1)
    ]
    grow(lists, recipe, ask, "skills")
    found = [
        Found(each["name"], each["definition"], each["example"], name)
        for name, one in zip(names, lists, strict=True)
        for each in one.said
    ]
    cleaned = cleaning.skills(found, names, recipe.per_topic, **options)
    _expect(cleaned.kept, "skill", recipe)
    return Extracted(
        cleaned.kept,
        tuple(names),
        tuple(types),
        {"topics": len(subjects.said), "query types": len(kinds.said), "skills": len(found)},
        dict(Counter(cleaned.dropped) + dropped + more),
    )


def grow(lists: Sequence[Growing], recipe: Recipe, ask: Ask, stage: str) -> None:
    """Ask in rounds until each list has what it wants, has ended, or the rounds are over."""
    for number in range(1, recipe.rounds + 1):
        asked = [(each, each.request(number, recipe.seed)) for each in lists if each.lacking]
        if not asked:
            return
        answers = ask(f"{stage}-{number:02d}", [request for _, request in asked])
        for each, request in asked:
            each.take(answers[request.id].content)


def _expect(found: Sequence[Any], what: str, recipe: Recipe) -> None:
    if not found:
        raise Unfinished(
            f"{recipe.teacher} named no {what} of the field {recipe.field!r} that can be used: say more in --domain, or take "
            "another teacher"
        )
