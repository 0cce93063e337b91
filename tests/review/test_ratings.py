"""Reading ratings: the last click counts, whoever's file it is in, and no line is lost silently."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.review.clicking import about, click, whole, write
from tests.review.sample_review import SKILLS, rows

from genlab.review.items import catalogue
from genlab.review.ratings import UNSURE, Rated, Ratings, clicks, parse, rater_name, read

ITEMS = catalogue(rows(3), SKILLS)
ONE, TWO, *_ = ITEMS.values()


def of(ratings: Ratings, rater: str, item: str) -> Rated:
    (found,) = [each for each in ratings.rated if (each.rater, each.item) == (rater, item)]
    return found


def test_the_last_click_on_a_criterion_counts_and_taking_back_is_a_click(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.jsonl",
        [
            click("Ana", ONE, 0, 1),
            click("Ana", ONE, 0, 0, second=-100),  # a clock that was set back does not undo it: within a file, lines are in order
            click("Ana", ONE, 1, 1),
            click("Ana", ONE, 1, None, undo=True),
            click("Ana", ONE, 2, "unsure"),
        ],
    )
    found = of(read([path], ITEMS), "Ana", ONE.id)
    assert found.points[:2] == (0.0, None)
    assert math.isnan(found.points[2] or 0.0)
    assert set(found.points[3:]) == {None}
    assert found.answered == 2


def test_notes_and_skips_are_about_a_whole_text(tmp_path: Path) -> None:
    lines = [about("Ana", ONE, note="odd"), about("Ana", ONE, note="very odd\n=1+1"), about("Ana", TWO, skipped=True)]
    ratings = read([write(tmp_path / "r.jsonl", lines)], ITEMS)
    assert of(ratings, "Ana", ONE.id).note == "very odd\n=1+1"
    assert of(ratings, "Ana", TWO.id).skipped
    assert ratings.raters == ()  # nobody rated a criterion


_CLICKS = st.lists(
    st.tuples(
        st.sampled_from(["Ana", "ana", "Bo"]),
        st.sampled_from([ONE, TWO]),
        st.integers(0, 4),
        st.sampled_from([1, 0, "unsure", None]),
    )
)


@given(_CLICKS)
def test_reading_a_file_is_replaying_it(tmp_path_factory: pytest.TempPathFactory, done: list[tuple[Any, ...]]) -> None:
    path = write(tmp_path_factory.mktemp("r") / "r.jsonl", [click(*each) for each in done])
    slow: dict[tuple[str, str, int], Any] = {}
    for rater, item, place, value in done:
        slow[rater.casefold(), item.id, place] = value
    fast = {
        (each.rater.casefold(), each.item, place): point
        for each in read([path], ITEMS).rated
        for place, point in enumerate(each.points)
        if point is not None
    }
    assert {key: "unsure" if math.isnan(value) else value for key, value in fast.items()} == {
        key: value for key, value in slow.items() if value is not None
    }


@given(_CLICKS, _CLICKS)
def test_files_of_different_raters_do_not_touch_each_other(
    tmp_path_factory: pytest.TempPathFactory, first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("r")
    ana = write(folder / "a.jsonl", [click("Ana", *each[1:]) for each in first])
    bo = write(folder / "b.jsonl", [click("Bo", *each[1:]) for each in second])
    together, backwards = read([ana, bo], ITEMS), read([bo, ana], ITEMS)
    apart = (*read([ana], ITEMS).rated, *read([bo], ITEMS).rated)
    assert repr(together.rated) == repr(apart) == repr(backwards.rated)  # by repr: NaN is not equal to itself


def test_between_files_the_later_click_counts_and_twice_is_once(tmp_path: Path) -> None:
    old = write(tmp_path / "old.jsonl", [click("Ana", ONE, 0, 0, second=1), click("Ana", ONE, 1, 0, second=2)])
    new = write(tmp_path / "new.jsonl", [click("Ana", ONE, 0, 1, second=9)])
    for order in ([old, new], [new, old], [old, new, old]):
        assert of(read(order, ITEMS), "Ana", ONE.id).points[:2] == (1.0, 0.0)


def test_a_click_that_was_sent_twice_counts_where_it_came_first(tmp_path: Path) -> None:
    first, second = click("Ana", ONE, 0, 0, id="a"), click("Ana", ONE, 0, 1, id="b")
    path = write(tmp_path / "r.jsonl", [first, second, first])
    assert of(read([path], ITEMS), "Ana", ONE.id).points[0] == 1.0
    assert len(clicks(path, ITEMS)[0]) == 2


def test_raters_are_told_apart_by_name_whatever_its_case(tmp_path: Path) -> None:
    lines = [click("Ana  María", ONE, 0, 1), click("ana maría", ONE, 1, 0), click("Ana", ONE, 2, 1)]
    ratings = read([write(tmp_path / "r.jsonl", lines)], ITEMS)
    assert ratings.raters == ("Ana", "Ana María")
    assert of(ratings, "Ana María", ONE.id).points[:2] == (1.0, 0.0)


@pytest.mark.parametrize("tail", [b'{"rater": "Ana", "ite', b"{", b"\xc3"])
def test_a_last_line_that_was_cut_off_costs_only_itself(tmp_path: Path, tail: bytes) -> None:
    path = write(tmp_path / "r.jsonl", whole("Ana", ONE, [1, 1]))
    path.write_bytes(path.read_bytes() + tail)
    ratings = read([path], ITEMS)
    assert of(ratings, "Ana", ONE.id).points[:2] == (1.0, 1.0)
    assert [str(flaw) for flaw in ratings.flaws] == [f"{path}, line 3: the line was cut off while it was written"]


def test_a_last_line_without_its_line_end_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", whole("Ana", ONE, [1, 1]))
    path.write_bytes(
        b"\xef\xbb\xbf" + path.read_bytes().rstrip().replace(b"\n", b"\r\n\r\n")
    )  # through a mail program on Windows
    ratings = read([path], ITEMS)
    assert of(ratings, "Ana", ONE.id).points[:2] == (1.0, 1.0)
    assert ratings.flaws == ()


BAD = {
    "not a line of JSON": "no JSON at all",
    "a JSON object, got list": "[]",
    "no field 'student'": json.dumps(click("Ana", ONE, 0, 1) | {"student": "x"}),
    "unknown text 'feedfeedfeedfeed'": json.dumps(click("Ana", ONE, 0, 1) | {"item": "feedfeedfeedfeed"}),
    "other definitions": json.dumps(click("Ana", ONE, 0, 1) | {"version": "00000000"}),
    "no criterion 'wit'": json.dumps(click("Ana", ONE, "wit", 1)),
    "value is 1, 0": json.dumps(click("Ana", ONE, 0, 2)),
    "value is 1, 0, ": json.dumps(click("Ana", ONE, 0, True)),
    "got 'nan'": json.dumps(click("Ana", ONE, 0, math.nan)),
    "rater's name": json.dumps(click("<b>", ONE, 0, 1)),
    "sets one of": json.dumps(about("Ana", ONE)),
    "this one sets value, note": json.dumps(click("Ana", ONE, 0, 1) | {"note": "x"}),
    "a note is text": json.dumps(about("Ana", ONE, note="x" * 4001)),
    "whole text": json.dumps(about("Ana", ONE, note="x", criterion=ONE.criteria[0])),
    "true or false": json.dumps(about("Ana", ONE, skipped=1)),
    "at is a time": json.dumps(click("Ana", ONE, 0, 1) | {"at": "noon"}),
    "id is text": json.dumps(click("Ana", ONE, 0, 1) | {"id": 7}),
}


@pytest.mark.parametrize("why", BAD)
def test_a_bad_line_is_reported_with_its_place_and_costs_only_itself(tmp_path: Path, why: str) -> None:
    good = [json.dumps(each) for each in whole("Ana", ONE, [1, 0])]
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join([good[0], BAD[why], good[1], ""]), encoding="utf-8")
    ratings = read([path], ITEMS)
    (flaw,) = ratings.flaws
    assert (flaw.file, flaw.line) == (str(path), 2)
    assert why in flaw.why
    assert of(ratings, "Ana", ONE.id).points[:2] == (1.0, 0.0)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no ratings file .*gone\.jsonl"):
        read([tmp_path / "gone.jsonl"], ITEMS)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_whatever_is_posted_is_parsed_or_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"rating|object"):
        parse(value, ITEMS)
    with pytest.raises(ValueError, match=r".+"):
        parse(click("Ana", ONE, 0, 1) | {"value": [value]}, ITEMS)


@given(st.text(max_size=70))
def test_a_name_once_tidied_stays_as_it_is(name: str) -> None:
    try:
        tidy = rater_name(name)
    except ValueError:
        return
    assert rater_name(tidy) == tidy
    assert not set(tidy) & set('/\\<>"\n\t\u202e')


@pytest.mark.parametrize("name", ["José-Luis", "अनीता", "O'Neil", "r.2@lab"])
def test_names_of_all_scripts_are_names(name: str) -> None:
    assert rater_name(name) == name


def test_full_marks_are_settled_by_one_refusal_or_by_all_points() -> None:
    def rated(*points: float | None) -> Rated:
        return Rated("Ana", ONE.id, points, "", False, parse(click("Ana", ONE, 0, 1), ITEMS).at)

    assert rated(1.0, 1.0, 1.0).full_marks == 1.0
    assert rated(1.0, 0.0, None).full_marks == 0.0
    assert rated(UNSURE, 0.0, 1.0).full_marks == 0.0
    assert rated(1.0, UNSURE, 1.0).full_marks is None
    assert rated(1.0, None, 1.0).full_marks is None
    assert rated(1.0, 0.0, 1.0).complete
    assert not rated(1.0, UNSURE, 1.0).complete
