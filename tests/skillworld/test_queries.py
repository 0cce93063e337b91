"""Queries of skillworld: what good answers and shirkers earn before the checker, for every type."""

from itertools import islice

import pytest

from genlab import chance
from genlab.skills.pack import load
from genlab.skillworld import queries
from genlab.skillworld.queries import SHAPES, Query


def some(k: int, count: int = 60) -> list[Query]:
    return list(islice(queries.queries(load("skillworld"), k, seed=3), count))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_good_answers_earn_every_point_and_shirkers_do_not(k: int) -> None:
    for each in some(k):
        random = chance.python("test", each.index)
        good, short, lazy = (write(each, random) for write in (queries.answer, queries.brevity, queries.junk))
        assert min(queries.points(each, good)) == 1
        assert sum(queries.points(each, short)[:k]) >= 1
        assert queries.points(each, lazy) == (*[0.0] * k, 1.0, 1.0, 0.0)
        assert len(short) < len(good)
        assert queries.preference(each, good, lazy) == 1
        assert queries.preference(each, lazy, good) == 2
        assert queries.preference(each, good, good) == 1.5
        if k == 3:  # a sentence shows one figure twice at best: three skills do not hide in one
            assert queries.preference(each, short, good) == 2


def test_the_query_says_topic_and_skills_and_not_how_long_the_answer_is() -> None:
    seen = set()
    for each in some(2, 200):
        assert each.topic in each.instruction
        assert all(skill in each.instruction for skill in each.skills)
        assert "sentence" not in each.instruction
        seen.add(each.query_type)
    assert seen == set(SHAPES)


def test_item_seven_is_the_same_whatever_is_taken_and_another_seed_has_another() -> None:
    pack = load("skillworld")
    assert some(2, 8)[7] == some(2, 600)[7]
    assert next(queries.queries(pack, 2, seed=3)) != next(queries.queries(pack, 2, seed=4))


def test_an_unknown_query_type_is_refused() -> None:
    with pytest.raises(ValueError, match="no query type 'sonnet': expected one of information-seeking"):
        queries.query(0, "sonnet", ["hedge"], "law", chance.python("x"))
