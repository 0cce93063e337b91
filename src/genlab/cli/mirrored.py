"""What ``genlab run --mirror`` copies: conditions as they run, verdicts at the end."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from genlab.cli.screen import out

if TYPE_CHECKING:
    from genlab.mirrors.copying import Copying
    from genlab.results.store import Store
    from genlab.studies.reporting import Summary
    from genlab.studies.study import Condition, Study


def mirrored(words: Iterable[str], store: "Store", conditions: "Sequence[tuple[Study, Condition]]") -> "Copying":
    """The mirrors that were typed, ready for the conditions that will run.

    Raises:
        ValueError: a mirror that there is not, or a place that it cannot use.
        ModuleNotFoundError: a mirror's library is missing.
    """
    from genlab.mirrors.copying import Copying, run_id
    from genlab.mirrors.mirror import Copied
    from genlab.mirrors.named import named

    copied = {
        condition.id: Copied(run_id(_place(store), condition.id), study.name, study.label(condition.settings), condition.settings)
        for study, condition in conditions
    }
    return Copying(named(words, store), copied, lambda text: out.print(text, style="yellow", markup=False, soft_wrap=True))


def copy_verdicts(copies: "Copying", store: "Store", summary: "Summary") -> None:
    """A study's verdicts, to every mirror."""
    from genlab.mirrors.copying import run_id
    from genlab.mirrors.mirror import Copied
    from genlab.results.verdict_rows import verdict_rows

    name = summary.study.name
    copies.verdicts(Copied(run_id(_place(store), f"verdicts-{name}"), name, "verdicts", {}), verdict_rows(name, summary.judged))


def _place(store: "Store") -> str:
    return str(store.local.resolve()) if store.local else store.url
