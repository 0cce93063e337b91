"""Gradient noise, Fisher and Jacobian: identities, enumeration, dense matrices."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from genlab.probes.fisher import fisher_trace, sampled_fisher_trace
from genlab.probes.gauss_newton import GaussNewton
from genlab.probes.gradient_noise import gradient_noise, microbatch_norms
from genlab.probes.jacobian import jacobian_norms
from genlab.training.losses import LOSSES, cross_entropy
from genlab.training.networks import build
from genlab.training.problem import Problem

DOUBLE = torch.float64


def small(loss: str = "ce", examples: int = 6) -> Problem:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(examples, 4, generator=generator, dtype=DOUBLE)
    labels = torch.randint(3, (examples,), generator=generator)
    return Problem(build("fc-tanh-width5", inputs=(4,), outputs=3, seed=0, dtype=DOUBLE), LOSSES[loss], inputs, labels)


def rows(problem: Problem) -> Tensor:
    """Each example's gradient, one at a time."""
    return torch.stack([problem.subset([i]).slope(problem.weights()).gradient for i in range(len(problem.targets))])


@pytest.mark.parametrize("loss", ["ce", "mse"])
@pytest.mark.parametrize("at_once", [1, 4, 64])
def test_the_trace_is_that_of_the_covariance_matrix(loss: str, at_once: int) -> None:
    problem = small(loss)
    found = gradient_noise(problem, problem.weights(), at_once=at_once)
    each = rows(problem)
    assert found.trace == pytest.approx(torch.cov(each.T).trace().item(), rel=1e-11)
    assert found.square == pytest.approx(each.mean(dim=0).square().sum().item(), rel=1e-11)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_over_all_micro_batches_the_mean_squared_norm_is_the_identitys(size: int) -> None:
    """E|g_M|^2 = |g_B|^2 + (1/m - 1/n) tr(Sigma): over every subset of six examples, not over some."""
    problem = small()
    each = rows(problem)
    squares = [each[list(part)].mean(dim=0).square().sum().item() for part in itertools.combinations(range(6), size)]
    noise = gradient_noise(problem, problem.weights())
    assert noise.microbatch_square(size) == pytest.approx(sum(squares) / len(squares), rel=1e-11)


def test_micro_batch_norms_are_of_a_partition_and_weighted_by_their_examples() -> None:
    problem = small(examples=5)
    weights = problem.weights()
    noise = gradient_noise(problem, weights)
    single = microbatch_norms(problem, weights, microbatch=1)
    assert single.square == pytest.approx(noise.microbatch_square(1), rel=1e-12)  # every partition into ones is the same
    assert microbatch_norms(problem, weights, microbatch=5).square == pytest.approx(noise.square, rel=1e-12)
    pairs = microbatch_norms(problem, weights, microbatch=2)
    assert pairs.shares == pytest.approx((0.4, 0.4, 0.2))
    assert pairs.square == pytest.approx(sum(map(lambda a, b: a * b, pairs.squares, pairs.shares)))


@pytest.mark.parametrize("loss", ["ce", "mse"])
def test_the_fisher_trace_is_the_gauss_newton_matrixs(loss: str) -> None:
    problem = small(loss)
    dense = GaussNewton(problem, problem.weights()).dense()
    assert fisher_trace(problem, problem.weights()) == pytest.approx(dense.trace().item(), rel=1e-11)


@pytest.mark.parametrize("loss", ["ce", "mse"])
def test_sampled_labels_give_the_fisher_trace_within_their_error(loss: str) -> None:
    problem = small(loss)
    found = sampled_fisher_trace(problem, problem.weights(), samples=40)
    assert abs(found.value - fisher_trace(problem, problem.weights())) < 4 * found.standard_error
    assert found.standard_error < 0.2 * found.value
    again = sampled_fisher_trace(problem, problem.weights(), samples=3)
    assert again.samples == found.samples[:3]


def test_jacobian_norms_are_those_of_autograds_jacobian() -> None:
    problem = small()
    outputs = lambda weights: torch.func.functional_call(
        problem.module, dict(zip(problem.names, problem.split(weights), strict=True)), (problem.inputs,)
    ).mean(dim=0)
    jacobian = torch.autograd.functional.jacobian(outputs, problem.weights())
    found = jacobian_norms(replace(problem, physical_batch=4), problem.weights())
    assert found.square == pytest.approx(jacobian.square().sum().item(), rel=1e-11)
    assert found.along_ones == pytest.approx(jacobian.sum(dim=0).square().sum().item(), rel=1e-11)
    assert found.outputs == 3


def test_what_ties_examples_together_is_refused() -> None:
    module = nn.Sequential(nn.Linear(4, 3, dtype=DOUBLE), nn.BatchNorm1d(3, dtype=DOUBLE))
    problem = small()
    tied = Problem(module, cross_entropy, problem.inputs, problem.targets)
    for measure in (gradient_noise, fisher_trace):
        with pytest.raises(ValueError, match="batch norm in train mode ties examples together"):
            measure(tied, tied.weights())
    with pytest.raises(ValueError, match=r"genlab.cross_entropy \(a softmax\)"):
        fisher_trace(problem.losing(lambda outputs, targets: outputs.sum(dim=1)), problem.weights())
    with pytest.raises(ValueError, match="a micro-batch of 6 examples has 1 to 6, got 7"):
        gradient_noise(problem, problem.weights()).microbatch_square(7)
