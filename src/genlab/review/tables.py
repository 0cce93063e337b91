"""Ratings and agreement as CSV (RFC 4180) that a spreadsheet opens without running any of it."""

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence

from genlab.intervals import Interval
from genlab.review.compare import Compared, Comparison
from genlab.review.ratings import point_words
from genlab.review.shown import shown

RATINGS = (
    *("item", "student", "sample", "generation", "k", "topic", "criterion", "kind", "rater", "rating", "note", "grader"),
    *("grader_point", "gradings", "remark", "agree", "text"),
)
AGREEMENT = (
    *("first", "second", "others", "kind", "criteria", "unsure", "first_share", "second_share"),
    *(f"{name}{end}" for name in ("raw", "kappa", "alpha") for end in ("", "_low", "_high")),
)


def ratings_csv(comparison: Comparison) -> str:
    """Every rated criterion beside every grader's point, one a row; ``agree`` is 1 or 0, and empty where unsure."""
    rows = []
    for each in comparison.opinions:
        row, agrees = each.row, each.agrees
        told = (
            row.sample,
            row.generation,
            row.k,
            row.topic,
            each.criterion,
            each.kind,
            each.rater,
            point_words(each.point),
            each.note,
        )
        graded = (row.grader, f"{each.graded:g}", each.gradings, each.remark, "" if agrees is None else int(agrees), row.text)
        rows.append((each.item.id, row.student, *told, *graded))
    return table(RATINGS, rows)


def agreement_csv(comparison: Comparison) -> str:
    """Every number of the agreement page, one comparison and kind of criterion a row; the graders stand last among names."""
    lines = (*comparison.with_grader, *comparison.between_people, *comparison.everybody)
    return table(AGREEMENT, [_line(each) for each in lines])


def table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV with ``heading``; characters that cannot be seen are named."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)  # RFC 4180 is its default: commas, double quotes, CRLF
    writer.writerow(heading)
    writer.writerows([[cell(each) for each in row] for row in rows])
    return file.getvalue()


def cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: words that begin like one get an apostrophe in front.

    >>> cell("=1+1"), cell("-0.5"), cell("- a list"), cell(None), cell(0.25)
    ("'=1+1", '-0.5', "'- a list", '', '0.25')
    """
    text = "" if value is None else shown(f"{value:.6g}" if isinstance(value, float) else str(value))
    number = re.fullmatch(r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?", text)
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@", "|", "%") and text.lstrip() and not number else text


def _line(each: Compared) -> list[object]:
    found = each.agreement
    first, second, *others = each.who
    head = [first, second, "; ".join(others), each.kind, found.items, each.unsure, each.shares[0], each.shares[1]]
    return [
        *head,
        *_numbers(found.raw, found.raw_interval),
        *_numbers(found.kappa, found.kappa_interval),
        *_numbers(found.alpha, found.alpha_interval),
    ]


def _numbers(value: float | None, interval: Interval | None) -> list[object]:
    assert value is None or math.isfinite(value), "agreement says None where nothing could be measured"
    return [value, interval.low if interval else None, interval.high if interval else None]
