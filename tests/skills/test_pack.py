"""Packs: what is read is what was written, and what is wrong is said with its place."""

import hashlib
import json
import re
import textwrap
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.skills.files import write_whole
from genlab.skills.pack import CHECKERS, MANNERS, SHIPPED, TEXT, Pack, dump, load, masked, parse, parse_csv, part, save
from genlab.skills.skill import Exemplar, QueryType, Skill, Topic

SMALL = Pack(
    name="small",
    version="1",
    skills=(
        Skill("simile", "literary", "Likens.", "Quiet as snow."),
        Skill("irony", "literary", "Says the opposite.", "Lovely."),
    ),
    topics=(Topic("Sewing"), Topic("Knots", 1e-6, "counted")),
)


def one_skill(**fields: str) -> str:
    """A pack's YAML with one skill, whose fields are given as YAML."""
    known = {"name": "irony", "category": "literary", "definition": "Says the opposite.", "example": "Lovely weather."} | fields
    lines = [f"{name}: {value}" for name, value in known.items()]
    return "name: small\nversion: '1'\nskills:\n  - " + "\n    ".join(lines) + "\ntopics: [Sewing]\n"


# ------------------------------------------------------------------------------------------- there and back

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(lambda text: " ".join(text.split()))
some = words.filter(bool)
frequencies = st.floats(0, 1, exclude_min=True)
skills = st.builds(
    lambda skill, source: replace(skill, **(source if skill.frequency is not None else {})),
    st.builds(
        Skill,
        name=some,
        category=some,
        definition=some,
        example=words,
        aliases=st.lists(some, max_size=3).map(tuple),
        source=some,
        licence=some,
        frequency=st.none() | frequencies,
    ),
    some.map(lambda text: {"frequency_source": text}),
)
topics = st.builds(Topic, some) | st.builds(Topic, some, frequencies, some)
packs = st.builds(
    Pack,
    name=some,
    version=some,
    skills=st.lists(skills, min_size=1, max_size=4, unique_by=lambda skill: skill.name).map(tuple),
    topics=st.lists(topics, max_size=4, unique_by=lambda topic: topic.name).map(tuple),
    about=words,
    text=some,
    source=words,
    licence=words,
    private=st.booleans(),
    part_of=words,
    salt=words,
    manner=st.sampled_from(MANNERS),
    checker=st.sampled_from(("", *CHECKERS)),
    query_types=st.lists(st.builds(QueryType, some, some), max_size=3, unique_by=lambda each: each.name).map(tuple),
)


@given(packs)
def test_a_pack_written_and_read_is_the_same_pack(pack: Pack) -> None:
    again = parse(dump(pack))
    assert again == pack
    assert again.digest == pack.digest


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_pack_is_read_and_written_back_the_same(name: str) -> None:
    pack = load(name)
    assert pack.name == name
    assert pack.licence == "Apache-2.0"
    assert parse(dump(pack)) == pack


def test_blanks_and_line_breaks_of_the_file_do_not_matter() -> None:
    spread = one_skill(
        name='" red   herring "', definition="|\n      Draws the eye\n        away.", aliases="[' smoke  screen ', '']"
    )
    (skill,) = parse(spread).skills
    assert (skill.name, skill.definition, skill.aliases) == ("red herring", "Draws the eye away.", ("smoke screen",))


def test_what_a_file_leaves_out_has_the_stated_default() -> None:
    pack = parse("name: small\nversion: 2\nsource: us\nlicence: CC0\nskills: [{name: a, category: b, definition: c}]\n")
    assert pack == Pack("small", "2", (Skill("a", "b", "c", "", source="us", licence="CC0"),), (), source="us", licence="CC0")
    assert pack.text == TEXT


def test_the_digest_changes_with_every_field() -> None:
    values: dict[str, Any] = {
        "name": "other",
        "version": "2",
        "skills": SMALL.skills[:1],
        "topics": SMALL.topics[:1],
        "about": "x",
        "text": "a poem",
        "source": "x",
        "licence": "x",
        "private": True,
        "part_of": "x",
        "salt": "x",
        "exemplars": (Exemplar((SMALL.skills[0].name,), SMALL.topics[0].name, "A text."),),
        "manner": "brief",
        "checker": "skillworld",
        "query_types": (QueryType("planning", "Asks for a plan."),),
    }
    changed = [replace(SMALL, **{name: value}) for name, value in values.items()]
    assert len({pack.digest for pack in [SMALL, *changed]}) == 1 + len(changed) == len(SMALL.__dataclass_fields__) + 1
    assert re.fullmatch("[0-9a-f]{16}", SMALL.digest)


def test_fields_that_came_later_are_in_the_digest_of_packs_that_use_them_only() -> None:
    """Stores hold digests of packs from before there were manners, checkers and query types."""
    earlier = {name: value for name, value in asdict(SMALL).items() if name not in {"manner", "checker", "query_types"}}
    assert SMALL.digest == hashlib.sha256(json.dumps(earlier, sort_keys=True).encode()).hexdigest()[:16]
    assert parse(one_skill() + "manner: paper\nchecker: ''").digest == parse(one_skill()).digest


# --------------------------------------------------------------------------------------------- what is wrong

WRONG = {
    "not YAML": ("name: [", "pack is not YAML that genlab reads: while parsing"),
    "an object's tag": ("!!python/object/apply:os.system ['true']", "pack is not YAML that genlab reads: could not determine"),
    "an object inside": (one_skill(example="!!python/name:os.system ''"), "not YAML that genlab reads: could not determine"),
    "no such date": ("name: 2024-13-01", "pack is not YAML that genlab reads: month must be in 1..12"),
    "nested without end": ("[" * 5000, "pack is not YAML that genlab reads"),
    "two documents": ("name: a\n---\nname: b", "pack is not YAML that genlab reads: expected a single document"),
    "nothing": ("", "pack is not a pack: expected name, version, skills and topics, got NoneType"),
    "a list": ("- a", "pack is not a pack: expected name, version, skills and topics, got list"),
    "no name": ("version: 1\nskills: [a]", "pack has no name: a pack needs name, version and skills"),
    "no version": ("name: a\nskills: [a]", "pack has no version: a pack needs"),
    "no skills": ("name: a\nversion: 1", "pack has no skills: a pack needs"),
    "a version that YAML would round": ("name: a\nversion: 1.10\nskills: [a]", "version is text, got 1.1 (YAML reads"),
    "a pack named by a number": ("name: 7\nversion: 1\nskills: [a]", "name is text, got 7 (YAML reads"),
    "an unknown field": (one_skill() + "colour: red", "pack has no field colour; its fields: about, checker, exemplars"),
    "an unknown field of a skill": (one_skill(exmaple="x"), "pack, skill 1 has no field exmaple; its fields: aliases, category"),
    "an unknown field of a topic": (one_skill().replace("[Sewing]", "[{name: a, rank: 1}]"), "pack, topic 1 has no field rank"),
    "skills that are no list": ("name: a\nversion: 1\nskills: many", "pack: skills is a list, got str"),
    "skills that are a mapping": ("name: a\nversion: 1\nskills: {a: b}", "pack: skills is a list, got dict"),
    "a skill that is a word": (
        "name: a\nversion: 1\nskills: [irony]",
        "pack, skill 1 is a mapping with name, category, definition",
    ),
    "a skill without a name": (one_skill(name=""), "pack, skill 1 (no name) lacks name"),
    "a skill with gaps": (one_skill(category="", definition="''"), "pack, skill 1 (irony) lacks category, definition"),
    "a skill named no": (one_skill(name="no"), "pack, skill 1: name is text, got False (YAML reads yes, no, numbers and dates"),
    "a category that is a number": (one_skill(category="3"), "pack, skill 1: category is text, got 3"),
    "aliases in one word": (one_skill(aliases="sarcasm"), "pack, skill 1 (irony): aliases is a list of names, got 'sarcasm'"),
    "an alias named yes": (one_skill(aliases="[yes]"), "aliases is a list of names, got [True] (YAML reads yes, no"),
    "a topic named no": (
        one_skill().replace("Sewing", "no"),
        "pack, topic 1 is a name, or a mapping with name and frequency; got False",
    ),
    "a topic without a name": (one_skill().replace("Sewing", "''"), "pack, topic 1 has no name"),
    "a frequency of none": (one_skill(frequency="0"), "pack, skill 1: frequency is a share above 0 and at most 1, got 0"),
    "a frequency in percent": (one_skill(frequency="5"), "frequency is a share above 0 and at most 1, got 5; leave it out where"),
    "a frequency of yes": (one_skill(frequency="yes"), "frequency is a share above 0 and at most 1, got True"),
    "a frequency that is no number": (one_skill(frequency="5%"), "pack, skill 1: frequency is a number, got '5%'"),
    "a frequency by nobody": (one_skill(frequency="0.1", frequency_source="' '"), "a frequency wants a frequency_source: who"),
    "private, perhaps": (one_skill() + "private: perhaps", "pack: private is true or false, got 'perhaps'"),
    "a manner that nobody has": (one_skill() + "manner: terse", "pack: manner is paper or brief, or left out; got 'terse'"),
    "a checker that nobody has": (one_skill() + "checker: me", "pack: checker is skillworld, or left out; got 'me'"),
    "a skill twice": (
        dump(SMALL).replace("irony", "simile"),
        "pack holds the skill 'simile' more than once: names are what grades",
    ),
    "a topic twice": (dump(SMALL).replace("Knots", "Sewing"), "pack holds the topic 'Sewing' more than once"),
    "a forgotten dash": (
        "name: a\nversion: 1\nskills:\n  - name: b\n    category: c\n    name: d\n",
        "pack, line 6: 'name' stands twice in one entry. Where a second entry begins, put '- ' before it",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_in_a_file_is_said_with_its_place(case: str) -> None:
    text, message = WRONG[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(text)


def test_a_tag_makes_nothing_happen(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with pytest.raises(ValueError, match="is not YAML"):
        parse(f"!!python/object/apply:os.mkdir ['{target}']")
    assert not target.exists()


def test_an_anchor_that_holds_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="skill 1"):
        parse("name: a\nversion: 1\nskills: &all [*all]")


def test_a_pack_that_is_not_there_is_said_with_what_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no pack 'englsh'. There are: english, code_review, mathematics, skillworld; or a"):
        load("englsh")
    with pytest.raises(ValueError, match=r"no pack file '.*gone.yaml': expected a YAML or CSV file there"):
        load(str(tmp_path / "gone.yaml"))


def test_a_file_that_is_not_utf8_is_refused_with_the_place(tmp_path: Path) -> None:
    for name in ("pack.yaml", "skills.csv", "topics.txt"):
        (tmp_path / "skills.csv").write_text(OFFICIAL)
        (tmp_path / name).write_bytes(b"caf\xe9")
        with pytest.raises(ValueError, match=rf"{name} is not UTF-8 text .* at byte 3\): save it as UTF-8"):
            load(str(tmp_path / (name if name != "topics.txt" else "skills.csv")))


@pytest.mark.parametrize("name", ["my.yaml", "my.yml", "MY.YAML"])
def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + dump(SMALL).encode())
    assert load(str(tmp_path / name)) == SMALL


# ------------------------------------------------------------------------------------------------------ CSV

OFFICIAL = textwrap.dedent(
    """\
    category,skill,definition,example,comments,status,added by
    literary,simile,"Likens one thing, openly, to another.","""
    '"""""Quiet as snow,"" she said."'
    """,checked,keep,
    rhetorical,complex question (loaded question with a twist ),Asks what presupposes.,Have you stopped?,,,ann
    logical,gone,Left out.,Left out.,,remove,
    logical,later,Left out.,Left out.,,In Review,
    logical,perhaps,Left out.,Left out.,, maybe ,
    ,,,,,,
    logical,kept,"Over
    two lines.",Kept.,,,
    """
)


def test_the_official_columns_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "skills.csv").write_bytes(b"\xef\xbb\xbf" + OFFICIAL.replace("\n", "\r\n").encode())
    (tmp_path / "topics.txt").write_text("Sewing\n\n  The Ottoman Empire  \nKnots")
    pack = load(str(tmp_path / "skills.csv"))
    assert (pack.name, pack.version) == ("skills", "unversioned")
    assert pack.topics == (Topic("Sewing"), Topic("The Ottoman Empire"), Topic("Knots"))
    assert pack.skills == (
        Skill("simile", "literary", "Likens one thing, openly, to another.", '""Quiet as snow," she said.'),
        Skill("complex question (loaded question with a twist )", "rhetorical", "Asks what presupposes.", "Have you stopped?"),
        Skill("kept", "logical", "Over two lines.", "Kept."),
    )


def test_further_columns_of_a_skill_are_read() -> None:
    text = (
        "Skill,CATEGORY,definition,example,aliases,frequency,frequency_source,source,licence\na,b,c,d,e; f ;,1e-3,us,they,CC0\n"
    )
    (skill,) = parse_csv(text, "mine").skills
    assert skill == Skill("a", "b", "c", "d", ("e", "f"), "they", "CC0", 0.001, "us")
    assert parse(dump(parse_csv(text, "mine"))) == parse_csv(text, "mine")


def test_csv_without_topics_has_none(tmp_path: Path) -> None:
    (tmp_path / "skills.csv").write_text(OFFICIAL)
    assert load(str(tmp_path / "skills.csv")).topics == ()


HEAD = "skill,category,definition,example\n"
WRONG_CSV = {
    "columns missing": (
        "skill;category;definition;example\n",
        "pack lacks the column(s) category, definition, example, skill: it has skill;",
    ),
    "nothing": ("", "pack lacks the column(s) category, definition, example, skill: it has none"),
    "no skill": (HEAD, "pack has no skills"),
    "a gap": (HEAD + "a,b,c,d\n\n,b,c,d\n", "pack, line 4 (no name) lacks name"),
    "a comma without quotes": (
        HEAD + "a,b,likens, openly,d\n",
        "pack, line 2 has 5 cells, and there are 4 columns: put quotes around",
    ),
    "a quote without end": (HEAD + 'a,b,c,"d\ne,f,g,h\n', "pack, line 3 is not CSV: unexpected end of data"),
    "a cell without end": (HEAD + "a,b,c,d\n" + "x" * 200_000, "pack, line 3 is not CSV: field larger than"),
    "a skill twice": (HEAD + "a,b,c,d\na,b,c,e\n", "pack holds the skill 'a' more than once"),
    "a bad frequency": (
        "skill,category,definition,example,frequency\na,b,c,d,often\n",
        "line 2: frequency is a number, got 'often'",
    ),
}


@pytest.mark.parametrize("case", WRONG_CSV)
def test_what_is_wrong_in_csv_is_said_with_its_line(case: str) -> None:
    text, message = WRONG_CSV[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_csv(text, "mine")


# -------------------------------------------------------------------------------------------- what is asked of it


def test_a_skill_is_found_by_its_name() -> None:
    assert SMALL.skill("irony") is SMALL.skills[1]
    with pytest.raises(ValueError, match="pack 'small' has no skill 'Irony'"):
        SMALL.skill("Irony")


def test_categories_come_in_the_order_of_the_file() -> None:
    mixed = [Skill(str(place), category, "d", "e") for place, category in enumerate("babca")]
    assert replace(SMALL, skills=tuple(mixed)).categories == ("b", "a", "c")


def test_only_a_private_pack_masks_its_names() -> None:
    private = replace(SMALL, private=True, salt="f00d")
    assert SMALL.shown("irony") == "irony"
    assert private.shown("irony") == masked("irony", "f00d") == private.shown("irony")
    assert re.fullmatch("#[0-9a-f]{10}", private.shown("irony"))
    assert private.shown("irony") != private.shown("simile")
    assert private.shown("irony") != replace(private, salt="beef").shown("irony")


@given(st.lists(some, min_size=2, max_size=50, unique=True), words)
def test_masks_of_different_names_differ(names: list[str], salt: str) -> None:
    assert len({masked(name, salt) for name in names}) == len(names)


# ------------------------------------------------------------------------------------------------- written whole


def test_a_pack_is_saved_and_never_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "small.yaml"
    save(SMALL, path)
    assert load(str(path)) == SMALL
    with pytest.raises(ValueError, match=r"small\.yaml is there already: name another file, or say that it may be overwritten"):
        save(replace(SMALL, version="2"), path)
    assert load(str(path)) == SMALL
    save(replace(SMALL, version="2"), path, overwrite=True)
    assert load(str(path)).version == "2"
    assert [each.name for each in path.parent.iterdir()] == ["small.yaml"]


def test_a_pack_is_saved_as_yaml_and_not_in_a_folders_place(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a pack is written as YAML: '.*small\.csv' should end in \.yaml"):
        save(SMALL, tmp_path / "small.csv")
    (tmp_path / "small.yaml").mkdir()
    with pytest.raises(ValueError, match="is a folder: name a file"):
        save(SMALL, tmp_path / "small.yaml", overwrite=True)


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    write_whole(path, "before")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "lone surrogate \ud800", overwrite=True)
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["small.yaml"]


# ------------------------------------------------------------------------------------------------- exemplars

WITH_EXEMPLAR = replace(SMALL, exemplars=(Exemplar((SMALL.skills[0].name,), SMALL.topics[0].name, "A text."),))


def test_exemplars_are_written_and_read_back() -> None:
    assert parse(dump(WITH_EXEMPLAR)) == WITH_EXEMPLAR


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("- just words", "mapping with skills, topic and text"),
        ("- {skills: [], topic: t, text: x}", "list of different names"),
        ("- {skills: [a, a], topic: t, text: x}", "list of different names"),
        ("- {skills: [a], topic: t}", "lacks its topic or its text"),
        ("- {skills: [a], topic: t, text: x}", "'a', 't', which the pack does not have"),
        ("- {skill: [a]}", "no field skill"),
    ],
)
def test_an_exemplar_that_is_none_is_an_error(entry: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(f"{dump(SMALL)}exemplars:\n{entry}\n", "mine")


def test_a_part_of_a_pack_keeps_only_exemplars_that_name_nothing_else() -> None:
    assert part(WITH_EXEMPLAR, SMALL.skills, SMALL.topics).exemplars == WITH_EXEMPLAR.exemplars
    assert part(WITH_EXEMPLAR, SMALL.skills[1:], SMALL.topics).exemplars == ()
    assert part(WITH_EXEMPLAR, SMALL.skills, SMALL.topics[1:]).exemplars == ()
