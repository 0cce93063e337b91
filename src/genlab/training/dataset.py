"""A data set: a training and a test set, and a validation set where there is one, whole, as tensors."""

import hashlib
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genlab.training.vocabulary import Vocabulary


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
        black: what a black pixel has become, one number a channel; None where pixels have scales of their own, and without.
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
    black: tuple[float, ...] | None = None

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


def assembled(
    name: str,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor] | None = None,
    *,
    classes: int | None,
    note: str,
    vocabulary: Vocabulary | None = None,
    black: tuple[float, ...] | None = None,
) -> Data:
    """Data of pairs (inputs, targets), with counts and checksum."""
    labelled = classes is not None and train[1].ndim == 1
    counts = tuple(torch.bincount(train[1], minlength=classes or 0).tolist()) if labelled else ()
    inputs, targets = validation or (None, None)
    whole = checksum(*train, *test, *(validation or ()))
    return Data(name, *train, *test, classes, whole, counts, note, vocabulary, inputs, targets, black)


def checksum(*tensors: Tensor) -> str:
    """SHA-256, hex, of types, shapes and bytes."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.cpu().contiguous().numpy().data)
    return digest.hexdigest()
