"""The page as one file for somebody else: the same table, curves and verdicts, with nothing to ask of any network."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genlab.results.interactive import numbers
from genlab.results.report import sections
from genlab.results.store import Store, replace
from genlab.view.detail import detail
from genlab.view.findings import findings, judged
from genlab.view.page import whole
from genlab.view.series import Columns, curves
from genlab.view.table import SHOWN_METRICS, table
from genlab.view.watch import Moment, Row, Watch
from genlab.visible import visible

CURVES_BYTES = 8_000_000  # of all curves; with the libraries' 5.4 MB the file still goes by mail: our assumption, as the next two
PART_BYTES = 8_000_000  # of a study's figures, tables, pictures and examples
DETAILS_BYTES = 2_000_000  # of settings, environments and tracebacks in full
POINTS = (400, 200, 100, 50)  # of a curve at most, about; the first that fits


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        size: bytes.
        notes: what the file lacks, as the page says it.
    """

    path: Path
    size: int
    notes: tuple[str, ...]


def export(store: Store, file: str | Path) -> Exported:
    """Write the page of a store, as it is now, as one file; an older file stays until the new one is whole.

    Raises:
        ValueError: the file's folder is missing or cannot be written, or the store holds no condition.
        StoreError: the store cannot be read.
    """
    path = Path(file)
    if not path.parent.is_dir():
        raise ValueError(f"no folder {str(path.parent)!r} to write {path.name} to: make it, or choose another")
    if path.is_dir():
        raise ValueError(f"{path} is a folder: --export wants a file, such as {path / 'view.html'}")
    text, notes = page_of(Watch(store))
    data = text.encode()
    try:
        replace(path, data)
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror}. Choose another place") from error
    return Exported(path, len(data), notes)


def page_of(watch: Watch) -> tuple[str, tuple[str, ...]]:
    """The page in one file, and what had to be left out of it."""
    moment = watch.moment()
    if not moment.rows:
        raise ValueError(f"{watch.store.url} holds no condition: there is nothing to export yet")
    made = f"as of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    notes = [f"This is a copy, {made}: transcripts, and what comes later, are in the store only."]
    tables, drawn, parts = {}, {}, {}
    for study, rows in moment.rows.items():
        data = tables[study] = table(moment, study)
        axis = data["axes"][:1]
        if len(data["axes"]) > 1:
            notes.append(f"{study}: curves run along {axis[0]}; those along {', '.join(data['axes'][1:])} are in the store only.")
        data["axes"] = axis
        if axis:
            kept, told = _curves(watch, moment, rows, axis[0], data["metrics"], CURVES_BYTES // len(moment.rows))
            drawn[study] = {axis[0]: kept}
            notes += [f"{study}: {each}" for each in told]
        parts[study], told = _part(moment, study)
        notes += [f"{study}: {each}" for each in told]
    details, told = _details(moment)
    notes += told
    given = {
        "now": {"studies": _studies(moment)},
        "tables": tables,
        "curves": drawn,
        "details": details,
        "notes": notes,
        "made": made,
    }
    place = visible(Path(watch.store.url).name or watch.store.url)  # the path on this machine is nobody's business
    return whole(place, given, parts), tuple(notes)


def _studies(moment: Moment) -> list[dict[str, Any]]:
    return [{"name": name, "version": moment.versions[name], "conditions": len(rows)} for name, rows in moment.rows.items()]


def _curves(
    watch: Watch, moment: Moment, rows: Sequence[Row], axis: str, metrics: Sequence[str], most: int
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """Curves of every metric within so many bytes: fewer points first, then fewer metrics, then fewer conditions."""
    records = {run.id: run.columns for run in moment.look.runs(row.id for row in rows if row.status == "finished")}
    records |= {row.id: watch.columns(row) for row in rows if row.status != "finished"}
    tries = [(points, list(metrics)) for points in POINTS] + [(POINTS[-1], list(metrics[:SHOWN_METRICS]))]
    for number, (points, some) in enumerate(tries, start=1):
        kept: dict[str, list[dict[str, Any]]] = {name: [] for name in some}
        size, done, recorded = 0, 0, 0
        for row in rows:
            entries = list(_entries(row, records.get(row.id, {}), axis, some, points))
            size += sum(len(json.dumps(entry)) for _, entry in entries)
            if size > most:
                break
            for name, entry in entries:
                kept[name].append(entry)
                recorded = max(recorded, entry["recorded"])
            done += 1
        if done == len(rows) or number == len(tries):
            told = []
            if recorded > points:
                told.append(f"curves are thinned to about {points} points with their extremes kept.")
            if len(some) < len(metrics):
                told.append(f"curves of {', '.join(some)} only.")
            if done < len(rows):
                told.append(f"curves of the first {done:,} of {len(rows):,} conditions only.")
            return kept, told
    raise AssertionError("the last try always ends")


def _entries(row: Row, columns: Columns, axis: str, metrics: Sequence[str], points: int) -> Iterator[tuple[str, dict[str, Any]]]:
    if axis not in row.axes:
        return
    for name in metrics:
        if name in row.final and row.final[name] == row.final[name]:
            for each in curves(columns, name, axis, points=points):
                drawn = {"x": numbers(each.x), "y": numbers(each.y), "recorded": each.recorded}
                yield name, {"id": row.id, "name": visible(each.name), **drawn}


def _part(moment: Moment, study: str) -> tuple[str, list[str]]:
    """What the study found; without figures and the like where these are too large."""
    text = findings(moment, study)
    if len(text) <= PART_BYTES:
        return text, []
    bare = dataclasses.replace(judged(moment, study), figures=(), pictures=(), passages=())
    text = sections(bare, {row.id: f"#condition={row.id}" for row in moment.rows[study]})
    return text, ["the study's figures, pictures and examples were too large for this file: genlab report makes them."]


def _details(moment: Moment) -> tuple[Mapping[str, Any], list[str]]:
    rows = [row for each in moment.rows.values() for row in each]
    found = {row.id: detail(moment, row) for row in rows if row.status == "failed"}
    size = len(json.dumps(found))
    for row in rows:
        if row.id not in found:
            told = detail(moment, row)
            size += len(json.dumps(told))
            if size > DETAILS_BYTES:
                return found, [f"settings and environments in full of {len(found):,} of {len(rows):,} conditions only."]
            found[row.id] = told
    return found, []
