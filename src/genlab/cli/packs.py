"""``genlab pack``: list, check and split packs."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from genlab.cli import completion
from genlab.cli.screen import FAILED, out, usage

if TYPE_CHECKING:
    from genlab.skills.pack import Pack

app = typer.Typer(help="Packs: versioned lists of skills and topics.", no_args_is_help=True, rich_markup_mode=None)

OF_PACK = "A shipped pack's name, or a file of yours: .yaml or .csv"
PackArgument = Annotated[str, typer.Argument(help=OF_PACK, autocompletion=completion.packs)]
PackOption = Annotated[str, typer.Option(help=OF_PACK, autocompletion=completion.packs)]


@app.command("list")
def list_packs() -> None:
    """List the packs that come with genlab."""
    from genlab.skills.pack import SHIPPED, load

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("pack", "version", "digest", "skills", "topics", "about"):
        table.add_column(column, overflow="fold")
    for name in SHIPPED:
        pack = load(name)
        table.add_row(pack.name, pack.version, pack.digest, str(len(pack.skills)), str(len(pack.topics)), pack.about)
    out.print(table)


@app.command()
def check(pack: PackArgument) -> None:
    """Find duplicates, near-duplicates, names inside names, examples that name their skill. Exit code 1 on an error."""
    from genlab.skills.check import check
    from genlab.skills.pack import load

    with usage():
        loaded = load(pack)
        problems = check(loaded)
    _show(loaded)
    for problem in problems:
        style = "red" if problem.severity == "error" else "yellow"
        out.print(Text.assemble((f"{problem.severity}: ", style), f"{problem.where}: {problem.what}. {problem.remedy}"))
    errors = sum(problem.severity == "error" for problem in problems)
    out.print(f"{errors} errors, {len(problems) - errors} warnings")
    if errors:
        raise typer.Exit(FAILED)


@app.command()
def split(
    pack: PackArgument,
    public: Annotated[float, typer.Option(help="Share of skills and topics to publish; the paper published 0.1")] = 0.1,
    seed: Annotated[
        int | None,
        typer.Option(help="Which ones: a name's part depends on it and the name only. Default: one that keeps every category"),
    ] = None,
    out_dir: Annotated[
        str, typer.Option("--out", help="Folder for NAME-public.yaml, NAME-private.yaml and NAME-split.json")
    ] = ".",
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there")] = False,
) -> None:
    """Split a pack into a public and a private part, and record the split by hashes."""
    from genlab.skills.pack import load
    from genlab.skills.split import balanced_seed, record_of, save_split, split

    with usage():
        whole = load(pack)
        seed = balanced_seed(whole, public) if seed is None else seed
        parts = split(whole, public, seed=seed)
        record = record_of(whole, parts, seed=seed, fraction=public)
        written = save_split(parts, record, out_dir, whole.name, overwrite=force)
    for part in parts:
        _show(part)
    for path in written:
        out.print(f"wrote {path}", markup=False)
    out.print("Keep the private file to yourself: logs and reports of it show hashes in place of its names.")


def _show(pack: "Pack") -> None:
    counts = {category: sum(skill.category == category for skill in pack.skills) for category in pack.categories}
    told = ", ".join(f"{category} {count}" for category, count in counts.items())
    out.print(
        f"{pack.name} {pack.version} ({pack.digest}): {len(pack.skills)} skills ({told}), {len(pack.topics)} topics", markup=False
    )
