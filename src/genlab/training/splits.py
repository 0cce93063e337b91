"""Splits into training, validation and test: models are chosen on validation examples, and the test set is looked at once.

    NAME/held-out      the last training examples validate: 10,000 of an image set, 200 of the 1,000 digits; test stays test
    NAME-N/held-out    the same, and of those that are left to train the first N
    cifar10/inverted   that of paper 3's code: chosen on the official test set, tested on training images 40,000 .. 49,999

Pixels stay standardised with all training images, those held out among them: their labels are not looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

from genlab.training.dataset import Data, assembled

HELD: Mapping[str, int] = {
    "cifar10": 10_000,  # Novack et al. 2022, official code: train[40k:50k]
    "cifar100": 10_000,  # the same
    "svhn": 10_000,  # our assumption
    "fashion-mnist": 10_000,  # our assumption
    "digits": 200,  # our assumption
}
CIFAR10 = 50_000
INVERTED = (
    "the inverted split of Novack et al. 2022's code: what is called validation is the official test set, and the test set is "
    "training images 40,000 .. 49,999. Models are chosen on the test set: for comparison with their figures only"
)


def held_out(data: Data, validation: int) -> Data:
    """The last ``validation`` training examples validate, the test set stays. To be made before ``Data.to``.

    Raises:
        ValueError: a validation set or no test set already, or fewer than 1 example left on either side.
    """
    _check(data)
    train = len(data.train_targets) - validation
    if validation < 1 or train < 1:
        raise ValueError(
            f"data {data.name!r}: {validation:,} of {train + validation:,} training examples cannot be held out: hold out "
            f"1 .. {train + validation - 1:,}"
        )
    if data.test_inputs.shape == data.train_inputs.shape and torch.equal(data.test_inputs, data.train_inputs):
        raise ValueError(f"data {data.name!r} have no test set, so that nothing can be held out from it: use data like digits")
    return assembled(
        f"{data.name}/held-out",
        (data.train_inputs[:train].clone(), data.train_targets[:train].clone()),
        (data.test_inputs, data.test_targets),
        (data.train_inputs[train:].clone(), data.train_targets[train:].clone()),
        classes=data.classes,
        note=f"{data.note}; the last {validation:,} training examples are held out to choose models by",
        vocabulary=data.vocabulary,
        black=data.black,
    )


def inverted(data: Data) -> Data:
    """CIFAR-10 as split in the official code of Novack et al. 2022 (facts 3.6): for comparison, never for choosing models.

    Raises:
        ValueError: other data than the whole of CIFAR-10.
    """
    _check(data)
    if data.name not in ("cifar10", "cifar10-channels", "cifar10-pixels") or len(data.train_targets) != CIFAR10:
        raise ValueError(
            f"the inverted split is that of cifar10 in one paper's code, got {data.name!r} with {len(data.train_targets):,} "
            "training examples: use cifar10/inverted, or NAME/held-out for other data"
        )
    train = CIFAR10 - HELD["cifar10"]
    return assembled(
        f"{data.name}/inverted",
        (data.train_inputs[:train].clone(), data.train_targets[:train].clone()),
        (data.train_inputs[train:].clone(), data.train_targets[train:].clone()),
        (data.test_inputs, data.test_targets),
        classes=data.classes,
        note=f"{data.note}; {INVERTED}",
        black=data.black,
    )


SPLITS: Mapping[str, Callable[[Data], Data]] = {
    "held-out": lambda data: held_out(data, HELD[data.name.removesuffix("-channels").removesuffix("-pixels")]),
    "inverted": inverted,
}


def first(data: Data, examples: int) -> Data:
    """Of the training examples the first ``examples``; validation and test sets stay."""
    if examples == len(data.train_targets):
        return data
    held = (data.validation_inputs, data.validation_targets)
    return assembled(
        data.name,
        (data.train_inputs[:examples].clone(), data.train_targets[:examples].clone()),
        (data.test_inputs, data.test_targets),
        None if held[0] is None or held[1] is None else (held[0], held[1]),
        classes=data.classes,
        note=data.note,
        vocabulary=data.vocabulary,
        black=data.black,
    )


def named(data: Data, split: str, examples: int, name: str) -> Data:
    """A split by its name, of whole data; then the first training examples."""
    return replace(first(SPLITS[split](data), examples), name=name)


def _check(data: Data) -> None:
    if data.validation_inputs is not None:
        raise ValueError(f"data {data.name!r} have a validation set already: use them as they are")
