"""The study's tables: the arms as chosen, and every setting."""

from collections.abc import Sequence

from genlab.results.exhibits import Table
from genlab.results.runs import Run
from genlab.studies.bundles.drawing import over_seeds
from genlab.studies.bundles.settings_table import settings_table
from genlab.studies.implicit_regularization.arms import all_tasks, gap, share, tested, validated
from genlab.studies.implicit_regularization.figures import named
from genlab.studies.seeds import written


def tables(runs: Sequence[Run]) -> Sequence[Table]:
    """The arms of each task; the settings."""
    return [each for each in (_arms(runs), settings_table(runs)) if each]


def _arms(runs: Sequence[Run]) -> Table | None:
    rows = []
    for task in all_tasks(runs):
        between = gap(task)
        for name, arm in named(task).items():
            copies = list(arm.copies.values())
            known = between is not None and between.low > 0 and arm not in (task.small, task.large)
            rows.append(
                (
                    task.name,
                    name,
                    f"{arm.point.step_size:g}" if arm.point else "",
                    f"{arm.point.strength:g}" if arm.point and arm.point.strength else "",
                    written(over_seeds(copies, validated)),
                    written(over_seeds(copies, tested)),
                    written(over_seeds(copies, lambda each: each.quality())),
                    written(share(task, arm)) if known else "",
                    written(over_seeds(copies, lambda each: each.last("training_loss"))),
                    str(len(copies)),
                )
            )
    if not rows:
        return None
    return Table(
        "arms",
        "The arms, each at the step size and strength that validation data chose",
        "Generalization (accuracy; of a regression -log10 of the loss) at the record best on validation data, and at the last "
        "one; the share of the gap between LB and SB that an arm closes, where there is a gap. Mean over seeds, 95% interval.",
        ("task", "arm", "eta", "lambda", "validation", "test", "test, last", "share of the gap", "training loss", "seeds"),
        rows,
    )
