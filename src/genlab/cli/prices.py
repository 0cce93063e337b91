"""``--dry-run``: what a study's conditions cost, before anything runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from genlab.cli.screen import out
from genlab.results.duration import duration

if TYPE_CHECKING:
    from genlab.studies.study import Condition, Price, Study


def show_prices(conditions: "Sequence[tuple[Study, Condition]]", prices: "dict[str, Price | None]", workers: int) -> None:
    """Print every condition with what it costs at most, and the sum."""
    known = [price for price in prices.values() if price]
    asks = any(price.calls for price in known)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("condition", "id"):
        table.add_column(column, overflow="fold")
    for column in ("records", "time", "memory", *(("calls", "tokens", "dollars") if asks else ())):
        table.add_column(column, justify="right", overflow="fold")
    for study, condition in conditions:
        price = prices[condition.id]
        table.add_row(Text(study.label(condition.settings)), condition.id, *_cells(price, asks))
    out.print(table)
    if not known:
        return
    total = sum(price.seconds for price in known)
    memory = sum(sorted((price.memory_bytes for price in known), reverse=True)[:workers])
    records = sum(price.records for price in known)
    out.print(
        f"{len(conditions)} conditions, at most {records:,} records; at most {duration(total)} of one core, about "
        f"{duration(total / workers)} with {workers} at once, {memory / 2**30:.1f} GB of memory. "
        + ("Time is the processor's alone: how fast a model answers comes on top." if asks else "Timed on this machine just now.")
    )
    if asks:
        dollars = [price.dollars for price in known if price.dollars is not None]
        cost = (
            f"about ${sum(dollars):,.2f}"
            if len(dollars) == len(known)
            else "dollars unknown: --set prices=FILE says what tokens cost"
        )
        calls, tokens = sum(price.calls for price in known), sum(price.tokens for price in known)
        out.print(
            f"About {calls:,} calls of language models and {tokens:,} tokens, counted from the prompts at four characters a "
            f"token; {cost}."
        )


def _cells(price: "Price | None", asks: bool) -> list[str]:
    if price is None:
        return ["?"] * (6 if asks else 3)
    cells = [f"{price.records:,}", duration(price.seconds), f"{price.memory_bytes / 2**20:,.0f} MB"]
    dollars = "?" if price.dollars is None else f"{price.dollars:,.2f}"
    return [*cells, f"{price.calls:,}", f"{price.tokens:,}", dollars] if asks else cells
