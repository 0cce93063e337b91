"""Batch sharpness and gradient-noise interaction: all mini-batches enumerated, dense Hessians, stops."""

import itertools
import math
import statistics
from collections.abc import Callable

import pytest
import torch
from tests.probes.families import DOUBLE, SMALL, Family, normal
from torch import Tensor, nn

from genlab.probes.batch_sharpness import BatchEstimate, batch_sharpness, gradient_noise_interaction
from genlab.probes.hessian import Hessian
from genlab.training.losses import half_squared_error
from genlab.training.networks import build
from genlab.training.problem import Problem

Estimator = Callable[..., BatchEstimate]


def part(problem: Problem, rows: tuple[int, ...]) -> Problem:
    assert isinstance(problem.inputs, Tensor)
    examples = list(rows)
    return Problem(problem.module, problem.loss, problem.inputs[examples], problem.targets[examples], problem.physical_batch)


def enumerated(problem: Problem, batch: int) -> tuple[float, float]:
    """Both quantities as means over every mini-batch, with dense Hessians."""
    weights = problem.weights()
    full, square = Hessian(problem, weights).dense(), problem.slope(weights).gradient.square().sum()
    along, noise = [], []
    for rows in itertools.combinations(range(len(problem.targets)), batch):
        own = part(problem, rows)
        g = own.slope(weights).gradient
        along.append((g @ Hessian(own, weights).dense() @ g / (g @ g)).item())
        noise.append((g @ full @ g / square).item())
    return statistics.fmean(along), statistics.fmean(noise)


@pytest.mark.parametrize("family", [SMALL[0], SMALL[2]], ids=str)
def test_it_is_the_mean_over_all_mini_batches(family: Family) -> None:
    problem = family.problem("ce", physical_batch=2)  # a mini-batch of 3 takes two passes
    weights = problem.weights()
    for estimate, truth in zip((batch_sharpness, gradient_noise_interaction), enumerated(problem, 3), strict=True):
        found = estimate(problem, weights, batch=3, relative_error=0.1, most_batches=300)
        assert found.batches >= 30
        assert found.converged
        assert found.standard_error <= 0.1 * abs(found.value)
        assert found.value == pytest.approx(truth, abs=4 * found.standard_error)


@pytest.mark.parametrize("family", SMALL, ids=str)
def test_of_all_the_data_it_is_the_curvature_along_the_gradient(family: Family) -> None:
    problem = family.problem(family.losses[-1])
    weights = problem.weights()
    g = problem.slope(weights).gradient
    truth = (g @ Hessian(problem, weights).dense() @ g / (g @ g)).item()
    for estimate in (batch_sharpness, gradient_noise_interaction):
        found = estimate(problem, weights, batch=5)
        assert found.value == pytest.approx(truth, rel=1e-9)
        assert (found.batches, found.standard_error, found.converged) == (1, 0.0, True)


def test_one_example_of_least_squares_has_its_own_square_for_its_sharpness() -> None:
    inputs = normal(6, 3)
    problem = Problem(nn.Linear(3, 1, bias=False, dtype=DOUBLE), half_squared_error, inputs, normal(6, 1))
    found = batch_sharpness(problem, problem.weights(), batch=1, relative_error=0, most_batches=60)
    squares = inputs.square().sum(dim=1).tolist()
    assert all(min(abs(sample - square) for square in squares) < 1e-9 for sample in found.samples)
    assert found.batches == 60
    assert not found.converged
    assert found.standard_error == pytest.approx(statistics.stdev(found.samples) / math.sqrt(60))
    assert found.value == pytest.approx(statistics.fmean(found.samples))
    assert found.interval.centre == pytest.approx(found.value)


def test_on_a_graph_of_one_pass_and_of_several_it_is_the_same() -> None:
    family = SMALL[2]
    one, several = (
        batch_sharpness(family.problem("ce", physical_batch=size), family.problem("ce").weights(), batch=4, most_batches=5)
        for size in (5, 2)
    )
    assert one.samples == pytest.approx(several.samples, rel=1e-10)


@pytest.mark.parametrize("estimate", [batch_sharpness, gradient_noise_interaction])
def test_batches_are_keyed_by_their_number(estimate: Estimator) -> None:
    problem = SMALL[2].problem("ce")
    few, many, other = (
        estimate(problem, problem.weights(), batch=2, most_batches=most, seed=seed) for most, seed in ((3, 0), (12, 0), (12, 1))
    )
    assert few.samples == pytest.approx(many.samples[:3], rel=1e-12)
    assert few.samples != other.samples[:3]
    assert (few.batches, few.converged) == (3, False)


def test_batches_without_a_gradient_are_left_out_and_counted() -> None:
    """Of six examples two are met exactly: a mini-batch of one of them makes no step."""
    inputs = normal(6, 3)
    module = nn.Linear(3, 1, bias=False, dtype=DOUBLE)
    targets = module(inputs).detach() + torch.tensor([0.0, 0, 1, 1, 1, 1], dtype=DOUBLE)[:, None]
    problem = Problem(module, half_squared_error, inputs, targets)
    found = batch_sharpness(problem, problem.weights(), batch=1, relative_error=0, most_batches=60)
    assert 5 < found.without_gradient < 40
    assert found.batches + found.without_gradient == 60
    none = batch_sharpness(part(problem, (0, 1)), problem.weights(), batch=1, most_batches=4)
    assert (none.batches, none.without_gradient, none.converged) == (0, 4, False)
    assert math.isnan(none.value)
    assert math.isnan(batch_sharpness(part(problem, (0, 1)), problem.weights(), batch=2).value)
    assert math.isnan(gradient_noise_interaction(part(problem, (0, 1)), problem.weights(), batch=1).value)


def test_weights_that_are_not_numbers_make_no_number() -> None:
    problem = SMALL[2].problem("ce")
    for estimate in (batch_sharpness, gradient_noise_interaction):
        found = estimate(problem, torch.full_like(problem.weights(), math.nan), batch=2)
        assert math.isnan(found.value)
        assert not found.converged


def test_of_a_loss_linear_in_the_weights_it_is_zero() -> None:
    def loss(outputs: Tensor, _: Tensor) -> Tensor:
        return outputs.sum(dim=1)

    problem = Problem(nn.Linear(3, 2, dtype=DOUBLE), loss, normal(5, 3), normal(5, 2))
    assert batch_sharpness(problem, problem.weights(), batch=2, most_batches=3).samples == (0.0, 0.0, 0.0)


def test_batch_norm_normalises_over_the_mini_batch() -> None:
    layers = build("fc-tanh-width3", inputs=(4,), outputs=3, seed=0, dtype=DOUBLE)
    module = nn.Sequential(layers[:2], nn.BatchNorm1d(3, dtype=DOUBLE), layers[2:])
    problem = Problem(module, half_squared_error, normal(6, 4), normal(6, 3))
    before = {name: each.clone() for name, each in module.state_dict().items()}
    truth = enumerated(problem, 4)[0]
    found = batch_sharpness(problem, problem.weights(), batch=4, relative_error=0.02, most_batches=60)
    assert found.value == pytest.approx(truth, abs=4 * found.standard_error)
    assert all(torch.equal(each, before[name]) for name, each in module.state_dict().items())


@pytest.mark.parametrize("estimate", [batch_sharpness, gradient_noise_interaction])
def test_what_is_no_mini_batch_is_refused(estimate: Estimator) -> None:
    problem = SMALL[2].problem("ce")
    for batch in (0, 6):
        with pytest.raises(ValueError, match=f"with 5 examples has 1 to 5, got batch={batch}"):
            estimate(problem, problem.weights(), batch=batch)
    with pytest.raises(ValueError, match="most_batches is at least 1 and relative_error not below 0, got 0 and -1"):
        estimate(problem, problem.weights(), batch=2, most_batches=0, relative_error=-1)


def test_dropout_is_noticed() -> None:
    module = nn.Sequential(nn.Linear(4, 8, dtype=DOUBLE), nn.Dropout(0.5), nn.Linear(8, 1, dtype=DOUBLE))
    problem = Problem(module, half_squared_error, normal(6, 4), normal(6, 1))
    for estimate in (batch_sharpness, gradient_noise_interaction):
        with torch.random.fork_rng(devices=[]), pytest.raises(RuntimeError, match="changed between two passes"):
            estimate(problem, problem.weights(), batch=4)
