"""trackio: a run a condition, grouped by study, in the folder of this machine that trackio keeps (TRACKIO_DIR)."""

import contextvars
import math
from collections.abc import Mapping, Sequence
from typing import Any

from genlab.mirrors.mirror import COLUMNS, Copied, told


class Trackio:
    """Runs in a project. What trackio would add of its own (processors, memory) is left out; ``trackio show`` opens its page.

    A run is found again by its name, so names end with the run's id. trackio shows a run's settings as they were when it was
    first opened.

    Args:
        project: the project's name; trackio keeps some for itself.

    Raises:
        ModuleNotFoundError: trackio is not installed.
        ValueError: a name that trackio keeps for itself.
    """

    def __init__(self, project: str) -> None:
        import trackio.run
        from trackio.sqlite_storage import SQLiteStorage

        for module in (trackio, trackio.run, trackio.utils):  # not sys.stdout, which what runs beside prints to
            vars(module)["print"] = lambda *_, **__: None
        try:
            SQLiteStorage.validate_project_name(project)
        except ValueError as error:
            raise ValueError(f"--mirror trackio={project}: {error}") from error
        self.project = project
        self._runs: dict[str, Any] = {}

    def begin(self, run: Copied) -> None:
        self._runs[run.id] = self._init(run)

    def note(self, id: str, step: int, numbers: Mapping[str, float]) -> None:
        finite = {name: value for name, value in numbers.items() if math.isfinite(value)}
        self._runs[id].log(finite, step=step)

    def end(self, id: str, status: str, ending: str) -> None:
        run = self._runs.pop(id)
        run.log({"status": status, "ending": ending})
        run.finish()

    def verdicts(self, run: Copied, rows: Sequence[Mapping[str, Any]]) -> None:
        import trackio

        made = self._init(run)
        made.log({"verdicts": trackio.Table(columns=list(COLUMNS), data=[list(told(row)) for row in rows])})
        made.finish()

    def _init(self, run: Copied) -> Any:
        import trackio

        return contextvars.Context().run(  # as if it were the first run: trackio finishes the one before
            trackio.init,
            project=self.project,
            name=f"{run.label} {run.id}",
            group=run.study,
            config={name.lstrip("_"): value for name, value in run.settings.items()},
            resume="allow",
            embed=False,
            auto_log_cpu=False,
            auto_log_gpu=False,
        )
