"""A served model: `transformers serve` on loopback, in front of the tiny model. Template, sampling and limits are its own."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PATIENCE = 240.0  # on a busy machine
MODULE = "import sys; from transformers.cli.transformers import main; sys.argv[0] = 'transformers'; sys.exit(main())"


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The endpoint's URL, while it serves the model in ``folder`` under the folder's name."""
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        port = any_port.getsockname()[1]
    words = [sys.executable, "-c", MODULE, "serve", folder.name, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    alone = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, cwd=folder.parent, env={**os.environ, **alone}, stdout=said, stderr=said)
        try:
            end = time.monotonic() + PATIENCE
            while not _well(port):
                assert process.poll() is None, _all_of(said)
                assert time.monotonic() < end
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()
            process.wait(PATIENCE)


def _all_of(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode("utf-8", "replace")


def _well(port: int) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
        return True
    return False
