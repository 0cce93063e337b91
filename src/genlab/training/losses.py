"""Losses, one value an example, in the conventions of Cohen et al. 2021: every threshold depends on them."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

# Targets are integer class labels, shape (example,), or real outputs, shape (example, output).
Loss = Callable[[Tensor, Tensor], Tensor]


def half_squared_error(outputs: Float[Tensor, "example output"], targets: Tensor) -> Float[Tensor, " example"]:
    """Half the squared error, *summed* over outputs; class labels stand for one-hot 0/1 targets.

    ``torch.nn.MSELoss`` averages over outputs instead: with 10 classes its Hessian is 5 times smaller, and gradient
    descent would never meet 2/eta where this loss does.
    """
    if not targets.is_floating_point():
        targets = functional.one_hot(targets, outputs.shape[-1]).to(outputs.dtype)
    if targets.shape != outputs.shape:
        raise ValueError(f"mse wants targets shaped like the outputs {tuple(outputs.shape)}, got {tuple(targets.shape)}")
    return 0.5 * (outputs - targets).square().sum(dim=-1)


def cross_entropy(outputs: Float[Tensor, "example output"], targets: Tensor) -> Float[Tensor, " example"]:
    """Softmax cross-entropy against integer class labels, in nats."""
    if targets.is_floating_point():
        raise ValueError("ce wants integer class labels, got real-valued targets: this is a regression problem, use mse")
    return functional.cross_entropy(outputs, targets, reduction="none")


LOSSES: dict[str, Loss] = {"mse": half_squared_error, "ce": cross_entropy}


def correct(outputs: Float[Tensor, "example output"], targets: Tensor) -> Tensor | None:
    """How many examples have their largest output at their label; None where targets are not class labels."""
    if targets.is_floating_point():
        return None
    return torch.count_nonzero(outputs.argmax(dim=-1) == targets)
