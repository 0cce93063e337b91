"""The small convolutional networks cnn-* (Cohen et al. 2021, official code, src/archs.py)."""

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
