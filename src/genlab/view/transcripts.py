"""Transcripts through Inspect's own viewer: its static bundle of a condition's logs, made when asked for, behind our door."""

import html
import importlib.util
import mimetypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from genlab.loopback import Answer, Refused, Request
from genlab.results.store import Store
from genlab.view.watch import Row

LOGS = "logs"  # below a condition's folder, where studies let Inspect write
KINDS = (".eval", ".json")  # of Inspect's logs
BESIDE = ("eval-set.json", "logs.json", "listing.json")  # what it keeps beside them
INSTALL = "Inspect's viewer comes with the llm extra: pip install 'genlab[llm]'"
BUNDLE_SECONDS = 300  # our assumption: thousands of logs from a far store
FALLBACK = "default-src 'self' 'unsafe-inline' data: blob:"
META = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)"')
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Transcripts:
    """Inspect's logs in a store, and viewers made of them: one a condition, in a temporary folder, new when logs change."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._home: Path | None = None
        self._made: dict[str, tuple[tuple[str, ...], Path]] = {}

    def offer(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Which of these conditions have logs, as far as it can be said at once, and what to install where nothing shows them."""
        found = []
        if self.store.local:
            home = self.store.local / "conditions"
            found = [row.id for row in rows if (home / row.id / LOGS).is_dir()]
        return {"ids": found, "install": "" if _installed() else INSTALL}

    def count(self, id: str) -> dict[str, Any]:
        """How many logs a condition has, and what to install where nothing shows them."""
        return {"logs": len(self._logs(id)), "install": "" if _installed() else INSTALL}

    def answer(self, request: Request, known: Callable[[str], Row]) -> Answer:
        """A file of a condition's viewer; the viewer's own page makes the bundle first.

        Raises:
            Refused: no such condition, log or file; Inspect is not installed, or could not read the logs.
        """
        id, slash, rest = request.path.removeprefix("transcripts/").partition("/")
        row = known(id)
        if not slash:
            return Answer("text/plain; charset=utf-8", b"", 308, {"Location": f"{id}/"})
        folder = self._bundle(row.id, fresh=rest == "")
        path = (folder / (unquote(rest) or "index.html")).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise Refused(404, "there is nothing here")
        return _file(path, request, _policy(folder))

    def close(self) -> None:
        """Drop the bundles."""
        if self._home:
            shutil.rmtree(self._home, ignore_errors=True)

    def _bundle(self, id: str, *, fresh: bool) -> Path:
        with self._lock:
            if id in self._made and not fresh:
                return self._made[id][1]
            logs = tuple(self._logs(id))
            if not logs:
                raise Refused(404, "this condition has no transcripts")
            if not _installed():
                raise Refused(501, INSTALL)
            if id not in self._made or self._made[id][0] != logs:
                self._home = self._home or Path(tempfile.mkdtemp(prefix="genlab-view-"))
                _make(f"{self.store.url.rstrip('/')}/conditions/{id}/{LOGS}", self._home / id)
                self._made[id] = logs, self._home / id
            return self._made[id][1]

    def _logs(self, id: str) -> list[str]:
        """A condition's logs, each with a size: another list when one was written to."""
        try:
            found = self.store.files.find(f"{self.store.root}/conditions/{id}/{LOGS}", detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(
            f"{path} {facts.get('size')}" for path, facts in found.items() if path.endswith(KINDS) and not path.endswith(BESIDE)
        )


def _installed() -> bool:
    return importlib.util.find_spec("inspect_ai") is not None


def _make(logs: str, folder: Path) -> None:
    """Inspect's own command, in a process of its own: it prints, and its imports take seconds."""
    command = [sys.executable, "-m", "inspect_ai", "view", "bundle", "--display", "none", "--overwrite"]
    try:
        done = subprocess.run(
            [*command, "--log-dir", logs, "--output-dir", str(folder)],
            capture_output=True,
            text=True,
            timeout=BUNDLE_SECONDS,
            env={**os.environ, "NO_COLOR": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(504, f"Inspect took more than {BUNDLE_SECONDS} s over these logs: inspect view --log-dir {logs}") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise Refused(500, f"Inspect could not show these logs: {' '.join(last)}")


def _policy(folder: Path) -> str:
    """The policy that Inspect's viewer was built for."""
    found = META.search((folder / "index.html").read_text(encoding="utf-8"))
    return html.unescape(found[1]) if found else FALLBACK


def _file(path: Path, request: Request, policy: str) -> Answer:
    """A file, or the part of it that was asked for: the viewer reads single samples out of large logs."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    size = path.stat().st_size
    headers = {"Content-Security-Policy": f"{policy}; frame-ancestors 'none'", "Accept-Ranges": "bytes"}
    asked = RANGE.fullmatch(request.headers.get("Range") or "")
    if not asked or not (asked[1] or asked[2]):
        return Answer(kind, path.read_bytes(), headers=headers)
    start = int(asked[1]) if asked[1] else max(size - int(asked[2]), 0)
    end = min(int(asked[2]), size - 1) if asked[1] and asked[2] else size - 1
    if start > end:
        return Answer("text/plain", b"", 416, {**headers, "Content-Range": f"bytes */{size}"})
    with path.open("rb") as file:
        file.seek(start)
        part = file.read(end - start + 1)
    return Answer("application/octet-stream", part, 206, {**headers, "Content-Range": f"bytes {start}-{end}/{size}"})
