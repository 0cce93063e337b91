"""Judges, transfer and directions of class means against closed forms and direct counts."""

import math

import numpy as np
import pytest
import torch
from tests.smoothing.classifiers import DOUBLE, convolutional, images, linear, weight
from torch import nn

from genlab import chance
from genlab.intervals import wilson
from genlab.smoothing.alignment import class_cosines, class_means, judged, transfer_ratio
from genlab.training.noise import gaussian


def test_a_judge_without_noise_is_the_plain_classifier_and_its_rate_is_wilsons() -> None:
    judge, points, targets = convolutional(), images(9), torch.arange(9) % 4
    outputs = judge(points).detach()
    found = judged(judge, points, targets, batch=4)
    assert torch.equal(found.labels, outputs.argmax(1))
    assert torch.allclose(found.probabilities, outputs.softmax(1)[torch.arange(9), targets], rtol=1e-12)
    assert found.rate() == wilson(int((outputs.argmax(1) == targets).sum()), 9)


def test_a_smoothed_judge_takes_the_mean_softmax_of_the_copies_however_memory_is_cut() -> None:
    judge, points, targets = convolutional(), images(3), torch.tensor([0, 3, 1])
    noisy = points[:, None] + 0.5 * gaussian(points, range(3), range(13), "judge")
    expected = judge(noisy.flatten(0, 1)).detach().softmax(1).view(3, 13, -1).mean(1)
    for batch in (5, 13, 30, 1000):
        found = judged(judge, points, targets, sigma=0.5, n=13, key=("judge",), batch=batch)
        assert torch.equal(found.labels, expected.argmax(1))
        assert torch.allclose(found.probabilities, expected[torch.arange(3), targets], rtol=1e-12)


def test_a_transfer_ratio_covers_and_has_a_width_where_all_outcomes_are_equal() -> None:
    random = chance.numpy("transfer")
    own, other = torch.arange(60) % 10 < 8, torch.arange(60) % 10 < 4
    found = transfer_ratio(own, other, random=random)
    assert found.centre == pytest.approx(0.5)
    assert found.low < 0.5 < found.high
    assert found.n == 60
    everything = transfer_ratio(torch.ones(60, dtype=torch.bool), torch.ones(60, dtype=torch.bool), random=random)
    assert everything.low < 1 == everything.centre < everything.high
    assert everything.high - everything.low < 0.2
    inside, draws = 0, 200
    for _ in range(draws):  # own .9, other .6, independent
        outcomes = torch.from_numpy(random.random((2, 50)) < np.array([[0.9], [0.6]]))
        interval = transfer_ratio(outcomes[0], outcomes[1], random=random, resamples=300)
        inside += interval.low <= 0.6 / 0.9 <= interval.high
    assert inside / draws > 0.9


def test_cosines_to_class_means_are_those_of_the_definition_and_1_for_the_direction_itself() -> None:
    points, labels, means = images(4), torch.tensor([0, 1, 2, 3]), images(4, seed=5)
    targets = torch.tensor([1, 2, 3, 0])
    gradients = torch.randn(points.shape, generator=torch.Generator().manual_seed(1), dtype=DOUBLE)
    found = class_cosines(gradients, points, means, targets, labels)
    for i in range(4):
        flat = [nn.functional.cosine_similarity(gradients[i].flatten(), (m - points[i]).flatten(), dim=0) for m in means]
        assert float(found.target[i]) == pytest.approx(float(flat[targets[i]]), rel=1e-12)
        others = [float(flat[c]) for c in range(4) if c not in (int(targets[i]), int(labels[i]))]
        assert float(found.control[i]) == pytest.approx(sum(others) / 2, rel=1e-12)
        assert float(found.difference[i]) == pytest.approx(float(flat[targets[i]]) - sum(others) / 2, rel=1e-9)
    assert torch.allclose(class_cosines(means[targets] - points, points, means, targets).target, torch.ones(4, dtype=DOUBLE))
    assert class_cosines(torch.zeros_like(points), points, means, targets).target.isnan().all()


def test_the_gradient_of_a_linear_discriminant_points_at_its_class_mean() -> None:
    """With logits m_c x - |m_c|^2 / 2, the gradient of two classes at the middle is along m_1 - m_0 = 2 (m_1 - x)."""
    means = images(2, (3, 2, 2))
    model = linear(classes=2)
    with torch.no_grad():
        weight(model).copy_(means.flatten(1))
    middle = means.mean(0, keepdim=True)
    leaves = middle.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaves).log_softmax(1)[0, 1], leaves)
    found = class_cosines(gradient, middle, means, torch.tensor([1]))
    assert float(found.target) == pytest.approx(1)
    assert float(found.control) == pytest.approx(-1)


def test_class_means_are_means_of_classes() -> None:
    points, labels = images(7), torch.tensor([1, 0, 1, 2, 2, 0, 1])
    found = class_means(points, labels, 3)
    for c in range(3):
        assert torch.allclose(found[c], points[labels == c].mean(0), rtol=1e-12)
    with pytest.raises(ValueError, match="class 3 has no image to take the mean of"):
        class_means(points, labels, 4)
    with pytest.raises(ValueError, match="one label from 0 to 1 an image"):
        class_means(points, labels, 2)


def test_nonsense_is_refused() -> None:
    judge, points, targets = convolutional(), images(2), torch.tensor([0, 1])
    with pytest.raises(ValueError, match="images have values in"):
        judged(judge, points * 2, targets)
    with pytest.raises(ValueError, match="got sigma=-1"):
        judged(judge, points, targets, sigma=-1)
    with pytest.raises(ValueError, match="targets are classes 0 to 3 of the judge, got up to 7"):
        judged(judge, points, targets * 7)
    with pytest.raises(ValueError, match="targets are one class an image, one at least"):
        judged(judge, points, targets[:1])
    with pytest.raises(ValueError, match="train mode"):
        judged(convolutional().train(), points, targets)
    random, hits = chance.numpy("nonsense"), torch.tensor([True, False])
    with pytest.raises(ValueError, match="none of 2 images shows the target"):
        transfer_ratio(~hits & hits, hits, random=random)
    with pytest.raises(ValueError, match="two outcomes an image"):
        transfer_ratio(hits, hits[:1], random=random)
    with pytest.raises(ValueError, match="a class that is neither target nor label, got 2 classes"):
        class_cosines(points, points, images(2), targets, targets.flip(0))
    with pytest.raises(ValueError, match="targets are classes 0 to 1, as there are means"):
        class_cosines(points, points, images(2), targets * 4)
    with pytest.raises(ValueError, match="means of its shape"):
        class_cosines(points, points, images(2, (3, 2, 2)), targets)
    assert math.isnan(float(class_cosines(points * 0, points, images(3), targets).control[0]))
