"""The view in headless Chromium: filter, choose, overlay, log scale, live, one file without a network, hostile words."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.results.browser import Browser, chromium
from tests.view.sample_store import HOSTILE, descent, finished, rows, running, store_in

from genlab.results.snapshots import Snapshot
from genlab.results.store import Store
from genlab.view.export import export
from genlab.view.service import serve

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from chromium(tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("downloads"))


class Reader:
    """Somebody who looks at the page."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def open(self, url: str, *, width: int = 1280, dark: bool = False) -> None:
        self.browser.command("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
        self.browser.prefer(dark)
        self.browser.driver.get("about:blank")
        for log in ("browser", "performance"):
            self.browser.driver.get_log(log)
        self.browser.driver.get(url)
        self.browser.wait(lambda: self.run("return 'shown' in document.documentElement.dataset"), 30)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.run(script, *arguments)

    def wait(self, script: str, *arguments: Any, seconds: float = 30) -> Any:
        return self.browser.wait(lambda: self.run(script, *arguments), seconds)

    def labels(self) -> list[str]:
        return list(self.run("return [...document.querySelectorAll('#table tbody .name')].map(each => each.textContent)"))

    def type(self, selector: str, words: str) -> None:
        self.run(
            "const at = document.querySelector(arguments[0]); at.value = arguments[1];"
            "at.dispatchEvent(new Event('input', {bubbles: true}))",
            selector,
            words,
        )

    def select(self, selector: str, value: str) -> None:
        self.run(
            "const at = document.querySelector(arguments[0]); at.value = arguments[1]; at.dispatchEvent(new Event('change'))",
            selector,
            value,
        )

    def tick(self, label: str) -> None:
        self.run(
            "const rows = [...document.querySelectorAll('#table tbody tr')];"
            "const row = rows.find(tr => tr.querySelector('.name')?.textContent === arguments[0]);"
            "row.querySelector('.tick input').click()",
            label,
        )

    def click(self, selector: str) -> None:
        self.run("document.querySelector(arguments[0]).click()", selector)

    def plot(self) -> dict[str, Any]:
        """What is drawn, once it is."""
        self.wait("return document.querySelector('#plot figure[data-drawn]')")
        return dict(
            self.run(
                "const plot = document.querySelector('#plot .plot'); const {xaxis, yaxis} = plot._fullLayout;"
                "return {names: plot.data.map(t => t.name), x: plot.data.map(t => t.x.at(-1)), y: plot.data.map(t => t.y[0]),"
                "type: yaxis.type, range: xaxis.range}"
            )
        )

    def chosen(self) -> str:
        return str(self.run("return document.getElementById('chosen').textContent"))

    def console(self) -> list[str]:
        return [each["message"] for each in self.browser.driver.get_log("browser") if each["level"] == "SEVERE"]


@pytest.fixture
def reader(browser: Browser) -> Reader:
    return Reader(browser)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str]]:
    """A store that no test of this module writes to, and its page."""
    store = store_in(tmp_path_factory.mktemp("browsed"))
    finished(store, 1.0, 7, word=HOSTILE)
    with serve(store) as server:
        yield store, server.url


def test_a_reader_filters_sorts_and_chooses(reader: Reader, place: tuple[Store, str]) -> None:
    reader.open(place[1])
    assert len(reader.labels()) == 9
    reader.type("input[data-key='setting step_size']", ">1.5")
    assert reader.labels() == [f"plain eta=1.9 seed {seed}" for seed in range(3)] + [
        "plain eta=2.5 seed 0",
        "plain eta=3.0 seed 0",
    ]
    reader.type("input[data-key='status']", "=finished")
    reader.type("input[data-key='ending']", "!diverged")
    assert reader.labels() == [f"plain eta=1.9 seed {seed}" for seed in range(3)]
    reader.type("input[data-key='metric loss']", "-")
    assert reader.labels() == []
    reader.click("#unfilter")
    assert len(reader.labels()) == 9
    reader.type("#search", "eta=2.5")
    assert reader.labels() == ["plain eta=2.5 seed 0"]
    reader.type("#search", "")
    reader.run("document.querySelector('#table thead th:nth-child(5)').click()")  # the first metric
    reader.run("document.querySelector('#table thead th:nth-child(2)').click()")
    assert reader.labels()[0] <= reader.labels()[1]
    reader.type("input[data-key='setting step_size']", "nonsense")
    assert reader.run("return document.querySelector(\"input[data-key='setting step_size']\").validity.valid") is False
    assert reader.console() == []


def test_two_conditions_are_overlaid_on_a_log_scale(reader: Reader, place: tuple[Store, str]) -> None:
    reader.open(place[1])
    reader.plot()
    reader.click("#clear")
    reader.wait("return document.getElementById('told').textContent.includes('Tick conditions')")
    reader.tick("plain eta=1.9 seed 0")
    reader.tick("plain eta=1.9 seed 1")
    reader.select("#metric", "loss")
    found = reader.wait("return document.querySelector('#plot h3')?.textContent === 'loss against step'") and reader.plot()
    assert reader.chosen() == "2 chosen"
    assert found["names"] == ["plain eta=1.9 seed 0", "plain eta=1.9 seed 1"]
    assert found["y"] == [0.5, 2]
    assert found["type"] == "linear"
    reader.click("#log-y")
    reader.wait("return document.querySelector('#plot .plot')?._fullLayout?.yaxis.type === 'log'")
    reader.select("#axis", "time")
    reader.wait("return document.querySelector('#plot h3').textContent === 'loss against time'")
    assert reader.plot()["x"] == [pytest.approx(19 * 1.9)] * 2
    reader.select("#metric", "sharpness / threshold")
    reader.wait("return document.querySelector('#plot h3').textContent === 'sharpness / threshold against time'")
    assert reader.plot()["y"] == [pytest.approx(0.95)] * 2
    assert reader.run("return document.querySelector('#plot .plot').layout.shapes.length") == 1
    assert reader.console() == []


def test_one_number_a_condition_across_a_setting(reader: Reader, place: tuple[Store, str]) -> None:
    reader.open(place[1])
    reader.click("#choose")
    reader.select("#metric", "sharpness / threshold")
    reader.select("#axis", "setting step_size")
    reader.wait("return document.querySelector('#plot h3')?.textContent === 'sharpness / threshold against step_size'")
    reader.plot()
    lines = reader.run("return document.querySelector('#plot .plot').data.map(t => [t.mode, t.x, t.y])")
    line = next(each for each in lines if each[0] == "lines+markers" and len(each[1]) > 1)
    assert line[1] == [1, 1.9, 2.5]
    assert line[2] == [pytest.approx(each * 1.15 / 2) if each < 2.5 else pytest.approx(7.95 * 1.25) for each in line[1]]


def test_verdicts_figures_and_a_failure_in_full(reader: Reader, place: tuple[Store, str]) -> None:
    reader.open(place[1])
    reader.wait("return document.querySelectorAll('#found figure .plot .main-svg').length")
    assert reader.run("return document.querySelector('#verdicts button').textContent.trim().replace(/\\s+/g, ' ')").startswith(
        "T1"
    )
    reader.click("#verdicts button")
    assert reader.run("return document.getElementById('claims-part').open") is True
    reader.run("document.querySelector('#judged .findings a').click()")
    reader.wait("return document.getElementById('detail').open")
    assert "step_size" in reader.run("return document.getElementById('detail').textContent")
    reader.click("#detail .close")
    reader.run("[...document.querySelectorAll('#table .name')].find(each => each.textContent.includes('eta=3.0')).click()")
    reader.wait("return document.getElementById('detail').open")
    words = reader.run("return document.querySelector('#detail pre').textContent")
    assert "RuntimeError: out of luck <img src=x" in words
    assert reader.run("return document.querySelectorAll('#detail img').length") == 0
    assert reader.console() == []


def test_hostile_words_stay_words(reader: Reader, place: tuple[Store, str]) -> None:
    reader.open(place[1])
    reader.click("#choose")
    reader.plot()
    reader.wait("return document.querySelectorAll('#found figure .plot .main-svg').length")
    reader.click("#columns")
    assert any("<img src=x" in label for label in reader.labels())
    assert reader.run("return document.querySelectorAll('body img, body b:not(footer b), body script[src=x]').length") == 0
    assert reader.run("return document.title") != "owned"
    assert reader.run("return document.querySelector('#plot .legend').textContent.includes('<img')")
    assert reader.console() == []


def test_it_follows_a_run_and_keeps_what_the_reader_chose(reader: Reader, store: Store) -> None:
    kept = running(store, 1.2, 0, steps=5)
    with serve(store) as server:
        reader.open(server.url, dark=True)
        reader.plot()
        reader.click("#clear")
        reader.type("input[data-key='setting step_size']", "1..1.5")
        reader.tick("plain eta=1.2 seed 0")
        reader.select("#metric", "loss")
        reader.wait("return document.querySelector('#plot h3')?.textContent === 'loss against step'")
        assert reader.plot()["x"] == [4]
        reader.run("Plotly.relayout(document.querySelector('#plot .plot'), {'xaxis.range': [1, 3]})")
        kept.add(rows(1.2, 0)[5:12])  # a second writer gets further
        kept.checkpoint(Snapshot({}, {"step": 12}))
        reader.wait("const plot = document.querySelector('#plot figure[data-drawn] .plot'); return plot?.data[0].x.length === 12")
        assert reader.plot()["range"] == [1, 3]
        finished(store, 1.4, 0)
        reader.wait("return [...document.querySelectorAll('#table .name')].some(each => each.textContent.includes('eta=1.4'))")
        assert reader.labels() == [
            *(f"plain eta=1.0 seed {seed}" for seed in range(3)),
            "plain eta=1.2 seed 0",
            "plain eta=1.4 seed 0",
        ]
        assert reader.chosen() == "1 chosen"
        assert reader.run("return document.querySelector('#row-' + arguments[0] + ' .tick input').checked", kept.id)
        assert reader.console() == []
    reader.wait("return document.getElementById('live').textContent === 'not live: genlab view does not answer'")
    assert len(reader.labels()) == 5  # what was shown stays


def test_an_empty_store_fills_the_page(reader: Reader, tmp_path: Path) -> None:
    store = Store(tmp_path / "empty")
    store.prepare()
    with serve(store) as server:
        reader.browser.driver.get(server.url)
        reader.wait("return document.getElementById('waiting').textContent.startsWith('The store holds no condition yet')")
        finished(store, 1.0, 0)
        reader.wait("return document.querySelectorAll('#table .name').length === 1")


def test_one_file_opens_without_a_network(reader: Reader, place: tuple[Store, str], tmp_path: Path) -> None:
    path = export(place[0], tmp_path / "view.html").path
    reader.browser.command("Network.enable")
    quiet = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    reader.browser.command("Network.emulateNetworkConditions", offline=True, **quiet)
    try:
        reader.open(path.as_uri())
        reader.wait("return document.querySelectorAll('#found figure .plot .main-svg').length")
        assert len(reader.labels()) == 9
        reader.type("input[data-key='setting step_size']", "1.9")
        reader.click("#clear")
        reader.tick("plain eta=1.9 seed 2")
        reader.select("#metric", "loss")
        reader.wait("return document.querySelector('#plot h3')?.textContent === 'loss against step'")
        assert reader.plot()["names"] == ["plain eta=1.9 seed 2"]
        reader.run("document.querySelector('#table .name').click()")
        assert reader.run("return document.querySelector('#detail dl').textContent.includes('step_size')")
        assert "This is a copy" in reader.run("return document.getElementById('notes').textContent")
        assert (
            reader.run("return performance.getEntriesByType('resource').filter(each => !each.name.startsWith('data:')).length")
            == 0
        )
        assert reader.console() == []
    finally:
        reader.browser.command("Network.emulateNetworkConditions", offline=False, **quiet)


def test_a_store_under_another_study_is_a_click_away(reader: Reader, made_store: Path, tmp_path: Path) -> None:
    shutil.copytree(made_store, tmp_path / "two")
    store = Store(tmp_path / "two")
    made = {"study": "other", "reference": "/nowhere/gone.py:study", "protocol": 1, "settings": dict(descent(1.0, 0).settings)}
    store.put_json("conditions/0123456789abcdef/condition.json", made)
    with serve(store) as server:
        reader.open(server.url)
        assert reader.run("return document.documentElement.dataset.shown") == "other"
        assert "cannot be judged" in reader.wait("return document.querySelector('#waiting .warnings')?.textContent")
        reader.run(
            "[...document.querySelectorAll('#studies button')].find(each => each.textContent.startsWith('descent')).click()"
        )
        reader.wait("return document.documentElement.dataset.shown === 'descent'")
        assert len(reader.labels()) == 8
        reader.wait("return document.querySelectorAll('#verdicts button').length === 1")
