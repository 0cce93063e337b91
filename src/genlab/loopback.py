"""A server on loopback for one person's browser: a token in the address that every request carries, and no other site's name."""

import gzip
import hmac
import re
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast
from urllib.parse import parse_qs, urlsplit

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")
SMALL = 1400  # bytes: what fits one packet gains nothing from compression
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Refused(Exception):
    """A request that gets no answer but a status and a reason."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Request:
    """What was asked.

    Attributes:
        path: behind the token, without a leading slash and as it was sent: nothing is decoded.
        query: the values of each name.
        headers: of the browser, by name in any case.
        body: of a POST, read when it is called; it may be read once.
    """

    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Callable[[], bytes]


@dataclass(frozen=True)
class Answer:
    """What is sent back.

    Attributes:
        kind: the content type.
        headers: beside those that every answer has, or in their place.
    """

    kind: str
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Service(ABC):
    """What is behind the door.

    Class attributes:
        noun: what it is called in words to whoever is refused, such as "review".
        most_bytes: of a request's body.
        any_port: whether the browser may know the server by another port, as it does behind ``ssh -L``.
        policy: the content security policy of answers that bring none of their own.
    """

    noun: str
    policy: str
    most_bytes: int = 0
    any_port: bool = False

    @abstractmethod
    def get(self, request: Request) -> Answer:
        """The answer to a GET.

        Raises:
            Refused: there is none.
        """

    def post(self, request: Request) -> Answer:
        """The answer to a POST, of the page that this server sent; by default nothing takes one.

        Raises:
            Refused: there is none.
        """
        raise Refused(405, f"the {self.noun} only answers")

    def close(self) -> None:  # noqa: B027 - most hold nothing open
        """Called once, when nobody listens any more."""


class Server:
    """A running server. Close it, or use it in a ``with`` block.

    Args:
        service: what answers.
        port: 0 for one that is free.

    Attributes:
        url: the address with its token; whoever has it is let in.
        port: the one it listens on.

    Raises:
        ValueError: the port is taken, or there is no such port.
    """

    def __init__(self, service: Service, port: int = 0) -> None:
        try:
            self._listener = _Listener(service, port)
        except (OSError, OverflowError) as error:
            why = error.strerror if isinstance(error, OSError) else "ports go from 0 to 65535"
            raise ValueError(
                f"cannot listen on port {port} of {LOOPBACK}: {why}. Leave the port out to take a free one"
            ) from error
        self.port = self._listener.server_port
        self.url = f"http://{LOOPBACK}:{self.port}/{self._listener.token}/"
        self._thread = threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Serve until Ctrl-C."""
        try:
            while self._thread.is_alive():
                self._thread.join(timeout=1.0)
        except KeyboardInterrupt:
            return

    def close(self) -> None:
        """Stop listening, with all that was acknowledged done. Closing twice is harmless."""
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join()
            self._listener.server_close()
            self._listener.service.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True  # a browser keeps spare connections open, and closing does not wait for them

    def __init__(self, service: Service, port: int) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.service = service
        self.token = secrets.token_urlsafe(24)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up in the middle is no news."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 20  # seconds that a client may keep silent in the middle of a request
    server_version, sys_version = "genlab", ""

    def do_GET(self) -> None:
        """Something is asked."""
        self._answer(self._listener.service.get)

    def do_HEAD(self) -> None:
        """How large an answer would be: Inspect's viewer asks that of a log."""
        self._answer(self._listener.service.get)

    def do_POST(self) -> None:
        """Something is brought."""
        self._answer(self._brought)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the command line is the only part that prints."""

    @property
    def _listener(self) -> _Listener:
        return cast(_Listener, self.server)

    def _answer(self, make: Callable[[Request], Answer]) -> None:
        try:
            self._check_host()
            found = make(self._request())
        except Refused as refused:
            found = Answer("text/plain; charset=utf-8", f"{refused}\n".encode(), refused.status)
        self._send(found)

    def _brought(self, request: Request) -> Answer:
        if self.headers.get("Origin") != f"http://{self.headers.get('Host')}":
            raise Refused(403, "the request comes from another page")
        return self._listener.service.post(request)

    def _body(self) -> bytes:
        stated = self.headers.get("Content-Length", "")
        most = self._listener.service.most_bytes
        if not stated.isascii() or not stated.isdigit():
            raise Refused(411, "the request does not say its length")
        if len(stated) > 9 or int(stated) > most:
            raise Refused(413, f"a request has at most {most:,} bytes")
        body = self.rfile.read(int(stated))
        if len(body) < int(stated):
            raise Refused(400, "the request was cut off")
        return body

    def _check_host(self) -> None:
        """Another site's name that was made to point here (DNS rebinding) is not this server's name."""
        host = self.headers.get("Host") or ""
        service = self._listener.service
        port = r":\d{1,5}" if service.any_port else f":{self._listener.server_port}"
        if not re.fullmatch(f"({'|'.join(map(re.escape, NAMES))}){port}", host, re.ASCII):
            raise Refused(403, f"this address is not the {service.noun}'s")

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        _, _, rest = parts.path.partition("/")
        token, slash, path = rest.partition("/")
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._listener.token.encode()) or not slash:
            raise Refused(403, f"the address lacks the {self._listener.service.noun}'s token: copy it whole from the terminal")
        return Request(path, parse_qs(parts.query), cast(Mapping[str, str], self.headers), self._body)

    def _send(self, answer: Answer) -> None:
        headers = {
            "Content-Type": answer.kind,
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"{self._listener.service.policy}; frame-ancestors 'none'",
        }
        headers |= {**HEADERS, **answer.headers}
        body = answer.body
        takes = "gzip" in self.headers.get("Accept-Encoding", "")
        if takes and len(body) > SMALL and answer.kind.startswith(("text/", "application/json")):
            body = gzip.compress(body, 3, mtime=0)  # a page that comes through ssh is waited for
            headers["Content-Encoding"] = "gzip"
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
