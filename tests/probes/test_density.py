"""Spectral density: exact quadratures, dense spectra, moments, curvlinops."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.probes.families import DOUBLE, SMALL, Family, normal
from tests.probes.oracle import library, operator_of
from torch import Tensor

from genlab.probes.density import spectral_density
from genlab.probes.hessian import Hessian


def symmetric(size: int, seed: int) -> Tensor:
    half = normal(size, size, seed=seed)
    return half + half.T


LARGER = ("resnet8", "transformer")  # their dense matrices take ten seconds on a busy core
CASES = [pytest.param(each, marks=pytest.mark.slow) if each.network.startswith(LARGER) else each for each in SMALL]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 12), steps=st.integers(1, 12))
def test_it_integrates_to_one_and_lies_within_the_spectrum(seed: int, size: int, steps: int) -> None:
    matrix = symmetric(size, seed)
    found = spectral_density(lambda rows: rows @ matrix, matrix[0], steps=steps, probes=3, seed=seed)
    assert found.weights.sum(dim=1).tolist() == pytest.approx([1.0] * 3, rel=1e-9)
    assert bool((found.weights >= 0).all())
    values = torch.linalg.eigvalsh(matrix)
    slack = 1e-9 * values.abs().max().item()
    assert values[0].item() - slack <= found.nodes.min().item()
    assert found.nodes.max().item() <= values[-1].item() + slack
    curve = found.smoothed(width=0.05 * (1 + values.abs().max().item()), points=2000)
    assert torch.trapezoid(curve.density, curve.at).item() == pytest.approx(1, abs=1e-3)
    assert bool((curve.low <= curve.density).all() and (curve.density <= curve.high).all())


def test_polynomials_up_to_twice_the_steps_are_exact_for_each_probe() -> None:
    matrix = symmetric(9, 5)
    seen: list[Tensor] = []

    def operator(rows: Tensor) -> Tensor:
        seen.append(rows[0])
        return rows @ matrix

    found = spectral_density(operator, matrix[0], steps=3, probes=2)
    for probe, start in enumerate((seen[0], seen[3])):
        for power in range(6):
            form = start @ torch.linalg.matrix_power(matrix, power) @ start
            assert (found.weights[probe] @ found.nodes[probe] ** power).item() == pytest.approx(form.item(), rel=1e-9, abs=1e-9)


def test_with_a_step_for_each_eigenvalue_the_nodes_are_the_eigenvalues() -> None:
    matrix = symmetric(8, 6)
    found = spectral_density(lambda rows: rows @ matrix, matrix[0], steps=50, probes=2)  # 8 is all there are
    assert found.nodes.shape == (2, 8)
    assert found.products == 16
    for row in found.nodes:
        assert row.tolist() == pytest.approx(torch.linalg.eigvalsh(matrix).tolist(), rel=1e-8)


def test_a_space_that_is_exhausted_ends_a_probe_early() -> None:
    found = spectral_density(lambda rows: 2 * rows, torch.zeros(20, dtype=DOUBLE), steps=10, probes=2)
    assert found.products == 2
    assert found.weights[0].tolist() == pytest.approx([1.0, *[0.0] * 9])
    assert found.moment(1).centre == pytest.approx(2)
    with pytest.raises(ValueError, match="width is above 0, got 0: pass width="):
        found.smoothed()
    assert found.smoothed(torch.tensor([2.0]), width=1.0).density.item() == pytest.approx(1 / math.sqrt(2 * math.pi))


@pytest.mark.parametrize("family", CASES, ids=str)
def test_of_a_hessian_it_is_the_density_of_the_dense_eigenvalues(family: Family) -> None:
    problem = family.problem(family.losses[-1])
    weights = problem.weights()
    matrix = Hessian(problem, weights).dense()
    truth = torch.linalg.eigvalsh(matrix)
    found = spectral_density(Hessian(problem, weights), weights, steps=12, probes=4)
    mean = found.moment(1)
    half = max((mean.high - mean.low) / 2, 1e-12)
    assert mean.centre == pytest.approx(truth.mean().item(), abs=2.5 * half)  # 8 standard errors of 4 probes
    assert found.nodes[:, -1].max().item() == pytest.approx(truth[-1].item(), rel=1e-3)
    dense = spectral_density(lambda rows: rows @ matrix, weights, steps=12, probes=4)
    assert dense.smoothed().density.tolist() == pytest.approx(found.smoothed().density.tolist(), rel=1e-4, abs=1e-4)
    many = spectral_density(lambda rows: rows @ matrix, weights, steps=24, probes=40)
    width = 0.05 * (truth[-1] - truth[0]).item()
    curve = many.smoothed(width=width)
    exact = torch.exp(-(((curve.at[:, None] - truth) / width) ** 2) / 2).mean(dim=1) / (width * math.sqrt(2 * math.pi))
    assert (curve.density - exact).abs().max().item() < 0.06 * exact.max().item()
    share = many.share_above(truth[-1].item() / 2)
    assert share.low - 0.02 <= (truth > truth[-1] / 2).double().mean().item() <= share.high + 0.02


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_it_is_curvlinops_density() -> None:
    problem = Family("fc-tanh-width4", (5,), 3).problem("ce")
    weights = problem.weights()
    matrix = Hessian(problem, weights).dense()
    low, high = torch.linalg.eigvalsh(matrix)[[0, -1]].tolist()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        operator = operator_of("HessianLinearOperator", problem, "ce")
        at, theirs = library().lanczos_approximate_spectrum(operator, 12, num_points=200, num_repeats=15, boundaries=(low, high))
    width = 1.1 * (high - low) / 11 / math.sqrt(8 * math.log(3))  # theirs: 2 / (steps - 1) / sqrt(8 log kappa) of [-1, 1]
    ours = spectral_density(lambda rows: rows @ matrix, weights, steps=12, probes=15).smoothed(at, width=width)
    assert (ours.density - theirs).abs().max().item() < 0.15 * theirs.max().item()


def test_products_that_are_not_finite_make_no_density() -> None:
    found = spectral_density(lambda rows: rows * math.nan, torch.zeros(4), probes=2)
    assert bool(torch.isnan(found.nodes).all())
    assert found.products == 2
    for ask in (lambda: found.moment(1), lambda: found.share_above(0), found.smoothed):
        with pytest.raises(ValueError, match="finite"):
            ask()


def test_a_density_without_an_interval_is_refused() -> None:
    for steps, probes in ((0, 5), (5, 1)):
        with pytest.raises(ValueError, match=f"at least 1 step and 2 probes, got {steps} and {probes}"):
            spectral_density(lambda rows: rows, torch.zeros(3), steps=steps, probes=probes)
