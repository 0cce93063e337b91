"""The study's figures: scores over k with intervals, beside the published rows; skill points by category."""

from collections.abc import Callable, Sequence

import numpy as np

from genlab import chance
from genlab.intervals import Interval, cluster_bootstrap
from genlab.results.figures import Array, Bars, Figure, Line, Panel
from genlab.results.runs import Run
from genlab.studies.skill_mix.published import PUBLISHED
from genlab.studies.skill_mix.texts import SCORES, Cell, Score, by_student, main, points_by

REFERENCE = (
    " Dashed, faint: the published leaderboard of March 2024 (GPT-4 as grader, other skills and topics, best of 3). "
    "Another pack, another grader: not comparable."
)
SHOWN = 12  # skills at either end of the ranking


def figures(runs: Sequence[Run]) -> Sequence[Figure]:
    """Every figure that the runs can fill."""
    found = main(runs)
    if not any(cell.graded for cell in found):
        return ()
    by_models = not all(cell.exact for cell in found)
    published = {score: _published(score) if by_models else [] for score in SCORES}
    made = [
        Figure(
            "scores",
            "Scores over k",
            "Mean over texts (pass@1), with 95% intervals from a bootstrap over combinations.",
            [Panel(name, "k", name, _curves(found, score), y_range=(0, 1), whole_x=True) for score, name in SCORES.items()],
        ),
        Figure(
            "best",
            "Best of the generations" + (", and the published rows" if by_models else ""),
            "Solid: the best of each combination's texts, the paper's way of counting, names deducted as the leaderboard does."
            + (REFERENCE if by_models else ""),
            [
                Panel(name, "k", name, [*_best(found, score), *published[score]], y_range=(0, 1), whole_x=True)
                for score, name in SCORES.items()
            ],
        ),
        Figure(
            "categories",
            "Skill points by category",
            "Share of the skill points earned, by category of skill, all k together; 95% intervals from a bootstrap over "
            "combinations.",
            [
                Panel(
                    f"All k: {', '.join(map(str, sorted({cell.k for cell in found})))}",
                    "category",
                    "skill points earned",
                    [],
                    bars=_categories(found),
                    y_range=(0, 1),
                )
            ],
        ),
    ]
    return [figure for figure in made if any(panel.lines or panel.bars for panel in figure.panels)]


def _curves(found: Sequence[Cell], score: Score) -> list[Line]:
    return _lines(found, lambda cell: cell.mean(score))


def _best(found: Sequence[Cell], score: Score) -> list[Line]:
    return _lines(found, lambda cell: cell.best(f"{score}_unnamed"))


def _lines(found: Sequence[Cell], interval: Callable[[Cell], Interval | None]) -> list[Line]:
    lines = []
    for student, cells in by_student(found).items():
        known = [(cell.k, each) for cell in cells if (each := interval(cell)) is not None]
        if known:
            lines.append(
                Line(
                    student,
                    np.array([k for k, _ in known], float),
                    np.array([each.centre for _, each in known]),
                    group=student,
                    low=np.array([each.low for _, each in known]),
                    high=np.array([each.high for _, each in known]),
                    n=np.array([each.n for _, each in known]),
                    markers=True,
                )
            )
    return lines


def _published(score: Score) -> list[Line]:
    rows: dict[str, list[tuple[int, float]]] = {}
    for row in PUBLISHED:
        rows.setdefault(row.student, []).append((row.k, float(getattr(row, score))))
    return [
        Line(f"{student} (published)", _column(pairs, 0), _column(pairs, 1), group="published 2024", dashed=True, faint=True)
        for student, pairs in rows.items()
    ]


def _column(pairs: Sequence[tuple[int, float]], place: int) -> Array:
    return np.array([pair[place] for pair in pairs], float)


def _categories(found: Sequence[Cell]) -> list[Bars]:
    bars = []
    names = sorted({category for cell in found for row in cell.graded for category in row.categories})
    for student, cells in by_student(found).items():
        values: dict[str, tuple[list[float], list[str]]] = {name: ([], []) for name in names}
        for cell in cells:
            for name, (points, samples) in points_by(cell, "category").items():
                values[name][0].extend(points)
                values[name][1].extend(samples)
        each = [share(*values[name], student, name) for name in names]
        bars.append(
            Bars(
                student,
                names,
                np.array([np.nan if one is None else one.centre for one in each]),
                group=student,
                low=np.array([np.nan if one is None else one.low for one in each]),
                high=np.array([np.nan if one is None else one.high for one in each]),
                n=np.array([0 if one is None else one.n for one in each]),
            )
        )
    return bars


def share(points: Sequence[float], samples: Sequence[str], *key: str) -> Interval | None:
    """A share of points with its interval over combinations, None with fewer than two."""
    if len(set(samples)) < 2:
        return None
    return cluster_bootstrap(points, samples, random=chance.numpy("skill_mix", "share", *key))
