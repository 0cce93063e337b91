"""From Inspect's logs to rows: every text that was asked for, graded or not, is a row, and nothing is counted twice."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.evaluation.grading import Graded
from genlab.evaluation.roles import CHECKER, roles
from genlab.evaluation.scoring import valued, voted
from genlab.grading.graded import GradedText
from genlab.grading.rubric import Rubric, rubric
from genlab.skills.skill import Skill

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

SCORER = "rubric_points"
BUDGET = "max_cost is reached"  # how BudgetReached begins


def read_texts(place: str | Path) -> list[GradedText]:
    """The rows of one log file, or of all logs in a folder, newest last; a text that several logs hold counts once.

    Of two rows of one text (a run that was resumed, a log that was retried) the graded one stays, else the later.

    Raises:
        ValueError: no log is there, or a log that is not of ``genlab/skill_mix``.
    """
    found: dict[tuple[str, str, str, int, str], GradedText] = {}
    for log in read_logs(place):
        for row in rows(log):
            key = (row.student, row.grader, row.sample, row.generation, row.control)
            if key not in found or found[key].status != "graded":
                found[key] = row
    return list(found.values())


def packs_of(place: str | Path) -> set[str]:
    """The packs, by name or file, that the logs at a place were made with."""
    return {str(log.eval.task_args.get("pack", "english")) for log in read_logs(place)}


def rows(log: "EvalLog") -> Iterator[GradedText]:
    """The rows of a log: one a text and grader.

    Raises:
        ValueError: the log is of another task.
    """
    if log.eval.task.rpartition("/")[2] != "skill_mix":
        raise ValueError(f"{log.location} is a log of {log.eval.task}, and only genlab/skill_mix has Skill-Mix grades")
    about, models = log.eval.metadata or {}, log.eval.model_roles or {}
    mode = str(about.get("mode", "strict"))
    wanted = [f"{CHECKER}{about['checker']}"] if "checker" in about else []
    asked = roles(int(log.eval.task_args.get("graders") or 1) - len(wanted))
    wanted += [str(getattr(models.get(role), "model", role)) for role in asked]
    for sample in log.samples or ():
        yield from _of_sample(sample, log.eval.model, wanted, mode)


def expected(log: "EvalLog") -> int:
    """How many samples times generations a log should hold."""
    dataset, epochs = log.eval.dataset, log.eval.config.epochs or 1
    return len(dataset.sample_ids or ()) * epochs


def _of_sample(sample: "EvalSample", student: str, graders: Sequence[str], mode: str) -> Iterator[GradedText]:
    about = sample.metadata
    control = str(about.get("control", ""))
    if control and sample.epoch > 1:
        return
    score = (sample.scores or {}).get(SCORER)
    kept: Mapping[str, Any] = sample.store
    said = (score.metadata or {}) if score else {}
    found = [Graded.from_json(each) for each in said.get("graders", ())] or [Graded(each) for each in graders]
    sought = _rubric(about)
    used = kept.get("tokens") or (0, 0)
    for one in found:
        counted, names = int(said.get("sentences", 0)), tuple(float(each) for each in said.get("named", ()) or [0.0] * sought.k)
        points = voted(one.readable, counted, sought, mode)
        status, why = _status(sample, score, one, points)
        values = valued(points, names) if status == "graded" and points is not None else {}
        students = 0.0 if control else kept.get("cost")
        yield GradedText(
            student=student,
            grader=one.grader,
            sample=str(sample.id),
            index=int(about["index"]),
            generation=sample.epoch,
            k=sought.k,
            skills=tuple(about["skills"]),
            categories=tuple(about["categories"]),
            topic=str(about["topic"]),
            text=str(kept.get("text") or ""),
            draft=str(kept.get("draft") or ""),
            control=control,
            truth=tuple(math.nan if each is None else float(each) for each in about["truth"]) if control else None,
            gradings=one.gradings,
            reasons=one.reasons,
            points=points if status == "graded" else None,
            named=names,
            sentences=counted,
            status=status,
            why=why,
            full_marks=values.get("full_marks"),
            all_skills=values.get("all_skills"),
            skill_fraction=values.get("skill_fraction"),
            full_marks_unnamed=values.get("full_marks_unnamed"),
            all_skills_unnamed=values.get("all_skills_unnamed"),
            skill_fraction_unnamed=values.get("skill_fraction_unnamed"),
            input_tokens=int(used[0]),
            output_tokens=int(used[1]),
            grader_input_tokens=one.input_tokens,
            grader_output_tokens=one.output_tokens,
            cost=None if students is None or one.cost is None else float(students) + one.cost,
        )


def _status(sample: "EvalSample", score: Any, graded: Graded, points: Sequence[float] | None) -> tuple[str, str]:
    """A text that a limit stopped is never scored, one without a readable grading is ungraded, an error is no answer."""
    if sample.error is not None and BUDGET in sample.error.message:
        return "stopped", " ".join(sample.error.message.split())[:300]
    if sample.error is not None:
        return "unanswered", " ".join(sample.error.message.split())[:300]
    if sample.limit is not None:
        return "stopped", f"Inspect's {sample.limit.type} limit of {sample.limit.limit:g}"
    if score is None:
        return "unanswered", "the sample has no score: its evaluation was broken off"
    if score.reason == "stopped":
        return "stopped", str(score.explanation or "")
    if points is None:
        return "ungraded", "; ".join(dict.fromkeys(each for each in graded.reasons if each)) or "no grading"
    return "graded", ""


def _rubric(about: Mapping[str, Any]) -> Rubric:
    """The rubric's shape: the log holds names and categories, and reading it back needs no definitions."""
    skills = [Skill(name, category, "", "") for name, category in zip(about["skills"], about["categories"], strict=True)]
    return rubric(skills, str(about["topic"]))


def read_logs(place: str | Path) -> Iterator["EvalLog"]:
    """One log file, or all logs in a folder or at a URL, newest last.

    Raises:
        ValueError: no log is there, or one that is damaged.
    """
    from fsspec.core import url_to_fs
    from inspect_ai.log import list_eval_logs, read_eval_log

    files, root = url_to_fs(str(place))
    listed = [str(place)] if files.isfile(root) else []
    if files.isdir(root):
        listed = sorted(each.name for each in list_eval_logs(str(place)))
    if not listed:
        raise ValueError(f"no Inspect log at {place}: expected a .eval file, or a folder of them")
    for each in listed:
        try:
            yield read_eval_log(each)
        except Exception as error:
            raise ValueError(f"{each} is no whole Inspect log, cut off or damaged: {error}") from error
