"""MLflow: a run a condition in the study's experiment, on a tracking server or in a local store."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from genlab.mirrors.mirror import COLUMNS, Copied, told, verdict_of_claims
from genlab.mirrors.secrets import hidden, refuse

OURS = "genlab.run"  # the tag by which a resumed condition finds its run
LONGEST = 500  # characters of a parameter's value: the limit of servers before MLflow 2.8
STATUS = {"finished": "FINISHED", "stopped": "KILLED"}


class MLflow:
    """Runs on a tracking server. Settings are parameters, the ending and the claims' verdicts tags, notes metrics.

    Args:
        uri: of the tracking server or store; by default MLflow's own, from ``MLFLOW_TRACKING_URI``.

    Raises:
        ModuleNotFoundError: mlflow is not installed.
        ValueError: the URI holds a password, or cannot be opened.
    """

    def __init__(self, uri: str = "") -> None:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        refuse(uri, "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
        try:
            self.client = MlflowClient(tracking_uri=uri or None)
        except (MlflowException, ImportError) as error:  # a store that this MLflow cannot open
            place = f"={uri}" if uri else ", without a place or MLFLOW_TRACKING_URI,"
            raise ValueError(f"--mirror mlflow{place} cannot be opened: {hidden(str(error)).strip()}") from error
        self._runs: dict[str, str] = {}

    def begin(self, run: Copied) -> None:
        self._runs[run.id] = self._open(run)

    def note(self, id: str, step: int, numbers: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self.client.log_batch(
            self._runs[id], metrics=[Metric(_key(name), float(value), now, step) for name, value in numbers.items()]
        )

    def end(self, id: str, status: str, ending: str) -> None:
        run = self._runs.pop(id)
        self.client.set_tag(run, "status", status)
        self.client.set_tag(run, "ending", ending)
        self.client.set_terminated(run, STATUS.get(status, "FAILED"))

    def verdicts(self, run: Copied, rows: Sequence[Mapping[str, Any]]) -> None:
        opened = self._open(run)
        for claim, verdict in verdict_of_claims(rows).items():
            self.client.set_tag(opened, _key(claim), verdict)
        table = {"columns": list(COLUMNS), "data": [list(told(row)) for row in rows]}
        self.client.log_dict(opened, table, "verdicts.json")
        self.client.set_terminated(opened)

    def _open(self, run: Copied) -> str:
        """The run that this condition had, running again, or a new one with its settings."""
        from mlflow.entities import Param

        known = self.client.get_experiment_by_name(run.study)
        experiment = known.experiment_id if known else self.client.create_experiment(run.study)
        found = self.client.search_runs([experiment], filter_string=f"tags.`{OURS}` = '{run.id}'", max_results=1)
        if found:
            self.client.update_run(found[0].info.run_id, status="RUNNING")
            return str(found[0].info.run_id)
        made = self.client.create_run(experiment, run_name=run.label, tags={OURS: run.id})
        texts = {_key(name): value if isinstance(value, str) else json.dumps(value) for name, value in run.settings.items()}
        self.client.log_batch(made.info.run_id, params=[Param(name, text[:LONGEST]) for name, text in texts.items()])
        return str(made.info.run_id)


def _key(name: str) -> str:
    """A name as MLflow takes one."""
    return re.sub(r"[^\w.: /-]", "_", name)
