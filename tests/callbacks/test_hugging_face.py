"""The sharpness in transformers' Trainer, on a real GPT-2 of some three hundred weights with padding and dropout."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from genlab.callbacks.hugging_face import TrainerSharpness
from genlab.callbacks.readings import read
from genlab.training.hugging_face import padded

RECOMPUTE = f"{'activation' if hasattr(TrainingArguments, 'activation_checkpointing') else 'gradient'}_checkpointing"
ROWS = [{"input_ids": [(3 * row + place) % 10 + 1 for place in range(3 + row % 4)]} for row in range(12)]


def gpt(**settings: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        shape: Any = {"vocab_size": 11, "n_positions": 8, "n_embd": 4, "n_layer": 1, "n_head": 1}
        model: Any = GPT2LMHeadModel(GPT2Config(**shape, bos_token_id=0, eos_token_id=0, initializer_range=0.5, **settings))
    model.loss_type = "ForCausalLM"  # which GPT-2 means and does not say; transformers warns otherwise
    return model


def train(model: Any, out: Path, watch: TrainerSharpness | None = None, *, resume: Any = None, **settings: Any) -> Trainer:
    usual: Any = {"max_steps": 6, "per_device_train_batch_size": 4, "learning_rate": 0.1, "optim": "sgd", "max_grad_norm": 0.0}
    quiet: Any = {"report_to": [], "use_cpu": True, "disable_tqdm": True, "save_strategy": "no", "dataloader_pin_memory": False}
    arguments = TrainingArguments(str(out), seed=1, logging_steps=2, **{**usual, **quiet, **settings})
    trainer = Trainer(model, arguments, train_dataset=ROWS, data_collator=padded)
    if watch is not None:
        watch.attach(trainer)
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def dense(model: Any, rows: Any, *, named: str = "") -> Tensor:
    """Hessian of transformers' own loss in float64; each example by itself, so that none is padded."""
    model = model.eval().double()
    trained = [each for name, each in model.named_parameters() if named in name]
    for each in trained:
        each.requires_grad_()
    total, count = torch.zeros((), dtype=torch.float64), sum(len(row["input_ids"]) - 1 for row in rows)
    with sdpa_kernel(SDPBackend.MATH):
        for row in rows:
            ids = torch.tensor([row["input_ids"]])
            logits = model(input_ids=ids).logits[0, :-1]
            total = total + torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum") / count
        slope = torch.cat([each.reshape(-1) for each in torch.autograd.grad(total, trained, create_graph=True)])
        eye = torch.eye(len(slope), dtype=slope.dtype)
        blocks = torch.autograd.grad(slope, trained, eye, is_grads_batched=True, materialize_grads=True)
    return torch.cat([block.reshape(len(slope), -1) for block in blocks], dim=1)


def state(model: Any) -> Mapping[str, Tensor]:
    return {name: each.clone() for name, each in model.state_dict().items()}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_readings_are_the_eigenvalues_of_the_dense_hessian(tmp_path: Path) -> None:
    watch = TrainerSharpness(3, examples=12, k=2, tolerance=1e-5, physical_batch=5)
    model = gpt()
    train(model, tmp_path, watch)
    assert [each.step for each in watch.readings] == [0, 3, 6]
    for reading, at in ((watch.readings[0], gpt()), (watch.readings[-1], model)):
        truth = torch.linalg.eigvalsh(dense(at, ROWS)).flip(0)[:2]
        assert reading.converged
        assert reading.values == pytest.approx(truth.tolist(), rel=1e-4)
    assert read(tmp_path) == watch.readings


def test_training_with_it_is_bit_for_bit_training_without_it(tmp_path: Path) -> None:
    plain, watched = gpt(), gpt()
    first = train(plain, tmp_path / "plain")
    watch = TrainerSharpness(1, examples=4)
    second = train(watched, tmp_path / "watched", watch)
    assert same(state(plain), state(watched))
    losses = [[each["loss"] for each in one.state.log_history if "loss" in each] for one in (first, second)]
    assert losses[0] == losses[1]
    logged = [each for each in second.state.log_history if "sharpness" in each]
    assert [each["step"] for each in logged] == list(range(7))
    assert logged[0]["sharpness_threshold"] == pytest.approx(2 / 0.1)
    assert watched.training
    passed = TrainerSharpness(2, examples=4)
    arguments = TrainingArguments(str(tmp_path / "passed"), max_steps=2, use_cpu=True, report_to=[], disable_tqdm=True)
    trainer = Trainer(gpt(), arguments, train_dataset=ROWS, data_collator=padded, callbacks=[passed])
    trainer.train()
    assert [each["step"] for each in trainer.state.log_history if "sharpness" in each] == [0, 2]
    assert passed.readings[0].values == watch.readings[0].values


def test_a_resumed_run_reads_what_an_uninterrupted_one_reads(tmp_path: Path) -> None:
    whole, half = gpt(), gpt()
    through = TrainerSharpness(2, examples=6)
    train(whole, tmp_path / "whole", through, max_steps=8, lr_scheduler_type="constant")
    settings = {"lr_scheduler_type": "constant", "save_strategy": "steps", "save_steps": 4}
    train(half, tmp_path / "half", TrainerSharpness(2, examples=6), max_steps=4, **settings)
    again = TrainerSharpness(2, examples=6)
    train(gpt(), tmp_path / "half", again, max_steps=8, resume=True, **settings)
    assert again.readings == through.readings
    (tmp_path / "half" / "checkpoint-8" / "sharpness.safetensors").unlink()
    with pytest.raises(ValueError, match=r"written without the sharpness.*resume=False"):
        train(gpt(), tmp_path / "half", TrainerSharpness(2), max_steps=12, resume=True, **settings)


def test_divergence_is_recorded(tmp_path: Path) -> None:
    watch = TrainerSharpness(2, examples=4)
    train(gpt(), tmp_path, watch, learning_rate=1e30, lr_scheduler_type="constant")
    assert [math.isnan(each.sharpness) for each in watch.readings] == [False, True, True, True]
    assert json.loads((tmp_path / "sharpness.json").read_text())["readings"][-1]["values"] == [None]
    assert math.isnan(read(tmp_path)[-1].sharpness)


def test_half_precision_autocast_and_recomputed_activations_change_no_curvature(tmp_path: Path) -> None:
    rounded = gpt().bfloat16()
    truth = torch.linalg.eigvalsh(dense(gpt().bfloat16(), ROWS))[-1].item()
    watch = TrainerSharpness(9, examples=12, tolerance=1e-5)
    train(rounded, tmp_path / "held", watch, max_steps=1)
    assert watch.readings[0].sharpness == pytest.approx(truth, rel=1e-4)
    truth = torch.linalg.eigvalsh(dense(gpt(), ROWS))[-1].item()
    for name, settings in (("autocast", {"bf16": True}), ("recomputed", {RECOMPUTE: True})):
        watch = TrainerSharpness(9, examples=12, tolerance=1e-5)
        train(gpt(use_cache=False), tmp_path / name, watch, max_steps=1, **settings)
        assert watch.readings[0].sharpness == pytest.approx(truth, rel=1e-4), name


@pytest.mark.filterwarnings("ignore:.*is deprecated:FutureWarning")  # what PEFT and transformers say to each other
def test_lora_adapters_only_or_all_weights(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    def adapted() -> Any:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            config = LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True, init_lora_weights=False, lora_dropout=0.5)
            return get_peft_model(gpt(), config)

    for parameters, named in ((None, "lora_"), ("*", "")):
        watch = TrainerSharpness(9, examples=12, tolerance=1e-5, parameters=parameters)
        train(adapted(), tmp_path / f"over{named}", watch, max_steps=1)
        truth = torch.linalg.eigvalsh(dense(adapted(), ROWS, named=named))[-1].item()
        assert watch.readings[0].sharpness == pytest.approx(truth, rel=1e-4)


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"smooths labels by 0.1.*pass problem="):
        train(gpt(), tmp_path, TrainerSharpness(1), label_smoothing_factor=0.1)
    with pytest.raises(ValueError, match="no parameter is named 'lora'"):
        train(gpt(), tmp_path, TrainerSharpness(1, parameters="lora"))
    with pytest.raises(ValueError, match="at least 1, got 0"):
        TrainerSharpness(0)
