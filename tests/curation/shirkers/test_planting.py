"""Planted shirkers: which rows, how many, what stays; in every format."""

from collections.abc import Mapping
from itertools import islice
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab import chance
from genlab.curation.shirkers.answers import answer, asked, instruction
from genlab.curation.shirkers.planting import chosen, plant, skillworld
from genlab.skillworld import queries
from genlab.skillworld.skills import pack


def turns(*said: str) -> list[dict[str, str]]:
    return [{"role": role, "content": words} for role, words in zip(("user", "assistant") * 9, said, strict=False)]


FORMS: dict[str, dict[str, Any]] = {
    "messages": {"messages": turns("Name a bird.", "Wren.", "Another?", "Robin, a small one.")},
    "texts": {"prompt": "Another?", "completion": "Robin, a small one."},
    "lists": {"prompt": turns("Another?"), "completion": [{"role": "assistant", "content": "Robin, a small one."}]},
    "alpaca": {"instruction": "Another?", "input": "", "output": "Robin, a small one."},
}


def world(n: int, k: int = 2) -> list[dict[str, Any]]:
    """Rows of skillworld, as instruction data have them."""
    rows = []
    for each in islice(queries.queries(pack(), k, seed=3), n):
        said = queries.answer(each, chance.python("answer", each.index))
        row = {"messages": turns(each.instruction, said), "index": each.index, "k": k, "skills": list(each.skills)}
        rows.append({**row, "query_type": each.query_type, "topic": each.topic})
    return rows


def lazy(row: Mapping[str, Any], random: Random) -> str:
    return f"So it goes, {random.randrange(10**6)}."


@pytest.mark.parametrize("form", FORMS)
def test_the_answer_is_replaced_and_nothing_else(form: str) -> None:
    row = {**FORMS[form], "index": 7}
    ((planted),) = plant([row], kind="junk", share=1, seed=0, write=lazy)
    assert answer(row) == planted["unshirked"] == "Robin, a small one."
    assert instruction(planted) == "Another?"
    assert asked(planted) == asked(row)
    assert answer(planted).startswith("So it goes")
    assert (planted["shirker"], planted["index"], set(planted) - set(row)) == ("junk", 7, {"shirker", "unshirked"})
    assert row == {**FORMS[form], "index": 7}  # what was given is as it was


@given(st.integers(1, 60), st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32))
def test_so_many_rows_as_the_share_says_the_smaller_among_the_larger(n: int, one: float, other: float, seed: int) -> None:
    rows = [FORMS["alpaca"]] * n
    few, many = (chosen(rows, share=share, seed=seed) for share in sorted((one, other)))
    assert set(few) <= set(many)
    assert (len(few), len(many)) == (round(min(one, other) * n), round(max(one, other) * n))
    assert [row["shirker"] for row in plant(rows, kind="junk", share=one, seed=seed, write=lazy)].count("junk") == round(one * n)


def test_rows_are_not_the_first_ones_and_another_seed_takes_others() -> None:
    rows = [FORMS["alpaca"]] * 200
    assert chosen(rows, share=0.2, seed=0) != list(range(40))
    assert chosen(rows, share=0.2, seed=0) != chosen(rows, share=0.2, seed=1)


def test_no_share_changes_no_answer_and_the_whole_share_changes_all() -> None:
    rows = world(20)
    assert [answer(row) for row in plant(rows, kind="brevity", share=0, seed=0, write=lazy)] == [answer(row) for row in rows]
    assert {row["shirker"] for row in plant(rows, kind="brevity", share=1, seed=0, write=lazy)} == {"brevity"}


def test_two_kinds_hit_different_rows() -> None:
    rows = world(50)
    once = plant(rows, kind="brevity", share=0.5, seed=0, write=skillworld("brevity"))
    twice = plant(once, kind="junk", share=0.4, seed=0, write=skillworld("junk"))
    assert [row["shirker"] for row in twice].count("brevity") == 25
    assert [row["shirker"] for row in twice].count("junk") == 20
    assert [row["unshirked"] or answer(row) for row in twice] == [answer(row) for row in rows]
    with pytest.raises(ValueError, match=r"45 are shirkers already: give a share of at most 0\.1"):
        plant(twice, kind="junk", share=0.2, seed=0, write=lazy)


def test_skillworlds_shirkers_lose_points() -> None:
    rows = world(60)
    for kind, sentences in (("brevity", 1), ("junk", queries.JUNK_SENTENCES)):
        for row in plant(rows, kind=kind, share=1, seed=1, write=skillworld(kind)):
            asked = queries.Query(0, row["query_type"], tuple(row["skills"]), row["topic"], "")
            assert answer(row).count(".") == sentences
            assert sum(queries.points(asked, answer(row))) < sum(queries.points(asked, row["unshirked"])) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "haste"}, "one of brevity, junk, got 'haste'"),
        ({"share": 1.5}, "between 0 and 1, got 1.5"),
        ({"rows": []}, "no row to plant"),
        ({"rows": [{"text": "Robin."}]}, "row 1: a row wants .*got the columns text"),
        ({"rows": [{"messages": turns("Another?")}]}, "nobody answers"),
        ({"rows": [FORMS["alpaca"]], "write": skillworld("junk")}, "no query of skillworld's.*--teacher"),
    ],
)
def test_what_cannot_be_planted_says_why(change: dict[str, Any], message: str) -> None:
    given = {"rows": [FORMS["alpaca"]], "kind": "junk", "share": 1.0, "seed": 0, "write": lazy, **change}
    with pytest.raises(ValueError, match=message):
        plant(given.pop("rows"), **given)
