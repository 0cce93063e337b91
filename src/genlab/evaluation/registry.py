"""What Inspect finds under the name ``genlab`` once genlab is installed: the task, and the scripted models for plumbing."""

from inspect_ai.model import ModelAPI, modelapi

from genlab.evaluation.task import skill_mix


@modelapi(name="scripted")
def scripted() -> type[ModelAPI]:
    """``scripted/student`` and ``scripted/grader``: scripts for testing the plumbing, no models."""
    from genlab.evaluation.scripted import Scripted

    return Scripted


__all__ = ["scripted", "skill_mix"]
