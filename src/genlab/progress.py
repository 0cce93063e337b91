"""Progress of many conditions, or of one long job: how far, how long still; live on a terminal, plain lines elsewhere."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from genlab.results.duration import duration
from genlab.running.pool import Event

QUIET_SECONDS = 30.0  # between two plain status lines


@dataclass
class _Row:
    begun: float
    first: int | None = None
    first_at: float = 0.0
    step: int = 0
    of: int = 0
    note: Mapping[str, float] = field(default_factory=dict)

    def left(self) -> float | None:
        """Seconds left if every step to come takes as long as those seen, None before two were seen."""
        if self.first is None or self.step <= self.first:
            return None
        return (time.monotonic() - self.first_at) / (self.step - self.first) * (self.of - self.step)


class Board:
    """Shows events of a pool; ``failures`` collects why conditions failed, by label."""

    def __init__(self, console: Console, labels: Mapping[str, str], costs: Mapping[str, float]) -> None:
        self.console = console
        self.labels = labels
        self.costs = costs
        self.failures: dict[str, str] = {}
        self._rows: dict[str, _Row] = {}
        self._ended: set[str] = set()
        self._begun = self._spoke = time.monotonic()
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> "Board":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        """One line that stays."""
        self.console.print(text, markup=False)

    def on(self, event: Event | None) -> None:
        """Take one event in, and show what changed."""
        if event is not None:
            self._take(event)
        if self._live:
            self._live.update(self._table(), refresh=True)
        elif self._rows and time.monotonic() - self._spoke > QUIET_SECONDS:
            self._spoke = time.monotonic()
            running = "; ".join(f"{self.labels[key]} {row.step}/{row.of}" for key, row in self._rows.items())
            self.say(f"  {self._overall()}: {running}")

    def _take(self, event: Event) -> None:
        label, content = self.labels[event.key], event.content
        match event.kind:
            case "started":
                self._rows[event.key] = _Row(time.monotonic())
            case "progress":
                row = self._rows[event.key]
                row.step, row.of, row.note = content["step"], content["of"], content["note"]
                if row.first is None:
                    row.first, row.first_at = row.step, time.monotonic()
            case "lost":
                self._rows.pop(event.key, None)
                self.say(f"  {self._overall()} lost, runs again from its checkpoint: {label} ({content['why']})")
            case "done" | "died":
                took = duration(time.monotonic() - self._rows.pop(event.key).begun)
                ended = content.get("result")
                status = ended.status if ended else "died"
                if ended is None:
                    self.failures[label] = content["why"]
                elif status == "failed":
                    self.failures[label] = f"{ended.why} (traceback in the store: conditions/{event.key}/traceback.txt)"
                if status != "stopped":
                    self._ended.add(event.key)
                self.say(f"  {self._overall()} {status}: {label}, {took}")

    def _overall(self) -> str:
        return f"[{len(self._ended)}/{len(self.labels)}]"

    def _left(self) -> float | None:
        """Seconds left for everything, from the price of what has ended."""
        total = sum(self.costs.values())
        done = sum(self.costs.get(key, 0.0) for key in self._ended)
        done += sum(self.costs.get(key, 0.0) * row.step / row.of for key, row in self._rows.items() if row.of)
        return (time.monotonic() - self._begun) * (total - done) / done if done > 0.02 * total > 0 else None

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
        for _ in range(4):
            table.add_column(no_wrap=True)
        for key, row in self._rows.items():
            share = row.step / row.of if row.of else 0.0
            left = row.left()
            numbers = "  ".join(f"{name} {value:.4g}" for name, value in row.note.items())
            table.add_row(
                Text(self.labels[key]),
                f"{share:4.0%}",
                f"{row.step}/{row.of}",
                numbers,
                f"{duration(left)} left" if left is not None else "",
            )
        left = self._left()
        table.add_row(Text(f"{self._overall()} conditions"), "", "", "", "" if left is None else f"{duration(left)} left in all")
        return table


class Line:
    """Progress of one job of ``of`` steps, ``done`` of them before now: one live line, or a plain one now and then."""

    def __init__(self, console: Console, what: str, of: int, done: int = 0) -> None:
        self.console, self.what, self.of = console, what, of
        self._row = _Row(time.monotonic(), first=done, first_at=time.monotonic(), step=done, of=of)
        self._spoke = time.monotonic()
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> "Line":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def at(self, step: int, note: str = "") -> None:
        """So many steps are done."""
        self._row.step = step
        if not self._live and time.monotonic() - self._spoke < QUIET_SECONDS:
            return
        self._spoke = time.monotonic()
        left = self._row.left()
        words = f"  {step} of {self.of} {self.what}" + (f", {note}" if note else "")
        words += f", {duration(left)} left" if left is not None else ""
        if self._live:
            self._live.update(Text(words), refresh=True)
        else:
            self.console.print(words, markup=False)
