"""VGG-11 without dropout, with or without batch norm (Cohen et al. 2021, official code, src/vgg.py)."""

import math

from torch import nn

from genlab.training.layers import batch_norm, convolution, linear

CHANNELS = 64  # of the first convolution; official code, src/vgg.py, configuration A
MULTIPLES: tuple[tuple[int, ...], ...] = ((1,), (2,), (4, 4), (8, 8), (8, 8))  # of it, stage by stage: 64, 128, 256, 512, 512
SIDE = 2 ** len(MULTIPLES)  # each stage halves the image, and one pixel is left


def vgg11(network: str, inputs: tuple[int, ...], outputs: int, *, normalised: bool, channels: int = CHANNELS) -> nn.Sequential:
    """Five stages of [Conv 3 x 3, (batch norm,) ReLU] that end in MaxPool 2, then Linear-ReLU-Linear-ReLU-Linear.

    Convolutions start from N(0, 2 / (9 output channels)) with bias 0, linear layers from PyTorch's default.

    Args:
        network: the id, for errors.
        inputs: (channels, 32, 32).
        outputs: number of outputs.
        normalised: batch norm before each ReLU of the convolutions.
        channels: of the first convolution; the others, and the hidden units of the classifier, keep their ratio to it.

    Raises:
        ValueError: inputs that are no images of 32 x 32 pixels.
    """
    if len(inputs) != 3 or inputs[1:] != (SIDE, SIDE):
        raise ValueError(
            f"{network!r} needs images of {SIDE} x {SIDE} pixels, it halves them {len(MULTIPLES)} times: inputs like "
            f"(3, {SIDE}, {SIDE}), got {inputs}; use data cifar10-5k, or a cnn-* or resnet network"
        )
    layers: list[nn.Module] = []
    fan_in = inputs[0]
    for stage in MULTIPLES:
        for multiple in stage:
            layers.append(convolution(fan_in, fan_in := multiple * channels))
            layers += [batch_norm(fan_in)] if normalised else []
            layers.append(nn.ReLU())
        layers.append(nn.MaxPool2d(2))
    hidden = [linear(fan_in, fan_in), nn.ReLU(), linear(fan_in, fan_in), nn.ReLU()]
    built = nn.Sequential(*layers, nn.Flatten(), *hidden, linear(fan_in, outputs))
    for layer in built:  # drawn again once all have been drawn, as in the official code: the same numbers from the same seed
        if isinstance(layer, nn.Conv2d):
            assert layer.bias is not None
            nn.init.normal_(layer.weight, std=math.sqrt(2 / (9 * layer.out_channels)))
            nn.init.zeros_(layer.bias)
    return built
