"""Nearest neighbours by hand, and the Frechet distance against scipy's matrix root and the closed form of normals."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from tests.smoothing.classifiers import DOUBLE, convolutional, images
from torch import Tensor, nn

from genlab import chance
from genlab.smoothing.likeness import features, frechet_distance, frechet_interval, neighbours


def rows(count: int, width: int, *, seed: int) -> Tensor:
    mixing = torch.randn(width, width, generator=torch.Generator().manual_seed(7 + seed), dtype=DOUBLE)
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE) @ mixing + seed


@pytest.mark.parametrize(("first", "second"), [(50, 80), (6, 80), (6, 5)], ids=["full rank", "one deficient", "both deficient"])
def test_it_is_what_scipys_root_of_the_covariances_gives(first: int, second: int) -> None:
    a, b = rows(first, 8, seed=0), rows(second, 8, seed=1)
    covariances = [np.cov(each.numpy(), rowvar=False) for each in (a, b)]
    if min(first, second) > 8:
        root = float(np.trace(sqrtm(covariances[0] @ covariances[1]).real))
    else:  # scipy's root of a singular product is inaccurate: the symmetric form, by eigenvalues
        values, vectors = np.linalg.eigh(covariances[0])
        half = vectors * np.sqrt(values.clip(0)) @ vectors.T
        root = float(np.sqrt(np.linalg.eigvalsh(half @ covariances[1] @ half).clip(0)).sum())
    gap = (a.mean(0) - b.mean(0)).numpy()
    expected = gap @ gap + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * root
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-10)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_many_draws_of_normals_tend_to_the_closed_form_and_its_interval_covers_it() -> None:
    """Of N(0, diag a^2) and N(m, diag b^2): |m|^2 + sum (a - b)^2."""
    generator = torch.Generator().manual_seed(0)
    a, b, m = (torch.tensor(each, dtype=DOUBLE) for each in ([1.0, 2.0, 0.5], [1.0, 1.0, 1.5], [1.0, 0.0, -1.0]))
    ours, theirs = (torch.randn(4000, 3, generator=generator, dtype=DOUBLE) for _ in range(2))
    found = frechet_interval(ours * a, theirs * b + m, random=chance.numpy("frechet"), resamples=60)
    exact = float(m.square().sum() + (a - b).square().sum())
    assert found.centre == pytest.approx(exact, rel=0.05)
    assert found.low <= exact <= found.high
    assert found.high - found.low < 0.2 * exact
    assert found.n == 4000
    alike = frechet_interval(ours, theirs, random=chance.numpy("frechet"), resamples=60)
    assert 0 <= alike.low <= alike.centre <= alike.high < 0.02


def test_a_real_image_has_a_ratio_of_about_1_and_the_nearest_is_of_the_targets_class() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.rand(3, 1, 4, 4, generator=generator, dtype=DOUBLE)
    labels = torch.arange(300) % 3
    real = centres[labels] + 0.1 * torch.randn(300, 1, 4, 4, generator=generator, dtype=DOUBLE)
    targets = torch.tensor([0, 1, 2, 2])
    inside = centres[targets] + 0.1 * torch.randn(4, 1, 4, 4, generator=generator, dtype=DOUBLE)
    found = neighbours(inside, targets, real, labels)
    assert ((found.ratios > 0.5) & (found.ratios < 2)).all()
    assert torch.equal(labels[found.nearest], targets)
    for i in range(4):
        of_class = torch.nonzero(labels == targets[i]).flatten()
        slow = torch.stack([(inside[i] - each).norm() for each in real[of_class]])
        assert float(found.distances[i]) == pytest.approx(float(slow.min()), rel=1e-12)
        assert int(found.nearest[i]) == int(of_class[slow.argmin()])
    assert (neighbours(inside + 1, targets, real, labels).ratios > 3).all()


def test_features_are_what_the_last_linear_layer_takes() -> None:
    model, points = convolutional(), images(5)
    expected = model[:5](points).detach()
    assert torch.allclose(features(model, points, batch=2), expected, rtol=1e-12)
    assert torch.allclose(features(model, points, layer="5"), expected, rtol=1e-12)
    assert not model[5]._forward_pre_hooks
    with pytest.raises(ValueError, match="one of '5'; got '2'"):
        features(model, points, layer="2")
    with pytest.raises(ValueError, match="one of none; got None"):
        features(nn.Sequential(nn.Flatten()), points)


def test_nonsense_is_refused() -> None:
    good = rows(4, 3, seed=0)
    with pytest.raises(ValueError, match="two rows of equal features at least"):
        frechet_distance(good, good[:, :2])
    with pytest.raises(ValueError, match="two rows of equal features at least"):
        frechet_distance(good[:1], good)
    with pytest.raises(ValueError, match="finite features"):
        frechet_distance(good / 0, good)
    real, labels = torch.zeros(3, 2), torch.tensor([0, 0, 1])
    with pytest.raises(ValueError, match="class 1 has 1 real images"):
        neighbours(real, torch.tensor([1, 1, 1]), real, labels)
    with pytest.raises(ValueError, match="class 0 are all alike"):
        neighbours(real, torch.tensor([0, 0, 0]), real, labels)
    with pytest.raises(ValueError, match="one shape, with one target or label each"):
        neighbours(real, labels, real[:, :1], labels)
