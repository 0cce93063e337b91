"""The study's tables: every setting, and how lambda_max and generalization go together in each sweep."""

import math
from collections.abc import Sequence

from genlab.intervals import student_t
from genlab.results.exhibits import Table
from genlab.results.runs import Run
from genlab.studies.bundles.settings_table import settings_table
from genlab.studies.hessian_generalization.effects import correlations
from genlab.studies.seeds import written


def tables(runs: Sequence[Run]) -> Sequence[Table]:
    """The settings; Kendall's tau within each sweep and pooled."""
    return [each for each in (settings_table(runs), _correlations(runs)) if each]


def _correlations(runs: Sequence[Run]) -> Table | None:
    rows = []
    for name, sweeps in correlations(runs).items():
        for sweep, by_seed in sweeps.items():
            values = [value for value in by_seed.values() if math.isfinite(value)]
            said = written(student_t(values)) if len(values) > 1 else ""
            rows.append((name, sweep, said, str(len(values)), str(len(by_seed) - len(values))))
    if not rows:
        return None
    return Table(
        "correlations",
        "Kendall's tau between lambda_max and generalization",
        "Within each sweep, and over all settings of a task (one network; dropout and batch norm are others): one tau a seed, "
        "their mean with its Student-t 95% interval. A tau of -1 says that the flatter of two always generalizes better. Seeds "
        "without a tau had fewer than three settings that trained, or all alike.",
        ("task", "sweep", "tau", "seeds", "without a tau"),
        rows,
    )
