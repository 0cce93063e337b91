"""Pairs of pictures: balanced, keyed and blind."""

from collections import Counter

import pytest
from tests.review.sample_pairs import ALONE, BOTH, CATCH, contests

from genlab.review.page import PAIRS, page
from genlab.review.pairs import catalogue, choose

ALL = contests()


@pytest.mark.parametrize("seed", range(5))
def test_contrasts_sides_networks_seeds_and_starts_are_balanced(seed: int) -> None:
    chosen = choose(ALL, 32, seed=seed)
    assert Counter(pair.contest.contrast for pair in chosen) == {BOTH: 16, ALONE: 16, CATCH: 3}
    for contrast in (BOTH, ALONE):
        mine = [pair for pair in chosen if pair.contest.contrast == contrast]
        assert sum(pair.first_left for pair in mine) == 8
        assert set(Counter((each.contest.network, each.contest.seed, each.contest.start) for each in mine).values()) == {2}


def test_sides_do_not_follow_the_network() -> None:
    seen = Counter(
        (pair.contest.network, pair.first_left)
        for seed in range(50)
        for pair in choose(ALL, 32, seed=seed)
        if pair.contest.contrast == BOTH
    )
    assert min(seen.values()) > 0.9 * max(seen.values())


def test_the_choice_is_keyed_and_grows() -> None:
    few, many = choose(ALL, 10), choose(ALL, 40)
    assert few == choose(list(ALL), 10)
    assert {pair.id for pair in few} < {pair.id for pair in many}
    assert {pair.id for pair in few} != {pair.id for pair in choose(ALL, 10, seed=1)}
    assert len([pair for pair in choose(ALL, 1000) if not pair.contest.contrast.catch]) == 64
    assert {pair.id for seed in range(9) for pair in choose(ALL, 40, seed=seed)} <= set(catalogue(ALL))


@pytest.mark.parametrize("served", [True, False])
def test_the_page_says_nothing_of_ways_networks_and_sides(served: bool) -> None:
    html = page(choose(ALL, 32), served=served, look=PAIRS).html
    for secret in ("noise, smoothed", "standard", "strided", "pooled", "first_left", "real image", "grey", "made-up"):
        assert secret not in html
    assert "Which looks more like a 3?" in html


def test_an_id_is_of_what_is_seen_alone() -> None:
    one = catalogue(ALL[:1])
    assert len(one) == 2
    assert [pair.first_left for pair in one.values()] == [True, False]
    assert list(one) == list(catalogue([ALL[0].__class__(**{**vars(ALL[0]), "network": "other", "contrast": CATCH})]))


def test_nothing_to_compare_is_said() -> None:
    for few in ([], [each for each in ALL if each.contrast.catch]):
        with pytest.raises(ValueError, match="no two pictures"):
            choose(few, 4)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        choose(ALL, 0)
