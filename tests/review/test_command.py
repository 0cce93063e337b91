"""What ``genlab review`` does around the page: the folder, files sent back, and the results that it writes."""

import csv
import json
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from tests.review.clicking import click, whole, write
from tests.review.sample_review import SKILLS, rows

from genlab.review.command import Review, review

ROWS = rows(5)


def a_review(folder: Path, n: int = 8) -> Review:
    return review(ROWS, SKILLS, folder / "review", n=n)


def test_making_a_review_writes_nothing(tmp_path: Path) -> None:
    made = a_review(tmp_path)
    assert len(made.chosen) == 8
    assert len(made.catalogue) == len(ROWS)
    assert made.compare().texts == 0
    assert list(tmp_path.iterdir()) == []


def test_served_ratings_and_those_sent_back_come_together(tmp_path: Path) -> None:
    made = a_review(tmp_path)
    one, two = made.chosen[:2]
    with made.serve() as server:
        body = json.dumps({"records": whole("Ana", one, [1] * 5)}).encode()
        origin = server.url.rpartition("/")[0].rpartition("/")[0]
        urlopen(Request(server.url + "ratings", body, {"Content-Type": "application/json", "Origin": origin}), timeout=10).close()
    sent = write(tmp_path / "from-bo.jsonl", [*whole("Bo", one, [0] * 5), *whole("Bo", two, [1] * 5)])
    assert len(made.bring([sent, sent])) == 2
    assert made.files == (tmp_path / "review" / "ratings.jsonl", made.bring([sent])[0])
    found = a_review(tmp_path, n=1).ratings()  # another choice, the same folder: what was rated counts on
    assert found.raters == ("Ana", "Bo")
    assert len(found.rated) == 3


def test_a_file_of_other_results_is_refused_and_nothing_is_copied(tmp_path: Path) -> None:
    made = a_review(tmp_path)
    good = write(tmp_path / "good.jsonl", whole("Bo", made.chosen[0], [1]))
    other = write(tmp_path / "other.jsonl", [click("Bo", made.chosen[0], 0, 1) | {"item": "feed"}])
    for bad, why in (
        (other, "unknown text 'feed'"),
        (write(tmp_path / "empty.jsonl", []), "empty"),
        (tmp_path / "gone", "no ratings file"),
    ):
        with pytest.raises(ValueError, match=why):
            made.bring([good, bad])
    assert made.files == ()


def test_results_are_written_beside_the_ratings(tmp_path: Path) -> None:
    made = a_review(tmp_path)
    made.bring(
        [write(tmp_path / "r.jsonl", [each for item in made.chosen for each in whole("Ana", item, [1] * len(item.criteria))])]
    )
    found = made.compare()
    paths = made.write(found, source="runs/mix")
    assert [path.name for path in paths] == ["agreement.html", "agreement.csv", "ratings.csv"]
    assert "1 person rated 8 texts" in paths[0].read_text(encoding="utf-8")
    with paths[2].open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(found.opinions)


def test_an_exported_page_is_the_same_for_everybody(tmp_path: Path) -> None:
    made = a_review(tmp_path)
    path = made.export(tmp_path / "page.html")
    assert '"mode":"offline"' in path.read_text(encoding="utf-8")
    assert made.export(tmp_path / "again.html").read_bytes() == path.read_bytes()
    with pytest.raises(ValueError, match="no folder"):
        made.export(tmp_path / "nowhere" / "page.html")
