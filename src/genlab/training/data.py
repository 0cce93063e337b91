"""The data sets experiments on training dynamics are run on, by name; the same data for every seed of a network.

    cifar10, cifar10-N     first N training images, standardised with statistics of all 50,000; test always 10,000
    chebyshev-K-N          x evenly on [-1, 1], y = T_K(x), N points
    linear-N-N             X'X / N = I, Y = X A', A standard normal: noiseless
    digits, digits-N       ours, for miniatures: scikit-learn's 8 x 8 digits, first N of 1,000 to train, 797 to test
    sparse-regression-D-N-S, parity-D-N     drawn anew for every draw: synthetic.py
    text:FILE, wikitext-2, grammar-N, ...   rows of tokens: text.py

N may be written 5k for 5000. Images and regression but digits are those of Cohen et al. 2021 (official code, src/data.py).
"""

import hashlib
import re
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from genlab.training import cifar, synthetic, text
from genlab.training.vocabulary import Vocabulary

FORM = re.compile(
    r"(?P<images>cifar10|digits)(?:-(?P<first>[1-9][0-9]*)(?P<thousands>k?))?"
    r"|chebyshev-(?P<degree>[1-9][0-9]*)-(?P<points>[1-9][0-9]*)"
    r"|linear-(?P<rows>[1-9][0-9]*)-(?P<columns>[1-9][0-9]*)"
)
FORMS = (
    f"cifar10, cifar10-N, digits, digits-N, {text.FORMS}, chebyshev-K-N, linear-N-N, {synthetic.FORMS} "
    "(N a number like 5000, which all but the last four may write 5k)"
)
DIGITS_TRAIN, DIGITS_TEST = 1000, 797  # our assumption: the first 1,000 of 1,797 rows train, the others test
NO_TEST_SET = "no test set: test is train, as in the official code"


@dataclass(frozen=True, eq=False)
class Data:
    """A training and a test set, whole, as tensors; and a validation set, to choose models by, where there is one.

    Attributes:
        name: as given to ``load``.
        train_inputs, test_inputs: float (n, *inputs), or tokens int64 (n, tokens).
        train_targets, test_targets: class labels int64 (n,), float (n, outputs) for regression, or next tokens int64 (n, tokens).
        classes: number of classes, for text the size of the vocabulary, None for regression.
        checksum: SHA-256, hex, of types, shapes and bytes of the tensors as loaded, before ``to``; those to validate come last.
        train_counts: training examples of each class; empty for regression and text.
        note: what a reader of figures made with these data must know.
        vocabulary: of a text, to turn tokens into text and back.
        validation_inputs, validation_targets: as those of the other sets; None where no split was asked for.
    """

    name: str
    train_inputs: Tensor
    train_targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor
    classes: int | None
    checksum: str
    train_counts: tuple[int, ...]
    note: str
    vocabulary: Vocabulary | None = None
    validation_inputs: Tensor | None = None
    validation_targets: Tensor | None = None

    @property
    def inputs(self) -> tuple[int, ...]:
        """Shape of one input."""
        return tuple(self.train_inputs.shape[1:])

    @property
    def outputs(self) -> int:
        """How many outputs a network for these data has."""
        return self.classes if self.classes is not None else self.train_targets.shape[1]

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "Data":
        """The same data elsewhere: floating tensors as ``dtype``, class labels and tokens still int64.

        Raises:
            ValueError: ``dtype`` is not a floating type.
        """
        if not dtype.is_floating_point:
            raise ValueError(f"dtype must be a floating type, got {dtype}: pass torch.float32 or torch.float64")
        moved = {
            f"{split}_{part}": tensor.to(device, dtype) if tensor.is_floating_point() else tensor.to(device)
            for split in ("train", "test", "validation")
            for part in ("inputs", "targets")
            if (tensor := getattr(self, f"{split}_{part}")) is not None
        }
        return replace(self, **moved)


def load(name: str, *, data_dir: str | None = None, draw: int = 0) -> Data:
    """A data set on the CPU; inputs and regression targets are float32.

    >>> load("parity-40-300", draw=1).test_inputs.shape
    torch.Size([4000, 40])

    Args:
        name: one of the forms at the top of this file.
        data_dir: folder with CIFAR-10 or WikiText-2; see ``parquet.Source`` for what happens without.
        draw: which of the draws of synthetic data; all other data are the same in every draw.

    Raises:
        ValueError: an unknown name, more examples than there are, a ``data_dir`` that would not be read, a ``draw`` of data
            that are not drawn, or absent or broken files.
    """
    named = synthetic.parse(name)
    if draw != 0 and named is None:
        raise ValueError(
            f"data {name!r} are the same in every draw (got draw={draw}): remove draw=, or use drawn data: {synthetic.FORMS}"
        )
    written = text.parse(name)
    form = None if written or named else _form(name)
    if data_dir is not None and not (written.kind == "wikitext-2" if written else form and form["images"] == "cifar10"):
        raise ValueError(f"data {name!r} is read from no folder (got data_dir={data_dir!r}): remove data_dir=")
    if written:
        return _text(name, text.load(written, data_dir))
    if named:
        return _drawn(named, draw)
    assert form is not None
    match form["images"]:
        case "digits":
            return _digits(name, outline(name).train)
        case "cifar10":
            return _cifar(name, outline(name).train, data_dir)
    if form["degree"]:
        return _chebyshev(name, int(form["degree"]), int(form["points"]))
    return _linear(name, int(form["rows"]))


@dataclass(frozen=True)
class Outline:
    """What is known of a data set without loading it: ``classes`` is None for regression, ``test`` 0 without a test set.

    ``validation`` is 0 without a set to choose models by.
    ``tokens``: inputs are rows of tokens, targets the next ones, classes the vocabulary.
    """

    inputs: tuple[int, ...]
    outputs: int
    classes: int | None
    train: int
    test: int
    tokens: bool = False
    validation: int = 0


def outline(name: str, *, data_dir: str | None = None) -> Outline:
    """The outline of a data set; a text file, or WikiText-2 without a number of rows, is loaded for it.

    Raises:
        ValueError: an unknown name, more examples than there are, or a text that cannot be loaded.
    """
    if written := text.parse(name):
        train, test, vocabulary = text.shape(written, data_dir)
        return Outline((written.tokens,), vocabulary, vocabulary, train, test, tokens=True)
    if named := synthetic.parse(name):
        outputs = named.classes or 1
        return Outline((named.features,), outputs, named.classes, named.train, named.test, validation=named.validation)
    form = _form(name)
    if form["degree"]:
        return Outline((1,), 1, None, int(form["points"]), 0)
    if form["rows"]:
        return Outline((int(form["columns"]),), int(form["columns"]), None, int(form["rows"]), 0)
    cifar10 = form["images"] == "cifar10"
    most = cifar.CLASSES * cifar.PER_CLASS["train"] if cifar10 else DIGITS_TRAIN
    first = int(form["first"] or most) * (1000 if form["thousands"] else 1)
    if first > most:
        raise ValueError(f"data {name!r}: {form['images']} has {most:,} training examples, got {first:,}")
    if cifar10:
        return Outline((3, 32, 32), cifar.CLASSES, cifar.CLASSES, first, cifar.CLASSES * cifar.PER_CLASS["test"])
    return Outline((1, 8, 8), 10, 10, first, DIGITS_TEST)


def _form(name: str) -> re.Match[str]:
    form = FORM.fullmatch(name)
    if form is None:
        raise ValueError(f"unknown data {name!r}: expected {FORMS}")
    if form["rows"] != form["columns"]:
        raise ValueError(
            f"data {name!r}: linear data is square, as many examples as features: use linear-{form['rows']}-{form['rows']}"
        )
    return form


def _cifar(name: str, first: int, data_dir: str | None) -> Data:
    train, test = cifar.read(data_dir)
    train_inputs, test_inputs = cifar.standardise(train, test, first)
    jpeg = "; images were compressed as JPEG: figures differ slightly from those of the original CIFAR-10"
    return _data(
        name,
        (torch.from_numpy(train_inputs), torch.from_numpy(train.labels[:first])),
        (torch.from_numpy(test_inputs), torch.from_numpy(test.labels)),
        classes=cifar.CLASSES,
        note="each pixel standardised with the 50,000 training images" + (jpeg if train.jpeg or test.jpeg else ""),
    )


def _chebyshev(name: str, degree: int, points: int) -> Data:
    x = np.linspace(-1, 1, points)
    y = np.polynomial.chebyshev.chebval(x, [0] * degree + [1])
    both = torch.from_numpy(x).float().unsqueeze(1), torch.from_numpy(y).float().unsqueeze(1)
    return _data(name, both, both, classes=None, note=NO_TEST_SET)


def _linear(name: str, size: int) -> Data:
    generator = torch.Generator().manual_seed(0)  # official code, src/synthetic.py: seed=0, and X drawn before A
    x, a = (torch.randn(size, size, generator=generator).double() for _ in range(2))
    x = torch.linalg.qr(x).Q * size**0.5  # in float64, rounded once: the same float32 whatever the LAPACK
    both = x.float(), (x @ a.T).float()
    return _data(name, both, both, classes=None, note=NO_TEST_SET)


def _digits(name: str, first: int) -> Data:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    pixels, labels = pixels.reshape(-1, 1, 8, 8) / 16, torch.from_numpy(labels).long()
    train = pixels[:DIGITS_TRAIN]
    deviation = train.std(axis=0)
    inputs = torch.from_numpy((pixels - train.mean(axis=0)) / np.where(deviation == 0, 1, deviation)).float()
    note = "rows in scikit-learn's order, which names 13 writers but not whose row is whose: some may be on both sides"
    return _data(name, (inputs[:first], labels[:first]), (inputs[DIGITS_TRAIN:], labels[DIGITS_TRAIN:]), classes=10, note=note)


def _drawn(named: synthetic.Name, draw: int) -> Data:
    splits = {split: (torch.from_numpy(x), torch.from_numpy(y)) for split, (x, y) in synthetic.drawn(named, draw).items()}
    note = f"draw {draw} of synthetic data; each draw has training, validation and test examples of its own"
    return _data(named.whole, splits["train"], splits["test"], splits["validation"], classes=named.classes, note=note)


def _text(name: str, rows: text.Rows) -> Data:
    train, test = (torch.from_numpy(each) for each in (rows.train, rows.test))
    pairs = [(each[:, :-1].contiguous(), each[:, 1:].contiguous()) for each in (train, test)]
    size, checksum = rows.vocabulary.size, _checksum(*pairs[0], *pairs[1])
    return Data(name, *pairs[0], *pairs[1], size, checksum, (), rows.note, rows.vocabulary)


def _data(
    name: str,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor] | None = None,
    *,
    classes: int | None,
    note: str,
) -> Data:
    counts = tuple(torch.bincount(train[1], minlength=classes).tolist()) if classes is not None else ()
    held = validation or (None, None)
    checksum = _checksum(*train, *test, *(validation or ()))
    return Data(name, *train, *test, classes, checksum, counts, note, None, *held)


def _checksum(*tensors: Tensor) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()
