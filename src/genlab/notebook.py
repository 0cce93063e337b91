"""A store in a notebook: its conditions, records and verdicts as frames of pandas or polars, or as Arrow tables."""

import contextlib
import difflib
import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from genlab.results.store import Store, opened

if TYPE_CHECKING:
    import pyarrow as pa

    from genlab.studies.known import KnownStudy

Frames = Literal["pandas", "polars", "arrow"]
OWN = ("id", "study", "label", "status", "ending", "records", "cpu_seconds")  # columns of a condition beside its settings


@dataclass(frozen=True)
class Loaded:
    """A store as frames. Each call reads the store as it is then, also while a run goes on.

    Attributes:
        store: where the facts are.
        frame: what the methods return: ``pandas`` and ``polars`` data frames, or ``arrow`` tables. In pandas, integers and
            booleans with gaps become floats and objects, as ever; polars and Arrow keep them.
    """

    store: Store
    frame: Frames

    def studies(self) -> list[str]:
        """Names of the studies that have a condition in the store, sorted."""
        return sorted({condition["study"] for _, condition in self._begun()})

    def conditions(self) -> Any:
        """One row a condition: what it is, how it ended, and each setting as a column.

        Columns are ``id``, ``study``, ``label`` (the condition in a few words), ``status`` (finished, failed, incomplete),
        ``ending`` (the study's word for why it stopped, or the error), ``records`` (how many), ``cpu_seconds``, then the
        settings by name, null where a study has no such setting. A setting named like one of those is ``settings.NAME``. What
        is not a number, a text, a truth or a list of them, or differs in kind between conditions, is its JSON text.

        The label comes from the study's code; of a study whose file is gone it lists the settings.

        Raises:
            StoreError: the store cannot be read.
        """
        import pyarrow as pa

        from genlab.studies.known import known_study

        entries = self.store.look().entries
        begun = [(id, entry.json("condition.json")) for id, entry in entries.items()]
        studies: dict[str, KnownStudy] = {}
        rows: list[dict[str, Any]] = []
        for id, condition in begun:
            reference = condition["reference"]
            if reference not in studies:
                studies[reference] = known_study(condition["study"], reference)
            outcome = entries[id].json("outcome.json") or {"status": "incomplete"}
            rows.append(
                {
                    "id": id,
                    "study": condition["study"],
                    "label": studies[reference].label(condition["settings"]),
                    "status": outcome["status"],
                    "ending": outcome.get("ending"),
                    "records": outcome.get("records"),
                    "cpu_seconds": outcome.get("cpu_seconds"),
                }
            )
        kinds = dict.fromkeys(OWN, pa.string()) | {"records": pa.int64(), "cpu_seconds": pa.float64()}
        columns = {name: pa.array([row[name] for row in rows], kinds[name]) for name in OWN}
        settings = [condition["settings"] for _, condition in begun]
        for name in dict.fromkeys(name for each in settings for name in each):
            column = f"settings.{name}" if name in OWN else name
            columns[column] = _column([each.get(name) for each in settings])
        return self._framed(pa.table(columns))

    def records(self, study: str | None = None) -> Any:
        """All records of the finished conditions, in the store's order, of one study or of all.

        Columns are ``id`` and ``seed`` of the condition (``study`` as well where none is named), then the record's own fields. Of
        several studies the fields are joined: null where a study has no such field. More settings come by a join on ``id`` with
        ``conditions()``.

        Raises:
            ValueError: no condition of ``study`` is in the store.
            StoreError: the store cannot be read.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        begun = dict(self._begun())
        if study is not None:
            self._known(study)
        table = self.store.query("select * from records")
        ids = table["condition"]
        table = table.drop_columns("condition")
        if study is not None:
            mine = [id for id, condition in begun.items() if condition["study"] == study]
            keep = pc.is_in(ids, pa.array(mine, pa.string()))
            table, ids = table.filter(keep), ids.filter(keep)
            fields = self._fields(mine)
            table = table.select([name for name in table.column_names if name in fields])
        at = pc.index_in(ids, pa.array(list(begun), pa.string()))
        seeds = _column([condition["settings"].get("seed") for condition in begun.values()])
        studies = pa.array([condition["study"] for condition in begun.values()], pa.string())
        own = {"id": ids, "seed": seeds.take(at)}
        if study is None:
            own = {"id": ids, "study": studies.take(at), "seed": seeds.take(at)}
        columns = {f"records.{name}" if name in own else name: table[name] for name in table.column_names}
        return self._framed(pa.table(own | columns))

    def claims(self) -> Any:
        """The verdicts, judged from the records as they are now: one row a setting of a claim.

        The columns are those of ``genlab.results.verdict_rows``: the claim in words, the verdict of each setting and of all,
        the effect with its 95% interval, n, the region that was expected, and the conditions it rests on.

        Raises:
            ValueError: the file of a study is gone: its claims are code.
            ModuleNotFoundError: a study's own libraries are missing (such as torch).
            StoreError: the store cannot be read.
        """
        import pyarrow as pa

        from genlab.results.verdict_rows import SCHEMA, verdict_rows
        from genlab.studies.reporting import summaries

        rows = [row for each in summaries(self.store) for row in verdict_rows(each.study.name, each.judged)]
        return self._framed(pa.Table.from_pylist(rows, schema=SCHEMA))

    def _begun(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Conditions with their settings, by id; without those whose folder is only begun."""
        for id, entry in self.store.look().entries.items():
            yield id, entry.json("condition.json")

    def _known(self, study: str) -> None:
        studies = self.studies()
        if study not in studies:
            near = difflib.get_close_matches(study, studies, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(f"{self.store.url} holds no study {study!r}.{hint} It holds {', '.join(studies)}")

    def _fields(self, ids: Sequence[str]) -> set[str]:
        """Names of the fields of a study's records, from its first finished condition."""
        for id in ids:
            run = self.store.run(id)
            if run is not None:
                return set(run.columns)
        return set()

    def _framed(self, table: "pa.Table") -> Any:
        match self.frame:
            case "pandas":
                return table.to_pandas()
            case "polars":
                import polars

                return polars.from_arrow(table)
            case "arrow":
                return table


def load(store: str | os.PathLike[str], *, frame: Frames | None = None) -> Loaded:
    """Open a store for reading; the folder or fsspec URL that was given to ``genlab run --out``.

    Args:
        store: the place.
        frame: ``pandas``, ``polars`` or ``arrow``; by default pandas where it is installed, else Arrow.

    Raises:
        ValueError: nothing is there, what is there is no store, no condition has begun in it, or ``frame`` is none of these.
        ModuleNotFoundError: the library of ``frame`` is not installed.
        StoreError: the store cannot be read, or was written by a newer genlab.
    """
    chosen = frame or ("pandas" if _installed("pandas") else "arrow")
    if chosen not in get_args(Frames):
        raise ValueError(f"frame is one of {', '.join(get_args(Frames))}, got {frame!r}")
    if chosen != "arrow" and not _installed(chosen):
        raise ModuleNotFoundError(
            f"frame={chosen!r} needs {chosen}: pip install 'genlab[notebook]', or pass frame=\"arrow\"", name=chosen
        )
    found = opened(store)
    loaded = Loaded(found, chosen)
    if next(loaded._begun(), None) is None:
        raise ValueError(
            f"the store at {found.url} is empty, no condition has begun: genlab run STUDY --out {found.url} fills it"
        )
    return loaded


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _column(values: Sequence[Any]) -> "pa.Array":
    """JSON values as one column: of their kind if they have one, else of their JSON texts."""
    import pyarrow as pa

    if all(_flat(value) for value in values):
        with contextlib.suppress(pa.ArrowException, OverflowError):  # two kinds, or an integer of more than 64 bits
            return pa.array(values, None if any(value is not None for value in values) else pa.string())
    texts = [None if value is None else json.dumps(value, sort_keys=True) for value in values]
    return pa.array(texts, pa.string())


def _flat(value: Any) -> bool:
    return not any(isinstance(each, dict | list) for each in value) if isinstance(value, list) else not isinstance(value, dict)
