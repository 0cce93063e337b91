"""What Inspect finds under the name ``genlab`` once genlab is installed: tasks, a fleet of servers, scripts for plumbing."""

from inspect_ai.model import ModelAPI, modelapi

from genlab.evaluation.judges.alpaca_eval import alpaca_eval
from genlab.evaluation.judges.mt_bench import mt_bench
from genlab.evaluation.judges.wild_bench import wild_bench
from genlab.evaluation.task import skill_mix


@modelapi(name="scripted")
def scripted() -> type[ModelAPI]:
    """``scripted/student``, ``/grader``, ``/judge`` and ``/teacher-of-skills``: scripts for testing the plumbing, no models."""
    from genlab.evaluation.scripted import Scripted

    return Scripted


@modelapi(name="fleet")
def fleet() -> type[ModelAPI]:
    """``fleet/NAME``: the model NAME of every server in ``FLEET_BASE_URLS``."""
    from genlab.evaluation.fleet import Fleet

    return Fleet


__all__ = ["alpaca_eval", "fleet", "mt_bench", "scripted", "skill_mix", "wild_bench"]
