"""Combinations: each item a function of its key, none twice, none with what was excluded, all equally likely."""

import math
import re
from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genlab.skills.combinations import Combination, check_k, common, draw, official
from genlab.skills.pack import Pack
from genlab.skills.skill import Skill, Topic


def pack_of(skills: int, topics: int, name: str = "numbers") -> Pack:
    return Pack(
        name,
        "1",
        tuple(Skill(f"skill {place}", "any", "d", "e") for place in range(skills)),
        tuple(Topic(f"topic {place}") for place in range(topics)),
    )


PACK = pack_of(20, 10)
EARLIER = (("skill 19", "skill 8", "skill 11"), "topic 1")  # measured when this was written
sizes = st.tuples(st.integers(1, 8), st.integers(1, 5)).flatmap(
    lambda size: st.tuples(st.just(pack_of(*size)), st.integers(1, size[0]), st.integers(0, 10**6))
)


def names(combination: Combination) -> tuple[str, ...]:
    return tuple(skill.name for skill in combination.skills)


@given(sizes, st.integers(1, 12), st.integers(1, 12))
def test_an_item_does_not_depend_on_how_many_follow(size: tuple[Pack, int, int], one: int, other: int) -> None:
    pack, k, seed = size
    few, many = sorted((one, other))
    longer = draw(pack, k, many, seed=seed, distinct=False)
    assert draw(pack, k, few, seed=seed, distinct=False).combinations == longer.combinations[:few]


def test_item_seven_of_twenty_is_item_seven_of_a_hundred() -> None:
    assert draw(PACK, 3, 20, seed=0).combinations == draw(PACK, 3, 100, seed=0).combinations[:20]


@given(sizes)
def test_a_combination_holds_k_different_skills_and_a_topic_of_the_pack(size: tuple[Pack, int, int]) -> None:
    pack, k, seed = size
    for place, each in enumerate(draw(pack, k, 6, seed=seed, distinct=False).combinations):
        assert (each.index, each.k, len({*each.skills})) == (place, k, k)
        assert {*each.skills} <= {*pack.skills}
        assert each.topic in pack.topics


def test_seed_k_and_pack_are_part_of_the_key() -> None:
    drawn = draw(PACK, 3, 50, seed=0).combinations
    assert draw(PACK, 3, 50, seed=0).combinations == drawn
    assert sum(one == other for one, other in zip(drawn, draw(PACK, 3, 50, seed=1).combinations, strict=True)) < 5
    assert [names(each)[:3] for each in draw(PACK, 4, 50, seed=0).combinations] != [names(each) for each in drawn]
    assert [names(each) for each in draw(replace(PACK, name="else"), 3, 50, seed=0).combinations] != [
        names(each) for each in drawn
    ]


def test_the_draws_are_those_of_earlier_versions() -> None:
    first = draw(PACK, 3, 1, seed=0).combinations[0]
    assert (names(first), first.topic.name) == EARLIER  # changing it changes every Skill-Mix ever drawn


@pytest.mark.parametrize("k", [1, 2, 4])
def test_all_combinations_there_are_come_once_each(k: int) -> None:
    pack = pack_of(4, 3)
    all_of_them = math.comb(4, k) * 3
    drawn = draw(pack, k, all_of_them, seed=0)
    assert {each.identity for each in drawn.combinations} == {
        (frozenset(skill.name for skill in skills), topic.name)
        for skills in combinations(pack.skills, k)
        for topic in pack.topics
    }
    assert drawn.repeated > 0
    assert drawn.excluded == 0


def test_repeats_are_counted_as_a_slow_drawing_counts_them() -> None:
    pack = pack_of(5, 2)
    free, apart = (draw(pack, 2, 12, seed=3, distinct=distinct) for distinct in (False, True))
    assert free.repeated == 0
    assert len({each.identity for each in apart.combinations}) == 12
    met: set[tuple[frozenset[str], str]] = set()
    for one, other in zip(free.combinations, apart.combinations, strict=True):
        assert (one == other) == (one.identity not in met)  # only what repeats an earlier item is drawn anew
        met.add(other.identity)
    assert apart.repeated >= sum(one != other for one, other in zip(free.combinations, apart.combinations, strict=True)) > 0


def test_excluding_a_skill_draws_again_only_where_it_stood() -> None:
    unwanted = {"skill 3", "skill 11"}
    free = draw(PACK, 3, 60, seed=0, distinct=False)
    without = draw(PACK, 3, 60, seed=0, exclude=unwanted, distinct=False)
    hit = [bool(unwanted & {*names(each)}) for each in free.combinations]
    assert [one != other for one, other in zip(free.combinations, without.combinations, strict=True)] == hit
    assert not any(unwanted & {*names(each)} for each in without.combinations)
    assert len(without.combinations) == 60
    assert without.excluded >= sum(hit) > 5
    assert free.excluded == 0


def test_skills_topics_and_places_are_equally_likely() -> None:
    drawn = draw(PACK, 3, 6000, seed=1, distinct=False).combinations
    counts = Counter(skill for each in drawn for skill in names(each))
    first = Counter(names(each)[0] for each in drawn)
    topics = Counter(each.topic.name for each in drawn)
    pairs = Counter(pair for each in drawn for pair in combinations(sorted(names(each)), 2))
    for found, cells in ((counts, 20), (first, 20), (topics, 10), (pairs, 190)):
        assert len(found) == cells
        assert stats.chisquare(list(found.values())).pvalue > 0.001  # of one fixed seed


def test_draws_after_an_exclusion_are_equally_likely_among_the_rest() -> None:
    drawn = draw(PACK, 2, 4000, seed=2, exclude={"skill 0", "skill 1"}, distinct=False).combinations
    counts = Counter(skill for each in drawn for skill in names(each))
    assert len(counts) == 18
    assert stats.chisquare(list(counts.values())).pvalue > 0.001


def test_what_cannot_be_drawn_is_an_error_that_says_why() -> None:
    small = pack_of(4, 3)
    for k in (0, 5):
        with pytest.raises(ValueError, match=f"k is between 1 and 4, the number of skills in pack 'numbers'; got {k}"):
            check_k(small, k)
        with pytest.raises(ValueError, match="k is between 1 and 4"):
            draw(small, k, 1, seed=0)
    with pytest.raises(ValueError, match="pack 'numbers' has no topics, and a combination needs one: add topics to it"):
        draw(pack_of(4, 0), 2, 1, seed=0)
    with pytest.raises(ValueError, match="n is at least 1, got 0"):
        draw(small, 2, 0, seed=0)
    message = "has 18 combinations of 2 of its 4 skills with one of 3 topics, and 19 different ones were asked for: lower n or k"
    with pytest.raises(ValueError, match=message):
        draw(small, 2, 19, seed=0)
    with pytest.raises(ValueError, match="has 3 combinations of 3 of its 3 skills"):
        draw(small, 3, 4, seed=0, exclude=["skill 1"])
    with pytest.raises(ValueError, match="exclude names skills that pack 'numbers' does not have: metaphor, simile"):
        draw(small, 2, 1, seed=0, exclude=["skill 1", "simile", "metaphor"])


def test_with_repeats_allowed_a_small_pack_gives_any_number() -> None:
    assert len(draw(pack_of(1, 1), 1, 30, seed=0, distinct=False).combinations) == 30
    with pytest.raises(ValueError, match="has 0 combinations of 2 of its 1 skills"):
        draw(pack_of(2, 1), 2, 1, seed=0, exclude=["skill 0"], distinct=False)


def test_common_skills_are_those_known_to_be_frequent() -> None:
    skills = [Skill(str(share), "c", "d", "e", frequency=share) for share in (0.01, 0.05, 0.3)] + [
        Skill("unknown", "c", "d", "e")
    ]
    pack = replace(PACK, skills=tuple(skills))
    assert common(pack) == {"0.05", "0.3"}
    assert common(pack, 0.2) == {"0.3"}
    assert common(PACK) == frozenset()


# The ten skills and ten topics of LeoYu/skill-mix at aeeea53, in the order of skills.csv and topics.txt.
SKILLS = (
    *("self serving bias", "accident (fallacy)", "complex question (loaded question with implicit assumption )", "red herring"),
    *("metaphor", "spatial reasoning", "modus ponens", "statistical syllogism", "emotional self regulation"),
    "folk physics (common knowledge physics)",
)
TOPICS = (
    *("Sewing", "Dueling", "The Ottoman Empire", "Urbanism", "Beekeeping", "Survivalism", "Guerilla warfare", "Triathlons"),
    *("Gardening", "Knots"),
)


def test_the_official_draw_is_that_of_the_published_transcripts() -> None:
    drawn = official(SKILLS, TOPICS, 3, 5, seed=10, folder="test")
    short = [(tuple(re.sub(r" \(.*", "", skill) for skill in skills), topic) for skills, topic in drawn]
    assert short == [  # the order in test/k3_s10_vdefault_r1 of the same repository
        (("spatial reasoning", "complex question", "statistical syllogism"), "Sewing"),
        (("complex question", "red herring", "metaphor"), "Beekeeping"),
        (("accident", "complex question", "emotional self regulation"), "Gardening"),
        (("self serving bias", "red herring", "emotional self regulation"), "Triathlons"),
        (("statistical syllogism", "folk physics", "emotional self regulation"), "Urbanism"),
    ]


def test_the_official_order_and_nothing_else_depends_on_the_folder() -> None:
    here, there = (official(SKILLS, TOPICS, 3, 30, seed=10, folder=folder) for folder in ("test", "elsewhere"))
    assert here != there
    assert [({*skills}, topic) for skills, topic in here] == [({*skills}, topic) for skills, topic in there]
