"""From what was typed to a mirror, and a real one that fails; trackers that go on with a run they know."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genlab.mirrors.copying import Copying, run_id
from genlab.mirrors.mirror import Copied, told, verdict_of_claims
from genlab.mirrors.named import named
from genlab.results.claims import Claim, Region, finding, judge, not_measured
from genlab.results.store import Store
from genlab.results.verdict_rows import verdict_rows
from genlab.running.pool import Event
from genlab.studies.execute import Ended

RUN = Copied(
    run_id("here", "0123456789abcdef"), "toy", "step 1.9: x/y", {"eta": 1.9, "parts": [1, 2], "nothing": None, "seed": 0}
)


@pytest.mark.parametrize(
    ("words", "library", "message"),
    [
        (
            ["tensorbord"],
            None,
            "no mirror 'tensorbord'. Did you mean tensorboard. There are: tensorboard, wandb, mlflow, trackio",
        ),
        (["tensorboard="], None, "names no place: --mirror tensorboard=PLACE, or --mirror tensorboard"),
        (["tensorboard", "tensorboard=x"], "tensorboard", "--mirror tensorboard was given twice"),
        (["tensorboard"], "tensorboard", "writes to a folder, and memory://far is none: --mirror tensorboard=FOLDER"),
        (["mlflow=https://me:secretword@host"], "mlflow", r"https://\(hidden\)@host: a password does not belong"),
        (["trackio=registry-x"], "trackio", "--mirror trackio=registry-x: Project name 'registry-x' is not allowed"),
        (["mlflow=file:///nowhere"], "mlflow", "mlflow=file:///nowhere cannot be opened"),
    ],
    ids=["unknown", "empty", "twice", "no-folder", "password", "reserved", "refused"],
)
def test_a_mirror_that_cannot_be_is_told(
    words: list[str], library: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library:
        pytest.importorskip(library)
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    store = Store("memory://far") if len(words) == 1 else Store("near")
    with pytest.raises(ValueError, match=message):
        named(words, store)


def test_a_real_one_that_fails_warns_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    (tmp_path / "file").write_text("in the way")
    warnings: list[str] = []
    with Copying(named([f"tensorboard={tmp_path / 'file'}"], Store(tmp_path)), {"a": RUN}, warnings.append) as copies:
        copies.on(Event("a", "started"))
        copies.on(Event("a", "progress", {"step": 1, "of": 2, "note": {"loss": 1.0}}))
        copies.on(Event("a", "done", {"result": Ended("finished", "steps")}))
    (warning,) = warnings
    assert warning.startswith("mirror tensorboard failed and gets no more of this run, the store does: NotADirectoryError")


def test_tensorboard_goes_on_with_a_run_from_the_step_it_resumes_at(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator  # the page's own
    from tensorboard.util.tensor_util import make_ndarray

    for steps, ending in ((range(1, 6), ("stopped", "")), (range(4, 8), ("finished", "steps"))):
        (mirror,) = named(["tensorboard"], Store(tmp_path)).values()
        mirror.begin(RUN)
        for step in steps:
            mirror.note(RUN.id, step, {"loss": 10.0 * len(steps) + step, "bad": float("nan")})
        mirror.end(RUN.id, *ending)
    (folder,) = (tmp_path / "tensorboard" / "toy").iterdir()
    assert folder.name == f"step 1.9_ x_y {RUN.id}"
    points = [
        (each.step, make_ndarray(each.tensor_proto).item()) for each in EventAccumulator(str(folder)).Reload().Tensors("loss")
    ]
    assert points == [(1, 51), (2, 52), (3, 53), (4, 44), (5, 45), (6, 46), (7, 47)]


def test_mlflow_goes_on_with_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from genlab.mirrors.mlflow import MLflow

    place = (tmp_path / "tracked").as_uri()
    mirror = MLflow(place)
    for step, ending in ((1, ("stopped", "")), (2, ("failed", "ValueError: no"))):
        mirror = MLflow(place)
        mirror.begin(RUN)
        mirror.note(RUN.id, step, {"a=b": float(step), "bad": float("inf")})
        mirror.end(RUN.id, *ending)
    experiment = mirror.client.get_experiment_by_name("toy")
    assert experiment is not None
    (run,) = mirror.client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status, run.data.tags["ending"]) == (RUN.label, "FAILED", "ValueError: no")
    assert run.data.params == {"eta": "1.9", "parts": "[1, 2]", "nothing": "null", "seed": "0"}
    assert [(each.step, each.value) for each in mirror.client.get_metric_history(run.info.run_id, "a_b")] == [(1, 1.0), (2, 2.0)]


BESIDE = """
import json, threading, time
from genlab.mirrors.mirror import Copied
from genlab.mirrors.trackio import Trackio

def copy():
    for step, ending in ((1, ("stopped", "")), (2, ("failed", "ValueError: no"))):
        mirror = Trackio("p")
        for number in (0, 1):
            mirror.begin(Copied(f"id-{number}", "toy", "a run", {"seed": number, "_own": None}))
        for number in (0, 1):
            mirror.note(f"id-{number}", step, {"loss": float(step), "bad": float("nan")})
            mirror.end(f"id-{number}", *ending)

copying = threading.Thread(target=copy)
copying.start()
count = 0
while copying.is_alive():
    print(count)
    count += 1
    time.sleep(0)
from trackio.sqlite_storage import SQLiteStorage
print(json.dumps([(run["name"], SQLiteStorage.get_logs("p", run["name"])) for run in SQLiteStorage.get_run_records("p")]))
"""


def test_trackio_goes_on_with_its_runs_and_leaves_what_others_print(tmp_path: Path) -> None:
    pytest.importorskip("trackio")
    place = os.environ | {"TRACKIO_DIR": str(tmp_path)}  # read when it is imported
    done = subprocess.run([sys.executable, "-c", BESIDE], env=place, capture_output=True, text=True, check=True, timeout=100)
    *numbers, found = done.stdout.splitlines()
    assert numbers == [str(number) for number in range(len(numbers))]
    logs = dict(json.loads(found))
    assert sorted(logs) == ["a run id-0", "a run id-1"]
    for rows in logs.values():
        assert [(row["step"], row["loss"]) for row in rows if "loss" in row] == [(1, 1.0), (2, 2.0)]
        assert [row["status"] for row in rows if "status" in row] == ["stopped", "failed"]


def test_verdicts_are_told_as_texts() -> None:
    claims = [
        Claim(
            "C1",
            "It hovers.",
            "ratio",
            None,
            lambda runs: [finding("eta 2", Region(0.9, 1.1), {0: 1.0, 1: 1.01}, conditions=["a"])],
        ),
        Claim("C2", "It falls.", "ratio", None, lambda runs: [not_measured("all", Region(high=1), "no ear")]),
        Claim("C3", "It rises.", "ratio", None, lambda runs: ()),
    ]
    rows = verdict_rows("toy", judge(claims, []))
    assert told(rows[0]) == ("C1", "It hovers.", "eta 2", "holds", "1.005", "[0.9415, 1.069]", "2", "0.9 to 1.1", "")
    assert told(rows[1]) == ("C2", "It falls.", "all", "not measured", "", "", "0", "at most 1", "no ear")
    assert told(rows[2]) == ("C3", "It rises.", "", "not measured", "", "", "0", "", "")
    assert verdict_of_claims(rows) == {"C1": "holds", "C2": "not measured", "C3": "not measured"}
