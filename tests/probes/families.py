"""Small problems, one for each family of networks, in float64: what the dense oracles are compared on."""

from dataclasses import dataclass

import torch
from torch import Tensor

from genlab.training import networks
from genlab.training.losses import LOSSES
from genlab.training.problem import Problem

DOUBLE = torch.float64


@dataclass(frozen=True)
class Family:
    """A network, the shape of one input, and its number of outputs."""

    network: str
    inputs: tuple[int, ...]
    outputs: int

    @property
    def losses(self) -> tuple[str, ...]:
        """Those that it can have: one output classifies nothing."""
        return ("mse", "ce") if self.outputs > 1 else ("mse",)

    def __str__(self) -> str:
        return self.network

    def problem(self, loss: str, *, examples: int = 5, physical_batch: int = 3) -> Problem:
        """With real targets for mse, class labels for ce."""
        module = networks.build(self.network, inputs=self.inputs, outputs=self.outputs, seed=0, dtype=DOUBLE)
        real = normal(examples, self.outputs, seed=1)
        targets = real.argmax(dim=1) if loss == "ce" else real
        return Problem(module, LOSSES[loss], normal(examples, *self.inputs), targets, physical_batch)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


# Few enough parameters for the whole matrix.
SMALL = [
    *(Family(f"fc-{name}-width4", (5,), 3) for name in networks.ACTIVATIONS),
    Family("fc-tanh-depth4-width3", (1, 2, 2), 3),
    Family("deeplinear", (2,), 2),
    Family("regression", (1,), 1),
]
