"""What a mirror is: how one tracker takes a condition's settings, its live notes and its ending, and a study's verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Copied:
    """What is copied as one run of the tracker.

    Attributes:
        id: the same whenever this condition of this store is run, so that a resumed condition goes on in its own run.
        study: name of the study: the runs of one study are found together.
        label: the run in a few words.
        settings: JSON values by name; all that determines the condition.
    """

    id: str
    study: str
    label: str
    settings: Mapping[str, Any]


class Mirror(Protocol):
    """A tracker. Its methods are called from one thread, ``begin`` before the others of a run; what they raise is told once."""

    def begin(self, run: Copied) -> None:
        """Open the run, or go on with it, and note its settings."""

    def note(self, id: str, step: int, numbers: Mapping[str, float]) -> None:
        """A few numbers at a step."""

    def end(self, id: str, status: str, ending: str) -> None:
        """Close the run: finished, failed, stopped or died, and why."""

    def verdicts(self, run: Copied, rows: Sequence[Mapping[str, Any]]) -> None:
        """A run of its own for a study's verdicts, rows as those of ``results.verdict_rows``."""


def verdict_of_claims(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The verdict of each claim as a whole, by its id."""
    return {row["claim"]: row["claim_verdict"] for row in rows}


def told(row: Mapping[str, Any]) -> tuple[str, ...]:
    """A verdict's row as the texts of a table: see ``COLUMNS``."""

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.4g}"

    interval = "" if row["low"] is None else f"[{row['low']:.4g}, {row['high']:.4g}]"
    expected = (number(row["expected_low"]), number(row["expected_high"]))
    region = " to ".join(expected) if all(expected) else f"at least {expected[0]}" if expected[0] else f"at most {expected[1]}"
    texts = (row["claim"], row["sentence"], row["setting"] or "", row["verdict"], number(row["effect"]), interval, str(row["n"]))
    return (*texts, region if any(expected) else "", row["note"] or "")


COLUMNS = ("claim", "sentence", "setting", "verdict", "effect", "95% interval", "n", "expected", "note")
