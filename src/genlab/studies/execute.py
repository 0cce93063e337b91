"""One condition from start or checkpoint to outcome: the study advances, the keeper keeps."""

import functools
import hashlib
import importlib.util
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlab.results.environment import environment
from genlab.results.keeper import Keeper
from genlab.results.store import Store, StoreError
from genlab.running.pool import Line
from genlab.studies.catalogue import Choice, load
from genlab.studies.study import Condition, Study, all_conditions

REPORT_SECONDS = 0.2  # how often a running condition says where it is


@dataclass(frozen=True)
class Place:
    """Where and how conditions run. Device and threads can change a record's last digits, and are kept with it."""

    store: str
    device: str
    threads: int
    checkpoint_seconds: float = 20.0


@dataclass(frozen=True)
class Ended:
    """How the work on a condition ended: ``status`` is finished, failed or stopped."""

    status: str
    why: str = ""


def execute(line: Line, choice: Choice, id: str, place: Place) -> Ended:
    """Run the condition ``id`` of the chosen study, in a process of its own.

    Raises:
        StoreError: the store cannot be written.
    """
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(place.threads)
    study, condition = _conditions(choice, _digest(choice))[id]
    store = Store(place.store)
    description = {
        "study": study.name,
        "reference": choice.reference,
        "protocol": condition.protocol,
        "settings": dict(condition.settings),
    }
    keeper = Keeper(store, id, study.record, description)
    with keeper.alone():
        if store.status(id) == "finished":
            store.tidy(id)
            return Ended("finished")
        snapshot = keeper.begin(_environment(choice, place))
        try:
            advances = study.keeping_in(place.store).run(condition.settings, snapshot, place.device)
            saved = reported = time.monotonic()
            noted: Mapping[str, str] | None = None
            while True:
                try:
                    advance = next(advances)
                except StopIteration as end:
                    keeper.finish(str(end.value))
                    return Ended("finished", str(end.value))
                if not noted and (noted is None or advance.facts):  # some know theirs only after a while
                    keeper.note(advance.facts)
                    noted = advance.facts
                keeper.add(advance.records)
                now, stopping = time.monotonic(), line.stopping  # asked once: who stops has written a checkpoint
                if stopping or now - saved >= place.checkpoint_seconds:
                    keeper.checkpoint(advance.snapshot())
                    saved = now
                if now - reported >= REPORT_SECONDS:
                    line.report(step=advance.step, of=advance.of, note=dict(advance.note))
                    reported = now
                if stopping:
                    return Ended("stopped")
        except StoreError:
            raise
        except Exception as error:
            keeper.fail(error)
            return Ended("failed", f"{type(error).__name__}: {error}")


def execute_there(line: Line, choice: Choice, id: str, place: Place) -> Ended:
    """As ``execute``, on a machine that may be another than the command's.

    Raises:
        StoreError: this machine sees no store there, or cannot write it.
    """
    if Store(place.store).get_json("store.json") is None:
        raise StoreError(
            f"{socket.gethostname()} sees no store at {place.store}: --out wants a folder that every machine of the cluster "
            "shares, or a URL such as s3://bucket/folder"
        )
    return execute(line, choice, id, place)


def deposit(store: Store, study: Study, condition: Condition, rows: Sequence[Any], ending: str, facts: Mapping[str, str]) -> bool:
    """Keep a condition whose records were made elsewhere; False where the store has it already.

    Raises:
        StoreError: the store cannot be written.
    """
    description = {
        "study": study.name,
        "reference": study.name,
        "protocol": condition.protocol,
        "settings": dict(condition.settings),
    }
    keeper = Keeper(store, condition.id, study.record, description)
    with keeper.alone():
        if store.status(condition.id) == "finished":
            return False
        keeper.begin(environment(device="imported", threads=1))
        keeper.note(facts)
        keeper.add(rows)
        keeper.finish(ending)
    return True


def _environment(choice: Choice, place: Place) -> dict[str, str]:
    """The environment, with a digest of the study's file where it is one of the user's own."""
    found = environment(device=place.device, threads=place.threads)
    if digest := _digest(choice):
        found["study file"] = digest
    return found


def _digest(choice: Choice) -> str:
    """Of the study's file where it is one of the user's own, else empty."""
    if ":" not in choice.reference:
        return ""
    path = Path(choice.reference.rsplit(":", 1)[0])
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""


@functools.lru_cache(maxsize=1)
def _conditions(choice: Choice, digest: str) -> dict[str, tuple[Study, Condition]]:
    """All conditions by id; a process that runs many of a study makes them once, while its file stays as it is."""
    return {pair[1].id: pair for pair in all_conditions(load(choice))}


def resolve(device: str) -> str:
    """The device that was asked for, or, for auto, the best there is.

    Raises:
        ValueError: cuda was asked for and there is none.
    """
    if device == "cpu" or importlib.util.find_spec("torch") is None:
        if device == "cuda":
            raise ValueError("--device cuda needs PyTorch: pip install 'genlab[train]'")
        return "cpu"
    import torch

    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise ValueError("--device cuda: PyTorch sees no GPU here; use --device cpu, or install a PyTorch built for your GPU")
    return "cuda" if there else "cpu"
