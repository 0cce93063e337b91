"""The review page on loopback: one page, one file of ratings, and a token in the address that every request must carry."""

import hmac
import json
import secrets
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from genlab.review.journal import Journal
from genlab.review.page import TEXTS, Look, Page, page
from genlab.review.rateable import Rateable
from genlab.review.ratings import clicks, identity, parse

LOOPBACK = "127.0.0.1"
MOST_BYTES = 64 * 1024  # of a request's body: a browser sends no more with keepalive, and a click takes 300
MOST_RECORDS = 100  # in one request: the page sends what it could not send before in parts


class Server:
    """A running server. Close it, or use it in a ``with`` block.

    Attributes:
        url: the page's address with its token; whoever has it can rate.
        ratings: the file that ratings are appended to.
    """

    def __init__(self, listener: "_Listener") -> None:
        self.url = f"http://{LOOPBACK}:{listener.server_port}/{listener.token}/"
        self.ratings = listener.journal.path
        self._listener = listener
        self._thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Serve until Ctrl-C."""
        try:
            while self._thread.is_alive():
                self._thread.join(timeout=1.0)
        except KeyboardInterrupt:
            return

    def close(self) -> None:
        """Stop listening, with every click that was acknowledged on the disk. Closing twice is harmless."""
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join()
            self._listener.server_close()
            self._listener.journal.close()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def serve(items: Sequence[Rateable], folder: str | Path, *, port: int = 0, look: Look = TEXTS) -> Server:
    """Serve the review page for ``items``; ratings go to ``ratings.jsonl`` in ``folder``, which may hold earlier ones.

    Args:
        items: from ``items.choose`` or ``pairs.choose``.
        folder: made if it is missing.
        port: 0 for one that is free.
        look: of the page.

    Raises:
        ValueError: the port is taken.
    """
    journal = Journal(folder)
    try:
        return Server(_Listener(port, journal, {item.id: item for item in items}, page(items, served=True, look=look)))
    except OSError as error:
        raise ValueError(
            f"cannot listen on port {port} of {LOOPBACK}: {error.strerror}. Leave the port out to take a free one"
        ) from error


class _Listener(ThreadingHTTPServer):
    daemon_threads = True  # a browser keeps spare connections open, and closing does not wait for them

    def __init__(self, port: int, journal: Journal, items: Mapping[str, Rateable], shown: Page) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.journal, self.items, self.page = journal, items, shown
        self.token = secrets.token_urlsafe(24)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up in the middle is no news."""


class _Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    timeout = 20  # seconds that a client may keep silent in the middle of a request
    server_version, sys_version = "genlab", ""

    def do_GET(self) -> None:
        """The page, or a rater's own ratings so far."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """More ratings."""
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: cli.py is the only part that prints."""

    @property
    def _listener(self) -> _Listener:
        return cast(_Listener, self.server)

    def _answer(self, make: Any) -> None:
        try:
            self._check_host()
            path, query = self._checked_path()
            kind, body = make(path, query)
        except _Refused as refused:
            self._send(refused.status, "text/plain; charset=utf-8", f"{refused}\n".encode())
        else:
            self._send(200, kind, body)

    def _get(self, path: str, query: Mapping[str, list[str]]) -> tuple[str, bytes]:
        if path == "":
            return "text/html; charset=utf-8", self._listener.page.html.encode()
        if path != "ratings":
            raise _Refused(404, "there is nothing here")
        try:
            who = identity(query.get("rater", [""])[0])
        except ValueError as error:
            raise _Refused(400, str(error)) from error
        found, _ = clicks(self._listener.journal.path, self._listener.items)
        return "application/json", json.dumps([record for record, click in found if identity(click.rater) == who]).encode()

    def _post(self, path: str, query: Mapping[str, list[str]]) -> tuple[str, bytes]:
        if self.headers.get("Origin") != f"http://{self.headers.get('Host')}":
            raise _Refused(403, "the request comes from another page")
        if path != "ratings":
            raise _Refused(404, "there is nothing here")
        if self.headers.get_content_type() != "application/json":
            raise _Refused(415, "expected application/json")
        try:
            content = json.loads(self._body())
        except (ValueError, RecursionError) as error:
            raise _Refused(400, "the body is not JSON") from error
        records = content.get("records") if isinstance(content, dict) else None
        if not isinstance(records, list) or not 1 <= len(records) <= MOST_RECORDS:
            raise _Refused(400, f"expected 1 to {MOST_RECORDS} records")
        try:
            for record in records:
                parse(record, self._listener.items)
        except ValueError as error:
            raise _Refused(400, str(error)) from error
        try:
            self._listener.journal.append(records)
        except OSError as error:
            raise _Refused(507, f"the ratings could not be written: {error.strerror}") from error
        return "application/json", json.dumps({"saved": len(records)}).encode()

    def _body(self) -> bytes:
        stated = self.headers.get("Content-Length", "")
        if not stated.isascii() or not stated.isdigit():
            raise _Refused(411, "the request does not say its length")
        if len(stated) > 9 or int(stated) > MOST_BYTES:
            raise _Refused(413, f"a request has at most {MOST_BYTES:,} bytes")
        body = self.rfile.read(int(stated))
        if len(body) < int(stated):
            raise _Refused(400, "the request was cut off")
        return body

    def _check_host(self) -> None:
        """Another site's name that was made to point here (DNS rebinding) is not this server's name."""
        port = self._listener.server_port
        if self.headers.get("Host") not in (f"{LOOPBACK}:{port}", f"localhost:{port}"):
            raise _Refused(403, "this address is not the review's")

    def _checked_path(self) -> tuple[str, Mapping[str, list[str]]]:
        parts = urlsplit(self.path)
        _, _, rest = parts.path.partition("/")
        token, slash, path = rest.partition("/")
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._listener.token.encode()) or not slash:
            raise _Refused(403, "the address lacks the review's token: copy it whole from the terminal")
        return path, parse_qs(parts.query)

    def _send(self, status: int, kind: str, body: bytes) -> None:
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"{self._listener.page.policy}; frame-ancestors 'none'",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
