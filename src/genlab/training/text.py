"""Text as rows of tokens, by name: where it comes from, how it is cut, what is held out.

    wikitext-2, wikitext-2-N   WikiText-2 (Merity et al. 2016), the raw text of the hub's Salesforce/wikitext
    text:FILE, text-N:FILE     a text file of yours, UTF-8; its last tenth is the test set
    grammar-N                  ours, for miniatures: keyed sentences of a language of 31 words, no file and no download

N rows to train on, all there are if it is left out; 5000 may be written 5k. After it, in this order, may stand -tokensT, the
tokens in a row (35), and -vocabV, the size of a vocabulary of byte pairs learned from the training text (at most 1024, or
exactly V), as in text-200-tokens16-vocab512:notes.txt.
"""

import functools
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genlab.training import grammar
from genlab.training.parquet import Source
from genlab.training.vocabulary import BytePairs, Vocabulary, Words

FORMS = "text:FILE, text-N:FILE, wikitext-2, wikitext-2-N, grammar-N (of text -tokensT and -vocabV may follow N)"
TOKENS = 35  # official repository of Cohen et al. 2021, first commit (667a808), src/wikitext.py: bptt
VOCABULARY = 1024  # our assumption: a vocabulary that a small transformer can afford
TEST_ROWS = 500  # of wikitext-2 and grammar; our assumption
_NAME = re.compile(
    r"(?P<kind>wikitext-2|text|grammar)(?:-(?P<first>[1-9][0-9]*)(?P<thousands>k?))?(?:-tokens(?P<tokens>[1-9][0-9]*))?"
    r"(?:-vocab(?P<vocabulary>[1-9][0-9]*))?(?::(?P<file>.+?)(?:@(?P<seal>[0-9a-f]{16}))?)?"
)


def _has_text(types: Any) -> bool:
    kind = types.get("text", pa.null())
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


WIKITEXT = Source(
    title="WikiText-2",
    hub="Salesforce/wikitext",
    config="wikitext-2-raw-v1",
    places=("wikitext-2-raw-v1", "wikitext/wikitext-2-raw-v1", "."),
    columns=("text",),
    expected="text: string",
    fits=_has_text,
)


@dataclass(frozen=True)
class Name:
    """What a name says: ``first``, ``tokens`` and ``vocabulary`` are None where it is silent; ``seal`` begins a SHA-256."""

    whole: str
    kind: str
    first: int | None
    tokens: int
    vocabulary: int | None
    file: str | None
    seal: str | None


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of tokens, each one token longer than what a network sees: inputs are all but the last, targets all but the first.

    Rows follow each other in the text and overlap by that one token.

    Attributes:
        train, test: int64 (row, token + 1).
        vocabulary: that of the tokens.
        note: what a reader of figures must know.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    vocabulary: Vocabulary
    note: str


def parse(name: str) -> Name | None:
    """A name taken apart; None if it is no name of a text.

    Raises:
        ValueError: a name with parts that do not go together.
    """
    form = _NAME.fullmatch(name)
    if form is None:
        return None
    first, vocabulary = (int(form[part]) if form[part] else None for part in ("first", "vocabulary"))
    if (form["kind"] == "text") != bool(form["file"]):
        raise ValueError(f"data {name!r}: a file is named after text and nothing else, like text:notes.txt or text-200:notes.txt")
    if form["kind"] == "grammar" and (first is None or vocabulary is not None):
        raise ValueError(
            f"data {name!r}: grammar-N wants a number of rows and has its own {len(grammar.WORDS)} words: grammar-200"
        )
    rows = first * (1000 if form["thousands"] else 1) if first is not None else None
    return Name(name, form["kind"], rows, int(form["tokens"] or TOKENS), vocabulary, form["file"], form["seal"])


def sealed(name: str) -> str:
    """The name with the beginning of its file's SHA-256, so that another text is another name; other names as they are.

    ``load`` of a sealed name refuses a file that has changed.

    >>> sealed("digits")
    'digits'

    Raises:
        ValueError: as ``parse``, or an unreadable file.
    """
    named = parse(name)
    if named is None or named.file is None or named.seal is not None:
        return name
    return f"{name}@{_seal(_bytes(named))}"


def shape(named: Name, data_dir: str | None = None) -> tuple[int, int, int]:
    """Rows to train on, rows to test on, size of the vocabulary; without the text where the name says it all."""
    if named.kind == "grammar":
        assert named.first is not None
        return named.first, TEST_ROWS, len(grammar.WORDS)
    if named.kind == "wikitext-2" and named.first is not None:
        return named.first, TEST_ROWS, named.vocabulary or VOCABULARY
    found = load(named, data_dir)
    return len(found.train), len(found.test), found.vocabulary.size


def load(named: Name, data_dir: str | None = None) -> Rows:
    """The rows of a text.

    Raises:
        ValueError: an absent or unreadable text, one that has changed since its name was sealed, or one too short for the
            rows or the vocabulary that the name asks for.
    """
    if named.file is not None:
        return _of_file(named if named.seal else replace(named, seal=_seal(_bytes(named))))
    if named.kind == "grammar":
        words = Words(grammar.WORDS)
        assert named.first is not None
        train, test = (
            _grammar(split, rows, named.tokens, words) for split, rows in (("train", named.first), ("test", TEST_ROWS))
        )
        return Rows(train, test, words, "sentences of a tiny grammar; test sentences are drawn by other keys and may repeat")
    train_text, test_text = (
        "".join(row for _, table in WIKITEXT.tables(split, data_dir) for row in table["text"].to_pylist())
        for split in ("train", "test")
    )
    return _learned(named, train_text, test_text, TEST_ROWS, "test is the first rows of the test split")


@functools.lru_cache(maxsize=2)
def _of_file(named: Name) -> Rows:
    train_text, test_text = _split(named)
    return _learned(named, train_text, test_text, None, "test is the last tenth of the file")


def _learned(named: Name, train_text: str, test_text: str, test_rows: int | None, held: str) -> Rows:
    vocabulary = BytePairs.learn(train_text, named.vocabulary or VOCABULARY)
    if named.vocabulary is not None and vocabulary.size < named.vocabulary:
        raise ValueError(
            f"data {named.whole!r}: no pair is twice in the training text after {vocabulary.size} tokens: use "
            f"-vocab{vocabulary.size}, or a longer text"
        )
    train, test = (
        _cut(named, part, vocabulary.encode(text, at_least=(most or 10**12) * named.tokens + 1), most)
        for part, text, most in (("training", train_text, named.first), ("test", test_text, test_rows))
    )
    return Rows(train, test, vocabulary, f"{vocabulary.size} byte pairs learned from the training text; {held}")


def _grammar(split: str, rows: int, tokens: int, words: Words) -> NDArray[np.int64]:
    def stream() -> Iterator[int]:
        index = 0
        while True:
            yield from words.encode(" ".join(grammar.sentence("grammar", split, index)))
            index += 1

    long = np.fromiter(stream(), np.int64, rows * tokens + 1)
    return _rows(long, tokens)


def _cut(named: Name, part: str, tokens: list[int], most: int | None) -> NDArray[np.int64]:
    rows = (len(tokens) - 1) // named.tokens
    if rows < max(1, most or 1):
        raise ValueError(
            f"data {named.whole!r}: the {part} text has {len(tokens):,} tokens, {max(0, rows):,} rows of {named.tokens}, and "
            f"{most or 1:,} are wanted: name fewer, or shorter rows by -tokensT"
        )
    return _rows(np.array(tokens[: (most or rows) * named.tokens + 1], np.int64), named.tokens)


def _rows(tokens: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.lib.stride_tricks.sliding_window_view(tokens, length + 1)[::length].copy()


def _split(named: Name) -> list[str]:
    raw = _bytes(named)
    if named.seal is not None and not _seal(raw) == named.seal:
        raise ValueError(
            f"{named.file} has changed: its SHA-256 begins with {_seal(raw)}, the name asks for {named.seal}. "
            "Bring back the file, or leave out what follows the @"
        )
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{named.file}: expected text in UTF-8 ({error})") from None
    tenth = len(text) - len(text) // 10
    line = text.rfind("\n", 0, tenth) + 1
    cut = line if line > len(text) // 2 else tenth  # at the end of a line, but for files of very long ones
    return [text[:cut], text[cut:]]


def _bytes(named: Name) -> bytes:
    assert named.file is not None
    try:
        return Path(named.file).read_bytes()
    except OSError as error:
        raise ValueError(f"data {named.whole!r}: cannot read {named.file} ({error.strerror}): name a text file") from None


def _seal(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]
