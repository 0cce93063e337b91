"""Sharpness along a segment: dense Hessians at every point, a closed form, batch norm left alone."""

import math

import numpy as np
import pytest
import torch
from tests.probes.families import DOUBLE, SMALL, Family, normal
from torch import nn

from genlab.probes.hessian import Hessian
from genlab.probes.segment import midpoint_sharpness, segment_sharpness
from genlab.probes.tracker import Tracker
from genlab.training.losses import cross_entropy, half_squared_error
from genlab.training.networks import build
from genlab.training.problem import Problem


def quartic(scale: float = 1.0) -> Problem:
    """The loss scale * (w1^4 + w2^2) / 2 of two weights: its Hessian is diag(6 w1^2, 1) times scale."""

    class Raw(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.zeros(2, dtype=DOUBLE))

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.w.expand(len(inputs), -1)

    return Problem(
        Raw(), lambda outputs, _: scale * (outputs[:, 0] ** 4 + outputs[:, 1] ** 2) / 2, torch.zeros(3, 1), torch.zeros(3, 1)
    )


@pytest.mark.parametrize("family", SMALL, ids=str)
def test_at_every_point_it_is_the_largest_eigenvalue_of_the_dense_hessian(family: Family) -> None:
    problem = family.problem(family.losses[-1])
    start = problem.weights()
    end = start + 0.3 * normal(len(start), seed=4)
    found = segment_sharpness(problem, start, end, points=3, tolerance=1e-5)
    truth = np.linalg.eigvalsh(Hessian(problem, (start + end) / 2).dense().numpy())[-1]
    assert found.values[1] == pytest.approx(truth, rel=1e-6)
    assert midpoint_sharpness(problem, start, end, tolerance=1e-5).values[0] == pytest.approx(truth, rel=1e-6)
    assert found.largest == found.values[found.positions.index(found.where)] == max(found.values)
    assert found.all_converged
    assert max(found.residuals) <= 1e-5


def test_by_default_it_measures_at_the_papers_eight_points() -> None:
    start = torch.tensor([-1.0, 0.0]).double()
    found = segment_sharpness(quartic(), start, -start)
    assert found.positions == tuple(index / 7 for index in range(8))
    assert found.values == pytest.approx([max(1.0, 6 * (2 * position - 1) ** 2) for position in found.positions])


def test_the_largest_can_lie_inside() -> None:
    found = segment_sharpness(quartic(), torch.tensor([-1.0, 0.0]).double(), torch.tensor([2.0, 0.0]).double(), points=4)
    assert found.values == pytest.approx((6, 1, 6, 24))  # at w1 = -1, 0, 1, 2
    assert found.largest == pytest.approx(24)
    assert found.where == 1.0
    across = segment_sharpness(quartic(-1), torch.tensor([-1.0, 0.0]).double(), torch.tensor([1.0, 0.0]).double(), points=5)
    assert across.values == pytest.approx((-1, -1, 0, -1, -1), abs=1e-12)
    assert across.where == 0.5


def test_the_ends_are_the_very_iterates() -> None:
    problem = SMALL[2].problem("ce")
    start = problem.weights()
    end = start + normal(len(start))
    found = segment_sharpness(problem, start, end, points=2)
    tracker = Tracker(problem, tolerance=1e-3)
    assert found.values == tuple(tracker(weights).values[0] for weights in (start, end))


def test_later_points_start_from_the_vectors_of_earlier_ones() -> None:
    problem = SMALL[2].problem("ce")
    start = problem.weights()
    end = start + 0.01 * normal(len(start))
    found = segment_sharpness(problem, start, end, points=4)
    cold = sum(Tracker(problem)(torch.lerp(start, end, position)).products for position in found.positions)
    assert found.products < 0.7 * cold


def test_a_tracker_is_carried_from_step_to_step() -> None:
    problem = SMALL[2].problem("ce")
    start = problem.weights()
    end = start + 0.01 * normal(len(start))
    tracker = Tracker(problem, tolerance=1e-6)
    tracker(start)
    carried = segment_sharpness(problem, start, end, points=2, tracker=tracker)
    assert tracker.readings == 3
    assert carried.products < segment_sharpness(problem, start, end, points=2, tolerance=1e-6).products
    midpoint_sharpness(problem, start, end, tracker=tracker)
    assert tracker.readings == 4
    with pytest.raises(ValueError, match="measures another problem"):
        segment_sharpness(SMALL[2].problem("ce"), start, end, tracker=tracker)


def test_batch_norm_in_train_mode_is_measured_and_left_as_it_was() -> None:
    layers = build("fc-tanh-width3", inputs=(4,), outputs=3, seed=0, dtype=DOUBLE)
    module = nn.Sequential(layers[:2], nn.BatchNorm1d(3, dtype=DOUBLE), layers[2:])
    problem = Problem(module, cross_entropy, normal(10, 4), normal(10, 3).argmax(dim=1), physical_batch=10)
    module.train()
    before = {name: each.clone() for name, each in module.state_dict().items()}
    start = problem.weights()
    end = start + 0.3 * normal(len(start), seed=1)
    found = segment_sharpness(problem, start, end, points=3, tolerance=1e-6)
    after = module.state_dict()
    assert all(torch.equal(each, after[name]) for name, each in before.items())  # the running statistics among them
    truth = np.linalg.eigvalsh(Hessian(problem, (start + end) / 2).dense().numpy())[-1]
    assert found.values[1] == pytest.approx(truth, rel=1e-6)
    module.eval()
    assert segment_sharpness(problem, start, end, points=3).values[1] != pytest.approx(truth, rel=1e-2)  # another function


def test_a_point_without_curvature_makes_the_largest_not_a_number() -> None:
    problem = Problem(
        build("fc-tanh-width3", inputs=(4,), outputs=1, seed=0, dtype=DOUBLE), half_squared_error, normal(3, 4), normal(3, 1)
    )
    start = problem.weights()
    found = segment_sharpness(problem, start, torch.full_like(start, math.inf), points=3)
    assert math.isfinite(found.values[0])
    assert math.isnan(found.largest)
    assert found.where > 0
    assert found.converged == (True, False, False)
    assert not found.all_converged


def test_an_exhausted_budget_is_said() -> None:
    problem = SMALL[2].problem("ce")
    start = problem.weights()
    found = segment_sharpness(problem, start, start + normal(len(start)), most_products=2)
    assert found.converged == (False,) * 8


def test_what_is_no_segment_is_refused() -> None:
    problem = SMALL[2].problem("ce")
    start = problem.weights()
    with pytest.raises(ValueError, match="2 ends at least, got points=1; for its middle use midpoint_sharpness"):
        segment_sharpness(problem, start, start, points=1)
    with pytest.raises(ValueError, match=r"weight vectors of one shape, got \(59,\) and \(1,\)"):
        segment_sharpness(problem, start, start[:1])
    with pytest.raises(ValueError, match="a weight vector has"):
        midpoint_sharpness(problem, start[1:], start[1:])
