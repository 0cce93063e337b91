"""What planted texts say of a grader: how often it errs, and what a ratio becomes when its errors are taken out.

A planted text (``control`` is not "") has known points, its ``truth``. The correction is that of Rogan and Gladen (1978); it
rests on one assumption that nobody can check here: that the grader errs on students' texts as often as on the planted ones.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from genlab.grading.agreement import kinds
from genlab.grading.graded import GradedText, readings
from genlab.grading.scores import scores, vote
from genlab.intervals import CONFIDENCE, RESAMPLES, Interval, percentiles, resampled_means, wilson

FULL_MARKS = "full marks"  # beside the four kinds of criterion: the whole text's
ANY = "all"  # beside the kinds of control: of any kind


@dataclass(frozen=True)
class ErrorRate:
    """How often a grader errs.

    Attributes:
        kind: skill, topic, sense, length (the grader's own judgement, not our count), or "full marks" (the text's score).
        control: the kind of planted text, or "all".
        false_positive: share of points given where none is deserved; None where no planted text says.
        false_negative: share of points withheld where one is deserved; None where no planted text says.
    """

    kind: str
    control: str
    false_positive: Interval | None
    false_negative: Interval | None


@dataclass(frozen=True)
class Planted:
    """What a measure gave on texts whose true value is 1 (``deserving``), and on those whose true value is 0."""

    deserving: tuple[float, ...]
    undeserving: tuple[float, ...]


def error_rates(rows: Iterable[GradedText], confidence: float = CONFIDENCE) -> tuple[ErrorRate, ...]:
    """The grader's error rates, by kind of criterion and kind of control; pass the rows of one grader.

    Rows without control or truth, points whose truth is NaN, and texts that are not graded are skipped. Intervals are
    Wilson's with ``n`` the number of texts, not of points: a grader that falls for a text gives all its skills at once.
    """
    seen: dict[tuple[str, str, bool], list[tuple[int, int]]] = defaultdict(list)  # a text's errors, and its points
    for row in rows:
        if not _planted(row):
            continue
        truth, given = row.truth or (), vote(readings(row.gradings))
        tally: dict[tuple[str, bool], list[int]] = defaultdict(list)
        for its, true, point in zip(kinds(row.k), truth, given, strict=True):
            if not math.isnan(true):
                tally[its, true == 1].append(int((point == 1) != (true == 1)))
        if (true_marks := _deserves(truth)) is not None and row.full_marks is not None:
            tally[FULL_MARKS, true_marks].append(int((row.full_marks == 1) != true_marks))
        for (kind, true), wrong in tally.items():
            for control in (ANY, row.control):
                seen[kind, control, true].append((sum(wrong), len(wrong)))

    def rate(kind: str, control: str, true: bool) -> Interval | None:
        texts = seen.get((kind, control, true))
        if not texts:
            return None
        return wilson(len(texts) * sum(wrong for wrong, _ in texts) / sum(of for _, of in texts), len(texts), confidence)

    controls = (ANY, *sorted({control for _, control, _ in seen} - {ANY}))
    return tuple(
        ErrorRate(kind, control, rate(kind, control, False), rate(kind, control, True))
        for kind in ("skill", "topic", "sense", "length", FULL_MARKS)
        for control in controls
        if (kind, control, False) in seen or (kind, control, True) in seen
    )


def planted(rows: Iterable[GradedText], score: Callable[[GradedText], float | None] | None = None) -> Planted:
    """Full marks as the grader gave them, on planted texts that deserve them and on those that do not.

    A text deserves full marks when it deserves every point, and does not when any point's truth is 0, whatever the others.

    Args:
        rows: of one grader; only planted, graded texts with a truth count.
        score: another score of 0 or 1 whose truth is that of full marks, such as ``lambda row: row.full_marks_unnamed``.
    """
    deserving: list[float] = []
    undeserving: list[float] = []
    for row in rows:
        true = _deserves(row.truth or ()) if _planted(row) else None
        value = row.full_marks if score is None else score(row)
        if true is not None and value is not None:
            (deserving if true else undeserving).append(value)
    return Planted(tuple(deserving), tuple(undeserving))


def true_ratio(measured: float, sensitivity: float, specificity: float) -> float:
    """The ratio that a grader with these error rates would turn into ``measured`` (Rogan and Gladen 1978), from 0 to 1.

    >>> round(true_ratio(0.5 * 0.9 + 0.5 * 0.2, sensitivity=0.9, specificity=0.8), 12)
    0.5

    Raises:
        ValueError: sensitivity + specificity is at most 1: the grader does no better than a coin.
    """
    apart = sensitivity + specificity - 1
    if apart <= 0:
        raise ValueError(f"sensitivity {sensitivity:g} and specificity {specificity:g} make no grader: their sum has to exceed 1")
    return min(1.0, max(0.0, (measured + specificity - 1) / apart))


def corrected(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    controls: Planted,
    *,
    random: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The mean of ``values`` without the grader's errors, from 0 to 1, with the uncertainty of the mean and of both error rates.

    Ratio, sensitivity and specificity are resampled together: the values by cluster, the planted texts one by one, each by
    ``resampled_means``, so that no error among 20 planted texts does not pass for none at all. ``n`` is the number of clusters.

    Raises:
        ValueError: fewer than two clusters, or two planted texts that deserve the score, or two that do not; the grader's
            errors are too large: the interval of sensitivity + specificity - 1 reaches 0.
    """
    for what, texts in (("deserve", controls.deserving), ("do not deserve", controls.undeserving)):
        if len(texts) < 2:
            raise ValueError(f"a correction needs at least 2 planted texts that {what} the score, got {len(texts)}: plant more")
    n = len(set(clusters))
    measured = resampled_means(values, clusters, random=random, resamples=resamples)
    sensitivity, wrongly = (
        resampled_means(texts, range(len(texts)), random=random, resamples=resamples)
        for texts in (controls.deserving, controls.undeserving)
    )
    apart = sensitivity - wrongly
    least = percentiles(apart, min(len(controls.deserving), len(controls.undeserving)), confidence)[0]
    found, given = float(np.mean(controls.deserving)), float(np.mean(controls.undeserving))
    if least <= 0 or found <= given:
        raise ValueError(
            f"the grader's errors are too large to correct for: it gave the score to {found:.0%} of {len(controls.deserving)} "
            f"planted texts that deserve it and to {given:.0%} of {len(controls.undeserving)} that do not, and the true "
            "rates may be equal: plant more texts, or use a better grader"
        )
    centre = true_ratio(float(np.mean(values)), found, 1 - given)
    usable = apart > 0
    ratios = np.clip((measured - wrongly) / np.where(usable, apart, 1.0), 0.0, 1.0)
    low, _ = percentiles(np.where(usable, ratios, 0.0), n, confidence)  # a draw in which the grader is a coin allows any ratio
    _, high = percentiles(np.where(usable, ratios, 1.0), n, confidence)
    return Interval(centre, min(low, centre), max(high, centre), n, confidence)


def _planted(row: GradedText) -> bool:
    return bool(row.control) and row.truth is not None and row.status == "graded" and any(row.gradings)


def _deserves(truth: Sequence[float]) -> bool | None:
    """Whether a text of these true points deserves full marks; None where the truth leaves it open."""
    if any(point < 1 for point in truth):
        return False
    return None if any(map(math.isnan, truth)) else scores(truth).full_marks == 1.0
