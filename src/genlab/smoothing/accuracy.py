"""Certified accuracy: the share of images whose class is right and certain within a radius; tables and curves of it.

Intervals are Wilson's and speak of other images of the kind. That each certificate is itself wrong with probability alpha is not
in them: ``high_probability`` takes it in, as the paper does.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from genlab.intervals import CONFIDENCE, Interval, wilson
from genlab.smoothing.bounds import check_alpha
from genlab.smoothing.records import Row


class Certified(Protocol):
    """A ``Certificate``, or what says as much: a class or None, and a radius."""

    @property
    def label(self) -> int | None:
        """The certified class, None: it abstained."""

    @property
    def radius(self) -> float:
        """L2."""


def certified_accuracy(
    certificates: Sequence[Certified], labels: Sequence[int], radii: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[Interval, ...]:
    """The share of images certified as what they are, within each radius; one that abstained is none of them.

    Args:
        certificates: one an image.
        labels: the true classes.
        radii: L2, in the unit of the certificates.
        confidence: of the intervals, over images.

    Raises:
        ValueError: no image, or not one label an image.
    """
    if len(certificates) != len(labels):
        raise ValueError(f"one label an image is needed, got {len(labels)} for {len(certificates)} certificates")
    held = [each.radius for each, label in zip(certificates, labels, strict=True) if each.label == int(label)]
    return _shares(held, len(labels), radii, confidence)


def accuracy_of(rows: Sequence[Row], radii: Sequence[float], confidence: float = CONFIDENCE) -> tuple[Interval, ...]:
    """``certified_accuracy`` of the rows of a file. Of predictions, which have no radius, only that at 0 is known.

    Raises:
        ValueError: no row, or a radius above 0 of a file of predictions.
    """
    if any(row.radius is None for row in rows) and any(radius > 0 for radius in radii):
        raise ValueError("a file of predictions certifies no radius: ask for radius 0, or run certify")
    return _shares([row.radius or 0.0 for row in rows if row.correct], len(rows), radii, confidence)


def abstention(rows: Sequence[Row], confidence: float = CONFIDENCE) -> Interval:
    """The share of images without an answer.

    Raises:
        ValueError: no row.
    """
    return wilson(sum(row.predict is None for row in rows), len(rows), confidence)


def curve(rows: Sequence[Row]) -> tuple[tuple[float, float], ...]:
    """Certified accuracy as a function of the radius: its corners (radius, share), from radius 0 on.

    It falls by steps: up to and including each radius it has the share beside it. At the last corner's end it is 0.

    >>> curve([Row(0, 1, 1, 0.5), Row(1, 1, 1, 0.25), Row(2, 1, 0, 0.9), Row(3, 1, None, 0.0)])
    ((0.0, 0.5), (0.25, 0.5), (0.5, 0.25))

    Raises:
        ValueError: no row, or predictions, which have no radius.
    """
    corners = (0.0, *sorted({row.radius for row in rows if row.correct and row.radius}))
    return tuple((radius, found.centre) for radius, found in zip(corners, accuracy_of(rows, corners), strict=True))


def high_probability(accuracy: float, images: int, *, alpha: float, rho: float) -> float:
    """A bound below the certified accuracy that holds with probability 1 - rho though some certificates are wrong.

    A share alpha of them may be, and by bad luck a few more (Cohen, Rosenfeld & Kolter 2019, official code, analyze.py).

    Args:
        accuracy: certified accuracy as counted.
        images: of how many.
        alpha: probability that one certificate is wrong.
        rho: probability that the bound is.

    Raises:
        ValueError: no image, or an alpha or rho outside (0, 1).
    """
    check_alpha(alpha)
    check_alpha(rho)
    if images < 1:
        raise ValueError(f"a share of images needs at least one, got {images}")
    luck = math.log(1 / rho)
    return accuracy - alpha - math.sqrt(alpha * (1 - alpha) * luck / images) - luck / (3 * images)


def table(files: Mapping[str, Sequence[Row]], radii: Sequence[float], *, markdown: bool = False, digits: int = 3) -> str:
    """Certified accuracy of several files at several radii, with the share that abstained and the number of images.

    Args:
        files: rows by what to call them.
        radii: of the columns.
        markdown: a Markdown table; else columns of text.
        digits: decimals.

    Raises:
        ValueError: as ``accuracy_of``.
    """
    cells = [["", *(f"r = {radius:g}" for radius in radii), "abstain", "n"]]
    for name, rows in files.items():
        shares = [f"{share.centre:.{digits}f}" for share in (*accuracy_of(rows, radii), abstention(rows))]
        cells.append([name, *shares, str(len(rows))])
    if markdown:
        head, *body = ("| " + " | ".join(row) + " |" for row in cells)
        return "\n".join([head, "|" + " --- |" * len(cells[0]), *body])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )
    return "\n".join(lines)


def _shares(held: Sequence[float], images: int, radii: Sequence[float], confidence: float) -> tuple[Interval, ...]:
    if images < 1:
        raise ValueError("a certified accuracy needs at least one image, got none")
    return tuple(wilson(sum(each >= radius for each in held), images, confidence) for radius in radii)
