"""What only whole processes show: killed ones, two that train together, and what leaves the machine."""

import json
import os
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

from genlab.finetuning.recipe import Recipe
from genlab.finetuning.run import finetune

pytestmark = pytest.mark.slow


def script(place: Path, body: str) -> Path:
    file = place / "script.py"
    file.write_text(textwrap.dedent(body))
    return file


def environment() -> dict[str, str]:
    plain = {
        name: value for name, value in os.environ.items() if name not in {"CI", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"}
    }
    return plain | {"OMP_NUM_THREADS": "1"}


@pytest.mark.long
def test_a_killed_run_goes_on_to_the_same_weights(base: str, data: Any, tmp_path: Path) -> None:
    data.save_to_disk(tmp_path / "data")
    recipe = Recipe(base, batch=4, steps=40, step_size=1e-2, save_every=5)
    out = tmp_path / "killed"
    code = f"""
        from genlab.finetuning.recipe import Recipe
        from genlab.finetuning.run import finetune
        import time
        recipe = Recipe({base!r}, batch=4, steps=40, step_size=1e-2, save_every=5)
        slowly = lambda done, of, loss: time.sleep(0.1)
        finetune(recipe, {str(out)!r}, train={str(tmp_path / "data")!r}, report=slowly, device="cpu")
    """
    with subprocess.Popen([sys.executable, str(script(tmp_path, code))], env=environment()) as process:
        for _ in range(600):
            if (out / "checkpoints" / "checkpoint-10" / "finetuning.json").exists():
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (out / "model").exists()
    first: list[int] = []
    finetune(recipe, out, train=data, report=lambda done, of, loss: first.append(done), device="cpu")
    finetune(recipe, tmp_path / "whole", train=data, device="cpu")
    assert 11 <= first[0] < 40
    one, other = (load_file(folder / "model" / "model.safetensors") for folder in (out, tmp_path / "whole"))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.long
def test_two_processes_make_one_folder_and_the_steps_of_one_with_twice_the_batch(base: str, data: Any, tmp_path: Path) -> None:
    data.save_to_disk(tmp_path / "data")
    genlab = f"""
        import sys, typer
        from genlab.cli.finetune import finetune
        app = typer.Typer()
        app.command()(finetune)
        sys.argv = ["genlab finetune", {base!r}, {str(tmp_path / "data")!r}, "--out", {str(tmp_path / "two")!r},
                    "--device", "cpu", *(word for each in ("steps=5", "batch=4", "by_length=false", "step_size=1e-2")
                                         for word in ("--set", each))]
        app()
    """
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0", str(script(tmp_path, genlab))]
    done = subprocess.run(launch, capture_output=True, text=True, timeout=200, env=environment())
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("5 steps, ") == 1
    assert sorted(path.name for path in (tmp_path / "two").iterdir() if path.name != ".lock") == [
        "model",
        "outcome.json",
        "recipe.json",
    ]
    assert json.loads((tmp_path / "two" / "recipe.json").read_text())["processes"] == 2
    recipe = Recipe(base, steps=5, batch=8, by_length=False, step_size=1e-2)
    alone = finetune(recipe, tmp_path / "one", train=data, device="cpu")
    known = json.loads((tmp_path / "two" / "outcome.json").read_text())
    assert [loss for _, loss in known["losses"]] == pytest.approx([loss for _, loss in alone.losses], rel=1e-4)
    assert known["tokens"] == alone.tokens
    one, two = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("one", "two"))
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-3, atol=1e-4)


def test_nothing_is_asked_of_the_network_and_nothing_is_printed(base: str, data: Any, tmp_path: Path) -> None:
    data.save_to_disk(tmp_path / "data")
    code = f"""
        import sys
        asked = []
        network = ("socket.connect", "socket.getaddrinfo")
        sys.addaudithook(lambda event, values: asked.append(values) if event in network else None)
        from genlab.finetuning.recipe import Recipe
        from genlab.finetuning.run import finetune
        recipe = Recipe({base!r}, steps=2, method="lora")
        finetune(recipe, {str(tmp_path / "out")!r}, train={str(tmp_path / "data")!r}, device="cpu")
        import time
        time.sleep(1)  # telemetry leaves in a thread
        assert not asked, asked
    """
    done = subprocess.run(
        [sys.executable, str(script(tmp_path, code))], capture_output=True, text=True, timeout=120, env=environment()
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")
