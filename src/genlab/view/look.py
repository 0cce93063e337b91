"""How curves look: the colours, dashes and axes of the report's figures, as values for the page's own plots."""

from typing import Any

import numpy as np

from genlab.results.curves import POINTS
from genlab.results.figures import Figure, Line, Panel
from genlab.results.layout import layout
from genlab.results.legend import BLACK, COLOURS, MARKS, ON_DARK, SOLID, Legend

_DRAWN = Panel("", "x", "y", [Line("", np.array([0.0, 1.0]), np.array([0.0, 1.0]))])

PALETTE: dict[str, Any] = {
    "colours": COLOURS,
    "black": BLACK,
    "dashes": SOLID,
    "marks": list(MARKS),
    "dark": ON_DARK,
    "points": POINTS,
    "layout": layout(_DRAWN, Legend(Figure("", "", "", [_DRAWN]))),
}
