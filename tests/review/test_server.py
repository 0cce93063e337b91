"""The review's server: who may speak to it, what it takes, and that what it acknowledged is in the file."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from tests.review.clicking import about, click, whole
from tests.review.sample_review import SKILLS, rows

from genlab.review.items import choose
from genlab.review.ratings import read
from genlab.review.server import MOST_BYTES, Server, serve

ITEMS = choose(rows(4), SKILLS, 12)
BY_ID = {item.id: item for item in ITEMS}
ONE, TWO = ITEMS[:2]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serve(ITEMS, tmp_path / "review") as running:
        yield running


def ask(
    server: Server, method: str = "GET", path: str = "", body: bytes | None = None, drop: str = "", **headers: str
) -> tuple[int, str, dict[str, str]]:
    """One request as a browser would send it, with some headers changed or dropped; ``path`` follows the token."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=10)
    sent = {"Host": parts.netloc}
    if method == "POST":
        sent |= {"Origin": f"http://{parts.netloc}", "Content-Type": "application/json", "Content-Length": str(len(body or b""))}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path if path.startswith("/") else parts.path + path, skip_host=True, skip_accept_encoding=True)
    for name, value in sent.items():
        if name != drop:
            connection.putheader(name, value)
    connection.endheaders(body)
    reply = connection.getresponse()
    try:
        return reply.status, reply.read().decode(), dict(reply.getheaders())
    finally:
        connection.close()


def post(server: Server, *records: Any, **headers: str) -> tuple[int, str]:
    return ask(server, "POST", "ratings", json.dumps({"records": records}).encode(), **headers)[:2]


# ---- who may speak to it


def test_it_listens_on_loopback_alone(server: Server) -> None:
    parts = urlsplit(server.url)
    assert parts.hostname == "127.0.0.1"
    others = {each[4][0] for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1", "127.0.1.1"}
    for address in others:
        with pytest.raises(OSError), socket.create_connection((str(address), parts.port or 0), timeout=2):  # noqa: PT011 refused, or timed out
            pass


def test_the_page_comes_with_its_policy(server: Server) -> None:
    status, page, headers = ask(server)
    assert status == 200
    assert "<title>Review of texts</title>" in page
    assert headers["Content-Security-Policy"].endswith("; frame-ancestors 'none'")
    policy = headers["Content-Security-Policy"].removesuffix("; frame-ancestors 'none'")
    assert policy.replace("'", "&#39;") in page
    assert "connect-src 'self'" in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/", "/*", "/wrong/", "/wrong/ratings?rater=Ana", "/TOKEN", "/token-é/", "/TOKEN%2F", "/../TOKEN/"]
)
def test_without_the_whole_token_nothing_is_told(server: Server, path: str) -> None:
    token = urlsplit(server.url).path.strip("/")
    assert len(token) >= 32
    status, said, _ = ask(server, path=quote(path.replace("TOKEN", token), safe="/?=%*"))
    assert (status, "token" in said) == (403, True)
    assert token not in said
    assert ask(server, "POST", f"/{token[:-1]}/ratings", b"{}")[0] == 403


def test_every_server_has_a_token_of_its_own(tmp_path: Path, server: Server) -> None:
    with serve(ITEMS, tmp_path) as other:
        assert urlsplit(other.url).path != urlsplit(server.url).path


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", ""]
)
def test_another_name_that_points_here_is_refused(server: Server, host: str) -> None:
    port = urlsplit(server.url).port
    assert ask(server, Host=host.format(port=port))[0] == 403
    assert ask(server, "POST", "ratings", b"{}", Host=host.format(port=port))[0] == 403
    assert ask(server, drop="Host")[0] == 403


def test_localhost_is_a_name_of_it(server: Server) -> None:
    host = f"localhost:{urlsplit(server.url).port}"
    assert ask(server, Host=host)[0] == 200
    assert post(server, click("Ana", ONE, 0, 1), Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1", ""])
def test_another_page_may_not_rate(server: Server, origin: str) -> None:
    assert post(server, click("Ana", ONE, 0, 1), Origin=origin.format(port=urlsplit(server.url).port))[0] == 403
    body = json.dumps({"records": [click("Ana", ONE, 0, 1)]}).encode()
    assert ask(server, "POST", "ratings", body, drop="Origin")[0] == 403
    assert server.ratings.read_bytes() == b""


def test_there_is_nothing_else_to_get(server: Server) -> None:
    (server.ratings.parent / "other.txt").write_text("secret")
    for path in ("other.txt", "ratings.jsonl", "../other.txt", "ratings/", "%2e%2e/", "static/page.js"):
        assert ask(server, path=path)[0] == 404
    assert ask(server, "POST", "", b"{}")[0] == 404
    assert ask(server, "PUT", "ratings", b"{}")[0] == 501
    assert ask(server, "DELETE")[0] == 501


# ---- what it takes


def test_only_json_of_a_stated_small_size_is_read(server: Server) -> None:
    assert post(server, click("Ana", ONE, 0, 1), Content_Type="text/plain")[0] == 415
    assert ask(server, "POST", "ratings", b"{}", drop="Content-Length")[0] == 411
    for stated in ("-1", "1e3", "٣", ""):
        assert ask(server, "POST", "ratings", b"", Content_Length=stated.encode().decode("latin-1"))[0] == 411
    for stated in (str(MOST_BYTES + 1), "9" * 5000):
        assert ask(server, "POST", "ratings", b"", Content_Length=stated)[0] == 413
    for body in (b"", b"{", b"[]", b'{"records": []}', b'{"records": 1}', b"\xff", b"[" * 60_000):
        assert ask(server, "POST", "ratings", body)[0] == 400
    assert ask(server, "POST", "ratings", json.dumps({"records": [click("Ana", ONE, 0, 1)] * 101}).encode())[0] == 400
    assert server.ratings.read_bytes() == b""


def test_the_largest_body_that_is_allowed_is_taken(server: Server) -> None:
    records = [about("Ana", ONE, note="é" * 580)] * 15
    body = json.dumps({"records": records}).encode()
    body += b" " * (MOST_BYTES - len(body))
    assert ask(server, "POST", "ratings", body)[0] == 200
    assert ask(server, "POST", "ratings", body + b" ")[0] == 413


def test_one_bad_record_and_none_is_written(server: Server) -> None:
    status, said = post(server, click("Ana", ONE, 0, 1), click("Ana", ONE, 0, 7))
    assert (status, said) == (400, "a value is 1, 0, \"unsure\" or null, got '7'\n")
    assert server.ratings.read_bytes() == b""


def test_what_was_acknowledged_is_in_the_file_and_comes_back(server: Server) -> None:
    mine = [
        *whole("Ana", ONE, [1, 0, "unsure"]),
        about("ana", TWO, note="a \u2028 \ud800 note"),
        click("ANA", ONE, 0, None, undo=True),
    ]
    for record in mine:
        assert post(server, record) == (200, '{"saved": 1}')
    assert post(server, click("Bo", ONE, 0, 1))[0] == 200
    assert [json.loads(line) for line in server.ratings.read_bytes().splitlines()][:5] == mine
    assert json.loads(ask(server, path="ratings?rater=Ana")[1]) == mine
    assert len(json.loads(ask(server, path="ratings?rater=Bo")[1])) == 1
    assert json.loads(ask(server, path="ratings?rater=Nobody")[1]) == []
    assert ask(server, path="ratings")[0] == 400
    assert ask(server, path="ratings?rater=%3Cb%3E")[0] == 400


def test_two_raters_at_once_lose_nothing(server: Server) -> None:
    def rate(name: str) -> None:
        for item in ITEMS:
            for record in whole(name, item, [1, 0, 1, 0, 1]):
                assert post(server, record)[0] == 200

    threads = [threading.Thread(target=rate, args=(name,)) for name in ("Ana", "Bo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ratings = read([server.ratings], BY_ID)
    assert ratings.flaws == ()
    assert len(ratings.rated) == 2 * len(ITEMS)
    assert {each.points[:5] for each in ratings.rated} == {(1.0, 0.0, 1.0, 0.0, 1.0)}


def test_after_a_line_that_was_cut_off_a_new_server_goes_on(tmp_path: Path) -> None:
    with serve(ITEMS, tmp_path) as server:
        post(server, click("Ana", ONE, 0, 1))
    server.ratings.write_bytes(server.ratings.read_bytes() + b'{"rater": "Ana", "it')
    with serve(ITEMS, tmp_path) as server:
        assert len(json.loads(ask(server, path="ratings?rater=Ana")[1])) == 1
        assert post(server, click("Ana", ONE, 1, 0))[0] == 200
        assert len(json.loads(ask(server, path="ratings?rater=Ana")[1])) == 2
    ratings = read([server.ratings], BY_ID)
    assert ratings.rated[0].points[:2] == (1.0, 0.0)
    assert [flaw.line for flaw in ratings.flaws] == [2]


def test_what_cannot_be_written_is_not_acknowledged(server: Server) -> None:
    server.ratings.unlink()
    server.ratings.mkdir()
    status, said = post(server, click("Ana", ONE, 0, 1))
    assert status == 507
    assert "could not be written" in said


def test_closing_ends_it_at_once_even_with_a_silent_client(tmp_path: Path) -> None:
    server = serve(ITEMS, tmp_path)
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)):
        closing = threading.Thread(target=server.close)
        closing.start()
        closing.join(timeout=5)
        assert not closing.is_alive()
    server.close()
    with pytest.raises(ConnectionRefusedError):
        ask(server)


SERVING = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs us may have it ignored
from tests.review.sample_review import SKILLS, rows
from genlab.review.items import choose
from genlab.review.server import serve
with serve(choose(rows(4), SKILLS, 12), sys.argv[1]) as server:
    print(server.url, flush=True)
    server.wait()
print("ended", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_ends_it_cleanly_and_no_end_costs_a_click(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-W", "error", "-c", SERVING, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        parts = urlsplit(process.stdout.readline().strip())
        record = click("Ana", ONE, 0, 1)
        headers = {"Content-Type": "application/json", "Origin": f"http://{parts.netloc}"}
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request("POST", f"{parts.path}ratings", json.dumps({"records": [record]}), headers)
        assert connection.getresponse().status == 200
        process.send_signal(how)
        said, wrong = process.communicate(timeout=20)
        connection.close()
    assert json.loads((tmp_path / "ratings.jsonl").read_text(encoding="utf-8")) == record
    assert (said, wrong, process.returncode) == (("ended\n", "", 0) if how == signal.SIGINT else ("", "", -signal.SIGKILL))


def test_a_taken_port_is_said(tmp_path: Path, server: Server) -> None:
    port = urlsplit(server.url).port
    assert port
    with pytest.raises(ValueError, match=f"cannot listen on port {port}"):
        serve(ITEMS, tmp_path, port=port)
