"""Graded texts out of a store: the rows that a run's records were made from."""

import dataclasses
import math
from typing import Any, TypeVar

import numpy as np

from genlab.grading.graded import GradedText
from genlab.results.runs import Run

Row = TypeVar("Row")


def texts(run: Run) -> list[GradedText]:
    """A run's records, as the graded texts they were made from."""
    return rows(run, GradedText)


def rows(run: Run, kind: type[Row]) -> list[Row]:
    """A run's records, as the rows of this dataclass that they were made from."""
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]  # every record is a dataclass
    columns = [[_plain(name, value) for value in run.columns[name]] for name in names]
    return [kind(*values) for values in zip(*columns, strict=True)]


def _plain(name: str, value: Any) -> Any:
    """A value as it was before it went through a column."""
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else float(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, list):
        filled = (math.nan if each is None else each for each in value)
        return tuple(filled if name == "truth" else value)
    return value
