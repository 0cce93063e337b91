"""Evaluations for tests: the task in this process, with scripts that are counted and may be spoilt."""

import contextlib
import gc
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput, get_model

from genlab.evaluation.scripted import Scripted
from genlab.evaluation.task import skill_mix

Spoil = Callable[[str, list[str]], str | None]


class Script:
    """The scripted student or graders as models of one provider, with the number of calls of each.

    Args:
        spoil: from a model's name and what it was told to what it says instead, or None.
    """

    def __init__(self, spoil: Spoil = lambda name, said: None) -> None:
        self.calls: Counter[str] = Counter()
        self.spoil = spoil

    def model(self, name: str, config: GenerateConfig | None = None) -> Model:
        script = Scripted(name)

        async def reply(messages: list[ChatMessage], tools: Any, choice: Any, config: GenerateConfig) -> ModelOutput:
            self.calls[name] += 1
            output = await script.generate(messages, tools, choice, config)
            said = self.spoil(name, [each.text for each in messages])
            if said is not None:
                spoilt = ModelOutput.from_content(f"mockllm/{name}", said)
                spoilt.usage = output.usage
                return spoilt
            return output

        return get_model(f"mockllm/{name}", custom_outputs=reply, config=config or GenerateConfig(), memoize=False)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Inspect's own warnings (a deprecated argument, streams left open) are none of ours, those of its garbage neither."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
        gc.collect()


def evaluated(
    place: Path,
    *,
    script: Script | None = None,
    graders: Sequence[str] = ("grader",),
    config: GenerateConfig | None = None,
    checked: bool = False,
    **arguments: Any,
) -> EvalLog:
    """The log of one evaluation below ``place``; what is left open is small. ``checked``: a checker grades before ``graders``."""
    script = script or Script()
    small = {"k": 2, "n": 6, "generations": 2, "gradings": 3, "controls": 0}
    roles = ["grader", *(f"grader_{number}" for number in range(2, len(graders) + 1))]
    with quiet():
        (log,) = inspect_eval(
            skill_mix(**{**small, "graders": len(graders) + checked or 1, **arguments}),
            model=script.model("student", config=config),
            model_roles={role: script.model(name, config) for role, name in zip(roles, graders, strict=False)},
            log_dir=str(place / "logs"),
            display="log",
            log_realtime=False,
            continue_on_fail=True,
        )
    return log
