"""``genlab data skills``: a pack extracted from a domain or from seed data."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from genlab.cli.making import making
from genlab.cli.screen import out, usage

if TYPE_CHECKING:
    from genlab.curation.extraction.extract import Outcome
    from genlab.curation.extraction.recipe import Recipe


def skills(
    place: Annotated[str, typer.Option("--out", help="The pack's file, .yaml; what it stands on goes to FILE.making beside it")],
    data: Annotated[str, typer.Option(help="Seed data: a folder, a .jsonl or .parquet file, or a name on the hub")] = "",
    domain: Annotated[str, typer.Option(help="The field, where no seed data are given; default: instruction following")] = "",
    teacher: Annotated[str, typer.Option(help="An Inspect model; default skillworld's own, which asks no model")] = "",
    topics: Annotated[int, typer.Option(help="Topics of the pack, at most")] = 24,
    per_topic: Annotated[int, typer.Option(help="Skills of a topic, at most")] = 20,
    query_types: Annotated[int, typer.Option(help="Query types of the pack, at most")] = 16,
    rounds: Annotated[int, typer.Option(help="Rounds in which a list is asked for, at most; without seed data")] = 6,
    examples: Annotated[int, typer.Option(help="Seed examples that are labelled, at most")] = 200,
    distance: Annotated[float, typer.Option(help="Cosine distance up to which clusters of labels are one; of seed data")] = 0.5,
    near: Annotated[float, typer.Option(help="Cosine from which two skills are duplicates")] = 0.8,
    embedding: Annotated[str, typer.Option(help="A sentence-transformers model; default the built-in, which needs none")] = "",
    tries: Annotated[int, typer.Option(help="Replies asked for at most, until one can be read")] = 5,
    seed: Annotated[int, typer.Option(help="Of the sides that rounds look from, and of the draw of examples")] = 0,
    inspect: Annotated[
        list[str] | None, typer.Option(help="An option of Inspect or of the teacher, e.g. temperature=0.7; may be repeated")
    ] = None,
    max_cost: Annotated[float | None, typer.Option(help="Dollars that all calls may cost; wants --prices")] = None,
    prices: Annotated[str | None, typer.Option(help="YAML file of dollars a million tokens, by model")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be asked and its price; ask nothing")] = False,
) -> None:
    """Extract skills, topics and query types into a pack: of a field, or behind the examples of any data. It can be resumed."""
    with usage():
        from genlab.curation.extraction.recipe import Recipe

        recipe = Recipe(
            data=data,
            domain=domain,
            teacher=teacher,
            topics=topics,
            per_topic=per_topic,
            query_types=query_types,
            rounds=rounds,
            examples=examples,
            distance=distance,
            near=near,
            embedding=embedding,
            tries=tries,
            seed=seed,
            inspect=tuple(inspect or ()),
            max_cost=max_cost,
            prices=prices,
        )
        if dry_run:
            _tell_price(recipe)
        else:
            _tell(recipe, _extract(recipe, place))


def _extract(recipe: "Recipe", place: str) -> "Outcome":
    from genlab.curation.extraction.extract import extract

    with making("asked") as show:
        return extract(recipe, place, report=lambda stage, done, of: show(done, of, stage))


def _tell(recipe: "Recipe", outcome: "Outcome") -> None:
    held = f"{outcome.skills:,} skills, {outcome.topics} topics, {outcome.query_types} query types"
    named = ", ".join(f"{count:,} {what}" for what, count in outcome.named.items())
    out.print(f"{held}{f' (named: {named})' if named else ''}", markup=False)
    if outcome.dropped:
        out.print(f"Left out: {', '.join(f'{count:,} {why}' for why, count in outcome.dropped.items())}", markup=False)
    if not recipe.own:
        unread = sum(outcome.unreadable.values())
        cost = "unknown (no prices)" if outcome.cost is None else f"${outcome.cost:,.2f}"
        tokens = outcome.input_tokens + outcome.output_tokens
        out.print(
            f"{outcome.replies:,} replies to {outcome.requests:,} requests, {unread:,} not readable; {tokens:,} tokens; "
            f"cost {cost}"
        )
    out.print(
        f"The pack: {outcome.file}; read it and edit it, then: genlab pack check {outcome.file}", markup=False, soft_wrap=True
    )


def _tell_price(recipe: "Recipe") -> None:
    from genlab.curation.extraction.pricing import prices
    from genlab.curation.extraction.recipe import expect_askable
    from genlab.curation.extraction.seeds import seeds

    expect_askable(recipe)
    drawn = seeds(recipe.data, recipe.examples, seed=recipe.seed) if recipe.data else None
    found = prices(recipe, drawn)
    if not found:
        out.print("No model is asked: it costs nothing. Nothing was asked.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("stage", "calls", "tokens", "dollars"):
        table.add_column(column, justify="right")
    for each in found:
        table.add_row(each.stage, f"{each.calls:,}", f"{each.tokens:,}", "?" if each.dollars is None else f"{each.dollars:,.2f}")
    out.print(table)
    out.print(
        f"{recipe.teacher} is asked. This is if every reply can be read and brings what it was asked for; at most {recipe.tries} "
        f"tries a call{'' if recipe.data else f' and {recipe.rounds} rounds a list'}. Nothing was asked.",
        markup=False,
    )


__all__ = ["skills"]
