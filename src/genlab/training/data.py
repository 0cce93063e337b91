"""The data sets experiments on training dynamics are run on, by name; the same data for every seed of a network.

    cifar10, cifar10-N     first N training images, standardised with statistics of all 50,000; test always 10,000
    cifar100, svhn, fashion-mnist, cifar100-N, ...    the same of other image sets: images.py
    cifar10-channels, cifar100-N-channels, ...        normalised channel by channel, as augmentation.py wants them
    cifar10-pixels, digits-N-pixels, ...              images in [0, 1] as stored, as smoothing/ wants them
    cifar10-1k-strided, fashion-mnist-1k-strided      ``_1k`` of paper 2's code: every 50th, 60th image of both sets
    chebyshev-K-N          x evenly on [-1, 1], y = T_K(x), N points
    linear-N-N             X'X / N = I, Y = X A', A standard normal: noiseless
    digits, digits-N       ours, for miniatures: scikit-learn's 8 x 8 digits, first N of 1,000 to train, 797 to test
    sparse-regression-D-N-S, parity-D-N     drawn anew for every draw: synthetic.py
    text:FILE, wikitext-2, grammar-N, ...   rows of tokens: text.py
    cifar10/held-out, digits-N/held-out, cifar10/inverted, ...   with a validation set: splits.py

N may be written 5k for 5000. Images and regression but digits are those of Cohen et al. 2021 (official code, src/data.py).
"""

import re
from dataclasses import dataclass

import numpy as np
import torch

from genlab.training import images, splits, synthetic, text
from genlab.training.dataset import Data, assembled

__all__ = ["FORMS", "Data", "Outline", "load", "outline"]

FORM = re.compile(
    rf"(?P<images>{'|'.join(images.SETS)}|digits)(?:-(?P<first>[1-9][0-9]*)(?P<thousands>k?)(?P<strided>-strided)?)?(?P<scale>-channels|-pixels)?"
    r"(?:/(?P<split>held-out|inverted))?"
    r"|chebyshev-(?P<degree>[1-9][0-9]*)-(?P<points>[1-9][0-9]*)"
    r"|linear-(?P<rows>[1-9][0-9]*)-(?P<columns>[1-9][0-9]*)"
)
FORMS = (
    "cifar10, cifar10-N, digits, digits-N and likewise cifar100, svhn, fashion-mnist, any of them with /held-out, "
    "cifar10-channels, cifar100-channels, cifar10/inverted, any of them with -pixels, "
    f"{', '.join(f'{name}-1k-strided' for name, each in images.SETS.items() if each.stride)}, "
    f"{text.FORMS}, chebyshev-K-N, linear-N-N, {synthetic.FORMS} (N a number like 5000, which all but the last four may write 5k)"
)
DIGITS_TRAIN, DIGITS_TEST = 1000, 797  # our assumption: the first 1,000 of 1,797 rows train, the others test
PIXELS = "images in [0, 1], not normalised: that is the network's first layer"
NO_TEST_SET = "no test set: test is train, as in the official code"


def load(name: str, *, data_dir: str | None = None, draw: int = 0) -> Data:
    """A data set on the CPU; inputs and regression targets are float32.

    >>> load("parity-40-300", draw=1).test_inputs.shape
    torch.Size([4000, 40])

    Args:
        name: one of the forms at the top of this file.
        data_dir: folder with an image set or WikiText-2; see ``parquet.Source`` for what happens without.
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
    if data_dir is not None and not (written.kind == "wikitext-2" if written else form and form["images"] in images.SETS):
        raise ValueError(f"data {name!r} is read from no folder (got data_dir={data_dir!r}): remove data_dir=")
    if written:
        return _text(name, text.load(written, data_dir))
    if named:
        return _drawn(named, draw)
    assert form is not None
    if form["split"]:
        examples = outline(name).train  # before anything is read
        whole = load(form["images"] + (form["scale"] or ""), data_dir=data_dir)
        return splits.named(whole, form["split"], examples, name)
    if form["images"] == "digits":
        return _digits(name, outline(name).train, standardised=form["scale"] is None)
    if form["images"]:
        return _images(name, outline(name).train, form, data_dir)
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
    known = images.SETS.get(form["images"])
    most, test = (known.size("train"), known.size("test")) if known else (DIGITS_TRAIN, DIGITS_TEST)
    inputs, classes, validation = known.inputs if known else (1, 8, 8), known.classes if known else 10, 0
    if known and known.stride and form["strided"]:
        return Outline(inputs, classes, classes, -(-most // known.stride), -(-test // known.stride))
    if form["split"]:
        validation = splits.HELD[form["images"]]
        most -= validation
    if form["split"] == "inverted":
        validation, test = test, validation
    first = int(form["first"] or most) * (1000 if form["thousands"] else 1)
    if first > most:
        whole = form["images"] + (f"/{form['split']}" if form["split"] else "")
        raise ValueError(f"data {name!r}: {whole} has {most:,} training examples, got {first:,}")
    return Outline(inputs, classes, classes, first, test, validation=validation)


def _form(name: str) -> re.Match[str]:
    form = FORM.fullmatch(name)
    if form is None:
        base, _, split = name.partition("/")
        if split in splits.SPLITS and (synthetic.parse(base) or text.parse(base) or FORM.fullmatch(base)):
            why = "have a validation set already" if synthetic.parse(base) else "have no such split"
            raise ValueError(f"data {base!r} {why} (got {name!r}): use {base}, or {' or '.join(splits.HELD)}, with /held-out")
        raise ValueError(f"unknown data {name!r}: expected {FORMS}")
    if form["strided"]:
        strided = [f"{each}-1k-strided" for each, known in images.SETS.items() if known.stride]
        if name not in strided:
            raise ValueError(f"data {name!r}: the strided sets are those of one paper, whole: use {' or '.join(strided)}")
    if form["scale"] == "-channels":
        constants = [each for each, known in images.SETS.items() if known.channels]
        if form["images"] not in constants:
            raise ValueError(
                f"data {name!r}: means and deviations of channels are published for {' and '.join(constants)} only: leave out "
                "-channels"
            )
    if form["split"] == "inverted" and form["images"] != "cifar10":
        raise ValueError(
            f"data {name!r}: the inverted split is that of cifar10 in one paper's code: use {form['images']}/held-out"
        )
    if form["rows"] != form["columns"]:
        raise ValueError(
            f"data {name!r}: linear data is square, as many examples as features: use linear-{form['rows']}-{form['rows']}"
        )
    return form


def _images(name: str, first: int, form: re.Match[str], data_dir: str | None) -> Data:
    known = images.SETS[form["images"]]
    train, test = images.read(known, data_dir)
    rows = slice(None, None, known.stride) if form["strided"] else slice(first)
    black = None
    if form["scale"] == "-pixels":
        train_inputs, test_inputs = images.unscaled(train, first), images.unscaled(test)
        note, black = PIXELS, (0.0,) * known.inputs[0]
    elif form["scale"]:
        assert known.channels is not None
        train_inputs, test_inputs = images.normalise(train, test, known.channels, first)
        black = images.black(known.channels)
        note = "each channel normalised with the constants of Novack et al. 2022"
    else:
        train_inputs, test_inputs = images.standardise(train, test, rows.stop, rows.step)
        note = f"each pixel standardised with the {len(train.labels):,} training images"
    if form["strided"]:
        note += f"; every {known.stride}th image of the training and of the test set"
    if train.jpeg or test.jpeg:
        title = known.source.title
        note += f"; images were compressed as JPEG: figures differ slightly from those of the original {title}"
    return assembled(
        name,
        (torch.from_numpy(train_inputs), torch.from_numpy(train.labels[rows])),
        (torch.from_numpy(test_inputs), torch.from_numpy(test.labels[:: rows.step])),
        classes=known.classes,
        note=note,
        black=black,
    )


def _chebyshev(name: str, degree: int, points: int) -> Data:
    x = np.linspace(-1, 1, points)
    y = np.polynomial.chebyshev.chebval(x, [0] * degree + [1])
    both = torch.from_numpy(x).float().unsqueeze(1), torch.from_numpy(y).float().unsqueeze(1)
    return assembled(name, both, both, classes=None, note=NO_TEST_SET)


def _linear(name: str, size: int) -> Data:
    generator = torch.Generator().manual_seed(0)  # official code, src/synthetic.py: seed=0, and X drawn before A
    x, a = (torch.randn(size, size, generator=generator).double() for _ in range(2))
    x = torch.linalg.qr(x).Q * size**0.5  # in float64, rounded once: the same float32 whatever the LAPACK
    both = x.float(), (x @ a.T).float()
    return assembled(name, both, both, classes=None, note=NO_TEST_SET)


def _digits(name: str, first: int, *, standardised: bool) -> Data:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    pixels, labels = pixels.reshape(-1, 1, 8, 8) / 16, torch.from_numpy(labels).long()
    note = "rows in scikit-learn's order, which names 13 writers but not whose row is whose: some may be on both sides"
    if standardised:
        train = pixels[:DIGITS_TRAIN]
        deviation = train.std(axis=0)
        pixels = (pixels - train.mean(axis=0)) / np.where(deviation == 0, 1, deviation)
    else:
        note = f"{note}; {PIXELS}"
    inputs = torch.from_numpy(pixels).float()
    train, test = (inputs[:first], labels[:first]), (inputs[DIGITS_TRAIN:], labels[DIGITS_TRAIN:])
    return assembled(name, train, test, classes=10, note=note, black=None if standardised else (0.0,))


def _drawn(named: synthetic.Name, draw: int) -> Data:
    splits = {split: (torch.from_numpy(x), torch.from_numpy(y)) for split, (x, y) in synthetic.drawn(named, draw).items()}
    note = f"draw {draw} of synthetic data; each draw has training, validation and test examples of its own"
    return assembled(named.whole, splits["train"], splits["test"], splits["validation"], classes=named.classes, note=note)


def _text(name: str, rows: text.Rows) -> Data:
    train, test = (torch.from_numpy(each) for each in (rows.train, rows.test))
    pairs = [(each[:, :-1].contiguous(), each[:, 1:].contiguous()) for each in (train, test)]
    return assembled(name, *pairs, classes=rows.vocabulary.size, note=rows.note, vocabulary=rows.vocabulary)
