"""TensorBoard: event files that it reads while they are written, by its own writer; neither TensorFlow nor torch is needed."""

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genlab.mirrors.mirror import COLUMNS, Copied, told

FLUSH_SECONDS = 5  # until a note is seen; our assumption


class TensorBoard:
    """A folder of event files a run, ``FOLDER/STUDY/LABEL ID``: scalars by step, settings as hyperparameters, the ending.

    Args:
        folder: what ``tensorboard --logdir`` is given.

    Raises:
        ModuleNotFoundError: tensorboard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        from tensorboard.summary.writer import event_file_writer

        self.folder = Path(folder)
        self._writer = event_file_writer.EventFileWriter
        self._writers: dict[str, Any] = {}
        self._fresh: set[str] = set()  # begun, and not noted since

    def begin(self, run: Copied) -> None:
        from tensorboard.plugins.hparams import summary_v2

        folder = self.folder / run.study / _name(run)
        self._fresh.add(run.id)
        self._writers[run.id] = self._writer(str(folder), flush_secs=FLUSH_SECONDS)
        flat = {
            name: value if isinstance(value, bool | int | float | str) else json.dumps(value)
            for name, value in run.settings.items()
        }
        self._add(run.id, summary_v2.hparams_pb(flat, trial_id=run.id))

    def note(self, id: str, step: int, numbers: Mapping[str, float]) -> None:
        from tensorboard.compat.proto import event_pb2
        from tensorboard.plugins.scalar import summary_v2

        if id in self._fresh:  # a start; TensorBoard drops what it had from the step of any start but a run's first
            self._fresh.discard(id)
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._writers[id].add_event(event_pb2.Event(wall_time=time.time(), step=step, session_log=start))
        for name, value in numbers.items():
            self._add(id, summary_v2.scalar_pb(name, float(value)), step)

    def end(self, id: str, status: str, ending: str) -> None:
        from tensorboard.compat.proto import summary_pb2
        from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
        from tensorboard.plugins.text import summary_v2

        self._add(id, summary_v2.text_pb("ending", f"{status}: {ending}" if ending else status))
        state = api_pb2.STATUS_SUCCESS if status == "finished" else api_pb2.STATUS_FAILURE
        data = plugin_data_pb2.HParamsPluginData(session_end_info={"status": state, "end_time_secs": time.time()})
        about = metadata.create_summary_metadata(data)
        value = {"tag": metadata.SESSION_END_INFO_TAG, "metadata": about, "tensor": metadata.NULL_TENSOR}
        self._add(id, summary_pb2.Summary(value=[summary_pb2.Summary.Value(**value)]))
        self._writers.pop(id).close()

    def verdicts(self, run: Copied, rows: Sequence[Mapping[str, Any]]) -> None:
        from tensorboard.plugins.text import summary_v2

        lines = [COLUMNS, ("---",) * len(COLUMNS), *map(told, rows)]
        table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        self._writers[run.id] = self._writer(str(self.folder / run.study / _name(run)), flush_secs=FLUSH_SECONDS)
        self._add(run.id, summary_v2.text_pb("verdicts", table))
        self._writers.pop(run.id).close()

    def _add(self, id: str, summary: Any, step: int = 0) -> None:
        from tensorboard.compat.proto import event_pb2

        event = event_pb2.Event(wall_time=time.time(), step=step)
        event.summary.MergeFromString(summary.SerializeToString())
        self._writers[id].add_event(event)


def _name(run: Copied) -> str:
    """The run's folder, and so its name on the page."""
    return f"{re.sub(r'[^A-Za-z0-9.=+ -]+', '_', run.label)[:100]} {run.id}"
