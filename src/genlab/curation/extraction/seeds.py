"""Seed examples: rows of any data set that fine-tuning reads, drawn by key, as texts to be labelled. They are not trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genlab import chance

MOST_CHARACTERS = 12_000  # of an example that a teacher reads; our assumption: some 3,000 tokens show what skills there are
CUT = "\n[...]"


@dataclass(frozen=True)
class Seeds:
    """Examples by their row's number, in the order they were drawn: the first 20 of 100 are those of 20.

    Attributes:
        texts: the whole conversation, cut at ``MOST_CHARACTERS``.
        answers: what the assistant says in it.
        rows: of the data set.
        digest: a hash of all its rows.
    """

    texts: Mapping[int, str]
    answers: Mapping[int, str]
    rows: int
    digest: str


def seeds(data: str, examples: int, *, seed: int) -> Seeds:
    """Examples of a data set.

    Args:
        data: as ``genlab.finetuning.conversations.read`` takes it: a folder, a .jsonl or .parquet file, or a name on the hub.
        examples: how many, at most.
        seed: of the draw.

    Raises:
        ValueError: no such data, or rows that cannot be read.
    """
    from genlab.finetuning.conversations import fingerprint, read

    found = read(data)
    drawn = sorted(range(len(found)), key=lambda row: chance.number("seed example", seed, row))[:examples]
    turns = {number: _turns(found[number]) for number in drawn}
    texts = {number: "\n\n".join(f"{role.capitalize()}: {said}" for role, said in each) for number, each in turns.items()}
    return Seeds(
        {number: text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + CUT for number, text in texts.items()},
        {number: "\n".join(said for role, said in each if role == "assistant") for number, each in turns.items()},
        len(found),
        fingerprint(found)[:16],
    )


def _turns(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "messages" in row:
        return _said(row["messages"])
    asked, answered = row["prompt"], row["completion"]
    if isinstance(asked, str):
        return [("user", asked), ("assistant", answered)]
    return _said([*asked, *answered])


def _said(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(str(each["role"]), str(each["content"])) for each in messages]
