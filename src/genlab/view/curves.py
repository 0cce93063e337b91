"""Curves of chosen conditions as the page takes them."""

from collections.abc import Sequence
from typing import Any

from genlab.results.curves import POINTS
from genlab.results.interactive import numbers
from genlab.view.series import curves
from genlab.view.watch import Row, Watch
from genlab.visible import visible

MOST_CURVES = 200  # in one plot: our assumption, more cannot be told apart
MOST_POINTS = 60_000  # in one plot: our assumption, plotly draws them within a second
FEWEST = 200  # points of a curve, however many there are


def curves_of(watch: Watch, rows: Sequence[Row], metric: str, axis: str) -> dict[str, Any]:
    """One entry a series: the condition's id, the series' name, its points, and how many were recorded.

    Returns:
        ``{"curves": [...], "lacking": [ids without such readings], "left out": curves beyond what a plot shows}``.
    """
    points = max(min(POINTS, MOST_POINTS // max(len(rows), 1)), FEWEST)
    found: list[dict[str, Any]] = []
    lacking: list[str] = []
    for row in rows:
        try:
            drawn = curves(watch.columns(row), metric, axis, points=points)
        except ValueError:
            drawn = []
        if not drawn:
            lacking.append(row.id)
        for each in drawn:
            entry = {"id": row.id, "name": visible(each.name), "x": numbers(each.x), "y": numbers(each.y)}
            found.append(entry | {"recorded": each.recorded})
    return {"curves": found[:MOST_CURVES], "lacking": lacking, "left out": max(len(found) - MOST_CURVES, 0)}
