"""What each instruction is asked for: k skills, a query type and a topic, drawn by key: item 7 is item 7 of any number."""

from collections.abc import Sequence
from dataclasses import dataclass

from genlab import chance
from genlab.skills.pack import Pack
from genlab.skills.skill import QueryType, Skill


@dataclass(frozen=True)
class Item:
    """One instruction to make.

    Attributes:
        index: its number, from 0.
        skills: that the query should need, in the order they are shown; none where the teacher chooses by itself.
        query_type: the way of asking; None where the teacher chooses.
        topic: "" where the pack has none, or the teacher chooses.
    """

    index: int
    skills: tuple[Skill, ...] = ()
    query_type: QueryType | None = None
    topic: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The skills' names."""
        return tuple(each.name for each in self.skills)

    @property
    def kind(self) -> str:
        """The query type's name, or ""."""
        return self.query_type.name if self.query_type else ""


def item(pack: Pack, k: int, index: int, *, seed: int, query_types: Sequence[QueryType]) -> Item:
    """The item of an index: k skills uniformly without repetition, a topic uniformly, query types evenly.

    Query types are dealt out in shuffled rounds, so that after every whole round each has come up equally often, as in
    Instruct-SkillMix (its code doubles the list, shuffles and truncates).

    Raises:
        ValueError: the pack has fewer than k skills.
    """
    check(pack, k)
    random = chance.python("instruction", pack.name, k, seed, index)
    skills = tuple(random.sample(pack.skills, k))
    topic = random.choice(pack.topics).name if pack.topics else ""
    turn, place = divmod(index, len(query_types))
    order = chance.python("query types", pack.name, k, seed, turn).sample(range(len(query_types)), len(query_types))
    return Item(index, skills, query_types[order[place]], topic)


def check(pack: Pack, k: int) -> None:
    """Nothing, where a pack can fill an item of k skills.

    Raises:
        ValueError: it cannot.
    """
    if not 1 <= k <= len(pack.skills):
        raise ValueError(f"k is between 1 and {len(pack.skills)}, the number of skills in pack {pack.name!r}; got {k}")
