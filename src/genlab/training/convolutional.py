"""The small convolutional networks cnn-* (Cohen et al. 2021, official code, src/archs.py), and cnn3-*, which are ours."""

import itertools

from torch import nn

from genlab.training.layers import ACTIVATIONS, batch_norm, convolution, linear

CHANNELS = 32  # of both convolutions; official code, src/archs.py


def convolutional(
    network: str, activation: str, inputs: tuple[int, ...], outputs: int, *, variant: str = "", channels: int = CHANNELS
) -> nn.Sequential:
    """Twice [Conv 3 x 3, activation, pooling by 2], then Flatten and Linear.

    Args:
        network: the id, for errors.
        activation: a name in ``layers.ACTIVATIONS``.
        inputs: (channels, height, width).
        outputs: number of outputs.
        variant: ``"bn"`` puts batch norm *after* each activation, ``"avgpool"`` takes means in place of maxima.
        channels: of both convolutions.

    Raises:
        ValueError: inputs that are no images of 4 pixels a side at least.
    """
    if len(inputs) != 3 or min(inputs[1:]) < 4:
        raise ValueError(
            f"{network!r} needs inputs (channels, height, width), 4 pixels a side at least, got {inputs}: use an fc-* network"
        )
    layers: list[nn.Module] = []
    for fan_in in (inputs[0], channels):
        layers += [convolution(fan_in, channels), ACTIVATIONS[activation]()]
        layers += [batch_norm(channels)] if variant == "bn" else []
        layers += [nn.AvgPool2d(2) if variant == "avgpool" else nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), linear(channels * (inputs[1] // 4) * (inputs[2] // 4), outputs))


def three_stages(
    network: str, activation: str, inputs: tuple[int, ...], outputs: int, *, strided: bool, channels: int = CHANNELS
) -> nn.Sequential:
    """Three times [Conv 3 x 3, activation], halving the image by stride 2 or by means, then Flatten and Linear.

    The two halvings leave different grain in gradients with respect to the image: a stride of 2 a checkerboard.

    Args:
        network: the id, for errors.
        activation: a name in ``layers.ACTIVATIONS``.
        inputs: (channels, height, width).
        outputs: number of outputs.
        strided: convolutions take steps of 2; otherwise AvgPool 2 follows each activation.
        channels: of the first convolution; the others have twice and four times as many.

    Raises:
        ValueError: inputs that are no images of 8 pixels a side at least.
    """
    if len(inputs) != 3 or min(inputs[1:]) < 8:
        raise ValueError(
            f"{network!r} needs inputs (channels, height, width), 8 pixels a side at least, got {inputs}: use an fc-* network"
        )
    layers: list[nn.Module] = []
    widths, sides = (inputs[0], channels, 2 * channels, 4 * channels), list(inputs[1:])
    for fan_in, fan_out in itertools.pairwise(widths):
        layers += [convolution(fan_in, fan_out, stride=2 if strided else 1), ACTIVATIONS[activation]()]
        layers += [] if strided else [nn.AvgPool2d(2)]
        sides = [-(-side // 2) if strided else side // 2 for side in sides]
    return nn.Sequential(*layers, nn.Flatten(), linear(4 * channels * sides[0] * sides[1], outputs))
