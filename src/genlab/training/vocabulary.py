"""Text to tokens and back: whole words of a fixed list, or byte pairs learned from a text."""

import functools
import hashlib
import importlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

BYTES = 256  # the least vocabulary of byte pairs: any text can be written in it


@dataclass(frozen=True)
class Words:
    """Every word is a token; words are what blanks part."""

    words: tuple[str, ...]
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", {word: place for place, word in enumerate(self.words)})

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return len(self.words)

    @property
    def checksum(self) -> str:
        """SHA-256, hex, of the words in order."""
        return hashlib.sha256("\n".join(self.words).encode()).hexdigest()

    def encode(self, text: str, *, at_least: int | None = None) -> list[int]:
        """Tokens of a text.

        Raises:
            ValueError: a word that is not in the list.
        """
        unknown = sorted({word for word in text.split() if word not in self._places})
        if unknown:
            raise ValueError(f"words that are none of the {self.size} in this vocabulary: {', '.join(unknown[:5])}")
        return [self._places[word] for word in text.split()]

    def decode(self, tokens: Iterable[int]) -> str:
        """Words with a blank between."""
        return " ".join(self.words[token] for token in tokens)


@dataclass(frozen=True)
class BytePairs:
    """Byte-level byte-pair encoding (Sennrich et al. 2016; on bytes, Radford et al. 2019): any text, back as it was.

    Attributes:
        file: what ``tokenizers`` needs to make it again, the content of a tokenizer.json.
    """

    file: str

    @classmethod
    def learn(cls, text: str, size: int) -> "BytePairs":
        """Merge the most frequent pairs of a text until there are ``size`` tokens, or no pair is there twice.

        Raises:
            ValueError: no room for the 256 bytes, or ``tokenizers`` is not installed.
        """
        if size < BYTES:
            raise ValueError(f"a vocabulary of {size} has no room for the {BYTES} bytes: at least {BYTES}")
        parts = _tokenizers()
        alphabet = parts.pre_tokenizers.ByteLevel.alphabet()
        pairs = parts.Tokenizer(parts.models.BPE())
        pairs.pre_tokenizer = parts.pre_tokenizers.ByteLevel(add_prefix_space=False)
        pairs.decoder = parts.decoders.ByteLevel()
        trainer = parts.trainers.BpeTrainer(vocab_size=size, min_frequency=2, initial_alphabet=alphabet, show_progress=False)
        pairs.train_from_iterator(text.splitlines(keepends=True), trainer)
        return cls(pairs.to_str())

    @functools.cached_property
    def _pairs(self) -> Any:
        return _tokenizers().Tokenizer.from_str(self.file)

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return int(self._pairs.get_vocab_size())

    @property
    def checksum(self) -> str:
        """SHA-256, hex, of the tokens and merges."""
        model = json.loads(self.file)["model"]
        return hashlib.sha256(json.dumps([model["vocab"], model["merges"]], sort_keys=True).encode()).hexdigest()

    def encode(self, text: str, *, at_least: int | None = None) -> list[int]:
        """Tokens of a text, line by line; it may stop after a line that makes them ``at_least`` so many."""
        tokens: list[int] = []
        lines = text.splitlines(keepends=True)
        for start in range(0, len(lines), 1000):
            for encoded in self._pairs.encode_batch(lines[start : start + 1000]):
                tokens += encoded.ids
            if at_least is not None and len(tokens) >= at_least:
                break
        return tokens

    def decode(self, tokens: Sequence[int]) -> str:
        """The text."""
        return str(self._pairs.decode(list(tokens)))


Vocabulary = Words | BytePairs


def _tokenizers() -> Any:
    try:
        return importlib.import_module("tokenizers")
    except ModuleNotFoundError:
        raise ValueError(
            "text is cut into byte pairs by `tokenizers`, which is not installed: pip install tokenizers, or use data grammar-200"
        ) from None
