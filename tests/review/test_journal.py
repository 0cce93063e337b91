"""The ratings file: whole lines only, whoever writes at once and whatever stood there."""

import json
import threading
from pathlib import Path

import pytest

from genlab.review.journal import RATINGS, Journal


def test_lines_of_many_writers_stay_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "folder")

    def write(who: int) -> None:
        for place in range(30):
            journal.append([{"who": who, "place": place, "words": "x" * 500}, {"who": who, "place": place + 0.5}])

    threads = [threading.Thread(target=write, args=(who,)) for who in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(line) for line in (tmp_path / "new" / "folder" / RATINGS).read_text().splitlines()]
    for who in range(6):
        assert [each["place"] for each in lines if each["who"] == who] == [step / 2 for step in range(60)]


def test_a_line_that_was_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    (tmp_path / RATINGS).write_text('{"a": 1}\n{"b": ', encoding="utf-8")
    Journal(tmp_path).append([{"c": "é\u2028\ud800"}])
    lines = (tmp_path / RATINGS).read_bytes().split(b"\n")
    assert lines[:2] == [b'{"a": 1}', b'{"b": ']
    assert json.loads(lines[2]) == {"c": "é\u2028\ud800"}
    assert lines[3:] == [b""]


def test_what_is_no_json_is_not_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        journal.append([{"a": 1}, {"b": float("nan")}])
    assert journal.path.read_bytes() == b""
