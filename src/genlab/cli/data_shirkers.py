"""``genlab data plant-shirkers`` and ``genlab data find-shirkers``: careless answers, put into data and found in them."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from genlab.cli.making import making
from genlab.cli.screen import out, usage

SHOWN = 20  # rows on the screen


def plant_shirkers(
    data: Annotated[str, typer.Argument(help="Instruction data: a folder of save_to_disk, .jsonl, .parquet, or on the hub")],
    place: Annotated[str, typer.Option("--out", help="A folder that is not there yet")],
    kind: Annotated[str, typer.Option(help="brevity (one short paragraph) or junk (long, and says nothing)")] = "brevity",
    share: Annotated[float, typer.Option(help="Of the rows that are hit")] = 0.2,
    seed: Annotated[int, typer.Option(help="Of which rows")] = 0,
    teacher: Annotated[str, typer.Option(help="An Inspect model that writes; rows of skillworld need none")] = "",
    inspect: Annotated[
        list[str] | None, typer.Option(help="An option of Inspect or of the teacher, e.g. temperature=0.7; may be repeated")
    ] = None,
    max_cost: Annotated[float | None, typer.Option(help="Dollars that all calls may cost; wants --prices")] = None,
    prices: Annotated[str | None, typer.Option(help="YAML file of dollars a million tokens, by model")] = None,
) -> None:
    """Replace a share of the answers by careless ones, to see what they do to a student. The same command goes on."""
    with usage():
        from genlab.curation.shirkers.spoiling import Spoiling, spoil

        spoiling = Spoiling(data, kind, share, seed, teacher, tuple(inspect or ()), max_cost, prices)
        with making("answers") as show:
            outcome = spoil(spoiling, place, report=lambda done, of: show(done, of, ""))
        cost = "cost unknown (no prices)" if outcome.cost is None else f"cost ${outcome.cost:,.2f}"
        said = f"; {outcome.input_tokens + outcome.output_tokens:,} tokens, {cost}" if teacher else ""
        out.print(f"{outcome.planted:,} of {outcome.rows:,} answers are {kind} shirkers now{said}: {place}", markup=False)


def find_shirkers(
    data: Annotated[str, typer.Argument(help="Instruction data: a folder of save_to_disk, .jsonl, .parquet, or on the hub")],
    listed: Annotated[str | None, typer.Option("--out", help="A .jsonl file for the rows it would drop, with reasons")] = None,
    drop: Annotated[str | None, typer.Option(help="A folder, not there yet, for the data without those rows")] = None,
    threshold: Annotated[float | None, typer.Option(help="Score above which a row is dropped; default see docs")] = None,
    embedding: Annotated[str, typer.Option(help="A sentence-transformers model; default counts letters, needs none")] = "",
) -> None:
    """Score every answer beside the others of its data, and show those that look careless, with the reasons."""
    with usage():
        from datasets.utils import disable_progress_bars

        from genlab.curation.shirkers.detecting import THRESHOLD, dropped, score, to_json
        from genlab.finetuning import conversations
        from genlab.skills.files import write_whole

        for each in (listed, drop):
            if each is not None and Path(each).exists():
                raise ValueError(f"{each} is there already: give another")
        if listed is not None and Path(listed).suffix != ".jsonl":
            raise ValueError(f"--out is a .jsonl file, got {listed}")
        whole = conversations.whole(data)
        conversations.read(whole)  # every row can be read
        rows = list(whole)
        limit = THRESHOLD if threshold is None else threshold
        found = dropped(score(rows, model=embedding), limit)
        if found:
            table = Table(box=None, header_style="bold", pad_edge=False)
            for column in ("row", "score", "looks like", "the answer ...", "and begins"):
                table.add_column(column, overflow="fold")
            for one in found[:SHOWN]:
                begins = " ".join(to_json(one, rows[one.index])["answer"].split())[:60]
                table.add_row(str(one.index), f"{one.score:.2f}", one.looks, "; ".join(one.reasons), begins)
            out.print(table)
        more = f", the worst {SHOWN} above" if len(found) > SHOWN else ""
        out.print(
            f"{len(found):,} of {len(rows):,} rows score above {limit:g}{more}. Look before you drop: a short answer to a small "
            "question looks the same",
            markup=False,
        )
        bad = {one.index for one in found}
        kept = [index for index in range(len(rows)) if index not in bad]
        if drop is not None and not kept:
            raise ValueError("no row would be left: give a higher --threshold")
        if listed is not None:
            lines = [json.dumps(to_json(one, rows[one.index]), ensure_ascii=False) + "\n" for one in found]
            write_whole(Path(listed), "".join(lines))
        if drop is not None:
            disable_progress_bars()
            draft = Path(drop).with_name(f"{Path(drop).name}.making")
            whole.select(kept).save_to_disk(str(draft))
            draft.rename(drop)
            out.print(f"The other {len(kept):,}: {drop}", markup=False)
