import dataclasses
import json
import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTTrainer  # type: ignore[attr-defined]  # its names are found lazily

from genlab.finetuning import assembly, conversations, manners
from genlab.finetuning.order import order
from genlab.finetuning.recipe import Recipe
from genlab.finetuning.run import Outcome, finetune


class At(TrainerCallback):
    """Does something after a step."""

    def __init__(self, step: int, act: Callable[[Any], object]) -> None:
        self.step = step
        self.act = act

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if state.global_step == self.step:
            self.act(control)


def interrupt(control: Any) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def run(recipe: Recipe, out: Path, data: Any, **options: Any) -> Outcome:
    return finetune(recipe, out, train=data, device="cpu", **options)


def small(base: str, **changes: Any) -> Recipe:
    return Recipe(base, **{"batch": 4, "step_size": 1e-2} | changes)


def test_it_is_the_loop_one_would_write_by_hand(base: str, data: Dataset, out: Path) -> None:
    recipe = small(base, epochs=2, betas=(0.9, 0.98), clip=0.5, save_every=0)
    outcome = run(recipe, out, data)

    rows = list(conversations.labelled(data, AutoTokenizer.from_pretrained(base)))
    lengths = [len(row["input_ids"]) for row in rows]
    met = order(lengths, 80, 4, 0)
    model = AutoModelForCausalLM.from_pretrained(base)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0)
    losses = []
    for step in range(20):
        optimizer.param_groups[0]["lr"] = recipe.rate(step, 20)
        total, count = torch.zeros(()), 0
        for index in met[4 * step : 4 * step + 4]:  # one by one, without padding
            ids, labels = torch.tensor([rows[index]["input_ids"]]), torch.tensor(rows[index]["labels"])
            total = total + functional.cross_entropy(model(input_ids=ids).logits[0, :-1], labels[1:], reduction="sum")
            count += int((labels[1:] != -100).sum())
        (total / count).backward()
        losses.append((total / count).item())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad()

    assert outcome.steps == 20
    assert [loss for _, loss in outcome.losses] == pytest.approx(losses, rel=1e-4)
    assert losses[-1] < 0.8 * losses[0]
    assert outcome.tokens == 2 * sum(lengths)
    trained, expected = weights(out / "model"), model.state_dict()
    for name, each in trained.items():
        torch.testing.assert_close(each, expected[name], rtol=1e-3, atol=1e-4)


def test_the_loss_is_trls_own(base: str, data: Dataset, tmp_path: Path) -> None:
    recipe = small(base)
    trainer = assembly.trainer(recipe, data, assembly.arguments(recipe, tmp_path, "cpu"), [])
    batch = next(iter(trainer.get_train_dataloader()))
    theirs: Any = SFTTrainer.compute_loss
    ours = trainer.compute_loss(trainer.model, dict(batch))
    torch.testing.assert_close(ours, theirs(trainer, trainer.model, dict(batch)))


def test_accumulated_batches_make_the_step_of_one_large_batch(base: str, data: Dataset, tmp_path: Path) -> None:
    once = run(small(base, batch=8, by_length=False, steps=5), tmp_path / "once", data)
    twice = run(small(base, batch=4, accumulate=2, by_length=False, steps=5), tmp_path / "twice", data)
    assert [loss for _, loss in twice.losses] == pytest.approx([loss for _, loss in once.losses], rel=1e-4)
    assert once.tokens == twice.tokens


@pytest.mark.parametrize(
    "changes", [{}, {"method": "lora", "lora_dropout": 0.3}, {"optimizer": "polyak", "accumulate": 2}], ids=str
)
def test_a_run_stopped_by_ctrl_c_goes_on_to_the_same_weights(
    base: str, data: Dataset, tmp_path: Path, changes: dict[str, Any]
) -> None:
    recipe = small(base, epochs=2, **changes)
    whole = run(recipe, tmp_path / "whole", data)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, tmp_path / "halves", data, callbacks=[At(7, interrupt)])
    assert not (tmp_path / "halves" / "model").exists()
    reported: list[int] = []
    halves = run(recipe, tmp_path / "halves", data, report=lambda done, of, loss: reported.append(done))
    assert reported[0] == 8
    assert same(tmp_path / "whole" / "model", tmp_path / "halves" / "model")
    assert dataclasses.replace(halves, seconds=0, folder=None) == dataclasses.replace(whole, seconds=0, folder=None)


def test_a_checkpoint_that_was_cut_short_is_passed_over(base: str, data: Dataset, tmp_path: Path) -> None:
    recipe = small(base, epochs=2, save_every=4)
    run(recipe, tmp_path / "whole", data)

    def die(control: Any) -> None:
        raise RuntimeError("power failure")

    with pytest.raises(RuntimeError, match="power failure"):
        run(recipe, tmp_path / "halves", data, callbacks=[At(10, die)])
    checkpoints = tmp_path / "halves" / "checkpoints"
    assert sorted(path.name for path in checkpoints.iterdir()) == ["checkpoint-4", "checkpoint-8"]
    shutil.copytree(checkpoints / "checkpoint-8", checkpoints / "checkpoint-9")
    (checkpoints / "checkpoint-9" / "finetuning.json").unlink()  # it is written last
    (checkpoints / "checkpoint-9" / "model.safetensors").write_bytes(b"half a f")
    first: list[int] = []
    run(recipe, tmp_path / "halves", data, report=lambda done, of, loss: first.append(done))
    assert first[0] == 9
    assert same(tmp_path / "whole" / "model", tmp_path / "halves" / "model")
    assert not checkpoints.exists()


def test_what_is_done_is_not_done_again_and_something_else_is_refused(
    base: str, data: Dataset, out: Path, tmp_path: Path
) -> None:
    recipe = small(base, steps=3)
    outcome = run(recipe, out, data)

    def report(done: int, of: int, loss: float) -> None:
        raise AssertionError("trained again")

    assert run(recipe, out, data, report=report) == outcome
    with pytest.raises(ValueError, match=r"another recipe \(seed was 0, now 1\): give another --out"):
        run(dataclasses.replace(recipe, seed=1), out, data)
    with pytest.raises(ValueError, match="the data changed"):
        run(recipe, out, data.select(range(20)))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("please keep")
    with pytest.raises(ValueError, match="holds something that is no fine-tuning"):
        run(recipe, tmp_path / "mine", data)
    assert [path.name for path in (tmp_path / "mine").iterdir() if path.name != ".lock"] == ["thesis.tex"]


def test_lora_leaves_an_adapter_and_a_model_that_are_one(base: str, data: Dataset, out: Path) -> None:
    from peft import PeftModel

    outcome = run(small(base, method="lora", lora_rank=2, lora_alpha=4, steps=20), out, data)
    merged = AutoModelForCausalLM.from_pretrained(out / "model")
    start = AutoModelForCausalLM.from_pretrained(base)
    ids = torch.arange(4, 24).reshape(2, 10)
    with torch.no_grad(), manners.quiet():
        before = start(input_ids=ids).logits
        after = merged(input_ids=ids).logits
        adapted = PeftModel.from_pretrained(start, str(out / "adapter")).eval()(input_ids=ids).logits
    torch.testing.assert_close(after, adapted, rtol=1e-4, atol=1e-5)
    assert (after - before).abs().max() > 1e-2
    assert torch.equal(weights(out / "model")["model.embed_tokens.weight"], weights(Path(base))["model.embed_tokens.weight"])
    assert outcome.losses[-1][1] < outcome.losses[0][1]


def test_another_seed_is_another_adapter_and_the_same_seed_the_same(base: str, data: Dataset, tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        run(small(base, method="lora", steps=2, seed=seed), tmp_path / name, data)
    assert same(tmp_path / "one" / "model", tmp_path / "two" / "model")
    assert not same(tmp_path / "one" / "model", tmp_path / "three" / "model")


def test_divergence_is_an_outcome(base: str, data: Dataset, out: Path) -> None:
    recipe = small(base, optimizer="sgd", step_size=1e30, clip=0.0, warmup=0.0, steps=10)
    outcome = run(recipe, out, data)
    assert outcome.diverged_at in (2, 3)
    assert outcome.steps == len(outcome.losses) == outcome.diverged_at - 1
    assert outcome.folder is None
    assert not (out / "model").exists()
    assert run(recipe, out, data) == outcome


def test_the_final_folder_is_an_ordinary_one_without_a_pickle(base: str, data: Dataset, out: Path) -> None:
    from genlab.students.generating import Writer

    run(small(base, steps=2), out, data)
    assert sorted(path.name for path in out.iterdir() if path.name != ".lock") == ["model", "outcome.json", "recipe.json"]
    names = {path.name for path in (out / "model").iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja", "README.md"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth"))]
    ours, theirs = (json.loads((Path(folder) / "generation_config.json").read_text()) for folder in (base, out / "model"))
    assert ours["do_sample"] is theirs["do_sample"] is True
    assert AutoTokenizer.from_pretrained(out / "model").chat_template == AutoTokenizer.from_pretrained(base).chat_template
    replies = Writer(out / "model").write([[{"role": "user", "content": "the river"}]], max_tokens=5)
    assert replies[0].output_tokens > 0


def test_a_model_that_does_not_say_whether_it_samples_will(base: str, data: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "silent"
    shutil.copytree(base, folder)
    (folder / "generation_config.json").write_text('{"eos_token_id": 3}')
    run(small(str(folder), steps=1), tmp_path / "out", data)
    assert json.loads((tmp_path / "out" / "model" / "generation_config.json").read_text())["do_sample"] is True


def test_a_callback_may_end_it_early_and_well(base: str, data: Dataset, out: Path) -> None:
    outcome = run(
        small(base, steps=9), out, data, callbacks=[At(4, lambda control: setattr(control, "should_training_stop", True))]
    )
    assert (outcome.steps, outcome.folder) == (4, out / "model")
    assert outcome.tokens < 9 * 4 * 40


def test_the_callers_own_chance_is_left_alone(base: str, data: Dataset, out: Path) -> None:
    before, python = torch.get_rng_state(), random.getstate()
    run(small(base, steps=1), out, data)
    assert torch.equal(torch.get_rng_state(), before)
    assert random.getstate() == python


def test_bfloat16_trains_weights_that_are_float32(base: str, data: Dataset, out: Path) -> None:
    outcome = run(small(base, steps=8, precision="bfloat16"), out, data)
    assert outcome.losses[-1][1] < outcome.losses[0][1]
    assert {each.dtype for each in weights(out / "model").values()} == {torch.float32}


def test_long_examples_are_cut_and_those_with_nothing_to_learn_left_out_and_both_are_said(base: str, out: Path) -> None:
    lengths = [(2, 2), (2, 60), (60, 2)]  # words of question and answer
    talks = [
        [{"role": "user", "content": " river" * asked}, {"role": "assistant", "content": " boat" * answered}]
        for asked, answered in lengths
    ]
    outcome = run(small(base, steps=1, max_length=30), out, Dataset.from_list([{"messages": talk} for talk in talks]))
    assert (outcome.examples, outcome.cut, outcome.dropped) == (2, 1, 1)
    with pytest.raises(ValueError, match="no example has anything to learn within max_length=30"):
        run(small(base, max_length=30), out.with_name("none"), Dataset.from_list([{"messages": talks[2]}]))


def test_what_is_no_model_or_does_not_fit_is_refused(base: str, data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no model's folder: it holds no config"):
        run(Recipe(str(tmp_path / "empty")), tmp_path / "a", data)
    mute = tmp_path / "mute"
    shutil.copytree(base, mute)
    (mute / "chat_template.jinja").unlink()
    with pytest.raises(ValueError, match="has no chat template"):
        run(Recipe(str(mute)), tmp_path / "b", data)
    long = Dataset.from_list([{"prompt": "the", "completion": " river" * 600}])
    with pytest.raises(ValueError, match="has 512 positions: lower max_length"):
        run(Recipe(base), tmp_path / "c", long)
    with pytest.raises(ValueError, match="device is auto, cpu or cuda"):
        finetune(Recipe(base), tmp_path / "d", train=data, device="tpu")
