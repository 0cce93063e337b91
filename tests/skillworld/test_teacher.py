"""The teacher: full marks for all it writes, nothing unasked, orders, and refusals, against sharing by brute force."""

from collections import Counter
from collections.abc import Sequence
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.skillworld.plain_world import graded

from genlab import chance
from genlab.skillworld.checker import check
from genlab.skillworld.grammar import parse
from genlab.skillworld.showing import FIGURE_SKILLS, SKILLS, VOICES, shows
from genlab.skillworld.skills import pack
from genlab.skillworld.teacher import Order, write
from genlab.skillworld.words import MINDS, TOPICS

ORDERS: list[Order] = ["asked", "free"]
SEEDS = st.integers(0, 2**32)
FIGURES = ["climax of size", "choice of heat", "reason of mood", "faint echo of age", "paradox of speed"]


def shown(text: str) -> list[list[str]]:
    """The skills of each sentence."""
    return [[skill for skill in SKILLS if shows(each, skill)] for each in parse(text) if each is not None]


def occurrences(text: str) -> Counter[str]:
    """How often each skill is shown."""
    found: Counter[str] = Counter()
    for each in parse(text):
        assert each is not None
        found.update(each.minds)
        found.update(f"{phrase.figure} of {phrase.scale}" for phrase in each.phrases if phrase.figure)
        found.update(voice for voice in VOICES if shows(each, voice))
    return found


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("k", range(1, 7))
@given(seed=SEEDS)
def test_every_text_has_full_marks_and_shows_nothing_unasked(order: Order, k: int, seed: int) -> None:
    random = chance.python("skillworld", "teacher", seed)
    skills, topic, limit = random.sample(SKILLS, k), random.choice(list(TOPICS)), max(1, k - 1)
    text = write(skills, topic, limit, random, order=order)
    assert check(text, skills, topic, limit) == (1,) * (k + 3)
    assert graded(text, skills, topic, limit) == (1,) * (k + 3)
    assert occurrences(text) == Counter(skills)
    assert len(parse(text)) == limit


@pytest.mark.parametrize("order", ORDERS)
def test_every_pair_fits_into_one_sentence(order: Order) -> None:
    topics = list(TOPICS)
    for place, pair in enumerate(permutations(SKILLS, 2)):
        topic = topics[place % len(topics)]
        assert check(write(pair, topic, 1, chance.python("pair", place), order=order), pair, topic, 1) == (1,) * 5


@pytest.mark.parametrize("order", ORDERS)
def test_every_skill_on_every_topic(order: Order) -> None:
    for skill, topic in product(SKILLS, TOPICS):
        text = write([skill], topic, 1, chance.python("single", skill, topic), order=order)
        assert check(text, [skill], topic, 1) == (1,) * 4


@pytest.mark.parametrize("category", pack().categories)
@given(seed=SEEDS)
def test_all_of_a_category_together(category: str, seed: int) -> None:
    names = [skill.name for skill in pack().skills if skill.category == category]
    random = chance.python("category", seed)
    skills, topic = random.sample(names, min(6, len(names))), random.choice(list(TOPICS))
    limit = len(skills) - 1
    assert check(write(skills, topic, limit, random), skills, topic, limit) == (1,) * (len(skills) + 3)


@given(SEEDS)
def test_asked_keeps_the_order_from_sentence_to_sentence(seed: int) -> None:
    random = chance.python("asked", seed)
    k = random.randint(2, 6)
    skills = random.sample(SKILLS, k)
    groups = shown(write(skills, "chess", k - 1, random))
    start = 0
    for group in groups:
        assert sorted(group) == sorted(skills[start : start + len(group)])
        start += len(group)
    assert sorted(map(len, groups)) == [1] * (k - 2) + [2]


def test_asked_keeps_the_order_of_figures_and_of_minds_within_a_sentence() -> None:
    for place in range(50):
        (sentence,) = parse(write(["hope", *FIGURES[:2], "belief"], "law", 1, chance.python("within", place)))
        assert sentence is not None
        assert sentence.minds == ("hope", "belief")
        assert [f"{each.figure} of {each.scale}" for each in sentence.phrases] == FIGURES[:2]


def test_free_puts_any_skill_into_any_sentence_with_any_other() -> None:
    skills = ["climax of size", "hedge", "fear", "denial"]
    groups = [shown(write(skills, "law", 3, chance.python("free", place), order="free")) for place in range(600)]
    together = Counter(frozenset(group) for each in groups for group in each if len(group) == 2)
    firsts = Counter(skill for each in groups for skill in each[0])
    assert len(together) == 6
    assert min(together.values()) > 60  # 100 expected, standard deviation 9
    assert set(firsts) == set(skills)
    assert min(firsts.values()) > 140  # 200 expected, standard deviation 12


def test_in_the_asked_order_each_sentence_can_be_the_one_with_two_skills() -> None:
    sizes = Counter(tuple(map(len, shown(write(FIGURES[:4], "law", 3, chance.python("sizes", place))))) for place in range(300))
    assert set(sizes) == {(2, 1, 1), (1, 2, 1), (1, 1, 2)}
    assert min(sizes.values()) > 65  # 100 expected, standard deviation 8


def room(group: Sequence[str]) -> bool:
    counts = Counter(group)
    figures, minds = sum(counts[each] for each in FIGURE_SKILLS), sum(counts[each] for each in MINDS)
    return figures <= 2 and minds <= 2 and all(counts[each] <= 1 for each in VOICES)


def can_be_shared(skills: Sequence[str], limit: int, order: Order) -> bool:
    """By trying every way to give each skill a sentence."""
    for places in product(range(limit), repeat=len(skills)):
        if order == "asked" and list(places) != sorted(places):
            continue
        if all(room([skill for skill, mine in zip(skills, places, strict=True) if mine == place]) for place in range(limit)):
            return True
    return False


@given(
    st.lists(st.sampled_from([*FIGURES[:4], "hope", "fear", "belief", "hedge", "denial"]), max_size=7),
    st.integers(1, 3),
    st.sampled_from(ORDERS),
    SEEDS,
)
def test_it_finds_a_way_just_where_there_is_one(skills: list[str], limit: int, order: Order, seed: int) -> None:
    if not can_be_shared(skills, limit, order):
        with pytest.raises(ValueError, match="do not fit into"):
            write(skills, "law", limit, chance.python(seed), order=order)
        return
    text = write(skills, "law", limit, chance.python(seed), order=order)
    assert check(text, skills, "law", limit) == (1,) * (len(skills) + 3)
    assert len(parse(text)) == limit
    assert occurrences(text) == Counter(skills)


@pytest.mark.parametrize(
    ("skills", "limit", "message"),
    [
        (
            FIGURES[:3],
            1,
            r"climax of size, choice of heat, reason of mood do not fit into 1 sentence\(s\): a sentence has room for 2 ",
        ),
        (["hedge", "hedge"], 1, "hedge, hedge do not fit into 1 sentence.*each of the others once$"),
        (["fear", "hope", "doubt"], 1, "2 minds"),
        (FIGURES[:5], 2, "do not fit into 2"),
        (["fear", "hope", "doubt", *FIGURES[:3]], 2, r"\(there is a way with order='free'\)$"),
        (["hedge"], 0, "expected a limit of at least 1 sentence, got 0"),
        (["irony"], 1, "skillworld has no skill 'irony'"),
    ],
)
def test_what_does_not_fit_is_refused(skills: list[str], limit: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write(skills, "law", limit, chance.python("refused"))


def test_an_unknown_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="skillworld has no topic 'cooking': expected one of gardening"):
        write(["hedge"], "cooking", 1, chance.python("refused"))


@pytest.mark.parametrize("order", ORDERS)
def test_sentences_beyond_the_skills_are_about_the_topic_and_show_nothing(order: Order) -> None:
    for place in range(50):
        text = write(["hedge", "fear"], "law", 6, chance.python("more", place), order=order)
        assert sorted(map(len, shown(text))) == [0, 0, 0, 0, 1, 1]
        assert check(text, ["hedge", "fear"], "law", 6) == (1,) * 5
    assert check(write([], "law", 2, chance.python("none"), order=order), [], "law", 2) == (1, 1, 1)


@given(SEEDS)
def test_the_same_random_writes_the_same_text(seed: int) -> None:
    skills = chance.python("same", seed).sample(SKILLS, 4)
    texts = {write(skills, "law", 3, chance.python(seed), order=order) for order in (*ORDERS, *ORDERS)}
    assert texts == {write(skills, "law", 3, chance.python(seed), order=order) for order in ORDERS}


def test_other_chance_writes_other_texts() -> None:
    assert (
        len({write(FIGURES[:2], "law", 1, chance.python("other", place)) for place in range(100)}) >= 95
    )  # by birthdays: some 10,000 texts


@given(SEEDS)
def test_what_is_called_does_not_act_and_subject_and_object_differ(seed: int) -> None:
    (sentence,) = parse(write(["address"], "law", 1, chance.python(seed)))
    assert sentence is not None
    assert len(set(sentence.nouns)) == 3


def test_examples_of_the_pack_show_their_skill_alone() -> None:
    for skill in pack().skills:
        assert shown(skill.example) == [[skill.name]]
