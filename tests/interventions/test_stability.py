"""Stability training against its closed form on a linear model, and against autograd by hand."""

import pytest
import torch
from tests.interventions.small_problems import DOUBLE, close, imaged, small
from torch import nn

from genlab.interventions.noise import images_of, noise
from genlab.interventions.plain_loop import is_off
from genlab.interventions.stability import StabilityTraining, half_squared_distance
from genlab.training.losses import half_squared_error
from genlab.training.problem import Problem


def test_on_a_linear_model_the_squared_distance_is_ridge_in_expectation() -> None:
    """|w (x + e) - w x|^2 / 2 has the mean sigma^2 |w|^2 / 2, whatever x is."""
    x = torch.rand(300, 3, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    problem = Problem(nn.Linear(3, 1, bias=False, dtype=DOUBLE), half_squared_error, x, torch.ones(300, 1, dtype=DOUBLE))
    w, sigma, strength = torch.tensor([1.0, -2.0, 0.5], dtype=DOUBLE), 0.3, 0.7
    plain = problem.slope(w)
    found = [StabilityTraining(sigma, strength, half_squared_distance, seed)(problem, w) for seed in range(40)]
    gradients = torch.stack([each.gradient for each in found]) - plain.gradient
    error = gradients.std(0) / len(found) ** 0.5
    assert ((gradients.mean(0) - strength * sigma**2 * w).abs() <= 5 * error).all()
    penalties = torch.tensor([each.penalty for each in found])
    expected = strength * sigma**2 * float(w.square().sum()) / 2
    assert float(penalties.mean()) == pytest.approx(expected, abs=5 * float(penalties.std()) / len(found) ** 0.5)


def test_it_is_what_autograd_gives_by_hand() -> None:
    problem, sigma, strength = imaged(norm=True), 0.2, 1.5
    module, images = problem.module, images_of(problem)
    clean, noisy = module(images), module(images + sigma * noise(images, 0, 6, 4))
    kl = nn.functional.kl_div(noisy.log_softmax(1), clean.log_softmax(1), log_target=True, reduction="batchmean")
    loss = nn.functional.cross_entropy(clean, problem.targets)
    gradients = torch.autograd.grad(loss + strength * kl, list(module.parameters()))
    found = StabilityTraining(sigma, strength, seed=6)(problem, problem.weights(), 4)
    assert close(found.gradient, torch.cat([each.reshape(-1) for each in gradients]))
    assert found.loss == pytest.approx(float(loss.detach()), rel=1e-12)
    assert found.penalty == pytest.approx(strength * float(kl.detach()), rel=1e-10)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="the strength of stability training is finite and not below 0, got -1"):
        StabilityTraining(0.1, -1)
    with pytest.raises(ValueError, match="sigma is the noise's standard deviation"):
        StabilityTraining(-0.1, 1)
    problem = small()
    with pytest.raises(ValueError, match="images have values in"):
        StabilityTraining(0.1, 1)(problem, problem.weights())
    assert is_off(StabilityTraining(0.0, 1))
    assert is_off(StabilityTraining(1, 0))
    assert not is_off(StabilityTraining(1, 1))
