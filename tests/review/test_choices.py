"""What people chose, on made-up choices with known answers."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.review.clicking import about, write
from tests.review.sample_pairs import ALONE, BOTH, contests

from genlab.intervals import wilson
from genlab.review.pairs import Pair
from genlab.review.viewing import Viewing, viewing, viewing_page

HERE = contests()


def chose(rater: str, pair: Pair, left: bool, seconds: float = 2.0, **more: Any) -> dict[str, Any]:
    return about(rater, pair, criterion="left", value=int(left), seconds=seconds, **more)  # type: ignore[arg-type]


def rated(folder: Path, *people: tuple[str, Callable[[Pair], bool]]) -> Viewing:
    """A viewing that made-up people finished, each by a rule that says whether the left picture is chosen."""
    made = viewing(HERE, folder / "review", n=40)
    made.bring(
        [write(folder / f"{name}.jsonl", [chose(name, pair, rule(pair)) for pair in made.chosen]) for name, rule in people]
    )
    return made


def test_one_person_who_sees_one_contrast_only(tmp_path: Path) -> None:
    def rule(pair: Pair) -> bool:
        return pair.first_left if pair.contest.contrast != ALONE else True

    found = rated(tmp_path, ("Ana", rule)).outcome()
    whole = {share.contrast: share for share in found.shares if share.of == "all"}
    assert list(whole) == [BOTH, ALONE]
    assert whole[BOTH].share == wilson(20, 20)
    assert whole[BOTH].left == 0.5
    assert whole[ALONE].share == wilson(10, 20)
    assert whole[ALONE].left == 1.0
    assert whole[BOTH].over_people is None
    (ana,) = found.people
    assert ana.caught == wilson(4, 4)
    assert (ana.choices, ana.seconds) == (44, 2.0)
    assert {share.of for share in found.shares if share.contrast == BOTH} == {
        "all",
        "pooled",
        "strided",
        "from grey",
        "from image",
    }
    assert found.headline == "1 person made 40 choices between the pictures of 40 pairs."


def test_several_people_have_intervals_over_pictures_and_over_people(tmp_path: Path) -> None:
    made = rated(
        tmp_path, ("Ana", lambda pair: pair.first_left), ("Bo", lambda pair: not pair.first_left), ("Cy", lambda _: True)
    )
    found = made.outcome()
    both = next(share for share in found.shares if share.contrast == BOTH and share.of == "all")
    assert (both.choices, both.people) == (60, 3)
    assert both.share.centre == pytest.approx(0.5)
    assert both.over_people is not None
    assert both.over_people.n == 3
    assert both.over_people.high - both.over_people.low > 0.5 > both.share.high - both.share.low
    by_person = {share.of: share.share for share in found.shares if share.contrast == BOTH and share.of in ("Ana", "Bo", "Cy")}
    assert by_person == {"Ana": wilson(20, 20), "Bo": wilson(0, 20), "Cy": wilson(10, 20)}
    assert [person.caught for person in found.people][:2] == [wilson(4, 4), wilson(0, 4)]
    assert found == made.outcome()


def test_taking_back_and_being_unsure_are_no_choices(tmp_path: Path) -> None:
    made = viewing(HERE, tmp_path / "review", n=10)
    one, two = made.chosen[:2]
    unsure = chose("Ana", two, True) | {"value": "unsure"}
    lines = [chose("Ana", one, True), chose("Ana", one, True, second=1) | {"value": None, "undo": True}, unsure]
    made.bring([write(tmp_path / "ana.jsonl", lines)])
    found = made.outcome()
    assert found.choices == ()
    assert found.headline == "Nobody has chosen yet."
    assert "asks for a choice" in str(found.flaws[0])
    assert "Nobody has chosen" in viewing_page(found)


def test_an_earlier_viewing_by_another_seed_counts_on(tmp_path: Path) -> None:
    made = rated(tmp_path, ("Ana", lambda pair: pair.first_left))
    later = viewing(HERE, made.folder, n=8, seed=7)
    assert later.outcome().choices == made.outcome().choices


def test_results_are_written(tmp_path: Path) -> None:
    made = rated(tmp_path, ("Ana", lambda pair: pair.first_left))
    paths = made.write(made.outcome(), source="runs/made-up")
    assert [path.name for path in paths] == ["viewing.html", "viewing.csv", "people.csv", "choices.csv"]
    html = paths[0].read_text(encoding="utf-8")
    assert "noise, smoothed against standard, plain" in html
    assert "4 of 4: 1.00" in html
    with paths[3].open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 44
    assert {line["first_chosen"] for line in lines} == {"1"}


def test_seconds_that_are_none_are_refused(tmp_path: Path) -> None:
    made = viewing(HERE, tmp_path / "review", n=4)
    for wrong in (-1.0, "2", True):
        with pytest.raises(ValueError, match="seconds are a number from 0"):
            made.bring([write(tmp_path / "bad.jsonl", [chose("Ana", made.chosen[0], True) | {"seconds": wrong}])])
