"""The graders' reasons, criterion by criterion, from the logs: rows hold only points."""

from pathlib import Path

from genlab.evaluation.grading import Graded
from genlab.evaluation.logs import SCORER


def read(place: str | Path) -> dict[tuple[str, str, str, int], tuple[str, ...]]:
    """Remarks by (student, grader, sample, generation), from one Inspect log or all logs of a folder; none where none is."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    path = Path(place)
    logs = [str(path)] if path.is_file() else [each.name for each in list_eval_logs(str(path))] if path.is_dir() else []
    found = {}
    for each in logs:
        log = read_eval_log(each, exclude_fields={"messages", "events"})
        for sample in log.samples or ():
            score = (sample.scores or {}).get(SCORER)
            for graded in ((score.metadata or {}) if score else {}).get("graders", ()):
                said = Graded.from_json(graded)
                if said.remarks:
                    found[log.eval.model, said.grader, str(sample.id), sample.epoch] = said.remarks
    return found
