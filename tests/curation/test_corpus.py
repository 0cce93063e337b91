"""The corpus of skillworld's base: keyed, what each kind of request asks for and gets, and what is never asked."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st
from tests.skillworld.plain_world import graded

from genlab import chance
from genlab.curation import corpus
from genlab.curation.corpus import DREAM, MIXTURE, Mixture
from genlab.skillworld.grammar import Sentence, parse
from genlab.skillworld.showing import SKILLS, shows
from genlab.skillworld.words import TOPIC_OF, TOPICS

SEEDS = st.integers(0, 2**32)
REQUEST = re.compile(r"Write about (.+?), in at most (one|\d+) sentences?: (.+)\.")
MANY = 4000


@dataclass(frozen=True)
class Held:
    """A conversation, read."""

    topic: str
    limit: int
    asked: tuple[str, ...]
    said: str

    @property
    def kind(self) -> str:
        if self.asked == ("anything",):
            return "open"
        return "lists" if self.topic == DREAM else "single"

    @property
    def skills(self) -> list[str]:
        return [each for each in self.asked if each in SKILLS]

    @property
    def sentences(self) -> list[Sentence]:
        found = [each for each in parse(self.said) if each is not None]
        assert len(found) == len(parse(self.said)), self.said
        return found

    @property
    def shown(self) -> Counter[str]:
        return Counter(skill for each in self.sentences for skill in SKILLS if shows(each, skill))


def read(talk: corpus.Conversation) -> Held:
    assert [turn["role"] for turn in talk] == ["user", "assistant"]
    request = REQUEST.fullmatch(talk[0]["content"])
    assert request, talk
    limit = 1 if request[2] == "one" else int(request[2])
    return Held(request[1], limit, tuple(request[3].split("; ")), talk[1]["content"])


@cache
def sample() -> list[Held]:
    return [read(talk) for talk in islice(corpus.conversations(0), MANY)]


def one(seed: int, kind: str) -> Held:
    weights = {name: float(name == kind) for name in ("open", "single", "lists")}
    mixture = Mixture(open=weights["open"], single=weights["single"], lists=weights["lists"])
    return read(corpus.conversation(chance.python("corpus test", seed), mixture))


def test_item_7_is_item_7_and_a_key_makes_other_items() -> None:
    def first(n: int, *key: str) -> list[corpus.Conversation]:
        return list(islice(corpus.conversations(3, *key), n))

    assert first(8) == first(20)[:8]
    assert not {str(each) for each in first(20)} & {str(each) for each in first(20, "replay")}


def test_kinds_have_their_shares() -> None:
    found = Counter(each.kind for each in sample())
    total = MIXTURE.open + MIXTURE.single + MIXTURE.lists
    for kind, weight in {"open": MIXTURE.open, "single": MIXTURE.single, "lists": MIXTURE.lists}.items():
        share = weight / total
        assert abs(found[kind] / MANY - share) < 4 * math.sqrt(share * (1 - share) / MANY), kind


@given(seed=SEEDS)
def test_a_single_request_is_answered_with_exactly_its_skill(seed: int) -> None:
    held = one(seed, "single")
    assert len(held.asked) == 1
    assert held.topic in TOPICS
    assert held.shown == Counter(held.asked)
    assert len(held.sentences) == held.limit
    assert graded(held.said, held.asked, held.topic, held.limit) == (1, 1, 1, 1)


@given(seed=SEEDS)
def test_an_open_request_gets_different_skills_nobody_asked_for(seed: int) -> None:
    held = one(seed, "open")
    assert held.asked == ("anything",)
    assert len(held.sentences) == held.limit
    assert set(held.shown.values()) <= {1}
    assert held.shown.total() <= held.limit
    assert graded(held.said, [], held.topic, held.limit) == (1, 1, 1)


@given(seed=SEEDS)
def test_a_list_is_mentioned_and_shown_in_its_order(seed: int) -> None:
    held = one(seed, "lists")
    assert held.topic == DREAM
    assert 2 <= len(held.asked) <= MIXTURE.longest
    assert len(set(held.asked)) == len(held.asked)
    assert set(held.asked) <= {*SKILLS, *TOPIC_OF}
    assert held.limit == len(held.asked) - 1
    assert len(held.sentences) == held.limit
    assert held.shown == Counter(held.skills)
    said = iter(noun for each in held.sentences for noun in each.nouns)
    assert all(noun in said for noun in held.asked if noun in TOPIC_OF), held  # "in" takes what it passes
    sentence = 0
    for each in held.asked:
        while not (each in held.sentences[sentence].nouns if each in TOPIC_OF else shows(held.sentences[sentence], each)):
            sentence += 1  # IndexError: it comes before what was asked for earlier


def test_three_skills_are_never_asked_and_two_only_in_lists() -> None:
    counts = Counter((each.kind, len(each.skills)) for each in sample())
    assert set(counts) == {("open", 0), ("single", 1), *(("lists", skills) for skills in range(len(MIXTURE.skills)))}
    assert len(MIXTURE.skills) == 3


def test_two_skills_alone_are_asked_for_as_rarely_as_is_said() -> None:
    alone = [each for each in sample() if len(each.skills) == 2 and len(each.asked) == 2]
    assert 0.01 < len(alone) / len(sample()) < 0.04
    assert {each.topic for each in alone} == {DREAM}


def test_every_skill_is_met_alone_and_every_noun_in_lists() -> None:
    assert {each.asked[0] for each in sample() if each.kind == "single"} == set(SKILLS)
    assert {word for each in sample() if each.kind == "lists" for word in each.asked} == {*SKILLS, *TOPIC_OF}
