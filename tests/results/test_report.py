"""The report as a page: what it says, and, in headless Chromium, that it opens, draws, saves and stays inert."""

import base64
import csv
import hashlib
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.results.browser import Browser, chromium
from tests.results.sample_report import HOSTILE, hostile, sample
from tests.results.tags import Tags

from genlab.intervals import Interval
from genlab.results import claims, wording
from genlab.results.claims import Region, finding, not_measured
from genlab.results.report import Report, html
from genlab.results.strip import WIDTH, strips

POINTS = 2600  # long enough to be thinned


@pytest.fixture(scope="module")
def report() -> Report:
    return sample(POINTS)


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return html(report)


# ---- what it says


def test_the_headline_counts_verdicts_and_runs(report: Report) -> None:
    assert report.headline == (
        "9 claims: 6 hold, 1 fails, 2 undecided, 0 not measured; "
        "12 runs, 3 seeds; 1 failed; 1 incomplete; CPU, float64; miniature"
    )


def test_everything_in_the_report_is_on_the_page_in_order(report: Report, page: str) -> None:
    text = Tags(page).text
    for judged in report.judged:
        assert judged.claim.sentence in text
        assert judged.claim.quantity in text
        for each in judged.findings:
            assert wording.ours(each) in text
            assert each.note in text
    for row in report.conditions:
        assert row.id in text
        assert row.label in text
    for words in (*report.warnings, report.command, "no verified figure", "at, or just above, 2/η", "made up for a test"):
        assert words in text
    headings = re.findall(r'<h2 id="(\w+)"', page)
    assert headings == ["claims", "figures", "settings", "conditions", "environments", "cite"]


def test_the_page_is_a_function_of_the_report(report: Report, page: str) -> None:
    assert html(report) == page


def test_a_report_of_nothing_is_small_and_whole(report: Report) -> None:
    nothing = html(replace(report, judged=(), figures=(), conditions=(), settings={}, environments={}, warnings=(), bibtex=""))
    assert len(nothing) < 60_000
    assert "0 claims" in Tags(nothing).text


def test_findings_link_to_their_conditions(page: str) -> None:
    tags = Tags(page).tags
    ids = {attributes["id"] for _, attributes in tags if "id" in attributes}
    targets = {str(attributes["href"])[1:] for tag, attributes in tags if tag == "a" and str(attributes["href"]).startswith("#")}
    assert {f"condition-{row}" for row in range(1, 13)} <= targets <= ids


def test_only_scripts_named_by_hash_may_run(page: str) -> None:
    parsed = Tags(page)
    policy = next(str(each["content"]) for tag, each in parsed.tags if each.get("http-equiv") == "Content-Security-Policy")
    kinds = [attributes.get("type") for tag, attributes in parsed.tags if tag == "script"]
    running = [script for script, kind in zip(parsed.scripts, kinds, strict=True) if kind is None]
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in running]
    assert policy.startswith(f"default-src 'none'; script-src {' '.join(hashes)}; ")
    assert len(running) == 2


def test_text_that_tries_to_run_stays_text() -> None:
    text = html(hostile())
    text.encode("utf-8")
    parsed = Tags(text)
    assert "img" not in {tag for tag, _ in parsed.tags}
    assert [tag for tag, _ in parsed.tags].count("script") == 3
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert " ".join(HOSTILE.split()) in parsed.text
    assert json.loads(parsed.scripts[0])["title"] == HOSTILE


def test_a_strip_shows_where_an_interval_lies() -> None:
    inside, outside, none = strips(
        [
            finding("in", Region(0.9, 1.1), {0: 0.99, 1: 1.01, 2: 1.0}, conditions=()),
            finding("out", Region(0.9, 1.1), {0: 1.99, 1: 2.01, 2: 2.0}, conditions=()),
            not_measured("none", Region(0.9, 1.1), "no run"),
        ]
    )
    assert inside is not None
    assert outside is not None
    assert none is None
    assert inside.region == outside.region
    assert inside.region[0] < inside.mean < inside.region[1] < outside.mean < WIDTH


def test_the_strip_of_an_interval_made_elsewhere_is_whole_and_has_no_seeds() -> None:
    (drawn,) = strips([claims.judged("k = 3", Region(low=0.5), Interval(0.6, 0.1, 0.9, n=100), conditions=())])
    assert drawn is not None
    assert drawn.interval is not None
    assert 0 < drawn.interval[0] < drawn.mean < drawn.interval[1] < WIDTH
    assert drawn.seeds == ()


def test_the_lead_says_where_intervals_come_from(report: Report) -> None:
    ours = "Ours is a ratio with its interval by a bootstrap over combinations."
    told = claims.judged("k = 3", Region(low=0.5), Interval(0.6, 0.52, 0.68, n=137), conditions=())
    assert (told.n, told.seeds, told.effect) == (137, (), 0.6)
    by_seed = Tags(html(report)).text
    assert "Ours is the mean over seeds with its Student-t 95% interval. A claim holds in a setting when" in by_seed
    assert "undecided when it straddles a bound, only one seed ran, or a seed gave no value. The worst" in by_seed
    first = replace(report.judged[0], findings=(told,))
    text = Tags(html(replace(report, judged=(first,), intervals=ours))).text
    assert f"{ours} A claim holds" in text
    assert "undecided when it straddles a bound. The worst" in text
    assert "0.6000 [0.5200, 0.6800] n = 137" in text
    assert "by seed" not in text
    assert "single seeds" not in text


def test_an_interval_never_rounds_to_nothing() -> None:
    narrow = finding("narrow", Region(0), {0: 1.000001, 1: 1.000002, 2: 1.000003}, conditions=())
    low, high = re.findall(r"[\d.]+", wording.ours(narrow))[1:]
    assert float(low) < float(high)


# ---- in a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from chromium(tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("downloads"))


@pytest.fixture(scope="module")
def opened(browser: Browser, page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.mark.browser
def test_the_page_opens_quietly_and_draws(browser: Browser, opened: Path) -> None:
    browser.open(opened)
    assert browser.driver.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.driver.get_log("performance")]
    asked = [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]
    assert opened.as_uri() in asked
    assert [url for url in asked if not url.startswith((opened.as_uri(), "data:", "blob:"))] == []
    lines = "return [...document.querySelectorAll('.plot')].map(plot => plot.querySelectorAll('svg .scatterlayer .trace').length)"
    assert browser.run(lines) == [12, 12, 6, 0, 1]
    labels = browser.run("return [...document.querySelectorAll('.plot')].map(plot => plot.getAttribute('aria-label'))")
    assert all(labels)
    assert browser.run("return [...document.querySelectorAll('h1, h2, h3, h4')].map(each => each.tagName)")[0] == "H1"


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(browser: Browser, opened: Path, width: int) -> None:
    browser.open(opened, width=width)
    browser.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run("return innerWidth") == width


@pytest.mark.browser
def test_the_csv_holds_every_recorded_point(browser: Browser, opened: Path, report: Report) -> None:
    browser.open(opened)
    with browser.saved("csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = [(panel.title, line) for panel in report.figures[0].panels for line in panel.lines]
    assert len(rows) == sum(len(line.y) for _, line in lines)
    for place, (title, line) in enumerate(lines):
        mine = rows[place * POINTS : (place + 1) * POINTS]
        assert {(row["panel"], row["line"], row["group"]) for row in mine} == {(title, line.name, line.group)}
        np.testing.assert_allclose([float(row["x"]) for row in mine], line.x, rtol=0)
        np.testing.assert_allclose([float(row["y"]) for row in mine], line.y, rtol=1e-6)


@pytest.mark.browser
def test_images_can_be_saved_and_are_on_white_even_from_the_dark(browser: Browser, opened: Path) -> None:
    browser.open(opened, dark=True)
    root = ElementTree.fromstring(browser.saved("svg").read_text(encoding="utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root[0].attrib["fill"] == "#ffffff"
    strokes = {element.attrib.get("style", "") for element in root.iter("{http://www.w3.org/2000/svg}path")}
    assert any("rgb(0, 114, 178)" in style for style in strokes)
    assert "Training loss" in "".join(root.itertext())
    image = Image.open(browser.saved("png"))
    assert image.size == (2 * int(root.attrib["width"]), 2 * int(root.attrib["height"]))
    assert image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
    assert browser.driver.get_log("browser") == []


@pytest.mark.browser
def test_page_and_plots_follow_the_colour_scheme_while_open(browser: Browser, opened: Path) -> None:
    browser.open(opened)
    looks = """return [getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector('.plot .xtick text')).fill,
        getComputedStyle(document.querySelector('.plot .scatterlayer path.js-line')).stroke]"""
    light = browser.run(looks)
    browser.prefer(dark=True)
    browser.wait(lambda: all(now != then for now, then in zip(browser.run(looks), light, strict=True)))
    browser.prefer(dark=False)
    browser.wait(lambda: browser.run(looks) == light)


@pytest.mark.browser
def test_zooming_draws_every_point_in_all_panels_of_the_same_axis(browser: Browser, opened: Path) -> None:
    browser.open(opened)
    drawn = "return [...document.querySelectorAll('.plot')].slice(0, 2).map(plot => plot.data[0].x.length)"
    thinned = browser.run(drawn)
    assert all(length < POINTS for length in thinned)
    browser.run("Plotly.relayout(document.querySelector('.plot'), { 'xaxis.range': [100, 300] })")
    browser.wait(lambda: browser.run(drawn) == [203, 203])
    browser.click("reset")
    browser.wait(lambda: browser.run(drawn) == thinned)


@pytest.mark.browser
def test_plots_and_legend_obey_the_keyboard(browser: Browser, opened: Path) -> None:
    browser.open(opened)
    width = "const [from, to] = document.querySelector('.plot')._fullLayout.xaxis.range; return to - from"
    key = "document.querySelector('.plot').dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0] }))"
    whole = browser.run(width)
    browser.run(key, "+")
    browser.wait(lambda: browser.run(width) < 0.7 * whole)
    browser.run(key, "0")
    browser.wait(lambda: browser.run(width) == whole)
    browser.run("document.querySelector('.legend button').click()")
    shown = "return document.querySelectorAll('.plot')[0].querySelectorAll('.scatterlayer .trace').length"
    browser.wait(lambda: browser.run(shown) == 9)
    assert browser.run("return document.querySelector('.legend button').getAttribute('aria-pressed')") == "false"
    assert browser.driver.get_log("browser") == []


@pytest.mark.browser
def test_hostile_text_is_inert_in_the_browser(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(html(hostile()), encoding="utf-8")
    browser.open(path, width=390)
    browser.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert browser.run("return typeof window.ran") == "undefined"
    assert browser.run("return document.querySelectorAll('img, .plot a').length") == 0
    assert browser.run("return document.documentElement.scrollWidth") <= 390
    assert browser.driver.get_log("browser") == []
    browser.click("csv")
    saved = browser.wait(lambda: next(browser.folder.glob("script-*.csv"), None) or next(browser.folder.glob("*img*.csv"), None))
    assert "'=1+1" in browser.wait(lambda: saved.read_text(encoding="utf-8"))


@pytest.mark.browser
def test_what_gets_past_the_escaping_is_stopped_by_the_policy(browser: Browser, opened: Path) -> None:
    browser.open(opened)
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    tried = browser.run("return fetch('https://example.org/').then(() => 'answered', () => 'refused')")
    assert tried == "refused"
    messages = " ".join(entry["message"] for entry in browser.driver.get_log("browser"))
    assert "connect-src" in messages
    assert browser.run("return typeof window.ran") == "undefined"
