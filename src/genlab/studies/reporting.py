"""From a store to what people read: verdicts, the report page, PNG figures, CSV tables."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from genlab.results import png
from genlab.results.claims import Judged, judge
from genlab.results.exhibits import written
from genlab.results.index import Entry, Look
from genlab.results.pictures import grid
from genlab.results.report import ConditionRow, Report, html
from genlab.results.runs import Run
from genlab.results.store import Store, StoreError
from genlab.studies.catalogue import STUDIES, Choice, load, presets
from genlab.studies.study import Study

# What makes two environments two versions: all that can change a record.
VERSION = (
    *("genlab", "commit", "study file", "python", "torch", "numpy", "scipy", "scikit-learn"),
    *("processor", "device", "threads"),
)


@dataclass(frozen=True)
class Summary:
    """What a store says of one study."""

    study: Study
    runs: tuple[Run, ...]
    judged: tuple[Judged, ...]
    rows: tuple[ConditionRow, ...]
    environments: Mapping[str, Mapping[str, str]]
    warnings: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]]


def summaries(store: Store) -> list[Summary]:
    """One a study in the store.

    Raises:
        ValueError: the store is empty, or holds a study whose file is gone.
    """
    look = store.look()
    found = grouped(look)
    if not found:
        raise ValueError(f"{store.url} holds no condition: is it a store? Make one with genlab run STUDY --out {store.url}")
    return [summary_of(look, name) for name in found]


def grouped(look: Look) -> dict[str, tuple[str, list[str]]]:
    """The studies of a store by name: where each is found, as the last of its conditions says, and its conditions' ids."""
    found: dict[str, tuple[str, list[str]]] = {}
    for id, condition in _conditions(look):
        ids = found[condition["study"]][1] if condition["study"] in found else []
        ids.append(id)
        found[condition["study"]] = condition["reference"], ids
    return found


def summary_of(look: Look, name: str) -> Summary:
    """What a store says of the study ``name``, of which it holds a condition.

    Raises:
        ValueError: the study's file is gone.
    """
    reference, ids = grouped(look)[name]
    return _summary(look, _study(reference), ids)


def adopt(store: Store, name: str, reference: str) -> None:
    """Note where the study ``name`` is found now, in all its conditions: a file of one's own may have moved."""
    for id, condition in _conditions(store.look()):
        if condition["study"] == name and condition["reference"] != reference:
            store.put_json(f"conditions/{id}/condition.json", {**condition, "reference": reference})


def _conditions(look: Look) -> Iterator[tuple[str, dict[str, Any]]]:
    for id, entry in look.entries.items():
        condition = entry.json("condition.json")
        if "reference" not in condition:
            raise StoreError(
                f"{look.store.url}/conditions/{id}/condition.json is not a condition: restore it or delete its folder"
            )
        yield id, condition


def report_of(store: Store, summary: Summary) -> Report:
    """What the page shows."""
    return Report(
        study=summary.study.name,
        title=summary.study.title,
        paper=summary.study.paper,
        bibtex=summary.study.bibtex,
        command=store.get_json("command.json") or "",
        made=datetime.now(UTC),
        preset=_scale(summary),
        hardware=_hardware(summary.environments),
        judged=summary.judged,
        figures=tuple(summary.study.figures(summary.runs)),
        conditions=summary.rows,
        settings=summary.settings,
        environments=summary.environments,
        warnings=summary.warnings,
        tables=tuple(summary.study.tables(summary.runs)),
        passages=tuple(summary.study.passages(summary.runs)),
        pictures=tuple(summary.study.pictures(summary.runs)),
        intervals=summary.study.intervals,
    )


def write(store: Store, report: Report, *, name: str = "report") -> list[str]:
    """Write ``report.html``, a PNG and an SVG a figure, a PNG a grid of pictures, a CSV a table.

    Returns:
        The names written, the page first.
    """
    names = [f"{name}.html"]
    store.put(names[0], html(report).encode())
    for figure in report.figures:
        for kind in ("png", "svg"):
            names.append(f"figures/{report.study}-{figure.name}.{kind}")
            store.put(names[-1], png.render(figure, kind=kind))
    for pictures in report.pictures:
        names.append(f"figures/{report.study}-{pictures.name}.png")
        store.put(names[-1], grid(pictures))
    for table in report.tables:
        names.append(f"tables/{report.study}-{table.name}.csv")
        store.put(names[-1], written(table))
    return names


def _study(reference: str) -> Study:
    known = presets(reference)
    return load(Choice(reference, next(iter(known))))[0]


def _summary(look: Look, study: Study, ids: Sequence[str]) -> Summary:
    rows: list[ConditionRow] = []
    runs = look.runs(ids)
    environments: dict[str, dict[str, str]] = {}
    versions: set[str] = set()
    checksums: dict[str, set[str]] = defaultdict(set)
    facts: dict[str, dict[str, str]] = {}
    mixed: list[str] = []
    for id in ids:
        entry = look.entries[id]
        row, seen = _row(entry, study)
        rows.append(row)
        environments |= seen
        own = {_version(each) for each in seen.values()}
        versions |= own
        if len(own) > 1:
            mixed.append(id)
        facts[id] = entry.json("facts.json") or {}
        checksums[facts[id].get("data", "")].add(facts[id].get("data checksum", ""))
    warnings = []
    if len(versions) > 1:
        warnings.append(f"This store holds results of {len(versions)} versions: " + "; ".join(sorted(versions)) + ".")
    if mixed:
        warnings.append(f"Resumed under another version: {', '.join(mixed)}.")
    warnings += [f"{name} had {len(each)} different contents (by checksum)." for name, each in checksums.items() if len(each) > 1]
    warnings += sorted({f"{each['data']}: {each['data note']}." for each in facts.values() if each.get("data note")})
    warnings += study.remarks(runs)
    rows.sort(key=lambda row: row.label)
    judged = judge(study.claims(), runs)
    return Summary(study, tuple(runs), judged, tuple(rows), environments, tuple(warnings), _shared(rows, facts))


def _row(entry: Entry, study: Study) -> tuple[ConditionRow, dict[str, dict[str, str]]]:
    settings = json.loads(entry.settings)
    outcome = entry.json("outcome.json") or {"status": "incomplete"}
    seen = {_digest(each): each for each in entry.json("environments.json") or []}
    row = ConditionRow(
        id=entry.id,
        label=study.label(settings),
        settings=settings,
        status=outcome["status"],
        ending=outcome.get("ending", ""),
        records=outcome.get("records", 0),
        seconds=outcome.get("cpu_seconds"),
        note=entry.texts.get("traceback.txt", ""),
        environment=list(seen)[-1] if seen else "",
    )
    return row, seen


def _shared(rows: Sequence[ConditionRow], facts: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Any]]:
    """Settings and facts by the condition's label without its seed."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        shared = {name: value for name, value in {**row.settings, **facts[row.id]}.items() if name != "seed"}
        if shared in found.values():
            continue
        label = row.label.removesuffix(f" seed {row.settings['seed']}")
        twins = sum(name.partition(" (")[0] == label for name in found)
        found[f"{label} ({twins + 1})" if twins else label] = shared
    return found


def _version(environment: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {environment[name]}" for name in VERSION if environment.get(name))


def _digest(environment: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(environment, sort_keys=True).encode()).hexdigest()[:8]


def _hardware(environments: Mapping[str, Mapping[str, str]]) -> str:
    return "; ".join(dict.fromkeys(f"{each['device']}, {each['processor']}" for each in environments.values()))


def _scale(summary: Summary) -> str:
    """Whether these are the conditions of a preset, or others."""
    found = {row.id for row in summary.rows}
    words = {"paper": "the paper's settings", "mini": "a miniature, not the paper's own scale"}
    if summary.study.name in STUDIES:
        for name, preset in presets(summary.study.name).items():
            ids = {condition.id for study in preset() for condition in study.conditions()}
            if found <= ids:
                return words.get(name, f"preset {name}")
    return "settings of your own, of no preset"
