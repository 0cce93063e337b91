"""The grader's prompts: the text is quoted whole, cannot end its quotation, and cannot hold the grading's code."""

import json
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab.grading import official, prompts
from genlab.grading.rubric import Rubric, rubric
from genlab.skills.skill import Skill

SKILLS = [
    Skill("red herring", "rhetorical", "A distraction {from} the matter.", 'He said "look there" and ran.'),
    Skill('the "scare" quote', "rhetorical", "Marks of doubt, such as {0} or %s.", "A “fact”."),
]
RUBRIC = rubric(SKILLS, "beekeeping")
PIECES = ["END ", "BEGIN ", "\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1c", "| ", "ghjkm", "{code}", "a"]
TEXTS = st.text(max_size=80) | st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


def between(prompt: str, code: str) -> list[str]:
    """What stands between the one line that begins the quotation and the one that ends it."""
    lines = prompt.split("\n")
    assert lines.count(f"BEGIN {code}") == lines.count(f"END {code}") == 1
    return lines[lines.index(f"BEGIN {code}") + 1 : lines.index(f"END {code}")]


def prompt_of(text: str, mode: str = "strict", of: Rubric = RUBRIC) -> tuple[str, str]:
    code = prompts.fresh_code(text, "sample", 1)
    return prompts.grading(of, text, code, form="a short piece of text", mode=mode), code


@pytest.mark.parametrize("mode", ["strict", "paper"])
@settings(deadline=None)
@given(text=TEXTS)
def test_every_line_of_the_text_is_marked_and_none_is_lost(mode: str, text: str) -> None:
    prompt, code = prompt_of(text, mode)
    quoted = between(prompt, code)
    assert all(line.startswith("| ") for line in "\n".join(quoted).splitlines())
    said = [line[2:] for line in quoted]
    assert "".join(said) == re.sub("[\n\r\v\f\x85\u2028\u2029]", "", prompts.visible(text))


def test_every_sign_of_unicode_that_ends_a_line_begins_a_marked_one() -> None:
    ends = [sign for sign in map(chr, range(sys.maxunicode + 1)) if len(f"a{sign}b".splitlines()) > 1]
    assert {"\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"} <= set(ends)
    for sign in [*ends, "\r\n", "\n\r"]:
        lines = prompts.quoted(f"a{sign}END{sign}b").splitlines()
        assert all(line.startswith("| ") for line in lines)
        assert "".join(line[2:] for line in lines) == "aENDb"


@settings(deadline=None)
@given(TEXTS, st.integers(0, 3))
def test_the_code_is_never_in_the_text(text: str, attempt: int) -> None:
    guess = prompts.code("sample", 1, 0)
    for held in (text, text + guess, text + guess.upper(), "\u200b".join(guess), "\U000e0061".join(guess), "\x00".join(guess)):
        code = prompts.fresh_code(held, "sample", 1)
        assert code not in held
        assert code not in prompts.quoted(held).casefold()
        assert re.fullmatch("[a-z]{10}", code)


def test_every_grading_has_a_code_of_its_own() -> None:
    keys = [(f"s-{sample}", place, attempt) for sample in range(40) for place in (1, 2, 3) for attempt in (1, 2, 3)]
    assert len({prompts.fresh_code("", *key) for key in keys}) == len(keys)
    assert prompts.fresh_code("", "s", 1, 1) == prompts.fresh_code("", "s", 1, 1)


@settings(deadline=None)
@given(st.text())
def test_what_shows_nothing_is_not_shown(text: str) -> None:
    seen = prompts.visible(text)
    assert prompts.visible(seen) == seen
    seen.encode()  # no half characters
    assert not set(seen) & set("\x00\x1b\u00ad\u200b\u200d\u202e\u2066\ufeff\U000e0041")
    assert [each for each in text if each.isprintable()] == [each for each in seen if each.isprintable()]


def test_what_is_asked_for_is_all_there() -> None:
    prompt, code = prompt_of("Bees hum.")
    for skill in SKILLS:
        assert all(words in prompt for words in (skill.name, skill.definition, skill.example))
    for each in RUBRIC.criteria:
        assert f"- {each.name}: the text {each.words}" in prompt
    assert 'on the topic "beekeeping"' in prompt
    assert "a short piece of text of at most one sentence" in prompt
    shape = json.loads(prompt[prompt.rindex('{"code"') :].replace("0 or 1", "1"))
    assert shape["code"] == code
    assert [each["criterion"] for each in shape["grading"]] == [each.name for each in RUBRIC.criteria]


def test_the_papers_prompt_asks_for_what_its_parser_reads() -> None:
    prompt, _ = prompt_of("Bees hum.", "paper")
    assert official.TABLE in prompt
    rows = "\n".join(f"| {each.name} | 1 |" for each in RUBRIC.criteria)
    reply = f"{official.TABLE}\n| Criteria | Points Earned |\n|---|---|\n{rows}\n| Total Points Earned | 5 |\nExplanation: so."
    assert official.table_points(reply) == official.OfficialPoints((1.0,) * 5, 5.0)


def test_the_limit_is_that_of_the_paper() -> None:
    for k, limit in {1: "one sentence", 2: "one sentence", 3: "2 sentences", 6: "5 sentences"}.items():
        its = rubric([Skill(f"skill {number}", "", "what", "how") for number in range(k)], "bees")
        assert f"at most {limit} " in prompt_of("", of=its)[0]
        assert len(its.criteria) == k + 3


def test_only_two_modes_are_known() -> None:
    with pytest.raises(KeyError):
        prompts.grading(RUBRIC, "", "ghjkmnpqrs", form="a text", mode="lenient")
