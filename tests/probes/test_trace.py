"""Trace estimators: exact cases, dense matrices, coverage of the intervals, curvlinops."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.probes.families import DOUBLE, SMALL, Family, normal
from tests.probes.oracle import library
from torch import Tensor

from genlab.probes.eigen import Operator
from genlab.probes.hessian import Hessian
from genlab.probes.trace import Trace, hutch_plus_plus, hutchinson


def symmetric(size: int, seed: int) -> Tensor:
    half = normal(size, size, seed=seed)
    return half + half.T


def by(matrix: Tensor) -> Operator:
    return lambda rows: rows @ matrix


def decaying(size: int, power: float) -> Tensor:
    """Eigenvalues i^-power in a random basis."""
    basis = torch.linalg.qr(normal(size, size, seed=3)).Q
    values: Tensor = torch.arange(1, size + 1, dtype=DOUBLE) ** -power
    found: Tensor = (basis * values) @ basis.T
    return found


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 8))
def test_hutchinson_is_exact_on_diagonals_and_hutch_plus_plus_on_what_its_sketch_spans(seed: int, size: int) -> None:
    diagonal = normal(size, seed=seed)
    found = hutchinson(lambda rows: rows * diagonal, diagonal, probes=3, seed=seed)
    assert found.value == pytest.approx(diagonal.sum().item(), abs=1e-12)
    assert found.standard_error < 1e-12
    factor = normal(size, 2, seed=seed)
    low = factor @ factor.T
    exact = hutch_plus_plus(by(low), diagonal, products=12, seed=seed)
    assert exact.value == pytest.approx(low.trace().item(), rel=1e-9)


@pytest.mark.parametrize("estimate", [hutchinson, hutch_plus_plus])
@pytest.mark.parametrize("matrix", [symmetric(30, 1), decaying(30, 1.0)])
def test_over_seeds_it_is_unbiased_and_its_intervals_cover(estimate: object, matrix: Tensor) -> None:
    budget = {"probes": 30} if estimate is hutchinson else {"products": 30}
    like, truth = torch.zeros(30, dtype=DOUBLE), matrix.trace().item()
    found: list[Trace] = [estimate(by(matrix), like, seed=seed, **budget) for seed in range(150)]  # type: ignore[operator]
    values = torch.tensor([each.value for each in found])
    assert values.mean().item() == pytest.approx(truth, abs=4 * values.std().item() / math.sqrt(150))
    covered = sum(each.interval.low <= truth <= each.interval.high for each in found) / 150
    assert 0.88 <= covered <= 1  # nominal 95%: below 0.88 by chance once in 2,000
    assert torch.tensor([each.standard_error for each in found]).square().mean().sqrt().item() == pytest.approx(
        values.std().item(), rel=0.3
    )
    assert {each.products for each in found} == {30}


def test_hutchinsons_variance_is_the_known_one() -> None:
    matrix, like = symmetric(12, 2), torch.zeros(12, dtype=DOUBLE)
    found = hutchinson(by(matrix), like, probes=4000)
    known = 2 * (matrix.square().sum() - matrix.diagonal().square().sum()) / 4000
    assert found.standard_error == pytest.approx(known.sqrt().item(), rel=0.05)


def test_hutch_plus_plus_pays_where_the_spectrum_decays() -> None:
    matrix, like = decaying(120, 2.0), torch.zeros(120, dtype=DOUBLE)
    found = [
        (hutchinson(by(matrix), like, probes=30, seed=seed), hutch_plus_plus(by(matrix), like, products=30, seed=seed))
        for seed in range(20)
    ]
    errors = torch.tensor([[one.value, other.value] for one, other in found]) - matrix.trace().item()
    plain, better = errors.square().mean(dim=0).sqrt().tolist()
    assert better < plain / 5


@pytest.mark.parametrize("family", SMALL, ids=str)
def test_of_a_hessian_it_is_the_sum_of_the_dense_eigenvalues(family: Family) -> None:
    problem = family.problem(family.losses[-1])
    weights = problem.weights()
    matrix = Hessian(problem, weights).dense()
    truth = torch.linalg.eigvalsh(matrix).sum().item()
    found = hutchinson(Hessian(problem, weights), weights, probes=20)
    assert found.value == pytest.approx(truth, abs=5 * found.standard_error)
    size = len(weights)
    every = hutch_plus_plus(by(matrix), weights, products=3 * size)  # the sketch spans everything
    assert every.value == pytest.approx(truth, rel=1e-8, abs=1e-8 * matrix.norm().item())


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_it_is_curvlinops_estimator_on_equal_terms() -> None:
    """Not the same draws: the means over seeds, and the spread, agree."""
    matrix, like = decaying(40, 1.0), torch.zeros(40, dtype=DOUBLE)
    ours = torch.tensor([hutch_plus_plus(by(matrix), like, products=12, seed=seed).value for seed in range(200)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = torch.stack([library().hutchpp_trace(matrix, 12) for _ in range(200)])
    assert ours.mean().item() == pytest.approx(
        theirs.mean().item(), abs=4 * math.hypot(ours.std(), theirs.std()) / math.sqrt(200)
    )
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.3)


def test_probes_are_keyed_by_their_number() -> None:
    matrix, like = symmetric(9, 4), torch.zeros(9, dtype=DOUBLE)
    few, many, other = (hutchinson(by(matrix), like, probes=probes, seed=seed) for probes, seed in ((7, 0), (20, 0), (20, 1)))
    assert few.samples == pytest.approx(many.samples[:7], rel=1e-12)
    assert other.samples != many.samples
    torch.manual_seed(1)
    assert hutchinson(by(matrix), like, probes=20) == many
    assert many.interval.n == 20


def test_products_that_are_not_finite_make_no_number() -> None:
    like = torch.zeros(4)
    for bad in (math.nan, math.inf):
        operator = by(torch.full((4, 4), bad))
        for found in (hutchinson(operator, like), hutch_plus_plus(operator, like)):
            assert math.isnan(found.value)
            assert math.isnan(found.standard_error)
            with pytest.raises(ValueError, match="finite"):
                _ = found.interval


def test_budgets_without_evidence_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 probes, got 1"):
        hutchinson(lambda rows: rows, torch.zeros(3), probes=1)
    for products in (0, 3, 10):
        with pytest.raises(ValueError, match=f"thirds of at least 2, got {products}: try"):
            hutch_plus_plus(lambda rows: rows, torch.zeros(3), products=products)
