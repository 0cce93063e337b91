"""People's ratings into Inspect's log, as scores that say who gave them: ``human/<rater>`` beside the grader's."""

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.grading.graded import GradedText
from genlab.grading.rubric import rubric
from genlab.grading.scores import scores
from genlab.review.items import identity, reviewable
from genlab.review.ratings import Rated, Ratings, point_words
from genlab.skills.skill import Skill

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample
    from inspect_ai.scorer import ScoreEdit


def attach(log_path: str | Path, rows: Iterable[GradedText], ratings: Ratings) -> int:
    """Write the ratings of a log's texts into the log; how many scores were added or changed.

    A rating of every criterion is worth the three scores of Skill-Mix; one with open or unsure criteria stands there unscored,
    with the points that were given. Every change keeps the earlier value in the score's history. Ratings that stand there
    already change nothing, and where all do, the file is left as it is. It is replaced whole or not at all.

    The log's summary metrics stay those of the grader: texts for review are not chosen in proportion, and Inspect would report
    an accuracy of 0 for scores of several values.

    Args:
        log_path: an Inspect log of one evaluation.
        rows: of that log at least.
        ratings: from ``ratings.read``.

    Raises:
        ValueError: the evaluation has not ended, or the log was changed by somebody else meanwhile.
    """
    from inspect_ai.log import edit_score, read_eval_log

    path = Path(log_path)
    before = path.stat()
    log = read_eval_log(str(path))
    if log.status == "started":
        raise ValueError(f"{path} is the log of an evaluation that has not ended: finish or resume it, then attach the ratings")
    changed = 0
    for sample, row, rated in _rated(log, rows, ratings):
        name = _score_name(sample, rated.rater)
        edit = _edit(row, rated)
        if edit is None or _stands(sample, name, edit):
            continue
        edit_score(log, sample.id, name, edit, recompute_metrics=False, epoch=sample.epoch)
        changed += 1
    if changed:
        _replace(path, log, before)
    return changed


def _rated(log: "EvalLog", rows: Iterable[GradedText], ratings: Ratings) -> Iterator[tuple["EvalSample", GradedText, Rated]]:
    """Each rated sample of the log, with a row of its text, by rater."""
    known = {(row.sample, row.generation): row for row in rows if row.student == log.eval.model and reviewable(row)}
    by_item = ratings.by_item()
    for sample in log.samples or ():
        row = known.get((str(sample.id), sample.epoch))
        if row is None or row.text != _text(sample):
            continue  # another run of the same model wrote another text for this combination
        for rated in by_item.get(identity(row), {}).values():
            yield sample, row, rated


def _text(sample: "EvalSample") -> str:
    return str(sample.store.get("text", sample.output.completion) or "")


def _score_name(sample: "EvalSample", rater: str) -> str:
    name = f"human/{rater}"
    return next((each for each in sample.scores or {} if each.casefold() == name.casefold()), name)


def _edit(row: GradedText, rated: Rated) -> "ScoreEdit | None":
    from inspect_ai.log import ProvenanceData
    from inspect_ai.scorer import ScoreEdit

    value: float | dict[str, float] = math.nan
    reason = (
        None if rated.complete else "unsure" if None not in rated.points else "withdrawn" if not rated.answered else "incomplete"
    )
    if rated.complete:
        worth = scores([point or 0.0 for point in rated.points])
        value = {"full_marks": worth.full_marks, "all_skills": worth.all_skills, "skill_fraction": worth.skill_fraction}
    criteria = [each.name for each in rubric([Skill(name, "", "", "") for name in row.skills], row.topic).criteria]
    words = [point_words(point) for point in rated.points]
    metadata: dict[str, Any] = {
        "criteria": criteria,
        "points": [None if point is None or math.isnan(point) else point for point in rated.points],
        "unsure": [name for name, said in zip(criteria, words, strict=True) if said == "unsure"],
        "note": rated.note,
        "rated_at": rated.at.isoformat(),
        "item": rated.item,
    }
    lines = [f"| {name} | {said or 'open'} |" for name, said in zip(criteria, words, strict=True)]
    explanation = "\n".join(["| criterion | point |", "|---|---|", *lines, *(["", rated.note] if rated.note else [])])
    provenance = ProvenanceData(
        author=rated.rater, reason="graded blind with genlab review", metadata={"rated_at": metadata["rated_at"]}
    )
    return ScoreEdit(value=value, explanation=explanation, reason=reason, metadata=metadata, provenance=provenance)


def _stands(sample: "EvalSample", name: str, edit: "ScoreEdit") -> bool:
    score = (sample.scores or {}).get(name)
    if score is None:
        return edit.reason == "withdrawn"  # nothing was ever said of it
    return _plain(score.value) == _plain(edit.value) and score.metadata == edit.metadata


def _plain(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    return (
        dict(value)
        if isinstance(value, Mapping)
        else list(value)
        if isinstance(value, Sequence) and not isinstance(value, str)
        else value
    )


def _replace(path: Path, log: "EvalLog", before: os.stat_result) -> None:
    """Write beside the log, and put it in its place in one step."""
    from inspect_ai.log import write_eval_log

    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write_eval_log(log, str(beside), format="json" if path.suffix == ".json" else "eval")
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        shutil.copymode(path, beside)
        now = path.stat()
        if (now.st_mtime_ns, now.st_size) != (before.st_mtime_ns, before.st_size):
            raise ValueError(f"{path} was changed by somebody else meanwhile, and stays as it is now: attach the ratings again")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
