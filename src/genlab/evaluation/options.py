"""Inspect's own options, as ``genlab run`` passes them on: which may be named, and which of them change what a model says."""

import difflib
import inspect
import typing
from collections.abc import Mapping, Sequence
from typing import Any

OURS = {  # set by genlab, from the study's fields
    *("tasks", "log_dir", "model", "model_roles", "task_args", "display", "epochs", "limit", "sample_id", "sample_shuffle"),
    *("solver", "score", "scanner", "eval_set_id", "continue_on_fail", "fail_on_error", "score_on_error", "log_format"),
    *("retry_attempts", "retry_wait", "retry_connections", "retry_cleanup", "retry_immediate", "log_samples", "bundle_dir"),
    *("bundle_overwrite", "embed_viewer", "checkpoint", "sentinel", "log_dir_allow_dirty", "cache", "trace", "kwargs"),
}
HOW = {  # options of a model's generation that say how it is reached, not what it says
    *("max_retries", "timeout", "attempt_timeout", "stream_idle_timeout", "max_connections", "adaptive_connections"),
    *("batch", "cache_prompt"),
}


def parse(words: Sequence[str]) -> dict[str, Any]:
    """``name=value`` pairs, values as YAML reads them (64, true, 0.7, text).

    Raises:
        ValueError: not of that form, or no option that Inspect has or that genlab leaves to you.
    """
    import yaml

    if not words:
        return {}
    known = _models() | _runs()
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = (part.strip() for part in word.partition("="))
        if not equals:
            raise ValueError(
                f"inspect wants options as name=value, got {word!r}: for instance inspect=max_connections=64,batch=true"
            )
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            why = " is set by genlab itself" if name in OURS else " is no option of Inspect's eval-set"
            raise ValueError(f"{name!r}{why}.{hint}")
        found[name] = yaml.safe_load(text)
    return found


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
