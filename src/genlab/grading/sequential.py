"""Stop asking when enough is known: a rule that looks at one value a combination, again and again, and stays honest.

Looking often and stopping when it suits would break an ordinary interval. Here most looks see a confidence sequence
(``genlab.grading.betting``), which holds at all looks together for any values in the span. The last planned look shares the error
with them and sees a fixed-n interval, which is narrower and as approximate as any: a cell that is not narrow by then was bound to
take that many, and the plan is little larger than that of an experiment without looks.

Values are independent, one a combination, in the order of their index: never in the order in which replies arrive.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genlab.grading.betting import AIM, limits, tallied
from genlab.intervals import CONFIDENCE, Floats, Interval, wilson

AT_END = 0.6  # share of the error kept for the last look: measured (docs/log.md)
LOOK = 5  # combinations between looks (our assumption)
POWER = 0.9  # at which a plan tells two models apart that differ by the smallest difference (our assumption)
UNRELATED = math.sqrt(0.5)  # deviation of the difference of two fair coins that have nothing in common (our assumption)
Reason = Literal["narrow", "apart", "alike", "most", "goes on"]
REASONS: tuple[Reason, ...] = ("goes on", "most", "alike", "narrow", "apart")


@dataclass(frozen=True)
class Decision:
    """Whether to stop, why, and what is known: an interval that holds whatever was decided at earlier looks."""

    stop: bool
    why: Reason
    interval: Interval

    def __str__(self) -> str:
        return f"{self.why}: {self.interval} after {self.interval.n}"


@dataclass(frozen=True)
class StopRule:
    """When to stop asking. ``until_narrow`` and ``until_apart`` make the two usual ones.

    Attributes:
        width: stop when half the interval is at most this, or never for that reason.
        apart: the values are differences of two models on the same combination, from -1 to 1; stop when 0 lies outside.
            Otherwise they are one model's, from 0 to 1.
        look: combinations between looks.
        most: combinations in all; values beyond them are not looked at.
        smallest: of differences, the smallest of interest: stop as "alike" when a sequence of confidence 1 - 2 (1 - confidence)
            lies between it and its negative, two one-sided tests (Schuirmann 1987).
        at_end: share of the error that the look at ``most`` has to itself; 0 leaves all looks alike and is exact.
        confidence: of the interval.

    Raises:
        ValueError: a rule that could never stop early, or a number out of its range.
    """

    width: float | None
    apart: bool
    look: int
    most: int
    smallest: float | None = None
    at_end: float = AT_END
    confidence: float = CONFIDENCE

    def __post_init__(self) -> None:
        if self.width is None and not self.apart:
            raise ValueError("a stop rule needs a reason to stop: give a width, or apart=True for differences of two models")
        if self.look < 1 or self.most < 1 or not 0 <= self.at_end < 1 or not 0.5 < self.confidence < 1:
            raise ValueError(
                f"a stop rule needs look and most of at least 1, at_end from 0 to below 1 and confidence between 0.5 and 1; got "
                f"look={self.look}, most={self.most}, at_end={self.at_end:g}, confidence={self.confidence:g}"
            )
        if self.smallest is not None and not self.apart:
            raise ValueError("the smallest difference of interest is about two models: give apart=True, or leave smallest out")
        if any(each is not None and not 0 < each < 1 for each in (self.width, self.smallest)):
            raise ValueError(f"width and smallest lie between 0 and 1, got {self.width} and {self.smallest}")

    def decide(self, values: Sequence[float]) -> Decision:
        """Look at all values so far, one a combination (a mean over its generations, or a difference of two).

        Raises:
            ValueError: no value, or one outside the rule's span.
        """
        used = np.asarray(values[: self.most], dtype=np.float64)
        if not len(used):
            raise ValueError("a stop rule needs a value to look at, got none")
        scaled = _scaled(self, used)
        support, _ = tallied(scaled.tolist())
        ends = [*range(self.look, len(used), self.look), len(used)]
        came = np.cumsum(scaled[:, None] == support, 0)[np.array(ends) - 1]
        low, high, reasons = _looks(self, came[None].astype(np.float64), support)
        ends_at = float(low[0, -1]), float(high[0, -1])
        centre = min(max(float(used.mean()), ends_at[0]), ends_at[1])
        why = REASONS[int(reasons[0, -1])]
        return Decision(why != "goes on", why, Interval(centre, *ends_at, len(used), self.confidence))


@dataclass(frozen=True)
class Simulation:
    """What a rule does to streams whose truth is known.

    Attributes:
        truth: the mean of what was recorded.
        repeats: streams.
        coverage: share of streams whose last interval holds the truth, with a Wilson interval.
        mean_used: combinations asked for, on average.
        half_width: of the last interval, on average.
        reasons: share of streams by why they stopped.
        fixed: combinations that the design without looks takes.
        saved: 1 - mean_used / fixed; negative where looking cost more than it saved.
    """

    truth: float
    repeats: int
    coverage: Interval
    mean_used: float
    half_width: float
    reasons: dict[Reason, float]
    fixed: int
    saved: float


def until_narrow(width: float, *, look: int = LOOK, at_end: float = AT_END, confidence: float = CONFIDENCE) -> StopRule:
    """One model's mean to within ``width`` on either side; ``most`` is where even the widest values are.

    >>> until_narrow(0.1).most, fixed_for_width(0.1)
    (114, 93)
    """
    enough = 3 * fixed_for_width(width, confidence)  # without a last look of its own: 1.9 was (docs/log.md)
    most = _guaranteed(width, (1 - confidence) * at_end) if at_end else enough
    return StopRule(width, False, look, most, at_end=at_end, confidence=confidence)


def until_apart(
    smallest: float,
    *,
    deviation: float = UNRELATED,
    power: float = POWER,
    look: int = LOOK,
    at_end: float = AT_END,
    confidence: float = CONFIDENCE,
) -> StopRule:
    """Two models told apart, or found to differ by less than ``smallest``; ``most`` gives the power of a test without looks.

    ``deviation`` is that of the differences of combinations: give the one of earlier runs where there are any.

    >>> until_apart(0.2).most, fixed_for_difference(0.2)
    (149, 132)
    """
    share = at_end if at_end else 0.5
    most = _powered(smallest, deviation, power, (1 - confidence) * share)
    return StopRule(None, True, look, most, smallest=smallest, at_end=at_end, confidence=confidence)


def fixed_for_width(width: float, confidence: float = CONFIDENCE) -> int:
    """Combinations after which a fixed-n interval is within ``width`` on either side even where half of them succeed."""
    return _guaranteed(width, 1 - confidence)


def fixed_for_difference(
    smallest: float, deviation: float = UNRELATED, power: float = POWER, confidence: float = CONFIDENCE
) -> int:
    """Combinations with which a fixed-n paired test finds a difference of ``smallest`` with probability ``power``."""
    return _powered(smallest, deviation, power, 1 - confidence)


def simulate(recorded: Sequence[float], rule: StopRule, *, fixed: int, repeats: int, random: np.random.Generator) -> Simulation:
    """Let ``rule`` look at streams drawn with replacement from recorded values, one a combination, and count.

    Args:
        recorded: gradings of finished runs: a mean over generations each, or a difference of two models.
        rule: what decides.
        fixed: what the design without looks takes at equal error: ``fixed_for_width`` or ``fixed_for_difference``.
        repeats: streams.
        random: where they are drawn from.
    """
    support, counts = tallied(_scaled(rule, np.asarray(recorded, dtype=np.float64)).tolist())
    share = counts / counts.sum()
    truth = float(np.mean(recorded))
    ends = np.array([*range(rule.look, rule.most, rule.look), rule.most])
    steps = np.diff(ends, prepend=0)
    came = np.cumsum(random.multinomial(steps, share, size=(repeats, len(steps))), 1).astype(np.float64)
    low, high, reasons = _looks(rule, came, support)
    at = (reasons > 0).argmax(1)  # every stream stops at ``most`` at the latest
    row = np.arange(repeats)
    low, high, why, used = low[row, at], high[row, at], reasons[row, at], float(ends[at].mean())
    inside = int(((low <= truth + 1e-9) & (truth - 1e-9 <= high)).sum())
    return Simulation(
        truth=truth,
        repeats=repeats,
        coverage=wilson(inside, repeats),
        mean_used=used,
        half_width=float((high - low).mean() / 2),
        reasons={each: float((why == number).mean()) for number, each in enumerate(REASONS) if number},
        fixed=fixed,
        saved=1 - used / fixed,
    )


def _looks(rule: StopRule, came: Floats, support: Floats) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Both ends and the reason to stop at each look, of counts with axes (stream, look, value of ``support``)."""
    streams, looks, values = came.shape
    stretch = 2.0 if rule.apart else 1.0
    aim = (rule.smallest or rule.width or AIM) / stretch
    error = 1 - rule.confidence

    def sequence(confidence: float) -> tuple[Floats, Floats]:
        low, high = limits(came.reshape(-1, values), support, confidence, aim=aim)
        return low.reshape(streams, looks), high.reshape(streams, looks)

    def lasting(low: Floats, high: Floats) -> tuple[Floats, Floats]:
        lowest, highest = np.maximum.accumulate(low, 1), np.minimum.accumulate(high, 1)
        crossed = lowest > highest  # looks that contradict each other: the latest alone speaks
        return unscaled(np.where(crossed, low, lowest)), unscaled(np.where(crossed, high, highest))

    def unscaled(ends: Floats) -> Floats:
        return 2 * ends - 1 if rule.apart else ends

    low, high = sequence(1 - error * (1 - rule.at_end))
    ended = came.sum(2) >= rule.most
    if rule.at_end:
        last_low, last_high = _fixed(came, support, error * rule.at_end)
        low, high = np.where(ended, np.maximum(low, last_low), low), np.where(ended, np.minimum(high, last_high), high)
    low, high = lasting(low, high)
    reasons = np.where(ended, REASONS.index("most"), REASONS.index("goes on"))
    if rule.smallest is not None:
        inner_low, inner_high = lasting(*sequence(1 - 2 * error))
        alike = (inner_low > -rule.smallest) & (inner_high < rule.smallest)
        reasons = np.where(alike, REASONS.index("alike"), reasons)
    if rule.width is not None:
        reasons = np.where((high - low) / 2 <= rule.width, REASONS.index("narrow"), reasons)
    if rule.apart:
        reasons = np.where((low > 0) | (high < 0), REASONS.index("apart"), reasons)
    return low, high, reasons


def _fixed(came: Floats, support: Floats, error: float) -> tuple[Floats, Floats]:
    """The normal interval with z^2/2 made-up values at 0 and at 1 (Agresti and Coull 1998), for values between them too."""
    z = _z(error)
    n = came.sum(2) + z * z
    mean = (came @ support + z * z / 2) / n
    half = z * np.sqrt(np.maximum((came @ support**2 + z * z / 2) / n - mean**2, 0.0) / n)
    return np.maximum(mean - half, 0.0), np.minimum(mean + half, 1.0)


def _guaranteed(width: float, error: float) -> int:
    z = _z(error)
    return max(1, math.ceil((z / (2 * width)) ** 2 - z * z))


def _powered(smallest: float, deviation: float, power: float, error: float) -> int:
    return math.ceil(((_z(error) + _z(2 * (1 - power))) * deviation / smallest) ** 2)


def _z(error: float) -> float:
    """The normal quantile that leaves ``error`` outside on both sides together."""
    from scipy.special import ndtri

    return float(ndtri(1 - error / 2))


def _scaled(rule: StopRule, values: Floats) -> Floats:
    low = -1.0 if rule.apart else 0.0
    if len(values) and not (values.min() >= low and values.max() <= 1):
        span = "-1 to 1 (differences of two models)" if rule.apart else "0 to 1 (one model's means)"
        raise ValueError(f"this rule looks at values from {span}, got {values.min():g} to {values.max():g}")
    return (values + 1) / 2 if rule.apart else values
