"""SAM against an independent implementation, closed forms, and its own edge of stability."""

import pytest
import torch
from pytorch_optimizer import SAM
from tests.interventions.small_problems import DOUBLE, close, small
from torch import nn

from genlab.interventions.sam import Sam
from genlab.probes.sam_edge import sam_edge
from genlab.training.losses import half_squared_error
from genlab.training.microbatches import microbatches
from genlab.training.problem import Problem
from genlab.training.updates import GradientDescent


@pytest.mark.parametrize("adaptive", [False, True])
def test_ten_steps_agree_with_pytorch_optimizer(adaptive: bool) -> None:
    problem, theirs = small(), small().module
    optimizer = SAM(theirs.parameters(), torch.optim.SGD, rho=0.2, adaptive=adaptive, perturb_eps=0.0, lr=0.5)
    weights, update, ours = problem.weights(), GradientDescent(0.5), Sam(0.2, adaptive=adaptive)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(theirs(problem.inputs), problem.targets)
        loss.backward()
        return loss

    for step in range(10):
        weights, _ = update(weights, ours(problem, weights, step).gradient, None, step)
        closure()
        optimizer.step(closure)
        found = torch.cat([each.detach().reshape(-1) for each in theirs.parameters()])
        assert close(weights, found, within=1e-6)  # their norm is a float32, ours a float64


def test_each_micro_batch_climbs_along_its_own_gradient() -> None:
    problem = small()
    weights = problem.weights()
    expected = torch.zeros_like(weights)
    for part, share in microbatches(problem, 4, "sam", 0, 3):
        g = part.slope(weights).gradient
        expected += share * part.slope(weights + 0.1 * g / g.norm()).gradient
    assert close(Sam(0.1, microbatch=4)(problem, weights, 3).gradient, expected)
    assert not close(Sam(0.1)(problem, weights, 3).gradient, expected, within=1e-6)


def test_the_ascent_has_the_radius_as_its_norm_and_is_zero_where_the_gradient_is() -> None:
    g = torch.tensor([3.0, 4.0])
    assert Sam(0.5).ascent(torch.zeros(2), g).tolist() == pytest.approx([0.3, 0.4])
    w = torch.tensor([2.0, 1.0])  # |w| g = (6, 4), w^2 g = (12, 4)
    assert Sam(0.5, adaptive=True).ascent(w, g).tolist() == pytest.approx([6 / 52**0.5, 2 / 52**0.5])
    for adaptive in (False, True):
        assert Sam(0.5, adaptive=adaptive).ascent(w, torch.zeros(2)).tolist() == [0, 0]


@pytest.mark.parametrize("radius", [1e-6, 0.01, 0.3])
def test_on_a_quadratic_sam_turns_around_exactly_above_its_edge_which_tends_to_gradient_descents(radius: float) -> None:
    """L = lambda w^2 / 2: a step multiplies w by 1 - eta lambda (1 + rho lambda / |g|), which is -1 at the edge."""
    eta, w = 0.5, torch.ones(1, dtype=DOUBLE)
    for over, grows in ((0.999, False), (1.001, True)):
        curvature = 1.0
        for _ in range(200):  # |g| = curvature |w| at w = 1: the edge at its own gradient norm
            curvature = over * sam_edge(eta, curvature, radius)
        x = torch.full((1, 1), curvature**0.5, dtype=DOUBLE)
        problem = Problem(nn.Linear(1, 1, bias=False, dtype=DOUBLE), half_squared_error, x, torch.zeros(1, 1, dtype=DOUBLE))
        after, _ = GradientDescent(eta)(w, Sam(radius)(problem, w).gradient, None)
        assert (abs(after.item()) > 1) is grows
    assert sam_edge(eta, 1.0, 1e-9) == pytest.approx(2 / eta, rel=1e-6)
