"""Graded texts out of a store: the rows that a run's records were made from."""

import dataclasses
import math
from typing import Any

import numpy as np

from genlab.grading.graded import GradedText
from genlab.results.runs import Run


def texts(run: Run) -> list[GradedText]:
    """A run's records, as the rows they were made from."""
    names = [field.name for field in dataclasses.fields(GradedText)]
    columns = [[_plain(name, value) for value in run.columns[name]] for name in names]
    return [GradedText(*values) for values in zip(*columns, strict=True)]


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
