"""Data to fine-tune on: reads the usual formats, and finds the assistant's tokens where a chat template does not mark them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

ROLES = ("system", "user", "assistant", "tool")
FORMATS = (
    'a column "messages" (a list of {"role", "content"}), columns "prompt" and "completion", '
    'or Alpaca\'s "instruction", "input" and "output"'
)


def read(train: "Dataset | str | Path") -> "Dataset":
    """The data in memory, with the column ``messages``, or ``prompt`` and ``completion``, and no other.

    Args:
        train: a ``datasets.Dataset``, a folder of ``save_to_disk``, a .jsonl or .parquet file, or a name on the hub (its split
            "train"). A dict of splits gives its "train".

    Raises:
        ValueError: no such file, another format, no row, or a row that cannot be read; the message says which.
    """
    import datasets

    found = whole(train)
    columns = set(found.column_names)
    if "messages" in columns:
        rows = [{"messages": _messages(row["messages"], place)} for place, row in enumerate(found, 1)]
    elif {"prompt", "completion"} <= columns:
        rows = [{"prompt": row["prompt"], "completion": row["completion"]} for row in found]
        texts = {type(row[name]) for row in rows for name in ("prompt", "completion")}
        if texts not in ({str}, {list}):
            raise ValueError('"prompt" and "completion" are both texts or both lists of messages, in every row alike')
    elif {"instruction", "output"} <= columns:
        rows = [{"messages": _alpaca(row, place)} for place, row in enumerate(found, 1)]
    else:
        raise ValueError(f"the data want {FORMATS}; got the columns {', '.join(found.column_names)}")
    return datasets.Dataset.from_list(rows)


def whole(train: "Dataset | str | Path") -> "Dataset":
    """The data with all their columns, of whatever format, from where ``read`` takes them.

    Raises:
        ValueError: no such file, or no row.
    """
    import datasets

    found = _open(train) if isinstance(train, str | Path) else train
    if isinstance(found, datasets.DatasetDict):
        if "train" not in found:
            raise ValueError(f"the data are splits without one named train: {', '.join(found)}")
        found = found["train"]
    if not isinstance(found, datasets.Dataset):
        raise ValueError(f"train is a datasets.Dataset or a path, got {type(found).__name__}")
    if not len(found):
        raise ValueError("the data hold no row")
    return found


def fingerprint(data: "Dataset") -> str:
    """A hash of all rows, in their order."""
    digest = hashlib.sha256()
    for row in data:
        digest.update(json.dumps(row, sort_keys=True).encode())
    return digest.hexdigest()


def labelled(data: "Dataset", tokenizer: "PreTrainedTokenizerBase") -> "Dataset":
    """Tokens of conversations, with labels at what the assistant says, for a template without generation marks.

    Each of the assistant's turns begins where the conversation up to it, with the generation prompt, ends, and ends with the
    conversation that includes it.

    Raises:
        ValueError: the template writes a turn differently once another follows, so that the turns cannot be told apart.
    """
    import datasets

    return datasets.Dataset.from_list([_marked(row["messages"], tokenizer) for row in data])


def _marked(messages: list[dict[str, str]], tokenizer: "PreTrainedTokenizerBase") -> dict[str, list[int]]:
    def tokens(turns: int, asks: bool = False) -> list[int]:
        found: Any = tokenizer.apply_chat_template(messages[:turns], add_generation_prompt=asks, return_dict=True)
        return list(found["input_ids"])

    whole = tokens(len(messages))
    labels = [-100] * len(whole)
    for turn, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before, after = tokens(turn, asks=True), tokens(turn + 1)
        if whole[: len(before)] != before or whole[: len(after)] != after:
            raise ValueError(
                "the model's chat template does not mark the assistant's turns ({% generation %}), and writes a turn differently "
                "once another follows: add the marks to the template, or set assistant_only=False"
            )
        labels[len(before) : len(after)] = whole[len(before) : len(after)]
    return {"input_ids": whole, "labels": labels}


def _open(place: str | Path) -> Any:
    import datasets
    import pyarrow.parquet as pq

    path = Path(place)
    if path.is_dir():
        try:
            return datasets.load_from_disk(str(path))
        except FileNotFoundError as error:
            raise ValueError(f"{path} is no folder of datasets' save_to_disk: {error}") from error
    if path.suffix in {".jsonl", ".parquet"}:
        if not path.is_file():
            raise ValueError(f"there is no file {path}")
        return datasets.Dataset(pq.read_table(path)) if path.suffix == ".parquet" else _lines(path)
    if path.exists():
        raise ValueError(f"{path}: data are a folder of save_to_disk, a .jsonl or a .parquet file")
    try:
        return datasets.load_dataset(str(place), split="train")
    except (datasets.exceptions.DatasetNotFoundError, ConnectionError, FileNotFoundError) as error:
        raise ValueError(f"{place} is neither a file here nor a dataset that the hub would give: {error}") from error


def _lines(path: Path) -> "Dataset":
    import datasets

    rows: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise ValueError(f"{path}, line {number} is no JSON: {error}") from error
    return datasets.Dataset.from_list(rows)


def _messages(messages: Iterable[Mapping[str, Any]], place: int) -> list[dict[str, str]]:
    turns = [{"role": each.get("role"), "content": each.get("content")} for each in messages]
    for turn in turns:
        if turn["role"] not in ROLES or not isinstance(turn["content"], str):
            raise ValueError(f"row {place}: a message has a role of {', '.join(ROLES)} and a text as content, got {turn}")
    if not any(turn["role"] == "assistant" for turn in turns):
        raise ValueError(f"row {place}: nobody answers: a conversation has a turn of the assistant")
    return turns  # type: ignore[return-value]  # every value was just seen to be a text


def _alpaca(row: Mapping[str, Any], place: int) -> list[dict[str, str]]:
    asked = "\n\n".join(part for part in (row["instruction"], row.get("input")) if part)
    return _messages([{"role": "user", "content": asked}, {"role": "assistant", "content": row["output"]}], place)
