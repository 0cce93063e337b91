"""``genlab certify`` as typed: killed and stopped anywhere it ends with the lines of an uninterrupted run."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from genlab import cli
from genlab.smoothing.accuracy import accuracy_of
from genlab.smoothing.layers import Normalised
from genlab.smoothing.records import read
from genlab.smoothing.run import Plan, certify, compared, prepare
from genlab.training import data, networks

ARCH = "cnn-avgpool-relu-width8"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network trained on noisy digits, saved as a user would."""
    digits = data.load("digits-pixels")
    network = networks.build(ARCH, inputs=(1, 8, 8), outputs=10, seed=0)
    model = Normalised(network, [0.3], [0.4])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    noise = torch.Generator().manual_seed(0)
    for _ in range(60):
        noisy = digits.train_inputs + 0.25 * torch.randn(digits.train_inputs.shape, generator=noise)
        loss = torch.nn.functional.cross_entropy(model(noisy), digits.train_targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    path = tmp_path_factory.mktemp("model") / "digits.safetensors"
    save_file(model.state_dict(), path)
    return path


def words(checkpoint: Path, out: Path, **options: object) -> list[str]:
    chosen = {"model": checkpoint, "arch": ARCH, "data": "digits", "sigma": 0.25, "n": 1000, "out": out, "max": 20} | options
    return ["certify", *(str(word) for name, value in chosen.items() for word in (f"--{name}", value))]


def said(*typed: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli.app, list(typed), env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def but_time(path: Path) -> list[str]:
    return [line.rpartition("\t")[0] for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_killed_and_stopped_it_ends_with_the_same_lines(checkpoint: Path, tmp_path: Path) -> None:
    out, whole, many = tmp_path / "certs.tsv", tmp_path / "whole.tsv", {"n": 4_000, "max": 24}
    errors = ""
    for end, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
        before = len(but_time(out)) if out.exists() else 0
        typed = [sys.executable, "-c", "from genlab.cli import main; main()", *words(checkpoint, out, **many)]
        process = subprocess.Popen(typed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        while process.poll() is None and (not out.exists() or len(out.read_text().splitlines()) < max(3, before + 2)):
            time.sleep(0.02)
        process.send_signal(end)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == code, errors
    assert "To go on:" in errors
    assert 4 <= len(but_time(out)) < 25
    with out.open("a") as file:
        file.write("23\t4")  # as a kill in the midst of a line leaves it
    again = said(*words(checkpoint, out, **many))
    assert "of 24 images are in" in again
    certify(prepare(Plan(str(checkpoint), ARCH, "digits", 0.25, 4_000, max=24), whole))
    assert but_time(out) == but_time(whole)
    assert len(but_time(out)) == 25
    shown = accuracy_of(read(out), (0.0, 0.25))
    assert shown[0].centre > 0.8
    assert f"0.25 {shown[1].centre:.3f}" in again


def test_a_line_does_not_depend_on_the_others(checkpoint: Path, tmp_path: Path) -> None:
    plan = Plan(str(checkpoint), ARCH, "digits", 0.25, n=500, max=7)
    every = {row.index: (row.predict, row.radius) for row in certify(prepare(plan, tmp_path / "a.tsv"))}
    some = certify(prepare(replace(plan, skip=3, max=None), tmp_path / "b.tsv"))[:3]
    assert [row.index for row in some] == [0, 3, 6]
    assert [(row.predict, row.radius) for row in some] == [every[row.index] for row in some]
    reseeded = {row.index: row.radius for row in certify(prepare(replace(plan, seed=1), tmp_path / "c.tsv"))}
    assert reseeded != {index: radius for index, (_, radius) in every.items()}
    assert len(certify(prepare(replace(plan, max=9), tmp_path / "a.tsv"))) == 9  # more images go into the same file


def test_what_it_says(checkpoint: Path, tmp_path: Path) -> None:
    found = said(*words(checkpoint, tmp_path / "c.tsv", dtype="bfloat16", until=0.2, skip=4))
    assert "of 3,000 noisy copies the class that float32 gives them" in found
    assert "5 images; abstained" in found
    assert "counting stopped early at radius 0.2" in found
    assert "cpu, bfloat16" in found
    same, of = compared(prepare(Plan(str(checkpoint), ARCH, "digits", 0.25, dtype="float32"), tmp_path / "d.tsv"))
    assert same == of == 3000


def test_mistakes_end_with_one_line(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "c.tsv"
    said(*words(checkpoint, out, n=100, max=2))
    for options, message in (
        ({"sigma": 0}, "sigma, the standard deviation of the noise on pixels in [0, 1], is positive"),
        ({"sigma": 0.5, "n": 100}, "other settings (sigma was 0.25, now 0.5)"),
        ({"n": 0}, "n is at least 1, got 0"),
        ({"n": 100, "alpha": 2}, "alpha, the probability of a wrong answer"),
        ({"n": 100, "data": "wikitext-2-200"}, "Error:"),
        ({"n": 100, "data": "linear-5-5"}, "Error:"),
        ({"n": 100, "data": "digit"}, "unknown data"),
        ({"n": 100, "arch": "resnet8"}, "missing"),
        ({"n": 100, "model": tmp_path / "none"}, "there is no file"),
        ({"n": 100, "batch": 0}, "batch, the noisy images of a pass"),
        ({"n": 100, "until": -1}, "an early stop needs a radius"),
    ):
        assert message in said(*words(checkpoint, out, **options), code=2), options
    assert len(but_time(out)) == 3
