"""``genlab run --mirror``: the real local backends of the trackers, filled by the command and read back by their own readers."""

import importlib.util
import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from genlab.results.store import Store

GENLAB = [sys.executable, "-c", "from genlab.cli import main; main()"]
TOY = Path(__file__).parents[2] / "examples" / "toy_study.py"
SEEDS, STEPS = 2, 6
KEY = "0123456789abcdef" * 2 + "01234567"
BLOCK, HEAD = 32768, 7  # of LevelDB's log format, which wandb's files have


def genlab(*words: str, cwd: Path, code: int = 0, environment: Mapping[str, str]) -> str:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("WANDB_", "MLFLOW_", "TRACKIO_"))}
    done = subprocess.run(
        [*GENLAB, *words], cwd=cwd, capture_output=True, text=True, env={**plain, **environment}, timeout=250, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a command ran the example study once, with every mirror whose library is installed."""
    folder = tmp_path_factory.mktemp("mirrored")
    source = TOY.read_text().replace("step_size: tuple[float, ...] = (1.9, 2.1)", "step_size: tuple[float, ...] = (1.9,)")
    source = source.replace(
        "            w = w - ", "            time.sleep(0.11)\n            w = w - "
    )  # else nothing is reported
    source = source.replace('{"step": step + 1}))', '{"step": step + 1}), note={"loss": row.loss, "a/b": float(step)})')
    (folder / "slow.py").write_text(source.replace("from dataclasses", "import time\nfrom dataclasses"))
    places = {
        "tensorboard": "tensorboard",
        "wandb": "wandb=some-project",
        "mlflow": f"mlflow={(folder / 'tracked').as_uri()}",
        "trackio": "trackio=some project",
    }
    mirrors = [f"--mirror={place}" for name, place in places.items() if importlib.util.find_spec(name)]
    if not mirrors:
        pytest.skip("no tracker is installed")
    words = ["run", "slow.py:study", "--seeds", str(SEEDS), "--set", f"steps={STEPS}", "--out", "store", *mirrors]
    environment = {
        "WANDB_MODE": "offline",
        "WANDB_API_KEY": KEY,
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "TRACKIO_DIR": str(folder / "trackio"),
    }
    said = genlab(*words, cwd=folder, environment=environment)
    assert not re.search("mirror|trackio", said.replace(str(folder), ""), re.IGNORECASE)
    assert [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []
    return folder


def losses(store: Store) -> dict[int, list[float]]:
    return {run.settings["seed"]: run["loss"].tolist() for run in store.runs("parabola")}


def check(notes: list[tuple[int, float]], truth: list[float]) -> None:
    """Notes are a part of the truth, each at its step: ``Advance.step`` counts steps done, a record's step is the one done."""
    assert 1 <= len(notes) <= STEPS
    assert [value for _, value in notes] == pytest.approx([truth[step - 1] for step, _ in notes], rel=1e-6)


def test_tensorboard_holds_settings_notes_ending_and_verdicts(ran: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2
    from tensorboard.util.tensor_util import make_ndarray

    truth = losses(Store(ran / "store"))
    found: dict[int, list[str]] = {}
    for folder in sorted((ran / "store" / "tensorboard" / "parabola").iterdir()):
        read = EventAccumulator(str(folder)).Reload()
        if folder.name.startswith("verdicts "):
            (table,) = (make_ndarray(each.tensor_proto).item().decode() for each in read.Tensors("verdicts"))
            assert table.count("\n") == 2
            assert "| T1 |" in table
            continue
        data = read.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        settings = plugin_data_pb2.HParamsPluginData.FromString(data).session_start_info.hparams
        assert (settings["step_size"].number_value, settings["steps"].number_value) == (1.9, STEPS)
        seed = int(settings["seed"].number_value)
        found[seed] = [make_ndarray(each.tensor_proto).item().decode() for each in read.Tensors("ending")]
        check([(each.step, make_ndarray(each.tensor_proto).item()) for each in read.Tensors("loss")], truth[seed])
        assert {each.step - 1 for each in read.Tensors("a/b")} == {
            make_ndarray(each.tensor_proto).item() for each in read.Tensors("a/b")
        }
    assert found == {0: ["finished: steps"], 1: ["finished: steps"]}


def test_mlflow_holds_settings_notes_ending_and_verdicts(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    truth = losses(Store(ran / "store"))
    client = mlflow.MlflowClient(tracking_uri=(ran / "tracked").as_uri())
    runs = client.search_runs([client.get_experiment_by_name("parabola").experiment_id])
    assert {each.info.status for each in runs} == {"FINISHED"}
    conditions = [each for each in runs if each.info.run_name != "verdicts"]
    (verdicts,) = (each for each in runs if each.info.run_name == "verdicts")
    assert sorted(int(each.data.params["seed"]) for each in conditions) == [0, 1]
    for each in conditions:
        assert (each.data.params["step_size"], each.data.params["steps"]) == ("1.9", str(STEPS))
        assert (each.data.tags["status"], each.data.tags["ending"]) == ("finished", "steps")
        history = client.get_metric_history(each.info.run_id, "loss")
        check([(metric.step, metric.value) for metric in history], truth[int(each.data.params["seed"])])
    assert verdicts.data.tags["T1"] in {"holds", "fails", "undecided"}
    table = json.loads(next((ran / "tracked").rglob("verdicts.json")).read_text())
    assert table["data"][0][0] == "T1"


TRACKED = """
import json
from trackio import Api
from trackio.sqlite_storage import SQLiteStorage
found = [(run.name, run.config, SQLiteStorage.get_logs("some project", run.name)) for run in Api().runs("some project")]
print(json.dumps(found, default=str))
"""


def test_trackio_holds_settings_notes_ending_and_verdicts(ran: Path) -> None:
    pytest.importorskip("trackio")
    place = os.environ | {"TRACKIO_DIR": str(ran / "trackio")}  # read when it is imported
    done = subprocess.run([sys.executable, "-c", TRACKED], env=place, capture_output=True, text=True, check=True, timeout=100)
    truth = losses(Store(ran / "store"))
    seen = {}
    for name, config, rows in json.loads(done.stdout):
        assert config["_Group"] == "parabola"
        if name.startswith("verdicts "):
            assert rows[0]["verdicts"]["_value"][0]["claim"] == "T1"
            continue
        assert (config["step_size"], config["steps"]) == (1.9, STEPS)
        check([(row["step"], row["loss"]) for row in rows if "loss" in row], truth[config["seed"]])
        seen[config["seed"]] = (rows[-1]["status"], rows[-1]["ending"])
    assert seen == {0: ("finished", "steps"), 1: ("finished", "steps")}


def test_wandb_offline_holds_settings_notes_ending_and_verdicts(ran: Path) -> None:
    pytest.importorskip("wandb")
    truth = losses(Store(ran / "store"))
    seen = {}
    for file in (ran / "wandb").glob("offline-run-*/*.wandb"):
        records = list(wandb_records(file))
        (begun,) = (each.run for each in records if each.WhichOneof("record_type") == "run")
        assert (begun.project, begun.run_group) == ("some-project", "parabola")
        summary = {
            item.key or item.nested_key[0]: json.loads(item.value_json)
            for each in records if each.WhichOneof("record_type") == "summary"
            for item in each.summary.update
        }  # fmt: skip
        if begun.display_name == "verdicts":
            assert summary["T1"] in {"holds", "fails", "undecided"}
            assert len(list(file.parent.rglob("*.table.json"))) == 1
            continue
        settings = {item.key: json.loads(item.value_json) for item in begun.config.update if item.key != "_wandb"}
        notes = []
        for each in records:
            if each.WhichOneof("record_type") == "history":
                row = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in each.history.item}
                notes.append((row["_step"], row["loss"]))
        assert (settings["step_size"], settings["steps"]) == (1.9, STEPS)
        check(notes, truth[settings["seed"]])
        seen[settings["seed"]] = (summary["status"], summary["ending"])
    assert seen == {0: ("finished", "steps"), 1: ("finished", "steps")}


def wandb_records(file: Path) -> Iterator[Any]:
    """The records of an offline run: wandb's messages, in chunks of LevelDB's log format after a head of its own."""
    from wandb.proto import wandb_internal_pb2

    data, at, whole = file.read_bytes(), HEAD, b""
    assert data[:4] == b":W&B"
    while at + HEAD <= len(data):
        if BLOCK - at % BLOCK < HEAD:  # no chunk begins in so little room
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + HEAD])
        whole += data[at + HEAD : at + HEAD + length]
        at += HEAD + length
        if kind in (1, 4):  # a whole record, or its last chunk
            yield wandb_internal_pb2.Record.FromString(whole)  # type: ignore[attr-defined]
            whole = b""


@pytest.mark.long
def test_wandb_without_a_key_is_told_before_anything_runs(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    said = genlab(
        "run", f"{TOY}:study", "--out", "store", "--mirror", "wandb", cwd=tmp_path, code=2, environment={"HOME": str(tmp_path)}
    )
    assert "has no key: run wandb login, set WANDB_API_KEY, or set WANDB_MODE=offline" in said
    assert not list(tmp_path.glob("store/conditions/*"))
