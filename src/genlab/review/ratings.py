"""Ratings as they are kept: a line of JSON for every click; the last on a criterion counts, and taking back is a click too."""

import json
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from genlab.review.rateable import Rateable

UNSURE = math.nan  # a point that its rater would not give: rated, and in no statistic
MOST_NOTE = 4_000  # characters of a note; our assumption
MOST_NAME = 60  # characters of a rater's name; our assumption
Field = Literal["value", "note", "skipped"]
FIELDS: tuple[Field, ...] = ("value", "note", "skipped")
KNOWN = {"id", "rater", "item", "version", "criterion", "at", "undo", "seconds", *FIELDS}
POINTS: Mapping[Any, float | None] = {1: 1.0, 0: 0.0, "unsure": UNSURE, None: None}


@dataclass(frozen=True)
class Click:
    """One line of a ratings file.

    Attributes:
        rater: the name as it was typed.
        item, criterion: what was rated; ``criterion`` is "" for notes and skips, which are about the whole item.
        field: which of the three was set.
        value: a point (1, 0, ``UNSURE`` or None for taken back), the note, or whether the item was skipped.
        at: when, by the rater's clock.
        seconds: how long it was looked at before, where the page says so.
    """

    rater: str
    item: str
    criterion: str
    field: Field
    value: float | str | bool | None
    at: datetime
    seconds: float | None = None


@dataclass(frozen=True)
class Flaw:
    """A line that does not count, and why."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.why}"


@dataclass(frozen=True)
class Rated:
    """What one rater made of one item.

    Attributes:
        points: one a criterion: 1, 0, NaN for unsure, None where nothing was said or it was taken back.
        note: the rater's words, or "".
        skipped: whether the rater passed it over.
        at: the time of the last click.
        seconds: how long it was looked at before the last point, where the page says so.
    """

    rater: str
    item: str
    points: tuple[float | None, ...]
    note: str
    skipped: bool
    at: datetime
    seconds: float | None = None

    @property
    def full_marks(self) -> float | None:
        """1 if every point was given, 0 if one was refused, None where what was said settles neither."""
        if 0.0 in self.points:
            return 0.0
        return 1.0 if all(point == 1.0 for point in self.points) else None

    @property
    def complete(self) -> bool:
        """Whether every criterion has a 1 or a 0."""
        return all(point in (0.0, 1.0) for point in self.points)

    @property
    def answered(self) -> int:
        """How many criteria were rated, "unsure" among them."""
        return sum(point is not None for point in self.points)


@dataclass(frozen=True)
class Ratings:
    """All ratings of some files, and the lines of theirs that do not count."""

    rated: tuple[Rated, ...] = ()
    flaws: tuple[Flaw, ...] = ()

    @property
    def raters(self) -> tuple[str, ...]:
        """Names of those who rated a criterion, in order."""
        return tuple(dict.fromkeys(each.rater for each in self.rated if each.answered))

    def by_item(self) -> dict[str, dict[str, Rated]]:
        """Ratings by item, then rater."""
        found: dict[str, dict[str, Rated]] = {}
        for each in self.rated:
            found.setdefault(each.item, {})[each.rater] = each
        return found


@dataclass
class _State:
    name: str
    values: dict[tuple[str, str, Field], Click] = field(default_factory=dict)


def read(paths: Iterable[str | Path], items: Mapping[str, Rateable]) -> Ratings:
    """The ratings of several files together, whoever wrote them.

    Within a file the last click on a criterion counts. Between files of one rater (an offline file sent twice, a later one)
    the later click counts. Raters are told apart by name, whatever its case. A line that cannot be read, or rates an unknown
    item or other definitions, is in ``flaws``; a last line that was cut off in the middle is too.

    Args:
        paths: files of ``journal.Journal``, or what the page's "Download ratings" saved.
        items: from ``items.catalogue``.

    Raises:
        ValueError: a file is missing.
    """
    raters: dict[str, _State] = {}
    flaws: list[Flaw] = []
    for path in paths:
        within, wrong = clicks(path, items)
        flaws += wrong
        last: dict[tuple[str, str, str, Field], Click] = {}
        for _, click in within:
            last[identity(click.rater), click.item, click.criterion, click.field] = click
        for (who, *_), click in last.items():
            state = raters.setdefault(who, _State(click.rater))
            key = click.item, click.criterion, click.field
            if key not in state.values or state.values[key].at <= click.at:
                state.values[key] = click
    found = [_rated(state, item) for state in raters.values() for item in _items_of(state, items)]
    return Ratings(tuple(sorted(found, key=lambda each: (each.rater.casefold(), each.item))), tuple(flaws))


def clicks(path: str | Path, items: Mapping[str, Rateable]) -> tuple[list[tuple[dict[str, Any], Click]], list[Flaw]]:
    """The clicks of one file, each as it stands there and as it was read, and the lines that do not count.

    A click that was sent twice, because its answer was lost, has one id and counts once, where it came first.

    Raises:
        ValueError: there is no such file.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"no ratings file {str(path)!r}: expected the .jsonl file that the review page saved")
    found: list[tuple[dict[str, Any], Click]] = []
    flaws: list[Flaw] = []
    seen: set[str] = set()
    lines = file.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for place, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            cut = place == len(lines)
            flaws.append(Flaw(str(path), place, "the line was cut off while it was written" if cut else "not a line of JSON"))
            continue
        try:
            click = parse(record, items)
        except ValueError as error:
            flaws.append(Flaw(str(path), place, str(error)))
            continue
        if record.get("id") not in seen:
            found.append((record, click))
            seen |= {record["id"]} if record.get("id") else set()
    return found, flaws


def parse(record: object, items: Mapping[str, Rateable]) -> Click:
    """A click from its JSON.

    Raises:
        ValueError: what is wrong with it.
    """
    if not isinstance(record, dict):
        raise ValueError(f"a rating is a JSON object, got {type(record).__name__}")
    if unknown := sorted(set(record) - KNOWN):
        raise ValueError(f"a rating has no field {', '.join(map(repr, unknown))[:100]}")
    set_here = [name for name in FIELDS if name in record]
    if len(set_here) != 1:
        raise ValueError(f"a rating sets one of {', '.join(FIELDS)}; this one sets {', '.join(set_here) or 'none'}")
    if not isinstance(record.get("id", ""), str) or not isinstance(record.get("undo", False), bool):
        raise ValueError("id is text, and undo true or false")
    rater = rater_name(record.get("rater"))
    item = items.get(record["item"]) if isinstance(record.get("item"), str) else None
    if item is None:
        raise ValueError(f"unknown text {str(record.get('item'))[:40]!r}: the rating belongs to other results")
    if record.get("version") != item.version:
        raise ValueError(f"text {item.id} was rated with other definitions (version {str(record.get('version'))[:20]!r})")
    name = set_here[0]
    criterion = record.get("criterion", "")
    if name == "value" and criterion not in item.criteria:
        raise ValueError(f"text {item.id} has no criterion {str(criterion)[:80]!r}")
    if name == "value" and item.forced and record["value"] == "unsure":
        raise ValueError(f"{item.id} asks for a choice: 1, 0 or null, not unsure")
    if name != "value" and criterion != "":
        raise ValueError(f"a {name} is about a whole text, not about {str(criterion)[:80]!r}")
    return Click(rater, item.id, criterion, name, _value(name, record[name]), _time(record.get("at")), _seconds(record))


def rater_name(name: object) -> str:
    """A rater's name, its blanks tidied.

    >>> rater_name("  Ana   María ")
    'Ana María'

    Raises:
        ValueError: it is empty, long, or holds other than letters, digits, blanks and ``. _ ' @ + -``.
    """
    tidy = unicodedata.normalize("NFC", " ".join(name.split())) if isinstance(name, str) else ""
    fine = all(unicodedata.category(each)[0] in "LMN" or each in " ._'’@+-" for each in tidy)
    if not tidy or len(tidy) > MOST_NAME or not fine:
        raise ValueError(f"a rater's name is 1 to {MOST_NAME} letters, digits, blanks and . _ ' @ + -; got {str(name)[:80]!r}")
    return tidy


def identity(rater: str) -> str:
    """What tells raters apart: the name, whatever its case."""
    return rater_name(rater).casefold()


def point_words(point: float | None) -> str:
    """A point in a word.

    >>> [point_words(each) for each in (1.0, 0.0, UNSURE, None)]
    ['1', '0', 'unsure', '']
    """
    return "" if point is None else "unsure" if math.isnan(point) else f"{point:g}"


def _value(name: Field, value: Any) -> float | str | bool | None:
    if name == "value":
        if isinstance(value, bool | list | dict) or value not in POINTS:
            raise ValueError(f'a value is 1, 0, "unsure" or null, got {str(value)[:40]!r}')
        return POINTS[value]
    if name == "note":
        if not isinstance(value, str) or len(value) > MOST_NOTE:
            raise ValueError(f"a note is text of at most {MOST_NOTE:,} characters")
        return value
    if not isinstance(value, bool):
        raise ValueError(f"skipped is true or false, got {str(value)[:40]!r}")
    return value


def _time(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"at is a time such as 2026-11-24T10:12:00Z, got {str(value)[:40]!r}") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _seconds(record: Mapping[str, Any]) -> float | None:
    value = record.get("seconds")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"seconds are a number from 0, got {str(value)[:40]!r}")
    return float(value)


def _items_of(state: _State, items: Mapping[str, Rateable]) -> Sequence[Rateable]:
    return [items[name] for name in dict.fromkeys(item for item, _, _ in state.values)]


def _rated(state: _State, item: Rateable) -> Rated:
    def last(criterion: str, name: Field) -> Any:
        click = state.values.get((item.id, criterion, name))
        return click.value if click else None

    points = sorted(
        (click for (name, _, which), click in state.values.items() if name == item.id and which == "value"),
        key=lambda click: click.at,
    )
    return Rated(
        rater=state.name,
        item=item.id,
        points=tuple(last(criterion, "value") for criterion in item.criteria),
        note=last("", "note") or "",
        skipped=bool(last("", "skipped")),
        seconds=points[-1].seconds if points else None,
        at=max(click.at for (name, _, _), click in state.values.items() if name == item.id),
    )
