"""ResNet-18 for images of 32 x 32 (Novack et al. 2022): a 3 x 3 stem without pooling, and shortcuts that are convolutions."""

import torch
from torch import Tensor, nn

from genlab.training.layers import batch_norm, convolution, linear

CHANNELS = 64  # of the first stage, then 128, 256 and 512; Novack et al. 2022, official code
BLOCKS = 2  # of each stage


class Block(nn.Module):
    """Two 3 x 3 convolutions with batch norm beside a shortcut; ReLU of the sum.

    Where the shape changes, the shortcut is a 1 x 1 convolution with batch norm. All scales of batch norm start from 1.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(convolution(inputs, outputs, stride=stride, bias=False), batch_norm(outputs))
        self.second = nn.Sequential(convolution(outputs, outputs, bias=False), batch_norm(outputs))
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            short = convolution(inputs, outputs, kernel=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(short, batch_norm(outputs))

    def forward(self, images: Tensor) -> Tensor:
        """Images (example, channel, height, width) to images."""
        return torch.relu(self.second(torch.relu(self.first(images))) + self.shortcut(images))


def resnet18(network: str, inputs: tuple[int, ...], outputs: int, *, channels: int = CHANNELS) -> nn.Sequential:
    """A convolution, four stages of two blocks with 1, 2, 4 and 8 times ``channels``, the mean image, Linear.

    Everything starts from PyTorch's default. The mean is over all pixels that are left, 4 x 4 from an image of 32 x 32.

    Args:
        network: the id, for errors.
        inputs: (channels, height, width).
        outputs: number of outputs.
        channels: of the first stage.

    Raises:
        ValueError: inputs that are no images of 8 pixels a side at least.
    """
    if len(inputs) != 3 or min(inputs[1:]) < 8:
        raise ValueError(
            f"{network!r} needs inputs (channels, height, width), 8 pixels a side at least, got {inputs}: use an fc-* network"
        )
    layers: list[nn.Module] = [convolution(inputs[0], channels, bias=False), batch_norm(channels), nn.ReLU()]
    fan_in = channels
    for stage in range(4):
        for place in range(BLOCKS):
            layers.append(Block(fan_in, fan_in := 2**stage * channels, stride=2 if stage and not place else 1))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear(fan_in, outputs))
