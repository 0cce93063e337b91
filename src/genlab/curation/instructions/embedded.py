"""Instructions in skillworld: a program as the teacher, exact, free and in this process; the study's data come from here."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

from genlab import chance
from genlab.curation.instructions.items import Item, check, item
from genlab.curation.instructions.kinds import query_types
from genlab.skills.pack import Pack
from genlab.skillworld import queries
from genlab.skillworld.queries import SHAPES

OWN = "teacher/skillworld"  # where a teacher's name stands
NAIVE_K = 2  # skills that the naive teacher puts into a query: our assumption, the k that it is compared with
MOST_K = 4  # any four skills fit into the two sentences that the shortest answers have
MOST_TRIES = 20  # items drawn for each that is wanted: our assumption; a pack with fewer different queries is too small
Format = Literal["conversational", "alpaca"]


@dataclass(frozen=True)
class Row:
    """One instruction with its answer.

    Attributes:
        index: the keyed item it was made for.
        k, skills, query_type, topic: what it was made of.
        instruction, output: the query, and what answers it.
    """

    index: int
    k: int
    skills: tuple[str, ...]
    query_type: str
    topic: str
    instruction: str
    output: str

    def to_row(self, format: Format = "conversational") -> dict[str, Any]:
        """As a row of a data set: TRL's conversational format, or Alpaca's columns.

        >>> row = Row(0, 1, ("hedge",), "planning", "law", "Plan my day of law.", "Perhaps the judge reads the law.")
        >>> [turn["role"] for turn in row.to_row()["messages"]], row.to_row("alpaca")["input"]
        (['user', 'assistant'], '')
        """
        return {
            **worded(self.instruction, self.output, format),
            "index": self.index,
            "k": self.k,
            "skills": list(self.skills),
            "query_type": self.query_type,
            "topic": self.topic,
        }


def worded(instruction: str, output: str, format: Format) -> dict[str, Any]:
    """The columns of a format that hold the words."""
    if format == "alpaca":
        return {"instruction": instruction, "input": "", "output": output}
    return {"messages": [{"role": "user", "content": instruction}, {"role": "assistant", "content": output}]}


def rows(pack: Pack, k: int, n: int, *, seed: int, naive: bool = False) -> list[Row]:
    """The first n instructions of a pack in skillworld's language whose queries differ; one that repeats a query is replaced.

    Args:
        pack: skillworld, or a part of it.
        k: skills a query.
        n: how many.
        seed: of items and words.
        naive: the teacher chooses by itself, and its choice is peaked, as a chat model's is when it is asked for just any
            instruction: skills come with Zipf weights 1/rank in an order drawn from the seed, two a query, without repetition.
            Weights and number are our assumption. Query types and topics stay as evenly spread as otherwise.

    Raises:
        ValueError: another k with ``naive``, a pack in another language, or one without n different queries.
    """
    expect(pack, k, naive=naive)
    found: list[Row] = []
    seen: set[str] = set()
    for each in stream(pack, k, seed=seed, naive=naive):
        if len(found) == n:
            break
        if each.index >= MOST_TRIES * max(n, 10):
            raise ValueError(
                f"pack {pack.name!r} gave {len(found)} different queries of k={k} in {each.index:,}, not {n}: lower n"
            )
        if each.instruction not in seen:
            seen.add(each.instruction)
            found.append(each)
    return found


def stream(pack: Pack, k: int, *, seed: int, naive: bool = False) -> Iterator[Row]:
    """Instructions without end, those that repeat a query among them; item 7 is the same whatever is taken."""
    types = query_types(pack)
    peaked = _Peaked(pack, seed)
    index = 0
    while True:
        asked = item(pack, k, index, seed=seed, query_types=types)
        names = peaked.draw(index) if naive else asked.names
        yield _row(pack, asked, names, seed, naive)
        index += 1


def expect(pack: Pack, k: int, *, naive: bool = False) -> None:
    """Nothing, where skillworld's teacher can write for a pack.

    Raises:
        ValueError: why it cannot.
    """
    if pack.checker != "skillworld":
        raise ValueError(f"pack {pack.name!r} has no teacher of its own: name a model, such as --teacher openai/gpt-4o")
    if not pack.topics:
        raise ValueError(f"pack {pack.name!r} has no topics, and a query of skillworld is about one: add topics to it")
    if unknown := sorted({each.name for each in query_types(pack)} - SHAPES.keys()):
        raise ValueError(
            f"skillworld's teacher has no query type {', '.join(unknown)}: expected some of {', '.join(SHAPES)}, or none"
        )
    if naive and k != NAIVE_K:
        raise ValueError(f"skillworld's naive teacher puts {NAIVE_K} skills into a query, got k={k}: leave k at {NAIVE_K}")
    check(pack, k)
    if k > MOST_K:
        raise ValueError(f"answers of skillworld have room for {MOST_K} skills of any kind, got k={k}")


class _Peaked:
    """Pairs of skills with Zipf weights 1/rank; ranks are drawn from the seed."""

    def __init__(self, pack: Pack, seed: int) -> None:
        self.pack, self.seed = pack.name, seed
        names = [skill.name for skill in pack.skills]
        self.order = chance.python("naive order", pack.name, seed).sample(names, len(names))
        self.weights = list(accumulate(1 / rank for rank in range(1, len(names) + 1)))

    def draw(self, index: int) -> tuple[str, ...]:
        random = chance.python("naive", self.pack, self.seed, index)
        found: list[str] = []
        while len(found) < NAIVE_K:
            (name,) = random.choices(self.order, cum_weights=self.weights)
            if name not in found:
                found.append(name)
        return tuple(found)


def _row(pack: Pack, asked: Item, names: tuple[str, ...], seed: int, naive: bool) -> Row:
    random = chance.python("skillworld instruction", pack.name, len(names), seed, asked.index, int(naive))
    query = queries.query(asked.index, asked.kind, names, asked.topic, random)
    return Row(asked.index, len(names), names, asked.kind, asked.topic, query.instruction, queries.answer(query, random))
