"""Gaussian noise against its closed form on least squares, and its laws."""

import itertools

import pytest
import torch
from tests.interventions.small_problems import DOUBLE, close, imaged, small
from torch import nn

from genlab.interventions.noise import GaussianNoise, images_of, noise, with_images
from genlab.interventions.plain_loop import backward, is_off
from genlab.training.loop import descend
from genlab.training.losses import cross_entropy, half_squared_error
from genlab.training.problem import Problem
from genlab.training.updates import GradientDescent


def test_on_least_squares_it_is_ridge_in_expectation() -> None:
    """Over noise of x, E (w (x + e) - y)^2 / 2 = (w x - y)^2 / 2 + sigma^2 |w|^2 / 2 (Bishop 1995)."""
    x = torch.rand(4, 3, generator=torch.Generator().manual_seed(0), dtype=DOUBLE).repeat(50, 1)
    y = torch.ones(200, 1, dtype=DOUBLE)
    problem = Problem(nn.Linear(3, 1, bias=False, dtype=DOUBLE), half_squared_error, x, y)
    w, sigma = torch.tensor([1.0, -2.0, 0.5], dtype=DOUBLE), 0.3
    found = torch.stack([GaussianNoise(sigma, seed, copies=2)(problem, w).gradient for seed in range(40)])
    expected = problem.slope(w).gradient + sigma**2 * w
    error = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - expected).abs() <= 5 * error).all()
    assert (error < 0.15 * sigma**2).all()


def test_several_copies_are_the_mean_of_as_many_noisy_batches() -> None:
    problem = imaged(norm=True)
    weights = problem.weights()
    slopes = []
    for copy in range(3):
        seen = with_images(problem, images_of(problem) + 0.2 * noise(images_of(problem), copy, 7, 5))
        slopes.append(seen.slope(weights))
    found = GaussianNoise(0.2, seed=7, copies=3)(problem, weights, 5)
    assert close(found.gradient, torch.stack([each.gradient for each in slopes]).mean(0))
    assert found.loss == pytest.approx(sum(each.loss for each in slopes) / 3, rel=1e-13)
    assert found.accuracy == pytest.approx(sum(each.accuracy or 0 for each in slopes) / 3, rel=1e-13)


def test_noise_depends_on_seed_step_and_place_and_is_drawn_anew_at_every_step() -> None:
    images = torch.zeros(4, 5)
    drawn = noise(images, 0, 1, 2)
    assert torch.equal(noise(images[2:], 0, 1, 2, first=2), drawn[2:])
    others = [noise(images, 1, 1, 2), noise(images, 0, 2, 2), noise(images, 0, 1, 3)]
    for one, other in itertools.combinations([drawn, *others], 2):
        assert not torch.isclose(one, other).any()


def test_it_works_in_a_plain_loop_as_in_the_open_one() -> None:
    ours, theirs = imaged(), imaged()
    moments = descend(ours, GradientDescent(0.5), ours.weights(), intervention=GaussianNoise(0.2, seed=3))
    expected = [moment.next_weights for moment in itertools.islice(moments, 3)]
    optimizer = torch.optim.SGD(theirs.module.parameters(), lr=0.5)
    assert isinstance(theirs.inputs, torch.Tensor)
    for step in range(3):
        backward(theirs.module, cross_entropy, theirs.inputs, theirs.targets, GaussianNoise(0.2, seed=3), step=step)
        optimizer.step()
        assert close(theirs.weights(), expected[step])


def test_what_holds_no_images_is_refused() -> None:
    problem = small()
    with pytest.raises(ValueError, match=r"images have values in \[0, 1\], got .*genlab.Normalised"):
        GaussianNoise(0.1)(problem, problem.weights())
    with pytest.raises(ValueError, match="sigma is the noise's standard deviation, finite and not below 0, got nan"):
        GaussianNoise(float("nan"))
    with pytest.raises(ValueError, match="at least 1 noisy copy, got copies=0"):
        GaussianNoise(0.1, copies=0)
    assert is_off(GaussianNoise(0))
    assert not is_off(GaussianNoise(0.1))
