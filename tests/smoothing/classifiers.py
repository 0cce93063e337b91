"""Small classifiers in float64 that the tests of smoothing share."""

import torch
from torch import Tensor, nn

DOUBLE = torch.float64


def linear(*, classes: int = 3, pixels: int = 12, seed: int = 0) -> nn.Sequential:
    """Logits w x + b of images with this many pixels."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, classes, dtype=DOUBLE)).eval()


def weight(model: nn.Sequential) -> Tensor:
    """w of ``linear``."""
    layer = model[1]
    assert isinstance(layer, nn.Linear)
    return layer.weight


def convolutional(*, seed: int = 0, dtype: torch.dtype = DOUBLE) -> nn.Sequential:
    """Of images of 3 x 4 x 4, with batch norm that has seen some."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(32, 4)
    ).to(dtype)
    model(torch.rand(20, 3, 4, 4, dtype=dtype))
    return model.eval()


def images(count: int, shape: tuple[int, ...] = (3, 4, 4), *, seed: int = 0, dtype: torch.dtype = DOUBLE) -> Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
