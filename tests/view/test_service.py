"""The view's server: who may speak to it, what it answers, and that it never changes the store."""

import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from tests.view.sample_store import HOSTILE, descent, finished

from genlab.loopback import Server
from genlab.results.store import Store, StoreError, opened
from genlab.view.page import SERVED
from genlab.view.service import serve


@pytest.fixture
def server(store: Store) -> Iterator[Server]:
    with serve(store) as running:
        yield running


def ask(server: Server, path: str = "", method: str = "GET", drop: str = "", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """One request; ``path`` follows the token unless it begins with a slash."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=120)
    sent = {"Host": parts.netloc} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path if path.startswith("/") else parts.path + path, skip_host=True, skip_accept_encoding=True)
    for name, value in sent.items():
        if name != drop:
            connection.putheader(name, value)
    connection.endheaders()
    reply = connection.getresponse()
    try:
        return reply.status, reply.read(), dict(reply.getheaders())
    finally:
        connection.close()


def value(server: Server, path: str) -> Any:
    status, body, _ = ask(server, path)
    assert status == 200, body
    return json.loads(body)


# ---- who may speak to it


def test_it_listens_on_loopback_alone(server: Server) -> None:
    parts = urlsplit(server.url)
    assert parts.hostname == "127.0.0.1"
    others = {each[4][0] for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1", "127.0.1.1"}
    for address in others:
        with pytest.raises(OSError), socket.create_connection((str(address), parts.port or 0), timeout=2):  # noqa: PT011 refused, or timed out
            pass


@pytest.mark.parametrize("path", ["", "now", "table?study=descent", "view.js", "transcripts/x/"])
def test_nothing_is_told_without_the_token(server: Server, path: str) -> None:
    token = urlsplit(server.url).path.strip("/")
    for wrong in ("", "x", token[:-1], token.swapcase(), f"{token}x"):
        status, body, _ = ask(server, f"/{wrong}/{path}" if wrong else f"/{path}")
        assert status == 403
        assert b"token" in body
    assert ask(server, f"/{token}")[0] == 403  # whole, with its slash


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "localhost:9999", "127.0.0.1:1"])
def test_a_port_of_ssh_is_a_port_of_it(server: Server, host: str) -> None:
    assert ask(server, "now", Host=host.format(port=server.port))[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost",
        "localhost:",
        "localhost:99999999",
        "127.0.0.1.evil.example:{port}",
        "127.0.0.1:1\t",
        "",
    ],
)
def test_another_name_that_points_here_is_refused(server: Server, host: str) -> None:
    assert ask(server, "now", Host=host.format(port=server.port))[0] == 403
    assert ask(server, "now", drop="Host")[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_only_answers(server: Server, method: str) -> None:
    status, _, headers = ask(server, "now", method=method, Origin=f"http://{urlsplit(server.url).netloc}", Content_Length="0")
    assert status in (403, 405, 501)
    assert "Access-Control-Allow-Origin" not in headers


def test_every_answer_states_its_policy(server: Server) -> None:
    for path in ("", "now", "view.js", "nothing"):
        _, _, headers = ask(server, path)
        assert headers["Content-Security-Policy"] == f"{SERVED}; frame-ancestors 'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers
    assert "default-src 'none'" in SERVED
    assert "'unsafe-eval'" not in SERVED


@pytest.mark.parametrize(
    "path",
    [
        "../store.json",
        "transcripts/../now",
        "transcripts/..%2f..%2fstore.json/",
        "transcripts/%2e%2e/x",
        "conditions/",
        "view.py",
        "table.js/..",
        "//now",
    ],
)
def test_no_path_leads_elsewhere(server: Server, path: str) -> None:
    assert ask(server, path)[0] in (400, 403, 404)


# ---- what it answers


def test_the_page_and_its_scripts_come_from_here(server: Server) -> None:
    _, page, headers = ask(server)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    for name, word in (
        ("plotly.js", b"plotly"),
        ("table.js", b"DataTables"),
        ("view.js", b"class Conditions"),
        ("table.css", b"dt-"),
        ("view.css", b".view"),
    ):
        assert f'"{name}"'.encode() in page
        status, text, headers = ask(server, name)
        assert status == 200
        assert word in text
        assert "immutable" in headers["Cache-Control"]
    assert b"http://" not in page.replace(b"http://www.w3.org", b"")
    assert b"https://" not in page


def test_a_long_answer_is_compressed_for_whoever_takes_it(server: Server) -> None:
    _, plain, _ = ask(server, "view.js")
    _, packed, headers = ask(server, "view.js", Accept_Encoding="gzip, br")
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 2


def test_what_did_not_change_is_not_sent_again(server: Server) -> None:
    for path in ("now", "table?study=descent", "curves?study=descent&ids=x&metric=loss&axis=step"):
        _, _, headers = ask(server, path)
        status, body, again = ask(server, path, If_None_Match=headers["ETag"])
        assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
        assert ask(server, path, If_None_Match='"other"')[0] == 200


def test_the_table_changes_with_the_store(server: Server, store: Store) -> None:
    before = value(server, "now")["studies"][0]
    assert before["conditions"] == len(value(server, "table?study=descent")["rows"]) == 8
    finished(store, 1.7, 0)
    end = time.monotonic() + 20
    while value(server, "now")["studies"][0] == before:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert len(value(server, "table?study=descent")["rows"]) == 9


def test_curves_of_chosen_conditions(server: Server) -> None:
    ids = [descent(1.0, 0).id, descent(1.9, 2).id, "0" * 16]
    found = value(server, f"curves?study=descent&ids={','.join(ids)}&metric=loss&axis=step")
    assert [each["id"] for each in found["curves"]] == ids[:2]
    assert found["curves"][0]["y"][:2] == [0.5, 0]
    ratio = value(server, f"curves?study=descent&ids={ids[0]}&metric={quote('sharpness / threshold')}&axis=time")
    assert ratio["curves"][0]["y"][0] == 0.5


def test_findings_and_a_condition(server: Server) -> None:
    status, text, headers = ask(server, "findings?study=descent")
    assert status == 200
    assert b"Below step size 2 the loss falls." in text
    assert headers["X-Version"] == value(server, "now")["studies"][0]["version"]
    found = value(server, f"condition?id={descent(3.0, 0).id}")
    assert "RuntimeError" in found["traceback"]
    assert found["transcripts"]["logs"] == 0


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("table", 400, "expected one study="),
        ("table?study=nothing", 404, "no study 'nothing'"),
        ("table?study=descent&study=descent", 400, "expected one study="),
        ("condition?id=../../etc/passwd", 404, "no condition"),
        ("curves?study=descent&metric=loss&axis=step", 400, "expected one ids="),
        (f"curves?study=descent&metric=loss&axis=step&ids={','.join('x' * 501)}", 400, "at most 500"),
        ("transcripts/nothing/", 404, "no condition"),
        ("elsewhere", 404, "nothing here"),
    ],
)
def test_what_is_not_there_is_told(server: Server, path: str, status: int, word: str) -> None:
    found, body, headers = ask(server, path)
    assert found == status
    assert word in body.decode()
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_store_that_broke_is_told_and_the_server_goes_on(server: Server, store: Store) -> None:
    kept = Path(store.url) / "conditions" / descent(1.0, 0).id / "outcome.json"
    good = kept.read_bytes()
    kept.write_bytes(b"{")
    status, body, _ = ask(server, "now")
    assert status == 503
    assert b"is not JSON" in body
    kept.write_bytes(good)
    assert len(value(server, "table?study=descent")["rows"]) == 8


def test_looking_changes_nothing(server: Server, store: Store) -> None:
    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in Path(store.url).rglob("*") if path.is_file()}

    before = files()
    for path in ("", "now", "table?study=descent", "findings?study=descent", f"condition?id={descent(1.0, 0).id}"):
        assert ask(server, path)[0] == 200
    assert files() == before


def test_hostile_words_come_as_words(server: Server, store: Store) -> None:
    finished(store, 1.0, 7, word=HOSTILE)
    _, text, headers = ask(server, "table?study=descent")
    assert headers["Content-Type"] == "application/json"
    assert "[U+202E]" in text.decode()


# ---- opening


def test_a_port_that_is_taken_is_told(server: Server, store: Store) -> None:
    with pytest.raises(ValueError, match=f"cannot listen on port {server.port} of 127.0.0.1"):
        serve(store, port=server.port)
    with pytest.raises(ValueError, match="ports go from 0 to 65535"):
        serve(store, port=70_000)


def test_what_is_no_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no store at .*: make one with genlab run STUDY --out"):
        opened(str(tmp_path / "nothing"))
    empty = Store(tmp_path / "empty")
    empty.prepare()
    assert opened(empty.url).ids() == []
    with serve(empty) as server:
        assert value(server, "now") == {"studies": []}
    empty.put_json("store.json", {"genlab store": 99})
    with pytest.raises(StoreError, match="format 99"):
        opened(empty.url)


def test_a_store_elsewhere_is_looked_at_alike() -> None:
    store = Store("memory://view-elsewhere")
    finished(store, 1.0, 0)
    with serve(store) as server:
        assert value(server, "table?study=descent")["counts"] == {"finished": 1}
        ids = descent(1.0, 0).id
        assert value(server, f"curves?study=descent&ids={ids}&metric=loss&axis=step")["curves"][0]["recorded"] == 20
