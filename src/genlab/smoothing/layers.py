"""Normalisation as a model's first layer, so that noise, radii and attacks are in units of the images."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Normalised(nn.Module):
    """``module((images - mean) / std)``, one mean and standard deviation a channel; both are buffers.

    Noise of a smoothed classifier is added before it, to images in [0, 1] (Cohen, Rosenfeld, Kolter 2019, 1902.02918, code).

    >>> Normalised(nn.Flatten(), mean=[0.5], std=[0.25])(torch.ones(1, 1, 1, 2))
    tensor([[2., 2.]])

    Args:
        module: takes images (image, channel, height, width), normalised.
        mean: of each channel; a tensor of any shape that broadcasts against an image does, too.
        std: likewise.

    Raises:
        ValueError: a standard deviation that is not above 0, or mean and std of different shapes.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, module: nn.Module, mean: Sequence[float] | Tensor, std: Sequence[float] | Tensor) -> None:
        super().__init__()
        known = next((each for each in module.parameters()), torch.zeros(()))
        means, stds = (torch.as_tensor(each, dtype=known.dtype, device=known.device) for each in (mean, std))
        if means.shape != stds.shape:
            raise ValueError(f"mean and std have one shape, got {tuple(means.shape)} and {tuple(stds.shape)}")
        if not bool((stds > 0).all()) or not bool(torch.isfinite(means).all()):
            raise ValueError(f"std is above 0 and mean finite, got mean={means.tolist()} and std={stds.tolist()}")
        if means.ndim == 1:
            means, stds = means.view(-1, 1, 1), stds.view(-1, 1, 1)
        self.register_buffer("mean", means.clone())
        self.register_buffer("std", stds.clone())
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        """Outputs of the module for images in [0, 1]."""
        outputs: Tensor = self.module((images - self.mean) / self.std)
        return outputs
