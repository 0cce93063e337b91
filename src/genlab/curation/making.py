"""The folder of a data set while it is made: ``NAME.making``, which becomes ``NAME`` by one rename when all is in it.

recipe.json     what the texts stand on: a run goes on where it is the same
train.yaml      the training part of the pack
split.json      what is held out, by hashes
logs/           Inspect's logs, one folder a round; budget.sqlite beside them, the ledger of max_cost
outcome.json    what became of all texts
README.md       the card; data-*.arrow, dataset_info.json, state.json: the rows, as ``datasets`` saves them
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.curation.recipe import Plan, differences
from genlab.skills.files import write_whole
from genlab.skills.pack import dump

if TYPE_CHECKING:
    from datasets import Dataset

LOCK_SECONDS = 10.0  # a killed run is gone well before
RECIPE, OUTCOME, CARD, SPLIT = "recipe.json", "outcome.json", "README.md", "split.json"


def finished(place: Path, plan: Plan) -> Mapping[str, Any] | None:
    """What became of the texts that lie at a place; None where nothing does.

    Raises:
        ValueError: something else is there, or texts of another recipe.
    """
    if not place.exists():
        return None
    known, outcome = read_json(place / RECIPE), read_json(place / OUTCOME)
    if known is None or outcome is None:
        raise ValueError(f"{place} is there already, and holds no skill texts: give another --out")
    if differ := differences(known, {**plan.facts, **_size(plan)}):
        raise ValueError(f"{place} holds the texts of another recipe ({'; '.join(differ)}): give another --out")
    found: Mapping[str, Any] = outcome
    return found


class Making:
    """The folder that becomes ``place``."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.home = place.with_name(f"{place.name}.making")

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder against other runs on this machine.

        Raises:
            ValueError: another process is at work in it, or it cannot be written.
        """
        from filelock import FileLock, Timeout

        try:
            self.home.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.home / ".lock", timeout=LOCK_SECONDS)
            lock.acquire()
        except Timeout as error:
            raise ValueError(f"{self.home} is being written by another process: wait for it, or give another --out") from error
        except OSError as error:
            raise ValueError(f"{self.home} cannot be written: {error}") from error
        try:
            yield
        finally:
            lock.release()

    def begin(self, plan: Plan) -> None:
        """Keep what the texts stand on; a folder that was begun on something else is refused.

        Raises:
            ValueError: it was.
        """
        known = read_json(self.home / RECIPE)
        if known is not None and (differ := differences(known, plan.facts)):
            raise ValueError(f"{self.home} was begun with another recipe ({'; '.join(differ)}): remove it, or give another --out")
        write_whole(self.home / RECIPE, json.dumps({**plan.facts, **_size(plan)}, indent=1) + "\n", overwrite=True)
        write_whole(self.home / "train.yaml", dump(plan.split.train), overwrite=True)
        write_whole(self.home / SPLIT, plan.split.record.to_json(), overwrite=True)

    def publish(self, data: "Dataset", outcome: Mapping[str, Any], card: str) -> None:
        """Write rows, outcome and card, then give the folder its name."""
        with _no_bars():
            data.save_to_disk(str(self.home))
        write_whole(self.home / CARD, card, overwrite=True)
        write_whole(self.home / OUTCOME, json.dumps(outcome, indent=1) + "\n", overwrite=True)
        (self.home / ".lock").unlink(missing_ok=True)
        self.home.rename(self.place)


def read_json(path: Path) -> Any:
    """What a JSON file holds, None where there is none."""
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def _size(plan: Plan) -> dict[str, Any]:
    """What a finished folder must agree in, beside what its texts stand on."""
    return {"k": list(plan.recipe.k), "n": plan.recipe.n}


@contextlib.contextmanager
def _no_bars() -> Iterator[None]:
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    before = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()
