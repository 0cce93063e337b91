"""Residual networks for small images (He et al. 2016), as in Cohen et al. 2021: resnet32 (official code, src/resnet_cifar.py)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from genlab.training.layers import batch_norm, convolution, linear

CHANNELS = 16  # of the first stage, then 32 and 64; official code


class Block(nn.Module):
    """Two 3 x 3 convolutions with batch norm beside a shortcut without weights; ReLU of the sum.

    A block that halves the image takes every second pixel for its shortcut (AvgPool of kernel 1), normalises it, and fills
    the channels it lacks with zeros.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(convolution(inputs, outputs, stride=stride, bias=False), batch_norm(outputs))
        last = batch_norm(outputs)
        nn.init.zeros_(last.weight)  # so that a block is at first its shortcut
        self.second = nn.Sequential(convolution(outputs, outputs, bias=False), last)
        self.shortcut = nn.Sequential(nn.AvgPool2d(1, stride), batch_norm(inputs)) if stride > 1 else nn.Identity()
        self.missing = outputs - inputs

    def forward(self, images: Tensor) -> Tensor:
        """Images (example, channel, height, width) to images."""
        short = functional.pad(self.shortcut(images), (0, 0, 0, 0, 0, self.missing))
        return torch.relu(self.second(torch.relu(self.first(images))) + short)


def resnet(network: str, depth: int, inputs: tuple[int, ...], outputs: int, *, channels: int = CHANNELS) -> nn.Sequential:
    """A convolution, three stages of (depth - 2) / 6 blocks with 1, 2 and 4 times ``channels``, the mean image, Linear.

    Convolutions, none with bias, start from kaiming normal with fan out; the last batch norm of each block from scale 0, so
    that every block is at first its shortcut.

    Args:
        network: the id, for errors.
        depth: 8, 14, 20, 26, 32, ...: layers with weights.
        inputs: (channels, height, width).
        outputs: number of outputs.
        channels: of the first stage.

    Raises:
        ValueError: a depth that does not fit three stages, or inputs that are no images of 4 pixels a side at least.
    """
    if depth < 8 or (depth - 2) % 6:
        near = max(8, 6 * round((depth - 2) / 6) + 2)
        raise ValueError(f"{network!r}: a resnet has 6 k + 2 layers (8, 14, 20, 26, 32, ...), got {depth}; try resnet{near}")
    if len(inputs) != 3 or min(inputs[1:]) < 4:
        raise ValueError(
            f"{network!r} needs inputs (channels, height, width), 4 pixels a side at least, got {inputs}: use an fc-* network"
        )
    stem = [convolution(inputs[0], channels, bias=False), batch_norm(channels), nn.ReLU()]
    blocks = []
    fan_in = channels
    for stage, multiple in enumerate((1, 2, 4)):
        for place in range((depth - 2) // 6):
            blocks.append(Block(fan_in, fan_in := multiple * channels, stride=2 if stage and not place else 1))
    built = nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear(fan_in, outputs))
    for module in built.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return built
