"""``genlab data``: texts to learn from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from genlab.cli import data_instruct, data_shirkers, data_skills
from genlab.cli.making import making
from genlab.cli.packs import PackOption
from genlab.cli.screen import err, out, usage

if TYPE_CHECKING:
    from genlab.curation.recipe import Plan, Recipe
    from genlab.curation.skill_texts import Outcome

app = typer.Typer(help="Data: skills, and texts and instructions that teach them.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def data() -> None:
    """Data: skills, and texts and instructions that teach them."""


app.command("instruct")(data_instruct.instruct)
app.command("skills")(data_skills.skills)
app.command("plant-shirkers")(data_shirkers.plant_shirkers)
app.command("find-shirkers")(data_shirkers.find_shirkers)


@app.command("skill-texts")
def skill_texts(
    place: Annotated[str, typer.Option("--out", help="A folder of its own; it is there when all texts are")],
    pack: PackOption = "skillworld",
    held: Annotated[
        list[str] | None,
        typer.Option(help="Category whose skills are held out; may be repeated; none for none. Default: skillworld's three"),
    ] = None,
    held_topics: Annotated[float, typer.Option(help="Share of topics held out")] = 0.3,
    k: Annotated[str, typer.Option("-k", help="Skills a text")] = "1,2,3",
    n: Annotated[int, typer.Option(help="Texts of each k")] = 100,
    seed: Annotated[int, typer.Option(help="Of the combinations")] = 0,
    teacher: Annotated[str, typer.Option(help="An Inspect model; default skillworld's own teacher, exact and free")] = "",
    grader: Annotated[str, typer.Option(help="An Inspect model; default the pack's exact checker")] = "",
    gradings: Annotated[int, typer.Option(help="Independent gradings a text, by a model")] = 3,
    generations: Annotated[int, typer.Option(help="Texts that a model writes for each combination")] = 1,
    max_tries: Annotated[float, typer.Option(help="Texts asked for at most, for each one wanted")] = 10.0,
    inspect: Annotated[
        list[str] | None, typer.Option(help="An option of Inspect or of the teacher, e.g. temperature=0.7; may be repeated")
    ] = None,
    grading: Annotated[
        list[str] | None, typer.Option(help="An option of the grader, e.g. temperature=0; may be repeated")
    ] = None,
    max_cost: Annotated[float | None, typer.Option(help="Dollars that all calls may cost; wants --prices")] = None,
    prices: Annotated[str | None, typer.Option(help="YAML file of dollars a million tokens, by model")] = None,
    lost: Annotated[bool, typer.Option("--lost", help="Take others in the place of texts that got no answer")] = False,
    push: Annotated[str | None, typer.Option(help="Push to the hub as owner/name, private at first; wants HF_TOKEN")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be asked and its price; ask nothing")] = False,
) -> None:
    """Have a teacher write texts that show random skills of a pack, and keep those of full marks. The same command goes on."""
    with usage():
        from genlab.curation.hub import expect_pushable
        from genlab.curation.recipe import Recipe, plan

        recipe = Recipe(
            pack=pack,
            held=None if held is None else () if held == ["none"] else tuple(held),
            held_topics=held_topics,
            k=_numbers(k),
            n=n,
            seed=seed,
            teacher=teacher,
            grader=grader,
            gradings=gradings,
            generations=generations,
            max_tries=max_tries,
            inspect=tuple(inspect or ()),
            grading=tuple(grading or ()),
            max_cost=max_cost,
            prices=prices,
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


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(each) for each in text.split(","))
    except ValueError as error:
        raise ValueError(f"-k wants numbers joined by commas, such as 1,2,3; got {text!r}") from error


def _make(recipe: "Recipe", place: str) -> "Outcome":
    from genlab.curation.skill_texts import skill_texts

    with making("texts") as show:
        return skill_texts(recipe, place, report=lambda k, done, of: show(done, of, f"k={k}"))


def _tell(plan: "Plan", outcome: "Outcome") -> None:
    for count in outcome.counts:
        out.print(str(count), markup=False)
    cost = "unknown (no prices)" if outcome.cost is None else f"${outcome.cost:,.2f}"
    if not plan.own:
        tokens = outcome.input_tokens + outcome.output_tokens + outcome.grader_input_tokens + outcome.grader_output_tokens
        out.print(f"{tokens:,} tokens; cost {cost}", markup=False)
    out.print(f"The texts: {Path(outcome.folder)}; what they are stands in README.md there", markup=False, soft_wrap=True)
    if plan.whole.private:
        err.print(
            "The pack is private, and texts, prompts and logs in this folder show what its skills are: keep it to yourself.",
            style="yellow",
        )


def _tell_price(plan: "Plan") -> None:
    from genlab.curation.pricing import prices

    found = prices(plan)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("k", "texts", "calls", "tokens", "dollars"):
        table.add_column(column, justify="right")
    for each in found:
        dollars = "?" if each.dollars is None else f"{each.dollars:,.2f}"
        table.add_row(str(each.k), f"{each.texts:,}", f"{each.calls:,}", f"{each.tokens:,}", dollars)
    out.print(table)
    train = plan.split.train
    out.print(
        Text(
            f"{plan.teacher} writes, {plan.grader} grades; {len(train.skills)} training skills, {len(train.topics)} training "
            f"topics. This is if every text is kept; at most {plan.recipe.max_tries:g} times as much. Nothing was asked."
        )
    )


__all__ = ["app"]
