"""What a rater can see of a text: everything that is there, and nothing that acts."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.review.shown import clipped, shown


@given(st.text())
def test_no_character_is_left_that_a_reader_cannot_see(text: str) -> None:
    for character in shown(text):
        assert character in "\n\t\u200d\ufe0e\ufe0f" or unicodedata.category(character) not in {
            "Cc",
            "Cf",
            "Cs",
            "Co",
            "Cn",
            "Zl",
            "Zp",
        }


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u115f\u1160\u3164\uffa0\u2800⟨")))
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert shown(text) == text


@given(st.text(st.sampled_from("a \u202e\u200b\x00\ud800\U000e0041")))
def test_a_name_says_which_character_and_how_often(text: str) -> None:
    def back(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) * int(match[2] or 1)

    assert re.sub(r"⟨U\+([0-9A-F]+)(?: × (\d+))?⟩", back, shown(text)) == text


@pytest.mark.parametrize("text", ["👨\u200d👩\u200d👧", "❤\ufe0f", "क\u094d\u200dष"])
def test_joiners_stay_where_an_emoji_or_a_script_needs_them(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize("text", ["a\u200db", "\u200dx", " \ufe0f", "❤\ufe0f\ufe0f"])
def test_joiners_that_join_nothing_are_named(text: str) -> None:
    assert "⟨U+" in shown(text)


def test_a_huge_text_is_cut_and_says_so() -> None:
    text, rest = clipped("x" * 1_000_000)
    assert len(text) == 20_000
    assert rest == "These are the first 20,000 of 1,000,000 characters."
