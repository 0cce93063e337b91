"""Where questions come from, and what is said of a place that has none."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("inspect_ai")

from genlab.evaluation.judges.questions import Questions, read, some, text

ROWS = [{"instruction": f"Ask {at}.", "index": 99} for at in range(30)]


def test_a_file_a_folder_and_a_url_hold_the_same_rows(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(ROWS[:10]))
    (folder / "b.jsonl").write_text("\n".join(map(json.dumps, ROWS[10:])))
    (folder / "notes.txt").write_text("no questions")
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps(ROWS))
    found = [read(place, ("instruction",)) for place in (str(folder), str(whole), whole.as_uri())]
    assert found[0].rows == found[1].rows == found[2].rows
    assert len({each.digest for each in found}) == 1
    assert [each.name for each in found] == ["folder", "whole.json", "whole.json"]
    assert [row["index"] for row in found[0].rows] == list(range(30))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON list"),
        ('["x"]', "is no JSON list"),
        ("[]", "holds no question"),
        ('[{"instruction": "x"}, {"output": "y"}]', "question 1: has no instruction; it has output"),
    ],
)
def test_a_file_that_holds_none(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "questions.json").write_text(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        read(str(tmp_path / "questions.json"), ("instruction",))


@pytest.mark.parametrize(
    ("place", "message"),
    [("", "genlab ships no benchmark's questions"), ("nothing.json", "there is no nothing.json"), ("word", "OWNER/NAME")],
)
def test_a_place_that_is_none(place: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(place, ("instruction",))
    with pytest.raises(ValueError, match=r"holds no \.json or \.jsonl file"):
        read(str(Path(__file__).parent), ("instruction",))


def test_a_part_is_keyed_and_nested() -> None:
    asked = Questions("q", tuple({"index": at} for at in range(30)))
    parts = [{row["index"] for row in some(asked, n, seed=1).rows} for n in (5, 12, 30)]
    assert parts[0] < parts[1] < parts[2]
    assert {row["index"] for row in some(asked, 5, seed=2).rows} != parts[0]
    assert some(asked, 0, seed=1) is asked


def test_text_of_a_column() -> None:
    assert text({"output": ["one", "two"]}, "output", "here") == "one"
    with pytest.raises(ValueError, match="here: output is text, got '3'"):
        text({"output": 3}, "output", "here")
