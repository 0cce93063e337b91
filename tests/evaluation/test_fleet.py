"""``fleet/NAME``: one model behind several servers on loopback. What the servers say is scripted: this is about the way there."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("inspect_ai")

from inspect_ai.model import _model, get_model
from tests.evaluation.commands import NOBODY, surroundings
from tests.evaluation.evals import quiet
from tests.evaluation.faulty import Faulty
from tests.evaluation.parts import part, run

from genlab.evaluation.fleet import KEY, URLS, Fleet
from genlab.evaluation.logs import read_texts


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, value in surroundings(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(KEY, "sk-of-the-fleet")
    yield tmp_path
    forget()


def forget() -> None:
    """Inspect keeps one client a name: let go of them, and of the streams that they leave open."""
    with quiet():
        for each in [name for name in _model._models if name.startswith("fleet/")]:
            del _model._models[each]
        gc.collect()


def told(folder: Path) -> list[tuple[str, str, str]]:
    return sorted((row.sample, row.text, row.status) for row in read_texts(folder / "logs"))


def test_calls_are_spread_and_the_texts_are_those_of_one_server(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Faulty(rate=0.0, seconds=0.02) as one, Faulty(rate=0.0, seconds=0.02) as two:
        monkeypatch.setenv(URLS, f"{one.url}, {two.url}")
        assert run(part(place / "both", who="fleet")) == 6
        calls = [len(each.seen.asked) for each in (one, two)]
        monkeypatch.setenv(URLS, one.url)
        forget()
        monkeypatch.setenv("INSPECT_CACHE_DIR", str(place / "another cache"))
        assert run(part(place / "alone", who="fleet")) == 6
        assert (len(one.seen.asked), len(two.seen.asked)) == (calls[0] + 18, calls[1])
    assert sum(calls) == 18  # a draft, an improved text and a grading each
    assert min(calls) >= 6
    assert told(place / "both") == told(place / "alone")


def test_a_server_that_is_gone_or_fails_is_left_aside(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Faulty(rate=0.0) as sick, Faulty(rate=0.0) as well:
        sick.down = {"student": 500, "grader": 500}
        monkeypatch.setenv(URLS, f"{NOBODY}/v1,{sick.url},{well.url}")
        assert run(part(place, who="fleet")) == 6
        assert {status for *_, status in told(place)} == {"graded"}
        assert len(well.seen.asked) == 18
        assert 1 <= len(sick.seen.asked) <= 12  # those that were on their way when the first came back


def test_the_least_busy_server_is_asked_and_a_failed_one_last(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URLS, ",".join(f"http://127.0.0.1:{port}/v1" for port in (1, 2, 3)))
    api = get_model("fleet/student", memoize=False).api
    assert isinstance(api, Fleet)
    assert api._next() == 0
    api._open = [2, 1, 1]
    assert api._next() == 1
    api._failed[1] = 1e12
    api._open[2] = 9
    assert api._next() == 0
    api._failed = [1e12, 2e12, 3e12]
    api._open = [0, 0, 0]
    assert api._next() == 0
    assert api.max_connections() == 3 * api.servers[0].max_connections()


@pytest.mark.parametrize(
    ("urls", "why"),
    [
        ("", "fleet/student has no servers: export FLEET_BASE_URLS=http://one:8000/v1"),
        (" , ", "has no servers"),
        ("one:8000/v1", "wants addresses such as http://one:8000/v1, separated by commas, got 'one:8000/v1'"),
        ("http://one/v1,http://one/v1", "names a server twice"),
    ],
    ids=["none", "commas", "no address", "twice"],
)
def test_bad_addresses_are_told(urls: str, why: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URLS, urls)
    with pytest.raises(ValueError, match=why):
        get_model("fleet/student", memoize=False)
