"""Judged evaluations for tests: in this process, the student and the judge scripts that are counted and may be spoilt."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import GenerateConfig, Model
from tests.evaluation.evals import Script, quiet

PLAIN = [
    {"instruction": f"Say something about bees, in way {at}.", "output": "Bees hum." * (1 + at % 4), "generator": "base"}
    for at in range(8)
]


def written(place: Path, rows: Sequence[dict[str, Any]] = PLAIN, name: str = "questions.jsonl") -> str:
    """A file of questions."""
    path = place / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


def ran(
    place: Path,
    task: Callable[..., Task],
    *,
    script: Script | None = None,
    student: str | Model = "student",
    judges: Sequence[str] = ("judge",),
    config: GenerateConfig | None = None,
    **arguments: Any,
) -> EvalLog:
    """The log of one evaluation below ``place``."""
    script = script or Script()
    names = ["judge", *(f"judge_{number}" for number in range(2, len(judges) + 1))]
    if len(judges) > 1:
        arguments["judges"] = len(judges)
    with quiet():
        (log,) = inspect_eval(
            task(**arguments),
            model=script.model(student, config) if isinstance(student, str) else student,
            model_roles={role: script.model(name, config) for role, name in zip(names, judges, strict=False)},
            log_dir=str(place / "logs"),
            display="log",
            log_realtime=False,
            continue_on_fail=True,
        )
    return log
