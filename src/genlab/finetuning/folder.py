"""The folder of a fine-tuning: what it was asked for, the checkpoints it goes on from, and what came of it.

    recipe.json       the recipe, and hashes of data and model: the same call goes on, another one is refused
    checkpoints/      while it runs
    adapter/          LoRA's adapter, as PEFT writes it
    model/            the model, an ordinary Hugging Face folder
    outcome.json      last: what happened

Folders and files are written beside their place and renamed, so that each is there whole or not at all.
"""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FINISHED = "finetuning.json"  # written last into a checkpoint: one without it was cut short
LOCK_SECONDS = 10.0  # a killed run is gone well before


class Folder:
    """The folder ``place``; ``writes`` is False in every process of a parallel run but one."""

    def __init__(self, place: str | Path, *, writes: bool = True) -> None:
        self.place = Path(place).absolute()
        self.writes = writes

    @property
    def model(self) -> Path:
        """Where the final model goes."""
        return self.place / "model"

    @property
    def adapter(self) -> Path:
        """Where LoRA's adapter goes."""
        return self.place / "adapter"

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints go."""
        return self.place / "checkpoints"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder against other runs on this machine.

        Raises:
            ValueError: another process is at work in it, or it cannot be written.
        """
        if not self.writes:
            yield
            return
        from filelock import FileLock, Timeout

        try:
            self.place.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.place / ".lock", timeout=LOCK_SECONDS)
            lock.acquire()
        except Timeout as error:
            raise ValueError(f"{self.place} is being written by another process: wait for it, or give another --out") from error
        except OSError as error:
            raise ValueError(f"{self.place} cannot be written: {error}") from error
        try:
            yield
        finally:
            lock.release()

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Keep what the run stands on; a folder that was begun on something else is refused.

        Raises:
            ValueError: another recipe, other data or another model; or a folder that holds something else.
        """
        known = self.read("recipe.json")
        if known is not None:
            differ = _differences(known, facts)
            if differ:
                raise ValueError(f"{self.place} was begun with another recipe ({'; '.join(differ)}): give another --out")
        elif self.writes:
            if any(path.name != ".lock" for path in self.place.iterdir()):
                raise ValueError(f"{self.place} holds something that is no fine-tuning: give another --out")
            self.write("recipe.json", facts)

    def read(self, name: str) -> Any:
        """A JSON file of the folder, None where it is not."""
        path = self.place / name
        return json.loads(path.read_text()) if path.is_file() else None

    def write(self, name: str, values: Mapping[str, Any]) -> None:
        """Write a JSON file, whole or not at all."""
        write_json(self.place / name, values)

    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that is whole; what was cut short is removed."""
        whole = []
        for path in self.checkpoints.glob("checkpoint-*"):
            if (path / FINISHED).is_file():
                whole.append(path)
            elif self.writes:
                shutil.rmtree(path, ignore_errors=True)
        return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    def draft(self, final: Path) -> Path:
        """An empty folder beside ``final`` to write into."""
        draft = final.with_name(f".{final.name}.draft")
        if self.writes:
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
        return draft

    def publish(self, final: Path) -> None:
        """Rename the draft of ``final`` to its name."""
        shutil.rmtree(final, ignore_errors=True)
        final.with_name(f".{final.name}.draft").rename(final)

    def tidy(self) -> None:
        """Drop the checkpoints of a run that has ended."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps(values, indent=1) + "\n")
    draft.replace(path)


def model_fingerprint(model: str) -> str | None:
    """A hash of the files of a model's folder; None for a name on the hub, whose revision says which it is."""
    folder = Path(model)
    if not folder.is_dir():
        return None
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.iterdir() if each.suffix in {".json", ".safetensors", ".jinja"}):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _differences(known: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    before, now = known.get("recipe", {}), facts["recipe"]
    fields = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    changed = [f"{name} was {before.get(name)}, now {now.get(name)}" for name in fields]
    stands_on = {"data": "the data", "base": "the files of the model", "processes": "the number of processes", "sharded": "FSDP"}
    return changed + [f"{what} changed" for name, what in stands_on.items() if known.get(name) != facts.get(name)]
