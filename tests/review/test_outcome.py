"""The result as tables and as a page: every number of the comparison, every disagreement, and no text that acts."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.review.clicking import about, click, write
from tests.review.sample_review import GRADERS, HOSTILE, SKILLS, STUDENTS, row, rows

from genlab.grading.graded import GradedText
from genlab.review.compare import Comparison, compare
from genlab.review.items import Item, catalogue
from genlab.review.outcome import agreement_page, cases, headline, measured
from genlab.review.ratings import read
from genlab.review.tables import AGREEMENT, RATINGS, agreement_csv, cell, ratings_csv, table
from genlab.skills.skill import Skill


def reviewed(folder: Path, these: list[GradedText], skills: dict[str, Skill] | None = None, note: str = "hm, “no”") -> Comparison:
    """Three people: one gives every point, one every other, one is unsure of all first skills."""
    items = catalogue(these, SKILLS if skills is None else skills)
    clicks: list[dict[str, Any]] = []

    def said(item: Item, place: int, rater: str) -> Any:
        return {"Ana": 1, "Bo": place % 2, "Cy": "unsure" if place == 0 else 1}[rater]

    for item in items.values():
        for rater in ("Ana", "Bo", "Cy"):
            clicks += [click(rater, item, place, said(item, place, rater)) for place in range(len(item.criteria))]
        clicks.append(about("Bo", item, note=note))
    clicks.append(click("Ana", next(iter(items.values())), 0, 1) | {"item": "feed"})
    return compare(these, items, read([write(folder / "r.jsonl", clicks)], items))


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return reviewed(tmp_path_factory.mktemp("r"), rows(4, graders=GRADERS))


def test_every_opinion_is_a_row(comparison: Comparison) -> None:
    found = list(csv.DictReader(io.StringIO(ratings_csv(comparison), newline="")))
    assert tuple(found[0]) == RATINGS
    assert len(found) == len(comparison.opinions)
    for told, each in zip(found, comparison.opinions, strict=True):
        assert (told["sample"], told["criterion"], told["rater"], told["grader"]) == (
            each.row.sample,
            each.criterion,
            each.rater,
            each.row.grader,
        )
        assert told["rating"] == ("unsure" if each.agrees is None else f"{each.point:g}")
        assert told["agree"] == {True: "1", False: "0", None: ""}[each.agrees]
        assert told["text"] == each.row.text
        assert float(told["grader_point"]) == each.graded


def test_every_number_of_agreement_is_in_the_table(comparison: Comparison) -> None:
    found = list(csv.DictReader(io.StringIO(agreement_csv(comparison), newline="")))
    assert tuple(found[0]) == AGREEMENT
    lines = (*comparison.with_grader, *comparison.between_people, *comparison.everybody)
    assert len(found) == len(lines)
    for told, line in zip(found, lines, strict=True):
        assert [told["first"], told["second"], *filter(None, told["others"].split("; "))] == list(line.who)
        assert float(told["raw"]) == pytest.approx(line.agreement.raw, rel=1e-5)
        assert (told["kappa"] == "") == (line.agreement.kappa is None)


@given(st.text())
def test_no_cell_begins_like_a_formula(words: str) -> None:
    told = cell(words)
    assert not told.lstrip().startswith(("=", "@", "|", "%", "+", "-")) or told.lstrip()[1:2].isdigit()
    (back,) = csv.reader(io.StringIO(table([words], []), newline=""))  # headings are ours and stand as they are
    assert back == [words] or "\x00" in words or "\r" in words


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=2, max_size=2)))
def test_a_table_is_read_back_as_it_was_written(content: list[list[str]]) -> None:
    heading, *found = csv.reader(io.StringIO(table(["a", "b"], content), newline=""), strict=True)
    assert heading == ["a", "b"]
    assert found == [[cell(each) for each in line] for line in content]


def test_the_page_says_all_of_it(comparison: Comparison) -> None:
    page = agreement_page(comparison, source="runs/mix")
    assert headline(comparison) in page
    assert "3 people rated 32 texts that 2 graders had graded." in page
    assert "runs/mix" in page
    for line in (*comparison.with_grader, *comparison.between_people, *comparison.everybody):
        assert measured(line.agreement.raw, line.agreement.raw_interval) in page
    assert page.count("<article>") == len(cases(comparison.disagreements))
    assert page.count('<th scope="row">') >= len(comparison.disagreements)
    assert "1 line of the ratings files does not count" in page
    assert "unknown text &#39;feed&#39;" in page
    assert "<script" not in page
    assert "script-src 'none'" in page.replace("&#39;", "'")


def test_disagreements_on_one_text_stand_together(comparison: Comparison) -> None:
    found = cases(comparison.disagreements)
    assert sum(len(case.opinions) for case in found) == len(comparison.disagreements)
    assert len({case.where for case in found}) == len(found)
    assert all(
        case.notes == (("Bo", "hm, “no”"),)
        for case in found
        if any(each.rater == "Bo" for each in case.opinions) and all(each.rater == "Bo" for each in case.opinions)
    )


def test_the_page_is_a_function_of_the_comparison(comparison: Comparison) -> None:
    assert agreement_page(comparison) == agreement_page(comparison)


def test_a_page_of_nothing_is_whole() -> None:
    page = agreement_page(compare([], {}, read([], {})))
    assert "0 people rated 0 texts" in page
    assert "0 in 0 texts" in page


def test_hostile_text_is_inert(tmp_path: Path) -> None:
    bad = HOSTILE
    one = row(STUDENTS[0], GRADERS[0], 1, 0, 1, skills=(bad,), topic=bad, text=bad, points=(0.0,) * 4, gradings=("0,0,0,0",))
    name = bad.replace("\ud800", "")  # names of models are keys of chance, and half a character is none
    one = replace(one, student=name, grader=name, sample=name)
    found = reviewed(tmp_path, [one], {bad: Skill(bad, "odd", bad, bad)}, note=bad)
    page = agreement_page(found, source=bad, title=bad)
    assert "<img" not in page
    assert "</script>" not in page
    assert "\u202e" not in page
    assert "\x00" not in page
    page.encode("utf-8")
    ratings_csv(found).encode("utf-8")
    agreement_csv(found).encode("utf-8", "strict")
