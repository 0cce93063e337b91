"""Weights & Biases: a run a condition, grouped by study; online with a key, or offline with WANDB_MODE=offline."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from genlab.mirrors.mirror import COLUMNS, Copied, told, verdict_of_claims

PROJECT = "genlab"


class WeightsAndBiases:
    """Runs in a project. What wandb would add of its own (terminal, commit, command line, machine statistics) is left out.

    Args:
        project: ``project`` or ``entity/project``.

    Raises:
        ModuleNotFoundError: wandb is not installed.
        ValueError: online, and there is no key.
    """

    def __init__(self, project: str = PROJECT) -> None:
        import wandb

        self.entity, _, self.project = project.rpartition("/")
        self.mode = os.environ.get("WANDB_MODE", "online")
        if self.mode == "online" and not _keyed(wandb):
            raise ValueError("--mirror wandb has no key: run wandb login, set WANDB_API_KEY, or set WANDB_MODE=offline")
        self._runs: dict[str, Any] = {}

    def begin(self, run: Copied) -> None:
        self._runs[run.id] = self._init(run)

    def note(self, id: str, step: int, numbers: Mapping[str, float]) -> None:
        self._runs[id].log(dict(numbers), step=step)

    def end(self, id: str, status: str, ending: str) -> None:
        run = self._runs.pop(id)
        run.summary.update({"status": status, "ending": ending})
        run.finish(exit_code=0 if status == "finished" else 1)

    def verdicts(self, run: Copied, rows: Sequence[Mapping[str, Any]]) -> None:
        import wandb

        made = self._init(run)
        made.log({"verdicts": wandb.Table(columns=list(COLUMNS), data=[list(told(row)) for row in rows])})
        made.summary.update(verdict_of_claims(rows))
        made.finish()

    def _init(self, run: Copied) -> Any:
        import wandb

        quiet = wandb.Settings(
            silent=True, console="off", disable_git=True, save_code=False, x_disable_meta=True, x_disable_stats=True
        )
        return wandb.init(
            entity=self.entity or None,
            project=self.project,
            id=run.id,
            name=run.label,
            group=run.study,
            config=dict(run.settings),
            resume="allow" if self.mode == "online" else None,
            reinit="create_new",
            settings=quiet,
        )


def _keyed(wandb: Any) -> bool:
    """Whether wandb has a key; on a terminal it asks for one."""
    try:
        return bool(wandb.login())
    except wandb.errors.Error:
        return False
