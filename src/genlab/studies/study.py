"""The contract of a study: a frozen value that yields conditions, runs one of them, and knows its paper's claims.

A study is a frozen dataclass whose fields are what the paper varies. It says which conditions it consists of; running
one is a generator that yields an ``Advance`` a step and returns how it ended. It never opens a file: the caller keeps the
records and takes a snapshot when it wants one, so that a run can be killed anywhere and resumed.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from genlab.results.claims import SEEDS, Claim
from genlab.results.exhibits import Passages, Table
from genlab.results.figures import Figure
from genlab.results.pictures import Pictures
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot


@dataclass(frozen=True)
class Advance:
    """A condition got one step further.

    Attributes:
        step: steps done, ``of`` the most there can be.
        records: rows to keep, as instances of the study's ``record`` class.
        snapshot: makes the snapshot from which the *next* step continues; called only when one is wanted.
        note: a few numbers worth watching live, by name.
        facts: what the condition stands on and its settings do not say, such as a checksum of the data; kept from the
            first advance that has any.
    """

    step: int
    of: int
    records: Sequence[Any]
    snapshot: Callable[[], Snapshot]
    note: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Condition:
    """One run of a study: ``settings`` holds everything that determines its records, as JSON values.

    Settings must hold a ``seed``. Two conditions with equal settings are the same condition.
    """

    study: str
    protocol: int
    settings: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Sixteen hex digits of the SHA-256 of the study, its protocol version and the settings."""
        canonical = json.dumps([self.study, self.protocol, self.settings], sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Price:
    """What a condition is expected to cost on the device it was priced for; at most, where a stop rule may end it early.

    Attributes:
        seconds: of one core.
        memory_bytes, records: at their largest, and in all.
        calls, tokens: of language models, in all.
        dollars: for those, None where a price is unknown.
    """

    seconds: float
    memory_bytes: int
    records: int
    calls: int = 0
    tokens: int = 0
    dollars: float | None = None


@dataclass(frozen=True)
class Study(ABC):
    """Base of every study: fields are the dials, class attributes say what it is.

    Class attributes:
        name: as typed after ``genlab run``.
        title, paper: one line each; ``bibtex`` is what ``genlab cite`` prints.
        protocol: raised when the meaning of equal settings changes; part of every condition's id.
        record: the frozen dataclass of one record (int, float, bool, str, ``| None``, or tuple[float, ...] fields).
        preload: modules that running needs and that are slow to import: imported once for all conditions.
        computes: whether conditions compute on a device of this machine; language models behind Inspect do not.
        intervals: one sentence for the report: what its findings are, and where their intervals come from.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    bibtex: ClassVar[str] = ""
    protocol: ClassVar[int] = 1
    record: ClassVar[type]
    preload: ClassVar[tuple[str, ...]] = ()
    computes: ClassVar[bool] = True
    intervals: ClassVar[str] = SEEDS

    @abstractmethod
    def conditions(self) -> Sequence[Condition]:
        """Every condition of this study value."""

    @abstractmethod
    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        """Run one condition, from its start or from a snapshot; return how it ended ("steps", "diverged", ...)."""

    def ready(self, settings: Mapping[str, Any]) -> None:  # noqa: B027 - most studies need nothing
        """Check, before anything runs, that what a condition needs is there; by default nothing is.

        Raises:
            ValueError: what is missing or broken, and how to get it.
        """

    def keeping_in(self, store: str) -> "Study":
        """This study, told the URL of the store that its conditions are run for; by default it does not care.

        What a part such as Inspect writes on its own goes below ``conditions/ID/`` there; records go through ``run``.
        """
        return self

    def price(self, settings: Mapping[str, Any], device: str) -> Price | None:
        """What one condition will cost, or None where nobody knows."""
        return None

    @classmethod
    def label(cls, settings: Mapping[str, Any]) -> str:
        """A condition in a few words, for tables and progress."""
        return " ".join(f"{key}={value}" for key, value in settings.items())

    @classmethod
    def claims(cls) -> Sequence[Claim]:
        """The paper's findings."""
        return ()

    @classmethod
    def numbers(cls, runs: Sequence[Run]) -> Sequence[str]:
        """Lines for the terminal, where a study's first answer is a number rather than a verdict."""
        return ()

    @classmethod
    def figures(cls, runs: Sequence[Run]) -> Sequence[Figure]:
        """The figures of the report."""
        return ()

    @classmethod
    def tables(cls, runs: Sequence[Run]) -> Sequence[Table]:
        """The tables of the report."""
        return ()

    @classmethod
    def passages(cls, runs: Sequence[Run]) -> Sequence[Passages]:
        """Texts that the report shows as examples."""
        return ()

    @classmethod
    def pictures(cls, runs: Sequence[Run]) -> Sequence[Pictures]:
        """Images that the report shows in grids."""
        return ()

    @classmethod
    def remarks(cls, runs: Sequence[Run]) -> Sequence[str]:
        """What a reader must know before any number; shown with the warnings."""
        return ()

    def condition(self, **settings: Any) -> Condition:
        """A condition of this study; ``settings`` are checked to be JSON values with a seed."""
        if "seed" not in settings:
            raise ValueError(f"a condition of {self.name!r} needs a seed among its settings, got {sorted(settings)}")
        return Condition(self.name, self.protocol, json.loads(json.dumps(settings, allow_nan=False)))


def all_conditions(studies: Iterable[Study]) -> list[tuple[Study, Condition]]:
    """The conditions of several study values, each once, in order."""
    found: dict[str, tuple[Study, Condition]] = {}
    for study in studies:
        for condition in study.conditions():
            found.setdefault(condition.id, (study, condition))
    return list(found.values())
