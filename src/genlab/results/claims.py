"""A paper's findings as code: a sentence, the region an effect must fall in, and the verdict on what was measured.

Regions are written down before a run, with their source. A claim is judged setting by setting, each from one value a
seed or from an interval that the study computed itself; a claim as a whole is judged by its worst setting, so one clear
counter-example is enough for *fails*.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from genlab.intervals import Interval, student_t
from genlab.results.runs import Run

SEEDS = "Ours is the mean over seeds with its Student-t 95% interval."  # what ``finding`` does, in a reader's words


class Verdict(StrEnum):
    """What the records say of a claim."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Region:
    """The closed range of effects under which a claim holds; ``None`` leaves a side open.

    >>> str(Region(0.95, 1.2)), str(Region(low=2)), str(Region(high=0.01))
    ('0.95 to 1.2', 'at least 2', 'at most 0.01')
    """

    low: float | None = None
    high: float | None = None

    def __contains__(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def misses(self, interval: Interval) -> bool:
        """Whether the whole interval lies outside."""
        below = self.low is not None and interval.high < self.low
        return below or (self.high is not None and interval.low > self.high)

    def __str__(self) -> str:
        match self.low, self.high:
            case None, None:
                return "any value"
            case low, None:
                return f"at least {low:g}"
            case None, high:
                return f"at most {high:g}"
            case low, high:
                return f"{low:g} to {high:g}"
        raise AssertionError("unreachable")


@dataclass(frozen=True)
class Finding:
    """What one setting (a task, an update, a step size) says of a claim, over its seeds.

    Attributes:
        setting: what was held fixed, in words a reader can look up in the table of conditions.
        expected: the region the effect must fall in.
        values: the effect, one value a seed, or the one that the interval was computed around; empty when it could not be
            measured.
        interval: Student-t 95% over seeds, None with fewer than two values; or the one that ``judged`` was given.
        verdict: holds (interval inside the region), fails (interval outside), undecided (it straddles a bound, or one
            seed only), not measured.
        conditions: ids of the conditions it used.
        note: what a reader must know: which seeds diverged, why it was not measured.
    """

    setting: str
    expected: Region
    values: tuple[float, ...]
    interval: Interval | None
    verdict: Verdict
    conditions: tuple[str, ...]
    note: str = ""

    @property
    def effect(self) -> float | None:
        """Mean over seeds."""
        return math.fsum(self.values) / len(self.values) if self.values else None

    @property
    def n(self) -> int:
        """How many independent values it rests on."""
        return self.interval.n if self.interval else len(self.values)

    @property
    def seeds(self) -> tuple[float, ...]:
        """The values, where they are one a seed; empty where the interval was computed elsewhere."""
        return () if self.interval and len(self.values) == 1 else self.values


@dataclass(frozen=True)
class Claim:
    """One finding of a paper.

    Attributes:
        id: short name, as in the study's README ("C2").
        sentence: the claim in our own words.
        quantity: what the effect is, with its unit ("mean sharpness over 2/eta").
        paper: the paper's own figure where it is verified, else None.
        measure: from finished runs to one Finding a setting.
    """

    id: str
    sentence: str
    quantity: str
    paper: str | None
    measure: Callable[[Sequence[Run]], Sequence[Finding]]


@dataclass(frozen=True)
class Judged:
    """A claim beside what was found."""

    claim: Claim
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst setting decides: any *fails*, else any *undecided*, else *holds*; nothing measured is *not measured*."""
        found = {finding.verdict for finding in self.findings}
        for verdict in (Verdict.FAILS, Verdict.UNDECIDED, Verdict.HOLDS):
            if verdict in found:
                return verdict
        return Verdict.NOT_MEASURED


def finding(
    setting: str, expected: Region, by_seed: Mapping[int, float], *, conditions: Sequence[str], note: str = ""
) -> Finding:
    """Judge one effect, given one value a seed, against the region it is expected in.

    A value that is not finite counts against n and is named in the note: an effect that could not be computed is never 0.
    With a seed lost the verdict is at most *undecided*: those that are left may be the lucky ones.

    >>> finding("toy", Region(0.9, 1.1), {0: 1.0, 1: 1.01, 2: 0.99}, conditions=("a", "b", "c")).verdict
    <Verdict.HOLDS: 'holds'>
    >>> finding("toy", Region(0.9, 1.1), {0: 1.0}, conditions=("a",)).verdict
    <Verdict.UNDECIDED: 'undecided'>
    """
    values = tuple(by_seed[seed] for seed in sorted(by_seed) if math.isfinite(by_seed[seed]))
    lost = [str(seed) for seed in sorted(by_seed) if not math.isfinite(by_seed[seed])]
    notes = [note] if note else []
    if lost:
        notes.append(f"no finite value for seed {', '.join(lost)}")
    interval = student_t(values) if len(values) > 1 else None
    if not values:
        verdict = Verdict.NOT_MEASURED
    elif interval is None:
        verdict = Verdict.UNDECIDED
        notes.append("one seed: no interval")
    else:
        verdict = _verdict(expected, interval)
        if lost and verdict is Verdict.HOLDS:
            verdict = Verdict.UNDECIDED  # the seeds that are left may be the lucky ones
    return Finding(setting, expected, values, interval, verdict, tuple(conditions), "; ".join(notes))


def judged(setting: str, expected: Region, interval: Interval, *, conditions: Sequence[str], note: str = "") -> Finding:
    """Judge an effect by an interval that was computed elsewhere, such as a cluster bootstrap over the items of one run.

    >>> judged("k = 3", Region(low=0.5), Interval(0.6, 0.52, 0.68, n=100), conditions=("a",)).verdict
    <Verdict.HOLDS: 'holds'>
    >>> judged("k = 4", Region(low=0.5), Interval(0.5, 0.42, 0.58, n=100), conditions=("a",)).verdict
    <Verdict.UNDECIDED: 'undecided'>

    Raises:
        ValueError: a bound or the centre is not finite: a setting without a value is ``not_measured``.
    """
    if not all(map(math.isfinite, (interval.centre, interval.low, interval.high))):
        raise ValueError(
            f"setting {setting!r} needs an interval of finite numbers, got {interval}: say not_measured(...) and why"
        )
    return Finding(setting, expected, (interval.centre,), interval, _verdict(expected, interval), tuple(conditions), note)


def not_measured(setting: str, expected: Region, why: str, *, conditions: Sequence[str] = ()) -> Finding:
    """A setting that cannot speak to a claim, with the reason."""
    return Finding(setting, expected, (), None, Verdict.NOT_MEASURED, tuple(conditions), why)


def judge(claims: Sequence[Claim], runs: Sequence[Run]) -> tuple[Judged, ...]:
    """Hold every claim against the finished runs."""
    return tuple(Judged(claim, tuple(claim.measure(runs))) for claim in claims)


def _verdict(expected: Region, interval: Interval) -> Verdict:
    if interval.low in expected and interval.high in expected:
        return Verdict.HOLDS
    return Verdict.FAILS if expected.misses(interval) else Verdict.UNDECIDED
