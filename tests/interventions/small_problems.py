"""Small problems in float64 that the tests of interventions share."""

import torch
from torch import Tensor, nn

from genlab.training.losses import LOSSES
from genlab.training.networks import build
from genlab.training.problem import Problem

DOUBLE = torch.float64


def labelled(examples: int, *, width: int = 4, classes: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(examples, width, generator=generator, dtype=DOUBLE)
    return inputs, torch.randint(classes, (examples,), generator=generator)


def small(loss: str = "ce", *, examples: int = 10, physical_batch: int = 1000, dtype: torch.dtype = DOUBLE) -> Problem:
    inputs, labels = labelled(examples)
    module = build("fc-tanh-width5", inputs=(4,), outputs=3, seed=0, dtype=dtype)
    return Problem(module, LOSSES[loss], inputs.to(dtype), labels, physical_batch)


def normalised(*, examples: int = 12, ghost_batch: int | None = 4) -> Problem:
    """With batch norm in train mode, running averages that have seen data."""
    inputs, labels = labelled(examples)
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Linear(4, 5, dtype=DOUBLE), nn.BatchNorm1d(5, dtype=DOUBLE), nn.Tanh(), nn.Linear(5, 3, dtype=DOUBLE)
    )
    module(labelled(20, seed=5)[0])
    return Problem(module, LOSSES["ce"], inputs, labels, ghost_batch=ghost_batch)


def close(one: Tensor, other: Tensor, *, within: float = 1e-12) -> bool:
    """Equal to rounding in float64, on the scale of the largest entry."""
    return bool((one - other).abs().max() <= within * (1e-3 + other.abs().max()))


def imaged(loss: str = "ce", *, examples: int = 10, physical_batch: int = 1000, norm: bool = False) -> Problem:
    """Of images in [0, 1], with batch norm over the whole batch or without."""
    inputs = torch.rand(examples, 2, 4, 4, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    labels = torch.randint(3, (examples,), generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    norms = [nn.BatchNorm2d(4, dtype=DOUBLE)] if norm else []
    layers = [nn.Conv2d(2, 4, 3, dtype=DOUBLE), *norms, nn.Tanh(), nn.Flatten(), nn.Linear(16, 3, dtype=DOUBLE)]
    module = nn.Sequential(*layers)
    module(inputs.flip(0) / 2)
    return Problem(module, LOSSES[loss], inputs, labels, physical_batch)
