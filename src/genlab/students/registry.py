"""What Inspect finds of genlab's students: the provider ``batched``."""

from inspect_ai.model import ModelAPI, modelapi

from genlab.students.places import installed


@modelapi(name="batched")
def batched() -> type[ModelAPI]:
    """``batched/<folder>``: a local Hugging Face model that writes many replies at a time."""
    installed()
    from genlab.students.provider import Batched

    return Batched


__all__ = ["batched"]
