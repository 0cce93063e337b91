"""Which colour and which words each group of a figure's lines gets: one entry a group, the same in every panel."""

from dataclasses import dataclass
from itertools import chain

from genlab.results.figures import Bars, Figure, Line, Rule

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
FAINT, BAR_OPACITY = 0.5, 0.65  # so that what stands behind, and intervals across bars, can be seen
# Plotly's word for a dash -> matplotlib's, then its word for a mark -> matplotlib's.
DASHES: dict[str, str | tuple[int, tuple[int, ...]]] = {
    "solid": "-",
    "dash": "--",
    "dashdot": "-.",
    "dot": ":",
    "longdash": (0, (9, 3)),
    "longdashdot": (0, (9, 3, 1, 3)),
}
MARKS = {"circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v", "x": "X"}
SOLID, DASHED = ("solid", "dashdot", "longdashdot"), ("dash", "dot", "longdash")
BAR = "bar"


@dataclass(frozen=True)
class Entry:
    """One row of a legend: what its lines share, its words, its colour on white, its dash as plotly says it, all faint or not.

    ``mark`` is the mark at its points as plotly says it, "bar" or "hatched bar" for bars, and empty for neither.
    """

    key: str
    label: str
    colour: str
    dash: str
    faint: bool
    mark: str = ""


class Legend:
    """Colours and labels of one figure, given to groups in the order they first appear.

    More groups than colours begin the colours again with another dash, so that two groups do not look the same; marks differ
    from group to group, so that colour is never all that tells lines with marks apart.
    """

    def __init__(self, figure: Figure) -> None:
        drawn: list[Line] = [line for panel in figure.panels for line in panel.lines]
        rules: list[Rule] = [rule for panel in figure.panels for rule in panel.rules]
        bars: list[Bars] = [each for panel in figure.panels for each in panel.bars]
        named = dict.fromkeys(each.group for each in chain[Line | Rule | Bars](drawn, bars, rules) if each.group)
        self._place = {group: index for index, group in enumerate(named)}
        alike: dict[str, list[Line]] = {}
        for line in drawn:
            alike.setdefault(self.key(line), []).append(line)
        blocks = {self.key(each): each for each in bars if self.key(each) not in alike}
        both = {line.group for line in drawn if line.dashed} & {line.group for line in drawn if not line.dashed}
        self.entries = tuple(
            Entry(
                key,
                _label(lines, lines[0].group in both),
                self.colour(lines[0].group),
                self.dash(lines[0]),
                all(line.faint for line in lines),
                self.mark(lines[0]),
            )
            for key, lines in alike.items()
        ) + tuple(
            Entry(key, each.group or each.name, self.colour(each.group), SOLID[0], False, self.mark(each))
            for key, each in blocks.items()
        )

    def key(self, drawn: Line | Bars) -> str:
        """What a line shares with the others of its legend row: its group, or its name where it has none, and its dash."""
        dashed = isinstance(drawn, Line) and drawn.dashed
        return ("group " + drawn.group if drawn.group else "name " + drawn.name) + (", dashed" if dashed else "")

    def colour(self, group: str) -> str:
        """Black for lines without a group."""
        return COLOURS[self._place[group] % len(COLOURS)] if group else BLACK

    def dash(self, line: Line) -> str:
        """The dash of a line, in plotly's words."""
        return (DASHED if line.dashed else SOLID)[self._round(line) % len(SOLID)]

    def mark(self, drawn: Line | Bars) -> str:
        """The mark at a line's points, in plotly's words, or how a bar is filled: see ``Entry``."""
        if isinstance(drawn, Bars):
            return f"hatched {BAR}" if self._round(drawn) % 2 else BAR
        if not drawn.markers:
            return ""
        return list(MARKS)[(self._place.get(drawn.group, 0) + self._round(drawn)) % len(MARKS)]

    def _round(self, drawn: Line | Bars) -> int:
        """How often the colours had begun again when the group's turn came."""
        return self._place.get(drawn.group, 0) // len(COLOURS)


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
