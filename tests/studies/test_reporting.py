"""From a store to the page and its files: what a study adds to its report arrives in all of them."""

import csv
from pathlib import Path

import pytest

from genlab.results.store import Store
from genlab.studies.reporting import report_of, summaries, write

STUDY = """
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genlab.results.exhibits import Passage, Passages, Table
from genlab.results.runs import Run
from genlab.studies.study import Condition, Study


@dataclass(frozen=True)
class Row:
    step: int


@dataclass(frozen=True)
class Toy(Study):
    name, title, record = "toy", "A toy", Row
    intervals = "Ours is a toy with an interval of its own."

    def conditions(self):
        return [self.condition(seed=0)]

    def run(self, settings, snapshot, device):
        yield from ()
        return "steps"


class Telling(Toy):
    name = "telling"

    @classmethod
    def tables(cls, runs):
        return (Table("pass", "Pass rates", "By model.", ("model", "change"), (("=1+1", "-0.2"), ("a, b", "0.1"))),)

    @classmethod
    def passages(cls, runs):
        return (Passages("some", "Some texts", "Chosen by hand.", (Passage("one", "failure", {"k": "2"}, "A text."),)),)

    @classmethod
    def remarks(cls, runs):
        return ("The student is scripted: this is plumbing.", f"{len(runs)} runs.")


toy, telling = Toy(), Telling()
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "toys.py").write_text(STUDY)
    made = Store(tmp_path / "store")
    made.prepare()
    for name in ("toy", "telling"):
        condition = {"study": name, "reference": f"{tmp_path / 'toys.py'}:{name}", "protocol": 1, "settings": {"seed": 0}}
        made.put_json(f"conditions/{name}/condition.json", condition)
    return made


def test_a_study_that_adds_nothing_has_the_page_it_had(store: Store) -> None:
    summary = next(each for each in summaries(store) if each.study.name == "toy")
    report = report_of(store, summary)
    assert (report.tables, report.passages, summary.warnings) == ((), (), ())
    assert write(store, report) == ["report.html"]
    page = (store.get("report.html") or b"").decode()
    assert "Ours is a toy with an interval of its own. A claim holds" in page
    assert 'id="tables"' not in page
    assert 'id="examples"' not in page


def test_tables_passages_and_remarks_arrive_on_the_page_in_the_files_and_among_the_warnings(store: Store) -> None:
    summary = next(each for each in summaries(store) if each.study.name == "telling")
    assert summary.warnings == ("The student is scripted: this is plumbing.", "0 runs.")
    assert write(store, report_of(store, summary), name="other") == ["other.html", "tables/telling-pass.csv"]
    page = (store.get("other.html") or b"").decode()
    for words in ("Pass rates", "Some texts", "A text.", "this is plumbing"):
        assert words in page
    rows = list(csv.reader((store.get("tables/telling-pass.csv") or b"").decode().splitlines()))
    assert rows == [["model", "change"], ["'=1+1", "-0.2"], ["a, b", "0.1"]]
