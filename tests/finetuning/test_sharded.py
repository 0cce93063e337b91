"""A model sharded over two processes by FSDP2 is trained, written and gone on with as one that is whole.

There is no GPU in these tests: the processes hold their shards on the CPU and speak over gloo, see ``sharding.py``.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from genlab.finetuning import sharded
from genlab.finetuning.recipe import Recipe
from genlab.finetuning.run import finetune

SHARDING = Path(__file__).with_name("sharding.py")
PLAIN: dict[str, Any] = {"steps": 5, "batch": 4, "by_length": False, "step_size": 1e-2}
Saw = list[dict[str, Any]]


def environment() -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name not in {"CI", "HF_HUB_OFFLINE", "PYTEST_CURRENT_TEST"}}
    return plain | {"OMP_NUM_THREADS": "1"}


def by_two(place: Path, jobs: list[dict[str, Any]]) -> list[Saw]:
    """Run the jobs; of each, what process 0 and process 1 saw."""
    file = place / "jobs.json"
    known = {"train": str(place / "data")}
    jobs = [job | known | {"out": str(place / job["out"]), "name": str(place / job.get("name", job["out"]))} for job in jobs]
    file.write_text(json.dumps(jobs))
    done = subprocess.run(
        [sys.executable, str(SHARDING), str(file)], capture_output=True, text=True, env=environment(), timeout=280
    )
    assert done.returncode == 0, done.stderr
    return [[json.loads(Path(f"{job['name']}.{rank}.json").read_text()) for rank in (0, 1)] for job in jobs]


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "model" / "model.safetensors")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def same_as_alone(place: Path, out: str, saw: Saw, data: Any, recipe: Recipe) -> None:
    """Losses, weights and files of ``out`` are those of one process with twice the batch."""
    alone = finetune(recipe, place / f"{out}-alone", train=data, device="cpu")
    for each in saw:
        assert "error" not in each, each["error"]
        assert each["losses"] == pytest.approx([loss for _, loss in alone.losses], rel=1e-4)
        assert each["tokens"] == alone.tokens
    one, two = weights(place / f"{out}-alone"), weights(place / out)
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-3, atol=1e-4)
    assert names(place / out) == names(place / f"{out}-alone")
    assert names(place / out / "model") == names(place / f"{out}-alone" / "model")


@pytest.mark.slow
def test_two_shards_make_the_steps_of_one_process_with_twice_the_batch(base: str, data: Any, tmp_path: Path) -> None:
    data.save_to_disk(tmp_path / "data")
    (saw,) = by_two(tmp_path, [{"out": "two", "recipe": PLAIN | {"model": base, "optimizer": "sgd"}}])
    assert [each["kinds"] for each in saw] == [["DTensor"]] * 2
    assert sum(each["held"] for each in saw) == saw[0]["all"]
    assert saw[0]["held"] == pytest.approx(saw[0]["all"] / 2, rel=0.01)
    recipe = Recipe(
        **PLAIN | {"model": base, "optimizer": "sgd", "batch": 8}
    )  # Adam would not notice a gradient of twice the size
    same_as_alone(tmp_path, "two", saw, data, recipe)
    assert "training_args.bin" not in names(tmp_path / "two" / "model")
    assert "README.md" in names(tmp_path / "two" / "model")
    assert json.loads((tmp_path / "two" / "recipe.json").read_text())["sharded"] is True
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "two" / "model").num_parameters() == saw[0]["all"]


@pytest.mark.long
def test_adapters_accumulation_and_recomputing_shard_as_well(base: str, data: Any, tmp_path: Path) -> None:
    data.save_to_disk(tmp_path / "data")
    recipes: dict[str, dict[str, Any]] = {
        "adapter": {"method": "lora", "lora_dropout": 0.0},
        "parts": {"accumulate": 2, "optimizer": "nesterov", "weight_decay": 0.1},
        "recomputed": {"recompute": True},
    }
    jobs = [{"out": out, "recipe": PLAIN | {"model": base} | recipe} for out, recipe in recipes.items()]
    for (out, recipe), saw in zip(recipes.items(), by_two(tmp_path, jobs), strict=True):
        same_as_alone(tmp_path, out, saw, data, Recipe(**PLAIN | {"model": base, "batch": 8} | recipe))
    adapters = [load_file(tmp_path / out / "adapter" / "adapter_model.safetensors") for out in ("adapter", "adapter-alone")]
    assert adapters[0].keys() == adapters[1].keys()
    for name in adapters[0]:
        torch.testing.assert_close(adapters[0][name], adapters[1][name], rtol=1e-3, atol=1e-4)


@pytest.mark.long
def test_an_interrupted_run_goes_on_to_the_same_weights(base: str, data: Any, tmp_path: Path) -> None:
    data.save_to_disk(tmp_path / "data")
    recipes = [{"optimizer": name} for name in ("adamw", "polyak", "sgd")] + [{"method": "lora", "lora_dropout": 0.1}]
    jobs: list[dict[str, Any]] = []
    for number, changed in enumerate(recipes):
        recipe = PLAIN | {"model": base, "steps": 6} | changed
        jobs.append({"out": f"halves{number}", "recipe": recipe, "stop": 3, "name": f"first{number}"})
        jobs.append({"out": f"halves{number}", "recipe": recipe})
        jobs.append({"out": f"whole{number}", "recipe": recipe})
    saw = by_two(tmp_path, jobs)
    for number in range(len(recipes)):
        first, halves, whole = saw[3 * number : 3 * number + 3]
        assert [each["error"] for each in first] == ["KeyboardInterrupt"] * 2  # asked of one process, heeded by both
        assert [each["losses"] for each in halves] == [each["losses"] for each in whole]
        one, other = weights(tmp_path / f"halves{number}"), weights(tmp_path / f"whole{number}")
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


class Bomb:
    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.place,)


@pytest.mark.long
def test_no_pickle_of_a_checkpoint_is_run_and_divergence_and_the_sharpness_end_both(base: str, data: Any, tmp_path: Path) -> None:
    data.save_to_disk(tmp_path / "data")
    recipe = PLAIN | {"model": base}
    jobs: list[dict[str, Any]] = [
        {"out": "planted", "recipe": recipe, "stop": 3},
        {"out": "far", "recipe": recipe | {"optimizer": "sgd", "step_size": 1e30, "clip": 0.0}},
        {"out": "sharp", "recipe": recipe, "sharpness": True},
    ]
    _, far, sharp = by_two(tmp_path, jobs)
    assert [each["diverged_at"] for each in far] == [far[0]["diverged_at"]] * 2
    assert far[0]["diverged_at"] in (2, 3)
    assert not (tmp_path / "far" / "model").exists()
    assert all("the sharpness needs them whole" in each["error"] for each in sharp)
    (checkpoint,) = (tmp_path / "planted" / "checkpoints").iterdir()
    assert not list(checkpoint.rglob(".metadata"))
    assert not (tmp_path / "planted" / "model").exists()
    shutil.copytree(tmp_path / "planted", tmp_path / "other")
    for out, name in (("planted", "pytorch_model_fsdp.bin"), ("other", "optimizer.bin")):
        file = tmp_path / out / "checkpoints" / checkpoint.name / name
        assert file.is_file()
        torch.save(Bomb(tmp_path / f"{out}-ran"), file)
    for saw in by_two(tmp_path, [{"out": "planted", "recipe": recipe}, {"out": "other", "recipe": recipe}]):
        assert "Weights only load failed" in saw[0]["error"]
    assert not list(tmp_path.glob("*-ran"))


@pytest.mark.long
def test_the_command_under_accelerate_launch_shards_stops_and_goes_on(base: str, data: Any, tmp_path: Path) -> None:
    data.save_to_disk(tmp_path / "data")
    body = f"""
        import sys, typer
        sys.path.insert(0, {str(SHARDING.parent)!r})
        from sharding import cpus_may_shard
        from genlab.cli.finetune import finetune
        cpus_may_shard()
        app = typer.Typer()
        app.command()(finetune)
        app()
    """
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(body))
    shown = Path(__file__).parents[2].joinpath("docs", "finetuning.md").read_text().split("```yaml\n")[1].split("```")[0]
    (tmp_path / "fsdp.yaml").write_text(shown)
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(tmp_path / "fsdp.yaml")]
    launch += ["--main_process_port", "0", str(file)]
    launch += [base, str(tmp_path / "data"), "--out", str(tmp_path / "two"), "--device", "cpu"]
    launch += ["--set", "steps=60", "--set", "batch=2", "--set", "step_size=1e-3", "--set", "save_every=2"]
    with subprocess.Popen(launch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()) as process:
        for _ in range(3000):
            if list((tmp_path / "two" / "checkpoints").glob("checkpoint-*/finetuning.json")) or process.poll() is not None:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert said.count("Stopped; the steps made are kept.") == 1, said
    last = max(int(path.name.rpartition("-")[2]) for path in (tmp_path / "two" / "checkpoints").iterdir())
    assert 0 < last < 60
    done = subprocess.run(launch, capture_output=True, text=True, timeout=200, env=environment())
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("60 steps, ") == 1
    assert names(tmp_path / "two") == ["model", "outcome.json", "recipe.json"]


def launched(**told: str) -> dict[str, str]:
    return {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"} | told


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"ACCELERATE_USE_DEEPSPEED": "true"}, "does not train with DeepSpeed: take --use_fsdp --fsdp_version 2"),
        ({"ACCELERATE_USE_MEGATRON_LM": "true"}, "does not train with Megatron-LM"),
        ({"ACCELERATE_MIXED_PRECISION": "bf16"}, "precision bf16, and the recipe for float32"),
        (launched(FSDP_VERSION="1"), "asks for FSDP1: give --fsdp_version 2"),
        (launched(FSDP_STATE_DICT_TYPE="SHARDED_STATE_DICT"), "hold pickles.* give --fsdp_state_dict_type FULL_STATE_DICT"),
        (launched(FSDP_ACTIVATION_CHECKPOINTING="true"), "--set recompute=true"),
        (launched(), "accelerate shards on GPUs, and this run is on cpu"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_a_folder_is_made(
    told: dict[str, str], message: str, base: str, data: Any, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sharded.STATE_DICT_TYPE, "FULL_STATE_DICT")  # else what is set for all processes would outlive the test
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message):
        finetune(Recipe(base, steps=1), out, train=data, device="cpu")
    assert not out.exists()


def test_checkpoints_are_whole_where_nobody_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sharded.STATE_DICT_TYPE, "")
    monkeypatch.delenv(sharded.STATE_DICT_TYPE)
    for name, value in launched(ACCELERATE_MIXED_PRECISION="bf16").items():
        monkeypatch.setenv(name, value)
    sharded.heed(Recipe("base", precision="bfloat16"))
    assert os.environ[sharded.STATE_DICT_TYPE] == "FULL_STATE_DICT"
