"""Commands in processes of their own: against an endpoint on loopback, with their own cache, folder and key; killed at will."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.laws.test_interrupted import members, until

from genlab.grading.graded import GradedText
from genlab.results.store import Store
from genlab.results.texts import texts

SECRET = "sk-secret-4711"
PATIENCE = 150.0
NOBODY = "http://127.0.0.1:9"  # the port of "discard"
GENLAB = [sys.executable, "-c", "from genlab.cli import main; main()"]
INSPECT = [sys.executable, "-c", "from inspect_ai._cli.main import main; main()"]


def surroundings(place: Path, url: str = NOBODY) -> dict[str, str]:
    """The environment: the endpoint as the service ``local``, no way to any other network, a cache and a home below ``place``."""
    return {
        **os.environ,
        "LOCAL_API_KEY": SECRET,
        "LOCAL_BASE_URL": url,
        "INSPECT_CACHE_DIR": str(place / "cache"),
        "TIKTOKEN_CACHE_DIR": str(place / "no tokens"),
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), NOBODY),
        "NO_PROXY": "127.0.0.1",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }


def start(words: Sequence[str], place: Path, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """A command in a session of its own, in the folder ``place``; what it says goes to ``said.txt`` there."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "said.txt").open("ab") as said:
        return subprocess.Popen(words, cwd=place, env=environment, stdout=said, stderr=said, start_new_session=True)


def done(words: Sequence[str], place: Path, environment: Mapping[str, str], *, code: int = 0, patience: float = PATIENCE) -> str:
    """A command that ends by itself, and all that was said in its place, blanks and lines made single blanks."""
    process = start(words, place, environment)
    try:
        process.wait(patience)
    finally:
        kill(process)
    said = " ".join((place / "said.txt").read_text("utf-8").split())
    assert process.returncode == code, said
    return said


def kill(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL for a command and all that it started; returns when nobody is left."""
    for each in members(process.pid):
        os.kill(each, signal.SIGKILL)
    process.wait(PATIENCE)
    assert until(lambda: not members(process.pid))


def run_words(place: Path, *settings: str) -> list[str]:
    """``genlab run skill_mix`` with its store at ``place/store``."""
    return [*GENLAB, "run", "skill_mix", "--out", str(place / "store"), *(word for each in settings for word in ("--set", each))]


def records(place: Path) -> list[GradedText]:
    """The rows of the one condition in the store at ``place/store``."""
    (run,) = Store(place / "store").runs("skill_mix")
    return texts(run)
