"""Which Ray cluster, and what of it each condition takes: the word after ``--ray``."""

import math
from dataclasses import dataclass

from genlab.running.pool import share

LOCAL = "local"


@dataclass(frozen=True)
class Reach:
    """A Ray cluster, and the resources that each condition holds while it runs.

    Attributes:
        address: ``local`` (one started for this command and ended with it), ``auto`` (the one this machine belongs to), or
            ``HOST:PORT`` of its head.
        cpus: cores a condition; None: one, or on ``local`` an equal share of the cores.
        gpus: GPUs a condition, a fraction where several share one; None: none, unless it is to run on one.
    """

    address: str
    cpus: float | None = None
    gpus: float | None = None

    def threads(self) -> int:
        """Threads that a condition may use."""
        return max(1, int(self.cpus or 1))


def reach(text: str) -> Reach:
    """``ADDRESS[,cpus=N][,gpus=N]`` as a value.

    >>> reach("local"), reach("10.0.0.7:6379,cpus=2,gpus=0.25")
    (Reach(address='local', cpus=None, gpus=None), Reach(address='10.0.0.7:6379', cpus=2.0, gpus=0.25))

    Raises:
        ValueError: not of that form.
    """
    address, *pairs = (part.strip() for part in text.split(","))
    if "://" in address or "=" in address or not address:
        raise ValueError(
            f"--ray wants local, auto or HOST:PORT of a cluster's head, got {address!r}. Ray's client (ray://) is not used: run "
            "the command on a machine of the cluster, or submit it with 'ray job submit'"
        )
    found: dict[str, float] = {}
    for pair in pairs:
        name, _, number = pair.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = math.nan
        if name not in ("cpus", "gpus") or not 0 < found[name] < math.inf:
            raise ValueError(
                f"--ray wants ADDRESS,cpus=N,gpus=N with numbers above 0, got {pair!r}: e.g. --ray auto,cpus=2,gpus=0.5"
            )
        if found[name] > 1 and found[name] % 1:
            raise ValueError(f"--ray {pair}: Ray gives a part of one, or whole ones: {name}=0.5, or {name}=2")
    return Reach(address, found.get("cpus"), found.get("gpus"))


def shared(wanted: Reach, *, cores: int, tasks: int, workers: int | None, device: str) -> tuple[Reach, int | None]:
    """What each condition takes when nothing else was said, and how many may run at once (None: as many as fit).

    On ``local`` a condition gets as many cores as it would without Ray, so that its records are the same to the last digit.

    >>> shared(Reach("local"), cores=8, tasks=3, workers=None, device="cpu")
    (Reach(address='local', cpus=2, gpus=0), 3)
    >>> shared(Reach("auto", gpus=0.5), cores=8, tasks=3, workers=None, device="cuda")
    (Reach(address='auto', cpus=1, gpus=0.5), None)
    """
    gpus = wanted.gpus if wanted.gpus is not None else float(device == "cuda")
    if wanted.address != LOCAL:
        return Reach(wanted.address, wanted.cpus or 1, gpus or 0), workers
    at_once, threads = share(cores, tasks, workers)
    if wanted.cpus and workers is None:
        at_once = max(1, int(cores / wanted.cpus))
    return Reach(LOCAL, wanted.cpus or threads, gpus or 0), at_once
