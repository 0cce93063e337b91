"""The conditions of a study as a table: settings that differ, how each ended, and one number a metric."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Any

from genlab.results import wording
from genlab.view.watch import Moment, Row
from genlab.visible import visible

SHOWN_SETTINGS, SHOWN_METRICS = 8, 5  # columns that a reader sees before choosing others: our assumption, a wide screen's worth
TOLD_SAME = 60  # settings that do not differ, told above the table
DIGITS = 6  # of a metric in the table
SEED, NONE = "seed", "none"

Cell = int | float | str | None


def table(moment: Moment, study: str) -> dict[str, Any]:
    """What the page needs to show a study's conditions: columns, one list of cells a condition, and what can be drawn of them.

    Numbers are numbers, or "nan", "inf" and "-inf"; what is not there is null. Every text is safe to show as text.
    """
    rows, known = moment.rows[study], moment.studies[study]
    settings = list(dict.fromkeys(name for row in rows for name in row.settings))
    told = {name: [_setting(row.settings, name) for row in rows] for name in settings}
    differ = [name for name in settings if len({_key(cell) for cell in told[name]}) > 1]
    numeric = {name for name in settings if all(cell in (None, NONE) or isinstance(cell, int | float) for cell in told[name])}
    for name in numeric:
        told[name] = [None if cell == NONE else cell for cell in told[name]]
    metrics = _metrics(rows, numeric)
    columns: list[dict[str, Any]] = []
    cells: list[Sequence[Cell]] = []

    def add(key: str, label: str, kind: str, column: Sequence[Cell], *, numeric: bool, shown: bool) -> None:
        columns.append({"key": key, "label": visible(label), "kind": kind, "numeric": numeric, "shown": shown})
        cells.append(column)

    add("label", "condition", "own", [row.label for row in rows], numeric=False, shown=True)
    add("status", "status", "own", [row.status for row in rows], numeric=False, shown=True)
    add("ending", "ended by", "own", [row.ending or row.trouble for row in rows], numeric=False, shown=True)
    for name in metrics:
        how = "last" if any(row.axes and name in row.final for row in rows) else "mean"
        read = [_number(row.final.get(name)) for row in rows]
        add(f"metric {name}", f"{name}, {how}", "metric", read, numeric=True, shown=name in metrics[:SHOWN_METRICS])
    for place, name in enumerate(differ):
        read = told[name] if name in numeric else [None if cell is None else str(cell) for cell in told[name]]
        add(f"setting {name}", name, "setting", read, numeric=name in numeric, shown=place < SHOWN_SETTINGS)
    add("records", "records", "own", [row.records for row in rows], numeric=True, shown=True)
    add("seconds", "CPU seconds", "own", [row.seconds for row in rows], numeric=True, shown=True)
    add("id", "id", "own", [row.id for row in rows], numeric=False, shown=False)
    return {
        "study": study,
        "title": visible(known.title or study),
        "paper": visible(known.paper),
        "missing": visible(known.missing),
        "version": moment.versions[study],
        "columns": columns,
        "rows": [list(each) for each in zip(*cells, strict=True)],
        "groups": [_group(row) for row in rows],
        "same": [
            [visible(name), NONE if told[name][0] is None else str(told[name][0])] for name in settings if name not in differ
        ][:TOLD_SAME],
        "axes": list(dict.fromkeys(axis for row in rows for axis in row.axes)),
        "metrics": metrics,
        "along": [name for name in differ if name != SEED and name in numeric],
        "counts": Counter(row.status for row in rows),
    }


def _metrics(rows: Sequence[Row], numeric: Set[str]) -> list[str]:
    """Those that any condition recorded; a mean that repeats a setting is none."""
    found = dict.fromkeys(name for row in rows for name, value in row.final.items() if not math.isnan(value))
    along = any(row.axes for row in rows)
    return [name for name in found if along or name not in numeric]


def _setting(settings: Mapping[str, Any], name: str) -> Cell:
    value = settings.get(name)
    if name not in settings or value is None:
        return None if name not in settings else NONE
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return visible(wording.value(value))


def _key(cell: Cell) -> tuple[str, Cell]:
    return type(cell).__name__ if not isinstance(cell, int | float) else "number", cell


def _number(value: float | None) -> Cell:
    if value is None or math.isnan(value):
        return None
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else str(value)


def _group(row: Row) -> str:
    """A condition's label without its seed: what shares a colour."""
    return row.label.removesuffix(f" seed {row.settings.get(SEED)}")
