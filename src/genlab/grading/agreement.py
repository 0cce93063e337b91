"""How far gradings agree: of one text by one grader, of one text by several graders, and anybody's ratings of anything."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genlab.grading.graded import GradedText, readings
from genlab.grading.rubric import Kind
from genlab.grading.scores import vote
from genlab.intervals import CONFIDENCE, RESAMPLES, Floats, Interval, cluster_bootstrap, percentiles, resampled_sums, wilson

POOLED = "all"  # the name under which criteria of every kind are taken together
MOST_UNDEFINED = 0.05  # share of resamples without variation that an interval may leave out (our assumption)
Rating = float | None  # None or NaN: not rated


@dataclass(frozen=True)
class Agreement:
    """How far raters agree. Intervals are bootstrapped over clusters of items, and None where there are fewer than two clusters.

    Attributes:
        alpha: Krippendorff's, nominal: 1 is full agreement, 0 what chance gives. None where all ratings are equal: with no
            variation there is nothing to agree about, and 1 would be a claim.
        kappa: Cohen's, over items that both have rated; None unless there are two raters, and without variation.
        raw: share of agreeing pairs of ratings, averaged over items.
        prevalence: share of ratings, of the items that count, that give the point (equal 1).
        items: those with two ratings or more; the others count nowhere.
        raters: with at least one rating among these.
        alpha_interval, kappa_interval: None also where more than 5% of resamples have no variation.
    """

    alpha: float | None
    kappa: float | None
    raw: float
    prevalence: float
    items: int
    raters: int
    alpha_interval: Interval | None
    kappa_interval: Interval | None
    raw_interval: Interval | None
    prevalence_interval: Interval | None


def agreement(
    ratings: Sequence[Sequence[Rating]],
    *,
    random: np.random.Generator,
    clusters: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Agreement:
    """Agreement over ``ratings``, one row an item and one column a rater; ratings are names of categories, not sizes.

    Args:
        ratings: None or NaN where a rater did not rate an item.
        random: where resampling draws from.
        clusters: of each item, what it hangs together with, such as the combination of a text's criteria; by default items
            are independent.
        resamples: of the bootstrap.
        confidence: of the intervals.

    Raises:
        ValueError: rows of different lengths, not one cluster an item, or no item with two ratings.
    """
    table, which = _checked(ratings, clusters)
    n = int(which.max()) + 1
    categories = np.unique(table[~np.isnan(table)])
    marks = (table[:, :, None] == categories).astype(np.float64)  # item, rater, category
    counts = marks.sum(1)
    rated = counts.sum(1)
    split = (rated**2 - (counts**2).sum(1)) / (rated - 1)  # how far an item's ratings differ: 0 to the number of its ratings

    def coefficient(columns: Floats, formula: Callable[[Floats], tuple[Floats, Floats]]) -> tuple[float | None, Interval | None]:
        sums = np.zeros((n, columns.shape[1]))
        np.add.at(sums, which, columns)
        draws = resampled_sums(sums, random=random, resamples=resamples)
        (point,), (chance,) = formula(sums.sum(0, keepdims=True))
        return _with_interval(float(point), float(chance), formula(draws)[0], n, confidence)

    def mean(values: Floats, of: NDArray[np.intp]) -> Interval | None:
        if n < 2:
            return None
        return cluster_bootstrap(values.tolist(), of.tolist(), random=random, resamples=resamples, confidence=confidence)

    alpha, alpha_interval = coefficient(np.column_stack([split, counts]), _alpha)
    kappa = kappa_interval = None
    if table.shape[1] == 2:
        squares = np.einsum("ni,nj->nij", marks[:, 0], marks[:, 1])
        kappa, kappa_interval = coefficient(squares.reshape(len(table), -1), _kappa)
    equal = 1 - split / rated
    given = (table[~np.isnan(table)] == 1.0).astype(np.float64)
    return Agreement(
        alpha=alpha,
        kappa=kappa,
        raw=float(equal.mean()),
        prevalence=float(given.mean()),
        items=len(table),
        raters=table.shape[1],
        alpha_interval=alpha_interval,
        kappa_interval=kappa_interval,
        raw_interval=mean(equal, which),
        prevalence_interval=mean(given, np.repeat(which, rated.astype(int))),
    )


def kinds(k: int) -> tuple[Kind, ...]:
    """The kinds of the k + 3 criteria of a text, in the order of its points.

    >>> kinds(2)
    ('skill', 'skill', 'topic', 'sense', 'length')
    """
    skills: list[Kind] = ["skill"] * k
    return (*skills, "topic", "sense", "length")


def between_gradings(rows: Iterable[GradedText], *, random: np.random.Generator) -> dict[str, dict[str, Agreement]]:
    """Agreement between one grader's gradings of one text: of each grader, by kind of criterion, and pooled under "all".

    The grader's own points count, those for length too, readable gradings only; a kind without a text that has two is left
    out. Combinations are the clusters. Rows of planted texts count like others: leave them out where that is not meant.
    """
    by_grader: dict[str, list[_Item]] = defaultdict(list)
    for row in rows:
        columns = [readings((grading,))[0] if grading else (None,) * (row.k + 3) for grading in row.gradings]
        by_grader[row.grader] += _items(row, columns)
    return {grader: _by_kind(items, random) for grader, items in by_grader.items()}


def between_graders(rows: Iterable[GradedText], *, random: np.random.Generator) -> dict[str, Agreement]:
    """Agreement between graders on the same text of the same student, by kind of criterion, and pooled under "all".

    Each grader's vote counts, with its own view of the length. Other things are as in ``between_gradings``.

    Raises:
        ValueError: a grader graded one text in two rows.
    """
    votes: dict[tuple[Hashable, ...], dict[str, tuple[float, ...]]] = defaultdict(dict)
    example: dict[tuple[Hashable, ...], GradedText] = {}
    graders: dict[str, None] = {}
    for row in rows:
        text: tuple[Hashable, ...] = (row.student, row.sample, row.generation, row.control, row.text)
        if not (read := readings(row.gradings)):
            continue
        if row.grader in votes[text]:
            what = f"text {row.generation} of {row.sample} by {row.student}"
            raise ValueError(f"{row.grader} graded {what} in two rows: pass one of them")
        votes[text][row.grader] = vote(read)
        example[text] = row
        graders[row.grader] = None
    items: list[_Item] = []
    for its, by_grader in votes.items():
        row = example[its]
        items += _items(row, [by_grader.get(grader, (None,) * (row.k + 3)) for grader in graders])
    return _by_kind(items, random)


_Item = tuple[Kind, str, tuple[Rating, ...]]  # kind of criterion, combination, one rating a rater


def _checked(ratings: Sequence[Sequence[Rating]], clusters: Sequence[Hashable] | None) -> tuple[Floats, NDArray[np.intp]]:
    """The items with two ratings or more, the raters that have any of these, and the number of each item's cluster."""
    if len({len(row) for row in ratings}) > 1:
        raise ValueError("ratings need one column a rater in every row: put None where a rater did not rate")
    groups = list(range(len(ratings))) if clusters is None else list(clusters)
    if len(groups) != len(ratings):
        raise ValueError(f"one cluster an item is needed, got {len(ratings)} items and {len(groups)} clusters")
    table = np.array([[np.nan if each is None else each for each in row] for row in ratings], dtype=np.float64)
    usable = [int((~np.isnan(row)).sum()) >= 2 for row in table]
    if not any(usable):
        raise ValueError(f"agreement needs an item with 2 ratings, got none in {len(table)} items: grade again, or add a grader")
    table = table[usable]
    numbers: dict[Hashable, int] = {}
    which = [numbers.setdefault(group, len(numbers)) for group, use in zip(groups, usable, strict=True) if use]
    return table[:, ~np.isnan(table).all(0)], np.array(which, dtype=np.intp)


def _items(row: GradedText, columns: Sequence[Sequence[Rating]]) -> list[_Item]:
    if not columns:
        return []
    return [(kind, row.sample, each) for kind, each in zip(kinds(row.k), zip(*columns, strict=True), strict=True)]


def _by_kind(items: Sequence[_Item], random: np.random.Generator) -> dict[str, Agreement]:
    width = max((len(each) for _, _, each in items), default=0)
    found: dict[str, Agreement] = {}
    for name in (*kinds(1), POOLED):
        chosen = [(sample, (*each, *(None,) * (width - len(each)))) for kind, sample, each in items if name in (kind, POOLED)]
        if any(sum(each is not None for each in row) >= 2 for _, row in chosen):
            found[name] = agreement([row for _, row in chosen], clusters=[sample for sample, _ in chosen], random=random)
    return found


def _alpha(sums: Floats) -> tuple[Floats, Floats]:
    """Alpha from sums of (disagreement, ratings by category), and the disagreement that chance gives."""
    n = sums[:, 1:].sum(1)
    chance = (n**2 - (sums[:, 1:] ** 2).sum(1)) / (n * (n - 1))
    return _beyond(sums[:, 0] / n, chance), chance


def _kappa(sums: Floats) -> tuple[Floats, Floats]:
    """Kappa from sums of the square table of both raters' categories, and the disagreement that chance gives."""
    side = round(sums.shape[1] ** 0.5)
    square = (sums / sums.sum(1, keepdims=True)).reshape(-1, side, side)
    chance = 1 - np.einsum("ri,ri->r", square.sum(1), square.sum(2))
    return _beyond(1 - np.einsum("rii->r", square), chance), chance


def _beyond(observed: Floats, chance: Floats) -> Floats:
    varies = chance > 1e-12
    return np.where(varies, 1 - observed / np.where(varies, chance, 1.0), np.nan)


def _with_interval(
    point: float, variation: float, draws: Floats, n: int, confidence: float
) -> tuple[float | None, Interval | None]:
    """A coefficient with the percentiles of its draws; where nobody disagrees, with what unseen disagreement could make of it."""
    if np.isnan(point):
        return None, None
    if n < 2:
        return point, None
    if point > 1 - 1e-12:  # no draw disagrees: as many clusters could as Wilson's limit says, of which none was seen
        return 1.0, Interval(1.0, max(-1.0, 1 - wilson(0, n, confidence).high / variation), 1.0, n, confidence)
    defined = draws[~np.isnan(draws)]
    if len(defined) < (1 - MOST_UNDEFINED) * len(draws):
        return point, None
    low, high = percentiles(defined, n, confidence)
    return point, Interval(point, min(low, point), max(high, point), n, confidence)
