"""A real S3-compatible server on loopback (moto's), behind a wire that tests can cut, stall or make refuse."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass
class Wire:
    """Carries bytes between clients and the server.

    Attributes:
        port: where clients connect.
        server: the port behind.
        stall_after: how many bytes of a connection reach the server before it stalls for good; None: all.
        refusals: how many of the next requests are answered 503.
        delay: seconds before each piece goes on.
    """

    server: int
    port: int = 0
    stall_after: int | None = None
    refusals: int = 0
    delay: float = 0.0
    stalled: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)

    def connect(self) -> None:
        """Listen, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Listen no more, and drop every connection."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            upstream = socket.create_connection(("127.0.0.1", self.server))
            self._open += [client, upstream]
            threading.Thread(target=self._carry, args=(client, upstream, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(upstream, client, False), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        carried = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if up and self.refusals > 0:
                    self.refusals -= 1
                    source.sendall(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    break
                if up and self.stall_after is not None and carried + len(data) > self.stall_after:
                    target.sendall(data[: max(0, self.stall_after - carried)])
                    self.stalled.set()
                    while source.recv(65536):
                        pass
                    break
                if self.delay:
                    threading.Event().wait(self.delay)
                target.sendall(data)
                carried += len(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextlib.contextmanager
def serving() -> Iterator[Wire]:
    """A server with the bucket ``lab``; the environment points to it meanwhile, for this process and those it starts."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    wire = Wire(server.get_host_and_port()[1])
    wire.connect()
    before = dict(os.environ)
    os.environ.update(KEYS, AWS_ENDPOINT_URL=f"http://127.0.0.1:{wire.port}", AWS_MAX_ATTEMPTS="2")
    try:
        client = boto3.client("s3")
        client.create_bucket(Bucket="lab")
        client.close()
        yield wire
    finally:
        os.environ.clear()
        os.environ.update(before)
        wire.cut()
        server.stop()
