"""Conversations that teach: keyed, of full marks, of the pack's part only; the control shows nothing."""

from collections.abc import Sequence
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.skillworld.plain_world import graded

from genlab.curation import taught
from genlab.skills.split import hold_out
from genlab.skillworld.grammar import parse
from genlab.skillworld.showing import SKILLS, shows
from genlab.skillworld.skills import HELD_OUT, pack
from genlab.skillworld.teacher import Order
from genlab.skillworld.words import TOPICS

SEEDS = st.integers(0, 2**32)
TRAIN = hold_out(pack(), categories=HELD_OUT, topics=0.3, seed=0).train


def first(n: int, k: int = 3, *, seed: int = 0, order: Order = "asked") -> list[taught.Taught]:
    return list(islice(taught.texts(TRAIN, k, seed=seed, order=order), n))


def test_item_7_is_item_7_however_many_are_taken() -> None:
    many = first(600)  # beyond the first draw, and the second
    assert [each.index for each in many] == list(range(600))
    assert many[:8] == first(8)
    assert len({(each.skills, each.topic) for each in many}) > 590
    assert not {each.messages for each in many} & {each.messages for each in first(20, seed=1)}


@pytest.mark.parametrize("order", ["asked", "free"])
@given(k=st.integers(1, 5), seed=SEEDS)
def test_a_text_earns_full_marks_for_what_it_was_asked(order: Order, k: int, seed: int) -> None:
    """By a checker that shares nothing with the one that grades."""
    (each,) = first(1, k, seed=seed, order=order)
    (user, asked), (assistant, said) = each.messages
    assert (user, assistant) == ("user", "assistant")
    assert f"about {each.topic}," in asked
    assert asked.endswith(f": {'; '.join(each.skills)}.")
    assert graded(said, each.skills, each.topic, max(1, k - 1)) == (1,) * (k + 3)
    assert {skill.name for skill in TRAIN.skills}.issuperset(each.skills)
    assert each.topic in {topic.name for topic in TRAIN.topics}
    assert len(each.skills) == k


def test_somebody_else_may_write() -> None:
    asked: list[tuple[tuple[str, ...], str, int]] = []

    def write(skills: Sequence[str], topic: str, limit: int, random: Random) -> str:
        asked.append((tuple(skills), topic, limit))
        return f"{random.random()}"

    found = list(islice(taught.texts(TRAIN, 4, seed=0, write=write), 5))
    assert asked == [(each.skills, each.topic, 3) for each in found]
    assert len({each.messages[1] for each in found}) == 5
    assert [each.messages[0] for each in found] == [each.messages[0] for each in first(5, 4)]


def test_a_row_is_a_conversation_as_trl_takes_it() -> None:
    (each,) = first(1)
    row = each.to_row()
    assert row["messages"] == [
        {"role": "user", "content": each.messages[0][1]},
        {"role": "assistant", "content": each.messages[1][1]},
    ]
    assert (row["k"], row["index"], tuple(row["skills"]), row["topic"]) == (3, 0, each.skills, each.topic)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_form_alone_asks_for_words_of_the_topic_and_shows_no_skill(k: int) -> None:
    for each in islice(taught.texts(TRAIN, k, seed=0, words=True), 50):
        prompt, said = (words for _, words in each.messages)
        sentences = parse(said)
        assert prompt.endswith(f": {'; '.join(each.skills)}.")
        assert set(each.skills) <= set(TOPICS[each.topic])
        assert len(sentences) == max(1, k - 1)
        nouns = [noun for sentence in sentences if sentence for noun in sentence.nouns]
        assert set(each.skills) <= set(nouns)
        assert not any(shows(sentence, skill) for sentence in sentences if sentence for skill in SKILLS)
