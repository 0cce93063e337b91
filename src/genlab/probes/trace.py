"""The trace of a symmetric operator from random probes, with its standard error: Hutchinson's estimator and Hutch++.

Rademacher probes, keyed by seed and number: probe 7 of 20 is probe 7 of 100.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance
from genlab.intervals import Interval, student_t
from genlab.probes.eigen import Operator

AT_ONCE = 8  # probes a call of the operator: what shares a gradient graph that is not kept (our assumption)


@dataclass(frozen=True)
class Trace:
    """An estimate of a trace with its evidence.

    Attributes:
        value: the estimate; NaN where a product was not finite.
        standard_error: of the value, over its random probes; given the sketch, for Hutch++.
        exact: the part of the value that is known without chance: 0 for Hutchinson.
        samples: one unbiased estimate of the rest for each probe.
        products: operator products spent.
    """

    value: float
    standard_error: float
    exact: float
    samples: tuple[float, ...]
    products: int

    @property
    def interval(self) -> Interval:
        """Student-t interval of the trace, 95%.

        Raises:
            ValueError: a product was not finite.
        """
        return student_t([self.exact + sample for sample in self.samples])


def hutchinson(operator: Operator, like: Float[Tensor, " param"], *, probes: int = 30, seed: int = 0) -> Trace:
    """Hutchinson's estimator: the mean of z'Az over Rademacher probes z (Hutchinson 1989).

    Its variance is 2 (|A|_F^2 - sum of A_ii^2) / probes.

    >>> hutchinson(lambda rows: 3 * rows, torch.zeros(5), probes=4)  # of a diagonal operator exact
    Trace(value=15.0, standard_error=0.0, exact=0.0, samples=(15.0, 15.0, 15.0, 15.0), products=4)

    Args:
        operator: A, symmetric, rows to rows.
        like: a vector of the operator's size, dtype and device, such as the weights.
        probes: how many, 2 at least; one product each.
        seed: of the probes.

    Raises:
        ValueError: fewer than 2 probes.
    """
    if probes < 2:
        raise ValueError(f"a standard error wants at least 2 probes, got {probes}")
    samples: list[float] = []
    for rows in _probes(like, "hutchinson", seed, probes):
        samples += _dots(rows, operator(rows))
    return _trace(0.0, samples, probes)


def hutch_plus_plus(operator: Operator, like: Float[Tensor, " param"], *, products: int = 90, seed: int = 0) -> Trace:
    """Hutch++: exact on the range of a random sketch, Hutchinson's estimator on the rest (Meyer et al. 2021, 2010.09649).

    A third of the products makes an orthonormal basis Q of A S for random S, a third gives tr(Q'AQ), a third estimates the trace
    of (I - QQ')A(I - QQ'). For a positive semidefinite A an error epsilon tr(A) takes of the order of 1 / epsilon products, where
    Hutchinson's estimator takes 1 / epsilon^2. The basis is held in memory: products / 3 rows.

    >>> ones = lambda rows: rows.sum(dim=1, keepdim=True).expand_as(rows)  # rank 1, trace 5
    >>> found = hutch_plus_plus(ones, torch.zeros(5, dtype=torch.float64), products=6)
    >>> round(found.value, 9), found.products
    (5.0, 6)

    Args:
        operator: A, symmetric, rows to rows.
        like: a vector of the operator's size, dtype and device, such as the weights.
        products: budget, a multiple of 3 and 6 at least, so that the rest has a standard error.
        seed: of the sketch and the probes.

    Raises:
        ValueError: a budget that is not a multiple of 3, or below 6.
    """
    if products < 6 or products % 3:
        raise ValueError(
            f"Hutch++ spends products in thirds of at least 2, got {products}: try {max(6, 3 * round(products / 3))}"
        )
    third = products // 3
    sketch = torch.cat([operator(rows) for rows in _probes(like, "hutch++ sketch", seed, min(third, len(like)))])
    if not bool(torch.isfinite(sketch).all()):
        return _trace(math.nan, [math.nan] * third, len(sketch))
    basis = torch.linalg.qr(sketch.T).Q.T
    exact = sum(each for rows in basis.split(AT_ONCE) for each in _dots(rows, operator(rows)))
    samples: list[float] = []
    for rows in _probes(like, "hutch++ rest", seed, third):
        rest = rows - (rows @ basis.T) @ basis
        samples += _dots(rest, operator(rest))
    return _trace(exact, samples, 2 * len(basis) + third)


def rademacher(like: Float[Tensor, " param"], *key: str | int) -> Float[Tensor, " param"]:
    """A vector of independent signs, of this key, shaped like another."""
    generator = torch.Generator().manual_seed(chance.number(*key))
    signs = torch.randint(0, 2, like.shape, generator=generator, dtype=torch.int8)
    return (2 * signs - 1).to(like)


def _probes(like: Tensor, name: str, seed: int, count: int) -> Iterator[Tensor]:
    """Blocks of probe rows, the last one smaller."""
    for first in range(0, count, AT_ONCE):
        yield torch.stack([rademacher(like, name, seed, number) for number in range(first, min(first + AT_ONCE, count))])


def _dots(rows: Tensor, images: Tensor) -> list[float]:
    dots: list[float] = (rows * images).sum(dim=1, dtype=torch.float64).tolist()
    return dots


def _trace(exact: float, samples: list[float], products: int) -> Trace:
    if not all(map(math.isfinite, (exact, *samples))):
        return Trace(math.nan, math.nan, exact, tuple(samples), products)
    mean = math.fsum(samples) / len(samples)
    variance = math.fsum((sample - mean) ** 2 for sample in samples) / (len(samples) - 1)
    return Trace(exact + mean, math.sqrt(variance / len(samples)), exact, tuple(samples), products)
