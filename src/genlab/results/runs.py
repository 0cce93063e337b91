"""What a reader of the store gets: one finished condition with its settings, its outcome and its record columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Settings = Mapping[str, Any]  # JSON values only: what determines a condition, by field name


@dataclass(frozen=True)
class Run:
    """One condition that ran to its end.

    Attributes:
        id: the condition's id, hash of all that determines it.
        settings: the fields of the condition.
        ending: why it stopped: "steps", "loss goal", "diverged", ... (the study's words).
        columns: one array a record field, all of one length. A float column holds NaN where nothing was recorded.
    """

    id: str
    settings: Settings
    ending: str
    columns: Mapping[str, NDArray[Any]]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def measured(self, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """``(row indices, values)`` of the rows in which a numeric column was recorded (is not NaN)."""
        values = self.columns[name]
        rows = np.flatnonzero(~np.isnan(values))
        return rows, values[rows]
