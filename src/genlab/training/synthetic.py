"""Problems whose examples are drawn anew for every draw, and whose right answer is known.

    sparse-regression-D-N-S    x ~ N(0, I_D), y = x_1 + ... + x_S, noiseless: N training examples (miniatures B.2: 100-40-5)
    parity-D-N                 x uniform in {-1, +1}^D, label 1 where x_1 x_2 > 0, else 0: N to train (miniatures B.2: 40-300)

Example i of a split depends on D, the draw and i only: more examples are the same ones and others after them.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genlab import chance

FORMS = "sparse-regression-D-N-S, parity-D-N"
REGRESSION_TEST = 1000  # our assumption; the risk |w - w*|^2 is known exactly beside it
PARITY_VALIDATION, PARITY_TEST = 1000, 4000  # 1,000: our assumption; 4,000: miniatures B.2
COUNT = "[1-9][0-9]{0,7}"
FORM = re.compile(
    rf"(?P<kind>sparse-regression)-(?P<features>{COUNT})-(?P<train>{COUNT})-(?P<support>{COUNT})"
    rf"|(?P<parity>parity)-(?P<signs>{COUNT})-(?P<examples>{COUNT})"
)


@dataclass(frozen=True)
class Name:
    """What a name says: numbers of features, of examples in each split, and of features that count."""

    whole: str
    classes: int | None
    features: int
    train: int
    validation: int
    test: int
    support: int


def parse(name: str) -> Name | None:
    """What a name says, None for the name of other data.

    Raises:
        ValueError: more features that count than there are.
    """
    form = FORM.fullmatch(name)
    if form is None:
        return None
    if form["parity"]:
        named = Name(name, 2, int(form["signs"]), int(form["examples"]), PARITY_VALIDATION, PARITY_TEST, 2)
    else:
        train = int(form["train"])
        named = Name(name, None, int(form["features"]), train, train, REGRESSION_TEST, int(form["support"]))
    if named.support > named.features:
        raise ValueError(
            f"data {name!r}: {named.support} of the features count, and there are {named.features}: name more features"
        )
    return named


def drawn(named: Name, draw: int) -> dict[str, tuple[NDArray[np.float32], NDArray[Any]]]:
    """Inputs (n, features) and targets, float (n, 1) or int64 (n,), of the splits train, validation and test."""
    kind = "sparse-regression" if named.classes is None else "parity"
    splits: dict[str, tuple[NDArray[np.float32], NDArray[Any]]] = {}
    for split, count in (("train", named.train), ("validation", named.validation), ("test", named.test)):
        generator = chance.numpy(kind, named.features, draw, split)
        if named.classes is None:
            x = generator.standard_normal((count, named.features)).astype(np.float32)
            splits[split] = x, x[:, : named.support].sum(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
        else:
            x = (2 * generator.integers(0, 2, (count, named.features)) - 1).astype(np.float32)
            splits[split] = x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    return splits
