"""Inspect's options: which are taken, which are refused and with what words, which change what a model says."""

import contextvars
import inspect
import json
from typing import Any

import pytest
from inspect_ai import eval_set
from inspect_ai.model import GenerateConfig

from genlab.evaluation.options import HOW, OURS, SHARED, generation, parse, saying


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("max_connections=64", "max_connections", 64),
        ("temperature=0.7", "temperature", 0.7),
        ("temperature = 1", "temperature", 1.0),
        ("batch=true", "batch", True),
        ("batch=40", "batch", 40),
        ("reasoning_effort=low", "reasoning_effort", "low"),
        ("system_message=Be brief.", "system_message", "Be brief."),
        ("token_limit=5000", "token_limit", 5000),
        ("retry_on_error=5", "retry_on_error", 5),
        ("tags=mine", "tags", "mine"),
        ("seed=", "seed", None),
    ],
)
def test_what_is_taken(word: str, name: str, value: Any) -> None:
    found = parse([word])
    assert found == {name: value}
    assert type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["temperature"], "inspect wants options as name=value, got 'temperature': for instance inspect=temperature=0.7"),
        (["temprature=1"], "'temprature' is no option of Inspect's eval-set. Did you mean temperature?"),
        (["bogus=1"], "'bogus' is no option of Inspect's eval-set."),
        (["epochs=3"], "'epochs' is set by genlab itself: set generations"),
        (["limit=3"], "'limit' is set by genlab itself: set n"),
        (["log_dir=x"], "'log_dir' is set by genlab itself: give --out"),
        (["model_base_url=http://x"], "'model_base_url' is set by genlab itself: it makes the models"),
        (["fail_on_error=true"], "'fail_on_error' is set by genlab itself"),
        (["temperature=hot"], "temperature=hot: input should be a valid number"),
        (["max_connections=1.5"], "max_connections=1.5: input should be a valid integer"),
        (["temperature=0.1", "temperature=0.9"], "inspect sets temperature twice"),
        (["stop_seqs=[a", "b]"], "stop_seqs=[a is no value that YAML reads; one with a comma cannot be given here"),
    ],
)
def test_what_is_refused_says_why(words: list[str], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below, as it stands
        parse(words)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["max_connections=4"], "'max_connections' holds for student and graders alike: give it to inspect"),
        (["token_limit=4"], "'token_limit' is an option of the whole evaluation: give it to inspect"),
        (["epochs=4"], "'epochs' is set by genlab itself"),
        (["temperature"], "grading wants options as name=value"),
    ],
)
def test_graders_take_options_of_generation_only(words: list[str], message: str) -> None:
    assert parse(["temperature=0", "max_tokens=900"], graders=True) == {"temperature": 0.0, "max_tokens": 900}
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parse(words, graders=True)
    assert message in str(caught.value)


def test_only_what_changes_the_words_is_part_of_a_condition() -> None:
    said = {"temperature": 0.7, "max_tokens": 100, "seed": 1, "system_message": "x", "token_limit": 9, "time_limit": 9}
    how = {
        "max_connections": 64,
        "batch": True,
        "max_retries": 3,
        "timeout": 60,
        "log_level": "info",
        "max_samples": 9,
        "tags": "a",
    }
    assert saying({**how, **said}) == said
    assert saying(how) == {}
    assert saying({}) == {}
    assert generation({**how, **said}).keys() == {*said, "max_connections", "batch", "max_retries", "timeout"} - {
        "token_limit",
        "time_limit",
    }
    assert json.dumps(saying(parse(["temperature=1"]))) == json.dumps(saying(parse(["temperature=1.0"])))


def test_the_order_of_options_does_not_matter() -> None:
    words = ["temperature=0.7", "max_tokens=9", "seed=3"]
    assert list(saying(parse(words)).items()) == list(saying(parse(words[::-1])).items())


def test_the_names_are_those_that_inspect_has() -> None:
    """A name that Inspect drops or renames would be a silent gap."""
    known = {*inspect.signature(eval_set).parameters, *GenerateConfig.model_fields}
    assert known >= OURS
    assert known >= HOW
    assert known >= SHARED


def test_graders_do_take_the_shared_options_of_the_student() -> None:
    """Why they are refused: Inspect lays the evaluation's own over a role's."""
    from inspect_ai.model import get_model
    from inspect_ai.model._model import init_active_model

    student, grader = (
        get_model("mockllm/student"),
        get_model("mockllm/grader", config=GenerateConfig(max_connections=4, top_p=0.5)),
    )

    def resolved() -> GenerateConfig:
        init_active_model(student, GenerateConfig(max_connections=64, timeout=9, top_p=0.9))
        return grader._resolve_config(None)

    config = contextvars.copy_context().run(resolved)
    assert (config.max_connections, config.timeout, config.top_p) == (64, 9, 0.5)
