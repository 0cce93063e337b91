"""Normalisation as a layer: what it computes, that it travels with the model's weights, and what it refuses."""

import pytest
import torch
from tests.smoothing.classifiers import images
from torch import nn

from genlab.smoothing.layers import Normalised


def test_it_normalises_channels_and_its_buffers_travel_with_the_weights() -> None:
    mean, std, points = [0.1, 0.2, 0.3], [0.5, 0.25, 2.0], images(2, dtype=torch.float32)
    model = Normalised(nn.Flatten(), mean, std)
    expected = torch.stack([(points[:, c] - mean[c]) / std[c] for c in range(3)], dim=1)
    assert torch.allclose(model(points), expected.flatten(1))
    other = Normalised(nn.Flatten(), [0.0] * 3, [1.0] * 3)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(points), model(points))
    assert set(model.state_dict()) == {"mean", "std"}
    assert not list(model.parameters())


def test_it_takes_the_precision_of_its_module_and_one_value_a_pixel() -> None:
    inner = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, dtype=torch.float64))
    model = Normalised(inner, torch.full((1, 2, 2), 0.5), torch.arange(1.0, 5.0).view(1, 2, 2))
    assert model.mean.dtype == torch.float64
    point = torch.rand(1, 1, 2, 2, dtype=torch.float64)
    assert torch.allclose(model(point), inner((point - 0.5) / torch.tensor([[1.0, 2.0], [3.0, 4.0]])))


@pytest.mark.parametrize(("mean", "std"), [([0.0], [0.0]), ([0.0], [-1.0]), ([0.0], [float("nan")]), ([float("nan")], [1.0])])
def test_what_does_not_normalise_is_refused(mean: list[float], std: list[float]) -> None:
    with pytest.raises(ValueError, match="std is above 0 and mean finite"):
        Normalised(nn.Flatten(), mean, std)
    with pytest.raises(ValueError, match=r"one shape, got \(1,\) and \(2,\)"):
        Normalised(nn.Flatten(), [0.0], [1.0, 1.0])
