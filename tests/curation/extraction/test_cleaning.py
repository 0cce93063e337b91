"""What is kept of a teacher's names: nothing twice, no heading, no more than a topic's share, and everything else counted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn")

from genlab.curation.extraction import cleaning
from genlab.curation.extraction.cleaning import Found, key, tidy
from genlab.curation.extraction.result import Extracted, pack_of
from genlab.skills.check import check
from genlab.skills.pack import dump, parse
from genlab.skills.skill import QueryType

KINDS = (QueryType("planning", "Asks for a plan."),)
LONG = "Says what happens first, what follows and what comes last, so that nobody gets lost"


def found(*names: str, definition: str = "", topic: str = "cooking") -> list[Found]:
    return [Found(name, definition or f"{chr(97 + place % 26) * 9} {place}.", topic=topic) for place, name in enumerate(names)]


def names(cleaned: cleaning.Cleaned) -> list[str]:
    return [each.name for each in cleaned.kept]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("  Active   listening ", "Active listening"),
        ("1. **Active listening**", "Active listening"),
        ("- active_listening.", "active listening"),
        ("Active Listening Skills", "Active Listening"),
        ("'80/20' thinking", "80/20' thinking"),
        ("2D drawing", "2D drawing"),
        ("act\u200bive\ue000 listening", "active listening"),
        ("cafe\u0301 talk", "café talk"),
        ("", ""),
        ("***", ""),
    ],
)
def test_names_are_tidied(said: str, meant: str) -> None:
    assert tidy(said) == meant


def test_names_in_other_case_and_with_hyphens_are_one_and_counted() -> None:
    cleaned = cleaning.skills(
        found("step-by-step order", "Step by Step Order", "STEP_BY_STEP ORDER", "the step by step order"), [], 9
    )
    assert names(cleaned) == ["step-by-step order"]
    assert cleaned.dropped == {"duplicate": 3}


def test_near_duplicates_become_aliases_and_give_their_examples() -> None:
    twins = [
        Found("ordering steps", LONG + ".", "First boil, then salt.", "cooking", frozenset({1})),
        Found("ordering of the steps", LONG + "!", "", "law", frozenset({2, 3})),
        Found("naming a bird", "Tells which bird it is.", "", "birds", frozenset({3})),
        Found("steps ordering", LONG, "", "law", frozenset({1, 9})),
    ]
    cleaned = cleaning.skills(twins, ["cooking", "law", "birds"], 9)
    assert [(each.name, each.aliases, sorted(each.examples)) for each in cleaned.kept] == [
        ("ordering steps", ("steps ordering",), [1, 2, 3, 9]),
        ("naming a bird", (), [3]),
    ]
    assert cleaned.dropped == {"duplicate": 1, "near duplicate": 1}


def test_headings_and_what_is_empty_or_over_long_is_dropped_with_the_reason() -> None:
    said = found(
        "science_and_engineering", "Cooking:", "# Baking", "Skills for Cooking", "x" * 61, "a b c d e f g h i", " - ", "sense"
    )
    said += [Found("no words", " . ", topic="law"), Found("long words", "z" * 401, topic="law"), Found("On Topic", "Stays.")]
    said += [Found("tasting", "Tries it.", "By tasting we knew."), Found("salting", "Adds some.", "x " * 300)]
    cleaned = cleaning.skills(said, ["Science & Engineering", "cooking"], 9)
    assert [(each.name, each.example) for each in cleaned.kept] == [("sense", ""), ("tasting", ""), ("salting", "")]
    assert cleaned.dropped == {
        "heading": 4,
        "name too long": 2,
        "no name": 1,
        "no definition": 1,
        "definition too long": 1,
        "name of a rubric's criterion": 1,
        "example names its skill": 1,
        "example too long": 1,
    }


def test_a_topic_has_its_share_and_the_first_stay() -> None:
    said = found("salting", "boiling", "frying", "baking") + found("suing", topic="law")
    cleaned = cleaning.skills(said, ["cooking", "law"], 2)
    assert names(cleaned) == ["salting", "boiling", "suing"]
    assert cleaned.dropped == {"beyond its topic's share": 2}


def test_topics_and_query_types_are_apart() -> None:
    kept, owners, dropped = cleaning.topics(["Personal finance", "personal-finance", "Personal finances", "", "Law", "Art"], 2)
    assert kept == ["Personal finance", "Law"]
    assert owners == {"personal finance": "Personal finance", "personal finances": "Personal finance", "law": "Law"}
    assert dropped == {"duplicate topic": 1, "near-duplicate topic": 1, "no name": 1, "topic beyond those wanted": 1}
    types, more = cleaning.query_types([("Planning", "Wants a plan."), ("planning", "Plan!"), ("x", ""), ("Advice", "Asks.")], 1)
    assert types == [QueryType("Planning", "Wants a plan.")]
    assert more == {"duplicate query type": 1, "no definition": 1, "query type beyond those wanted": 1}


WORDS = st.text(st.sampled_from("ab AB-_.()&:#*'1\u0301\u200b\ue000é"), max_size=9) | st.text(max_size=6)
SAID = st.builds(Found, WORDS, WORDS, WORDS, st.sampled_from(["law", "a (b)", "B A"]), st.frozensets(st.integers(0, 3)))


@settings(max_examples=30, deadline=None)
@given(st.lists(SAID, max_size=14), st.integers(1, 4))
def test_whatever_a_teacher_says_the_pack_passes_its_check_and_everything_is_counted(said: list[Found], share: int) -> None:
    named, _, _ = cleaning.topics(["law", "a (b)", "B A", "b-a"], 9)
    cleaned = cleaning.skills(said, named, share)
    lost = sum(count for why, count in cleaned.dropped.items() if not why.startswith("example "))
    assert len(cleaned.kept) + lost == len(said)
    if cleaned.kept:
        pack = pack_of(
            Extracted(cleaned.kept, tuple(named), KINDS, {}, {}), name="x", version="1", about="", source="", teacher=""
        )
        assert not [problem for problem in check(pack) if problem.severity == "error"]
        assert parse(dump(pack)) == pack


def test_keys_leave_out_small_words_but_never_all() -> None:
    assert key("the") == "the"
    assert key("") == key("...") == ""
