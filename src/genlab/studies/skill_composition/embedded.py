"""The embedded base student: a small Llama made from nothing on skillworld's corpus, by the recipe that any fine-tuning has."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.curation import corpus
from genlab.finetuning.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset

VOCABULARY = 1100  # tokens: 256 bytes and every word of skillworld, with and without a blank before it (measured: 930 are used)
VOCABULARY_TEXTS = 6000  # that the tokenizer learns from
HEADS = 4
VERSION = 1  # raised when equal fields make another base


@dataclass(frozen=True)
class Base:
    """What determines a base student.

    Attributes:
        width, layers: of the model.
        texts: conversations of the corpus it is made from, each met once.
        seed: of its first weights, the conversations and their order. The tokenizer is the same for all.
    """

    width: int
    layers: int
    texts: int
    seed: int

    @property
    def id(self) -> str:
        """Twelve hex digits of all that determines it."""
        said = json.dumps([VERSION, dataclasses.asdict(self), dataclasses.asdict(corpus.MIXTURE)])
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    def start(self, folder: Path) -> Path:
        """Write the untrained model, whole or not at all."""
        from genlab.students.folder import make, tokenizer

        if not folder.is_dir():
            draft = folder.with_name(f"{folder.name}.draft")
            words = tokenizer(_lines(), size=VOCABULARY)
            make(draft, words, width=self.width, layers=self.layers, heads=HEADS, seed=self.seed)
            draft.rename(folder)
        return folder

    def recipe(self, start: Path) -> Recipe:
        """How it is trained. Step size and batch were chosen with seeds that no report shows (docs/log.md)."""
        return Recipe(
            str(start),
            method="full",
            epochs=1.0,
            batch=20,
            step_size=3e-3,
            floor=0.05,
            weight_decay=0.1,
            betas=(0.9, 0.98),
            seed=self.seed,
            save_every=2000,
        )

    def data(self) -> "Dataset":
        """Its conversations."""
        from datasets import Dataset

        return Dataset.from_list([{"messages": each} for each in islice(corpus.conversations(self.seed), self.texts)])


def token_counter(folder: str) -> Callable[[Sequence[dict[str, Any]]], list[int]]:
    """A function from rows with ``messages`` to the tokens of each, as the folder's own chat template writes them."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)

    def count(rows: Sequence[dict[str, Any]]) -> list[int]:
        written = tokenizer.apply_chat_template([row["messages"] for row in rows], tokenize=False)
        return [len(ids) for ids in tokenizer(written, add_special_tokens=False)["input_ids"]]

    return count


def _lines() -> Iterator[str]:
    for messages in islice(corpus.conversations(0, "vocabulary"), VOCABULARY_TEXTS):
        yield from (message["content"] for message in messages)
