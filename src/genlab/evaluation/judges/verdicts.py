"""Reading a judge's verdict: from the JSON object that carries the call's code, whole or not at all.

What a reply quotes from an answer cannot hold the code, so no verdict that an answer forges is taken for one.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from genlab.grading.reading import MOST_CHARACTERS, Unreadable, objects

if TYPE_CHECKING:
    from inspect_ai.model import Logprobs

EXTENTS = {  # WildBench's five outcomes, as our judge writes them; the value is the first answer's reward
    "1 much better": 1.0,
    "1 slightly better": 0.5,
    "tie": 0.0,
    "2 slightly better": -0.5,
    "2 much better": -1.0,
}
LEAST_MASS = 0.5  # our assumption: below it, what the judge wanted to say was no verdict
_CHOICES = {"1": 1.0, "2": 2.0}


def read_choice(reply: str, code: str) -> float | Unreadable:
    """Which answer is better: 1.0 or 2.0.

    >>> read_choice('{"code": "ghjk", "better": 2}', "ghjk")
    2.0
    """
    return _read(reply, code, "better", lambda value: _CHOICES.get(_plain(value)), "1 or 2")


def read_rating(reply: str, code: str) -> float | Unreadable:
    """A rating from 1 to 10.

    >>> read_rating('Here you are: {"code": "ghjk", "reason": "good", "rating": "8.5"}', "ghjk")
    8.5
    """
    return _read(reply, code, "rating", _rating, "a number from 1 to 10")


def read_extent(reply: str, code: str) -> float | Unreadable:
    """How much better the first answer is: a value of ``EXTENTS``.

    >>> read_extent('{"code": "ghjk", "verdict": "2 slightly better"}', "ghjk")
    -0.5
    """
    return _read(
        reply, code, "verdict", lambda value: EXTENTS.get(" ".join(_plain(value).split())), "one of " + ", ".join(EXTENTS)
    )


def weighted(reply: str, code: str, choice: float, logprobs: "Logprobs | None") -> float | None:
    """The preference that the judge's log-probabilities weigh: 1 + P(2) / (P(1) + P(2)) at the token that says which is better.

    As AlpacaEval 2.0's weighted annotators do (Dubois et al. 2024). None where there are none, where the ``choice`` that was read
    is no token of its own, or where the two choices together are less likely than ``LEAST_MASS``.
    """
    if logprobs is None:
        return None
    at = _place(reply, code)
    passed = 0
    for token in logprobs.content:
        passed += len(token.token)
        if at is None or passed <= at:
            continue
        if _CHOICES.get(_plain(token.token)) != choice:
            return None
        mass = dict.fromkeys(_CHOICES, 0.0)
        for each in token.top_logprobs or ():
            if (said := _plain(each.token)) in mass:
                mass[said] += math.exp(each.logprob)
        total = sum(mass.values())
        return 1 + min(1.0, mass["2"] / total) if total >= LEAST_MASS else None
    return None


def _read(reply: str, code: str, field: str, meaning: Callable[[Any], float | None], wanted: str) -> float | Unreadable:
    if not reply.strip():
        return Unreadable("the reply is empty")
    if len(reply) > MOST_CHARACTERS:
        return Unreadable(f"the reply has {len(reply):,} characters, more than {MOST_CHARACTERS:,}")
    found = [each for each in objects(reply) if each.get("code") == code] if code in reply else []
    if not found:
        return Unreadable("the reply holds no JSON object with the verdict's code")
    values: Sequence[float | None] = [meaning(each.get(field)) for each in found]
    if None in values:
        return Unreadable(f"{field} is {str(found[values.index(None)].get(field))[:40]!r}: expected {wanted}")
    if len(set(values)) > 1:
        return Unreadable(f"{len(values)} verdicts in one reply that disagree")
    assert values[0] is not None
    return values[0]


def _rating(value: Any) -> float | None:
    said = re.fullmatch(r"(\d+(?:\.\d+)?)(?:\s*/\s*10)?", _plain(value))
    return float(said[1]) if said and 1 <= float(said[1]) <= 10 else None


def _plain(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip(" \t\n\"'`*_[]:,}").casefold()


def _place(reply: str, code: str) -> int | None:
    """Where in the reply the verdict's digit stands: after the last "better" of the object that holds the code."""
    start = reply.rfind(code)
    said = re.compile(r'"better"\s*:\s*"?\s*([12])')
    after = said.search(reply, start) if start >= 0 else None
    if after is None:
        before = list(said.finditer(reply, 0, max(start, 0)))
        after = before[-1] if before else None
    return after.start(1) if after else None
