"""The command line: the only folder that reads argv or prints. Heavy libraries are imported by the command that needs them."""

import contextlib
import shlex
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genlab.cli import certify, completion, data, finetune, packs, texts
from genlab.cli.grant import Grant, granted
from genlab.cli.judged import judged as show_judged
from genlab.cli.mirrored import copy_verdicts, mirrored
from genlab.cli.prices import show_prices
from genlab.cli.screen import FAILED, INTERRUPTED, err, out, usage
from genlab.cli.view import view as show_view
from genlab.progress import Board
from genlab.results.duration import duration

if TYPE_CHECKING:
    from genlab.mirrors.copying import Copying
    from genlab.results.store import Store
    from genlab.running.cluster import Cluster
    from genlab.running.pool import Pool
    from genlab.studies.catalogue import Choice
    from genlab.studies.reporting import Summary
    from genlab.studies.study import Condition, Price, Study

PRELOAD = (  # what every condition's process imports sooner or later: once, in the fork server
    "genlab.studies.execute",
    "pyarrow.parquet",
    "pandas",
    "safetensors.numpy",
    "filelock",
    "fsspec.implementations.local",
    "pydantic.type_adapter",
)

SHOWN = 200  # conditions in the table of `genlab show`; of more, those that have not finished

app = typer.Typer(
    name="genlab",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(packs.app, name="pack")
app.add_typer(data.app, name="data")
app.command("finetune")(finetune.finetune)
app.command("certify")(certify.certify)
app.command("import")(texts.import_results)
app.command("review")(texts.review)
app.command("view")(show_view)
app.command("judged")(show_judged)


StudyArgument = Annotated[
    str,
    typer.Argument(
        help="A study's name (genlab list), or a file of yours: path/to/file.py:name", autocompletion=completion.studies
    ),
]
StoreArgument = Annotated[str, typer.Argument(help="A store: the folder or fsspec URL given to --out")]


def main() -> None:
    """Entry point of the ``genlab`` command."""
    app()


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        out.print(f"genlab {version('genlab')}")
        raise typer.Exit


@app.callback()
def genlab(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Experiments on generalization: run a published study, and see which of its claims hold."""


@app.command("list")
def list_studies() -> None:
    """List the studies."""
    from genlab.studies.catalogue import STUDIES, presets

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("study", "presets", "asks"):
        table.add_column(column, overflow="fold")
    for name in STUDIES:
        known = presets(name)
        table.add_row(name, ", ".join(known), next(iter(known.values()))()[0].title)
    out.print(table)


@app.command()
def cite(study: StudyArgument) -> None:
    """Print how to cite the paper a study reproduces, as BibTeX."""
    with usage():
        first = _studies(_choice(study, None, None, []))[0]
        if not first.bibtex:
            raise ValueError(f"{first.name} names no paper to cite")
        print(first.bibtex)


@app.command()
def run(
    study: StudyArgument,
    preset: Annotated[
        str | None,
        typer.Option(help="mini: minutes on two cores. paper: the paper's own settings", autocompletion=completion.presets),
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds, from 0")] = None,
    set: Annotated[
        list[str] | None, typer.Option(help="A field of the study, e.g. --set step_size=2/4,2/7; may be repeated")
    ] = None,
    out: Annotated[str | None, typer.Option(help="The store: a folder or fsspec URL; default runs/STUDY")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Conditions at once; default one a core")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train")] = "auto",
    ray: Annotated[
        str | None, typer.Option(help="A Ray cluster: local, auto or HOST:PORT; and what a condition takes: auto,cpus=2,gpus=0.5")
    ] = None,
    mirror: Annotated[
        list[str] | None, typer.Option(help="Copy to tensorboard, wandb, mlflow, trackio or NAME=PLACE; may be repeated")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print conditions and price, run nothing")] = False,
) -> None:
    """Run a study: what is missing in the store, nothing twice. Ends with the claims' verdicts and a report."""
    from genlab.results.store import Store
    from genlab.studies.study import all_conditions

    with _interruptible():
        with usage():
            choice = _choice(study, preset, seeds, set or [])
            studies = _studies(choice)
            if device == "cuda" and not studies[0].computes:
                raise ValueError(f"{studies[0].name} computes nothing here: where a model runs is its provider's business")
            store = Store(out or f"runs/{studies[0].name}")
            conditions = all_conditions(studies)
            if not conditions:
                raise ValueError(f"{studies[0].name} has no condition with these settings: nothing to run")
            grant = granted(ray, device if studies[0].computes else "cpu", len(conditions), workers)
            prices = _priced(conditions, grant.priced_on)
            if dry_run:
                show_prices(conditions, prices, grant.at_once or 1)
                return
            if store.url.startswith("memory:"):
                raise ValueError(
                    f"{store.url} is the memory of one process, and conditions run in others: give a folder or a URL"
                )
            from genlab.studies.reporting import adopt  # draws figures: not for a dry run

            store.prepare()
            adopt(store, studies[0].name, choice.reference)
            there = store.look().entries
            done = {id for id, entry in there.items() if entry.status == "finished"}
            missing = [(each, condition) for each, condition in conditions if condition.id not in done]
            for each, condition in missing:
                each.ready(condition.settings)
            copies = mirrored(mirror or [], store, missing)
            if missing:
                store.put_json("command.json", _command())
        _announce(len(conditions), [prices[condition.id] for _, condition in missing], grant)
        with copies:
            failures = _run(choice, missing, prices, store, grant, copies) if missing else {}
            for label, why in failures.items():
                err.print(f"failed: {label}: {why}", style="red", markup=False)
            with usage(FAILED):
                code = _conclude(store, {condition.id for _, condition in conditions}, studies[0].name, copies)
    raise typer.Exit(FAILED if failures else code)


@app.command()
def show(store: StoreArgument) -> None:
    """Show what a store holds: conditions, and the claims' verdicts."""
    with usage():
        from genlab.results.store import Store
        from genlab.studies.reporting import summaries

        for summary in summaries(Store(store)):
            _show_conditions(summary)
            _show_verdicts(summary)


@app.command()
def report(store: StoreArgument) -> None:
    """Write STORE/report.html, and its figures as PNG and SVG."""
    with usage():
        from genlab.results.store import Store

        _conclude(Store(store))


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends with the command that goes on from there."""
    try:
        yield
    except KeyboardInterrupt as stop:
        err.print(f"Stopped; nothing that was checkpointed is lost. To go on:\n  {_command()}", style="bold", markup=False)
        raise typer.Exit(INTERRUPTED) from stop


def _choice(study: str, preset: str | None, seeds: int | None, assignments: Sequence[str]) -> "Choice":
    from genlab.studies.catalogue import Choice, presets

    if ":" in study:
        file, name = study.rsplit(":", 1)
        study = f"{Path(file).resolve()}:{name}"
    chosen = preset or next(iter(presets(study)))
    return Choice(study, chosen, (*assignments, *([f"seeds={seeds}"] if seeds is not None else [])))


def _studies(choice: "Choice") -> "tuple[Study, ...]":
    from genlab.studies.catalogue import load

    return load(choice)


def _priced(conditions: "Sequence[tuple[Study, Condition]]", device: str) -> "dict[str, Price | None]":
    from rich.progress import track

    # a network is timed once, then known; for tens of large ones that takes minutes
    shown = track(conditions, "pricing", console=out, transient=True, disable=not sys.stdout.isatty())
    return {condition.id: study.price(condition.settings, device) for study, condition in shown}


def _run(
    choice: "Choice",
    conditions: "Sequence[tuple[Study, Condition]]",
    prices: "dict[str, Price | None]",
    store: "Store",
    grant: Grant,
    copies: "Copying",
) -> dict[str, str]:
    """Run conditions; returns why any failed, by label. Ctrl-C lets each reach a checkpoint first."""
    from genlab.running.pool import Task
    from genlab.studies.execute import Place

    labels = {condition.id: study.label(condition.settings) for study, condition in conditions}
    costs = {id: price.seconds for id, price in prices.items() if price and id in labels}
    url = str(store.local.resolve()) if grant.reach and store.local else store.url
    place = Place(url, grant.device, grant.threads)
    dearest_first = sorted(labels, key=lambda id: -costs.get(id, 0.0))
    tasks = [Task(id, (choice, id, place)) for id in dearest_first]
    preload = [*PRELOAD, *dict.fromkeys(name for study, _ in conditions for name in study.preload)]
    board = Board(out, labels, costs)
    pool = grant.pool(tasks, preload)
    with contextlib.ExitStack() as entered:
        with usage():
            entered.enter_context(pool)
        entered.enter_context(board)
        try:
            for event in pool.events():
                board.on(event)
                copies.on(event)
        except KeyboardInterrupt:
            _stop(pool, board, copies)
            raise
    return board.failures


def _stop(pool: "Pool | Cluster", board: "Board", copies: "Copying") -> None:
    board.say("stopping: each condition writes a checkpoint (Ctrl-C again to stop at once)")
    with contextlib.suppress(KeyboardInterrupt):
        for event in pool.stop():
            board.on(event)
            copies.on(event)


def _announce(total: int, prices: "Sequence[Price | None]", grant: Grant) -> None:
    done = total - len(prices)
    known = [price.seconds for price in prices if price]
    cost = f", at most about {duration(sum(known) / (grant.at_once or 1))}" if known else ""
    already = f"{done} of {total} conditions are in the store; " if done else ""
    if prices:
        plural = "condition" if len(prices) == 1 else "conditions"
        out.print(f"{already}{len(prices)} {plural} to run, {grant.words}{cost}", markup=False)
    else:
        out.print(f"All {total} conditions are in the store; nothing to run")


def _conclude(store: "Store", expected: "Collection[str]" = (), study: str | None = None, copies: "Copying | None" = None) -> int:
    """Write the report of every study in the store and show its verdicts; 1 if an expected condition has not finished."""
    from genlab.studies.reporting import report_of, summaries, write

    found = summaries(store)
    for summary in found:
        report = report_of(store, summary)
        if study in (None, summary.study.name):
            _show_verdicts(summary)
            out.print(Text(report.headline, style="bold"))
            if copies is not None:
                copy_verdicts(copies, store, summary)
        written = write(store, report, name="report" if len(found) == 1 else f"report-{summary.study.name}")
        figures = f" and {len(report.figures)} figures, PNG and SVG, in figures/" if report.figures else ""
        out.print(Text(f"Report: {_place(store, written[0])}{figures}"), soft_wrap=True)
    finished = {row.id for summary in found for row in summary.rows if row.status == "finished"}
    return 0 if set(expected) <= finished else FAILED


def _place(store: "Store", name: str) -> str:
    return str((store.local / name).resolve()) if store.local else f"{store.url}/{name}"


def _show_conditions(summary: "Summary") -> None:
    table = Table(
        title=Text(summary.study.title), title_justify="left", title_style="bold", box=None, header_style="bold", pad_edge=False
    )
    for column in ("condition", "id", "status", "ended by", "records", "CPU"):
        table.add_column(column, overflow="fold")
    rows = summary.rows
    if len(rows) > SHOWN:
        rows = tuple(row for row in rows if row.status != "finished")[:SHOWN]
    for row in rows:
        table.add_row(Text(row.label), row.id, row.status, Text(row.ending), str(row.records), duration(row.seconds))
    out.print(table)
    if len(rows) < len(summary.rows):
        counts = Counter(row.status for row in summary.rows)
        told = ", ".join(f"{number:,} {status}" for status, number in sorted(counts.items()))
        out.print(
            Text(f"{len(summary.rows):,} conditions: {told}; shown: the first {SHOWN} that have not finished"), soft_wrap=True
        )


def _show_verdicts(summary: "Summary") -> None:
    """Claim by claim: the sentence, what is compared, and each setting's effect with its interval."""
    styles = {"holds": "green", "fails": "red", "undecided": "yellow", "not measured": "dim"}
    for judged in summary.judged:
        claim, style = judged.claim, styles[judged.verdict]
        out.print(Text.assemble((f"{claim.id:<5}", "bold"), (f"{judged.verdict}: ", f"bold {style}"), (claim.sentence, "bold")))
        about = claim.quantity + (f"; paper: {claim.paper}" if claim.paper else "")
        out.print(Padding(Text(about, style="dim"), (0, 0, 0, 5)))
        table = Table.grid(padding=(0, 2))
        for _ in range(4):
            table.add_column(no_wrap=True)
        table.add_column()
        for finding in judged.findings:
            effect = "" if finding.effect is None else f"{finding.effect:.4g}"
            ours = str(finding.interval) if finding.interval else effect
            about = finding.setting + (f" ({finding.note})" if finding.note else "")
            mark = Text(finding.verdict, style=styles[finding.verdict])
            table.add_row(Text(ours), f"n={finding.n}", mark, f"expected {finding.expected}", Text(about))
        out.print(Padding(table, (0, 0, 0, 5)))
    for line in summary.study.numbers(summary.runs):
        out.print(Text(line), soft_wrap=True)
    for warning in summary.warnings:
        out.print(Text(f"Note: {warning}", style="yellow"), soft_wrap=True)


def _command() -> str:
    return shlex.join(["genlab", *sys.argv[1:]])
