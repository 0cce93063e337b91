"""What conditions get to run on: processes of this machine, or a Ray cluster; the device, and how many at once."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genlab.running.cluster import Cluster
    from genlab.running.pool import Pool, Task
    from genlab.running.reach import Reach


@dataclass(frozen=True)
class Grant:
    """Where conditions run.

    Attributes:
        device: of each condition.
        at_once: how many run at the same time; None: as many as the cluster has room for.
        threads: of each.
        reach: the Ray cluster, None for processes of this machine.
        priced_on: the device of this machine that stands for it.
    """

    device: str
    at_once: int | None
    threads: int
    reach: "Reach | None" = None
    priced_on: str = "cpu"

    @property
    def words(self) -> str:
        """The grant in a line."""
        many = f"{self.at_once} at once" if self.at_once else "as many at once as there is room for"
        where = f", by Ray ({self.reach.address})" if self.reach else ""
        gpus = f", {self.reach.gpus:g} GPU each" if self.reach and self.reach.gpus else ""
        return f"{many}, {self.threads} thread(s) each, on {self.device}{gpus}{where}"

    def pool(self, tasks: "Sequence[Task]", preload: Sequence[str]) -> "Pool | Cluster":
        """What runs them: a pool of processes, or a cluster with the same face."""
        from genlab.studies.execute import execute, execute_there

        if self.reach is None:
            from genlab.running.pool import Pool

            assert self.at_once is not None
            return Pool(execute, tasks, workers=self.at_once, threads=self.threads, preload=preload)
        from genlab.results.environment import commit
        from genlab.running.cluster import Cluster

        ours = {name: value for name, value in os.environ.items() if name.startswith("GENLAB_")}
        variables = {"GENLAB_COMMIT": commit(), **ours}
        return Cluster(execute_there, tasks, reach=self.reach, workers=self.at_once, variables=variables)


def granted(ray: str | None, device: str, conditions: int, workers: int | None) -> Grant:
    """What was asked for as a grant.

    Raises:
        ValueError: the word after ``--ray`` is not one, it contradicts ``--device``, or this machine has not what is asked for.
    """
    from genlab.running.pool import share
    from genlab.studies.execute import resolve

    if ray is None:
        where = resolve(device)
        many, threads = share(_cores(), conditions, workers)
        return Grant(where, 1 if where == "cuda" and workers is None else many, threads, None, where)
    from genlab.running.reach import LOCAL, reach, shared

    wanted = reach(ray)
    if wanted.gpus and device == "cpu":
        raise ValueError(f"--ray {ray}: these conditions run on the CPU (--device cpu, or language models alone): drop gpus=")
    here = resolve("auto" if device == "auto" or wanted.address != LOCAL else device) if device != "cpu" else "cpu"
    where = "cuda" if wanted.gpus or device == "cuda" or (wanted.address == LOCAL and here == "cuda") else "cpu"
    settled, at_once = shared(wanted, cores=_cores(), tasks=conditions, workers=workers, device=where)
    return Grant(where, at_once, settled.threads(), settled, here if where == "cuda" else "cpu")


def _cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
