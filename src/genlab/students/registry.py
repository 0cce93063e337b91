"""What Inspect finds of genlab's students: the provider ``batched``."""

from importlib.util import find_spec

from inspect_ai.model import ModelAPI, modelapi


@modelapi(name="batched")
def batched() -> type[ModelAPI]:
    """``batched/<folder>``: a local Hugging Face model that writes many replies at a time."""
    if missing := [name for name in ("torch", "transformers") if find_spec(name) is None]:
        raise ValueError(f"batched/ wants {' and '.join(missing)}: pip install 'genlab[sft]'")
    from genlab.students.provider import Batched

    return Batched


__all__ = ["batched"]
