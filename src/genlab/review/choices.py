"""What people chose: the share of the first way in each contrast, with intervals; catch pairs, sides and times of each person."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from genlab import chance
from genlab.intervals import Interval, cluster_bootstrap, wilson
from genlab.review.pairs import Contrast, Pair
from genlab.review.ratings import Flaw, Ratings

ALL = "all"


@dataclass(frozen=True)
class Choice:
    """One choice of one person.

    Attributes:
        first: whether the first way of the contrast was chosen; of a catch pair, whether the answer was right.
        left: whether the left picture was.
        seconds: from seeing the pair to choosing, None where it was not noted.
    """

    rater: str
    pair: Pair
    first: bool
    left: bool
    seconds: float | None


@dataclass(frozen=True)
class Share:
    """How often the first way of a contrast was chosen, by some people on some pairs.

    Attributes:
        of: "all", or which choices: a person, a network, what pictures were made from.
        share: with its interval: Wilson's for one person, else by resampling what pictures began at.
        over_people: the interval by resampling people; None for one person.
        people: how many.
        left: share of choices that went to the left picture.
        seconds: median.
    """

    contrast: Contrast
    of: str
    share: Interval
    over_people: Interval | None
    choices: int
    people: int
    left: float
    seconds: float | None


@dataclass(frozen=True)
class Person:
    """How one person looked.

    Attributes:
        choices: all, catch pairs among them.
        caught: share of catch pairs that were right; None where none was seen.
        left: share of all choices that went to the left picture: one half where the side plays no part.
        seconds: median.
    """

    name: str
    choices: int
    caught: Interval | None
    left: Interval
    seconds: float | None


@dataclass(frozen=True)
class Viewed:
    """All choices so far and what they come to; catch pairs are in ``people`` only."""

    choices: tuple[Choice, ...]
    shares: tuple[Share, ...]
    people: tuple[Person, ...]
    flaws: tuple[Flaw, ...] = ()

    @property
    def headline(self) -> str:
        """What was done, in a sentence."""
        seen = [each for each in self.choices if not each.pair.contest.contrast.catch]
        people = f"{len(self.people)} {'person' if len(self.people) == 1 else 'people'}"
        pairs = len({each.pair.contest for each in seen})
        return (
            f"{people} made {len(seen):,} choices between the pictures of {pairs:,} pairs." if seen else "Nobody has chosen yet."
        )


def viewed(catalogue: Mapping[str, Pair], ratings: Ratings, *, seed: int = 0) -> Viewed:
    """The outcome of ratings of pairs.

    Args:
        catalogue: from ``pairs.catalogue``.
        ratings: from ``ratings.read`` with it.
        seed: of the resampling.
    """
    choices = []
    for each in ratings.rated:
        point = each.points[0]
        if point is not None:
            pair, left = catalogue[each.item], point == 1.0
            choices.append(Choice(each.rater, pair, left == pair.first_left, left, each.seconds))
    shares = [share for contrast in _contrasts(catalogue, choices) for share in _shares(contrast, choices, seed)]
    people = [_person(name, [each for each in choices if each.rater == name]) for name in ratings.raters]
    return Viewed(tuple(choices), tuple(shares), tuple(people), ratings.flaws)


def _contrasts(catalogue: Mapping[str, Pair], choices: Iterable[Choice]) -> list[Contrast]:
    """Those that somebody chose in, in the order in which they came."""
    seen = {each.pair.contest.contrast for each in choices}
    order = dict.fromkeys(pair.contest.contrast for pair in catalogue.values())
    return [each for each in order if each in seen and not each.catch]


def _shares(contrast: Contrast, choices: Sequence[Choice], seed: int) -> list[Share]:
    """All choices of a contrast, then parts of them by person, network and start, where there are several."""
    mine = [each for each in choices if each.pair.contest.contrast == contrast]
    parts = [(ALL, mine)]
    for part in (
        lambda each: each.rater,
        lambda each: each.pair.contest.network,
        lambda each: f"from {each.pair.contest.start}",
    ):
        names = sorted({part(each) for each in mine})
        if len(names) > 1:
            parts += [(name, [each for each in mine if part(each) == name]) for name in names]
    return [_share(contrast, of, some, seed) for of, some in parts]


def _share(contrast: Contrast, of: str, choices: Sequence[Choice], seed: int) -> Share:
    values = [float(each.first) for each in choices]
    raters = [each.rater for each in choices]
    sources = [(each.pair.contest.seed, each.pair.contest.start, each.pair.contest.source) for each in choices]

    def resampled(what: str, clusters: Sequence[object]) -> Interval:
        random = chance.numpy("viewing", seed, what, *map(str, contrast), of)
        return cluster_bootstrap(values, [str(each) for each in clusters], random=random)

    people = len(set(raters))
    several = people > 1 and len(set(sources)) > 1
    return Share(
        contrast=contrast,
        of=of,
        share=resampled("sources", sources) if several else wilson(sum(values), len(values)),
        over_people=resampled("people", raters) if people > 1 else None,
        choices=len(choices),
        people=people,
        left=sum(each.left for each in choices) / len(choices),
        seconds=_median(choices),
    )


def _person(name: str, choices: Sequence[Choice]) -> Person:
    caught = [each.first for each in choices if each.pair.contest.contrast.catch]
    return Person(
        name=name,
        choices=len(choices),
        caught=wilson(sum(caught), len(caught)) if caught else None,
        left=wilson(sum(each.left for each in choices), len(choices)),
        seconds=_median(choices),
    )


def _median(choices: Iterable[Choice]) -> float | None:
    known = [each.seconds for each in choices if each.seconds is not None]
    return statistics.median(known) if known else None
