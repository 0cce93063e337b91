"""The preconditioned Hessian beside the dense P^-1 H, and where it refuses."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.probes.families import SMALL, Family, normal
from torch import Tensor

from genlab.probes.eigen import largest
from genlab.probes.hessian import Hessian
from genlab.probes.preconditioned import Preconditioned


def diagonal_of(size: int, seed: int) -> Tensor:
    """Positive entries over eight orders of magnitude, as Adam's second moments are."""
    return 10 ** (8 * torch.rand(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 8)


@pytest.mark.parametrize("family", SMALL, ids=str)
def test_its_eigenvalues_are_those_of_the_dense_p_inverse_h(family: Family) -> None:
    problem = family.problem(family.losses[-1])
    weights = problem.weights()
    diagonal = diagonal_of(len(weights), seed=1)
    operator = Preconditioned(Hessian(problem, weights), diagonal)
    start = normal(6, len(weights), seed=2)
    pairs = largest(operator, 2, start=start, tolerance=1e-6, most_products=2000)
    truth = np.linalg.eigvals(Hessian(problem, weights).dense().numpy() / diagonal.numpy()[:, None])
    assert pairs.converged
    assert pairs.values == pytest.approx(np.sort(truth.real)[::-1][:2], rel=1e-6)
    assert operator.size == len(weights)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 9))
def test_it_is_the_matrix_that_it_says_and_symmetric(seed: int, size: int) -> None:
    half = normal(size, size, seed=seed)
    matrix, diagonal = half + half.T, diagonal_of(size, seed)
    products = Preconditioned(lambda rows: rows @ matrix, diagonal)(torch.eye(size, dtype=torch.float64))
    root = diagonal.sqrt()
    assert torch.allclose(products, matrix / root / root[:, None], rtol=1e-12, atol=0)
    assert torch.allclose(products, products.T, rtol=1e-12, atol=0)


def test_the_identity_changes_nothing() -> None:
    matrix = normal(4, 4)
    rows = normal(3, 4, seed=1)
    assert torch.equal(Preconditioned(lambda each: each @ matrix, torch.ones(4))(rows), rows @ matrix)


def test_it_keeps_the_diagonal_it_was_given() -> None:
    diagonal = torch.full((2,), 4.0)
    operator = Preconditioned(lambda rows: rows, diagonal)
    diagonal.fill_(1.0)
    assert operator(torch.ones(1, 2)).tolist() == [[0.25, 0.25]]


@pytest.mark.parametrize("entry", [0.0, -1.0, math.nan, math.inf])
def test_entries_that_are_not_positive_and_finite_are_refused(entry: float) -> None:
    with pytest.raises(ValueError, match=r"positive and finite, got .* at entry 1 \(1 of 3 are not\)"):
        Preconditioned(lambda rows: rows, torch.tensor([1.0, entry, 2.0]))


@pytest.mark.parametrize("shape", [(2, 2), ()])
def test_a_diagonal_is_one_vector(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"one vector, shape \(param,\), got shape"):
        Preconditioned(lambda rows: rows, torch.ones(shape))


@pytest.mark.parametrize("shape", [(3,), (1, 2), (1, 1, 3)])
def test_rows_are_as_long_as_the_diagonal(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rows of 3 entries, as the diagonal, got shape"):
        Preconditioned(lambda rows: rows, torch.ones(3))(torch.ones(shape))
