"""Reading a picture back: which pixels have a colour, and how far they reach."""

import io
from typing import Literal

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PIL import Image


def coloured(png: bytes, colour: str, opacity: float = 0.9, tolerance: int = 12) -> NDArray[np.bool_]:
    """Rows and columns of the pixels that have this colour, laid on white."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.int64)
    wanted = 255 * (1 - opacity + opacity * np.array(to_rgb(colour)))
    return np.asarray(np.abs(pixels - wanted).max(axis=2) <= tolerance)


def extent(found: NDArray[np.bool_], side: Literal["left", "right"]) -> int:
    """How many pixels high the leftmost or rightmost line that stands upright is."""
    tall = np.flatnonzero(found.sum(axis=0) > 5)
    column = tall[0] if side == "left" else tall[-1]
    for step in range(12):  # a line has a few columns, and its cap stands out to either side
        near = column + (step if side == "left" else -step)
        rows = np.flatnonzero(found[:, near])
        if len(rows) > 5:
            return int(rows[-1] - rows[0])
    raise AssertionError("no line stands upright")


def runs(found: NDArray[np.bool_]) -> list[int]:
    """The longest stretch of pixels in each block of rows, from the top."""
    lengths: list[int] = []
    inside = False
    for row in found:
        filled = np.flatnonzero(row)
        reach = int(filled[-1] - filled[0] + 1) if len(filled) > 3 else 0
        if reach and inside:
            lengths[-1] = max(lengths[-1], reach)
        elif reach:
            lengths.append(reach)
        inside = bool(reach)
    return lengths
