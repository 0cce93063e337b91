"""The command line, as typed: what it prints, what it leaves, how it exits."""

import inspect
import json
import re
from pathlib import Path

import pytest
import typer
from tests.typed import typed

from genlab import cli
from genlab.cli.making import making
from genlab.curation.teachers import Unfinished
from genlab.results.store import Store

pytestmark = pytest.mark.usefixtures("warm")
TOY = str(Path(__file__).parents[1] / "examples" / "toy_study.py") + ":study"
SMALL = [
    "edge_of_stability",
    *("--set", "data=chebyshev-4-20", "--set", "network=regression", "--set", "precision=float64", "--set", "loss=mse"),
    *("--set", "update=gd", "--set", "momentum=0", "--set", "beside=nothing", "--set", "step_size=2/4", "--set", "steps=60"),
    *("--set", "sharpness_every=10", "--set", "test_every=0", "--set", "dense_every=0", "--set", "goal_loss=none"),
    *("--set", "settle=0", "--set", "beside_steps=0"),
]


def genlab(*words: str, cwd: Path, code: int = 0, **environment: str) -> str:
    return typed(words, cwd, code=code, **environment)


def test_the_command_line_has_not_grown() -> None:
    """Science is set in Python; the command line picks, places and seeds."""
    words = {"study", "preset", "seeds", "set", "out", "workers", "device", "mirror", "ray", "dry_run"}
    assert set(inspect.signature(cli.run).parameters) == words
    assert {command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback} == {
        "list", "cite", "run", "show", "report", "import", "review", "finetune", "certify", "judged", "view",
    }  # fmt: skip


def test_list_and_cite(tmp_path: Path) -> None:
    assert "edge_of_stability" in genlab("list", cwd=tmp_path)
    assert genlab("cite", "edge_of_stability", cwd=tmp_path).startswith("@inproceedings{cohen2021gradient,")


def test_a_small_run_from_price_to_report(tmp_path: Path) -> None:
    priced = genlab("run", *SMALL, "--seeds", "2", "--dry-run", cwd=tmp_path)
    assert "2 conditions, at most 122 records" in priced
    assert not list(tmp_path.iterdir())

    first = genlab("run", *SMALL, "--seeds", "2", "--out", "store", cwd=tmp_path)
    assert "2 conditions to run" in first
    assert f"Report: {tmp_path / 'store' / 'report.html'}" in first
    page = (tmp_path / "store" / "report.html").read_text()
    assert "never reached the threshold" in page
    assert "settings of your own" in page
    assert (tmp_path / "store" / "figures" / "edge_of_stability-sharpness.png").read_bytes().startswith(b"\x89PNG")

    records = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.glob("store/conditions/*/records.parquet")}
    assert len(records) == 2
    again = genlab("run", *SMALL, "--seeds", "3", "--out", "store", cwd=tmp_path)
    assert "2 of 3 conditions are in the store; 1 condition to run" in again
    assert all((path.stat().st_mtime_ns, path.read_bytes()) == before for path, before in records.items())
    assert "nothing to run" in genlab("run", *SMALL, "--seeds", "3", "--out", "store", cwd=tmp_path)

    shown = genlab("show", "store", cwd=tmp_path)
    assert shown.count("finished") == 3
    assert "C1" in shown
    (tmp_path / "store" / "report.html").unlink()
    genlab("report", "store", cwd=tmp_path)
    assert (tmp_path / "store" / "report.html").is_file()
    table = Store(tmp_path / "store").query("select condition, count(*) as steps from records group by condition")
    assert table["steps"].to_pylist() == [61, 61, 61]


@pytest.mark.long
def test_another_version_in_the_store_is_told(tmp_path: Path) -> None:
    genlab("run", TOY, "--out", "store", cwd=tmp_path)
    place = next((tmp_path / "store" / "conditions").glob("*/environments.json"))
    known = json.loads(place.read_text())
    place.write_text(json.dumps([{**known[0], "numpy": "1.0"}]))
    told = genlab("report", "store", cwd=tmp_path)
    assert "This store holds results of 2 versions" in told
    assert "numpy 1.0" in told
    place.write_text(json.dumps([*known, {**known[0], "numpy": "1.0"}]))
    assert f"Resumed under another version: {place.parent.name}" in genlab("report", "store", cwd=tmp_path)


def test_a_study_of_ones_own(tmp_path: Path) -> None:
    out = genlab("run", TOY, "--set", "step_size=1.5,2.5", "--out", "toy", cwd=tmp_path)
    assert re.search(r"T1 .*holds", out)
    assert "step size 2.5" in out
    assert "Parabola" not in genlab("show", "toy", cwd=tmp_path)


@pytest.mark.long
def test_one_failing_condition_does_not_stop_the_others(tmp_path: Path) -> None:
    source = Path(TOY.rsplit(":", 1)[0]).read_text()
    fails = "        if settings['seed'] == 1 and not flag.exists():\n            raise RuntimeError('seed 1 is unlucky')\n"
    body = source.replace("        w = snapshot.arrays", fails + "        w = snapshot.arrays")
    flag = tmp_path / "mended"
    (tmp_path / "unlucky.py").write_text(
        body.replace("study = Parabola()", f"from pathlib import Path\n\nflag = Path({str(flag)!r})\nstudy = Parabola()")
    )
    out = genlab("run", "unlucky.py:study", "--out", "store", cwd=tmp_path, code=1)
    assert out.count("finished: ") == 4
    assert out.count("RuntimeError: seed 1 is unlucky") == 2
    traces = list(tmp_path.glob("store/conditions/*/traceback.txt"))
    assert len(traces) == 2
    assert "seed 1 is unlucky" in traces[0].read_text()
    assert genlab("show", "store", cwd=tmp_path).count("failed") == 2
    flag.touch()
    out = genlab("run", "unlucky.py:study", "--out", "store", cwd=tmp_path)
    assert "4 of 6 conditions are in the store; 2 conditions to run" in out
    assert not list(tmp_path.glob("store/conditions/*/traceback.txt"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "edge_of_stabilty"], "no study 'edge_of_stabilty'. Did you mean edge_of_stability?"),
        (["run", "edge_of_stability", "--preset", "big"], "has no preset 'big'; it has mini, longer, demo, paper"),
        (
            ["run", "edge_of_stability", "--set", "stepsize=1"],
            "no field 'stepsize'. Did you mean step_size? Its fields: data, network",
        ),
        (["run", "edge_of_stability", "--set", "steps=many"], "steps is int, got 'many'"),
        (["run", "edge_of_stability", "--set", "step_size=a,b"], "step_size is a list of float separated by commas, got 'a,b'"),
        (["run", "edge_of_stability", "--set", "steps"], "--set wants field=value, got 'steps'"),
        (["run", "edge_of_stability", "--set", "data=cifar"], "unknown data 'cifar'"),
        (["run", "edge_of_stability", "--set", "eigenpairs=100000"], "eigenpairs is at most"),
        (["run", "edge_of_stability", "--device", "cuda"], "PyTorch sees no GPU here"),
        (["run", "nowhere.py:study"], "no file"),
        (["show", "nowhere"], "holds no condition"),
        (["run", "edge_of_stability", "--set", "step_size="], "step_size is a list of float separated by commas, got ''"),
        (["run", TOY, "--out", "memory://x"], "memory://x is the memory of one process"),
        (["run", *SMALL, "--out", "/proc/genlab"], "cannot write to /proc/genlab"),
        (["run", TOY, "--ray", "ray://head:10001"], "--ray wants local, auto or HOST:PORT of a cluster's head"),
        (["run", TOY, "--ray", "local,gpu=1"], "--ray wants ADDRESS,cpus=N,gpus=N with numbers above 0, got 'gpu=1'"),
        (["run", TOY, "--ray", "auto,gpus=0.5", "--device", "cpu"], "drop gpus="),
    ],
)
def test_bad_usage_says_what_is_right(words: list[str], message: str, tmp_path: Path) -> None:
    if "cuda" in words:
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available():
            pytest.skip("there is a GPU here")
    said = genlab(*words, cwd=tmp_path, code=2)
    assert message in " ".join(said.split())
    assert "Traceback" not in said


def test_absent_and_broken_data_are_found_before_anything_runs(tmp_path: Path) -> None:
    cifar = ["run", *SMALL, "--set", "data=cifar10-5k", "--set", "network=fc-tanh", "--out", "store"]
    (tmp_path / "empty").mkdir()
    said = " ".join(genlab(*cifar, cwd=tmp_path, code=2, GENLAB_DATA=str(tmp_path / "empty")).split())
    assert "CIFAR-10 can be had in three ways" in said
    (tmp_path / "empty" / "train.parquet").write_bytes(b"PAR1 but no more")
    said = " ".join(genlab(*cifar, cwd=tmp_path, code=2, GENLAB_DATA=str(tmp_path / "empty")).split())
    assert "train.parquet: expected a whole Parquet file" in said
    assert "Traceback" not in said


@pytest.mark.long
def test_a_study_of_ones_own_may_change_and_move(tmp_path: Path) -> None:
    source = Path(TOY.rsplit(":", 1)[0]).read_text()
    (tmp_path / "mine.py").write_text(source)
    genlab("run", "mine.py:study", "--seeds", "1", "--out", "store", cwd=tmp_path)
    (tmp_path / "mine.py").unlink()
    (tmp_path / "[b]moved[b].py").write_text(source.replace("0.5 * w @ w", "0.6 * w @ w"))
    gone = genlab("show", "store", cwd=tmp_path, code=2)
    assert "no file" in gone
    out = genlab("run", "[b]moved[b].py:study", "--seeds", "2", "--out", "store", cwd=tmp_path)
    assert "n=2" in out
    assert "This store holds results of 2 versions" in out
    assert "study file" in out
    assert "n=2" in genlab("show", "store", cwd=tmp_path)


def test_what_is_damaged_is_named(tmp_path: Path) -> None:
    genlab("run", TOY, "--seeds", "1", "--out", "store", cwd=tmp_path)
    records = next(tmp_path.glob("store/conditions/*/records.parquet"))
    records.write_bytes(records.read_bytes()[:100])
    said = " ".join(genlab("show", "store", cwd=tmp_path, code=2).split())
    assert f"{records.parent.name}/records.parquet cannot be read" in said
    assert "Traceback" not in said
    (records.parent / "condition.json").write_text("{}")
    assert "condition.json is not a condition" in " ".join(genlab("show", "store", cwd=tmp_path, code=2).split())


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Unfinished("the budget is reached"), 1, "Not finished: the budget is reached"),
        (KeyboardInterrupt(), 130, "Stopped; no reply that came is lost. To go on:\n  genlab data instruct --out 'my data'"),
    ],
)
def test_data_that_are_not_finished_say_what_to_type(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["genlab", "data", "instruct", "--out", "my data"])

    def make() -> None:
        with making("instructions") as show:
            show(1, 2, "k=2")
            raise error

    with pytest.raises(typer.Exit) as ended:
        make()
    assert ended.value.exit_code == code
    assert said in capsys.readouterr().err
