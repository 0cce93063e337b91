"""The layers that networks are made of, in float32 on the CPU whatever torch's own defaults are: so a seed says it all."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

PLACE: dict[str, Any] = {"device": "cpu", "dtype": torch.float32}
ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "tanh": nn.Tanh,
    "hardtanh": nn.Hardtanh,
    "softplus": nn.Softplus,
}


def linear(inputs: int, outputs: int, *, bias: bool = True) -> nn.Linear:
    """A linear layer with PyTorch's initialisation, uniform in +- 1 / sqrt(inputs)."""
    return nn.Linear(inputs, outputs, bias=bias, **PLACE)


def convolution(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    """A convolution of 3 x 3, padded to keep the size, with PyTorch's initialisation: uniform in +- 1 / sqrt(9 inputs)."""
    return nn.Conv2d(inputs, outputs, kernel_size=kernel, stride=stride, padding=kernel // 2, bias=bias, **PLACE)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm of images: in train mode it normalises over the examples of one forward pass, the ghost batch."""
    return nn.BatchNorm2d(channels, **PLACE)


class LayerNorm(nn.Module):
    """Layer norm over the last axis, in plain operations.

    PyTorch's fused layer norm has right second derivatives but wrong third ones, which the gradient of a sharpness needs
    (centralflows' notes, docs/main.md); these are right to any order.
    """

    def __init__(self, width: int, *, epsilon: float = 1e-5) -> None:  # 1e-5: PyTorch's default
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width, **PLACE))
        self.bias = nn.Parameter(torch.zeros(width, **PLACE))
        self.epsilon = epsilon

    def forward(self, inputs: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Inputs less their mean, over their standard deviation, scaled and shifted."""
        centred = inputs - inputs.mean(dim=-1, keepdim=True)
        variance = centred.square().mean(dim=-1, keepdim=True)
        return centred * torch.rsqrt(variance + self.epsilon) * self.weight + self.bias
