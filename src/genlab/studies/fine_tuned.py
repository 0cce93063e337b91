"""What studies of language models share: a fine-tuning as steps of a condition, and the folder its models lie in."""

import threading
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.finetuning.recipe import Recipe
from genlab.finetuning.run import Outcome, finetune
from genlab.results.snapshots import Snapshot
from genlab.studies.study import Advance, Condition, Study

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import TrainerCallback


class _Stopped(Exception):
    """Nobody waits for the fine-tuning any more."""


def fine_tuned(
    recipe: Recipe,
    out: Path,
    data: "Dataset",
    device: str,
    *,
    after: int = 0,
    callbacks: "Sequence[TrainerCallback]" = (),
) -> Generator[Advance, None, Outcome]:
    """Fine-tune in a thread beside, so that progress is told and a stop is heard; what is in ``out`` is gone on with.

    Args:
        recipe: how.
        out: the folder.
        data: on what.
        device: where.
        after: steps of the condition that come after the fine-tuning's.
        callbacks: transformers' own.
    """
    seen: dict[str, Any] = {"done": 0, "of": 1, "loss": 0.0}
    stop = threading.Event()

    def report(done: int, of: int, loss: float) -> None:
        seen.update(done=done, of=of, loss=loss)
        if stop.is_set():
            raise _Stopped

    def work() -> None:
        try:
            seen["outcome"] = finetune(recipe, out, train=data, callbacks=callbacks, report=report, device=device)
        except _Stopped:
            pass
        except BaseException as error:
            seen["error"] = error

    thread = threading.Thread(target=work, name="fine-tuning", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.2)
            yield Advance(seen["done"], seen["of"] + after, [], lambda: Snapshot({}, {"cells": 0}), note={"loss": seen["loss"]})
    finally:
        stop.set()
        thread.join()
    if "error" in seen:
        raise seen["error"]
    found: Outcome = seen["outcome"]
    return found


def home(study: Study, store: str, settings: Mapping[str, Any]) -> Path:
    """Where the models of a condition lie: its own folder in the store."""
    return local(store) / "conditions" / Condition(study.name, study.protocol, settings).id


def local(store: str) -> Path:
    """The store's folder; for a remote store one in the user's cache, where models stay: a store keeps records."""
    from fsspec.core import url_to_fs

    files, root = url_to_fs(store)  # type: tuple[Any, str]
    if "file" in (files.protocol if isinstance(files.protocol, tuple) else (files.protocol,)):
        return Path(root)
    return Path.home() / ".cache" / "genlab" / "stores" / root.replace("/", "-")
