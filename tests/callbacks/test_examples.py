"""The examples of tracking and of interventions in trainers, run as they stand, in one process: imports take long."""

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*number of training batches"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def lines(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    word: str = "sharpness ",
) -> list[str]:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return [line for line in capsys.readouterr().out.splitlines() if word in line]


@pytest.mark.parametrize(
    ("name", "steps", "folder"),
    [("track_in_trainer.py", range(0, 21, 5), "trainer"), ("track_in_lightning.py", range(0, 21, 5), "lightning")],
)
def test_tracking_in_a_trainer(
    name: str, steps: range, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = lines(name, tmp_path, monkeypatch, capsys)
    assert [int(line.split()[1]) for line in said] == list(steps)
    assert all(line.endswith("2/lr 4.0  converged True") for line in said)
    assert (tmp_path / "runs" / folder / "sharpness.json").is_file()


def test_adapters_only_or_all_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = lines("track_lora.py", tmp_path, monkeypatch, capsys)
    adapter, whole, head = (float(line.split("sharpness ")[1].split()[0]) for line in said)
    assert whole >= head  # a block has no larger eigenvalue than the whole
    assert whole >= adapter
    assert all(line.endswith("converged True") for line in said)


def test_half_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    half, single = lines("track_half_precision.py", tmp_path, monkeypatch, capsys)
    value = re.compile(r"sharpness (\S+)")
    assert "torch.bfloat16" in half
    assert value.findall(half) == value.findall(single)


@pytest.mark.parametrize(("name", "word"), [("intervene_in_trainer.py", "SAM radius"), ("intervene_in_lightning.py", "strength")])
def test_interventions_in_a_trainer(
    name: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    off, on = lines(name, tmp_path, monkeypatch, capsys, word)
    assert off.split(":")[1] != on.split(":")[1]
