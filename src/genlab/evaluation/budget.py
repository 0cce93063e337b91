"""A run's budget in dollars: no call begins unless it fits, whoever makes it, in however many processes.

Inspect's own limits are per sample and do not see a grader's calls. The ledger is a SQLite file that all processes of a run
share: a call is entered at the most it can cost before it begins and at what it did cost when it has ended. A call has a key,
so that what is replayed from the cache is not counted twice; one that a kill cut off stays counted at its most.
"""

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_BEGUN, _ENDED, _FAILED = range(3)  # states of a call
PATIENCE = 60.0  # seconds that one process waits for another's entry
CHARACTERS_A_TOKEN = 2.0  # our assumption for an upper bound: English has about four


class BudgetReached(Exception):
    """A call did not fit into what is left."""


@dataclass(frozen=True)
class Rate:
    """Dollars a million tokens."""

    input: float
    output: float

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Dollars for a call."""
        return (self.input * input_tokens + self.output * output_tokens) / 1e6


def _write_ahead(book: sqlite3.Connection) -> None:
    """Switch to a write-ahead log: while another process does, SQLite is locked at once, whatever its own patience."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            book.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)


class Budget:
    """What a run may spend, shared by all its processes.

    Args:
        limit: dollars.
        ledger: the SQLite file; None keeps it in this process's memory.

    Raises:
        ValueError: the limit is not above 0.
    """

    def __init__(self, limit: float, ledger: Path | None = None) -> None:
        if not limit > 0:
            raise ValueError(f"max_cost is above 0 dollars, got {limit}")
        self.limit = limit
        if ledger is not None:
            ledger.parent.mkdir(parents=True, exist_ok=True)
        self._book = sqlite3.connect(ledger or ":memory:", timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        # A commit that waits for the disk holds up every call in flight: measured, 4 processes, 30 ms each and 2 s at worst.
        _write_ahead(self._book)
        self._book.execute("pragma synchronous = normal")
        self._book.execute("create table if not exists calls (key text, dollars real, state integer)")
        self._book.execute("create index if not exists of_key on calls (key)")

    def begin(self, key: str, most: float, *, kept: bool = True) -> int:
        """Enter a call before it is made; the number is for ``end`` or ``fail``.

        A call that has ended and whose reply was ``kept`` is a replay, and one that failed is made again at its most: neither is
        counted anew. One of the same key that never ended was cut off, or is in flight elsewhere: both count.

        Raises:
            BudgetReached: it could cost more than what is left.
        """
        with closing(self._book.cursor()) as cursor:
            cursor.execute("begin immediate")
            try:
                known = cursor.execute(
                    "select rowid, state from calls where key = ? order by rowid desc limit 1", (key,)
                ).fetchone()
                if known and known[1] == _FAILED:
                    cursor.execute("update calls set state = ? where rowid = ?", (_BEGUN, known[0]))
                if known and (known[1] == _FAILED or (known[1] == _ENDED and kept)):
                    return int(known[0])
                (spent,) = cursor.execute("select coalesce(sum(dollars), 0) from calls").fetchone()
                if spent + most > self.limit:
                    raise BudgetReached(
                        f"max_cost is reached: ${spent:.2f} of ${self.limit:g} are spent or in flight, and a call may cost "
                        f"${most:.2f}"
                    )
                cursor.execute("insert into calls values (?, ?, ?)", (key, most, _BEGUN))
                return int(cursor.lastrowid or 0)
            finally:
                cursor.execute("commit")

    def end(self, call: int, dollars: float | None) -> None:
        """Enter what a call did cost; None, where nobody knows, leaves it at its most."""
        self._book.execute("update calls set dollars = coalesce(?, dollars), state = ? where rowid = ?", (dollars, _ENDED, call))

    def fail(self, call: int) -> None:
        """Enter that a call gave no reply: it stays counted at its most, once, however often it is made again."""
        self._book.execute("update calls set state = ? where rowid = ?", (_FAILED, call))

    @property
    def spent(self) -> float:
        """Dollars so far, calls in flight at their most."""
        (spent,) = self._book.execute("select coalesce(sum(dollars), 0) from calls").fetchone()
        return float(spent)


def most(prompt: str, output_tokens: int, rate: Rate) -> float:
    """The most a call can cost: its prompt's bytes over ``CHARACTERS_A_TOKEN``, and every output token it may use."""
    return rate.cost(int(len(prompt.encode("utf-8", "replace")) / CHARACTERS_A_TOKEN), output_tokens)


def rates(path: str | Path) -> dict[str, Rate]:
    """Prices from a file in the form of Inspect's ``--model-cost-config``: model to dollars a million tokens, YAML or JSON.

    Raises:
        ValueError: no such file, or not of that form.
    """
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read prices from {path} ({error.strerror}): expected a YAML file") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    wanted = "expected lines such as  openai/some-model: {input: 2.5, output: 10}  in dollars a million tokens"
    if not isinstance(content, Mapping):
        raise ValueError(f"{path} holds no prices: {wanted}")
    found = {}
    for model, price in content.items():
        numbers = [price.get(name) for name in ("input", "output")] if isinstance(price, Mapping) else [None]
        if not all(isinstance(each, int | float) and not isinstance(each, bool) and each >= 0 for each in numbers):
            raise ValueError(f"{path}: {model} has {price!r}: {wanted}")
        found[str(model)] = Rate(float(numbers[0]), float(numbers[1]))  # type: ignore[arg-type]
    return found


def environment(prices: str | Path | None, max_cost: float | None, ledger: Path) -> dict[str, str]:
    """What gives the processes of a run its prices and its common budget; ``asking.asking`` reads it.

    Args:
        prices: file of ``rates``; None for none.
        max_cost: dollars of all processes together; None for no budget.
        ledger: of that budget.
    """
    priced = {"GENLAB_PRICES": str(Path(prices).resolve())} if prices else {}
    limit = {} if max_cost is None else {"GENLAB_MAX_COST": repr(max_cost), "GENLAB_LEDGER": str(ledger)}
    return priced | limit
