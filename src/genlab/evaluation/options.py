"""Inspect's own options, as ``genlab run`` passes them on: which may be named, and which of them change what a model says."""

import difflib
import inspect
import typing
from collections.abc import Collection, Mapping, Sequence
from typing import Any

OURS = {  # set by genlab, from the study's fields
    *("tasks", "log_dir", "model", "model_roles", "task_args", "display", "epochs", "limit", "sample_id", "sample_shuffle"),
    *("solver", "score", "scanner", "eval_set_id", "continue_on_fail", "fail_on_error", "score_on_error", "log_format"),
    *("retry_attempts", "retry_wait", "retry_connections", "retry_cleanup", "retry_immediate", "log_samples", "bundle_dir"),
    *("bundle_overwrite", "embed_viewer", "checkpoint", "sentinel", "log_dir_allow_dirty", "cache", "trace", "kwargs"),
    *("model_args", "model_base_url"),
}
INSTEAD = {  # what to type for some of them
    "epochs": "set generations",
    "limit": "set n",
    "model": "set student",
    "model_roles": "set grader",
    "log_dir": "give --out",
    "cache": "set cache",
    "model_args": "it makes the models; their providers read environment variables, such as OPENAI_BASE_URL",
    "model_base_url": "it makes the models; their providers read environment variables, such as OPENAI_BASE_URL",
}
SHARED = {"max_connections", "adaptive_connections", "max_retries", "timeout"}  # Inspect has every role take the student's
HOW = {  # options of a model's generation that say how it is reached, not what it says
    *("max_retries", "timeout", "attempt_timeout", "stream_idle_timeout", "max_connections", "adaptive_connections"),
    *("batch", "cache_prompt"),
}


def parse(words: Sequence[str], *, graders: bool = False) -> dict[str, Any]:
    """``name=value`` pairs, values as YAML reads them (64, true, 0.7, text).

    Args:
        words: the pairs.
        graders: whether they are of the graders: then of their generation only, and nothing that they share with the student.

    Raises:
        ValueError: not of that form, twice, no value that Inspect takes, or no option that it has or genlab leaves to you.
    """
    import yaml

    if not words:
        return {}
    field, known = ("grading", _models() - SHARED) if graders else ("inspect", _models() | _runs())
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = (part.strip() for part in word.partition("="))
        if not equals:
            raise ValueError(
                f"{field} wants options as name=value, got {word!r}: for instance {field}=temperature=0.7,max_tokens=1000"
            )
        if name not in known:
            raise ValueError(f"{name!r} {_why(name, known)}")
        if name in found:
            raise ValueError(f"{field} sets {name} twice")
        try:
            found[name] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f"{name}={text} is no value that YAML reads; one with a comma cannot be given here") from error
    return found | _checked(generation(found))


def _why(name: str, known: Collection[str]) -> str:
    if name in INSTEAD:
        return f"is set by genlab itself: {INSTEAD[name]}"
    if name in OURS:
        return "is set by genlab itself"
    if name in SHARED:
        return "holds for student and graders alike: give it to inspect"
    if name in _runs():
        return "is an option of the whole evaluation: give it to inspect"
    near = difflib.get_close_matches(name, known, 1)
    return "is no option of Inspect's eval-set." + (f" Did you mean {near[0]}?" if near else "")


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """A model's options as Inspect holds them, so that 1 and 1.0 are one temperature."""
    from inspect_ai.model import GenerateConfig
    from pydantic import ValidationError

    try:
        config = GenerateConfig(**options)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ", ".join(options)
        raise ValueError(f"{name}={options.get(name)}: {first['msg'][0].lower()}{first['msg'][1:]}") from error
    return {name: getattr(config, name) for name in options}


def saying(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that change what a model says, such as temperature: part of what a condition is."""
    if not options:
        return {}
    chosen = (_models() - HOW) | {"token_limit", "message_limit", "turn_limit", "time_limit", "working_limit", "cost_limit"}
    return {name: value for name, value in sorted(options.items()) if name in chosen}


def generation(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are a model's own, as ``GenerateConfig`` takes them."""
    return {name: value for name, value in options.items() if name in _models()}


def _models() -> set[str]:
    from inspect_ai.model import GenerateConfigArgs

    return set(typing.get_type_hints(GenerateConfigArgs)) - OURS


def _runs() -> set[str]:
    from inspect_ai import eval_set

    return set(inspect.signature(eval_set).parameters) - OURS
