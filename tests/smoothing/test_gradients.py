"""Smoothed gradients against closed forms, the plain gradient, each other, and one pass by hand."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.special import expit
from tests.smoothing.classifiers import DOUBLE, convolutional, images, linear, weight
from torch import Tensor, nn

from genlab.smoothing.gradients import ESTIMATORS, scored_gradient, smoothed_gradient, spread
from genlab.training.noise import gaussian

KEY = ("test",)
PIXELS = (3, 2, 2)


def plain(model: nn.Module, points: Tensor, targets: Tensor, estimator: str) -> Tensor:
    leaves = points.clone().requires_grad_()
    scores = model(leaves) if estimator == "mean logit" else model(leaves).log_softmax(1)
    chosen = scores[torch.arange(len(points)), targets]
    return torch.autograd.grad((chosen.exp() if estimator == "stein" else chosen).sum(), leaves)[0]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_without_noise_it_is_the_plain_gradient(estimator: str) -> None:
    model, points, targets = convolutional(), images(3), torch.tensor([0, 3, 1])
    found = smoothed_gradient(model, points, targets, sigma=0, n=7, estimator=estimator, key=KEY)
    assert torch.allclose(found, plain(model, points, targets, estimator), rtol=1e-12, atol=1e-15)


def test_the_mean_logit_of_a_linear_classifier_is_smoothed_into_itself() -> None:
    model, targets = linear(), torch.tensor([2, 0])
    found = smoothed_gradient(model, images(2, PIXELS), targets, sigma=1.0, n=5, estimator="mean logit", key=KEY)
    assert torch.allclose(found.flatten(1), weight(model)[targets], rtol=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("antithetic", [False, True])
def test_a_linear_softmax_of_two_classes_tends_to_its_gaussian_integral(estimator: str, antithetic: bool) -> None:
    """p = sigmoid(m), m = (w1 - w0) x + b normal with variance sigma^2 |w1 - w0|^2: an integral over one dimension."""
    model, point, sigma = linear(classes=2), images(1, PIXELS), 0.5
    along = (weight(model)[1] - weight(model)[0]).detach()
    middle = float((model(point)[0, 1] - model(point)[0, 0]).detach())
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    margins = middle + sigma * float(along.norm()) * nodes
    p, weights = expit(margins), weights / weights.sum()
    slope = {
        "soft": weights @ (p * (1 - p)) / (weights @ p),
        "stein": weights @ (p * (1 - p)),
        "mean log-softmax": weights @ (1 - p),
    }
    expected = slope[estimator] * along if estimator in slope else weight(model)[1].detach()
    counts = [8_000 if estimator == "stein" else 1_000] * 8
    estimates = [
        smoothed_gradient(
            model, point, torch.tensor([1]), sigma=sigma, n=n, estimator=estimator, antithetic=antithetic, key=(k,), batch=8_000
        )
        for k, n in enumerate(counts)
    ]
    mean = torch.stack(estimates).mean(0).flatten()
    error = math.sqrt(float(spread(estimates).variance) / len(estimates))
    assert (mean - expected).norm() <= 5 * error + 1e-12
    assert error <= 0.2 * expected.norm()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_it_is_what_one_pass_over_all_copies_gives_however_memory_is_cut(estimator: str) -> None:
    model, points, targets, sigma, n = convolutional(), images(3), torch.tensor([0, 3, 1]), 0.3, 20
    noise = gaussian(points, range(3), range(n), *KEY)
    leaves = points.clone().requires_grad_()
    logits = model((leaves[:, None] + sigma * noise).flatten(0, 1)).view(3, n, -1)
    scores = (logits if estimator == "mean logit" else logits.log_softmax(-1))[torch.arange(3), :, targets]
    value = {"soft": scores.exp().mean(1).log(), "stein": scores.exp().mean(1)}.get(estimator, scores.mean(1))
    (expected,) = torch.autograd.grad(value.sum(), leaves, retain_graph=True)
    if estimator == "stein":
        expected = (scores.exp()[:, :, None, None, None] * noise).mean(1).detach() / sigma
    for batch in (1, 7, 8, 20, 33, 60, 256):
        found, score = scored_gradient(model, points, targets, sigma=sigma, n=n, estimator=estimator, key=KEY, batch=batch)
        assert torch.allclose(found, expected, rtol=1e-10, atol=1e-14)
        assert torch.allclose(score, value.detach(), rtol=1e-12)


def test_an_image_keeps_its_gradient_in_any_batch() -> None:
    model, points, targets = convolutional(), images(5), torch.arange(5) % 4
    whole = smoothed_gradient(model, points, targets, sigma=0.3, n=6, key=KEY)
    rows = [4, 1]
    some = smoothed_gradient(model, points[rows], targets[rows], sigma=0.3, n=6, key=KEY, rows=rows)
    assert torch.allclose(some, whole[rows], rtol=1e-12)


def test_antithetic_copies_come_in_pairs_across_passes() -> None:
    """Of a quadratic score, the noise's linear part cancels: grad x^2 over x + e, x - e is exactly 2 x."""

    class Square(nn.Module):
        def forward(self, points: Tensor) -> Tensor:
            return torch.stack([points.flatten(1).square().sum(1), points.flatten(1).sum(1)], dim=1)

    points = images(2, PIXELS)
    for batch in (1, 3, 100):
        pairs = smoothed_gradient(
            Square(), points, torch.zeros(2).long(), sigma=0.7, n=6, estimator="mean logit", antithetic=True, key=KEY, batch=batch
        )
        assert torch.allclose(pairs, 2 * points, rtol=1e-12)


def test_antithetic_pairs_lessen_the_variance_of_a_smooth_score() -> None:
    model, points, targets = convolutional(), images(4), torch.arange(4)
    found = {}
    for antithetic in (False, True):
        estimates = [
            smoothed_gradient(model, points, targets, sigma=0.2, n=8, antithetic=antithetic, key=("pairs", k)) for k in range(8)
        ]
        found[antithetic] = float(spread(estimates).variance.mean())
    assert found[True] < 0.7 * found[False]


def test_the_spread_is_unbiased_and_counts_pairs() -> None:
    signal = torch.tensor([[3.0, 4.0]], dtype=DOUBLE).repeat(2000, 1)
    generator = torch.Generator().manual_seed(0)
    estimates = [signal + torch.randn(signal.shape, generator=generator, dtype=DOUBLE) for _ in range(3)]
    found = spread(estimates)
    assert found.estimates == 3
    assert float(found.variance.mean()) == pytest.approx(2, rel=0.1)
    assert float(found.square.mean()) == pytest.approx(25, rel=0.05)
    cosines = [torch.cosine_similarity(a, b, dim=1) for a, b in itertools.combinations(estimates, 2)]
    assert torch.allclose(found.cosine, torch.stack(cosines).mean(0), rtol=1e-12)
    assert spread([torch.zeros(1, 2), torch.zeros(1, 2)]).cosine.item() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": images(2) * 2}, "images have values in"),
        ({"images": torch.zeros(2, 3, 4, 4, dtype=torch.uint8)}, "divide bytes by 255"),
        ({"images": images(2) / 0}, "images have values in"),
        ({"sigma": -1.0}, "sigma is the noise's standard deviation, finite and not below 0, got -1.0"),
        ({"sigma": math.nan}, "got nan"),
        ({"n": 0}, "n and batch are at least 1"),
        ({"n": 3, "antithetic": True}, "n even where copies come in pairs"),
        ({"estimator": "hard"}, "estimator is one of 'soft', 'mean log-softmax', 'mean logit', 'stein', got 'hard'"),
        ({"targets": torch.tensor([0, 4])}, "targets are classes 0 to 3 of the model, got 4"),
        ({"targets": torch.tensor([0])}, "targets are one class an image"),
        ({"targets": torch.tensor([0, -1])}, "targets are one class an image"),
        ({"rows": [1]}, "rows are one number an image, got 1 for 2 images"),
        ({"model": convolutional().train()}, "BatchNorm2d '1' is in train mode.*Say model.eval"),
        ({"model": nn.Sequential(nn.Dropout(0.1))}, "Dropout '0' is in train mode"),
        ({"model": nn.BatchNorm2d(3, track_running_stats=False).eval()}, "keeps no running averages"),
        ({"model": nn.Identity()}, r"logits of shape \(10, classes\), two classes at least; got shape \(10, 3, 4, 4\)"),
        ({"model": nn.Sequential(nn.Flatten(), nn.Linear(48, 1, dtype=DOUBLE))}, r"two classes at least; got shape \(10, 1\)"),
        ({"model": nn.Sequential(nn.Flatten(), nn.LazyLinear(2, dtype=DOUBLE), nn.Threshold(1e9, math.nan))}, "NaN logits"),
    ],
)
def test_nonsense_is_refused(change: dict[str, object], message: str) -> None:
    asked = {"model": convolutional(), "images": images(2), "targets": torch.tensor([0, 1]), "sigma": 0.1, "n": 5, "key": KEY}
    with pytest.raises(ValueError, match=message):
        smoothed_gradient(**(asked | change))  # type: ignore[arg-type]


def test_a_model_that_views_is_told_how() -> None:
    class Viewing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, points: Tensor) -> Tensor:
            found: Tensor = self.convolution(points)
            return found.view(len(points), -1)[:, :5]

    asked = {"sigma": 0.1, "n": 2, "key": KEY}
    points, targets = images(2, dtype=torch.float32), torch.tensor([0, 1])
    with pytest.raises(ValueError, match="pass channels_last=False"):
        smoothed_gradient(Viewing(), points, targets, **asked)  # type: ignore[arg-type]
    assert smoothed_gradient(Viewing(), points, targets, channels_last=False, **asked).shape == points.shape  # type: ignore[arg-type]


def test_channels_last_changes_nothing_but_rounding() -> None:
    model, points, targets = convolutional(dtype=torch.float32), images(3, dtype=torch.float32), torch.tensor([0, 3, 1])
    found = [smoothed_gradient(model, points, targets, sigma=0.2, n=9, key=KEY, channels_last=each) for each in (True, False)]
    assert torch.allclose(found[0], found[1], rtol=1e-4, atol=1e-6)
