"""VGG: 11 layers for images of 32 x 32 (Cohen et al. 2021, official code, src/vgg.py), and 16 layers as in torchvision."""

import math

from torch import nn

from genlab.training.layers import batch_norm, convolution, linear

CHANNELS = 64  # of the first convolution; Simonyan & Zisserman 2015
HIDDEN = 64  # times that: 4096 hidden units of VGG-16
POOLED = 7  # pixels a side that VGG-16's classifier sees, whatever the image; torchvision
DROPOUT = 0.5  # of VGG-16: Simonyan & Zisserman 2015, and Novack et al. 2022 by torchvision's vgg16_bn
Stages = tuple[tuple[int, ...], ...]
A: Stages = ((1,), (2,), (4, 4), (8, 8), (8, 8))  # times the first convolution's channels, stage by stage: 64, 128, 256, 512, 512
D: Stages = ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8))
SIDE = 2 ** len(A)  # each stage halves the image, and one pixel is left


def vgg11(
    network: str,
    inputs: tuple[int, ...],
    outputs: int,
    *,
    normalised: bool,
    channels: int = CHANNELS,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Five stages of [Conv 3 x 3, (batch norm,) ReLU] that end in MaxPool 2, then Linear-ReLU-Linear-ReLU-Linear.

    Convolutions start from N(0, 2 / (9 output channels)) with bias 0, linear layers from PyTorch's default.

    Args:
        network: the id, for errors.
        inputs: (channels, 32, 32).
        outputs: number of outputs.
        normalised: batch norm before each ReLU of the convolutions.
        channels: of the first convolution; the others, and the hidden units of the classifier, keep their ratio to it.
        dropout: after each ReLU of the classifier; the papers have none.

    Raises:
        ValueError: inputs that are no images of 32 x 32 pixels.
    """
    if len(inputs) != 3 or inputs[1:] != (SIDE, SIDE):
        raise ValueError(
            f"{network!r} needs images of {SIDE} x {SIDE} pixels, it halves them {len(A)} times: inputs like "
            f"(3, {SIDE}, {SIDE}), got {inputs}; use data cifar10-5k, or a cnn-* or resnet network"
        )
    width = A[-1][-1] * channels
    built = nn.Sequential(
        *_convolutions(A, inputs[0], channels, normalised), nn.Flatten(), *_classifier(width, width, outputs, dropout)
    )
    for layer in built:  # drawn again once all have been drawn, as in the official code: the same numbers from the same seed
        if isinstance(layer, nn.Conv2d):
            assert layer.bias is not None
            nn.init.normal_(layer.weight, std=math.sqrt(2 / (9 * layer.out_channels)))
            nn.init.zeros_(layer.bias)
    return built


def vgg16(
    network: str,
    inputs: tuple[int, ...],
    outputs: int,
    *,
    normalised: bool,
    channels: int = CHANNELS,
    dropout: float = DROPOUT,
) -> nn.Sequential:
    """Configuration D, averaged to 7 x 7 pixels, then twice [Linear to 4096 units, ReLU, dropout], then Linear.

    With batch norm it is the VGG-16 of Novack et al. 2022. From an image of 32 x 32 one pixel is left, which the average
    repeats 49 times. As in torchvision, convolutions start from kaiming normal with fan out and bias 0, linear layers from
    N(0, 0.01^2) with bias 0.

    Args:
        network: the id, for errors.
        inputs: (channels, height, width), 32 pixels a side at least.
        outputs: number of outputs.
        normalised: batch norm before each ReLU of the convolutions.
        channels: of the first convolution; the others, and the hidden units of the classifier, keep their ratio to it.
        dropout: after each ReLU of the classifier.

    Raises:
        ValueError: inputs that are no images of 32 pixels a side at least.
    """
    if len(inputs) != 3 or min(inputs[1:]) < SIDE:
        raise ValueError(
            f"{network!r} needs inputs (channels, height, width), {SIDE} pixels a side at least, got {inputs}; use data "
            "cifar10-5k, or a cnn-* or resnet network"
        )
    features = D[-1][-1] * channels * POOLED**2
    built = nn.Sequential(
        *_convolutions(D, inputs[0], channels, normalised),
        nn.AdaptiveAvgPool2d(POOLED),
        nn.Flatten(),
        *_classifier(features, HIDDEN * channels, outputs, dropout),
    )
    for layer in built:
        if isinstance(layer, nn.Conv2d):
            assert layer.bias is not None
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
    return built


def _convolutions(stages: Stages, fan_in: int, channels: int, normalised: bool) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for stage in stages:
        for multiple in stage:
            layers.append(convolution(fan_in, fan_in := multiple * channels))
            layers += [batch_norm(fan_in)] if normalised else []
            layers.append(nn.ReLU())
        layers.append(nn.MaxPool2d(2))
    return layers


def _classifier(features: int, hidden: int, outputs: int, dropout: float) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for fan_in in (features, hidden):
        layers += [linear(fan_in, hidden), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
    return [*layers, linear(hidden, outputs)]
