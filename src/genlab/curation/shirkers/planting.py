"""Planting shirkers: random answers of a data set are replaced by careless ones, as Instruct-SkillMix's ablation does.

Kaur, Park, Goyal, Arora 2024 (2408.14774) replace a fifth of the answers, by short ones (brevity) or by long and vague ones
(junk), and leave the instructions as they are. Their code takes the first rows; here the rows are random, and recorded.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Literal, get_args

from genlab import chance
from genlab.curation.shirkers.answers import Row, answer, answered
from genlab.skillworld import queries
from genlab.skillworld.showing import SKILLS
from genlab.skillworld.words import TOPICS

Kind = Literal["brevity", "junk"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SHARE = 0.2  # Kaur et al. 2024: "20%"
KIND, ORIGINAL = "shirker", "unshirked"  # columns: which kind a row's answer is, "" for none; and what it said before

Write = Callable[[Mapping[str, Any], Random], str]


def chosen(rows: Sequence[Row], *, share: float, seed: int) -> list[int]:
    """Places of the rows to be hit, in order: ``round(share * len(rows))`` of those that no shirker was planted in before.

    Which rows depends on the seed and their places alone, so those of a share of 0.1 are among those of 0.2, and both kinds hit
    the same rows of the same data.

    >>> few, more = (chosen([{}] * 50, share=share, seed=0) for share in (0.1, 0.2))
    >>> len(few), len(more), set(few) < set(more)
    (5, 10, True)

    Raises:
        ValueError: a share that is not between 0 and 1, no row, or fewer rows left than are to be hit.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of shirkers is between 0 and 1, got {share:g}")
    if not rows:
        raise ValueError("there is no row to plant a shirker in")
    free = [place for place, row in enumerate(rows) if not row.get(KIND)]
    wanted = round(share * len(rows))
    if wanted > len(free):
        raise ValueError(
            f"{wanted:,} of {len(rows):,} rows are to be hit, and {len(rows) - len(free):,} are shirkers already: give a share "
            f"of at most {len(free) / len(rows):g}"
        )
    return sorted(sorted(free, key=lambda place: chance.number("shirker", seed, place))[:wanted])


def plant(rows: Sequence[Row], *, kind: str, share: float, seed: int, write: Write) -> list[dict[str, Any]]:
    """The rows, with careless answers in a share of them; instructions and other columns stay.

    Args:
        rows: of instruction data in any format that ``genlab.finetuning.conversations`` reads.
        kind: brevity or junk, as the column ``shirker`` will say.
        share: of the rows that are hit, see ``chosen``.
        seed: of which rows, and of the writer's chance.
        write: from a row and a source of chance of its own to the answer it gets; such as ``skillworld``.

    Returns:
        All rows, with the columns ``shirker`` and ``unshirked`` (what the answer was; "" in other rows).

    Raises:
        ValueError: no such kind, a share or rows that will not do, or a row that cannot be read or written for.
    """
    expect_kind(kind)
    hit = set(chosen(rows, share=share, seed=seed))
    found = []
    for place, row in enumerate(rows):
        now = {**row, KIND: row.get(KIND) or "", ORIGINAL: row.get(ORIGINAL) or ""}
        if place in hit:
            try:
                words = write(row, chance.python("shirker", kind, seed, place))
                now = {**answered(now, words), KIND: kind, ORIGINAL: answer(row)}
            except ValueError as error:
                raise ValueError(f"row {place + 1}: {error}") from error
        found.append(now)
    return found


def skillworld(kind: str) -> Write:
    """Skillworld's own careless writer of a kind: exact, free, and for rows of skillworld's queries only.

    Raises:
        ValueError: no such kind; from the writer, a row that is no query of skillworld's.
    """
    expect_kind(kind)
    written = {"brevity": queries.brevity, "junk": queries.junk}[kind]

    def write(row: Mapping[str, Any], random: Random) -> str:
        if not is_skillworld(row):
            raise ValueError(
                "a row is no query of skillworld's, with skills, topic and query_type: name a model that writes, "
                "such as --teacher openai/gpt-4o"
            )
        return written(queries.query(0, row["query_type"], row["skills"], row["topic"], random), random)

    return write


def is_skillworld(row: Row) -> bool:
    """Whether a row says of which query of skillworld's it is."""
    skills = row.get("skills") or ()
    known = bool(skills) and all(skill in SKILLS for skill in skills)
    return known and row.get("topic") in TOPICS and row.get("query_type") in queries.SHAPES


def expect_kind(kind: str) -> None:
    """Nothing, where there is such a kind.

    Raises:
        ValueError: there is not.
    """
    if kind not in KINDS:
        raise ValueError(f"a shirker is one of {', '.join(KINDS)}, got {kind!r}")


__all__ = ["KIND", "KINDS", "ORIGINAL", "Kind", "chosen", "expect_kind", "is_skillworld", "plant", "skillworld"]
