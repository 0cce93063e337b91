"""Which colour and which words each group of a figure's lines gets: one entry a group, the same in every panel."""

from dataclasses import dataclass
from itertools import chain
from typing import Literal

from genlab.results.figures import Figure, Line, Rule

# Okabe & Ito 2008, "Color Universal Design", without its yellow, which is lost on white; their lighter twins on black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BLACK = "#000000"
ON_DARK = {
    "#0072B2": "#3B9BE0",
    "#D55E00": "#F0742A",
    "#009E73": "#22B98D",
    "#CC79A7": "#DE96BD",
    "#E69F00": "#EBB03A",
    "#56B4E9": "#9AD8FA",
    BLACK: "#E9EAEC",
}
FAINT = 0.35  # opacity
Stroke = Literal["-", "--", "-.", ":"]  # matplotlib's
DASHES: dict[str, Stroke] = {"solid": "-", "dash": "--", "dashdot": "-.", "dot": ":"}  # plotly's word -> matplotlib's


@dataclass(frozen=True)
class Entry:
    """One row of a legend: what its lines share, its words, its colour on white, its dash as plotly says it, all faint or not."""

    key: str
    label: str
    colour: str
    dash: str
    faint: bool


class Legend:
    """Colours and labels of one figure, given to groups in the order they first appear.

    More groups than colours begin the colours again with another dash, so that two groups never look the same.
    """

    def __init__(self, figure: Figure) -> None:
        drawn: list[Line] = [line for panel in figure.panels for line in panel.lines]
        rules: list[Rule] = [rule for panel in figure.panels for rule in panel.rules]
        named = dict.fromkeys(each.group for each in chain[Line | Rule](drawn, rules) if each.group)
        self._place = {group: index for index, group in enumerate(named)}
        alike: dict[str, list[Line]] = {}
        for line in drawn:
            alike.setdefault(self.key(line), []).append(line)
        both = {line.group for line in drawn if line.dashed} & {line.group for line in drawn if not line.dashed}
        self.entries = tuple(
            Entry(
                key,
                _label(lines, lines[0].group in both),
                self.colour(lines[0].group),
                self.dash(lines[0]),
                all(line.faint for line in lines),
            )
            for key, lines in alike.items()
        )

    def key(self, line: Line) -> str:
        """What a line shares with the others of its legend row: its group, or its name where it has none, and its dash."""
        return ("group " + line.group if line.group else "name " + line.name) + (", dashed" if line.dashed else "")

    def colour(self, group: str) -> str:
        """Black for lines without a group."""
        return COLOURS[self._place[group] % len(COLOURS)] if group else BLACK

    def dash(self, line: Line) -> str:
        """The dash of a line, in plotly's words."""
        again = line.group != "" and self._place[line.group] >= len(COLOURS)
        return ("dot" if again else "dash") if line.dashed else ("dashdot" if again else "solid")


def short(words: str, most: int = 28) -> str:
    """Words that fit beside an axis.

    >>> short("2/η = 40"), short("a name that nobody would write on an axis")
    ('2/η = 40', 'a name that nobody would wr…')
    """
    return words if len(words) <= most else words[: most - 1] + "…"


def _label(lines: list[Line], both: bool) -> str:
    first = lines[0]
    if not first.group:
        return first.name
    if not both:
        return first.group
    names = {line.name for line in lines}
    told = names.pop() if len(names) == 1 else ("dashed" if first.dashed else "solid")
    return first.group if told == first.group else f"{first.group}, {told}"
