"""The questions of a benchmark, from the user's copy: a file, a folder of files, a URL or a data set on the hub.

genlab ships none of them. All are read by Inspect's own readers; which columns a benchmark has, its task says.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab import chance

if TYPE_CHECKING:
    from inspect_ai.dataset import Dataset

ENDINGS = (".json", ".jsonl")
HOW = (
    "Give a .json or .jsonl file, a folder of such files, a URL of one (such as hf://datasets/OWNER/NAME/FILE.json), or a data "
    "set on the hub as OWNER/NAME, OWNER/NAME:CONFIG or OWNER/NAME:CONFIG:SPLIT"
)


@dataclass(frozen=True)
class Questions:
    """Rows as their columns stand in the user's copy.

    Attributes:
        name: of the copy, as errors and tables say it.
        rows: one a question, each with its place in the copy under ``index``, which replaces a column of that name.
    """

    name: str
    rows: tuple[Mapping[str, Any], ...]

    @property
    def digest(self) -> str:
        """Eight hex digits of the rows: other questions are another benchmark."""
        said = json.dumps(self.rows, sort_keys=True, default=str)
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:8]


def read(place: str, columns: Sequence[str]) -> Questions:
    """All questions at a place.

    Args:
        place: where they are; a folder's files are joined in the order of their names.
        columns: those that every row must have.

    Raises:
        ValueError: nothing there that can be read, no row, or a row without one of the columns.
    """
    if not place.strip():
        raise ValueError(f"questions= is missing: genlab ships no benchmark's questions. {HOW}")
    rows = [dict(row) for each in _datasets(place) for row in _rows(each)]
    name = Path(place).name if "://" in place or Path(place).exists() else place
    if not rows:
        raise ValueError(f"{place} holds no question")
    for at, row in enumerate(rows):
        if missing := [each for each in columns if row.get(each) is None]:
            raise ValueError(
                f"{place}, question {at}: has no {', '.join(missing)}; it has {', '.join(map(str, row)) or 'nothing'}"
            )
        row["index"] = at
    return Questions(name, tuple(rows))


def some(questions: Questions, n: int, *, seed: int) -> Questions:
    """``n`` questions drawn by key, in their own order; 0 takes all. The first 20 are among the first 100, whatever is asked for.

    Raises:
        ValueError: fewer than 0, or more than there are.
    """
    if not 0 <= n <= len(questions.rows):
        raise ValueError(f"n is 0 (all) to {len(questions.rows)}, the questions in {questions.name}, got {n}")
    if n == 0:
        return questions
    drawn = sorted(range(len(questions.rows)), key=lambda at: chance.number("question", seed, at))[:n]
    return Questions(questions.name, tuple(questions.rows[at] for at in sorted(drawn)))


def text(row: Mapping[str, Any], column: str, where: str) -> str:
    """A column that holds text; of a list of texts, as some files have one, the first.

    Raises:
        ValueError: it holds neither.
    """
    value = row.get(column)
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, str):
        raise ValueError(f"{where}: {column} is text, got {str(value)[:80]!r}")
    return value


def _datasets(place: str) -> "list[Dataset]":
    from inspect_ai.dataset import hf_dataset, json_dataset

    path = Path(place)
    if "://" in place or path.is_file():
        files = [place]
    elif path.is_dir():
        files = [str(each) for each in sorted(path.iterdir()) if each.suffix in ENDINGS]
        if not files:
            raise ValueError(f"{place} holds no {' or '.join(ENDINGS)} file. {HOW}")
    elif place.endswith(ENDINGS) or place.count("/") != 1 or place.startswith((".", "/", "~")):
        raise ValueError(f"there is no {place}. {HOW}")
    else:
        name, _, rest = place.partition(":")
        config, _, split = rest.partition(":")
        try:
            return [hf_dataset(name, split=split or "test", name=config or None, sample_fields=_kept, retry=False)]
        except Exception as error:
            raise ValueError(f"cannot read {place} from the hub: {type(error).__name__}: {error}. {HOW}") from error
    found = []
    for each in files:
        try:
            found.append(json_dataset(each, sample_fields=_kept))
        except Exception as error:
            raise ValueError(f"{each} is no JSON list or JSON Lines file of objects: {type(error).__name__}: {error}") from error
    return found


def _kept(record: "dict[str, Any]") -> Any:
    """A row as Inspect's readers want it: nothing but its columns."""
    from inspect_ai.dataset import Sample

    if not isinstance(record, dict):
        raise ValueError(f"expected an object a row, got {type(record).__name__}")
    return Sample(input="-", metadata=record)


def _rows(dataset: "Dataset") -> list[Mapping[str, Any]]:
    return [sample.metadata or {} for sample in dataset]
