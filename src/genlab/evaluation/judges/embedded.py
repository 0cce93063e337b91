"""The exact judge of skillworld in a judge's place, and questions for it: no model call, no key, no download."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from genlab.evaluation.judges.judging import Verdict
from genlab.evaluation.judges.pairs import Compared
from genlab.evaluation.roles import CHECKER
from genlab.skills.pack import Pack
from genlab.skillworld.queries import SHAPES, Query, preference, queries

EXACT = f"{CHECKER}skillworld"
COLUMNS = ("skills", "topic", "query_type")  # that an item needs beside instruction and output


def questions(
    pack: Pack,
    k: int,
    n: int,
    *,
    seed: int,
    reference: Callable[[Query], str],
    generator: str,
    query_types: Sequence[str] = tuple(SHAPES),
) -> list[dict[str, Any]]:
    """Rows that ``genlab/alpaca_eval`` reads, one a query of skillworld.

    Args:
        pack: skillworld, or a part of it.
        k: skills a query.
        n: queries: item 7 of 20 is item 7 of 100.
        seed: of the queries. Take another than that of the data a student was taught.
        reference: the answer to compare a student's with; its keyed chance is the caller's.
        generator: the name of whoever gives the reference's answers.
        query_types: drawn from evenly.

    Raises:
        ValueError: no question, or a reference's answer that is not text.
    """
    if n < 1:
        raise ValueError(f"n is at least 1, got {n}")
    rows = []
    for each in islice(queries(pack, k, seed=seed, query_types=query_types), n):
        output = reference(each)
        if not isinstance(output, str):
            raise ValueError(f"reference gives the text of an answer, got {output!r}")
        rows.append(
            {
                "instruction": each.instruction,
                "output": output,
                "generator": generator,
                "dataset": f"{pack.name} k={k}",
                "skills": list(each.skills),
                "topic": each.topic,
                "query_type": each.query_type,
            }
        )
    return rows


def write(path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as JSON Lines, whole or not at all."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    part.write_text("".join(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    part.replace(path)


def judgeable(row: Mapping[str, Any]) -> bool:
    """Whether an item carries what the exact judge needs."""
    return all(row.get(each) for each in COLUMNS)


def compare(row: Mapping[str, Any], answer: str) -> Compared:
    """The exact judge's comparison of an answer with the item's reference.

    Raises:
        ValueError: a skill, topic or query type that skillworld has not.
    """
    its = Query(
        int(row.get("index", 0)), str(row["query_type"]), tuple(row["skills"]), str(row["topic"]), str(row["instruction"])
    )
    if its.query_type not in SHAPES:
        raise ValueError(f"skillworld has no query type {its.query_type!r}: expected one of {', '.join(SHAPES)}")
    forward, backward = preference(its, row["output"], answer), preference(its, answer, row["output"])
    return Compared(EXACT, Verdict(forward), Verdict(backward))
