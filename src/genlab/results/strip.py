"""The small drawing beside a finding: where its seeds, mean and interval lie against the region the claim expects."""

from collections.abc import Sequence
from dataclasses import dataclass

from genlab.results.claims import Finding

WIDTH = 100.0


@dataclass(frozen=True)
class Strip:
    """Places between 0 and ``WIDTH``; an interval that leaves the drawing is cut at its edge."""

    region: tuple[float, float]
    interval: tuple[float, float] | None
    mean: float
    seeds: tuple[float, ...]


def strips(findings: Sequence[Finding]) -> list[Strip | None]:
    """One drawing a finding, all on one scale, so that the settings of a claim can be compared; None where not measured."""
    landmarks = [value for finding in findings for value in finding.values]
    alone = [each.interval for each in findings if each.interval and not each.seeds]
    landmarks += [bound for each in alone for bound in (each.low, each.high)]
    bounds = [bound for each in findings for bound in (each.expected.low, each.expected.high) if bound is not None]
    if not landmarks:
        return [None for _ in findings]
    low, high = min(landmarks + bounds), max(landmarks + bounds)
    room = 0.25 * (high - low) or abs(high) or 1.0
    low, high = low - room, high + room

    def place(value: float | None, otherwise: float) -> float:
        if value is None:
            return otherwise
        return round(min(max(WIDTH * (value - low) / (high - low), 0.0), WIDTH), 2)

    drawn: list[Strip | None] = []
    for finding in findings:
        region = place(finding.expected.low, 0.0), place(finding.expected.high, WIDTH)
        interval = finding.interval
        between = (place(interval.low, 0.0), place(interval.high, WIDTH)) if interval else None
        seeds = tuple(place(value, 0.0) for value in finding.seeds)
        drawn.append(Strip(region, between, place(finding.effect, 0.0), seeds) if finding.values else None)
    return drawn
