"""Tokens a second of finetune() beside a hand-written loop, transformers' Trainer and TRL's SFTTrainer, on one tiny model.

    OMP_NUM_THREADS=1 python benchmarks/finetuning.py            width 96, 3 layers
    OMP_NUM_THREADS=1 python benchmarks/finetuning.py 64 3 5     another width and number of layers, rounds

All train the same untrained Llama on the same conversations with AdamW, 12 examples a step, examples of like length together;
the hand-written loop is nanoGPT's, on the very batches of finetune(), whose losses it must repeat. "the model alone" is that
loop on tensors made before: forward, loss, backward, clip and update. Rounds are A B C D E A B C D E; CPU seconds of one thread
in the training loop, without loading and tokenising, medians.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainerCallback, TrainingArguments
from trl import SFTConfig, SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from genlab import chance
from genlab.finetuning import manners, optimizers
from genlab.finetuning.order import order
from genlab.finetuning.recipe import Recipe
from genlab.finetuning.run import finetune
from genlab.skillworld.words import TOPICS
from genlab.students.folder import make, tokenizer

WORDS = sorted({noun for nouns in TOPICS.values() for noun in nouns})
EXAMPLES = 1200


class Stopwatch(TrainerCallback):
    """CPU seconds between the first step and the last."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self.begun = time.process_time()

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        self.seconds = time.process_time() - self.begun


def conversations(number: int) -> list[list[dict[str, str]]]:
    random = chance.python("benchmark of finetuning")
    text = lambda least, most: " ".join(random.choices(WORDS, k=random.randint(least, most))) + "."
    return [
        [{"role": "user", "content": f"Write about {text(3, 10)}"}, {"role": "assistant", "content": text(5, 40)}]
        for _ in range(number)
    ]


def tokens_of(folder: Path, talks: list[list[dict[str, str]]]) -> list[dict[str, list[int]]]:
    known = AutoTokenizer.from_pretrained(folder)
    rows = []
    for talk in talks:
        found = known.apply_chat_template(talk, return_dict=True, return_assistant_tokens_mask=True)
        marks = zip(found["input_ids"], found["assistant_masks"], strict=True)
        rows.append({"input_ids": found["input_ids"], "labels": [id if mark else -100 for id, mark in marks]})
    return rows


def collated(rows: list[dict[str, list[int]]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    width = max(len(row["input_ids"]) for row in rows)
    ids, labels = torch.zeros(len(rows), width, dtype=torch.long), torch.full((len(rows), width), -100)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for place, row in enumerate(rows):
        length = len(row["input_ids"])
        ids[place, :length], labels[place, :length] = torch.tensor(row["input_ids"]), torch.tensor(row["labels"])
        mask[place, :length] = 1
    return ids, mask, labels


def plain(recipe: Recipe, rows: list[dict[str, list[int]]], *, before: bool) -> tuple[float, list[float]]:
    """A loop like nanoGPT's; ``before`` makes all tensors before the clock starts."""
    met = order([len(row["input_ids"]) for row in rows], len(rows), recipe.batch, recipe.seed)
    parts = [[rows[index] for index in met[first : first + recipe.batch]] for first in range(0, len(met), recipe.batch)]
    ready = [collated(part) for part in parts] if before else []
    model = AutoModelForCausalLM.from_pretrained(recipe.model).train()
    optimizer = optimizers.build(model.named_parameters(), recipe)
    losses = []
    begun = time.process_time()
    for step, part in enumerate(parts):
        ids, mask, labels = ready[step] if before else collated(part)
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(step, len(parts))
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
        loss = functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten())
        loss.backward()
        clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return time.process_time() - begun, losses


def ours(recipe: Recipe, talks: Dataset, place: Path) -> tuple[float, list[float]]:
    shutil.rmtree(place, ignore_errors=True)
    watch = Stopwatch()
    outcome = finetune(recipe, place, train=talks, callbacks=[watch], device="cpu")
    return watch.seconds, [loss for _, loss in outcome.losses]


def theirs(recipe: Recipe, data: Dataset, place: Path, trainer: Any, config: Any, **more: Any) -> tuple[float, list[float]]:
    watch = Stopwatch()
    settings = config(
        str(place), per_device_train_batch_size=recipe.batch, num_train_epochs=1, learning_rate=recipe.step_size, bf16=False,
        report_to="none", save_strategy="no", disable_tqdm=True, use_cpu=True, activation_checkpointing=False,
        lr_scheduler_type="cosine", train_sampling_strategy="group_by_length", logging_strategy="no",
    )  # fmt: skip
    known = AutoTokenizer.from_pretrained(recipe.model)
    model = AutoModelForCausalLM.from_pretrained(recipe.model)
    trainer(model=model, args=settings, train_dataset=data, processing_class=known, callbacks=[watch], **more).train()
    return watch.seconds, []


def main(width: int = 96, layers: int = 3, rounds: int = 3) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch, manners.quiet():
        folder, place = Path(scratch, "base"), Path(scratch, "out")
        talks = conversations(EXAMPLES)
        make(
            folder,
            tokenizer((turn["content"] for talk in talks for turn in talk), size=1100),
            width=width,
            layers=layers,
            heads=4,
            seed=0,
        )
        rows, data = tokens_of(folder, talks), Dataset.from_list([{"messages": talk} for talk in talks])
        tokens = sum(len(row["input_ids"]) for row in rows)
        recipe = Recipe(
            str(folder), step_size=1e-3, batch=12, epochs=1, weight_decay=0.1, betas=(0.9, 0.98), floor=0.05, save_every=0
        )
        marked = Dataset.from_list(rows)
        pad = DataCollatorForLanguageModeling(pad_token_id=0)
        peers: dict[str, Callable[[], tuple[float, list[float]]]] = {
            "the model alone": lambda: plain(recipe, rows, before=True),
            "a plain loop": lambda: plain(recipe, rows, before=False),
            "genlab finetune()": lambda: ours(recipe, data, place),
            "transformers Trainer": lambda: theirs(recipe, marked, place, Trainer, TrainingArguments, data_collator=pad),
            "TRL SFTTrainer": lambda: theirs(recipe, marked, place, SFTTrainer, SFTConfig),
        }
        seconds: dict[str, list[float]] = {name: [] for name in peers}
        losses: dict[str, list[float]] = {}
        for _ in range(rounds):
            for name, call in peers.items():
                spent, losses[name] = call()
                seconds[name].append(spent)
        steps = len(losses["a plain loop"])
        apart = max(abs(a - b) for a, b in zip(losses["a plain loop"], losses["genlab finetune()"], strict=True))
        bare = statistics.median(seconds["the model alone"])
        print(f"width {width}, {layers} layers, {EXAMPLES} conversations, {tokens:,} tokens, {steps} steps, {rounds} rounds\n")
        print(f"{'':22}{'tokens/s':>10}{'steps/s':>10}{'x plain loop':>14}{'outside the model':>20}")
        loop = statistics.median(seconds["a plain loop"])
        for name, spent in seconds.items():
            middle = statistics.median(spent)
            outside = max(0.0, 1 - bare / middle)
            print(f"{name:22}{tokens / middle:10,.0f}{steps / middle:10.1f}{middle / loop:14.2f}{outside:20.0%}")
        print(f"\nlargest difference between the losses of finetune() and of the plain loop: {apart:.2g} nats")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
