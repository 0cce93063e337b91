"""Micro-batch penalties against autograd, dense Hessians and enumerated labels; L2 against PyTorch's weight decay."""

import itertools
from dataclasses import replace

import pytest
import torch
from tests.interventions.small_problems import DOUBLE, close, labelled, normalised, small
from torch import Tensor, nn

from genlab.interventions import quantities
from genlab.interventions.penalties import L2Penalty, MicrobatchPenalty
from genlab.interventions.quantities import average_jacobian, fisher, gradient_norm, unit_jacobian
from genlab.probes.fisher import fisher_trace
from genlab.probes.hessian import Hessian
from genlab.probes.jacobian import jacobian_norms
from genlab.training.losses import cross_entropy
from genlab.training.microbatches import microbatches
from genlab.training.problem import Problem
from genlab.training.sampling import draws, sampled


@pytest.mark.parametrize("loss", ["ce", "mse"])
def test_the_gradient_of_the_squared_norm_is_twice_the_dense_hessian_times_the_gradient(loss: str) -> None:
    problem = small(loss)
    weights = problem.weights()
    g = problem.slope(weights).gradient
    found = MicrobatchPenalty(gradient_norm, 0.7)(problem, weights)
    assert close(found.gradient, g + 0.7 * 2 * Hessian(problem, weights).dense() @ g)
    assert found.penalty == pytest.approx(0.7 * g.square().sum().item(), rel=1e-12)


@pytest.mark.parametrize("of", [gradient_norm, average_jacobian])
@pytest.mark.parametrize("microbatch", [1, 3, 4, 10])
def test_the_step_is_plain_autograd_on_the_objective_a_small_last_micro_batch_weighing_as_its_examples(
    of: quantities.Quantity, microbatch: int
) -> None:
    problem = small()
    module = problem.module
    total = torch.zeros((), dtype=DOUBLE)
    for part, _ in microbatches(problem, microbatch, "penalty", 5, 2):
        assert isinstance(part.inputs, Tensor)
        outputs = module(part.inputs)
        loss = nn.functional.cross_entropy(outputs, part.targets)
        quantity = loss if of is gradient_norm else outputs.sum(dim=1).mean()
        pieces = torch.autograd.grad(quantity, list(module.parameters()), create_graph=True)
        total = total + len(part.targets) / 10 * (loss + 0.3 * sum(piece.square().sum() for piece in pieces))
    expected = torch.cat([each.reshape(-1) for each in torch.autograd.grad(total, list(module.parameters()))])
    found = MicrobatchPenalty(of, 0.3, microbatch, seed=5)(problem, problem.weights(), 2)
    assert close(found.gradient, expected)
    assert found.loss + found.penalty == pytest.approx(total.item(), rel=1e-12)


def test_the_gradient_of_the_unit_jacobian_penalty_is_its_finite_difference() -> None:
    problem = small()
    weights = problem.weights()
    penalty = MicrobatchPenalty(unit_jacobian, 1.0, microbatch=4)
    direction = torch.randn(len(weights), generator=torch.Generator().manual_seed(1), dtype=DOUBLE)
    step = 1e-5
    up, down = (penalty(problem, weights + sign * step * direction) for sign in (1, -1))
    slope = ((up.loss + up.penalty) - (down.loss + down.penalty)) / (2 * step)
    assert (penalty(problem, weights).gradient @ direction).item() == pytest.approx(slope, rel=1e-8)


def test_over_all_labels_the_fisher_penalty_is_the_trace_over_the_size_exactly() -> None:
    """E over labels enumerated, each assignment weighted by its probability: tr(F_M) / m."""
    inputs, labels = labelled(2, width=2)
    problem = Problem(
        nn.Sequential(nn.Linear(2, 2, dtype=DOUBLE), nn.Tanh(), nn.Linear(2, 3, dtype=DOUBLE)), cross_entropy, inputs, labels
    )
    weights = problem.weights()
    likely = problem.module(inputs).softmax(dim=1).detach()
    mean = 0.0
    for drawn in itertools.product(range(3), repeat=2):
        relabelled = replace(problem, targets=torch.tensor(drawn))
        square = relabelled.slope(weights).gradient.square().sum().item()
        mean += square * likely[range(2), list(drawn)].prod().item()
    assert mean == pytest.approx(fisher_trace(problem, weights) / 2, rel=1e-12)


def test_the_fisher_penalty_is_the_gradient_norm_at_the_labels_that_its_key_draws() -> None:
    problem = small(examples=6)
    weights = problem.weights()
    drawn: list[Tensor] = []

    def noting(loss: object, outputs: Tensor, targets: Tensor, place: quantities.Place) -> Tensor:
        numbers = draws(cross_entropy, outputs, place.examples, place.first, *place.key)
        drawn.append(sampled(cross_entropy, outputs.detach(), targets, numbers))
        return fisher(cross_entropy, outputs, targets, place)

    found = MicrobatchPenalty(noting, 0.5)(problem, weights, 7)
    relabelled = replace(problem, targets=drawn[0])
    g = relabelled.slope(weights).gradient
    expected = problem.slope(weights).gradient + 2 * 0.5 * Hessian(relabelled, weights).dense() @ g
    assert close(found.gradient, expected)
    assert found.penalty == pytest.approx(0.5 * g.square().sum().item(), rel=1e-12)


def test_along_all_unit_directions_the_jacobian_penalty_is_the_squared_norm_over_the_outputs() -> None:
    problem = small()
    weights = problem.weights()
    norms = jacobian_norms(problem, weights)
    penalty = MicrobatchPenalty(unit_jacobian, 1.0)
    seen = torch.tensor([penalty(problem, weights, step).penalty for step in range(100)], dtype=DOUBLE)
    error = seen.std().item() / 10
    assert abs(seen.mean().item() - norms.square / 3) < 4 * error
    assert error < 0.1 * norms.square
    assert MicrobatchPenalty(average_jacobian, 1.0)(problem, weights).penalty == pytest.approx(norms.along_ones, rel=1e-12)


def test_with_batch_norm_a_micro_batch_is_made_of_whole_ghost_batches() -> None:
    problem = normalised(ghost_batch=4)
    weights = problem.weights()
    found = MicrobatchPenalty(gradient_norm, 0.2, microbatch=4)(problem, weights, 1)
    parts = list(microbatches(problem, 4, "penalty", 0, 1))
    expected = torch.zeros_like(weights)
    for part, share in parts:
        g = part.slope(weights).gradient
        expected += share * (g + 0.4 * Hessian(part, weights)(g[None])[0])
    assert close(found.gradient, expected)


def test_a_loss_without_a_likelihood_has_no_fisher_matrix() -> None:
    problem = small().losing(lambda outputs, targets: nn.functional.cross_entropy(outputs, targets, reduction="none"))
    with pytest.raises(ValueError, match=r"a negative log-likelihood to draw from: genlab.cross_entropy \(a softmax\)"):
        MicrobatchPenalty(fisher, 0.1)(problem, problem.weights())


def test_l2_is_pytorchs_weight_decay_of_twice_the_strength() -> None:
    problem = small()
    weights = problem.weights()
    found = L2Penalty(0.05)(problem, weights)
    decayed = torch.optim.SGD(problem.module.parameters(), lr=0.5, weight_decay=0.1)
    nn.functional.cross_entropy(problem.module(problem.inputs), problem.targets).backward()
    decayed.step()
    assert close(problem.weights(), weights - 0.5 * found.gradient)
    assert found.penalty == pytest.approx(0.05 * weights.square().sum().item(), rel=1e-13)
