"""What holds for every test: one thread a process, for several may run side by side, and no test that fails for being slow."""

import multiprocessing
import os
from multiprocessing import forkserver

import pytest
from hypothesis import settings
from tests import remembered  # noqa: F401 - before anything imports Inspect

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before anything imports torch; processes that tests start inherit it

settings.register_profile("patient", deadline=None)  # a busy machine is no finding
settings.load_profile("patient")


@pytest.fixture(scope="session")
def warm() -> None:
    """A fork server that has imported what tasks need (inspect_ai, torch), once for all tests of this process that ask for it."""
    from genlab.cli import PRELOAD

    heavy = [
        "genlab.evaluation.task",
        "genlab.studies.skill_mix.method",
        "genlab.studies.edge_of_stability.method",
        "genlab.studies.reporting",
        "sklearn.datasets",
        "torch.fx.experimental.symbolic_shapes",
        "sentencex",
    ]
    heavy += [  # what Inspect imports when it evaluates, half of the time of a small evaluation; absent ones are passed over
        "inspect_ai.agent._acp.server",
        "inspect_ai.agent._acp.transport_live",
        "inspect_ai.model._openai_responses",
        "inspect_ai._control.current_server",
        "fastapi",
        "uvicorn",
        "IPython",
        "markdown_it",
        "linkify_it",
    ]
    forkserver._forkserver._stop()  # type: ignore[attr-defined] # another test's knows less
    multiprocessing.get_context("forkserver").set_forkserver_preload([*PRELOAD, *heavy, "tests.remembering"])
    forkserver.ensure_running()
