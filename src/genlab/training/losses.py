"""Losses, one value an example, in the conventions of Cohen et al. 2021: every threshold depends on them."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

# Targets are integer class labels, shape (example,); or real outputs, shape (example, output); or the next tokens of rows of
# tokens, integers of shape (example, token), whose outputs have shape (example, token, output).
Loss = Callable[[Tensor, Tensor], Tensor]


def half_squared_error(outputs: Float[Tensor, "example output"], targets: Tensor) -> Float[Tensor, " example"]:
    """Half the squared error, *summed* over outputs; class labels stand for one-hot 0/1 targets.

    ``torch.nn.MSELoss`` averages over outputs instead: with 10 classes its Hessian is 5 times smaller, and gradient
    descent would never meet 2/eta where this loss does.

    Raises:
        ValueError: targets of another shape than the outputs, or rows of tokens.
    """
    if outputs.ndim != 2:
        raise ValueError(f"mse wants outputs of shape (example, output), got {tuple(outputs.shape)} (rows of tokens take ce)")
    if not targets.is_floating_point():
        rows = outputs.new_zeros((*targets.shape, outputs.shape[-1]))
        targets = rows.scatter(-1, targets[..., None], 1)  # one_hot knows no vmap
    if targets.shape != outputs.shape:
        raise ValueError(f"mse wants targets shaped like the outputs {tuple(outputs.shape)}, got {tuple(targets.shape)}")
    return 0.5 * (outputs - targets).square().sum(dim=-1)


def cross_entropy(outputs: Float[Tensor, "example *token output"], targets: Tensor) -> Float[Tensor, " example"]:
    """Softmax cross-entropy against integer class labels, in nats; of rows of tokens, the mean over an example's tokens.

    All rows of a tensor are equally long, so that the mean over examples is the mean over all tokens.

    >>> cross_entropy(torch.zeros(1, 4), torch.tensor([2]))  # log 4
    tensor([1.3863])
    >>> cross_entropy(torch.zeros(2, 3, 4), torch.tensor([[0, 1, 2], [3, 3, 3]]))
    tensor([1.3863, 1.3863])

    Raises:
        ValueError: real-valued targets, or a shape other than that of the outputs without their last axis.
    """
    if targets.is_floating_point():
        raise ValueError("ce wants integer class labels, got real-valued targets: this is a regression problem, use mse")
    if targets.shape != outputs.shape[:-1]:
        raise ValueError(
            f"ce wants one label for each of the outputs {tuple(outputs.shape)}, shape {tuple(outputs.shape[:-1])}, "
            f"got {tuple(targets.shape)}"
        )
    losses = functional.cross_entropy(outputs.reshape(-1, outputs.shape[-1]), targets.reshape(-1), reduction="none")
    return losses.reshape(len(outputs), -1).mean(dim=1) if outputs.ndim > 2 else losses


LOSSES: dict[str, Loss] = {"mse": half_squared_error, "ce": cross_entropy}


def correct(outputs: Float[Tensor, "example *token output"], targets: Tensor) -> Tensor | None:
    """How many examples have their largest output at their label; None where targets are not class labels.

    A row of tokens counts as its share of right tokens, so that the sum over the number of examples is a share as well.

    >>> correct(torch.tensor([[[1.0, 0.0], [1.0, 0.0]]]), torch.tensor([[0, 1]]))  # one example, half of its tokens
    tensor(0.5000)
    """
    if targets.is_floating_point():
        return None
    right = outputs.argmax(dim=-1) == targets
    return right.float().mean(dim=1).sum() if right.ndim > 1 else torch.count_nonzero(right)
