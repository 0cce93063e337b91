"""Pictures that a report shows in a grid: small images as they are, pixel by pixel, under named rows and columns."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SIDE = 96  # pixels of a picture on the page, and in the file of the grid
INK = "#222428"


@dataclass(frozen=True)
class PictureRow:
    """Pictures side by side under one name.

    Attributes:
        images: float, values in [0, 1], shape (channels, height, width) with 1 or 3 channels; None leaves the place empty.
        notes: a few words below each, such as what a judge saw; empty, or one a picture.
    """

    name: str
    images: Sequence[NDArray[np.floating] | None]
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.notes and len(self.notes) != len(self.images):
            raise ValueError(
                f"pictures {self.name!r} need one note a picture or none, got {len(self.notes)} of {len(self.images)}"
            )
        for image in self.images:
            if image is not None and (image.ndim != 3 or image.shape[0] not in (1, 3) or 0 in image.shape):
                raise ValueError(f"pictures {self.name!r} are (1 or 3, height, width), got {image.shape}")


@dataclass(frozen=True)
class Pictures:
    """A grid of pictures; ``name`` becomes the file name, and the caption should say how they were chosen."""

    name: str
    title: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[PictureRow] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.images) != len(self.columns):
                raise ValueError(
                    f"grid {self.name!r} has {len(self.columns)} columns, and row {row.name!r} {len(row.images)} pictures"
                )


def pixels(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Bytes of a picture, (height, width, 3); values outside [0, 1] are cut off, and what is no number is black.

    >>> pixels(np.array([[[0.0, 0.5, 2.0]]]))[0, :, 0].tolist()
    [0, 128, 255]
    """
    whole = np.nan_to_num(np.clip(image, 0, 1), nan=0.0)
    bytes_ = np.rint(255 * whole).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(bytes_, (3, *bytes_.shape[1:])).transpose(1, 2, 0))


def png(image: NDArray[np.floating]) -> bytes:
    """One picture as a PNG of its own size."""
    from PIL import Image  # comes with matplotlib

    file = io.BytesIO()
    Image.fromarray(pixels(image)).save(file, "PNG", optimize=True)
    return file.getvalue()


def enlarged(image: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Bytes of a picture of ``SIDE`` pixels a side, each of its own pixels a patch."""
    height, width = image.shape[1:]
    down, across = (np.arange(SIDE) * size // SIDE for size in (height, width))
    patches: NDArray[np.uint8] = pixels(image)[down][:, across]
    return patches


def address(image: NDArray[np.floating]) -> str:
    """A picture as the address that an ``img`` element shows without asking the network."""
    return "data:image/png;base64," + base64.b64encode(png(image)).decode()


def grid(pictures: Pictures, *, dpi: int = 100) -> bytes:
    """The whole grid as one PNG for a paper: names at the left, columns above, notes below each picture."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    noted = any(row.notes for row in pictures.rows)
    wide, high = len(pictures.columns), max(len(pictures.rows), 1)
    cell, left, top, below = SIDE / dpi, 2.3, 0.75, 0.2 if noted else 0.05  # inches
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        canvas = Canvas(figsize=(left + wide * (cell + 0.06) + 0.1, top + high * (cell + below)), dpi=dpi, facecolor="white")
        FigureCanvasAgg(canvas)
        width, height = canvas.get_size_inches()
        sheet = np.full((round(height * dpi), round(width * dpi), 3), 255, np.uint8)  # one picture of all: axes for each are slow
        canvas.text(0.1 / width, 1 - 0.12 / height, pictures.title, va="top", fontsize=10, color=INK)
        for across, name in enumerate(pictures.columns):
            middle = (left + across * (cell + 0.06) + cell / 2) / width
            canvas.text(middle, 1 - (top - 0.08) / height, name, ha="center", va="bottom", fontsize=8, color=INK)
        for down, row in enumerate(pictures.rows):
            foot = height - top - down * (cell + below) - cell
            canvas.text(
                (left - 0.1) / width, (foot + cell / 2) / height, row.name, ha="right", va="center", fontsize=8, color=INK
            )
            for across, image in enumerate(row.images):
                start = left + across * (cell + 0.06)
                if image is not None:
                    x, y = round(start * dpi), round((top + down * (cell + below)) * dpi)
                    sheet[y : y + SIDE, x : x + SIDE] = enlarged(image)
                if row.notes:
                    place = ((start + cell / 2) / width, (foot - 0.03) / height)
                    canvas.text(*place, row.notes[across], ha="center", va="top", fontsize=6.5, color=INK)
        canvas.figimage(sheet, zorder=-1)
        file = io.BytesIO()
        canvas.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
