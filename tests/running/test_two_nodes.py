"""Two Ray nodes on loopback, one of which goes away in the middle: equal records."""

import os
import signal
import time
from pathlib import Path

import pytest
from tests.running.commands import PATIENCE, genlab, records, started, until

pytest.importorskip("ray")


@pytest.mark.long
def test_a_machine_that_goes_away_in_the_middle_changes_no_record(tmp_path: Path) -> None:
    from ray.cluster_utils import Cluster

    genlab(tmp_path, "--out", "plain")
    ours = {"PYTHONWARNINGS": "default"}  # Ray's own daemons leave streams open
    os.environ.update(ours)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        other = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        process = started(tmp_path, "--out", "store", "--ray", cluster.address, GENLAB_TEST_PAUSE="0.1")
        try:
            assert until(lambda: len(list(tmp_path.glob("store/conditions/*/facts.json"))) == 2)
            time.sleep(1.0)
            cluster.remove_node(other, allow_graceful=False)
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    finally:
        cluster.shutdown()
    assert process.returncode == 0, said
    assert "lost, runs again from its checkpoint" in said
    assert len(records(tmp_path / "plain")) == 4
    assert records(tmp_path / "store") == records(tmp_path / "plain")
