"""The command with a study that takes its time, in a session of its own; what it left, and who still lives."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WALK = f"{Path(__file__).with_name('steady_study.py')}:study"
GENLAB = [sys.executable, "-c", "from genlab.cli import main; main()"]
PATIENCE = 120.0


def started(folder: Path, *words: str, **environment: str) -> "subprocess.Popen[str]":
    """The command in a session of its own, as a terminal has it."""
    return subprocess.Popen(
        [*GENLAB, "run", WALK, *words], cwd=folder, env={**os.environ, **environment}, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def genlab(folder: Path, *words: str, code: int = 0, **environment: str) -> str:
    process = started(folder, *words, **environment)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, said
    return said


def records(store: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in store.glob("conditions/*/records.parquet")}


def marked(word: str) -> list[str]:
    """Command lines of living processes whose environment holds a word."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment, line = (folder / "environ").read_bytes(), (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in environment and line:
            found.append(line.replace(b"\0", b" ").decode(errors="replace"))
    return found


def cluster_of(word: str) -> str:
    """The address of the cluster whose processes' environment holds a word, as Ray's own processes are told it."""
    return next(found[1] for line in marked(word) if (found := re.search(r"gcs[-_]address=([\d.]+:\d+)", line)))


def until(question: Callable[[], Any], patience: float = PATIENCE) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if question():
            return True
        time.sleep(0.05)
    return False
