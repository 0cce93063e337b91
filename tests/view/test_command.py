"""``genlab view`` as it is typed: an address and a line for SSH, one file, and mistakes that are told."""

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.view.sample_store import descent
from typer.testing import CliRunner

from genlab.cli import app
from genlab.results.store import Store


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["view", *words])
    return done.exit_code, done.output


def test_it_prints_where_the_page_is_and_ends_with_ctrl_c(store: Store) -> None:
    code = "import sys; from genlab.cli import main; sys.argv = ['genlab', *sys.argv[1:]]; main()"
    command = [sys.executable, "-c", code, "view", store.url, "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        told = ""
        while "ssh -L" not in told:
            line = running.stdout.readline()
            assert line, running.stderr.read() if running.stderr else ""
            told += line
        url = re.search(r"http://127\.0\.0\.1:(\d+)/\S+/", told)
        assert url
        assert f"ssh -L {url[1]}:127.0.0.1:{url[1]} THIS_MACHINE" in told
        with urllib.request.urlopen(url[0], timeout=60) as page:
            assert b"genlab view" in page.read()
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 0


def test_one_file_and_its_size(store: Store, tmp_path: Path) -> None:
    code, told = run(store.url, "--export", str(tmp_path / "view.html"))
    assert code == 0
    assert re.search(r"view\.html: \d\.\d MB; it opens anywhere", told.replace("\n", ""))
    assert "This is a copy" in told
    assert descent(1.0, 0).id in (tmp_path / "view.html").read_text()


def test_mistakes_are_told(tmp_path: Path) -> None:
    code, told = run(str(tmp_path / "nothing"))
    assert code == 2
    assert "no store at" in told
    code, told = run(str(tmp_path), "--export", str(tmp_path / "view.html"))
    assert code == 2
