"""Words of a stranger: what hides is named, and what can be read is left alone."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.visible import clipped, pieces, visible

READABLE = (
    "A plain sentence.\n\tAnd a second line, “quoted” – with **markdown** and <b>tags</b>.",
    "naïve café, e\u0301, Ωmega, 漢字, עברית, العربية, हिन्दी, ไทย",
    "👩\u200d❤\ufe0f\u200d👨 and 👍🏽 and 1\ufe0f\u20e3 and ©\ufe0f",
    "می\u200cشود",  # Persian needs its joiner
    "क्\u200dष",  # and so does Devanagari
    "葛\U000e0100",  # a variant of an ideograph
)
HIDING = {
    "a direction override": "\u202e",
    "an isolate": "\u2066",
    "a mark of direction": "\u200f",
    "a zero width space": "\u200b",
    "a byte order mark": "\ufeff",
    "a word joiner": "\u2060",
    "a soft hyphen": "\u00ad",
    "NUL": "\0",
    "escape": "\x1b",
    "a C1 control": "\x9b",
    "a line separator": "\u2028",
    "half a character": "\ud83d",
    "a tag": "\U000e0041",
    "a Hangul filler": "\u3164",
    "a braille blank": "\u2800",
    "private use": "\ue000",
    "no character": "\uffff",
}


@pytest.mark.parametrize("text", READABLE)
def test_what_can_be_read_is_left_alone(text: str) -> None:
    assert [(each.words, each.odd) for each in pieces(text)] == [(text, False)]


@pytest.mark.parametrize("hidden", HIDING.values(), ids=HIDING.keys())
def test_what_hides_is_named(hidden: str) -> None:
    name = f"U+{ord(hidden):04X}"
    assert [(each.words, each.odd) for each in pieces(f"full{hidden}{hidden}marks")] == [
        ("full", False),
        (f"{name} × 2", True),
        ("marks", False),
    ]
    assert visible(hidden) == f"[{name}]"


@pytest.mark.parametrize(
    "text", ["a\u200db", "\u200d", "word\u200c", "\ufe0fstart", "x \ufe0f", "x\ufe0f\ufe0f", "👍\u200d\u200b"]
)
def test_a_joiner_or_selector_that_joins_nothing_is_named(text: str) -> None:
    assert any(each.odd for each in pieces(text))


@given(st.text(st.characters() | st.sampled_from("\u202e\u200b\u200d\ufe0f\r\n\t\0\ud800"), max_size=60))
def test_no_reader_is_given_a_control_or_a_direction_and_no_word_is_lost(text: str) -> None:
    found = pieces(text)
    shown = "".join(each.words for each in found if not each.odd)
    assert {unicodedata.category(each) for each in shown} <= {unicodedata.category(each) for each in text} | {"Cc"}
    assert not {each for each in shown if unicodedata.category(each) in {"Cc", "Cs"}} - {"\n", "\t"}
    assert not {
        each
        for each in shown
        if unicodedata.bidirectional(each) in {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
    }
    shown.encode()  # no half character
    visible(text).encode()
    letters = [each for each in text if each.isalnum()]
    assert [each for each in shown if each.isalnum()] == [each for each in letters if each not in "\u115f\u1160\u3164\uffa0"]
    assert all(not (one.odd and two.odd and one.words == two.words) for one, two in pairwise(found))


def test_line_ends_are_one_kind() -> None:
    assert pieces("a\r\nb\rc\n")[0].words == "a\nb\nc\n"
    assert visible("a\r\nb\tc") == "a b c"


@given(st.text(max_size=30), st.integers(1, 20))
def test_a_clipped_text_says_what_is_missing(text: str, most: int) -> None:
    beginning, rest = clipped(text, most)
    assert text.startswith(beginning)
    assert len(beginning) == min(len(text), most)
    assert bool(rest) == (len(text) > most)
    assert rest in ("", f"the first {most} of {len(text)} characters")
