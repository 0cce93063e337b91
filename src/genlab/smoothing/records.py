"""Files of certificates in the layout of locuslab/smoothing: one image a line. Either code's files are read here.

CERTIFY: ``idx label predict radius correct time``, apart by tabs, -1 where it abstains; PREDICT has no ``radius``. Their code
writes times as ``h:mm:ss.ffffff``; most of their published files hold seconds, which are read too. They write three significant
digits of a radius, which may round up to more than was certified; here six decimals are written, rounded down.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

ABSTAIN = -1  # in files, as theirs; None in values
HEADERS = {True: "idx\tlabel\tpredict\tradius\tcorrect\ttime", False: "idx\tlabel\tpredict\tcorrect\ttime"}  # with radius or not
CLOCK = re.compile(r"(?:(?P<days>\d+) days?, )?(?P<hours>\d+):(?P<minutes>\d{2}):(?P<seconds>\d{2}(?:\.\d+)?)")


@dataclass(frozen=True)
class Row:
    """What became of one image.

    Attributes:
        index: of the image in its data set.
        label: its true class.
        predict: the smoothed classifier's class, None where it abstained.
        radius: certified, 0 where it abstained; None in a file of predictions.
        seconds: what it took.
    """

    index: int
    label: int
    predict: int | None
    radius: float | None
    seconds: float = 0.0

    @property
    def correct(self) -> bool:
        """Whether the class is the true one; an abstention is not."""
        return self.predict == self.label

    def line(self) -> str:
        """The row as a line of a file, without its end."""
        time = str(timedelta(seconds=round(self.seconds, 6)))
        predict = ABSTAIN if self.predict is None else self.predict
        radius = () if self.radius is None else (rounded_down(self.radius),)
        return "\t".join(map(str, (self.index, self.label, predict, *radius, int(self.correct), time)))


def rounded_down(radius: float) -> str:
    """Six decimals, never more than ``radius``.

    >>> rounded_down(0.9999999), rounded_down(0.25)
    ('0.999999', '0.250000')
    """
    whole = math.floor(radius * 1e6)
    return f"{whole / 1e6:.6f}"


def parsed(line: str, *, radius: bool) -> Row:
    """A line of a file, with or without a radius.

    Raises:
        ValueError: it is none; the message says what is wrong.
    """
    cells = line.split("\t")
    names = HEADERS[radius].split("\t")
    if len(cells) != len(names):
        raise ValueError(f"{len(cells)} columns where {len(names)} are needed ({', '.join(names)}): {line[:80]!r}")
    cell = dict(zip(names, cells, strict=True))
    try:
        predict = int(cell["predict"])
        row = Row(
            int(cell["idx"]),
            int(cell["label"]),
            None if predict == ABSTAIN else predict,
            float(cell["radius"]) if radius else None,
            seconds(cell["time"]),
        )
        correct = int(cell["correct"])
    except ValueError as error:
        raise ValueError(f"not a row: {line[:80]!r} ({error})") from error
    if row.radius is not None and not 0 <= row.radius < math.inf:
        raise ValueError(f"a radius is 0 or more and finite: {line[:80]!r}")
    if bool(correct) != row.correct:
        raise ValueError(f"correct={correct} does not go with label {row.label} and predict {predict}: {line[:80]!r}")
    return row


def seconds(time: str) -> float:
    """Seconds of a ``time`` column: ``h:mm:ss.ffffff``, with days before it where there are some, or a number.

    >>> seconds("0:00:15.250000"), seconds("1 day, 0:00:01"), seconds("16.9")
    (15.25, 86401.0, 16.9)

    Raises:
        ValueError: neither.
    """
    clock = CLOCK.fullmatch(time.strip())
    if clock is None:
        return float(time)
    days, hours, minutes = (int(clock[part] or 0) for part in ("days", "hours", "minutes"))
    return ((days * 24 + hours) * 60 + minutes) * 60 + float(clock["seconds"])


def read(path: str | Path) -> tuple[Row, ...]:
    """The rows of a file of CERTIFY or PREDICT, in its order.

    Raises:
        ValueError: no such file, another header, a line that is no row (with its number), or an image that comes twice.
    """
    path = Path(path)
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    with_radius = kind(lines[0] if lines else "", path)
    rows: dict[int, Row] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        try:
            row = parsed(line, radius=with_radius)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
        if row.index in rows:
            raise ValueError(f"{path}, line {number}: image {row.index} comes a second time")
        rows[row.index] = row
    return tuple(rows.values())


def kind(header: str, path: Path) -> bool:
    """Whether a header is CERTIFY's (True) or PREDICT's (False).

    Raises:
        ValueError: neither.
    """
    for radius, known in HEADERS.items():
        if header.split() == known.split():
            return radius
    raise ValueError(
        f"{path} begins with {header[:60]!r}; a file of certificates begins with {HEADERS[True].split()}, apart by tabs"
    )


def write(path: str | Path, rows: Sequence[Row]) -> None:
    """Write a whole file, as CERTIFY's if every row has a radius, as PREDICT's if none has.

    Raises:
        ValueError: some have one and some have none.
    """
    kinds = {row.radius is not None for row in rows} or {True}
    if len(kinds) > 1:
        raise ValueError("some rows have a radius and some have none: a file holds either certificates or predictions")
    Path(path).write_text(text(rows, radius=kinds.pop()))


def text(rows: Iterable[Row], *, radius: bool) -> str:
    """A file's text."""
    return "".join(f"{line}\n" for line in (HEADERS[radius], *(row.line() for row in rows)))
