"""A part of an evaluation in a process of its own: some of a cell's combinations, by Inspect's eval-set, so that it resumes.

One process tops out at about 80 requests a second, whatever the endpoint (docs/log.md); parts share the work.
"""

import contextlib
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from genlab.evaluation.options import generation
from genlab.evaluation.roles import roles

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.log import EvalLog

CONNECTIONS = 20  # requests at once where the user names no number; our assumption, what Inspect begins with
RETRIES = 2  # of a sample that ended with an error, its replies so far coming from the cache
PRELOAD = (  # for a fork server: Inspect imports all but the first when an evaluation begins, four seconds in every process
    "genlab.evaluation.task",
    "genlab.evaluation.model_facts",
    "inspect_ai.agent._acp.server",
    "inspect_ai.model._openai_responses",
    "fastapi",
)


class Line(Protocol):
    """Where a part says how far it is."""

    def report(self, **content: Any) -> None:
        """Say something worth showing."""


@dataclass(frozen=True)
class Part:
    """What one process evaluates.

    Attributes:
        task: arguments of the task.
        student, graders: Inspect models by name; a pack's exact checker is not among them, and the task's ``graders`` counts it.
        student_options, grader_options: of Inspect's eval-set and its models.
        log_dir: folder or URL of its logs; a part begun there goes on.
        environment: set before anything runs: the run's budget.
        make: the task, a function of a module that ``inspect_ai.task`` decorates; None is ``genlab/skill_mix``.
        role: what the graders are in that task: grader, or judge.
    """

    task: Mapping[str, Any]
    student: str
    graders: tuple[str, ...]
    student_options: Mapping[str, Any]
    grader_options: Mapping[str, Any]
    log_dir: str
    environment: Mapping[str, str] = field(default_factory=dict)
    make: "Callable[..., Task] | None" = None
    role: str = "grader"


def evaluate(line: Line, part: Part) -> None:
    """Evaluate a part, reporting every text that has ended.

    Raises:
        RuntimeError: Inspect broke the evaluation off; its reason.
    """
    os.environ.update(part.environment)
    os.environ.setdefault("TQDM_DISABLE", "1")
    from inspect_ai.hooks import Hooks, SampleEnd, hooks

    @hooks(name="genlab_progress", description="tells genlab how far an evaluation is")
    class Progress(Hooks):
        async def on_sample_end(self, data: SampleEnd) -> None:
            line.report(ended=1)

    options = dict(part.student_options)
    connections = options.setdefault("max_connections", CONNECTIONS)
    options.setdefault("max_samples", 2 * connections)
    options.setdefault("retry_on_error", RETRIES)
    options.setdefault("log_realtime", False)
    grading = {"max_connections": connections, **generation(part.grader_options)}
    with contextlib.redirect_stdout(io.StringIO()):  # Inspect's word on hooks and on what is complete
        logs = _logs(part, options, grading)
    for log in logs:
        if log.status != "success" and not log.samples and log.error is not None:
            raise RuntimeError(f"Inspect broke off: {log.error.message}")


def _logs(part: Part, options: Mapping[str, Any], grading: Mapping[str, Any]) -> "list[EvalLog]":
    from inspect_ai import eval_set
    from inspect_ai.model import GenerateConfig, get_model

    from genlab.evaluation.task import skill_mix

    set_torn_aside(part.log_dir)
    _, logs = eval_set(
        (part.make or skill_mix)(**part.task),
        log_dir=part.log_dir,
        model=get_model(
            part.student,
            config=GenerateConfig(**generation(options)),  # a budget reads max_tokens there
            memoize=False,  # a folder's model may have changed since
        ),
        model_roles={
            role: get_model(name, config=GenerateConfig(**grading))  # with its role it would be that of an earlier evaluation
            for role, name in zip(roles(len(part.graders), part.role), part.graders, strict=True)
        },
        display="none",
        retry_attempts=0,
        retry_immediate=False,
        continue_on_fail=True,
        log_dir_allow_dirty=True,
        **options,
    )
    return logs


def set_torn_aside(folder: str) -> list[str]:
    """Rename the logs in a folder or at a URL that cannot be read, after a full disk or a cut copy; returns their new names.

    Inspect would stop at one. What was in it is asked for again, and comes from the cache.
    """
    from fsspec.core import url_to_fs
    from inspect_ai.log import list_eval_logs, read_eval_log

    files, root = url_to_fs(folder)
    torn = []
    for each in list_eval_logs(folder) if files.isdir(root) else ():
        try:
            read_eval_log(each, header_only=True)
        except Exception:
            torn.append(f"{each.name}.torn")
            files.mv(each.name, torn[-1])
    return torn
