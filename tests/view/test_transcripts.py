"""Transcripts: Inspect's own viewer over a condition's logs, behind the view's door."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.evaluation.evals import quiet
from tests.results.browser import Browser, chromium
from tests.view.sample_store import descent
from tests.view.test_service import ask, value

from genlab.loopback import Server
from genlab.results.store import Store
from genlab.view import transcripts
from genlab.view.service import serve

ID = descent(1.0, 0).id


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of one sample that Inspect wrote."""
    from inspect_ai import Task, eval
    from inspect_ai.dataset import Sample

    folder = tmp_path_factory.mktemp("logs")
    with quiet():
        eval(Task([Sample("Say a word.")]), model="mockllm/model", log_dir=str(folder), display="none")
    return next(folder.glob("*.eval"))


@pytest.fixture
def server(store: Store, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    home = Path(store.url) / "conditions" / ID / "logs" / "part-0"
    home.mkdir(parents=True)
    (home / log.name).write_bytes(log.read_bytes())
    (home / "eval-set.json").write_text("{}")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with serve(store) as running:
        yield running
    assert list((tmp_path / "temporary").glob("genlab-view-*")) == []  # bundles go with the server


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from chromium(tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("downloads"))


def test_the_viewer_is_inspects_own_and_reads_parts_of_logs(server: Server, log: Path) -> None:
    assert value(server, "table?study=descent")["transcripts"] == {"ids": [ID], "install": ""}
    assert value(server, f"condition?id={ID}")["transcripts"] == {"logs": 1, "install": ""}
    status, _, headers = ask(server, f"transcripts/{ID}")
    assert (status, headers["Location"]) == (308, f"{ID}/")
    status, page, headers = ask(server, f"transcripts/{ID}/")
    assert status == 200
    assert b"<title>Inspect View</title>" in page
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self' 'sha256-")
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    script = re.search(rb'src="\./(assets/[^"]*\.js)"', page)
    assert script
    assert ask(server, f"transcripts/{ID}/{script[1].decode()}")[2]["Content-Type"] == "text/javascript; charset=utf-8"
    assert len(json.loads(ask(server, f"transcripts/{ID}/logs/listing.json")[1])) == 1
    path = f"transcripts/{ID}/logs/part-0/{quote(log.name)}"
    whole = log.read_bytes()
    assert ask(server, path)[1] == whole
    status, nothing, headers = ask(server, path, method="HEAD")
    assert (status, nothing, headers["Content-Length"]) == (200, b"", str(len(whole)))
    status, part, headers = ask(server, path, Range="bytes=2-9")
    assert (status, part, headers["Content-Range"]) == (206, whole[2:10], f"bytes 2-9/{len(whole)}")
    assert ask(server, path, Range="bytes=-5")[1] == whole[-5:]
    assert ask(server, path, Range=f"bytes={len(whole)}-")[0] == 416
    for outside in ("..%2f..%2fx", "%2e%2e/%2e%2e/store.json", "logs/../../x", "%2fetc%2fpasswd"):
        assert ask(server, f"transcripts/{ID}/{outside}")[0] == 404


def test_a_condition_without_logs_has_none(server: Server) -> None:
    status, words, _ = ask(server, f"transcripts/{descent(1.9, 0).id}/")
    assert (status, words) == (404, b"this condition has no transcripts\n")


def test_without_inspect_it_is_told_what_to_install(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "_installed", lambda: False)
    assert "pip install 'genlab[llm]'" in value(server, f"condition?id={ID}")["transcripts"]["install"]
    status, words, _ = ask(server, f"transcripts/{ID}/")
    assert (status, b"pip install 'genlab[llm]'" in words) == (501, True)


@pytest.mark.browser
@pytest.mark.long
def test_a_reader_reads_a_sample(server: Server, browser: Browser) -> None:
    browser.driver.get(server.url)
    browser.wait(lambda: browser.run("return document.querySelector('#table .name')"))
    browser.run("document.querySelector('#table .name').click()")
    link = browser.wait(lambda: browser.run("return document.querySelector('#detail a')?.href"))
    assert browser.run("return document.querySelector('#detail a').rel") == "noopener noreferrer"
    browser.driver.get(link)
    browser.wait(lambda: browser.run("return document.body.textContent.includes('Say a word.')"), seconds=60)
