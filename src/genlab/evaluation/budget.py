"""A run's budget in dollars: no call begins unless it fits, whoever makes it, in however many processes.

Inspect's own limits are per sample and do not see a grader's calls. The ledger is a SQLite file that all processes of a run
share: a call is entered at the most it can cost before it begins and at what it did cost when it has ended. A call has a key,
so that what is replayed from the cache is not counted twice, and one that a kill cut off stays counted at its most.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

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
        self._book = sqlite3.connect(ledger or ":memory:", timeout=60, isolation_level=None, check_same_thread=False)
        self._book.execute("create table if not exists calls (key text primary key, dollars real, ended integer)")

    def begin(self, key: str, most: float) -> None:
        """Enter a call before it is made.

        Raises:
            BudgetReached: it could cost more than what is left.
        """
        with closing(self._book.cursor()) as cursor:
            cursor.execute("begin immediate")
            try:
                known = cursor.execute("select 1 from calls where key = ?", (key,)).fetchone()
                (spent,) = cursor.execute("select coalesce(sum(dollars), 0) from calls").fetchone()
                if known is None:
                    if spent + most > self.limit:
                        raise BudgetReached(
                            f"${spent:.2f} of ${self.limit:g} are spent or in flight, and a call may cost ${most:.2f}"
                        )
                    cursor.execute("insert into calls values (?, ?, 0)", (key, most))
            finally:
                cursor.execute("commit")

    def end(self, key: str, dollars: float) -> None:
        """Enter what a call did cost."""
        self._book.execute("update calls set dollars = ?, ended = 1 where key = ?", (dollars, key))

    @property
    def spent(self) -> float:
        """Dollars so far, calls in flight at their most."""
        (spent,) = self._book.execute("select coalesce(sum(dollars), 0) from calls").fetchone()
        return float(spent)


def most(prompt: str, output_tokens: int, rate: Rate) -> float:
    """The most a call can cost: its prompt's bytes over ``CHARACTERS_A_TOKEN``, and every output token it may use."""
    return rate.cost(int(len(prompt.encode()) / CHARACTERS_A_TOKEN), output_tokens)


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
