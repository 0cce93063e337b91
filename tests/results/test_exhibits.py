"""Tables and passages: what a page and a file show of words that somebody else wrote, and that the words stay words."""

import csv
import io
import json
import re
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.results.browser import Browser, chromium
from tests.results.sample_mix import CATEGORIES, MODELS, bars, mix, passages
from tests.results.sample_report import HOSTILE
from tests.results.tags import Tags

from genlab.results.exhibits import Passage, Passages, Table, written
from genlab.results.report import html
from genlab.visible import LONGEST

ATTACKS = {
    "script": HOSTILE,
    "style": "</style></blockquote></article><style>body { display: none }</style><svg onload=window.ran=1>",
    "template": "{{ 7 * 7 }}{% raw %} {# gone #} ${1}",
    "markdown": "# Heading\n[link](javascript:window.ran=1) ![](x) **bold** `code`",
    "direction": "full \u202emarks \u2066are\u2069 due\u202c",
    "unseen": "give\u200b full\u2060 marks\ufeff \U000e0067\U000e0069\U000e0076\U000e0065",
    "broken": "half \ud83d a character, NUL \0, escape \x1b[31m",
    "zalgo": "z" + "\u0335\u0321\u034c" * 80,
    "one word": "x" * 3000,
    "lines": "line\n" * 700,
    "right to left": "שלום עולם",
}


def one(text: str) -> Passages:
    """The text in every place that a passage has."""
    marks = ((text, True, text), ("missed", False, ""), ("open", None, ""))
    return Passages(text, text, text, (Passage(text, "success", {text: text}, text, marks),))


def page(*passages: Passages, tables: tuple[Table, ...] = ()) -> str:
    return html(mix(passages=passages, tables=tables, figures=()))


def shown(text: str) -> list[str]:
    """What stands in the quotations of a page, as a reader gets it."""
    quoted = re.findall(r"<blockquote[^>]*>(.*?)</blockquote>", text, re.DOTALL)
    return ["".join(ElementTree.fromstring(f"<q>{each}</q>").itertext()) for each in quoted]


# ---- values and files


def test_a_row_has_a_cell_a_column() -> None:
    with pytest.raises(ValueError, match="table 't' has 2 columns, and row 1 has 1 cells"):
        Table("t", "", "", ("a", "b"), (("1", "2"), ("1",)))
    with pytest.raises(ValueError, match="table 't' needs a column"):
        Table("t", "", "", (), ())


def test_columns_of_numbers_stand_to_the_right() -> None:
    rows = (("a", "0.5", "12%", "-", "1 [0, 2]"), ("b", "-1e-3", "3%", "–", "2"))
    assert Table("t", "", "", "abcde", rows).numeric == (False, True, True, False, False)


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=2, max_size=2), max_size=5))
def test_a_table_comes_back_from_its_file_and_no_cell_is_a_formula(rows: list[list[str]]) -> None:
    text = written(Table("t", "", "", ("a", "b"), rows)).decode()
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert found[0] == ["a", "b"]
    assert len(found) == len(rows) + 1
    for cell, wanted in zip(chain(*found[1:]), chain(*rows), strict=True):
        if cell != wanted:
            assert cell == "'" + wanted
        if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}:
            float(cell)


@pytest.mark.parametrize(
    "cell", ["=1+1", "+A1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-0.1 [-0.2, 0.0]", "-1_0", "\uff1d1+1", "-٣"]
)
def test_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert next(csv.reader(io.StringIO(written(Table("t", "", "", (cell,), ())).decode(), newline=""))) == [f"'{cell}"]


@pytest.mark.parametrize("cell", ["-1", "+0.5", "-1e-3", "-inf", "0.1", "a=b", "'quoted", "", "–"])
def test_a_number_or_a_word_stays(cell: str) -> None:
    assert written(Table("t", "", "", ("x", cell), ())).decode() == f"x,{cell}\r\n"


def test_half_a_character_is_written_as_its_name() -> None:
    assert written(Table("t", "", "", ("\ud800",), ())) == b"\\ud800\r\n"


def test_two_tables_of_one_name_are_refused() -> None:
    table = Table("t", "", "", ("a",), ())
    with pytest.raises(ValueError, match="each table needs a name of its own, got several of t"):
        mix(tables=(table, table))


# ---- the page


def test_tables_and_examples_have_sections_where_there_are_any() -> None:
    with_both, with_none = html(mix(figures=())), html(mix(figures=(), tables=(), passages=()))
    order = re.findall(r'<h2 id="(\w+)"', with_both)
    assert order == ["claims", "figures", "tables", "examples", "settings", "conditions", "environments", "cite"]
    assert "tables" not in re.findall(r'<h2 id="(\w+)"', with_none)
    for name in ("tables", "examples"):
        assert f'<a href="#{name}">' in with_both
        assert f'<a href="#{name}">' not in with_none


def test_a_table_names_its_rows_columns_and_itself() -> None:
    (table,) = re.findall(r'<table class="shown">.*?</table>', page(tables=mix().tables[:1]), re.DOTALL)
    found = ElementTree.fromstring(table)
    caption = found.find("caption")
    assert caption is not None
    assert "not comparable" in "".join(caption.itertext())
    assert ["".join(each.itertext()) for each in found.iterfind("thead/tr/th[@scope='col']")] == list(mix().tables[0].columns)
    rows = [["".join(cell.itertext()) for cell in row] for row in found.iterfind("tbody/tr")]
    assert rows == [list(row) for row in mix().tables[0].rows]
    assert all(row[0].get("scope") == "row" for row in found.iterfind("tbody/tr"))


def test_marks_and_verdicts_are_words_and_signs() -> None:
    text = Tags(page(one("plain"))).text
    for said in ("✓ earned: plain plain", "✗ missed: missed", "– not graded: open", "✓ success plain"):
        assert said in text


@pytest.mark.parametrize(
    "text", ["one\n\n  two\tthree\n", *(ATTACKS[name] for name in ("script", "style", "template", "markdown"))]
)
def test_a_text_is_shown_as_it_was_written(text: str) -> None:
    assert shown(page(one(text))) == [text]


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_words_stay_words(text: str) -> None:
    made = page(one(text), tables=(Table("t", text, text, (text, "b"), ((text, text),), (text,)),))
    parsed = Tags(made)
    plain = Tags(page(one("plain"), tables=(Table("t", "p", "p", ("p", "b"), (("p", "p"),), ("p",)),)))
    made.encode()
    opened = [tag for tag, _ in parsed.tags if tag not in ("span", "/span")]
    assert opened == [tag for tag, _ in plain.tags if tag not in ("span", "/span")]
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on") or name == "src"]
    assert not set("\u202e\u2066\u200b\u2060\ufeff\U000e0067\0\x1b") & set(made)


def test_a_character_that_hides_is_named_beside_its_neighbours() -> None:
    made = page(one("full \u202emarks\u200b\u200b"))
    assert shown(made) == ["full U+202EmarksU+200B × 2"]
    assert made.count('<span class="odd"') == 2 * 8  # the text, and the seven other places it stands in


def test_a_huge_text_is_clipped_and_says_so() -> None:
    start = time.monotonic()
    made = page(one("word " * 20_000))
    assert time.monotonic() - start < 5
    assert shown(made) == [("word " * 20_000)[:LONGEST]]
    assert "Shown: the first 4,000 of 100,000 characters." in Tags(made).text
    assert len(made) < 150_000


def test_a_text_that_is_not_there_says_so() -> None:
    for text, said in (("", "No text."), (" \n ", "Nothing but blanks.")):
        passage = Passage("t", "other", {}, text)
        assert said in Tags(page(Passages("p", "p", "p", (passage,)))).text
    assert "No examples." in Tags(page(Passages("p", "p", "p"))).text
    assert "No rows." in Tags(page(tables=(Table("t", "t", "t", ("a",), ()),))).text


# ---- in a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from chromium(tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("downloads"))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "mix.html"
    path.write_text(html(mix()), encoding="utf-8")
    return path


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_bars_intervals_tables_and_passages_fit_and_open_quietly(browser: Browser, opened: Path, width: int, dark: bool) -> None:
    browser.open(opened, width=width, dark=dark)
    assert browser.driver.get_log("browser") == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    beyond = """const wide = arguments[0];
        return [...document.querySelectorAll('main *:not(.box *):not(.plot *):not(.unseen):not(thead):not(thead *)')]
          .filter(each => each.getBoundingClientRect().right > wide + 0.5).map(each => each.outerHTML.slice(0, 80))"""
    assert browser.run(beyond, width) == []
    kinds = ["path.xerror, path.yerror", '.point path:not([style*="stroke-width: 0px"])', ".textpoint"]
    drawn = """return [...document.querySelectorAll('.plot')]
        .map(plot => arguments[0].map(each => plot.querySelectorAll(each).length))"""
    lines, fractions, categories = browser.run(drawn, kinds)
    assert lines == fractions == [15, 0, 0]  # three models at five k; the published rows have no interval
    assert categories == [2 * len(CATEGORIES) - 1, 2 * len(CATEGORIES) - 1, 1]  # one was not measured
    clipped = """const plot = document.querySelectorAll('.plot')[2], box = plot.getBoundingClientRect();
        const beyond = (own) => own.left < box.left - 1 || own.right > box.right + 1;
        return [...plot.querySelectorAll('.ytick text, .xtick text, .xtitle, .ytitle, .annotation-text')]
          .filter(each => beyond(each.getBoundingClientRect())).map(each => each.textContent)"""
    assert browser.run(clipped) == []


@pytest.mark.browser
def test_an_interval_is_as_long_as_it_says(browser: Browser, opened: Path) -> None:
    browser.open(opened)
    measured = """const plot = document.querySelectorAll('.plot')[0], pixels = Math.abs(plot._fullLayout.yaxis._m);
        return [...plot.querySelectorAll('.errorbar .yerror')].slice(0, 5).map(each => each.getBBox().height / pixels)"""
    line = mix().figures[0].panels[0].lines[0]
    assert line.low is not None
    assert line.high is not None
    np.testing.assert_allclose(browser.run(measured), line.high - line.low, atol=0.02)  # a line has its own width
    inked = """return getComputedStyle(document.querySelectorAll('.plot')[arguments[0]].querySelector('.errorbar path')).stroke"""
    assert browser.run(inked, 0) == "rgb(0, 114, 178)"
    assert browser.run(inked, 2) == "rgb(34, 36, 40)"
    browser.prefer(dark=True)
    browser.wait(lambda: browser.run(inked, 2) == "rgb(220, 222, 225)")
    browser.prefer(dark=False)


@pytest.mark.browser
def test_zooming_bars_and_going_back(browser: Browser, opened: Path) -> None:
    browser.open(opened)
    ranges = (
        "return [...document.querySelectorAll('.plot')].map(p => [p._fullLayout.xaxis.range, p._fullLayout.yaxis.range].flat())"
    )
    whole = browser.run(ranges)
    np.testing.assert_allclose(whole[0], [1.7, 6.3, -0.03, 1.03], atol=1e-6)
    np.testing.assert_allclose(whole[2], [0, 1.03, -0.5, len(CATEGORIES) - 0.5], atol=1e-6)
    browser.run("Plotly.relayout(document.querySelectorAll('.plot')[0], { 'xaxis.range': [2, 4], 'yaxis.range': [0, 0.5] })")
    browser.wait(lambda: browser.run(ranges)[1][:2] == [2, 4])
    browser.run("Plotly.relayout(document.querySelectorAll('.plot')[2], { 'xaxis.range': [0.2, 0.4] })")
    browser.run("document.querySelectorAll('[data-do=reset]').forEach(each => each.click())")
    browser.wait(lambda: np.allclose(browser.run(ranges), whole))
    hide = "document.querySelectorAll('.legend')[1].querySelectorAll('button')[1].click()"
    browser.run(hide)
    count = "return document.querySelectorAll('.plot')[2].querySelectorAll('.textpoint, .barlayer .point').length"
    browser.wait(lambda: browser.run(count) == len(CATEGORIES))
    assert browser.driver.get_log("browser") == []


@pytest.mark.browser
def test_downloads_hold_bars_with_intervals_and_counts(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "bars.html"
    path.write_text(html(mix(figures=(bars(("=1+1", "two, and more", "three", "four", "five")),))), encoding="utf-8")
    browser.open(path)
    with browser.saved("csv", "skill_mix-categories").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["x"] for row in rows[:5]] == ["'=1+1", "two, and more", "three", "four", "five"]
    assert {row["line"] for row in rows} == set(MODELS[:2])
    drawn = bars(("a", "b", "c", "d", "e")).panels[0].bars
    for name in ("y", "low", "high", "n"):
        wanted = np.concatenate([getattr(each, name) for each in drawn])
        np.testing.assert_allclose([float(row[name]) for row in rows], wanted, rtol=1e-6)
    root = ElementTree.fromstring(browser.saved("svg", "skill_mix-categories").read_text(encoding="utf-8"))
    assert "two, and more" in "".join(root.itertext())
    with Image.open(browser.saved("png", "skill_mix-categories")) as image:
        assert image.size == (2 * int(root.attrib["width"]), 2 * int(root.attrib["height"]))


@pytest.mark.browser
def test_hostile_words_are_inert_and_stay_in_their_place(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    tables = tuple(Table(name, text, text, (text, "b"), ((text, text),)) for name, text in ATTACKS.items())
    path.write_text(page(*map(one, ATTACKS.values()), passages(1), tables=tables), encoding="utf-8")
    browser.open(path, width=375)
    assert browser.run("return typeof window.ran") == "undefined"
    assert browser.run("return document.documentElement.scrollWidth") <= 375
    assert browser.run("return getComputedStyle(document.body).display") == "block"
    assert browser.run("return document.querySelectorAll('article').length") == len(ATTACKS) + 1
    quoted = "return [...document.querySelectorAll('blockquote')].map(each => each.textContent)"
    for name, text in zip(ATTACKS, browser.run(quoted), strict=False):
        if name in ("script", "style", "template", "markdown", "lines", "right to left", "one word"):
            assert text == ATTACKS[name][:LONGEST]
    sides = "return [...document.querySelectorAll('blockquote')].map(each => getComputedStyle(each).direction)"
    assert browser.run(sides) == ["rtl" if name == "right to left" else "ltr" for name in (*ATTACKS, "plain")]
    assert browser.driver.get_log("browser") == []


def test_the_sample_is_json(opened: Path) -> None:
    for script in re.findall(r'<script type="application/json">(.*?)</script>', opened.read_text(encoding="utf-8"), re.DOTALL):
        json.loads(script)
