"""Annotations: what is read, what is refused and how it is said, and that a file written is the file read."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.grading.judged_pairs import Law, judged

from genlab.grading.annotations import Annotation, annotations_of, read_annotations, write_annotations

ROW: dict[str, Any] = {
    "instruction": "Add 1 and 1.",
    "output_1": "2",
    "generator_1": "base",
    "dataset": "sums",
    "output_2": "It is 2.",
    "generator_2": "model",
    "annotator": "judge",
    "preference": 1.25,
    "raw_completion": {"text": "M"},
}


def test_a_row_is_read_with_all_its_fields() -> None:
    (ours,) = annotations_of([ROW])
    assert (ours.preference, ours.share, ours.longer) == (1.25, 0.25, 7)
    assert ours.others == {"dataset": "sums", "raw_completion": {"text": "M"}}


@pytest.mark.parametrize("preference", [None, float("nan")])
def test_null_is_ungraded(preference: float | None) -> None:
    (ours,) = annotations_of([ROW | {"preference": preference}])
    assert ours.preference is None
    assert ours.share is None
    assert ours.swapped().preference is None


def test_zero_is_a_tie() -> None:
    assert annotations_of([ROW | {"preference": 0}])[0].share == 0.5


@pytest.mark.parametrize("preference", [0.5, 2.01, -1, True, "1", float("inf"), [1]])
def test_what_is_no_preference_is_named_with_its_item(preference: object) -> None:
    with pytest.raises(ValueError, match=r"judged, item 1: preference is from 1 to 2, 0 for a tie or null for ungraded, got"):
        annotations_of([ROW, ROW | {"preference": preference}], "judged")


def test_missing_fields_are_named() -> None:
    row = {name: value for name, value in ROW.items() if name not in ("output_2", "preference")}
    with pytest.raises(ValueError, match="item 0: has no output_2, preference; it has instruction, output_1"):
        annotations_of([row])


def test_an_answer_is_text() -> None:
    with pytest.raises(ValueError, match="item 0: output_1 is text, got None"):
        annotations_of([ROW | {"output_1": None}])


def test_an_item_is_an_object() -> None:
    with pytest.raises(ValueError, match="item 0: expected an object, got str"):
        annotations_of(["text"])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "does not parse"), ("{}", "a list of objects, got dict at the top"), ("[]", "a list of objects, got no item")],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "annotations.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=said):
        read_annotations(file)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    ours = judged(30, Law(ungraded=7, ties=5), "written")
    write_annotations(tmp_path / "annotations.json", ours)
    assert read_annotations(tmp_path / "annotations.json") == tuple(ours)
    rows = json.loads((tmp_path / "annotations.json").read_text())
    assert rows[0]["preference"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["annotations.json"]


@pytest.mark.parametrize("others", [{"preference": 1}, {"cost": float("nan")}, {"reply": object()}])
def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path, others: dict[str, Any]) -> None:
    file = tmp_path / "annotations.json"
    file.write_text("before")
    with pytest.raises(ValueError, match="others"):
        write_annotations(file, [Annotation("i", "a", "b", "base", "model", "judge", 1.0, others)])
    assert file.read_text() == "before"


def test_a_preference_has_its_range_however_it_is_made() -> None:
    with pytest.raises(ValueError, match="from 1 to 2"):
        Annotation("i", "a", "b", "base", "model", "judge", 0.0)


@given(st.one_of(st.none(), st.floats(1, 2)))
def test_swapping_twice_is_nothing(preference: float | None) -> None:
    ours = Annotation("i", "a", "bcd", "base", "model", "judge", preference)
    twice = ours.swapped().swapped()
    assert (twice.output_1, twice.generator_2, twice.longer) == ("a", "model", 2)
    assert twice.preference == (None if preference is None else pytest.approx(preference))
