"""A verdict is read whole or not at all, whatever stands around it, and only with the call's code."""

import json
import math
from typing import Any

import pytest

pytest.importorskip("inspect_ai")

from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.model import Logprob, Logprobs, TopLogprob

from genlab.evaluation.judges.verdicts import EXTENTS, read_choice, read_extent, read_rating, weighted
from genlab.grading.reading import Unreadable

CODE = "ghjkmnpqrs"
READERS = [read_choice, read_rating, read_extent]


def reply(field: str, value: Any, code: str = CODE, **more: Any) -> str:
    return json.dumps({"code": code, field: value, **more})


@pytest.mark.parametrize(
    ("read", "field", "said", "value"),
    [
        (read_choice, "better", 1, 1.0),
        (read_choice, "better", " **2** ", 2.0),
        (read_rating, "rating", 7, 7.0),
        (read_rating, "rating", 8.5, 8.5),
        (read_rating, "rating", "9/10", 9.0),
        *((read_extent, "verdict", said.title(), value) for said, value in EXTENTS.items()),
    ],
)
def test_what_is_read(read: Any, field: str, said: Any, value: float) -> None:
    for around in ("{}", "Well.\n```json\n{}\n```\nThat is all.", "{} {}"):
        assert read(around.replace("{}", reply(field, said)), CODE) == value


@pytest.mark.parametrize("value", [0, 3, 1.5, "1 or 2", "", None, True, False, [1], {"1": 1}, "first", "12", -1, math.inf])
def test_no_choice(value: Any) -> None:
    assert isinstance(read_choice(reply("better", value), CODE), Unreadable)


@pytest.mark.parametrize("value", [0, 11, 0.99, "ten", None, True, [5], "5 6", -3, "5/7", math.nan, "1e1"])
def test_no_rating(value: Any) -> None:
    assert isinstance(read_rating(reply("rating", value), CODE), Unreadable)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("1", "code"),
        (reply("better", 1, code="other"), "code"),
        (f"{CODE} better: 1", "code"),
        (reply("better", 1) + reply("better", 2), "disagree"),
        ('{"code": "ghjkmnpqrs", "better": 1, "better": 2}', "code"),
        ("x" * 100_001, "characters"),
    ],
)
def test_unreadable_replies_say_why(text: str, why: str) -> None:
    found = read_choice(text, CODE)
    assert isinstance(found, Unreadable)
    assert why in found.why


@settings(max_examples=40)
@given(st.text(alphabet='{}":,[] 12betrcod\\\n', max_size=40))
def test_garbage_is_never_a_verdict(text: str) -> None:
    for read in READERS:
        assert isinstance(read(text, CODE), Unreadable)
        assert isinstance(read(f'{text}{{"code": "{CODE}"}}', CODE), Unreadable)


@settings(max_examples=40)
@given(st.text(alphabet=st.characters(exclude_characters="{}"), max_size=50), st.sampled_from([1, 2]))
def test_a_verdict_is_found_in_any_prose(text: str, choice: int) -> None:
    assert read_choice(text + reply("better", choice) + text, CODE) == choice


# ------------------------------------------------------------------------------------------------ log-probabilities
def likely(first: float, second: float, *, said: str = "2", token: str = "2", before: str = "") -> float | None:
    """The weighted preference of a reply whose verdict is one token with these probabilities."""
    head = f'{before}{{"code": "{CODE}", "better": '
    tops = [TopLogprob(token=name, logprob=math.log(p)) for name, p in (("1", first), (" 2", second)) if p]
    tokens = [Logprob(token=head[:9], logprob=0), Logprob(token=head[9:], logprob=0)]
    tokens += [Logprob(token=token, logprob=0, top_logprobs=tops), Logprob(token="}", logprob=0)]
    return weighted(f"{head}{said}}}", CODE, float(said), Logprobs(content=tokens))


def test_the_preference_is_weighed_by_both_choices() -> None:
    assert likely(0.2, 0.6) == pytest.approx(1.75)
    assert likely(0.0, 0.9) == 2.0
    assert likely(0.9, 0.1, said="1", token="1") == pytest.approx(1.1)
    assert likely(0.2, 0.6, before='First I thought "better": 1. ') == pytest.approx(1.75)


def test_what_cannot_be_weighed_is_left_to_the_verdict() -> None:
    assert weighted(reply("better", 2), CODE, 2.0, None) is None
    assert likely(0.1, 0.2) is None  # most of the mass lay elsewhere
    assert likely(0.2, 0.6, token="2}") == pytest.approx(1.75)  # marks around the choice are no words
    assert likely(0.2, 0.6, token="1") is None  # tokens and text do not fit
    assert weighted(reply("better", 2), CODE, 2.0, Logprobs(content=[])) is None
