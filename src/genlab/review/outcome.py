"""The result of a review as a page: agreement in tables, and each disagreement with its text, unblinded."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from genlab.grading.agreement import POOLED
from genlab.intervals import Interval
from genlab.review.compare import FULL, Compared, Comparison, Opinion, Verdict
from genlab.review.page import asset, policy, rendered
from genlab.review.ratings import point_words
from genlab.review.shown import clipped, shown

NAMES = {
    "skill": "skills",
    "topic": "on topic",
    "sense": "makes sense",
    "length": "length",
    POOLED: "all criteria",
    FULL: "full marks",
}


@dataclass(frozen=True)
class Block:
    """One table of agreement: who, and a line for each kind of criterion."""

    title: str
    lines: tuple[Compared, ...]


@dataclass(frozen=True)
class Case:
    """One text with the criteria on which people and graders differ."""

    opinions: tuple[Opinion, ...]
    text: str
    rest: str

    @property
    def where(self) -> str:
        """Who wrote it, and for what."""
        row = self.opinions[0].row
        return f"{row.student} · {row.sample} · text {row.generation} · k = {row.k} · {row.topic}"

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        """People's notes, with their names."""
        return tuple(dict.fromkeys((each.rater, each.note) for each in self.opinions if each.note))


def agreement_page(comparison: Comparison, *, title: str = "Do people agree with the grader?", source: str = "") -> str:
    """One HTML page without scripts: a pure function of the comparison.

    Args:
        comparison: from ``compare.compare``.
        title: of the page.
        source: the store or log that was reviewed, in words.
    """
    style = asset("look.css") + asset("outcome.css")
    return rendered(
        "outcome.html.jinja",
        policy=policy(styles=[style]),
        style=style,
        title=title,
        source=source,
        comparison=comparison,
        headline=headline(comparison),
        blocks={
            "People and graders": _blocks(comparison.with_grader),
            "Person and person": _blocks(comparison.between_people),
            "All together": _blocks(comparison.everybody),
        },
        cases=cases(comparison.disagreements),
        names=NAMES,
        measured=measured,
        percent=percent,
        verdict_words=verdict_words,
        point_words=point_words,
    )


def headline(comparison: Comparison) -> str:
    """The result in a sentence or two."""
    people, graders = _count(len(comparison.raters), "person", "people"), _count(len(comparison.graders), "grader")
    told = f"{people} rated {_count(comparison.texts, 'text')} that {graders} had graded."
    agreed = [each.agrees for each in comparison.opinions if each.agrees is not None]
    if not agreed:
        return f"{told} No criterion has both a rating and a grade yet."
    return f"{told} {sum(agreed):,} of {_count(len(agreed), 'point')} agree."


def measured(value: float | None, interval: Interval | None) -> str:
    """A number with its interval.

    >>> measured(0.5, Interval(0.5, 0.25, 0.75, 12)), measured(None, None)
    ('0.50 [0.25, 0.75]', '–')
    """
    if value is None:
        return "–"
    return f"{value:.2f} [{interval.low:.2f}, {interval.high:.2f}]" if interval else f"{value:.2f}"


def percent(share: float | None) -> str:
    """A share in percent.

    >>> percent(0.125), percent(None)
    ('12%', '–')
    """
    return "–" if share is None else f"{share:.0%}"


def verdict_words(verdict: Verdict) -> str:
    """What a person made of a grader's verdict."""
    share = f": {measured(verdict.share.centre, verdict.share)}" if verdict.share else ""
    return f"{verdict.given} of {verdict.texts}{share}" if verdict.texts else "–"


def cases(disagreements: Iterable[Opinion]) -> tuple[Case, ...]:
    """Disagreements, those on one text together."""
    found = []
    for _, those in groupby(
        disagreements, key=lambda each: (each.row.student, each.row.sample, each.row.generation, each.item.id)
    ):
        opinions = tuple(those)
        text, rest = clipped(shown(opinions[0].row.text))
        found.append(Case(opinions, text, rest))
    return tuple(found)


def _blocks(lines: Iterable[Compared]) -> tuple[Block, ...]:
    return tuple(Block(" and ".join(who), tuple(those)) for who, those in groupby(lines, key=lambda line: line.who))


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
