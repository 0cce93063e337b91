import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

from genlab.finetuning import conversations, manners
from genlab.finetuning.recipe import Recipe
from genlab.finetuning.run import finetune
from genlab.finetuning.sharpness import Sharpness, readings
from genlab.training.hugging_face import transformers_problem


@pytest.fixture
def tiny(base: str, tmp_path: Path) -> str:
    """A model of some two thousand weights, with the tokenizer of ``base``."""
    from genlab.students.folder import make

    tokenizer: Any = AutoTokenizer.from_pretrained(base)
    make(tmp_path / "tiny", tokenizer, width=4, layers=1, heads=1, seed=1)
    return str(tmp_path / "tiny")


def dense(model: Any, rows: list[dict[str, list[int]]]) -> Tensor:
    """The Hessian of transformers' own loss over the trainable weights, block by block; each example by itself, no padding."""
    trained = [each for each in model.parameters() if each.requires_grad]
    count = sum(label != -100 for row in rows for label in row["labels"][1:])
    with sdpa_kernel(SDPBackend.MATH):
        total = torch.zeros(())
        for row in rows:
            ids, labels = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
            total = total + model(input_ids=ids, labels=labels).loss * int((labels[:, 1:] != -100).sum()) / count
        slope = torch.cat([each.reshape(-1) for each in torch.autograd.grad(total, trained, create_graph=True)])
        blocks = []
        for some in torch.eye(len(slope)).split(64):
            pieces = torch.autograd.grad(slope, trained, some, is_grads_batched=True, retain_graph=True, materialize_grads=True)
            blocks.append(torch.cat([piece.reshape(len(some), -1) for piece in pieces], dim=1))
    return torch.cat(blocks)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_reading_is_the_largest_eigenvalue_of_the_dense_hessian(
    tiny: str, talks: Callable[..., Any], tmp_path: Path, method: Any
) -> None:
    data = Dataset.from_list([{"messages": talk} for talk in talks(2)])
    recipe = Recipe(
        tiny, method=method, lora_rank=1, lora_dropout=0.5, lora_layers="q_proj,v_proj", batch=2, steps=4, step_size=0.1
    )
    watch = Sharpness(2, examples=4, tolerance=1e-5, physical_batch=1)
    finetune(recipe, tmp_path / "out", train=data, device="cpu", callbacks=[watch])
    assert [each.step for each in watch.readings] == [0, 2, 4]
    assert readings(tmp_path / "out") == watch.readings

    model: Any = AutoModelForCausalLM.from_pretrained(tiny if method == "lora" else tmp_path / "out" / "model")
    if method == "lora":
        from peft import PeftModel

        with manners.quiet():
            model = PeftModel.from_pretrained(model, str(tmp_path / "out" / "adapter"), is_trainable=True)
    rows = list(conversations.labelled(data, AutoTokenizer.from_pretrained(tiny)))
    model.eval()
    top = torch.linalg.eigvalsh(dense(model, rows).double())[-1].item()
    last = watch.readings[-1]
    assert last.converged
    assert last.residual <= 1e-5
    assert last.sharpness == pytest.approx(top, rel=1e-3)
    assert abs(watch.readings[0].sharpness - top) > 1e-2 * top


def test_padding_and_physical_batches_change_nothing(base: str, data: Dataset) -> None:
    rows = list(conversations.labelled(data, AutoTokenizer.from_pretrained(base)))[:10]
    model = AutoModelForCausalLM.from_pretrained(base)
    whole, parts = (
        transformers_problem(model, rows, physical_batch=10),
        transformers_problem(model, rows, pad=7, physical_batch=3),
    )
    assert whole.score(whole.weights()).loss == pytest.approx(parts.score(parts.weights()).loss, rel=1e-5)


def test_measuring_changes_nothing_and_goes_on_after_a_stop(base: str, data: Dataset, tmp_path: Path) -> None:
    class Stop(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            if state.global_step == 5:
                os.kill(os.getpid(), signal.SIGINT)

    recipe = Recipe(base, method="lora", lora_dropout=0.2, batch=4, steps=8, step_size=1e-2)

    def run(name: str, *callbacks: TrainerCallback) -> None:
        finetune(recipe, tmp_path / name, train=data, device="cpu", callbacks=callbacks)

    run("unmeasured")
    run("measured", Sharpness(2, examples=6))
    with pytest.raises(KeyboardInterrupt):
        run("stopped", Sharpness(2, examples=6), Stop())
    run("stopped", Sharpness(2, examples=6))
    first, *others = (
        load_file(tmp_path / name / "model" / "model.safetensors") for name in ("unmeasured", "measured", "stopped")
    )
    assert all(torch.equal(first[name], other[name]) for other in others for name in first)
    assert [each.step for each in readings(tmp_path / "stopped")] == [0, 2, 4, 6, 8]
    assert readings(tmp_path / "stopped") == readings(tmp_path / "measured")


def test_a_run_that_began_without_it_cannot_go_on_with_it(base: str, data: Dataset, tmp_path: Path) -> None:
    class Stop(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    recipe = Recipe(base, batch=4, steps=3)
    with pytest.raises(KeyboardInterrupt):
        finetune(recipe, tmp_path / "out", train=data, device="cpu", callbacks=[Stop()])
    with pytest.raises(ValueError, match="was written without the sharpness"):
        finetune(recipe, tmp_path / "out", train=data, device="cpu", callbacks=[Sharpness(1)])
    with pytest.raises(ValueError, match="holds no readings"):
        readings(tmp_path / "out")


def test_what_cannot_be_measured_is_refused(base: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(base)
    with pytest.raises(ValueError, match="none of 1 examples has a token that carries loss"):
        transformers_problem(model, [{"input_ids": [4, 5], "labels": [-100, -100]}])
    with pytest.raises(ValueError, match="at least 1, got 0"):
        Sharpness(0)
