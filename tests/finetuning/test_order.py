from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab import chance
from genlab.finetuning.order import order

LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=80)


@given(lengths=LENGTHS, batch=st.integers(1, 9), passes=st.integers(1, 3), seed=st.integers(0, 5), by_length=st.booleans())
def test_whole_passes_meet_every_example_equally_often(
    lengths: list[int], batch: int, passes: int, seed: int, by_length: bool
) -> None:
    met = order(lengths, passes * len(lengths), batch, seed, by_length=by_length)
    assert Counter(met) == dict.fromkeys(range(len(lengths)), passes)


@given(lengths=LENGTHS, batch=st.integers(1, 9), wanted=st.integers(1, 200))
def test_it_ends_where_it_is_told_and_the_batches_of_a_longer_run_are_the_same(
    lengths: list[int], batch: int, wanted: int
) -> None:
    met = order(lengths, wanted, batch, 0)
    assert len(met) == wanted
    whole = (len(lengths) // batch) * batch
    assert order(lengths, wanted + 3 * len(lengths), batch, 0)[: min(wanted, whole)] == met[: min(wanted, whole)]


def test_examples_of_like_length_share_a_batch() -> None:
    random = chance.python("lengths")
    lengths = [random.randint(5, 200) for _ in range(2000)]

    def padded(met: list[int]) -> int:
        return sum(8 * max(lengths[index] for index in met[first : first + 8]) for first in range(0, len(met), 8))

    assert padded(order(lengths, 2000, 8, 0)) < 1.05 * sum(lengths)
    assert padded(order(lengths, 2000, 8, 0, by_length=False)) > 1.5 * sum(lengths)


def test_another_seed_and_another_pass_are_another_order() -> None:
    lengths = [7] * 100
    first = order(lengths, 200, 10, 0)
    assert first != order(lengths, 200, 10, 1)
    assert first[:100] != first[100:]


def test_no_example_is_an_error() -> None:
    with pytest.raises(ValueError, match="no example"):
        order([], 1, 1, 0)
