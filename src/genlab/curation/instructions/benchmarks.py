"""Benchmarks that instructions will be judged on: their questions, from a file, a folder or the hub, and who repeats them."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GRAM = 8  # words that two texts share in one piece, as the issue asks
SHARE = 0.5  # of the shorter text's pieces, from which on a question counts as repeated: our assumption
COLUMNS = (  # where benchmarks keep their questions; the first that is there is read
    *("instruction", "question", "prompt", "query", "turns", "conversation_input", "conversation", "messages", "text", "input"),
)
BLOCK = 1024  # instructions compared at once
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Benchmark:
    """A benchmark's questions; of several turns, each is one text."""

    name: str
    texts: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Sixteen hex digits of the SHA-256 of all questions."""
        return hashlib.sha256("\x1f".join(self.texts).encode("utf-8", "replace")).hexdigest()[:16]


def read(place: str) -> Benchmark:
    """The questions of a benchmark.

    Args:
        place: a file (.jsonl, .json, .parquet, .csv; .txt with a question a line), a folder of ``save_to_disk``, or a dataset's
            name on the hub, all splits of which are read.

    Raises:
        ValueError: nothing is there, it cannot be read, or no column of ``COLUMNS`` is in it.
    """
    path = Path(place)
    if path.suffix == ".txt" and path.is_file():
        rows: list[Mapping[str, Any]] = [{"text": line} for line in path.read_text("utf-8").splitlines()]
    else:
        rows = _rows(place, path)
    names = [name for name in COLUMNS if rows and name in rows[0]]
    if not names:
        found = ", ".join(map(str, rows[0])) if rows else "no row"
        raise ValueError(f"{place} has no column that holds questions ({', '.join(COLUMNS)}); it has {found}")
    texts = dict.fromkeys(text.strip() for row in rows for text in _texts(row.get(names[0])) if text.strip())
    if not texts:
        raise ValueError(f"{place} holds no question in its column {names[0]}")
    return Benchmark(place, tuple(texts))


def _rows(place: str, path: Path) -> list[Mapping[str, Any]]:
    import datasets

    kinds = {".jsonl": "json", ".json": "json", ".parquet": "parquet", ".csv": "csv"}
    try:
        if path.is_dir():
            found: Any = datasets.load_from_disk(str(path))
        elif path.suffix in kinds:
            if not path.is_file():
                raise ValueError(f"there is no file {place}")
            return _lines(path) if path.suffix in (".jsonl", ".json") else list(_table(path))
        else:
            found = datasets.load_dataset(place)
    except ValueError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise ValueError(
            f"{place} is no file or folder of questions here, and the hub would not give such a data set ({why}): expected a "
            ".jsonl, .json, .parquet, .csv or .txt file, a folder of save_to_disk, or owner/name"
        ) from error
    splits = found.values() if isinstance(found, Mapping) else [found]
    return [row for split in splits for row in split]


def _lines(path: Path) -> list[Mapping[str, Any]]:
    import json

    try:
        text = path.read_text("utf-8-sig")
        found = json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise ValueError(f"{path} is not {path.suffix[1:].upper()}: {error}") from error
    found = [{"text": each} if isinstance(each, str) else each for each in found] if isinstance(found, list) else []
    if not all(isinstance(each, Mapping) for each in found):
        raise ValueError(f"{path}: expected a list of objects or texts")
    return list(found)


def _table(path: Path) -> Iterable[Mapping[str, Any]]:
    import pyarrow.csv
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path) if path.suffix == ".parquet" else pyarrow.csv.read_csv(path)
    rows: list[Mapping[str, Any]] = table.to_pylist()
    return rows


def _texts(value: Any) -> Iterable[str]:
    """The questions in a cell: a text, a list of turns, or of messages, of which the user's."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Sequence):
        for each in value:
            if isinstance(each, str):
                yield each
            elif isinstance(each, Mapping) and each.get("role", "user") == "user" and isinstance(each.get("content"), str):
                yield each["content"]


@dataclass(frozen=True)
class Repeated:
    """A benchmark's question that an instruction repeats; ``how`` is "8-grams" or "embedding", ``share`` overlap or cosine."""

    benchmark: str
    question: str
    how: str
    share: float


def repeats(
    instructions: Sequence[str], benchmarks: Sequence[Benchmark], *, cosine: float, embedder: str = ""
) -> dict[int, Repeated]:
    """Instructions that repeat a question, by their place.

    Two texts share ``SHARE`` of the shorter one's pieces of ``GRAM`` words, whatever case and marks; a text of fewer words is one
    piece, its own. Or their embeddings have at least this cosine.
    """
    questions = [(each.name, text) for each in benchmarks for text in each.texts]
    if not questions or not instructions:
        return {}
    found = _by_embedding(instructions, questions, cosine, embedder)
    known: dict[tuple[str, ...], list[int]] = defaultdict(list)
    sizes = []
    for place, (_, text) in enumerate(questions):
        pieces = grams(text)
        sizes.append(len(pieces))
        for piece in pieces:
            known[piece].append(place)
    for place, instruction in enumerate(instructions):
        shared: dict[int, int] = defaultdict(int)
        pieces = grams(instruction)
        for piece in pieces:
            for other in known.get(piece, ()):
                shared[other] += 1
        for other, count in shared.items():
            if (share := count / min(len(pieces), sizes[other])) >= SHARE:
                found[place] = Repeated(*questions[other], f"{GRAM}-grams", round(share, 3))
                break
    return found


def grams(text: str) -> set[tuple[str, ...]]:
    """A text's pieces of ``GRAM`` words, in lower case; a shorter one is a single piece."""
    words = tuple(_WORD.findall(text.casefold()))
    return {words[start : start + GRAM] for start in range(max(1, len(words) - GRAM + 1))} - {()}


def _by_embedding(
    instructions: Sequence[str], questions: Sequence[tuple[str, str]], cosine: float, embedder: str
) -> dict[int, Repeated]:
    from genlab.curation.embedding import embed

    rows: NDArray[np.float32] = embed([*instructions, *(text for _, text in questions)], embedder)
    ours, theirs = rows[: len(instructions)], rows[len(instructions) :]
    found = {}
    for start in range(0, len(ours), BLOCK):
        cosines = ours[start : start + BLOCK] @ theirs.T
        best = cosines.argmax(axis=1)
        for place, other in enumerate(best):
            if (near := float(cosines[place, other])) >= cosine:
                found[start + place] = Repeated(*questions[int(other)], "embedding", round(near, 3))
    return found
