"""Splits: every entry goes where its own name says, into one part, and a record says so without names."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genlab.skills.pack import Pack, load, masked
from genlab.skills.skill import Skill, Topic
from genlab.skills.split import SplitRecord, balanced_seed, hold_out, record_of, save_split, split

CATEGORIES = ("literary", "logical", "rhetorical")


def pack_of(skills: list[str], topics: list[str]) -> Pack:
    entries = [Skill(name, CATEGORIES[len(name) % 3], "d", "e") for name in skills]
    return Pack("small", "1.2", tuple(entries), tuple(map(Topic, topics)))


PACK = pack_of([f"skill {place:0{2 + place % 3}}" for place in range(60)], [f"topic {place}" for place in range(40)])
EARLIER = [
    "skill 03",
    "skill 004",
    "skill 0011",
    "skill 24",
    "skill 0026",
    "skill 0035",
    "skill 052",
]  # measured when this was written
names = st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=12, unique=True)
packs = st.builds(pack_of, names, names)
seeds = st.integers(0, 50)
shares = st.floats(0.01, 0.99)


def sides(parts: tuple[Pack, Pack]) -> dict[str, int]:
    """Which part each entry is in."""
    skills = {f"skill {skill.name}": place for place, part in enumerate(parts) for skill in part.skills}
    return skills | {f"topic {topic.name}": place for place, part in enumerate(parts) for topic in part.topics}


def tried(pack: Pack, share: float, seed: int) -> tuple[Pack, Pack] | None:
    try:
        return split(pack, share, seed=seed, salt="f00d")
    except ValueError:
        return None


# ------------------------------------------------------------------------------------- public and private


@given(packs, shares, seeds)
def test_every_entry_is_in_one_part_and_keeps_its_place(pack: Pack, share: float, seed: int) -> None:
    parts = tried(pack, share, seed)
    if parts is None:
        return
    for kind in ("skills", "topics"):
        public, private, whole = (getattr(each, kind) for each in (*parts, pack))
        assert public
        assert private
        assert not {*public} & {*private}
        assert sorted((*public, *private), key=whole.index) == [*whole]
        assert [*public] == sorted(public, key=whole.index)
        assert [*private] == sorted(private, key=whole.index)


@given(packs, packs, shares, seeds)
def test_a_pack_that_grows_moves_no_entry_across(pack: Pack, other: Pack, share: float, seed: int) -> None:
    more = replace(
        pack,
        skills=tuple({skill.name: skill for skill in (*other.skills, *pack.skills)}.values()),
        topics=tuple({topic.name: topic for topic in (*other.topics, *pack.topics)}.values()),
    )
    before, after = tried(pack, share, seed), tried(more, share, seed)
    if before is not None:
        assert after is not None
        assert sides(before).items() <= sides(after).items()


@given(packs, shares, shares, seeds)
def test_a_larger_share_keeps_public_what_was_public(pack: Pack, one: float, other: float, seed: int) -> None:
    small, large = tried(pack, min(one, other), seed), tried(pack, max(one, other), seed)
    if small is not None and large is not None:
        assert {*small[0].skills} <= {*large[0].skills}
        assert {*small[0].topics} <= {*large[0].topics}


def test_neither_case_nor_hyphens_nor_category_nor_words_move_an_entry() -> None:
    spelled = [
        replace(skill, name=skill.name.upper().replace(" ", "-"), category="else", definition="x", example="y", aliases=("z",))
        for skill in PACK.skills
    ]
    before, after = split(PACK, 0.3, seed=1), split(replace(PACK, skills=tuple(spelled)), 0.3, seed=1)
    assert [skill.name.upper().replace(" ", "-") for skill in before[0].skills] == [skill.name for skill in after[0].skills]


def test_shares_are_met_on_average_and_whatever_the_category() -> None:
    many = pack_of([f"skill {place:0{4 + place % 3}}" for place in range(3000)], [f"topic {place}" for place in range(2000)])
    public, _ = split(many, 0.1, seed=4)
    counts = Counter(skill.category for skill in public.skills)
    for found, size in ((len(public.skills), 3000), (len(public.topics), 2000), *((counts[each], 1000) for each in CATEGORIES)):
        assert stats.binomtest(found, size, 0.1).pvalue > 0.001  # of one fixed seed
    other, _ = split(many, 0.1, seed=5)
    assert (
        stats.binomtest(len({*public.skills} & {*other.skills}), len(public.skills), 0.1).pvalue > 0.001
    )  # seeds are independent


def test_the_split_is_that_of_earlier_versions() -> None:
    public, _ = split(PACK, 0.1, seed=0)
    assert [skill.name for skill in public.skills] == EARLIER  # changing it would publish what is private


def test_the_parts_say_what_they_are_parts_of() -> None:
    whole = replace(PACK, about="for tests", text="a note", source="us", licence="CC0")
    public, private = split(whole, 0.25, seed=7)
    assert (public.version, private.version) == ("1.2-public0.25-s7", "1.2-private0.75-s7")
    assert public.part_of == private.part_of == whole.digest
    assert (public.private, public.salt) == (False, "")
    assert private.private
    for part in (public, private):
        assert (part.name, part.about, part.text, part.source, part.licence) == ("small", "for tests", "a note", "us", "CC0")
    assert len({whole.digest, public.digest, private.digest}) == 3


def test_a_private_part_has_a_salt_that_nobody_can_guess() -> None:
    one, other = (split(PACK, 0.1, seed=0)[1] for _ in range(2))
    assert re.fullmatch("[0-9a-f]{32}", one.salt)
    assert one.salt != other.salt
    assert one == replace(other, salt=one.salt)
    name = one.skills[0].name
    assert one.shown(name) not in {name, other.shown(name), masked(name, "")}


def test_a_salt_that_is_given_or_there_is_kept() -> None:
    salted = replace(PACK, private=True, salt="beef")
    assert split(PACK, 0.1, seed=0, salt="f00d")[1].salt == "f00d"
    assert split(salted, 0.1, seed=0)[1].salt == "beef"
    assert split(salted, 0.1, seed=0)[0].salt == ""
    assert split(salted, 0.1, seed=0, salt="f00d")[1].salt == "f00d"


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 10.0, float("nan")])
def test_a_share_outside_zero_and_one_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"the public part is a share between 0 and 1, such as 0.1; got {share:g}"):
        split(PACK, share, seed=0)


def test_a_part_without_entries_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the public part would have no skill: take another seed \(balanced_seed finds one\)"):
        split(PACK, 1e-9, seed=0)
    with pytest.raises(ValueError, match="the private part would have no skill"):
        split(PACK, 1 - 1e-9, seed=0)
    with pytest.raises(ValueError, match=r"would have no topic: .* than 'small' with its 60 skills and 0 topics"):
        split(replace(PACK, topics=()), 0.5, seed=0)


def test_a_balanced_seed_gives_every_category_to_both_parts() -> None:
    english = load("english")
    seed = balanced_seed(english, 0.1, tries=300)
    public, private = split(english, 0.1, seed=seed)
    assert {*public.categories} == {*private.categories} == {*english.categories}
    for kind in ("skills", "topics"):
        whole, part = len(getattr(english, kind)), len(getattr(public, kind))
        assert abs(part - 0.1 * whole) < stats.binom.std(whole, 0.1)


def test_a_balanced_seed_is_the_best_of_those_tried() -> None:
    assert balanced_seed(PACK, 0.1, tries=1) == 0
    small = pack_of(["a", "b", "aaaa", "bbbb"], ["x", "y"])
    seed = balanced_seed(small, 0.5, tries=200)
    public, private = split(small, 0.5, seed=seed)
    assert [len(each) for each in (public.skills, private.skills, public.topics, private.topics)] == [2, 2, 1, 1]


# --------------------------------------------------------------------------------------------- held out


def test_categories_are_held_out_whole_and_topics_at_random() -> None:
    parts = hold_out(PACK, categories=("logical",), topics=0.5, seed=0)
    assert {skill.category for skill in parts.held.skills} == {"logical"}
    assert {skill.category for skill in parts.train.skills} == {"literary", "rhetorical"}
    assert len(parts.held.skills) + len(parts.train.skills) == 60
    assert not {*parts.held.topics} & {*parts.train.topics}
    assert len(parts.held.topics) + len(parts.train.topics) == 40
    assert stats.binomtest(len(parts.held.topics), 40, 0.5).pvalue > 0.001
    assert (parts.train.version, parts.held.version) == ("1.2-train-s0", "1.2-held-s0")
    assert parts.train.part_of == parts.held.part_of == PACK.digest


def test_what_is_not_held_out_is_in_both_parts() -> None:
    by_skill = hold_out(PACK, categories=["logical", "literary"], seed=0)
    assert by_skill.train.topics == by_skill.held.topics == PACK.topics
    assert {skill.category for skill in by_skill.train.skills} == {"rhetorical"}
    by_topic = hold_out(PACK, topics=0.2, seed=0)
    assert by_topic.train.skills == by_topic.held.skills == PACK.skills
    assert 0 < len(by_topic.held.topics) < 20


@given(packs, packs, shares, seeds)
def test_a_pack_that_grows_moves_no_topic_across(pack: Pack, other: Pack, share: float, seed: int) -> None:
    more = replace(pack, topics=tuple({topic.name: topic for topic in (*pack.topics, *other.topics)}.values()))
    try:
        before = hold_out(pack, topics=share, seed=seed)
    except ValueError:
        return
    after = hold_out(more, topics=share, seed=seed)
    assert {*before.train.topics} <= {*after.train.topics}
    assert {*before.held.topics} <= {*after.held.topics}


def test_holding_out_is_independent_of_publishing() -> None:
    many = replace(PACK, topics=tuple(Topic(f"topic {place}") for place in range(2000)))
    _, private = split(many, 0.3, seed=0)
    held = hold_out(private, topics=0.3, seed=0).held
    assert stats.binomtest(len(held.topics), len(private.topics), 0.3).pvalue > 0.001
    assert held.private
    assert held.salt == private.salt


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown category": (
        {"categories": ("logical", "poetic")},
        "category 'poetic' is not in the pack (it has: rhetorical, literary, logical). Pass categories=(\"rhetorical\",)",
    ),
    "one word for a list": (
        {"categories": "logical"},
        "categories is a list of names, got 'logical'. Pass categories=(\"logical\",)",
    ),
    "all topics": ({"topics": 1.0}, "held-out topics are a share from 0 to below 1, such as 0.5; got 1"),
    "fewer than none": ({"topics": -0.5}, "held-out topics are a share from 0 to below 1, such as 0.5; got -0.5"),
    "nothing": ({}, "nothing is held out: name categories of skills, or give a share of topics"),
    "every category": ({"categories": CATEGORIES}, "the train part would have no skill"),
    "no topic at all": ({"topics": 1e-9}, "the held part would have no topic"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_held_out_is_an_error_that_says_why(case: str) -> None:
    asked, message = WRONG[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        hold_out(PACK, **asked, seed=0)


# --------------------------------------------------------------------------------------------- the record


def test_a_record_says_what_went_where_and_holds_no_name() -> None:
    parts = split(PACK, 0.2, seed=3)
    record = record_of(PACK, parts, seed=3, fraction=0.2)
    assert (record.pack, record.whole, record.seed, record.fraction, record.categories) == ("small", PACK.digest, 3, 0.2, ())
    for part, said in zip(parts, record.parts, strict=True):
        assert (said.version, said.digest) == (part.version, part.digest)
        assert (said.skill_count, said.topic_count) == (len(part.skills), len(part.topics))
        assert {*said.skills} == {masked(skill.name, parts[1].salt) for skill in part.skills}
        assert {*said.topics} == {masked(topic.name, parts[1].salt) for topic in part.topics}
        assert [*said.skills] == sorted(said.skills)
    assert not any(
        name in record.to_json() for name in [*(each.name for each in PACK.skills), *(each.name for each in PACK.topics)]
    )
    assert parts[1].salt not in record.to_json()


def test_a_record_is_json_that_holds_all_of_it() -> None:
    record = hold_out(PACK, categories=("logical",), topics=0.5, seed=2).record
    read = json.loads(record.to_json())
    assert SplitRecord(**read | {"categories": tuple(read["categories"]), "parts": record.parts}) == record
    assert [part["digest"] for part in read["parts"]] == [part.digest for part in record.parts]
    assert [tuple(part["skills"]) for part in read["parts"]] == [part.skills for part in record.parts]
    assert record == hold_out(PACK, categories=("logical",), topics=0.5, seed=2).record


def test_a_split_is_saved_in_three_files_or_none(tmp_path: Path) -> None:
    parts = split(PACK, 0.2, seed=3)
    record = record_of(PACK, parts, seed=3, fraction=0.2)
    paths = save_split(parts, record, tmp_path / "out", "mine")
    assert [path.name for path in paths] == ["mine-public.yaml", "mine-private.yaml", "mine-split.json"]
    assert tuple(load(str(path)) for path in paths[:2]) == parts
    assert paths[2].read_text() == record.to_json()

    again = split(PACK, 0.3, seed=3)
    for path in paths[:2]:
        path.unlink()
    with pytest.raises(ValueError, match=r"mine-split\.json is there already"):
        save_split(again, record, tmp_path / "out", "mine")
    assert [path.exists() for path in paths] == [False, False, True]
    with pytest.raises(ValueError, match=r"'\.\./mine' cannot stand in a file's name"):
        save_split(again, record, tmp_path / "out", "../mine")
    save_split(again, record, tmp_path / "out", "mine", overwrite=True)
    assert tuple(load(str(path)) for path in paths[:2]) == again
