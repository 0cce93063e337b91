"""Reading a teacher's reply: a JSON object with an instruction and a response, and nothing else; or why it is none."""

import json
import re
from dataclasses import dataclass
from typing import Any

MOST_CHARACTERS = 100_000  # of a reply; our assumption: the longest answers of a chat model have a tenth of it
FIELDS = ("instruction", "response")
_THOUGHT = re.compile(r"\A\s*<(think|thinking|thought|reasoning)>.*?</\1>", re.IGNORECASE | re.DOTALL)
_FENCED = re.compile(r"\A```(?:json)?[ \t]*\n(.*)\n```\Z", re.DOTALL)
_BROKEN = re.compile("[\ud800-\udfff\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Pair:
    """An instruction and its response, as they were read: blanks at both ends removed, line breaks as newlines."""

    instruction: str
    response: str


@dataclass(frozen=True)
class Unreadable:
    """A reply that was not read, and why."""

    why: str


def read(reply: str) -> Pair | Unreadable:
    r"""The pair in a reply.

    What a model thinks aloud before, in ``<think>``, and a fence around the whole object are taken away; any other word beside
    the object makes the reply unreadable, for then nobody knows what belongs to what. Strings may hold line breaks.

    >>> read('{"instruction": "Why do bees hum?", "response": "Their wings beat the air."}')
    Pair(instruction='Why do bees hum?', response='Their wings beat the air.')
    >>> read('Sure! {"instruction": "Why?"}')
    Unreadable(why='no JSON object alone')
    """
    if len(reply) > MOST_CHARACTERS:
        return Unreadable(f"the reply has {len(reply):,} characters, more than {MOST_CHARACTERS:,}")
    said = _THOUGHT.sub("", reply, count=1).strip()
    if not said:
        return Unreadable("the reply is empty")
    fenced = _FENCED.match(said)
    said = fenced[1].strip() if fenced else said
    try:
        found = json.loads(said, strict=False, object_pairs_hook=_once) if said.startswith("{") else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return Unreadable("no JSON object alone")
    if set(found) != set(FIELDS):
        return Unreadable(f"an object with {', '.join(map(str, found)) or 'nothing'}, and not with {' and '.join(FIELDS)}"[:200])
    if wrong := [name for name in FIELDS if not isinstance(found[name], str)]:
        return Unreadable(f"{' and '.join(wrong)} that is no text")
    if any(_BROKEN.search(found[name]) for name in FIELDS):
        return Unreadable("a character that is broken")
    return Pair(*("\n".join(found[name].splitlines()).strip() for name in FIELDS))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("one name twice")
    return found
