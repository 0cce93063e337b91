"""Reading a grader's reply in strict mode: criteria by name, from the JSON object that carries the grading's code.

A reply is either read whole or not at all: a missing, unknown, doubled or unclear criterion makes it ``Unreadable``, never 0.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genlab.grading.rubric import Criterion, Rubric
from genlab.skills.naming import spoken
from genlab.skills.skill import plain

MOST_CHARACTERS = 100_000  # of a reply; our assumption: a grading of ten criteria takes two thousand
MOST_OBJECTS = 1000  # places in a reply at which an object is looked for; our assumption: nested braces would take seconds


@dataclass(frozen=True)
class Points:
    """A grading that was read: k + 3 points, each 0 or 1, in the rubric's order, and the grader's reasons."""

    values: tuple[float, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Unreadable:
    """A reply that was not read, and why."""

    why: str


def read(reply: str, rubric: Rubric, code: str) -> Points | Unreadable:
    """The points of a reply to ``prompts.grading``.

    Only a JSON object that holds the code counts: what a reply quotes from the student's text cannot hold it. Objects with
    the code that disagree make the reply unreadable.
    """
    if not reply.strip():
        return Unreadable("the reply is empty")
    if len(reply) > MOST_CHARACTERS:
        return Unreadable(f"the reply has {len(reply):,} characters, more than {MOST_CHARACTERS:,}")
    if code not in reply:
        return Unreadable("the reply lacks the grading's code")
    found = [_from_object(each, rubric) for each in objects(reply) if each.get("code") == code]
    if not found:
        return Unreadable("the reply holds no JSON object with the grading's code")
    read = [each for each in found if isinstance(each, Points)]
    if not read:
        return found[-1]
    if len({each.values for each in read}) > 1:
        return Unreadable(f"{len(read)} gradings in one reply that disagree")
    return read[-1]


def objects(reply: str) -> Iterator[Mapping[str, Any]]:
    """Every outermost JSON object in a reply, whatever stands around it; strings may hold line breaks, as graders write them."""
    decoder = json.JSONDecoder(strict=False, object_pairs_hook=_object)
    place = reply.find("{")
    for _ in range(MOST_OBJECTS):
        if place < 0:
            return
        try:
            value, end = decoder.raw_decode(reply, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            if isinstance(value, dict):
                yield value
        place = reply.find("{", end)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names mean one thing each: of two that differ, ``json`` would keep the last."""
    found = dict(pairs)
    if any(found[name] != value for name, value in pairs):
        raise ValueError("one name, two values")
    return found


def _from_object(value: Mapping[str, Any], rubric: Rubric) -> Points | Unreadable:
    entries = value.get("grading")
    if isinstance(entries, Mapping):
        entries = [{"criterion": name, "earned": earned} for name, earned in entries.items()]
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        return Unreadable("the JSON object has no list named grading")
    rows = [(_words(each.get("criterion")), each.get("earned"), _words(each.get("reason"))) for each in entries]
    return _points(rows, rubric)


def _points(rows: list[tuple[str, Any, str]], rubric: Rubric) -> Points | Unreadable:
    earned: dict[int, float] = {}
    reasons: dict[int, str] = {}
    for name, value, reason in rows:
        place = _criterion(name, rubric)
        if place is None:
            return Unreadable(f"unknown criterion {name[:80]!r}")
        point = _earned(value)
        if point is None:
            return Unreadable(f"{name[:80]!r} earned {str(value)[:40]!r}: expected 0 or 1")
        if earned.setdefault(place, point) != point:
            return Unreadable(f"{name[:80]!r} is graded twice, differently")
        reasons[place] = reason
    criteria = rubric.criteria
    if missing := [criteria[place].name for place in range(len(criteria)) if place not in earned]:
        return Unreadable(f"no points for {', '.join(missing)}")
    return Points(tuple(earned[place] for place in range(len(criteria))), tuple(reasons[place] for place in range(len(criteria))))


def _words(value: Any) -> str:
    """What stands where words should, without the half characters that an escape can leave and no file can hold."""
    return "" if value is None else re.sub("[\ud800-\udfff]", "\ufffd", str(value))


_FORMS = ("{1}", "the text {1}", "{0}: the text {1}", "{0}: {1}")  # as the prompt lists the criteria
_WAYS: tuple[Callable[[str, Criterion], bool], ...] = (
    lambda said, each: said == each.name,
    lambda said, each: said.casefold().split() == each.name.casefold().split(),
    lambda said, each: plain(said) == plain(each.name),
    lambda said, each: plain(said) in {plain(form.format(each.name, each.words)) for form in _FORMS},
    lambda said, each: each.kind == "skill" and plain(said) == spoken(each.name),
)


def _criterion(name: str, rubric: Rubric) -> int | None:
    """The place of the one criterion that is meant: by its very name, then whatever case and marks, then its words."""
    for same in _WAYS if plain(name) else _WAYS[:2]:
        places = [place for place, each in enumerate(rubric.criteria) if same(name, each)]
        if places:
            return places[0] if len(places) == 1 else None
    return None


def _earned(value: Any) -> float | None:
    """0 or 1, from a number or from what graders write for one: ``**1**``, ``1/1``, ``1 (out of 1)``, ``1.0``, ``True``."""
    value = {"true": True, "false": False}.get(str(value).lower(), value)
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value == 1) if value in (0, 1) else None
    found = re.fullmatch(
        r"[*_`\s]*([01])(?:\.0+)?(?:\s*(?:/|out of)\s*1|\s*\(\s*out of 1\s*\)|\s*points?)?[*_`\s]*", str(value).lower()
    )
    return float(found[1]) if found else None
