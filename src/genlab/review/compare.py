"""How far people agree with the graders and with each other, and where they do not, one by one."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from genlab import chance
from genlab.grading.agreement import POOLED, Agreement, agreement, kinds
from genlab.grading.graded import GradedText, readings
from genlab.intervals import Interval, cluster_bootstrap
from genlab.review.items import Item, identity, reviewable
from genlab.review.ratings import Flaw, Rated, Ratings

FULL = "full marks"
KINDS = ("skill", "topic", "sense", "length", POOLED, FULL)
Remarks = Mapping[tuple[str, str, str, int], Sequence[str]]  # by student, grader, sample and generation: one a criterion
Point = float | None


@dataclass(frozen=True)
class Compared:
    """Agreement of some people and graders on one kind of criterion.

    Attributes:
        who: names of people, and of graders.
        kind: skill, topic, sense, length; "all" of them together; or "full marks", text by text.
        agreement: over criteria that two or more of them rated; combinations are the clusters.
        shares: of each of ``who``, the share of points given, among criteria that all of them rated; None where there are none.
        unsure: criteria that were left out because somebody was unsure.
    """

    who: tuple[str, ...]
    kind: str
    agreement: Agreement
    shares: tuple[float | None, ...]
    unsure: int


@dataclass(frozen=True)
class Verdict:
    """What a person made of the texts that a grader gave full marks, or did not.

    A share within one verdict does not depend on how many texts of each verdict were chosen; agreement over all does.

    Attributes:
        rater, grader, full: whose ratings, of the texts that whose verdict was full marks or not.
        texts: how many of these the person settled.
        given: to how many of them the person gave full marks.
        share: ``given`` of ``texts`` with its interval over combinations; None below two combinations.
    """

    rater: str
    grader: str
    full: bool
    texts: int
    given: int
    share: Interval | None


@dataclass(frozen=True)
class Opinion:
    """One person's and one grader's point on one criterion of one text: a row of the exported table.

    Attributes:
        row: the graded text.
        kind, criterion: what was judged.
        rater, point, note: the person, the point (NaN for unsure), the person's note on the text.
        graded: the grader's point.
        gradings: the points of its readable gradings, such as "1 0 1".
        remark: the grader's reason, where known.
    """

    row: GradedText
    item: Item
    kind: str
    criterion: str
    rater: str
    point: float
    note: str
    graded: float
    gradings: str
    remark: str

    @property
    def agrees(self) -> bool | None:
        """Whether both gave the same point; None where the person was unsure."""
        return None if math.isnan(self.point) else self.point == self.graded


@dataclass(frozen=True)
class Progress:
    """How far a rater came: texts with a 1 or 0 on every criterion, with some answer, passed over."""

    rater: str
    complete: int
    begun: int
    skipped: int


@dataclass(frozen=True)
class Comparison:
    """All that ratings say beside the gradings."""

    raters: tuple[str, ...]
    graders: tuple[str, ...]
    texts: int
    progress: tuple[Progress, ...]
    with_grader: tuple[Compared, ...]
    between_people: tuple[Compared, ...]
    everybody: tuple[Compared, ...]
    verdicts: tuple[Verdict, ...]
    opinions: tuple[Opinion, ...]
    flaws: tuple[Flaw, ...]

    @property
    def disagreements(self) -> tuple[Opinion, ...]:
        """Criteria on which a person and a grader gave different points."""
        return tuple(each for each in self.opinions if each.agrees is False)


def compare(
    rows: Sequence[GradedText], items: Mapping[str, Item], ratings: Ratings, *, remarks: Remarks | None = None, seed: int = 0
) -> Comparison:
    """Ratings beside the gradings of the same texts; of equal texts for an equal task, each grader's first grading counts.

    Args:
        rows: the graded texts; those without a rating are passed over.
        items: from ``items.catalogue``.
        ratings: from ``ratings.read``.
        remarks: the graders' reasons, from ``remarks.read``.
        seed: of the bootstrap.
    """
    by_item = ratings.by_item()
    by_grader: dict[str, dict[str, GradedText]] = {}
    rated: dict[str, GradedText] = {}  # one row an item: what people say of a text needs it once
    for row in sorted(rows, key=lambda row: (row.k, row.sample, row.student, row.generation)):
        if reviewable(row) and (name := identity(row)) in by_item:
            by_grader.setdefault(row.grader, {}).setdefault(name, row)
            rated.setdefault(name, row)
    of_grader = {grader: list(its.values()) for grader, its in sorted(by_grader.items())}
    every = sorted(
        (row for its in of_grader.values() for row in its), key=lambda row: (row.k, row.sample, row.student, row.generation)
    )
    raters = ratings.raters
    texts = list(rated.values())

    def lines(these: Sequence[GradedText], people: Sequence[str], grader: str = "") -> Iterator[Compared]:
        who = (*people, grader) if grader else tuple(people)
        for kind in KINDS:
            random = chance.numpy("review agreement", seed, *who, kind)
            found = _compared(who, kind, list(_table(these, by_item, people, kind, graded=bool(grader))), random)
            if found:
                yield found

    groups = [list(raters)] if len(raters) > 2 else []
    return Comparison(
        raters=raters,
        graders=tuple(of_grader),
        texts=len(rated),
        progress=tuple(_progress(ratings, rater) for rater in raters),
        with_grader=tuple(line for grader, its in of_grader.items() for rater in raters for line in lines(its, [rater], grader)),
        between_people=tuple(line for pair in combinations(raters, 2) for line in lines(texts, pair)),
        everybody=(
            *(line for group in groups for line in lines(texts, group)),
            *(line for grader, its in of_grader.items() if len(raters) > 1 for line in lines(its, raters, grader)),
        ),
        verdicts=tuple(
            _verdict(rater, grader, full, its, by_item, seed)
            for grader, its in of_grader.items()
            for rater in raters
            for full in (True, False)
        ),
        opinions=tuple(_opinions(every, items, by_item, remarks or {})),
        flaws=ratings.flaws,
    )


_Line = tuple[str, tuple[Point, ...]]  # combination, and one point a person and grader


def _table(
    rows: Iterable[GradedText], by_item: Mapping[str, Mapping[str, Rated]], people: Sequence[str], kind: str, *, graded: bool
) -> Iterator[_Line]:
    for row in rows:
        said = [by_item[identity(row)].get(name) for name in people]
        if kind == FULL:
            points: list[Point] = [each.full_marks if each else None for each in said]
            yield row.sample, (*points, *([row.full_marks] if graded else []))
            continue
        for place, its in enumerate(kinds(row.k)):
            if kind in (its, POOLED):
                points = [each.points[place] if each else None for each in said]
                assert row.points is not None, "only reviewable rows come here"
                yield row.sample, (*points, *([row.points[place]] if graded else []))


def _compared(who: tuple[str, ...], kind: str, table: Sequence[_Line], random: np.random.Generator) -> Compared | None:
    kept = [(sample, points) for sample, points in table if sum(map(_said, points)) >= 2]
    if not kept:
        return None
    whole = [points for _, points in kept if all(map(_said, points))]
    shares: tuple[float | None, ...] = tuple(
        sum(point or 0.0 for point in column) / len(whole) for column in zip(*whole, strict=True)
    )
    unsure = sum(any(point is not None and math.isnan(point) for point in points) for _, points in table)
    agreed = agreement([points for _, points in kept], clusters=[sample for sample, _ in kept], random=random)
    return Compared(who, kind, agreed, shares or (None,) * len(who), unsure)


def _said(point: Point) -> bool:
    return point is not None and not math.isnan(point)


def _verdict(
    rater: str, grader: str, full: bool, rows: Iterable[GradedText], by_item: Mapping[str, Mapping[str, Rated]], seed: int
) -> Verdict:
    values, clusters = [], []
    for row in rows:
        said = by_item[identity(row)].get(rater)
        if (row.full_marks == 1.0) is full and said is not None and said.full_marks is not None:
            values.append(said.full_marks)
            clusters.append(row.sample)
    share = None
    if len(set(clusters)) > 1:
        share = cluster_bootstrap(values, clusters, random=chance.numpy("review verdict", seed, rater, grader, int(full)))
    return Verdict(rater, grader, full, len(values), int(sum(values)), share)


def _progress(ratings: Ratings, rater: str) -> Progress:
    its = [each for each in ratings.rated if each.rater == rater]
    complete = sum(each.complete for each in its)
    skipped = sum(each.skipped and each.answered < len(each.points) for each in its)
    return Progress(rater, complete, sum(each.answered > 0 for each in its), skipped)


def _opinions(
    rows: Iterable[GradedText], items: Mapping[str, Item], by_item: Mapping[str, Mapping[str, Rated]], remarks: Remarks
) -> Iterator[Opinion]:
    for row in rows:
        item = items[identity(row)]
        read = readings(row.gradings)
        reasons = remarks.get((row.student, row.grader, row.sample, row.generation), ())
        assert row.points is not None, "only reviewable rows come here"
        for place, criterion in enumerate(item.rubric.criteria):
            for rater, said in by_item[item.id].items():
                point = said.points[place]
                if point is None:
                    continue
                yield Opinion(
                    row=row,
                    item=item,
                    kind=criterion.kind,
                    criterion=criterion.name,
                    rater=rater,
                    point=point,
                    note=said.note,
                    graded=row.points[place],
                    gradings=" ".join(f"{each[place]:g}" for each in read),
                    remark=reasons[place] if place < len(reasons) else "",
                )
