"""Penalties by differences of gradients against the exact ones, in float64 and float32."""

import pytest
import torch
from tests.interventions.small_problems import close, labelled, small
from torch import nn

from genlab.interventions.finite_difference import FiniteDifferencePenalty
from genlab.interventions.penalties import MicrobatchPenalty
from genlab.interventions.quantities import Quantity, average_jacobian, fisher, gradient_norm, unit_jacobian
from genlab.training.losses import cross_entropy, half_squared_error
from genlab.training.problem import Problem

QUANTITIES = [gradient_norm, average_jacobian, unit_jacobian]


@pytest.mark.parametrize("of", QUANTITIES, ids=["gn", "aj", "uj"])
@pytest.mark.parametrize("loss", ["ce", "mse"])
def test_the_penaltys_gradient_is_the_exact_one_up_to_the_stated_order(loss: str, of: Quantity) -> None:
    exact = small(loss)
    truth = MicrobatchPenalty(of, 1.0, microbatch=4)(exact, exact.weights(), 2)
    penaltys = truth.gradient - exact.slope(exact.weights()).gradient
    for dtype, central, most in (
        (torch.float64, True, 1e-8),
        (torch.float64, False, 1e-5),
        (torch.float32, True, 1e-2),
        (torch.float32, False, 5e-2),
    ):
        problem = small(loss, dtype=dtype)
        found = FiniteDifferencePenalty(of, 1.0, microbatch=4, central=central)(problem, problem.weights(), 2)
        error = (found.gradient.double() - truth.gradient).norm() / penaltys.norm()
        assert error < most, (dtype, central)
        scale = 1e-10 if dtype is torch.float64 else 1e-5
        assert (found.loss, found.penalty) == pytest.approx((truth.loss, truth.penalty), rel=scale)
        assert found.accuracy == pytest.approx(truth.accuracy)


@pytest.mark.parametrize("of", QUANTITIES, ids=["gn", "aj", "uj"])
def test_any_physical_batch_gives_the_same_step(of: Quantity) -> None:
    whole, parts = small(), small(physical_batch=3)
    penalty = FiniteDifferencePenalty(of, 0.1, microbatch=7)
    expected, found = (penalty(each, each.weights(), 1).gradient for each in (whole, parts))
    assert close(found, expected, within=1e-8)


def test_at_zero_it_is_plain_and_where_the_gradient_is_zero_it_adds_nothing() -> None:
    problem = small()
    plain = problem.slope(problem.weights())
    assert torch.equal(FiniteDifferencePenalty(gradient_norm, 0.0)(problem, problem.weights()).gradient, plain.gradient)
    line = nn.Linear(1, 1, bias=False)
    x = torch.ones(1, 1)
    solved = Problem(line, half_squared_error, x, x)
    found = FiniteDifferencePenalty(gradient_norm, 0.5)(solved, torch.ones(1))
    assert (found.gradient.item(), found.penalty) == (0.0, 0.0)


def test_dropout_takes_one_mask_for_all_passes() -> None:
    inputs, labels = labelled(10)
    module = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 3)).double()
    problem = Problem(module, cross_entropy, inputs, labels)
    found = []
    for penalty in (MicrobatchPenalty(gradient_norm, 0.3), FiniteDifferencePenalty(gradient_norm, 0.3)):
        torch.manual_seed(3)
        found.append(penalty(problem, problem.weights()).gradient)
    assert close(*found, within=1e-7)


def test_kinks_and_nonsense_are_refused() -> None:
    inputs, labels = labelled(10)
    module = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)).double()
    problem = Problem(module, cross_entropy, inputs, labels)
    with pytest.raises(ValueError, match=r"has kinks \(ReLU\), where .*: take MicrobatchPenalty"):
        FiniteDifferencePenalty(gradient_norm, 0.1)(problem, problem.weights())
    with pytest.raises(ValueError, match="strength is finite and not below 0, got -1"):
        FiniteDifferencePenalty(gradient_norm, -1.0)
    with pytest.raises(ValueError, match="a micro-batch has at least 1 example"):
        FiniteDifferencePenalty(gradient_norm, 1.0, microbatch=0)
    with pytest.raises(ValueError, match="labels drawn for the Fisher penalty would move"):
        FiniteDifferencePenalty(fisher, 0.1)
