"""CIFAR-10 (Krizhevsky 2009) from Parquet files in the schema of the hub's uoft-cs/cifar10: ``img`` {bytes, path}, ``label``.

Every file, row count, class count and image is checked: a subset of a broken copy would look like a result.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from genlab.training.parquet import Source

CLASSES = 10
SHAPE = (32, 32, 3)  # height, width, channel
PER_CLASS: Mapping[str, int] = {"train": 5000, "test": 1000}  # Krizhevsky 2009: images of each class


def _has_images(types: Mapping[str, Any]) -> bool:
    image, label = types.get("img", pa.null()), types.get("label", pa.null())
    inside = {field.name: field.type for field in image} if pa.types.is_struct(image) else {}
    blob = inside.get("bytes", pa.null())
    return bool((pa.types.is_binary(blob) or pa.types.is_large_binary(blob)) and pa.types.is_integer(label))


SOURCE = Source(
    title="CIFAR-10",
    hub="uoft-cs/cifar10",
    places=("cifar10/plain_text", "cifar10", "plain_text", "."),
    columns=("img", "label"),
    expected="img: struct<bytes: binary, path: string>, label: int64",
    fits=_has_images,
)


@dataclass(frozen=True, eq=False)
class Images:
    """Images as stored: ``pixels`` uint8 (n, 32, 32, 3), ``labels`` int64 (n,); ``jpeg`` if any was compressed with loss."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    jpeg: bool


def read(data_dir: str | None = None, per_class: Mapping[str, int] = PER_CLASS) -> tuple[Images, Images]:
    """The training and the test images, in the order of the files.

    Looks in ``data_dir``, else in the folder that GENLAB_DATA names, else asks ``datasets`` for the hub's copy.

    Raises:
        ValueError: no data, an unreadable file or image, or columns, rows or class counts other than expected.
    """
    train, test = (_images(SOURCE.tables(split, data_dir), split, per_class[split]) for split in ("train", "test"))
    return train, test


def standardise(train: Images, test: Images, first: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Inputs (n, 3, 32, 32): x / 255, less the mean of each of the 3072 pixels, over its standard deviation.

    Mean and standard deviation are those of all training images whatever ``first``, the number of training images
    returned (Cohen et al. 2021, official code, src/cifar.py and data.py). A pixel that never changes is divided by 1.
    """
    count = len(train.pixels)
    total, squares = np.zeros(SHAPE, np.int64), np.zeros(SHAPE, np.int64)
    for rows in _chunks(count):
        total += train.pixels[rows].sum(axis=0, dtype=np.int64)
        squares += np.square(train.pixels[rows], dtype=np.int64).sum(axis=0)
    mean = total / count / 255
    deviation = np.sqrt(count * squares - total**2) / count / 255  # of exact integers: the same on every machine
    deviation[deviation == 0] = 1

    def scaled(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        out = np.empty((len(pixels), 3, 32, 32), np.float32)
        for rows in _chunks(len(pixels)):
            out[rows] = ((pixels[rows] / 255 - mean) / deviation).transpose(0, 3, 1, 2)
        return out

    return scaled(train.pixels[:first]), scaled(test.pixels)


def _chunks(count: int, size: int = 1000) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))


def _images(tables: Sequence[tuple[str, Any]], split: str, per_class: int) -> Images:
    names, rows = ", ".join(name for name, _ in tables), sum(len(table) for _, table in tables)
    if rows != CLASSES * per_class:
        raise ValueError(f"{names}: expected {CLASSES * per_class:,} {split} rows, got {rows:,}. Is a file missing or too many?")
    labels = np.concatenate([_labels(name, table["label"]) for name, table in tables])
    counts = np.bincount(labels, minlength=CLASSES).tolist()
    if counts != [per_class] * CLASSES:
        raise ValueError(
            f"{names}: expected {per_class:,} {split} images of each class, got {counts}. Fetch the whole set again."
        )
    pixels, row, jpeg = np.empty((rows, *SHAPE), np.uint8), 0, False
    for name, table in tables:
        for place, blob in enumerate(pc.struct_field(table["img"], "bytes").to_pylist()):
            pixels[row] = _decode(blob, f"{name}, row {place}")
            jpeg, row = jpeg or blob.startswith(b"\xff\xd8"), row + 1
    return Images(pixels, labels, jpeg)


def _labels(where: str, column: Any) -> NDArray[np.int64]:
    wrong = [label for label in column.unique().to_pylist() if label is None or not 0 <= label < CLASSES]
    if wrong:
        raise ValueError(f"{where}: expected labels 0 .. {CLASSES - 1}, got {wrong[:5]}")
    return np.asarray(column.to_numpy(), np.int64)


def _decode(blob: bytes | None, where: str) -> NDArray[np.uint8]:
    if blob is None:
        raise ValueError(f"{where}: expected the bytes of an image, got none")
    try:
        with Image.open(io.BytesIO(blob), formats=("PNG", "JPEG")) as image:
            pixels = np.asarray(image)
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        Image.DecompressionBombError,
    ) as error:  # what Pillow raises on broken bytes
        raise ValueError(f"{where}: expected a PNG or JPEG image, but decoding it failed ({error})") from error
    if pixels.shape != SHAPE:
        raise ValueError(f"{where}: expected an image of shape {SHAPE}, got {pixels.shape}")
    return pixels
