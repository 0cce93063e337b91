"""Checking a pack: each rule finds what it is for, says where, and leaves a good pack alone."""

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.grading.rubric import rubric
from genlab.skills.check import CRITERIA, check
from genlab.skills.naming import names_itself
from genlab.skills.pack import SHIPPED, Pack, load, parse
from genlab.skills.skill import Skill, Topic, plain

ROOT = Path(__file__).parents[2]
GOOD = load(str(ROOT / "examples" / "small_pack.yaml"))
MANY = tuple(Topic(name) for name in ("A1", "B2", "C3", "D4", "E5", "F6", "G7", "H8", "I9", "J10"))
PACK = Pack(
    "clean",
    "1",
    (
        Skill(
            "simile",
            "literary",
            "Likens one thing to another with a word of comparison.",
            "Quiet as snow.",
            ("comparison by as",),
        ),
        Skill("hyperbole", "literary", "Overstates wildly for effect.", "I have told you a million times."),
        Skill("false analogy", "logical", "Argues from a likeness that does not carry the weight.", "Firms are families: share."),
        Skill("modus ponens", "logical", "From a rule and its condition, draws the result.", "If it rains I stay. It rains."),
    ),
    MANY,
)


def told(pack: Pack) -> list[tuple[str, str, str]]:
    return [(problem.severity, problem.where, problem.what) for problem in check(pack)]


def with_skill(place: int, **changes: Any) -> Pack:
    skills = list(PACK.skills)
    skills[place] = replace(skills[place], **changes)
    return replace(PACK, skills=tuple(skills))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_pack_has_no_problem(name: str) -> None:
    assert check(load(name)) == ()


def test_a_good_pack_has_no_problem() -> None:
    assert check(PACK) == ()


def test_the_small_pack_of_the_documentation_lacks_topics_only() -> None:
    assert told(GOOD) == [("warning", "the pack", "its topics are few: 4")]
    page = (ROOT / "docs" / "packs.md").read_text()
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert shown == (ROOT / "examples" / "small_pack.yaml").read_text()


@pytest.mark.parametrize("name", ["Simile", "SIMILE!", "simile (figure of speech)"])
def test_two_skills_that_are_called_alike(name: str) -> None:
    assert told(with_skill(1, name=name)) == [("error", f"skill {name!r}", f"{name!r} is also what skill 'simile' is called")]


def test_an_alias_that_is_another_skill_or_the_skill_itself() -> None:
    assert told(with_skill(1, aliases=("Modus-ponens",))) == [
        ("error", "skill 'modus ponens'", "'modus ponens' is also what skill 'hyperbole' is called")
    ]
    assert told(with_skill(1, aliases=("Hyperbole",))) == [
        ("warning", "skill 'hyperbole'", "'hyperbole' and 'Hyperbole' are said alike")
    ]


def test_a_name_without_letters() -> None:
    assert told(with_skill(1, name="?!")) == [("error", "skill '?!'", "'?!' holds no letter or digit")]


def test_topics_that_are_one() -> None:
    twice = replace(PACK, topics=(*MANY, Topic("Rock climbing"), Topic("rock-climbing")))
    assert told(twice) == [("error", "topic 'rock-climbing'", "it is topic 'Rock climbing' again")]


def test_a_name_within_another_skills_name_or_alias() -> None:
    assert told(with_skill(1, name="analogy")) == [
        ("warning", "skill 'analogy'", "its name 'analogy' stands within 'false analogy', of skill 'false analogy'")
    ]
    assert told(with_skill(1, aliases=("simile of excess",))) == [
        ("warning", "skill 'simile'", "its name 'simile' stands within 'simile of excess', of skill 'hyperbole'")
    ]
    assert told(with_skill(1, aliases=("hyperbole of excess",))) == []  # a skill's own
    assert told(with_skill(1, name="sim")) == []  # not a whole word


@pytest.mark.parametrize("name", ["modus ponen", "ponens modus"])
def test_a_name_that_is_nearly_another(name: str) -> None:
    assert told(with_skill(1, name=name)) == [("warning", "skill 'modus ponens'", f"its name is nearly that of skill {name!r}")]


def test_a_skill_that_a_topic_names() -> None:
    same, inside = (replace(PACK, topics=(*MANY, Topic(name))) for name in ("Hyperbole", "the age of hyperbole"))
    assert told(same) == [("error", "skill 'hyperbole'", "'hyperbole' is a topic too")]
    assert told(inside) == [("warning", "skill 'hyperbole'", "'hyperbole' stands within topic 'the age of hyperbole'")]
    assert told(replace(PACK, topics=(*MANY, Topic("hyperboles")))) == []


@pytest.mark.parametrize(
    ("name", "code"), [("hyper\u200bbole", "U+200B"), ("hyper\x07bole", "U+0007"), ("hyperbole\ufeff", "U+FEFF")]
)
def test_characters_that_cannot_be_seen(name: str, code: str) -> None:
    assert told(with_skill(1, name=name)) == [
        ("error", f"skill {name!r}", f"{name!r} holds characters that cannot be seen: {code}")
    ]
    topic = name.replace("hyper", "Bob ")
    assert told(replace(PACK, topics=(*MANY, Topic(topic)))) == [
        ("error", f"topic {topic!r}", f"{topic!r} holds characters that cannot be seen: {code}")
    ]


def test_an_accent_as_a_character_of_its_own() -> None:
    assert told(with_skill(1, name="clich\u00e9")) == []
    ((severity, where, what),) = told(with_skill(1, aliases=("cliche\u0301",)))
    assert (severity, where) == ("error", "skill 'hyperbole'")
    assert what.endswith("writes an accent as a character of its own")


@pytest.mark.parametrize("name", ["On topic", "makes sense", "Length"])
def test_a_skill_called_like_another_criterion(name: str) -> None:
    assert told(with_skill(1, name=name)) == [
        ("error", f"skill {name!r}", f"{name!r} is what the rubric calls another of its criteria")
    ]


def test_the_criteria_are_those_of_the_rubric() -> None:
    assert tuple(criterion.name for criterion in rubric(PACK.skills, "Sewing").criteria if criterion.kind != "skill") == CRITERIA


def test_examples_that_are_missing_or_name_the_skill() -> None:
    assert told(with_skill(1, example="")) == [("warning", "skill 'hyperbole'", "it has no example")]
    said = ("error", "skill 'hyperbole'", "its example says its name or an alias")
    assert told(with_skill(1, example="What HYPERBOLE, she said.")) == [said]
    assert told(with_skill(1, example="An over-statement!", aliases=("over statement",))) == [said]
    assert told(with_skill(1, example="How hyperbolic.")) == []


def test_a_definition_that_goes_in_a_circle() -> None:
    assert told(with_skill(1, definition="Uses hyperbole.")) == [("warning", "skill 'hyperbole'", "its definition uses its name")]
    assert told(with_skill(1, definition="Overstates, also called exaggeration.", aliases=("exaggeration",))) == []


@pytest.mark.parametrize("kind", ["definition", "example"])
def test_words_that_two_skills_share(kind: str) -> None:
    text = "Draws a firm conclusion about all members of some large group after having met only two"
    near = text.replace("two", "three")

    def pack(first: str, second: str) -> Pack:
        changes: list[dict[str, Any]] = [{}, {kind: first}, {}, {kind: second}]
        return replace(PACK, skills=tuple(replace(skill, **each) for skill, each in zip(PACK.skills, changes, strict=True)))

    ((severity, where, what),) = told(pack(text, near))
    assert (severity, where) == ("warning", "skill 'modus ponens'")
    assert what.startswith(f"its {kind} is {15 / 19:.0%} alike")  # 17 pairs each, with the ends; the last word takes part in two
    assert told(pack(text, " ".join(sorted(text.split())))) == []


def test_too_few_topics_and_none() -> None:
    assert told(replace(PACK, topics=())) == [("error", "the pack", "it has no topics")]
    assert told(replace(PACK, topics=MANY[:9])) == [("warning", "the pack", "its topics are few: 9")]


def test_categories_of_one_and_spelled_twice() -> None:
    assert told(replace(PACK, skills=PACK.skills[:3])) == [
        ("warning", "skill 'false analogy'", "it is alone in category 'logical'")
    ]
    spelled = [replace(skill, category=skill.category.title()) for skill in PACK.skills[:2]]
    other = [replace(skill, name=f"{skill.name} again", example=f"{place} more") for place, skill in enumerate(PACK.skills[:2])]
    problems = told(replace(PACK, skills=(*spelled, *PACK.skills[2:], *other)))
    assert ("warning", "the pack", "categories 'Literary' and 'literary' look like one") in problems


def test_a_private_pack_wants_a_salt() -> None:
    assert told(replace(PACK, private=True)) == [("warning", "the pack", "it is private and has no salt")]
    assert told(replace(PACK, private=True, salt="f00d")) == []


def test_errors_come_first_and_every_problem_has_a_remedy() -> None:
    problems = check(replace(with_skill(1, name="Simile", example=""), topics=()))
    assert [problem.severity for problem in problems] == ["error", "error", "warning"]
    assert all(problem.remedy for problem in problems)


# ------------------------------------------------------------------------------------------------ laws

letters = st.text("ab -(", max_size=6)
small = st.builds(
    lambda rows, topics: Pack(
        "p", "1", tuple(Skill(n, c, d, e, tuple(a)) for n, c, d, e, a in rows), tuple(Topic(topic) for topic in topics)
    ),
    st.lists(
        st.tuples(letters, st.sampled_from("XY"), letters, letters, st.lists(letters, max_size=2)),
        min_size=1,
        max_size=4,
        unique_by=lambda row: row[0],
    ),
    st.lists(letters, max_size=3, unique=True),
)


@given(small)
def test_the_fast_search_for_names_within_names_finds_what_a_slow_one_finds(pack: Pack) -> None:
    called = [
        (skill, name, plain(name.partition("(")[0]) or plain(name))
        for skill in pack.skills
        for name in (skill.name, *skill.aliases)
    ]
    slow = {
        (f"skill {skill.name!r}", f"its name {name!r} stands within {longer!r}, of skill {other.name!r}")
        for skill, name, said in called
        for other, longer, heard in called
        if skill is not other and said and said != heard and re.search(rf"(?<![a-z]){said}(?![a-z])", heard)
    }
    assert {
        (problem.where, problem.what) for problem in check(pack) if "stands within" in problem.what and "of skill" in problem.what
    } == slow


@given(small)
def test_a_pack_without_errors_has_no_two_names_alike_and_no_example_that_names_its_skill(pack: Pack) -> None:
    if any(problem.severity == "error" for problem in check(pack)):
        return
    for one, other in combinations(pack.skills, 2):
        assert not {plain(name) for name in (one.name, *one.aliases)} & {plain(name) for name in (other.name, *other.aliases)}
    assert not any(names_itself(skill, skill.example) for skill in pack.skills)


@given(small, st.randoms(use_true_random=False))
def test_the_order_of_a_file_changes_no_count_of_problems(pack: Pack, random: Any) -> None:
    skills = list(pack.skills)
    random.shuffle(skills)
    one, other = (sorted(problem.severity for problem in check(each)) for each in (pack, replace(pack, skills=tuple(skills))))
    assert one == other


def test_a_text_names_a_skill_by_whole_words() -> None:
    skill = Skill("accident (fallacy)", "", "", "", ("dicto simpliciter",))
    assert names_itself(skill, "By ACCIDENT, we met.")
    assert names_itself(skill, "dicto-simpliciter")
    assert not names_itself(skill, "An accidental fallacy.")
    assert not names_itself(Skill("(?)", "", "", "", ("",)), "")
    assert names_itself(
        parse("name: a\nversion: 1\nskills: [{name: (un)reason, category: b, definition: c}]").skills[0], "un reason"
    )
