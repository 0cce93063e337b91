"""The control by chance: how often a text shows what somebody else was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from genlab.skillworld.checker import check


@dataclass(frozen=True)
class Request:
    """What a text was asked for: names of skills, a topic, and at most so many sentences."""

    skills: tuple[str, ...]
    topic: str
    limit: int


def chance_points(texts: Sequence[str], requests: Sequence[Request]) -> list[tuple[float, ...]]:
    """Points of each text for the skills of the *next* request (the last one's is the first), with its own topic and limit.

    A student that writes skills without heeding the request earns as much here as on its own. So does, by as much as requests
    overlap, one that heeds it: of two requests of k skills out of n, drawn at random, k / n of the skills are the same.

    >>> asked = [Request(("hedge",), "law", 1), Request(("denial",), "law", 1)]
    >>> chance_points(["Perhaps the judge sees the jury.", "Perhaps the jury never sees the judge."], asked)
    [(0.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0)]

    Raises:
        ValueError: a text without its request, fewer than two requests, or requests of different numbers of skills.
    """
    if len(texts) != len(requests):
        raise ValueError(f"expected one request a text, got {len(texts)} texts and {len(requests)} requests")
    if len(requests) < 2:
        raise ValueError("expected at least 2 requests: the skills of a text's own request are no control")
    if len(sizes := sorted({len(each.skills) for each in requests})) > 1:
        raise ValueError(f"expected requests of one k, got k = {', '.join(map(str, sizes))}: shuffle each k by itself")
    following = [*requests[1:], requests[0]]
    return [check(text, other.skills, own.topic, own.limit) for text, own, other in zip(texts, requests, following, strict=True)]
