"""The table of settings that both studies show: what was trained, how it ended, and what was measured at the end."""

from collections.abc import Sequence
from functools import partial

from genlab.results.exhibits import Table
from genlab.results.runs import Run
from genlab.studies.bundles.copies import Trained, tasks, trained
from genlab.studies.bundles.drawing import over_seeds
from genlab.studies.seeds import written

COLUMNS = {
    "training loss": "training_loss",
    "lambda_max": "sharpness",
    "tr(H)": "hessian_trace",
    "tr(F)": "fisher_trace",
    "tr(Sigma)": "noise_trace",
    "|w|^2": "weight_square",
}


def settings_table(runs: Sequence[Run]) -> Table | None:
    """One row a setting: every copy that did not diverge counts, also those that did not reach their goal."""
    rows = []
    for name, ways in tasks(trained(runs)).items():
        for way, grid in ways.items():
            for point, copies in grid.items():
                kept = [each for each in copies.values() if each.ending != "diverged"]
                measured = [written(over_seeds(kept, partial(Trained.last, name=column))) for column in COLUMNS.values()]
                scores = [written(over_seeds(kept, partial(Trained.quality, name=of))) for of in ("validation", "test")]
                reached = sum(each.reached for each in copies.values())
                ended = f"{reached} of {len(copies)}" + (
                    f", {len(copies) - len(kept)} diverged" if len(kept) < len(copies) else ""
                )
                rows.append((name, str(way), f"{point.step_size:g}", f"{point.strength:g}", ended, *measured, *scores))
    if not rows:
        return None
    return Table(
        "settings",
        "Every setting at the end of training",
        "Mean over seeds that did not diverge, with its Student-t 95% interval. A seed that stopped before its goal counts here, "
        "and its training loss says so. Generalization is accuracy; of a regression -log10 of the loss.",
        ("task", "way", "eta", "rho or lambda", "reached the goal", *COLUMNS, "validation", "test"),
        rows,
    )
