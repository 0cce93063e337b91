import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from genlab.cli.finetune import assigned, finetune

app = typer.Typer()
app.command()(finetune)


def say(*words: str) -> Any:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "160"})


@pytest.fixture
def file(data: Any, tmp_path: Path) -> str:
    place = tmp_path / "talks.jsonl"
    place.write_text("".join(json.dumps(row) + "\n" for row in data))
    return str(place)


def test_it_trains_says_what_came_of_it_and_does_not_do_it_twice(base: str, file: str, out: Path) -> None:
    words = (base, file, "--out", str(out), "--device", "cpu", "--set", "steps=4", "--set", "step_size=1e-2", "--set", "batch=4")
    first = say(*words)
    assert first.exit_code == 0, first.output
    assert "4 steps, " in first.output
    assert str(out / "model") in first.output
    known = json.loads((out / "recipe.json").read_text())["recipe"]
    assert (known["step_size"], known["batch"], known["method"]) == (0.01, 4, "full")
    assert say(*words).output == first.output


def test_a_dry_run_counts_and_writes_nothing(base: str, file: str, out: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(base)
    tokenizer: Any = AutoTokenizer.from_pretrained(base)
    said = say(
        base, file, "--out", str(out), "--lora", "--dry-run", "--device", "cpu", "--set", "epochs=2", "--set", "lora_rank=1"
    )
    assert said.exit_code == 0, said.output
    rows = [json.loads(line) for line in Path(file).read_text().splitlines()]
    tokens = sum(len(tokenizer.apply_chat_template(row["messages"])["input_ids"]) for row in rows)
    linear = [each for name, each in model.named_modules() if type(each).__name__ == "Linear" and name != "lm_head"]
    adapter = sum(each.in_features + each.out_features for each in linear)
    assert f"{model.num_parameters():,} parameters, an adapter of {adapter:,} trained" in said.output
    assert f"40 examples, {tokens:,} tokens a pass, 10 steps" in said.output
    assert "nothing was trained" in said.output
    assert not out.exists()


def test_the_callers_mistakes_end_with_one_line(base: str, file: str, out: Path) -> None:
    for words, said in (
        ((base, "nowhere.jsonl"), "there is no file nowhere.jsonl"),
        ((base, file, "--set", "stepsize=1"), "no field 'stepsize'. Did you mean step_size?"),
        ((base, file, "--set", "batch=many"), "batch=many: input should be a valid integer"),
        ((base, file, "--set", "batch"), "--set wants name=value, got 'batch'"),
        ((base, file, "--set", "optimizer=lion"), "optimizer is adamw, sgd, polyak or nesterov"),
        ((str(out.parent), file), "no model's folder"),
    ):
        done = say(*words, "--out", str(out), "--device", "cpu")
        assert done.exit_code == 2, done.output
        assert said in done.output
        assert "Traceback" not in done.output


def test_divergence_is_said_and_is_a_failure(base: str, file: str, out: Path) -> None:
    sets = [word for each in ("optimizer=sgd", "step_size=1e30", "clip=0", "warmup=0", "steps=9") for word in ("--set", each)]
    done = say(base, file, "--out", str(out), "--device", "cpu", *sets)
    assert done.exit_code == 1
    assert "Diverged: the loss of step" in done.output


def test_every_kind_of_field_can_be_set() -> None:
    assert assigned(["betas=0.8,0.95", "epochs=none", "steps=7", "by_length=false", "lora_layers=q_proj,v_proj"]) == {
        "betas": (0.8, 0.95),
        "epochs": None,
        "steps": 7,
        "by_length": False,
        "lora_layers": "q_proj,v_proj",
    }
