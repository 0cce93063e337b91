"""Small problems, one for each family of networks, in float64: what the dense oracles are compared on."""

from dataclasses import dataclass

import torch
from torch import Tensor

from genlab.training import networks
from genlab.training.losses import LOSSES
from genlab.training.problem import Problem

DOUBLE = torch.float64
EXAMPLES = 5


@dataclass(frozen=True)
class Family:
    """A network, the shape of one input, and its number of outputs."""

    network: str
    inputs: tuple[int, ...]
    outputs: int

    @property
    def losses(self) -> tuple[str, ...]:
        """Those that it can have: one output classifies nothing, and text is classes."""
        return ("mse",) if self.outputs == 1 else ("ce",) if self.text else ("mse", "ce")

    @property
    def text(self) -> bool:
        return self.network.startswith("transformer")

    def __str__(self) -> str:
        return self.network

    def problem(self, loss: str, *, physical_batch: int = 3, examples: int = EXAMPLES) -> Problem:
        """With real targets for mse, class labels for ce; batch norm in train mode normalises over all examples."""
        module = networks.build(self.network, inputs=self.inputs, outputs=self.outputs, seed=0, dtype=DOUBLE)
        if self.text:
            generator = torch.Generator().manual_seed(1)
            tokens = torch.randint(self.outputs, (examples, self.inputs[0] + 1), generator=generator)
            return Problem(module, LOSSES[loss], tokens[:, :-1], tokens[:, 1:], physical_batch)
        real = normal(examples, self.outputs, seed=1)
        targets = real.argmax(dim=1) if loss == "ce" else real
        normalises = any(isinstance(each, torch.nn.modules.batchnorm._BatchNorm) for each in module.modules())
        return Problem(module, LOSSES[loss], normal(examples, *self.inputs), targets, examples if normalises else physical_batch)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


PLAIN = [Family(f"fc-{name}-width4", (5,), 3) for name in networks.ACTIVATIONS]
# Few enough parameters for the whole matrix. The smallest vgg11 has too many: it is tested by single products.
SMALL = [
    *PLAIN,
    Family("fc-tanh-depth4-width3", (1, 2, 2), 3),
    Family("deeplinear", (2,), 2),
    Family("regression", (1,), 1),
    Family("cnn-relu-width2", (1, 4, 4), 3),
    Family("cnn-avgpool-elu-width2", (1, 4, 4), 3),
    Family("cnn-bn-tanh-width2", (1, 4, 4), 3),
    Family("resnet8-width1", (1, 8, 8), 3),
    Family("transformer-depth1-width3-heads1", (3,), 3),
]
