"""Interventions in transformers' Trainer and TRL's SFTTrainer: off they are not there, on they are those of a plain loop."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.callbacks.test_hugging_face import RECOMPUTE, ROWS, gpt, same, state
from torch import Tensor
from torch.nn import functional
from transformers import Trainer, TrainingArguments

from genlab.callbacks.trainer_intervention import TrainerIntervention
from genlab.interventions.grafting import IterativeGrafting
from genlab.interventions.penalties import L2Penalty, MicrobatchPenalty
from genlab.interventions.plain_loop import backward
from genlab.interventions.quantities import fisher, gradient_norm
from genlab.interventions.sam import Sam
from genlab.training.hugging_face import padded
from genlab.training.loop import Intervention

GN = MicrobatchPenalty(gradient_norm, 0.05, microbatch=2)
QUIET: dict[str, Any] = {"report_to": [], "use_cpu": True, "disable_tqdm": True, "save_strategy": "no"}
USUAL: dict[str, Any] = {"max_steps": 5, "per_device_train_batch_size": 4, "learning_rate": 0.2, "optim": "sgd", "seed": 1}
STILL = {"attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0}  # no dropout
EVEN = [{"input_ids": [(3 * row + place) % 10 + 1 for place in range(6)]} for row in range(12)]


class Collator:
    """Pads, and remembers what it was given."""

    def __init__(self) -> None:
        self.batches: list[dict[str, Tensor]] = []

    def __call__(self, rows: Sequence[Any]) -> dict[str, Tensor]:
        self.batches.append(padded(rows))
        return self.batches[-1]


def trainer(model: Any, out: Path, rows: Any = ROWS, collate: Any = padded, **settings: Any) -> Trainer:
    arguments = TrainingArguments(str(out), dataloader_pin_memory=False, **{**QUIET, **USUAL, **settings})
    return Trainer(model, arguments, train_dataset=rows, data_collator=collate)


@pytest.mark.parametrize("off", [Sam(0.0), MicrobatchPenalty(gradient_norm, 0.0, 2), L2Penalty(0.0)], ids=["sam", "gn", "l2"])
def test_at_zero_it_is_the_untouched_trainer_bit_for_bit(off: Intervention, tmp_path: Path) -> None:
    plain, ours = gpt(), gpt()  # with dropout, clipping and momentum
    trainer(plain, tmp_path, optim="adamw_torch").train()
    touched = trainer(ours, tmp_path, optim="adamw_torch")
    TrainerIntervention(off).attach(touched)
    touched.train()
    assert same(state(plain), state(ours))


def of_tokens(outputs: Any, labels: Tensor) -> Tensor:
    losses = functional.cross_entropy(outputs.logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none")
    return losses.mean(dim=1)


@pytest.mark.parametrize("on", [Sam(0.3), GN, IterativeGrafting(2)], ids=["sam", "gn", "grafting"])
def test_on_it_is_backward_in_a_plain_loop_clipped(on: Intervention, tmp_path: Path) -> None:
    ours, plain = gpt(**STILL).double(), gpt(**STILL).double().train()
    collate = Collator()
    run = trainer(ours, tmp_path, EVEN, collate, max_grad_norm=0.3, lr_scheduler_type="constant")
    watch = TrainerIntervention(on, physical_batch=3).attach(run)
    run.train()
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.2)
    loss = penalty = 0.0
    for step, batch in enumerate(collate.batches[: USUAL["max_steps"]]):
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        found = backward(plain, of_tokens, inputs, batch["labels"], on, step=step)
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.3)
        optimizer.step()
        loss, penalty = found.loss, found.penalty
    for name, each in ours.state_dict().items():
        torch.testing.assert_close(each, plain.state_dict()[name], rtol=1e-9, atol=1e-11)
    assert watch.found is not None
    assert watch.found.loss == pytest.approx(loss, rel=1e-10)
    assert watch.found.penalty == pytest.approx(penalty, rel=1e-10)


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole, half = gpt(), gpt()
    settings: dict[str, Any] = {"save_strategy": "steps", "save_steps": 2, "lr_scheduler_type": "constant"}
    for model, steps, resume in ((whole, 5, None), (half, 2, None), (gpt(), 5, True)):
        run = trainer(model, tmp_path / ("whole" if model is whole else "half"), max_steps=steps, **settings)
        TrainerIntervention(GN).attach(run)
        run.train(resume_from_checkpoint=resume)
        half = model
    assert same(state(whole), state(half))


def sft(folder: Path, out: Path, **settings: Any) -> Any:
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined]  # its names are found lazily

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    given: Any = {**QUIET, **USUAL, "bf16": False, RECOMPUTE: False, "dataloader_pin_memory": False, **settings}
    return SFTTrainer(
        model, SFTConfig(str(out), **given), train_dataset=Dataset.from_list(ROWS),
        processing_class=AutoTokenizer.from_pretrained(folder),
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_trls_sft_trainer_off_and_on(tmp_path: Path) -> None:
    from genlab.students.folder import make, tokenizer

    make(tmp_path / "base", tokenizer(["a river", "a boat"], size=280), width=8, layers=1, heads=1, seed=0)
    ends = []
    for intervention in (None, Sam(0.0), Sam(1e-6), Sam(0.5)):
        run = sft(tmp_path / "base", tmp_path / "out")
        if intervention is not None:
            TrainerIntervention(intervention).attach(run)
        run.train()
        ends.append(state(run.model))
    plain, off, hardly, on = ends
    assert same(plain, off)
    distances = [max(float((each[name] - plain[name]).abs().max()) for name in plain) for each in (hardly, on)]
    assert distances[0] < 1e-5 < 1e-3 < distances[1]  # its tokens are counted as TRL counts them
    with pytest.raises(ValueError, match=r"mixed: set bf16=False \(TRL's default"):
        TrainerIntervention(Sam(0.1)).attach(sft(tmp_path / "base", tmp_path / "out", bf16=True))
    with pytest.raises(ValueError, match=r"recomputes activations .* set \w+_checkpointing=False \(TRL's default"):
        TrainerIntervention(Sam(0.1)).attach(sft(tmp_path / "base", tmp_path / "out", **{RECOMPUTE: True}))
    other = sft(tmp_path / "base", tmp_path / "out", loss_type="dft")
    TrainerIntervention(Sam(0.1)).attach(other)
    with pytest.raises(ValueError, match="it trains on another loss"):
        other.train()


def test_what_would_be_another_method_is_refused(tmp_path: Path) -> None:
    accumulating = trainer(gpt(), tmp_path, gradient_accumulation_steps=3)
    message = r"set gradient_accumulation_steps=1, per_device_train_batch_size=12 and, .* TrainerIntervention\(physical_batch=4\)"
    with pytest.raises(ValueError, match=message):
        TrainerIntervention(Sam(0.1)).attach(accumulating)
    run = trainer(gpt(), tmp_path)
    TrainerIntervention(Sam(0.1)).attach(run)
    with pytest.raises(ValueError, match="has an intervention, or a loss set on it, already"):
        TrainerIntervention(GN).attach(run)
    smoothing = trainer(gpt(), tmp_path, label_smoothing_factor=0.3)
    TrainerIntervention(Sam(0.1)).attach(smoothing)
    with pytest.raises(ValueError, match="it trains on another loss"):
        smoothing.train()
    with pytest.raises(ValueError, match="a penalty of fisher wants outputs that are one tensor"):
        TrainerIntervention(MicrobatchPenalty(fisher, 0.1)).attach(trainer(gpt(), tmp_path))
