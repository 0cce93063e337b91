"""A row's instruction and its answer, whatever the format: conversational, prompt and completion, or Alpaca."""

from collections.abc import Mapping, Sequence
from typing import Any

from genlab.finetuning.conversations import FORMATS

Row = Mapping[str, Any]
Turn = dict[str, str]


def answer(row: Row) -> str:
    """What the assistant says last.

    >>> answer({"instruction": "Name a bird.", "output": "Wren."})
    'Wren.'

    Raises:
        ValueError: another format.
    """
    if _has(row, "messages"):
        return str(row["messages"][_last(row["messages"])]["content"])
    if _has(row, "prompt", "completion"):
        said = row["completion"]
        return said if isinstance(said, str) else str(said[_last(said)]["content"])
    if _has(row, "instruction", "output"):
        return str(row["output"])
    raise _unknown(row)


def asked(row: Row) -> list[Turn]:
    r"""The conversation that the answer ends, without it.

    >>> asked({"instruction": "Sort these.", "input": "pear, fig", "output": "fig, pear"})
    [{'role': 'user', 'content': 'Sort these.\n\npear, fig'}]

    Raises:
        ValueError: another format.
    """
    if _has(row, "messages"):
        return _turns(row["messages"][: _last(row["messages"])])
    if _has(row, "prompt", "completion"):
        before = [{"role": "user", "content": row["prompt"]}] if isinstance(row["prompt"], str) else _turns(row["prompt"])
        said = row["completion"]
        return before if isinstance(said, str) else before + _turns(said[: _last(said)])
    if _has(row, "instruction", "output"):
        words = "\n\n".join(part for part in (row["instruction"], row.get("input")) if part)
        return [{"role": "user", "content": words}]
    raise _unknown(row)


def instruction(row: Row) -> str:
    """What the user says last before the answer; of a conversation without a user, all that stands before it.

    Raises:
        ValueError: another format.
    """
    turns = asked(row)
    said = [turn["content"] for turn in turns if turn["role"] == "user"]
    return said[-1] if said else "\n\n".join(turn["content"] for turn in turns)


def answered(row: Row, words: str) -> dict[str, Any]:
    """The row with other words as its answer, and everything else as it was.

    Raises:
        ValueError: another format.
    """
    if _has(row, "messages"):
        return {**row, "messages": _replaced(row["messages"], words)}
    if _has(row, "prompt", "completion"):
        said = row["completion"]
        return {**row, "completion": words if isinstance(said, str) else _replaced(said, words)}
    if _has(row, "instruction", "output"):
        return {**row, "output": words}
    raise _unknown(row)


def _has(row: Row, *columns: str) -> bool:
    return all(row.get(name) is not None for name in columns)


def _turns(messages: Sequence[Row]) -> list[Turn]:
    return [{"role": str(turn["role"]), "content": str(turn["content"])} for turn in messages]


def _last(messages: Sequence[Row]) -> int:
    places = [place for place, turn in enumerate(messages) if turn["role"] == "assistant"]
    if not places:
        raise ValueError("nobody answers: a conversation has a turn of the assistant")
    return places[-1]


def _replaced(messages: Sequence[Row], words: str) -> list[dict[str, Any]]:
    place = _last(messages)
    return [{**turn, "content": words} if at == place else dict(turn) for at, turn in enumerate(messages)]


def _unknown(row: Row) -> ValueError:
    return ValueError(f"a row wants {FORMATS}; got the columns {', '.join(row)}")
