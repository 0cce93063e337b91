"""Image sets, whole, from Parquet files in the schema of the hub's copies: which there are, and how their pixels are read.

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


@dataclass(frozen=True)
class ImageSet:
    """A set of images with labels.

    Attributes:
        source: where it is had; its two columns are the images and the labels.
        shape: height, width and channels of an image.
        counts: images of each class, by split.
        stride: of its ``-1k-strided`` subset, None where there is none.
        channels: mean and standard deviation of each channel, by which ``-channels`` normalises; None where none are published.
    """

    source: Source
    shape: tuple[int, int, int]
    counts: Mapping[str, tuple[int, ...]]
    stride: int | None = None
    channels: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.counts["train"])

    @property
    def inputs(self) -> tuple[int, int, int]:
        """Shape of an input: channels, height, width."""
        return self.shape[2], *self.shape[:2]

    def size(self, split: str) -> int:
        """Images of a split."""
        return sum(self.counts[split])


@dataclass(frozen=True, eq=False)
class Images:
    """Images as stored: ``pixels`` uint8 (n, height, width, channels), ``labels`` int64 (n,); ``jpeg`` if any lost by that."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    jpeg: bool


def _source(title: str, hub: str, name: str, folder: str, image: str, label: str, config: str | None = None) -> Source:
    def fits(types: Mapping[str, Any]) -> bool:
        kind, number = types.get(image, pa.null()), types.get(label, pa.null())
        inside = {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}
        blob = inside.get("bytes", pa.null())
        return bool((pa.types.is_binary(blob) or pa.types.is_large_binary(blob)) and pa.types.is_integer(number))

    return Source(
        title=title,
        hub=hub,
        places=tuple(dict.fromkeys((f"{name}/{folder}", name, folder, "."))),
        columns=(image, label),
        expected=f"{image}: struct<bytes: binary, path: string>, {label}: int64",
        fits=fits,
        config=config,
    )


SETS: Mapping[str, ImageSet] = {
    "cifar10": ImageSet(  # Krizhevsky 2009
        _source("CIFAR-10", "uoft-cs/cifar10", "cifar10", "plain_text", "img", "label"),
        (32, 32, 3),
        {"train": (5000,) * 10, "test": (1000,) * 10},
        stride=50,  # paper 2's code, facts 2.1
        channels=((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),  # Novack et al. 2022, official code, facts 3.1
    ),
    "cifar100": ImageSet(  # Krizhevsky 2009: the 100 fine classes
        _source("CIFAR-100", "uoft-cs/cifar100", "cifar100", "cifar100", "img", "fine_label"),
        (32, 32, 3),
        {"train": (500,) * 100, "test": (100,) * 100},
        channels=((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),  # Novack et al. 2022, official code, facts 3.1
    ),
    "svhn": ImageSet(  # Netzer et al. 2011: 73,257 and 26,032 cropped digits, without the extra ones
        _source("SVHN", "ufldl-stanford/svhn", "svhn", "cropped_digits", "image", "label", "cropped_digits"),
        (32, 32, 3),
        {
            "train": (4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659),
            "test": (1744, 5099, 4149, 2882, 2523, 2384, 1977, 2019, 1660, 1595),
        },
    ),
    "fashion-mnist": ImageSet(  # Xiao, Rasul & Vollgraf 2017
        _source("Fashion-MNIST", "zalando-datasets/fashion_mnist", "fashion-mnist", "fashion_mnist", "image", "label"),
        (28, 28, 1),
        {"train": (6000,) * 10, "test": (1000,) * 10},
        stride=60,  # paper 2's code, facts 2.1
    ),
}


def read(images: ImageSet, data_dir: str | None = None) -> tuple[Images, Images]:
    """The training and the test images, in the order of the files.

    Looks in ``data_dir``, else in the folder that GENLAB_DATA names, else asks ``datasets`` for the hub's copy.

    Raises:
        ValueError: no data, an unreadable file or image, or columns, rows or class counts other than expected.
    """
    train, test = (_images(images, images.source.tables(split, data_dir), split) for split in ("train", "test"))
    return train, test


def standardise(
    train: Images, test: Images, first: int | None = None, stride: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Inputs (n, channels, height, width): x / 255, less the mean of each pixel, over its standard deviation.

    Mean and standard deviation are those of all training images whatever ``first``, the number of training images
    returned, and ``stride``, by which both sets are thinned (Cohen et al. 2021, official code, src/cifar.py and data.py). A
    pixel that never changes is divided by 1.
    """
    count, shape = len(train.pixels), train.pixels.shape[1:]
    total, squares = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for rows in _chunks(count):
        total += train.pixels[rows].sum(axis=0, dtype=np.int64)
        squares += np.square(train.pixels[rows], dtype=np.int64).sum(axis=0)
    mean = total / count / 255
    deviation = np.sqrt(count * squares - total**2) / count / 255  # of exact integers: the same on every machine
    deviation[deviation == 0] = 1

    return _scaled(train.pixels[:first:stride], mean, deviation), _scaled(test.pixels[::stride], mean, deviation)


def normalise(
    train: Images, test: Images, channels: tuple[tuple[float, ...], tuple[float, ...]], first: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Inputs (n, channels, height, width): x / 255, less its channel's given mean, over its channel's given deviation.

    A shifted image is then the shifted input, as cropping at random wants it; a black pixel becomes ``black(channels)``.
    """
    mean, deviation = (np.asarray(each) for each in channels)
    return _scaled(train.pixels[:first], mean, deviation), _scaled(test.pixels, mean, deviation)


def unscaled(images: Images, first: int | None = None) -> NDArray[np.float32]:
    """Inputs (n, channels, height, width) in [0, 1]: x / 255, where noise has its stated size and radii their unit."""
    channels = images.pixels.shape[-1]
    return _scaled(images.pixels[:first], np.zeros(channels), np.ones(channels))


def black(channels: tuple[tuple[float, ...], tuple[float, ...]]) -> tuple[float, ...]:
    """What ``normalise`` makes of a pixel of zeros, one number a channel."""
    return tuple(float(np.float32(-mean / deviation)) for mean, deviation in zip(*channels, strict=True))


def _scaled(pixels: NDArray[np.uint8], mean: NDArray[Any], deviation: NDArray[Any]) -> NDArray[np.float32]:
    count, height, width, channels = pixels.shape
    out = np.empty((count, channels, height, width), np.float32)
    for rows in _chunks(count):
        out[rows] = ((pixels[rows] / 255 - mean) / deviation).transpose(0, 3, 1, 2)
    return out


def _chunks(count: int, size: int = 1000) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))


def _images(images: ImageSet, tables: Sequence[tuple[str, Any]], split: str) -> Images:
    image, label = images.source.columns
    names, rows, expected = ", ".join(name for name, _ in tables), sum(len(table) for _, table in tables), images.counts[split]
    if rows != sum(expected):
        raise ValueError(f"{names}: expected {sum(expected):,} {split} rows, got {rows:,}. Is a file missing or too many?")
    labels = np.concatenate([_labels(name, table[label], len(expected)) for name, table in tables])
    counts = np.bincount(labels, minlength=len(expected)).tolist()
    if counts != list(expected):
        each = f"{expected[0]:,} {split} images of each class"
        if len(set(expected)) > 1:
            each = f"{', '.join(map(str, expected))} {split} images of classes 0 .. {len(expected) - 1}"
        raise ValueError(f"{names}: expected {each}, got {counts}. Fetch the whole set again.")
    pixels, row, jpeg = np.empty((rows, *images.shape), np.uint8), 0, False
    for name, table in tables:
        for place, blob in enumerate(pc.struct_field(table[image], "bytes").to_pylist()):
            pixels[row] = _decode(blob, f"{name}, row {place}", images.shape)
            jpeg, row = jpeg or blob.startswith(b"\xff\xd8"), row + 1
    return Images(pixels, labels, jpeg)


def _labels(where: str, column: Any, classes: int) -> NDArray[np.int64]:
    wrong = [label for label in column.unique().to_pylist() if label is None or not 0 <= label < classes]
    if wrong:
        raise ValueError(f"{where}: expected labels 0 .. {classes - 1}, got {wrong[:5]}")
    return np.asarray(column.to_numpy(), np.int64)


def _decode(blob: bytes | None, where: str, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
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
    stored = shape if shape[2] > 1 else shape[:2]  # grey images have no axis of channels
    if pixels.shape != stored:
        raise ValueError(f"{where}: expected an image of shape {stored}, got {pixels.shape}")
    return pixels.reshape(shape)
