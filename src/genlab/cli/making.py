"""Data that are being made: how far it is, and how a run that stops says what to type."""

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator

import typer

from genlab.cli.screen import FAILED, INTERRUPTED, err, out

Show = Callable[[int, int, str], None]  # of how many are done, of how many, and which


@contextlib.contextmanager
def making(what: str) -> Iterator[Show]:
    """A bar that counts ``what``; a run that cannot go on, and Ctrl-C, end with a line and an exit code of their own."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from genlab.curation.teachers import Unfinished

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(what), TimeRemainingColumn())
    try:
        with Progress(*columns, console=out, transient=True, disable=not sys.stdout.isatty()) as progress:
            bar = progress.add_task("", total=None)
            yield lambda done, of, which: progress.update(bar, description=which, completed=done, total=of)
    except Unfinished as error:
        err.print(f"Not finished: {error}", style="red", markup=False)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt as stop:
        again = shlex.join(["genlab", *sys.argv[1:]])
        err.print(f"Stopped; no reply that came is lost. To go on:\n  {again}", style="bold", markup=False)
        raise typer.Exit(INTERRUPTED) from stop
