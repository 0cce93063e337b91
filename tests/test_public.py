"""The public surface is listed, and each example runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import genlab

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))


def test_the_public_names_are_those_listed_and_all_can_be_had() -> None:
    assert genlab.__all__ == sorted(genlab._HOMES)
    assert all(getattr(genlab, name).__module__ == genlab._HOMES[name] for name in genlab.__all__)
    assert set(dir(genlab)) == {*genlab.__all__, "__version__"}
    with pytest.raises(AttributeError, match="no attribute 'tracker'"):
        _ = genlab.tracker


def run(*words: str, cwd: Path, **environment: str) -> str:
    plain = os.environ | {"PYTHONWARNINGS": "error", "OMP_NUM_THREADS": "1"} | environment
    done = subprocess.run([sys.executable, *words], cwd=cwd, capture_output=True, text=True, env=plain, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_is_run_here() -> None:
    elsewhere = ["track_half_precision.py", "track_in_lightning.py", "track_in_trainer.py", "track_lora.py"]  # tests/callbacks
    elsewhere += ["intervene_in_lightning.py", "intervene_in_trainer.py"]  # tests/callbacks
    elsewhere.append("intervene_in_a_loop.py")  # tests/interventions
    here = ["evaluate_a_model.py", "measure_a_grader.py", "read_a_store.py", "toy_study.py", "track_sharpness.py"]
    assert sorted(here + elsewhere) == EXAMPLES


def test_track_sharpness(tmp_path: Path) -> None:
    lines = run(str(ROOT / "examples/track_sharpness.py"), cwd=tmp_path).splitlines()
    assert [line.split()[1] for line in lines] == ["0", "25", "50", "75", "100"]
    assert not any("?" in line for line in lines)


def test_toy_study_and_read_a_store(tmp_path: Path) -> None:
    toy = f"{ROOT / 'examples/toy_study.py'}:study"
    run("-c", "from genlab.cli import main; main()", "run", toy, "--out", "toy", "--seeds", "1", cwd=tmp_path)
    rows = run(str(ROOT / "examples/read_a_store.py"), "toy", cwd=tmp_path).splitlines()
    assert len(rows) == 2
    assert "'study': 'parabola'" in rows[0]
    assert "'steps': 50" in rows[0]


def test_evaluate_a_model(tmp_path: Path) -> None:
    # Inspect leaves streams open, and with warnings as errors its samples fail: the one example that runs without them.
    cache = str(tmp_path / "cache")
    lines = run(str(ROOT / "examples/evaluate_a_model.py"), cwd=tmp_path, PYTHONWARNINGS="default", INSPECT_CACHE_DIR=cache)
    marks, alpha = lines.splitlines()[-2:]
    assert re.fullmatch(r"scripted/student, k=3: full marks [\d.]+ \[[\d.]+, [\d.]+\], 10 combinations, 0 texts .*", marks)
    assert 0.2 < float(alpha.rsplit(" ", 1)[1]) < 1


def test_measure_a_grader(tmp_path: Path) -> None:
    alpha, stop = run(str(ROOT / "examples/measure_a_grader.py"), cwd=tmp_path).splitlines()
    assert alpha == "alpha 0.52 over 6 texts, raw agreement 0.78"
    assert stop.startswith("narrow after 25 of at most 114: 1 [0.81")
