"""What Inspect knows of models, read when this is imported: once in a fork server, not for 0.8 s (measured) in every process."""

from inspect_ai.model import get_model_info

get_model_info("openai/gpt-4o")  # whichever: the first question reads them all
