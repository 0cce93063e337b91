"""``genlab import`` and ``genlab review``: texts that were graded elsewhere, and people who judge."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from genlab.cli import viewing
from genlab.cli.screen import out, usage
from genlab.cli.serving import until_interrupted

if TYPE_CHECKING:
    from genlab.grading.graded import GradedText
    from genlab.review.command import Review
    from genlab.review.sitting import Sitting
    from genlab.skills.skill import Skill


def import_results(
    kind: Annotated[Literal["skill-mix"], typer.Argument(help="Whose results: the official Skill-Mix repository's")],
    folder: Annotated[str, typer.Argument(help="The folder that holds their records.csv files, at any depth")],
    out_store: Annotated[str, typer.Option("--out", help="The store to add them to")] = "runs/skill_mix",
) -> None:
    """Read results of the official code, rescore them in both modes, and add them to a store."""
    from genlab.results.store import Store
    from genlab.studies.execute import deposit
    from genlab.studies.skill_mix.importing import conditions
    from genlab.studies.skill_mix.study import SkillMix

    with usage():
        found, problems = conditions(Path(folder))
        store = Store(out_store)
        store.prepare()
        for condition, rows in found:
            new = deposit(store, SkillMix(), condition, rows, "imported", {"imported from": Path(folder).resolve().name})
            graded = sum(row.status == "graded" for row in rows)
            state = f"{len(rows)} texts, {graded} scored" if new else "in the store already"
            out.print(f"{SkillMix.label(condition.settings)}: {state}", markup=False)
    for problem in problems:
        out.print(f"not scored: {problem}", style="yellow", markup=False)
    out.print(f"{len(problems)} problems. The report: genlab report {out_store}", markup=False)


def review(
    place: Annotated[
        str, typer.Argument(help="A store of texts or pictures, or an Inspect log of genlab/skill_mix, or a folder of such logs")
    ],
    n: Annotated[int | None, typer.Option(min=1, help="How many; default 40 texts, or 80 pairs of pictures")] = None,
    seed: Annotated[int, typer.Option(help="Which ones")] = 0,
    pack: Annotated[str | None, typer.Option(help="Texts: the pack of the definitions; default that of the results")] = None,
    folder: Annotated[str | None, typer.Option(help="Where ratings are kept; default review/ beside the results")] = None,
    export: Annotated[str | None, typer.Option(help="Write the page as one HTML file for a colleague, and end")] = None,
    bring: Annotated[list[str] | None, typer.Option("--import", help="A colleague's ratings (.jsonl); may be repeated")] = None,
    port: Annotated[int, typer.Option(help="Of the page, on this machine only; 0 takes a free one")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print where the page is")] = False,
) -> None:
    """Judge blind on a page of your own.

    Texts: how far you and the grader agree; ratings also go into Inspect's logs. Pictures: which of two looks more like a class.
    """
    with usage():
        reviewing: Sitting
        tell: Callable[[], None]
        if viewing.holds_pictures(place):
            looking = viewing.begin(place, folder, n, seed, pack)
            reviewing, what, tell = looking, "pairs of pictures", lambda: viewing.tell(looking, place)
        else:
            reviewing, tell = _texts(place, folder, n, seed, pack)
            what = "texts"
        if export:
            path, count = reviewing.export(export), len(reviewing.chosen)
            out.print(f"wrote {path}: {count} {what}; who made them, and what others made of them, is left out", markup=False)
            return
        if bring:
            out.print(f"took in {len(reviewing.bring(bring))} files", markup=False)
        else:
            said = f"{len(reviewing.chosen)} {what}. Everything is saved as you click; end with Ctrl-C."
            until_interrupted(reviewing.serve(port=port), said, browser=not no_browser)
        if reviewing.files:
            tell()


def _texts(place: str, folder: str | None, n: int | None, seed: int, pack: str | None) -> "tuple[Sitting, Callable[[], None]]":
    """A review of texts, and what tells its outcome."""
    from genlab.review.command import review as begin
    from genlab.review.items import TEXTS

    rows, skills, logs, home = _results(place, pack)
    reviewing = begin(rows, skills, Path(folder) if folder else home / "review", n=n or TEXTS, seed=seed)
    return reviewing, lambda: _tell(reviewing, place, rows, logs)


def _results(place: str, pack: str | None) -> "tuple[list[GradedText], dict[str, Skill], list[Path], Path]":
    """The rows of a store or of logs, the definitions, the logs, and the folder that they are in."""
    from genlab.skills.pack import load

    path = Path(place)
    if (path / "store.json").is_file():
        from genlab.results.store import Store
        from genlab.results.texts import texts

        runs = Store(place).runs("skill_mix")
        rows = [row for run in runs for row in texts(run)]
        packs = {run.settings["pack"] for run in runs}
        logs, home = sorted(path.glob("conditions/*/logs/**/*.eval")), path
    else:
        from genlab.evaluation.logs import packs_of, read_texts

        rows, packs = read_texts(path), packs_of(path)
        logs, home = ([path], path.parent) if path.is_file() else (sorted(path.glob("**/*.eval")), path)
    names = [pack] if pack else sorted(packs)
    skills = {skill.name: skill for name in names for skill in load(name).skills}
    return rows, skills, logs, home


def _tell(reviewing: "Review", place: str, rows: "list[GradedText]", logs: list[Path]) -> None:
    """Write what came of it, and into the logs; say where and how far people and grader agree."""
    from genlab.review import remarks
    from genlab.review.attach import attach
    from genlab.review.outcome import headline

    said: dict[tuple[str, str, str, int], tuple[str, ...]] = {}
    for log in logs:
        said |= remarks.read(log)
    comparison = reviewing.compare(remarks=said)
    out.print(headline(comparison), markup=False)
    for path in reviewing.write(comparison, source=place):
        out.print(f"wrote {path}", markup=False)
    ratings = reviewing.ratings()
    for flaw in ratings.flaws:
        out.print(f"left out: {flaw}", style="yellow", markup=False)
    added = sum(attach(log, rows, ratings) for log in logs)
    out.print(f"{added} ratings added to Inspect's logs", markup=False)
