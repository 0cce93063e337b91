"""Reading a teacher's reply: the JSON object with the request's code, whole and in its shape, or not at all."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genlab.curation.extraction.prompts import SHAPES
from genlab.curation.extraction.requests import Kind
from genlab.grading.reading import objects

MOST_CHARACTERS = 100_000  # of a reply; our assumption: forty skills take ten thousand
MOST_ENTRIES = 100  # of a list in a reply; our assumption: forty are asked for at most
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Unreadable:
    """A reply that was not read, and why."""

    why: str


def read(reply: str, kind: Kind, code: str) -> dict[str, Any] | Unreadable:
    """What a reply says, in the shape of its kind, texts with single blanks; an empty list is an answer too.

    Only an object that holds the code counts: what a reply quotes from an example cannot hold it. Names that nobody asked for
    are left out; objects with the code that disagree make the reply unreadable.

    >>> read('{"code": "gh", "topic": " bees  and hives "}', "topic", "gh")
    {'topic': 'bees and hives'}
    >>> read('{"code": "xy", "topic": "bees"}', "topic", "gh")
    Unreadable(why="the reply holds no JSON object with the request's code")
    """
    if not reply.strip():
        return Unreadable("the reply is empty")
    if len(reply) > MOST_CHARACTERS:
        return Unreadable(f"the reply has {len(reply):,} characters, more than {MOST_CHARACTERS:,}")
    found = [_shaped(each, SHAPES[kind], "the object") for each in objects(reply) if each.get("code") == code]
    if not found:
        return Unreadable("the reply holds no JSON object with the request's code")
    whole = [each for each in found if not isinstance(each, Unreadable)]
    if not whole:
        return Unreadable(found[-1].why)
    if any(each != whole[0] for each in whole):
        return Unreadable(f"{len(whole)} answers in one reply that disagree")
    answer: dict[str, Any] = whole[0]
    return answer


def _shaped(value: Any, shape: Any, where: str) -> Any:
    """The value with its texts tidied, Unreadable where it has another shape."""
    if isinstance(shape, str):
        return " ".join(_HALF.sub("\ufffd", value).split()) if isinstance(value, str) else _other(value, "a text", where)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return _other(value, "a list", where)
        if len(value) > MOST_ENTRIES:
            return Unreadable(f"{where} has {len(value):,} entries, more than {MOST_ENTRIES}")
        return _first_wrong([_shaped(each, shape[0], f"entry {place} of {where}") for place, each in enumerate(value, 1)])
    if not isinstance(value, Mapping):
        return _other(value, "an object", where)
    if missing := [name for name in shape if name not in value]:
        return Unreadable(f"{where} lacks {', '.join(missing)}")
    found = {name: _shaped(value[name], each, name) for name, each in shape.items()}
    wrong = next((each for each in found.values() if isinstance(each, Unreadable)), None)
    return wrong or found


def _first_wrong(found: list[Any]) -> Any:
    return next((each for each in found if isinstance(each, Unreadable)), found)


def _other(value: Any, wanted: str, where: str) -> Unreadable:
    return Unreadable(f"{where} is {type(value).__name__} {str(value)[:40]!r}: expected {wanted}")
