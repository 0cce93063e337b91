"""The cluster, with real Ray: the records of a local run, whatever dies on the way, and nothing left running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.running.commands import PATIENCE, cluster_of, genlab, marked, records, started, until

pytest.importorskip("ray")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Records of the walk, run by processes of this machine."""
    folder = tmp_path_factory.mktemp("plain")
    genlab(folder, "--out", "store")
    found = records(folder / "store")
    assert len(found) == 4
    return found


def test_a_worker_that_is_killed_is_made_good_and_the_records_are_those_of_a_plain_run(
    plain: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "death").touch()
    said = genlab(tmp_path, "--out", "store", "--ray", "local", "--workers", "2", GENLAB_TEST_DEATH=str(tmp_path / "death"))
    assert "by Ray (local)" in said
    assert "lost, runs again from its checkpoint: steps=40 seed=0 (its worker is gone)" in said
    assert said.count("finished: ") == 4
    assert not (tmp_path / "death").exists()
    assert records(tmp_path / "store") == plain
    assert not marked(str(tmp_path / "death"))


def stranger(address: str) -> str:
    """What somebody without the token hears who wants to join."""
    join = [sys.executable, "-c", f"import ray; ray.init({address!r}); print('joined')"]
    impatient = {**os.environ, "RAY_gcs_rpc_server_connect_timeout_s": "1"}
    heard = subprocess.run(join, env=impatient, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert heard.returncode, heard.stdout
    return heard.stdout + heard.stderr


@pytest.mark.long
def test_ctrl_c_stops_at_a_checkpoint_leaves_no_process_and_resumes(plain: dict[str, bytes], tmp_path: Path) -> None:
    mark = f"genlab-test-{os.getpid()}-{time.monotonic_ns()}"
    process = started(
        tmp_path, "--out", "store", "--ray", "local", "--workers", "2", GENLAB_TEST_PAUSE="1.5", GENLAB_TEST_MARK=mark
    )
    try:
        assert until(lambda: len(list(tmp_path.glob("store/conditions/*/facts.json"))) == 2)
        assert "Unauthenticated" in stranger(cluster_of(mark))
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert said.count("stopped: ") == 2
    assert until(lambda: not marked(mark), 2.0), marked(mark)
    assert len(list(tmp_path.glob("store/conditions/*/checkpoint.safetensors"))) == 2
    assert not records(tmp_path / "store")
    genlab(tmp_path, "--out", "store")  # without Ray: who goes on does not matter
    assert records(tmp_path / "store") == plain
