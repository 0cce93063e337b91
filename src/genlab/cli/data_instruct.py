"""``genlab data instruct``: instructions that need random skills, and their answers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from genlab.cli.making import making
from genlab.cli.packs import PackOption
from genlab.cli.screen import err, out, usage

if TYPE_CHECKING:
    from genlab.curation.instructions.making import Outcome
    from genlab.curation.instructions.recipe import Plan, Recipe


def instruct(
    place: Annotated[str, typer.Option("--out", help="A folder of its own; it is there when all instructions are")],
    pack: PackOption = "skillworld",
    k: Annotated[int, typer.Option("-k", help="Skills an instruction")] = 2,
    n: Annotated[int, typer.Option("-n", "--max-examples", help="Instructions")] = 100,
    seed: Annotated[int, typer.Option(help="Of skills, query types and topics")] = 0,
    teacher: Annotated[str, typer.Option(help="An Inspect model; default skillworld's own teacher, exact and free")] = "",
    naive: Annotated[bool, typer.Option("--naive", help="No skills: the teacher alone chooses what is asked")] = False,
    named: Annotated[bool, typer.Option("--named", help="An instruction may name its skills")] = False,
    inspect: Annotated[
        list[str] | None, typer.Option(help="An option of Inspect or of the teacher, e.g. temperature=0.7; may be repeated")
    ] = None,
    max_cost: Annotated[float | None, typer.Option(help="Dollars that all calls may cost; wants --prices")] = None,
    prices: Annotated[str | None, typer.Option(help="YAML file of dollars a million tokens, by model")] = None,
    max_tries: Annotated[float, typer.Option(help="Items asked for at most, for each instruction wanted")] = 5.0,
    format: Annotated[
        Literal["conversational", "alpaca"], typer.Option(help="Columns: messages, or Alpaca's")
    ] = "conversational",
    decontaminate: Annotated[
        list[str] | None, typer.Option(help="A benchmark's questions: a file, a folder or a name on the hub; may be repeated")
    ] = None,
    near: Annotated[
        float | None, typer.Option(help="Cosine from which two instructions are one; default 0.9, of skillworld equal ones only")
    ] = None,
    embedder: Annotated[str, typer.Option(help="A sentence-transformers model; default built in")] = "",
    lost: Annotated[bool, typer.Option("--lost", help="Take others in the place of items that got no answer")] = False,
    push: Annotated[str | None, typer.Option(help="Push to the hub as owner/name, private at first; wants HF_TOKEN")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be asked and its price; ask nothing")] = False,
) -> None:
    """Have a teacher write instructions that need k random skills of a pack, with their answers. The same command goes on."""
    with usage():
        from genlab.curation.hub import expect_pushable
        from genlab.curation.instructions.recipe import Recipe, plan

        recipe = Recipe(
            pack=pack,
            k=k,
            n=n,
            seed=seed,
            teacher=teacher,
            naive=naive,
            named=named,
            inspect=tuple(inspect or ()),
            max_cost=max_cost,
            prices=prices,
            max_tries=max_tries,
            format=format,
            decontaminate=tuple(decontaminate or ()),
            near=near,
            embedder=embedder,
            lost=lost,
        )
        found = plan(recipe)
        if dry_run:
            _tell_price(found)
            return
        if push is not None:
            expect_pushable(found.whole, push)
        outcome = _make(recipe, place)
        _tell(found, outcome)
        if push is not None:
            from genlab.curation.hub import push as pushed

            out.print(f"Pushed: {pushed(outcome.folder, push)}", markup=False, soft_wrap=True)


def _make(recipe: "Recipe", place: str) -> "Outcome":
    from genlab.curation.instructions.making import instruct

    with making("instructions") as show:
        return instruct(recipe, place, report=lambda done, of: show(done, of, ""))


def _tell(plan: "Plan", outcome: "Outcome") -> None:
    out.print(str(outcome.count), markup=False)
    if not plan.own:
        cost = "unknown (no prices)" if outcome.cost is None else f"${outcome.cost:,.2f}"
        out.print(f"{outcome.input_tokens + outcome.output_tokens:,} tokens; cost {cost}", markup=False)
    out.print(f"The instructions: {Path(outcome.folder)}; what they are stands in README.md there", markup=False, soft_wrap=True)
    if plan.whole is not None and plan.whole.private:
        err.print(
            "The pack is private, and instructions, prompts and logs in this folder show what its skills are: keep it to "
            "yourself.",
            style="yellow",
        )


def _tell_price(plan: "Plan") -> None:
    from genlab.curation.instructions.pricing import price

    found, recipe = price(plan), plan.recipe
    dollars = "dollars unknown: --prices FILE says what tokens cost" if found.dollars is None else f"${found.dollars:,.2f}"
    what = (
        f"k={recipe.k} of the {len(plan.whole.skills):,} skills of {plan.whole.name}, {len(plan.types)} query types"
        if plan.whole and not recipe.naive
        else "what the teacher chooses"
    )
    out.print(
        f"{recipe.n:,} instructions by {plan.teacher}: {what}. {found.calls:,} calls, {found.input_tokens:,} tokens in, "
        f"{found.output_tokens:,} out; {dollars}. This is if every item is kept at the first try; at most {recipe.max_tries:g} "
        "items are asked for each that is wanted. Nothing was asked.",
        markup=False,
        soft_wrap=True,
    )


__all__ = ["instruct"]
