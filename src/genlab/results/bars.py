"""Where the bars of a panel stand: a row a category, its bars below one another, each as thick as its panel's others.

Heights are counted in rows from the lowest category, so that both renderers draw the same picture.
"""

import textwrap

import numpy as np
from numpy.typing import NDArray

from genlab.results.curves import LARGEST
from genlab.results.figures import Bars, Panel
from genlab.visible import visible

FILLED = 0.8  # our assumption: the share of a row that its bars fill
NAME = 26  # characters of a name in one line; two lines at most


def categories(panel: Panel) -> list[str]:
    """The categories of all bars, in the order they first appear: the first stands on top.

    >>> categories(Panel("", "", "", bars=(Bars("a", ("x", "z"), np.ones(2)), Bars("b", ("z", "y"), np.ones(2)))))
    ['x', 'z', 'y']
    """
    return list(dict.fromkeys(each for bars in panel.bars for each in bars.categories))


def values(bars: Bars) -> NDArray[np.float64]:
    """The values in float64, NaN where nothing can be drawn."""
    y = np.array(bars.y, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        y[~(np.abs(y) < LARGEST)] = np.nan
    return y


def thickness(panel: Panel) -> float:
    """Of one bar, in rows."""
    return FILLED / max(len(panel.bars), 1)


def places(panel: Panel, bars: Bars) -> NDArray[np.float64]:
    """The middle of each bar, in rows.

    >>> first, second = Bars("a", ("x", "y"), np.ones(2)), Bars("b", ("x", "y"), np.ones(2))
    >>> both = Panel("", "", "", bars=(first, second))
    >>> places(both, first).tolist(), places(both, second).tolist()
    ([1.2, 0.2], [0.8, -0.2])
    """
    names = categories(panel)
    mine = next(place for place, each in enumerate(panel.bars) if each is bars)
    rows = np.array([len(names) - 1 - names.index(each) for each in bars.categories], dtype=np.float64)
    return rows + ((len(panel.bars) - 1) / 2 - mine) * thickness(panel)


def wrapped(name: str, width: int = NAME, most: int = 2) -> list[str]:
    """A name in one or two lines; what does not fit ends in "…".

    >>> wrapped("metaphor"), wrapped("an argument from ignorance and other names of great length")
    (['metaphor'], ['an argument from ignorance', 'and other names of great…'])
    """
    lines = textwrap.wrap(visible(name), width) or [""]
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1][: width - 1].rstrip() + "…"]


def lines_a_row(panel: Panel) -> float:
    """How many lines of text each row has room for: its longest name, or its bars, which take three quarters of a line each."""
    tallest = max((len(wrapped(each)) for each in categories(panel)), default=1)
    return max(tallest + 0.4, 0.85 * len(panel.bars) + 0.5)
