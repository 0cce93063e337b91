"""Keyed chance: a draw depends on its whole key, and on nothing else."""

import random
import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genlab import chance

words = st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]))  # \x1f parts a key's pieces
keys = st.lists(words | st.integers(), min_size=1).map(tuple)


@given(keys, keys)
def test_equal_keys_and_only_they_give_equal_numbers(one: tuple[chance.Key, ...], other: tuple[chance.Key, ...]) -> None:
    assert (chance.number(*one) == chance.number(*other)) == (one == other)


@given(keys)
def test_a_number_fits_any_generator(key: tuple[chance.Key, ...]) -> None:
    assert 0 <= chance.number(*key) < 2**63


def test_text_and_number_are_different_keys() -> None:
    assert len({chance.number("a", 1), chance.number("a", "1"), chance.number("a1"), chance.number("a", 1, "")}) == 4


def test_item_seven_of_twenty_is_item_seven_of_a_hundred() -> None:
    twenty, hundred = ([chance.numpy("item", index).normal() for index in range(count)] for count in (20, 100))
    assert twenty == hundred[:20]
    assert chance.numpy("item", 7).normal() == twenty[7]


def test_nothing_is_drawn_from_a_global_generator() -> None:
    before = random.getstate(), repr(np.random.get_state())  # noqa: NPY002 - looked at, not drawn from
    chance.python("a").random()
    chance.numpy("a").normal(size=10)
    assert (random.getstate(), repr(np.random.get_state())) == before  # noqa: NPY002


def test_another_process_draws_the_same() -> None:
    code = "from genlab import chance; print(chance.number('a', 1), chance.python('a').random(), chance.numpy('a').normal())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert said == [str(chance.number("a", 1)), repr(chance.python("a").random()), repr(float(chance.numpy("a").normal()))]


def test_the_numbers_are_those_of_earlier_versions() -> None:
    assert (
        chance.number("init", 0) == 3064561250868951624
    )  # changing it changes every record ever made: raise the protocol of every study
