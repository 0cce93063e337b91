"""What a report shows beside figures: tables, and passages, which are texts with the judgement they were given.

Passages and cells hold words that a model, a grader or a stranger wrote. They are values here; the page shows every character
of them as text, and names those that would hide or reorder it (``genlab.visible``).
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

# OWASP's list for CSV injection; the last four are = + - @ in full width, which some spreadsheets read alike.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
Outcome = Literal["success", "failure", "other"]


@dataclass(frozen=True)
class Table:
    """Rows of words under named columns; ``name`` becomes the file name, and the first cell of a row names the row.

    >>> Table("pass", "Pass rates", "Ours.", ("model", "k = 2"), (("a", "0.31", "0.2"),))
    Traceback (most recent call last):
      ...
    ValueError: table 'pass' has 2 columns, and row 0 has 3 cells
    """

    name: str
    title: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError(f"table {self.name!r} needs a column")
        for place, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.name!r} has {len(self.columns)} columns, and row {place} has {len(row)} cells")

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold numbers only, to be set to the right; blank cells and dashes count as missing numbers."""
        columns = [[row[place] for row in self.rows] for place in range(len(self.columns))]
        found = [[cell for cell in column if cell.strip() not in {"", "-", "–"}] for column in columns]
        return tuple(bool(cells) and all(_is_number(cell.removesuffix("%")) for cell in cells) for cells in found)


@dataclass(frozen=True)
class Passage:
    """One text, and what was made of it.

    Attributes:
        verdict: in one word for the whole, shown beside the title.
        facts: where it comes from, such as the student and k, by name.
        text: as it was written, line breaks and all; the page shows the beginning of a very long one and says so.
        marks: for each criterion its name, whether it was earned (None: not graded), and a short remark or "".
    """

    title: str
    verdict: Outcome
    facts: Mapping[str, str]
    text: str
    marks: Sequence[tuple[str, bool | None, str]] = ()


@dataclass(frozen=True)
class Passages:
    """Passages under one caption, which should say how they were chosen."""

    name: str
    title: str
    caption: str
    items: Sequence[Passage] = field(default_factory=tuple)


def written(table: Table) -> bytes:
    r"""A table as CSV in UTF-8: a heading, the rows, and no notes.

    A spreadsheet runs a cell that begins like a formula. Such a cell (= + - @, a tab or a line end in front) that is not a number
    gets an apostrophe in front, as in the CSV that the page itself saves; so "-0.2" stays and "-0.2 [-0.3, -0.1]" gets one, and
    a program that reads words back takes one leading apostrophe off. Half characters are written as "\ud800".

    >>> written(Table("t", "", "", ("model", "change"), (("=1+1", "-0.2"), ("a, b", "-0.2 [-0.3, -0.1]")))).decode().splitlines()
    ['model,change', "'=1+1,-0.2", '"a, b","\'-0.2 [-0.3, -0.1]"']
    """
    file = io.StringIO()
    rows = csv.writer(file)
    for row in (table.columns, *table.rows):
        rows.writerow([f"'{cell}" if cell.startswith(FORMULA) and not _is_number(cell) else cell for cell in row])
    return file.getvalue().encode("utf-8", "backslashreplace")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell and cell == cell.strip()
