"""``genlab finetune``: a language model, some conversations, a folder."""

import os
import shlex
import sys
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from genlab.cli.screen import FAILED, INTERRUPTED, err, out, usage

if TYPE_CHECKING:
    from genlab.finetuning.recipe import Recipe
    from genlab.finetuning.run import Outcome


def finetune(
    model: Annotated[str, typer.Argument(help="The model to start from: a Hugging Face folder, or a name on the hub")],
    data: Annotated[str, typer.Argument(help="What to learn: a folder of datasets, a .jsonl, a .parquet, or a name on the hub")],
    place: Annotated[str, typer.Option("--out", help="A folder of its own; the model goes into its model/")],
    lora: Annotated[bool, typer.Option("--lora", help="Train a small adapter beside frozen weights, then merge it")] = False,
    set: Annotated[
        list[str] | None, typer.Option(help="A field of the recipe, e.g. --set step_size=1e-3; may be repeated")
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="auto takes a GPU where there is one")] = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print parameters, tokens, steps and a rough time; train nothing")
    ] = False,
) -> None:
    """Fine-tune a language model on conversations. The same command goes on where it stopped. All fields: docs/finetuning.md."""
    from genlab.finetuning.recipe import Recipe

    speaks = os.environ.get("RANK", "0") == "0"  # one of the processes of accelerate launch
    with usage():
        recipe = Recipe(model, **({"method": "lora"} if lora else {}) | assigned(set or []))
        if dry_run:
            _tell_plan(recipe, data, device)
            return
        try:
            outcome = _run(recipe, data, place, device, speaks)
        except KeyboardInterrupt as stop:
            if speaks:
                again = shlex.join(["genlab", *sys.argv[1:]])
                err.print(f"Stopped; the steps made are kept. To go on:\n  {again}", style="bold", markup=False)
            raise typer.Exit(INTERRUPTED) from stop
    if speaks:
        _tell(outcome)
    if outcome.diverged_at is not None:
        raise typer.Exit(FAILED)


def assigned(assignments: Sequence[str]) -> dict[str, Any]:
    """The recipe's fields that ``name=value`` texts set. Lists are separated by commas, none is None.

    Raises:
        ValueError: not of that form, an unknown field, or a value of the wrong type; the message says what is right.
    """
    import dataclasses
    import difflib

    from pydantic import TypeAdapter, ValidationError

    from genlab.finetuning.recipe import Recipe

    kinds = typing.get_type_hints(Recipe)
    fields = [each.name for each in dataclasses.fields(Recipe) if each.name != "model"]
    found: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise ValueError(f"--set wants name=value, got {assignment!r}")
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(f"a recipe has no field {name!r}.{hint} Its fields: {', '.join(fields)}")
        kind = kinds[name]
        optional = type(None) in typing.get_args(kind)
        many = typing.get_origin(kind) is tuple
        value: Any = None if optional and text.lower() == "none" else text.split(",") if many else text
        try:
            found[name] = TypeAdapter(kind).validate_python(value)
        except ValidationError as error:
            wanted = error.errors()[0]["msg"]
            raise ValueError(f"{name}={text}: {wanted[0].lower()}{wanted[1:]}") from error
    return found


def _run(recipe: "Recipe", data: str, place: str, device: str, speaks: bool) -> "Outcome":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from genlab.finetuning.run import finetune

    columns = (
        TextColumn("step"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out, transient=True, disable=not (speaks and sys.stdout.isatty())) as progress:
        task = progress.add_task("", total=None, loss=float("nan"))
        report = lambda done, of, loss: progress.update(task, completed=done, total=of, loss=loss)
        return finetune(recipe, place, train=data, report=report, device=device)


def _tell(outcome: "Outcome") -> None:
    if outcome.diverged_at is not None:
        err.print(
            f"Diverged: the loss of step {outcome.diverged_at} is no number, so no model was written. Lower step_size.",
            style="red",
            markup=False,
        )
        return
    for count, what in (
        (outcome.cut, "reach max_length, and may have lost their end"),
        (outcome.dropped, "had nothing to learn in it"),
    ):
        if count:
            out.print(f"{count} of {outcome.examples + outcome.dropped} examples {what}", style="yellow", markup=False)
    tenth = max(1, len(outcome.losses) // 10)
    first, last = (sum(loss for _, loss in part) / len(part) for part in (outcome.losses[:tenth], outcome.losses[-tenth:]))
    speed = outcome.tokens / max(outcome.seconds, 1e-9)
    out.print(
        f"{outcome.steps} steps, {outcome.tokens:,} tokens, {speed:,.0f} a second; loss {first:.3f} at first, {last:.3f} at last "
        "(means over a tenth of the steps)",
        markup=False,
    )
    assert outcome.folder is not None
    out.print(f"The model: {Path(outcome.folder).resolve()}", markup=False, soft_wrap=True)


def _tell_plan(recipe: "Recipe", data: str, device: str) -> None:
    from genlab.finetuning.plan import plan
    from genlab.results.duration import duration

    processes = int(os.environ.get("WORLD_SIZE", "1"))
    found = plan(recipe, data, device=device, processes=processes)
    share = f"{found.trained:,} of them trained" if recipe.method == "full" else f"an adapter of {found.trained:,} trained"
    out.print(f"{recipe.model}: {found.parameters:,} parameters, {share}", markup=False)
    out.print(f"{found.examples:,} examples, {found.tokens:,} tokens a pass, {found.steps:,} steps", markup=False)
    out.print(f"About {duration(found.seconds)} on this machine, roughly; nothing was trained", markup=False)
