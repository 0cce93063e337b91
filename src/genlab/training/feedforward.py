"""Networks of linear layers: fc-*, deeplinear and regression (Cohen et al. 2021, official code, src/archs.py)."""

import itertools
import math

from torch import nn

from genlab.training.layers import ACTIVATIONS, linear

WIDTH = 200  # hidden units of fc-*; official code, src/archs.py
LAYERS = 20  # of deeplinear; official code, src/archs.py


def fully_connected(
    activation: str, depth: int, width: int, inputs: tuple[int, ...], outputs: int, *, dropout: float = 0.0
) -> nn.Sequential:
    """Flatten, then ``depth`` times [Linear to ``width`` units, activation, (dropout)], then Linear.

    Dropout takes no part in the drawing of weights, and a network without it is that with dropout 0.
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in itertools.pairwise([math.prod(inputs)] + [width] * depth):
        layers += [linear(fan_in, fan_out), ACTIVATIONS[activation]()]
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, linear(width, outputs))


def deep_linear(inputs: tuple[int, ...], outputs: int) -> nn.Sequential:
    """Twenty square linear layers without bias, xavier normal.

    Raises:
        ValueError: inputs of another width than the outputs.
    """
    if inputs != (outputs,):
        raise ValueError(
            f"'deeplinear' is square: inputs must be (outputs,), got inputs {inputs} and outputs {outputs}; try data linear-50-50"
        )
    layers = []
    for _ in range(LAYERS):
        layer = linear(outputs, outputs, bias=False)
        nn.init.xavier_normal_(layer.weight)
        layers.append(layer)
    return nn.Sequential(*layers)


def regression(inputs: tuple[int, ...], outputs: int) -> nn.Sequential:
    """One hidden layer of 100 tanh units from one number to one number.

    Raises:
        ValueError: more than one input or output.
    """
    if (inputs, outputs) != ((1,), 1):
        raise ValueError(
            f"'regression' needs inputs (1,) and 1 output, got inputs {inputs} and outputs {outputs}; try data chebyshev-4-20"
        )
    first, last = linear(1, 100), linear(100, 1, bias=False)
    nn.init.xavier_normal_(first.weight, gain=1.9)  # official code, src/archs.py: sigma_w
    nn.init.zeros_(first.bias)
    nn.init.xavier_normal_(last.weight)
    return nn.Sequential(first, nn.Tanh(), last)
