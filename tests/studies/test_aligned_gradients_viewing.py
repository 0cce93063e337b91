"""Which pictures of a store people compare: two ways of the same picture, and real images to catch who does not look."""

from typing import Any

import pytest

from genlab import chance
from genlab.results.records import columns_of, schema_of, table_of
from genlab.results.runs import Run
from genlab.review.pairs import catalogue, choose
from genlab.studies.aligned_gradients.plan import ADVERSARIAL, NOISE, STANDARD, Net, Row
from genlab.studies.aligned_gradients.viewing import contests

WAYS = [(Net(STANDARD), 0.0), (Net(STANDARD), 0.25), (Net(NOISE, 0.25), 0.0), (Net(NOISE, 0.25), 0.25), (Net(ADVERSARIAL), 0.0)]
FIRST = ["noise 0.25, smoothed 0.25", "noise 0.25, plain gradient", "standard, smoothed 0.25", "adversarial, plain gradient"]


def picture(where: str, net: Net, sigma: float | None, start: str, image: int, label: int | None, target: int) -> Any:
    shade = chance.number("shade", where, net.name, str(sigma), start, image) % 1000 / 1000
    columns: Any = {"sigma": sigma, "start": start, "image": image, "label": label, "target": target, "shape": "1x2x2"}
    return Row("picture", net.name, net.training, net.sigma, pixels=(shade, 0.0, 1.0, image / 10), **columns)


def run(seed: int = 0, network: str = "strided", ways: Any = WAYS) -> Run:
    where = f"{network} {seed}"
    rows = [picture(f"seed {seed}", Net("none"), None, "image", image, image % 3, 9) for image in range(4)]
    for net, sigma in ways:
        rows += [picture(where, net, sigma, "image", image, image % 3, 5) for image in range(4)]
        rows += [picture(where, net, sigma, "grey", image, None, image) for image in range(4)]
    rows.append(Row("network", "standard", STANDARD, 0.0, training_accuracy=1.0))
    columns = columns_of(table_of(rows, schema_of(Row)))
    return Run(f"{network}{seed}", {"data": "digits-pixels", "network": network, "seed": seed, "sigmas": [0.25]}, "done", columns)


def test_pairs_share_all_but_the_way() -> None:
    found = contests([run(0), run(1, "pooled")])
    real = [each for each in found if not each.contrast.catch]
    assert list(dict.fromkeys(each.contrast.first for each in real)) == FIRST
    assert {each.contrast.second for each in real} == {"standard, plain gradient"}
    assert len(real) == 4 * 2 * 8
    assert {each.question for each in real if each.start == "image"} == {"Which looks more like a 5?"}
    assert {each.question for each in real if each.start == "grey"} == {f"Which looks more like a {digit}?" for digit in range(4)}
    assert len({each.first.address for each in real}) > 8
    assert len(catalogue(found)) == 2 * len(found)


def test_catch_pairs_have_the_class_on_one_side_and_come_once_for_all_networks() -> None:
    catches = [each for each in contests([run(0), run(0, "pooled")]) if each.contrast.catch]
    assert len(catches) == 10  # ordered pairs of 0, 1, 2, 0 that differ
    assert {each.question for each in catches} == {f"Which looks more like a {digit}?" for digit in range(3)}
    assert all(each.first != each.second for each in catches)


def test_without_an_arm_the_other_contrasts_are_left() -> None:
    assert [each.contrast.first for each in choose_first(WAYS[:-1])] == FIRST[:3]


def choose_first(ways: Any) -> list[Any]:
    chosen = choose(contests([run(ways=ways)]), 24)
    by_contrast = {pair.contest.contrast: pair.contest for pair in chosen if not pair.contest.contrast.catch}
    return sorted(by_contrast.values(), key=lambda each: FIRST.index(each.contrast.first))


def test_a_store_without_pictures_or_with_one_way_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match="no finished condition of aligned_gradients"):
        contests([])
    with pytest.raises(ValueError, match="holds no pictures"):
        contests([run(ways=[])])
    with pytest.raises(ValueError, match="pictures of standard, plain gradient only"):
        contests([run(ways=WAYS[:1])])
    with pytest.raises(ValueError, match=r"pictures of noise 0\.25, plain gradient only"):
        contests([run(ways=WAYS[2:3])])
