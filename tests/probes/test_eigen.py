"""Eigenpairs: known spectra, LAPACK and ARPACK beside them, and residuals that are recomputed and not believed."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.sparse.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from genlab.probes.eigen import GUARD, ROOM, Eigenpairs, largest

DOUBLE = torch.float64


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def with_spectrum(eigenvalues: Sequence[float] | NDArray[np.floating], *, seed: int = 0) -> Tensor:
    """A symmetric matrix with these eigenvalues and random eigenvectors."""
    basis: Tensor = torch.linalg.qr(normal(len(eigenvalues), len(eigenvalues), seed=seed)).Q
    matrix = basis @ torch.diag(torch.tensor(list(eigenvalues), dtype=DOUBLE)) @ basis.T
    return (matrix + matrix.T) / 2


def found(
    matrix: Tensor,
    k: int,
    *,
    start: Tensor | None = None,
    seed: int = 1,
    tolerance: float = 1e-3,
    most_products: int = 300,
    least_expansions: int = 12,
) -> Eigenpairs:
    """A search as ``Tracker`` makes it when cold: k + 1 random rows to start from."""
    return largest(
        lambda rows: rows @ matrix,
        k,
        start=normal(k + GUARD, len(matrix), seed=seed).to(matrix.dtype) if start is None else start,
        tolerance=tolerance,
        most_products=most_products,
        least_expansions=least_expansions,
    )


def judged(pairs: Eigenpairs, matrix: Tensor, k: int, *, tolerance: float = 1e-3) -> NDArray[np.float64]:
    """Everything that must hold of any finite answer; returns the true leading eigenvalues."""
    exact = matrix.double().numpy()
    spectrum = np.linalg.eigvalsh(exact)[::-1]
    rounding = 1e3 * torch.finfo(matrix.dtype).eps * np.abs(spectrum).max()
    assert pairs.vectors.shape == (k, len(matrix))
    assert len(pairs.values) == len(pairs.residuals) == k
    assert list(pairs.values) == sorted(pairs.values, reverse=True)
    vectors = pairs.vectors.double().numpy()
    assert np.allclose(vectors @ vectors.T, np.eye(k), atol=1e3 * torch.finfo(matrix.dtype).eps)
    for value, residual, vector in zip(pairs.values, pairs.residuals, vectors, strict=True):
        true_residual = np.linalg.norm(exact @ vector - value * vector)
        assert true_residual <= residual * abs(value) + rounding
        assert np.abs(spectrum - value).min() <= true_residual + rounding  # some eigenvalue lies that near
        assert not pairs.converged or true_residual <= tolerance * abs(value) + rounding
        assert value <= spectrum[0] + rounding  # a Rayleigh quotient is never above the largest
    return spectrum[:k]


# --- against LAPACK ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(
    spectrum=st.lists(st.floats(-100, 100).map(lambda value: value if abs(value) > 1e-50 else 0.0), min_size=1, max_size=24),
    k=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
def test_any_small_spectrum(spectrum: list[float], k: int, seed: int) -> None:
    k = min(k, len(spectrum))
    matrix = with_spectrum(spectrum, seed=seed)
    pairs = found(matrix, k, seed=seed + 1)
    truth = judged(pairs, matrix, k)
    scale = max(map(abs, spectrum))
    assert np.allclose(pairs.values, truth, rtol=1e-3, atol=1e-9 * scale)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32), size=st.integers(30, 150), k=st.integers(1, 4))
def test_random_symmetric_matrices_beside_lapack_and_arpack(seed: int, size: int, k: int) -> None:
    noise = normal(size, size, seed=seed)
    matrix = (noise + noise.T) / 2
    pairs = found(matrix, k, seed=seed + 1)
    truth = judged(pairs, matrix, k)
    assert pairs.converged
    assert np.allclose(pairs.values, truth, rtol=1e-3)
    arpack = scipy.sparse.linalg.eigsh(matrix.numpy(), k=k, which="LA", v0=np.ones(size), return_eigenvectors=False)[::-1]
    assert np.allclose(pairs.values, arpack, rtol=1e-3)


BULK = np.linspace(-0.5, 0.9, 150)
SPECTRA: dict[str, NDArray[np.float64]] = {
    "three at the top within 1e-3": np.r_[1, 1 - 5e-4, 1 - 1e-3, BULK],
    "the largest in size is negative": np.r_[-50, -20, 3, 2.5, BULK],
    "all negative": -np.r_[0.5, 0.6, 0.65, np.linspace(0.8, 3, 150)],
    "an outlier and a bulk": np.r_[200, 5, 4, 3, BULK],
    "falling like a power": 1 / np.arange(1, 151.0),
    "falling geometrically": 0.8 ** np.arange(150.0),
    "one twice": np.r_[2, 2, 1.5, BULK],
    "shifted by a lot": 1e4 + np.r_[30, 20, 10, BULK],
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("name", SPECTRA)
def test_spectra_like_those_of_networks(name: str, k: int, dtype: torch.dtype) -> None:
    matrix = with_spectrum(SPECTRA[name]).to(dtype)
    pairs = found(matrix, k)
    truth = judged(pairs, matrix, k)
    assert pairs.converged
    assert np.allclose(pairs.values, truth, rtol=1e-3)


def test_the_algebraically_largest_is_meant_and_not_the_largest_in_size() -> None:
    matrix = with_spectrum(SPECTRA["the largest in size is negative"])
    assert found(matrix, 1).values[0] == pytest.approx(3, rel=1e-3)
    by_size = scipy.sparse.linalg.eigsh(matrix.numpy(), k=1, which="LM", v0=np.ones(len(matrix)), return_eigenvectors=False)
    assert by_size[0] == pytest.approx(-50)


def test_a_tighter_tolerance_is_met() -> None:
    matrix = with_spectrum(SPECTRA["three at the top within 1e-3"])
    pairs = found(matrix, 3, tolerance=1e-8)
    truth = judged(pairs, matrix, 3, tolerance=1e-8)
    assert pairs.converged
    assert np.allclose(pairs.values, truth, rtol=1e-12)  # the error of a Rayleigh quotient is the residual's square


def test_vectors_are_eigenvectors() -> None:
    pairs = found(torch.diag(torch.tensor([1.0, 7, 3, 5], dtype=DOUBLE)), 3)
    assert np.allclose(pairs.vectors.abs().numpy(), np.eye(4)[[1, 3, 2]], atol=1e-12)


@pytest.mark.parametrize(
    ("power", "dtype"),
    [
        (20, torch.float64),
        (-200, torch.float64),
        (30, torch.float32),
        (-20, torch.float32),
        (-90, torch.float32),
    ],
)
def test_the_unit_of_the_loss_changes_nothing(power: int, dtype: torch.dtype) -> None:
    matrix = with_spectrum(SPECTRA["three at the top within 1e-3"]).to(dtype)
    plain, scaled = found(matrix, 3), found(2.0**power * matrix, 3)
    assert scaled.values == tuple(2.0**power * value for value in plain.values)  # bit for bit: powers of 2 do not round
    assert (scaled.residuals, scaled.products, scaled.converged) == (plain.residuals, plain.products, plain.converged)


# --- edges ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-3.0, 0.0, 2.0, 1e-30])
def test_a_matrix_of_one_entry(value: float) -> None:
    pairs = found(torch.tensor([[value]], dtype=DOUBLE), 1)
    assert list(pairs.values) == pytest.approx([value], rel=1e-15)
    assert pairs.converged
    assert pairs.products == 1
    assert pairs.spare.shape == (0, 1)


@pytest.mark.parametrize("size", [2, 5, 13])
def test_every_eigenvalue_of_a_matrix(size: int) -> None:
    matrix = with_spectrum(np.arange(1.0, size + 1) ** 2, seed=size)
    pairs = found(matrix, size)
    assert pairs.converged
    assert pairs.products == size  # the basis is the whole space
    assert np.allclose(pairs.values, judged(pairs, matrix, size), rtol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_identity_and_zero(k: int) -> None:
    for scale in (0.0, 1.0, -2.0, 1e-20):
        pairs = found(scale * torch.eye(40, dtype=DOUBLE), k)
        assert pairs.converged
        assert np.allclose(pairs.values, scale, rtol=1e-13, atol=0)


@pytest.mark.parametrize("seed", range(5))
def test_rank_one(seed: int) -> None:
    vector = normal(60, seed=seed)
    matrix = torch.outer(vector, vector)
    pairs = found(matrix, 1, seed=seed + 10)
    judged(pairs, matrix, 1)
    assert pairs.converged
    assert pairs.values[0] == pytest.approx((vector @ vector).item(), rel=1e-12)
    two = found(matrix, 2, seed=seed + 10)
    judged(two, matrix, 2)
    assert two.values[1] == pytest.approx(0, abs=1e-12 * two.values[0])


@pytest.mark.timeout(60)
@pytest.mark.parametrize("size", [3, 5, 20])
def test_a_search_ends_with_the_whole_space_even_where_rounding_has_no_direction_left(size: int) -> None:
    for seed in range(12):
        vector = normal(size, seed=seed)
        matrix = torch.outer(vector, vector)  # the second and third eigenvalues are 0: their residuals are all rounding
        pairs = found(matrix, 3, seed=seed + 20)
        assert np.allclose(pairs.values, judged(pairs, matrix, 3), atol=1e-13 * pairs.values[0])
        assert pairs.products <= size


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_what_is_returned_has_the_type_of_the_start(dtype: torch.dtype) -> None:
    pairs = found(with_spectrum([3, 2, 1]).to(dtype), 2)
    assert pairs.vectors.dtype == pairs.spare.dtype == dtype


# --- where to start from ----------------------------------------------------------------------------------------------


def test_known_eigenvectors_are_worth_their_products() -> None:
    matrix = with_spectrum(SPECTRA["an outlier and a bulk"])
    cold = found(matrix, 2)
    start = torch.cat([cold.vectors, cold.spare, normal(1, len(matrix), seed=9)])
    warm = found(matrix, 2, start=start, least_expansions=3)
    judged(warm, matrix, 2)
    assert warm.converged
    assert warm.products < cold.products / 2
    assert np.allclose(warm.values, cold.values, rtol=1e-6)


def test_spare_vectors_are_the_next_ones() -> None:
    matrix = with_spectrum([9, 7, 5, 3, 1])
    pairs = found(matrix, 2)
    assert pairs.spare.shape == (GUARD, 5)
    assert (pairs.spare[0] @ matrix @ pairs.spare[0]).item() == pytest.approx(5)


def test_an_eigenvector_of_the_wrong_eigenvalue_does_not_hold_the_search() -> None:
    values, vectors = np.linalg.eigh(with_spectrum(SPECTRA["an outlier and a bulk"]).numpy())
    matrix = torch.from_numpy(vectors @ np.diag(values) @ vectors.T)
    start = torch.cat([torch.from_numpy(vectors.T[[10, 20]].copy()), normal(1, len(matrix), seed=3)])
    pairs = found(matrix, 1, start=start)
    assert pairs.converged
    assert pairs.values[0] == pytest.approx(200, rel=1e-6)


@pytest.mark.parametrize("copies", [2, 3])
def test_start_rows_that_repeat_each_other_count_once(copies: int) -> None:
    matrix = with_spectrum(np.arange(1.0, 41))
    row, other = normal(2, 40, seed=5)
    pairs = found(matrix, 2, start=torch.stack([row] * copies + [-2 * row, other, row + other, 0 * row]))
    assert pairs.converged
    assert np.allclose(pairs.values, judged(pairs, matrix, 2), rtol=1e-3)


def test_start_rows_of_rank_one_grow_to_what_is_wanted() -> None:
    matrix = with_spectrum(np.arange(1.0, 41))
    pairs = found(matrix, 3, start=normal(1, 40, seed=5).expand(3, -1))
    assert pairs.converged
    assert np.allclose(pairs.values, judged(pairs, matrix, 3), rtol=1e-3)


def test_the_length_of_the_start_rows_does_not_matter() -> None:
    matrix = with_spectrum(np.arange(1.0, 41))
    start = normal(2, 40, seed=5)
    plain, scaled = found(matrix, 1, start=start), found(matrix, 1, start=start * torch.tensor([[1e-12], [1e12]], dtype=DOUBLE))
    assert np.allclose(plain.values, scaled.values, rtol=1e-9)
    assert plain.converged
    assert scaled.converged


def test_there_are_k_values_even_from_a_start_that_is_invariant_and_too_small() -> None:
    pairs = found(torch.eye(5, dtype=DOUBLE), 2, start=torch.ones(2, 5, dtype=DOUBLE))
    assert len(pairs.values) == 2 or not pairs.converged


def test_exact_eigenvectors_do_not_hide_a_larger_eigenvalue_from_the_random_row() -> None:
    diagonal = torch.ones(1000, dtype=DOUBLE)
    diagonal[:3] = torch.tensor([3.0, 2.5, 100.0])
    start = torch.cat([torch.eye(1000, dtype=DOUBLE)[:2], normal(1, 1000)])  # as a warm tracker's: k + GUARD vectors, one random
    pairs = largest(lambda rows: rows * diagonal, 1, start=start)
    assert pairs.values[0] == pytest.approx(100, rel=1e-3)


# --- honesty ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most_products", [1, 3, 5, 8, 12, 20])
@pytest.mark.parametrize("k", [1, 3])
def test_too_few_products_are_owned_up_to(k: int, most_products: int) -> None:
    matrix = with_spectrum(np.linspace(0, 1, 200))
    pairs = found(matrix, k, most_products=most_products)
    judged(pairs, matrix, k)
    assert not pairs.converged
    assert max(pairs.residuals) > 1e-3
    assert pairs.products <= max(most_products, k + GUARD) + k + GUARD  # a block that was begun is finished
    exact = matrix @ pairs.vectors.T - pairs.vectors.T * torch.tensor(pairs.values, dtype=DOUBLE)
    assert np.allclose(exact.norm(dim=0) / torch.tensor(pairs.values, dtype=DOUBLE).abs(), pairs.residuals, rtol=1e-8)


@settings(deadline=None, max_examples=40)
@given(most_products=st.integers(1, 60), tolerance=st.sampled_from([1e-1, 1e-3, 1e-6]), seed=st.integers(0, 1000))
def test_converged_means_every_residual_within_the_tolerance(most_products: int, tolerance: float, seed: int) -> None:
    matrix = with_spectrum(np.r_[2, 1.5, np.linspace(0, 1, 40)], seed=seed)
    pairs = found(matrix, 2, seed=seed + 1, tolerance=tolerance, most_products=most_products)
    judged(pairs, matrix, 2, tolerance=tolerance)
    assert max(pairs.residuals) <= tolerance or not pairs.converged
    assert pairs.converged or pairs.products >= most_products  # it gives up for one reason only


def test_products_are_counted_as_rows_given_to_the_operator() -> None:
    rows_seen = 0
    matrix = with_spectrum(np.linspace(0, 1, 200))

    def operator(rows: Tensor) -> Tensor:
        nonlocal rows_seen
        rows_seen += len(rows)
        return rows @ matrix

    pairs = largest(operator, 2, start=normal(3, 200))
    assert pairs.products == rows_seen > 20


def test_the_basis_is_grown_at_least_so_often() -> None:
    matrix = with_spectrum(np.r_[100, np.linspace(0, 1, 200)])
    products = [found(matrix, 1, least_expansions=least).products for least in (0, 12, 25)]
    assert products[0] < products[1] < products[2]
    assert products[2] >= 2 + 25


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("after", [0, 2, 9])
@pytest.mark.parametrize("k", [1, 3])
def test_an_operator_that_breaks_down_gives_no_numbers(k: int, after: int, bad: float) -> None:
    matrix, calls = with_spectrum(np.linspace(0, 1, 60)), 0

    def operator(rows: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        images = rows @ matrix
        if calls > after:
            images[-1, 7] = bad
        return images

    pairs = largest(operator, k, start=normal(k + 1, 60))
    assert calls == after + 1
    assert len(pairs.values) == len(pairs.residuals) == k
    assert all(map(math.isnan, pairs.values))
    assert all(map(math.isnan, pairs.residuals))
    assert not pairs.converged
    assert len(pairs.vectors) == len(pairs.spare) == 0  # nothing to start from next time


# --- thick restarts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 4])
def test_searches_that_outgrow_the_basis_several_times(k: int) -> None:
    matrix = with_spectrum(np.linspace(0, 1, 400) ** 0.5)  # dense at the top: gaps of 1e-3 and less
    pairs = found(matrix, k, tolerance=1e-6, most_products=3000)
    truth = judged(pairs, matrix, k, tolerance=1e-6)
    assert pairs.converged
    assert pairs.products > 3 * (2 * k + ROOM)
    assert np.allclose(pairs.values, truth, rtol=1e-9)
    arpack = scipy.sparse.linalg.eigsh(matrix.numpy(), k=k, which="LA", v0=np.ones(400), return_eigenvectors=False)[::-1]
    assert np.allclose(pairs.values, arpack, rtol=1e-9)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_directions_that_a_restart_dropped_are_found_again(k: int) -> None:
    matrix = with_spectrum(np.linspace(0, 1, 100) ** 0.5)
    pairs = found(matrix, k, tolerance=1e-8, most_products=3000)
    judged(pairs, matrix, k, tolerance=1e-8)
    assert pairs.converged
    assert pairs.products > 100  # more than a basis that keeps everything could take


# --- what it refuses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, -1, 6])
def test_k_is_one_to_the_size(k: int) -> None:
    with pytest.raises(ValueError, match=rf"k eigenpairs of a 5 x 5 Hessian: k is 1 to 5, got {k}"):
        largest(lambda rows: rows, k, start=normal(7, 5))


def test_there_are_at_least_k_rows_to_start_from() -> None:
    with pytest.raises(ValueError, match=r"3 eigenpairs want at least 3 rows to start from, got 2"):
        largest(lambda rows: rows, 3, start=normal(2, 5))
