"""One condition in full: its settings, what it stood on, where it ran, and what went wrong."""

from typing import Any

from genlab.results import wording
from genlab.view.watch import Moment, Row
from genlab.visible import clipped, visible

TRACEBACK = 20_000  # characters of a traceback that are shown, its end: the cause stands there


def detail(moment: Moment, row: Row) -> dict[str, Any]:
    """Everything about a condition that is no record, as texts."""
    entry = moment.look.entries[row.id]
    environments = entry.json("environments.json") or []
    return {
        "id": row.id,
        "label": row.label,
        "status": row.status,
        "ending": row.ending,
        "trouble": visible(row.trouble),
        "settings": _pairs(row.settings),
        "facts": _pairs(entry.json("facts.json") or {}),
        "environments": [_pairs(each) for each in environments],
        "traceback": _lines(entry.texts.get("traceback.txt", "")),
    }


def _pairs(found: Any) -> list[list[str]]:
    return [[visible(str(name)), visible(clipped(wording.value(value))[0])] for name, value in dict(found).items()]


def _lines(text: str) -> str:
    kept = text[-TRACEBACK:]
    told = "\n".join(visible(line) for line in kept.splitlines())
    return told if len(kept) == len(text) else f"(the last {TRACEBACK:,} of {len(text):,} characters)\n{told}"
