"""Grids of pictures: every pixel survives, what is no picture is refused, and the page fetches nothing."""

import dataclasses
import io
import re

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from tests.results.sample_report import sample

from genlab.results.pictures import SIDE, PictureRow, Pictures, address, enlarged, grid, pixels, png
from genlab.results.report import html

COLOURS = np.arange(3 * 4 * 5).reshape(3, 4, 5) / 59


def shown(**changes: object) -> Pictures:
    rows = (PictureRow("standard", (COLOURS, None), ("cat", "")), PictureRow("<b>smoothed</b>", (COLOURS[:1], COLOURS)))
    return dataclasses.replace(Pictures("grid", "Images", "The first two.", ("frog", "ship"), rows), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_holds_every_pixel(channels: int) -> None:
    with Image.open(io.BytesIO(png(COLOURS[:channels]))) as image:
        found = np.asarray(image)
    assert np.array_equal(found, pixels(COLOURS[:channels]))
    assert np.abs(found.transpose(2, 0, 1) / 255 - COLOURS[:channels]).max() <= 0.5 / 255 + 1e-12


def test_values_outside_the_box_are_cut_and_nan_is_black() -> None:
    assert pixels(np.array([[[-1.0, 2.0, np.nan]]]))[0, :, 0].tolist() == [0, 255, 0]


def test_the_grid_is_one_picture_with_a_cell_for_each() -> None:
    with Image.open(io.BytesIO(grid(shown()))) as image:
        image.load()
        narrow = image.size
    with Image.open(io.BytesIO(grid(shown(rows=())))) as image:
        assert image.size[0] == narrow[0]
        assert image.size[1] < narrow[1]
    assert grid(shown()) == grid(shown())


def test_every_pixel_of_a_picture_is_a_patch_in_the_grid() -> None:
    patches = enlarged(COLOURS)
    assert patches.shape == (SIDE, SIDE, 3)
    down, across = SIDE // 4, SIDE / 5
    middles = patches[[int((row + 0.5) * down) for row in range(4)]][:, [int((column + 0.5) * across) for column in range(5)]]
    assert np.array_equal(middles, pixels(COLOURS))
    with Image.open(io.BytesIO(grid(shown()))) as image:
        sheet = np.asarray(image.convert("RGB"))
    places = sliding_window_view(sheet, (SIDE, SIDE, 3))[:, ::1, 0]
    rows = [place for place in range(len(places)) if (places[place, 230] == patches).all()]
    assert rows == [75]  # at 0.75 inches from the top, 2.3 from the left, 100 pixels an inch


def test_the_page_shows_them_in_place_and_says_names_as_text() -> None:
    page = html(dataclasses.replace(sample(50), pictures=(shown(),)))
    assert page.count(address(COLOURS)) == 2
    assert "&lt;b&gt;smoothed&lt;/b&gt;" in page
    assert "<b>smoothed</b>" not in page
    assert not re.search(r'<img src="(?!data:image/png;base64,)', page)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PictureRow("a", (COLOURS[:2],)), r"are \(1 or 3, height, width\), got \(2, 4, 5\)"),
        (lambda: PictureRow("a", (COLOURS,), ("one", "two")), "one note a picture or none, got 2 of 1"),
        (lambda: shown(columns=("frog",)), "has 1 columns, and row 'standard' 2 pictures"),
        (lambda: dataclasses.replace(sample(50), pictures=(shown(), shown())), "each grid of pictures needs a name of its own"),
    ],
)
def test_what_is_no_grid_is_refused(make: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()  # type: ignore[operator]
