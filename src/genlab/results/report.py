"""The report of a study: one HTML page that holds the paper's claims against what was measured, and opens anywhere offline.

The page asks nothing of the network: its scripts are named by hash in its security policy, so no text in it can ever run.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from genlab.results import wording
from genlab.results.claims import SEEDS, Judged
from genlab.results.exhibits import Passages, Table
from genlab.results.figures import Figure
from genlab.results.interactive import described, payload, thins
from genlab.results.pictures import Pictures, address
from genlab.results.strip import WIDTH, strips
from genlab.visible import clipped, pieces

FINISHED = "finished"
MARKS = {"holds": "✓", "fails": "✗", "undecided": "?", "not measured": "–"}
OUTCOMES = {"success": ("holds", "✓"), "failure": ("fails", "✗"), "other": ("not-measured", "–")}  # a badge's class and mark


@dataclass(frozen=True)
class ConditionRow:
    """One line of the table of conditions.

    Attributes:
        id: the condition's id.
        label: the condition in a few words, as ``Study.label`` says it.
        settings: its settings; ``seed`` among them.
        status: "finished", "failed", "incomplete", ...: only "finished" counts as a run.
        ending: why it stopped, in the study's words; empty where it has not.
        records: how many records it left.
        seconds: time spent, or None where unknown.
        note: what went wrong, as text: a traceback keeps its lines.
        environment: the key of its environment in ``Report.environments``; empty where unknown.
    """

    id: str
    label: str
    settings: Mapping[str, Any]
    status: str
    ending: str = ""
    records: int = 0
    seconds: float | None = None
    note: str = ""
    environment: str = ""


@dataclass(frozen=True)
class Report:
    """All that a report shows.

    Attributes:
        study, title, paper, bibtex: as on the study.
        command: what to type to make these results again.
        made: when the report was made.
        preset: "miniature", "the paper's own settings": how large the experiment is, in words.
        hardware: "CPU, float64" or "NVIDIA H100": what it ran on, in words.
        judged: the claims beside what was found.
        figures: the study's figures.
        conditions: every condition that was asked for, whether it ran or not.
        settings: the fields of each study value that was run, by a name for it.
        environments: versions and hardware in words, by the digest that conditions name.
        warnings: what a reader must know before any number, such as results of two commits in one store.
        tables, passages, pictures: the study's tables, example texts and grids of images; the names of a kind differ.
        intervals: one sentence: what stands under "Ours", and where its interval comes from.
    """

    study: str
    title: str
    paper: str
    bibtex: str
    command: str
    made: datetime
    preset: str
    hardware: str
    judged: tuple[Judged, ...] = ()
    figures: tuple[Figure, ...] = ()
    conditions: tuple[ConditionRow, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    passages: tuple[Passages, ...] = ()
    pictures: tuple[Pictures, ...] = ()
    intervals: str = SEEDS

    def __post_init__(self) -> None:
        for kind, names in (
            ("table", [each.name for each in self.tables]),
            ("grid of pictures", [each.name for each in self.pictures]),
        ):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(
                    f"each {kind} needs a name of its own, got several of {', '.join(twice)}: one file would replace another"
                )

    @property
    def seeded(self) -> bool:
        """Whether findings are means over seeds: some are, or none was measured."""
        measured = [finding for each in self.judged for finding in each.findings if finding.values]
        return not measured or any(finding.seeds for finding in measured)

    @property
    def runs(self) -> str:
        """What ran, in words: "30 runs, 3 seeds; 1 failed"."""
        done = [row for row in self.conditions if row.status == FINISHED]
        seeds = {json.dumps(seed) for row in done if "seed" in row.settings for seed in _seeds(row.settings)}
        told = f"{wording.plural(len(done), 'run')}, {wording.plural(len(seeds), 'seed')}"
        others = [row.status for row in self.conditions if row.status != FINISHED]
        return told + "".join(f"; {others.count(status)} {status}" for status in dict.fromkeys(others))

    @property
    def headline(self) -> str:
        """The result in one line."""
        counts = ", ".join(row.words for row in wording.tally(each.verdict for each in self.judged))
        return f"{wording.plural(len(self.judged), 'claim')}: {counts}; {self.runs}; {self.hardware}; {self.preset}"


def html(report: Report) -> str:
    """The page, to be written as UTF-8: it is a pure function of the report."""
    scripts = [Markup(asset("report.js"))]
    if report.figures:
        from plotly.offline import get_plotlyjs  # 0.1 s to import, and only a report with figures needs it

        scripts.insert(0, Markup(get_plotlyjs()))
    assert not any(re.search("</script|<!--", script, re.IGNORECASE) for script in scripts), "a script would end early"
    page = _environment().get_template("report.html.jinja")
    text = page.render(
        _seen(report, {row.id: f"#condition-{place}" for place, row in enumerate(report.conditions, start=1)}),
        policy=policy(scripts),
        style=Markup(asset("report.css") + asset("exhibits.css")),
        scripts=scripts,
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # a model's text may hold half a character


def sections(report: Report, places: Mapping[str, str]) -> str:
    """What the study found, as a part of another page: claims, figures, tables, pictures and examples, with no script.

    The page has the styles ``report.css`` and ``exhibits.css``, plotly's script, and ``report.js``, whose ``present`` draws a
    figure.

    Args:
        report: of the study.
        places: where a link to a condition leads, by the condition's id.
    """
    text = _environment().get_template("sections.html.jinja").render(_seen(report, places))
    return text.encode("utf-8", "replace").decode("utf-8")


def _seen(report: Report, places: Mapping[str, str]) -> dict[str, Any]:
    """What the templates know."""
    return {
        "report": report,
        "anchors": places,
        "labels": {row.id: row.label for row in report.conditions},
        "marks": MARKS,
        "wording": wording,
        "strips": strips,
        "strip_width": WIDTH,
        "described": described,
        "thins": thins,
        "data": lambda figure: embedded(payload(figure) | {"file": _file_name(f"{report.study}-{figure.name}")}),
        "differing": _differing,
        "outcomes": OUTCOMES,
        "address": address,
        "pieces": pieces,
        "clipped": clipped,
    }


def _environment() -> Environment:
    loader = FunctionLoader(asset)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def asset(name: str) -> str:
    """A template, style or script of this package."""
    return resources.files("genlab.results").joinpath(name).read_text(encoding="utf-8")


def policy(scripts: Sequence[str]) -> str:
    """Nothing may be fetched, and only these very scripts may run."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def embedded(content: Mapping[str, Any]) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(content, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _seeds(settings: Mapping[str, Any]) -> Sequence[Any]:
    """Of a condition: its own, or as many from it on as its settings say that it trains together."""
    first, count = settings["seed"], settings.get("seeds", 1)
    return range(first, first + count) if isinstance(first, int) and isinstance(count, int) else [first]


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "figure"


def _differing(columns: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[str], bool]]:
    """Rows of a table of several mappings: the field, its value in each, and whether these differ; differing rows first."""
    fields = dict.fromkeys(name for column in columns.values() for name in column)
    rows = []
    for name in fields:
        cells = [wording.value(column[name]) if name in column else "" for column in columns.values()]
        rows.append((name, cells, len(set(cells)) > 1))
    return sorted(rows, key=lambda row: not row[2])
