"""Diagonal linear networks: the smallest network whose implicit bias changes with how it is trained (miniatures B.2)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from genlab.training.layers import PLACE

ALPHA = 0.1  # miniatures B.2: u = v = alpha at the start


class Diagonal(nn.Module):
    """The linear function of weights w = u * u - v * v, element by element: w is 0 at the start, where u = v = alpha."""

    def __init__(self, features: int, alpha: float) -> None:
        super().__init__()
        self.u = nn.Parameter(torch.full((features,), alpha, **PLACE))
        self.v = nn.Parameter(torch.full((features,), alpha, **PLACE))

    def forward(self, inputs: Float[Tensor, "*batch features"]) -> Float[Tensor, "*batch 1"]:
        """<w, x> of each x."""
        return (inputs @ (self.u * self.u - self.v * self.v)).unsqueeze(-1)


def diagonal(network: str, inputs: tuple[int, ...], outputs: int, *, alpha: float = ALPHA) -> nn.Sequential:
    """Flatten, then <w, x>. Nothing is drawn: all seeds start from the same weights.

    Args:
        network: the id, for errors.
        inputs: shape of an input.
        outputs: 1.
        alpha: of which all parameters start; the smaller, the more the network prefers sparse w.

    Raises:
        ValueError: more than one output, or an alpha of 0, where the gradient vanishes for ever.
    """
    if outputs != 1:
        raise ValueError(f"{network!r} has 1 output, got outputs {outputs}; try data sparse-regression-100-40-5")
    if not alpha > 0:
        raise ValueError(f"{network!r} never moves from alpha = 0, where its gradient is 0; try diagonal-alpha{ALPHA}")
    return nn.Sequential(nn.Flatten(), Diagonal(math.prod(inputs), alpha))
