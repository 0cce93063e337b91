"""Pairs of pictures for a forced choice: which looks more like the class? Balanced, keyed, and blind: ids and pixels only."""

import hashlib
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from genlab import chance
from genlab.review.items import dealt

PAIRS = 80  # our assumption: five minutes of a person's time
CATCHES = 10  # pairs to one catch pair, two of these at least (our assumption)
LEFT = "left"  # the one criterion of a pair: 1 for the left picture, 0 for the right one


class Contrast(NamedTuple):
    """What is compared: two ways to make a picture, on one data set; ``catch`` where the answer is known, and is ``first``."""

    data: str
    first: str
    second: str
    catch: bool = False

    def __str__(self) -> str:
        return f"{self.first} against {self.second}"


class Picture(NamedTuple):
    """A picture: hex digits of its pixels, and the ``data:`` address that an ``img`` element shows."""

    id: str
    address: str


@dataclass(frozen=True)
class Contest:
    """Two pictures of one thing, made in two ways.

    Attributes:
        contrast: the two ways.
        question: what a person is asked, such as "Which looks more like a 3?".
        first, second: the pictures.
        network, seed, start: whose pictures, and what they were made from; choices are spread evenly over the three.
        source: what both began at, such as the number of an image with its target: choices on one source hang together.
    """

    contrast: Contrast
    question: str
    first: Picture
    second: Picture
    network: str
    seed: int
    start: str
    source: str


@dataclass(frozen=True)
class Pair:
    """A contest as it is shown; ``first_left`` says which picture stands where, and never reaches the page."""

    contest: Contest
    first_left: bool

    @property
    def shown(self) -> tuple[Picture, Picture]:
        """The left picture and the right one."""
        first, second = self.contest.first, self.contest.second
        return (first, second) if self.first_left else (second, first)

    @cached_property
    def id(self) -> str:
        """Sixteen hex digits of what a person sees, so that it tells nothing else."""
        return _digest([self.contest.question, *(each.id for each in self.shown)])[:16]

    @property
    def version(self) -> str:
        """Eight hex digits of the question."""
        return _digest(self.contest.question)[:8]

    @property
    def criteria(self) -> tuple[str, ...]:
        """One: whether the left picture was chosen."""
        return (LEFT,)

    @property
    def forced(self) -> bool:
        """There is no third answer."""
        return True

    def to_page(self) -> dict[str, Any]:
        """All that the page is given: no way, no network, no number of an image."""
        left, right = (each.address for each in self.shown)
        return {
            "id": self.id,
            "version": self.version,
            "question": self.contest.question,
            "left": left,
            "right": right,
            "criteria": [{"name": LEFT}],
        }


def catalogue(contests: Iterable[Contest]) -> dict[str, Pair]:
    """Every pair that could be shown, either way round, by id; of pairs that look the same the first counts."""
    found: dict[str, Pair] = {}
    for contest in contests:
        for first_left in (True, False):
            pair = Pair(contest, first_left)
            found.setdefault(pair.id, pair)
    return found


def choose(contests: Sequence[Contest], n: int = PAIRS, *, seed: int = 0) -> tuple[Pair, ...]:
    """``n`` pairs, or all where there are fewer, and catch pairs among them on top; in the order of their ids.

    Contrasts get equally many, and within each it goes evenly over network, seed and start. The first way stands at the left in
    one of each two pairs. The choice is keyed: the pairs of n = 20 are among those of n = 40.

    Raises:
        ValueError: n is below 1, or there is no contest that is no catch.
    """
    if n < 1:
        raise ValueError(f"n is at least 1, got {n}")
    queues: dict[Contrast, list[Pair]] = {}
    for contrast in dict.fromkeys(each.contrast for each in contests):
        queues[contrast] = _sided([each for each in contests if each.contrast == contrast], seed)
    real = [queue for contrast, queue in queues.items() if not contrast.catch]
    if not real:
        raise ValueError("there are no two pictures to compare")
    chosen = dealt(real)[:n]
    catches = dealt([queue for contrast, queue in queues.items() if contrast.catch])
    chosen += catches[: max(2, len(chosen) // CATCHES)]
    return tuple(sorted({pair.id: pair for pair in chosen}.values(), key=lambda pair: pair.id))


def _sided(contests: Sequence[Contest], seed: int) -> list[Pair]:
    """Contests of one contrast in a keyed order, evenly over their cells, with a side each: two neighbours have both."""

    def key(*path: str | int) -> int:
        return chance.number("viewing", seed, *map(str, contests[0].contrast), *path)

    cells: dict[tuple[str, int, str], list[Contest]] = defaultdict(list)
    for each in contests:
        cells[each.network, each.seed, each.start].append(each)
    order = sorted(cells, key=lambda cell: key("cell", *cell))
    queue = dealt([sorted(cells[cell], key=lambda each: key("source", *cell, each.source)) for cell in order])
    first = [bool(key("side", block) % 2) for block in range(len(queue) // 2 + 1)]
    sides = itertools.chain.from_iterable((each, not each) for each in first)
    return [Pair(contest, side) for contest, side in zip(queue, sides, strict=False)]


def _digest(content: Any) -> str:
    return hashlib.sha256(f"genlab viewing\x1f{json.dumps(content)}".encode()).hexdigest()
