"""A data set's splits as tables: from a folder of Parquet files in the schema of the hub's copy, or from the hub itself."""

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Source:
    """Where a data set is had.

    Attributes:
        title: what people call it.
        hub: its place on the hub, and the configuration there if it has several.
        places: folders, below the one that is given, in which its files may lie, in the order of looking.
        columns: those that are read.
        expected: the schema in words, for errors.
        fits: whether the types of columns, by name, are those.
        config: the configuration on the hub.
    """

    title: str
    hub: str
    places: tuple[str, ...]
    columns: tuple[str, ...]
    expected: str
    fits: Callable[[Mapping[str, Any]], bool]
    config: str | None = None

    @property
    def ways(self) -> str:
        """How to have the data, for errors."""
        named = f"{self.hub}{f' ({self.config})' if self.config else ''}"
        return (
            f"{self.title} can be had in three ways: pass data_dir=FOLDER with train*.parquet and test*.parquet in the schema of "
            f"the hub's {named}; or set the environment variable GENLAB_DATA to that folder, or to one that holds it as "
            f"{self.places[0].split('/')[0]}/; or `pip install datasets` and leave both unset, to fetch it from the hub."
        )

    def tables(self, split: str, data_dir: str | None) -> Sequence[tuple[str, Any]]:
        """Names and tables of a split, in order.

        Looks in ``data_dir``, else in the folder that GENLAB_DATA names, else asks ``datasets`` for the hub's copy.

        Raises:
            ValueError: no data, an unreadable file, or other columns than expected.
        """
        folder = data_dir if data_dir is not None else os.environ.get("GENLAB_DATA") or None
        return self._local(Path(folder), split) if folder is not None else self._hub(split)

    def _local(self, folder: Path, split: str) -> Sequence[tuple[str, Any]]:
        places = [folder / place for place in self.places]
        here = next((each for each in places if any(each.glob("train*.parquet")) or any(each.glob("test*.parquet"))), None)
        files = sorted(here.glob(f"{split}*.parquet")) if here else []
        if not files:
            others = " or ".join(f"{place}/" for place in self.places if place != ".")
            raise ValueError(f"no {split}*.parquet in {here or folder}{'' if here else f' (nor in {others} there)'}. {self.ways}")
        return [(str(file), self._table(file)) for file in files]

    def _table(self, file: Path) -> Any:
        try:
            with pq.ParquetFile(file) as opened:
                self._check(str(file), opened.schema_arrow)
                return opened.read(columns=list(self.columns))
        except (pa.ArrowException, OSError) as error:
            raise ValueError(
                f"{file}: expected a whole Parquet file, but reading it failed ({error}). Fetch it again."
            ) from error

    def _hub(self, split: str) -> Sequence[tuple[str, Any]]:
        try:
            datasets = importlib.import_module("datasets")
        except ModuleNotFoundError:
            raise ValueError(f"no folder was given and `datasets` is not installed. {self.ways}") from None
        try:
            table = datasets.load_dataset(self.hub, self.config, split=split).with_format("arrow")[:]
        except OSError as error:
            raise ValueError(f"`datasets` could not fetch {self.hub} ({error}). {self.ways}") from error
        self._check(f"{self.hub} {split}", table.schema)
        return [(f"{self.hub} {split}", table)]

    def _check(self, where: str, schema: Any) -> None:
        types = {name: schema.field(name).type for name in schema.names}
        if not self.fits(types):
            found = ", ".join(f"{name}: {kind}" for name, kind in types.items())
            raise ValueError(f"{where}: expected columns {self.expected}; got {found}")
