"""How a report puts numbers, times and verdicts into words."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from genlab.results.claims import Finding, Judged, Verdict
from genlab.results.duration import duration as duration  # the templates' wording.duration


def number(value: float) -> str:
    """A number to four significant digits.

    >>> number(1.01349), number(41237.2), number(3.2e-07), number(float("nan")), number(3)
    ('1.013', '41237', '3.2e-07', 'nan', '3')
    """
    if math.isfinite(value) and 1e4 <= abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.4g}"


def ours(finding: Finding) -> str:
    """The effect, such as the mean over seeds, with its interval, all to the same decimals; empty when nothing was measured.

    >>> from genlab.results.claims import Region, finding
    >>> ours(finding("toy", Region(0.9, 1.1), {0: 1.0, 1: 1.03, 2: 0.99}, conditions=()))
    '1.007 [0.955, 1.058]'
    >>> ours(finding("toy", Region(0.9, 1.1), {0: 1.03}, conditions=()))
    '1.03'
    """
    if finding.effect is None:
        return ""
    if finding.interval is None:
        return number(finding.effect)
    mean, low, high = aligned((finding.effect, finding.interval.low, finding.interval.high))
    return f"{mean} [{low}, {high}]"


def aligned(values: Sequence[float]) -> list[str]:
    """Numbers to the same decimals: four digits for the largest, more where they would not show that the values differ.

    >>> aligned([0.5, 12.34567]), aligned([100.001, 100.004]), aligned([2e-7, 3e-7])
    (['0.50', '12.35'], ['100.001', '100.004'], ['2.000e-07', '3.000e-07'])
    """
    largest = max(abs(value) for value in values)
    if largest == 0:
        return ["0" for _ in values]
    if not 1e-3 <= largest < 1e6:
        return [f"{value:.3e}" for value in values]
    decimals = max(3 - math.floor(math.log10(largest)), 0)
    width = max(values) - min(values)
    if width > 0:
        decimals = max(decimals, -math.floor(math.log10(width)))
    return [f"{value:.{decimals}f}" for value in values]


def span(values: Iterable[float]) -> str:
    """Where several settings' effects lie.

    >>> span([1.2, 0.97, 1.05]), span([2.0])
    ('0.970 to 1.200', '2')
    """
    ordered = sorted(values)
    low, high = aligned([ordered[0], ordered[-1]])
    return number(ordered[0]) if low == high else f"{low} to {high}"


def value(setting: Any) -> str:
    """A setting as it would be typed.

    >>> value("gd"), value(0.01), value([1, 2]), value(None), value(True)
    ('gd', '0.01', '[1, 2]', 'none', 'true')
    """
    if setting is None:
        return "none"
    return setting if isinstance(setting, str) else json.dumps(setting, default=str, ensure_ascii=False)


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "seed"), plural(3, "seed")
    ('1 seed', '3 seeds')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@dataclass(frozen=True)
class Tally:
    """How many claims or settings have one verdict."""

    verdict: Verdict
    count: int
    words: str


def tally(verdicts: Iterable[Verdict]) -> list[Tally]:
    """One row a verdict, those of none included.

    >>> [row.words for row in tally([Verdict.HOLDS, Verdict.HOLDS, Verdict.FAILS])]
    ['2 hold', '1 fails', '0 undecided', '0 not measured']
    """
    counts = Counter(verdicts)
    many = {Verdict.HOLDS: "hold", Verdict.FAILS: "fail"}
    rows = []
    for verdict in Verdict:
        count = counts[verdict]
        rows.append(Tally(verdict, count, f"{count} {verdict.value if count == 1 else many.get(verdict, verdict.value)}"))
    return rows


def deciding(judged: Judged) -> Finding | None:
    """The first setting that has the claim's own verdict."""
    return next((finding for finding in judged.findings if finding.verdict is judged.verdict), None)
