"""What a micro-batch penalty is of: the quantity q whose squared gradient norm it adds to the loss.

As in Novack et al. 2022 (2211.15853) and their code. Each gives one value an example; q is their mean over the micro-batch.
Sampled labels and directions are keyed.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance
from genlab.training.losses import Loss
from genlab.training.sampling import draws, sampled


@dataclass(frozen=True)
class Place:
    """Which examples of a step's batch: what a keyed draw depends on, however memory splits them.

    Attributes:
        key: of the step.
        examples: how many the batch has.
        first: which of them, in the order of its micro-batches, is the first of the outputs at hand.
        microbatch: the number of the micro-batch that they are in.
        microbatches: how many the batch has.
    """

    key: tuple[chance.Key, ...]
    examples: int
    first: int
    microbatch: int
    microbatches: int


class Quantity(Protocol):
    """One value an example, from a physical batch's outputs and targets, differentiable in the outputs."""

    def __call__(self, loss: Loss, outputs: Tensor, targets: Tensor, place: Place) -> Float[Tensor, " example"]: ...


def gradient_norm(loss: Loss, outputs: Tensor, targets: Tensor, place: Place) -> Tensor:
    """GN: the loss itself. The penalty is the micro-batch's squared gradient norm; its gradient is 2 H g."""
    return loss(outputs, targets)


def fisher(loss: Loss, outputs: Tensor, targets: Tensor, place: Place) -> Tensor:
    """FT: the loss at labels drawn from the model's own distribution, one an example; the draw is not differentiated.

    Over the draws the penalty's mean is tr(F) / m, with F the Fisher matrix of the micro-batch and m its number of examples
    (without batch norm, which ties them together). So a strength means the same at another size only if it grows with it.
    """
    return loss(outputs, sampled(loss, outputs.detach(), targets, draws(loss, outputs, place.examples, place.first, *place.key)))


def average_jacobian(loss: Loss, outputs: Tensor, targets: Tensor, place: Place) -> Tensor:
    """AJ: the sum of the outputs. The penalty is |J'1|^2, J the mean Jacobian of the micro-batch, 1 unnormalised."""
    return rows(outputs).sum(dim=1)


def unit_jacobian(loss: Loss, outputs: Tensor, targets: Tensor, place: Place) -> Tensor:
    """UJ: the outputs along a random unit direction u, one a micro-batch. The penalty is |J'u|^2, in the mean |J|_F^2 / C."""
    return along(outputs, directions(place.microbatches, outputs.shape[-1], *place.key)[place.microbatch])


def along(outputs: Tensor, direction: Float[Tensor, " output"]) -> Float[Tensor, " example"]:
    """The outputs of each example along a direction."""
    found: Tensor = rows(outputs) @ direction.to(outputs)
    return found


@functools.lru_cache(maxsize=64)  # asked for once a micro-batch of the same step
def directions(count: int, outputs: int, *key: chance.Key) -> Float[Tensor, "microbatch output"]:
    """Random unit vectors, one a micro-batch, float64."""
    drawn = torch.from_numpy(chance.numpy("unit jacobian", *key).standard_normal((count, outputs)))
    unit: Tensor = drawn / torch.linalg.vector_norm(drawn, dim=1, keepdim=True)
    return unit


def rows(outputs: Any) -> Float[Tensor, "example output"]:
    """Outputs of an example as one row: of a row of tokens the mean over its tokens, as the loss takes it."""
    if not isinstance(outputs, Tensor) or outputs.ndim < 2:
        raise ValueError(
            f"a Jacobian wants outputs of shape (example, output), got "
            f"{tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__}: let the module return a tensor"
        )
    if outputs.ndim == 2:
        whole: Tensor = outputs
        return whole
    averaged: Tensor = outputs.reshape(len(outputs), math.prod(outputs.shape[1:-1]), outputs.shape[-1]).mean(dim=1)
    return averaged
