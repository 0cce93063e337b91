"""``genlab judged``: what judges said, a table a benchmark; no two judges ever share a row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from genlab.cli.screen import err, out, usage

if TYPE_CHECKING:
    from genlab.evaluation.judges.summary import Summary
    from genlab.intervals import Interval

TITLES = {"alpaca_eval": "AlpacaEval 2.0", "mt_bench": "MT-Bench", "wild_bench": "WildBench"}
LEGEND = (
    "win: preferred to the reference; LC: at equal lengths (? not converged, or moved far); chars: mean length of an answer; "
    "first: how far what stands first is preferred, 50 is no bias; longer: how often the longer answer wins"
)


def judged(
    place: Annotated[str, typer.Argument(help="A log of a judged task, or a folder of logs")],
    gamed: Annotated[str | None, typer.Option(help="AlpacaEval's df_gamed.csv: for the leaderboard's length control")] = None,
    annotations: Annotated[str | None, typer.Option(help="Write the preferences in AlpacaEval's format, .json")] = None,
    families: Annotated[
        str | None,
        typer.Option(help="JSON of every model, reference and judge to its family: for self-preference of several judges"),
    ] = None,
    resamples: Annotated[
        int | None,
        typer.Option(min=20, help="Of the bootstraps; default 2000, a tenth of them for length control, which fits anew"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON")] = False,
) -> None:
    """Show what judges said of models: a table a benchmark, judge and date in every row."""
    from genlab.evaluation.judges.results import read
    from genlab.evaluation.judges.summary import favouritism, summary
    from genlab.grading.annotations import write_annotations
    from genlab.grading.gamed_baselines import read_gamed_baselines

    with usage():
        found = read(place)
        try:
            baselines = read_gamed_baselines(gamed) if gamed else None
            known = json.loads(Path(families).read_text("utf-8")) if families else None
        except OSError as error:
            raise ValueError(f"cannot read {error.filename}: {error.strerror}") from error
        if known is not None and not isinstance(known, dict):
            raise ValueError(f'{families} is no JSON object of names and families, such as {{"openai/gpt-4o": "GPT"}}')
        if annotations:
            notes = [note for each in found for note in each.annotations()]
            if not notes:
                raise ValueError(f"{place} holds no preference to write: only AlpacaEval's and WB-Reward's logs have some")
            write_annotations(annotations, notes)
        how = {} if resamples is None else {"resamples": resamples, "controlled_resamples": resamples // 10}
        summaries = [summary(each, gamed=baselines, **how) for each in found]
        own = favouritism(found, families=known) if known is not None else {}
    if as_json:
        typer.echo(json.dumps([_plain(each) for each in summaries], indent=2))
        return
    for kind in dict.fromkeys((each.judged.benchmark, each.judged.questions) for each in summaries):
        its = [each for each in summaries if (each.judged.benchmark, each.judged.questions) == kind]
        out.print(_table(f"{TITLES[kind[0]]}, {kind[1]}", its))
    if any(each.judged.benchmark == "alpaca_eval" for each in summaries):
        out.print(LEGEND, style="dim", markup=False)
    for judge, preference in own.items():
        said = preference if isinstance(preference, str) else f"{preference.difference} more than judges of other families do"
        out.print(f"{judge} prefers its own family's answers: {said}", markup=False)
    for each in summaries:
        for note in each.notes:
            err.print(f"{each.judged.model}, by {each.judged.judge}: {note}", style="yellow", markup=False)


def _table(title: str, summaries: "Sequence[Summary]") -> Table:
    """A row a model, judge and settings."""
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    alike = len({_who(each) for each in summaries}) < len(summaries)
    rows = [_shared(each, alike) | _columns(each) for each in summaries]
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name not in ("model", "judge"))
    for row in rows:
        table.add_row(*(row.get(name, "–") for name in names))
    return table


def _who(each: "Summary") -> tuple[str, ...]:
    its = each.judged
    return its.model, its.judge, its.questions


def _shared(each: "Summary", alike: bool) -> dict[str, str]:
    """Who judged whom, when; the digest of the settings where rows are else alike."""
    its = each.judged
    lost = {"ungraded": str(each.ungraded), "unanswered": str(each.unanswered)}
    settings = {"settings": its.settings} if alike else {}
    return {
        "model": its.model,
        "judge": its.judge,
        "date": its.date,
        **settings,
        "n": str(each.n),
    } | lost


def _columns(each: "Summary") -> dict[str, str]:
    """The benchmark's own numbers."""
    length = {"chars": "–" if each.average_characters is None else f"{each.average_characters:.0f}"}
    first = {"first %": _share(each.position.first if each.position else None)}
    if each.judged.benchmark == "alpaca_eval":
        controlled = each.length_controlled
        mark = " ?" if controlled and (not controlled.converged or controlled.extreme) else ""
        return {
            "win %": _share(each.win_rate.win_rate if each.win_rate else None),
            "discrete %": _share(each.win_rate.discrete_win_rate if each.win_rate else None),
            "LC %": _share(controlled.win_rate if controlled else None) + mark,
            **length,
            **first,
            "longer %": _share(each.verbosity.prefers_longer if each.verbosity else None),
        }
    if each.judged.benchmark == "mt_bench":
        return {name: _number(each.ratings.get(name)) for name in ("turn 1", "turn 2", "mean")} | length
    margin = "none" if each.judged.margin is None else str(each.judged.margin)
    reward = {} if each.reward is None else {f"WB-Reward, K={margin}": _number(each.reward), **first}
    return {"WB-Score": _number(each.score), **reward, **length}


def _share(interval: "Interval | None") -> str:
    return "–" if interval is None else f"{100 * interval.centre:.1f} [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"


def _number(interval: "Interval | None") -> str:
    return "–" if interval is None else f"{interval.centre:.2f} [{interval.low:.1f}, {interval.high:.1f}]"


def _plain(each: "Summary") -> Mapping[str, Any]:
    """A summary without its items."""
    found = asdict(each)
    found["judged"].pop("items")
    if found["length_controlled"]:
        found["length_controlled"].pop("predicted")
    return found
