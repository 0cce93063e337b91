"""A viewing: pairs of pictures to choose from, and what came of it as a page and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genlab.review import pairs
from genlab.review.choices import Choice, Viewed, viewed
from genlab.review.outcome import measured, percent
from genlab.review.page import PAIRS, asset, policy, rendered
from genlab.review.pairs import Contest, Contrast, Pair
from genlab.review.sitting import Sitting
from genlab.review.tables import table

CHOICES = (
    *("pair", "data", "first", "second", "catch", "network", "seed", "start", "source", "question"),
    *("rater", "first_chosen", "left_chosen", "seconds"),
)
SHARES = (
    *("data", "first", "second", "of", "first_chosen", "low", "high", "people_low", "people_high"),
    *("choices", "people", "left_chosen", "seconds"),
)
PEOPLE = ("rater", "choices", "catches", "caught", "left_chosen", "left_low", "left_high", "seconds")


@dataclass(frozen=True)
class Viewing(Sitting):
    """Pairs of pictures, and the folder that holds what people chose.

    Attributes:
        chosen, catalogue: pairs.
    """

    chosen: tuple[Pair, ...]
    catalogue: Mapping[str, Pair]

    def outcome(self, *, seed: int = 0) -> Viewed:
        """All choices so far."""
        return viewed(self.catalogue, self.ratings(), seed=seed)

    def write(self, outcome: Viewed, *, source: str = "") -> tuple[Path, ...]:
        """Write viewing.html, viewing.csv, people.csv and choices.csv into the folder."""
        contents = {
            "viewing.html": viewing_page(outcome, source=source),
            "viewing.csv": table(SHARES, _share_rows(outcome)),
            "people.csv": table(PEOPLE, _people_rows(outcome)),
            "choices.csv": table(CHOICES, _choice_rows(outcome)),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (self.folder / name).write_bytes(content.encode("utf-8", "replace"))
        return tuple(self.folder / name for name in contents)


def viewing(contests: Sequence[Contest], folder: str | Path, *, n: int = pairs.PAIRS, seed: int = 0) -> Viewing:
    """A viewing of ``contests``; nothing is written before it is served, exported or brought a file.

    Args:
        contests: from a study, such as ``aligned_gradients.viewing.contests``.
        folder: holds the choices, or will.
        n: how many pairs to show; catch pairs come on top.
        seed: of the pairs and sides.

    Raises:
        ValueError: there is nothing to compare.
    """
    return Viewing(Path(folder), pairs.choose(contests, n, seed=seed), pairs.catalogue(contests), PAIRS)


def viewing_page(outcome: Viewed, *, title: str = "Which looks more like it to people?", source: str = "") -> str:
    """One HTML page without scripts: a pure function of the outcome."""
    style = asset("look.css") + asset("outcome.css") + asset("viewing.css")
    blocks: dict[Contrast, list[object]] = {}
    for share in outcome.shares:
        blocks.setdefault(share.contrast, []).append(share)
    return rendered(
        "viewing.html.jinja",
        policy=policy(styles=[style]),
        style=style,
        title=title,
        source=source,
        outcome=outcome,
        blocks=blocks,
        pictures={contrast: pictures(outcome.choices, contrast) for contrast in blocks},
        measured=measured,
        percent=percent,
        several=len({contrast.data for contrast in blocks}) > 1,
    )


def pictures(choices: Sequence[Choice], contrast: Contrast) -> list[tuple[Contest, int, int]]:
    """The contests of a contrast, how often the first picture was chosen, and of how many choices; the clearest first."""
    found: dict[Contest, list[bool]] = {}
    for each in choices:
        if each.pair.contest.contrast == contrast:
            found.setdefault(each.pair.contest, []).append(each.first)
    counted = [(contest, sum(those), len(those)) for contest, those in found.items()]
    return sorted(counted, key=lambda each: (-each[1] / each[2], -each[2], each[0].question, each[0].first.id))


def _share_rows(outcome: Viewed) -> list[list[object]]:
    rows: list[list[object]] = []
    for each in outcome.shares:
        people = [each.over_people.low, each.over_people.high] if each.over_people else [None, None]
        ways = each.contrast.data, each.contrast.first, each.contrast.second, each.of
        shares = each.share.centre, each.share.low, each.share.high
        rows.append([*ways, *shares, *people, each.choices, each.people, each.left, each.seconds])
    return rows


def _people_rows(outcome: Viewed) -> list[list[object]]:
    rows: list[list[object]] = []
    for each in outcome.people:
        caught = [each.caught.n, each.caught.centre] if each.caught else [0, None]
        rows.append([each.name, each.choices, *caught, each.left.centre, each.left.low, each.left.high, each.seconds])
    return rows


def _choice_rows(outcome: Viewed) -> list[list[object]]:
    rows: list[list[object]] = []
    for each in outcome.choices:
        its = each.pair.contest
        what = its.contrast.data, its.contrast.first, its.contrast.second, int(its.contrast.catch)
        where = its.network, its.seed, its.start, its.source, its.question
        rows.append([each.pair.id, *what, *where, each.rater, int(each.first), int(each.left), each.seconds])
    return rows
