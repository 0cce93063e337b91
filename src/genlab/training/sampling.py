"""Targets a model would draw itself: for the Fisher matrix, whose expectation goes over them and not over the data's."""

import functools

import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance
from genlab.training.losses import Loss, cross_entropy, half_squared_error

UNLIKELY = (
    "the Fisher matrix wants a loss that is a negative log-likelihood to draw from: genlab.cross_entropy (a softmax) or "
    "genlab.half_squared_error (a normal of variance 1), got {name}"
)


def draws(loss: Loss, outputs: Tensor, examples: int, first: int, *key: chance.Key) -> Tensor:
    """Random numbers for ``sampled``: rows ``first`` onward of those of ``examples`` examples, whatever the physical batch.

    Uniform, one a label, for cross-entropy; normal, one an output, for squared error.

    Raises:
        ValueError: another loss.
    """
    _check(loss)
    shape = outputs.shape[1:-1] if loss is cross_entropy else outputs.shape[1:]
    return _all_draws(loss is cross_entropy, (examples, *shape), *key)[first : first + len(outputs)].to(outputs.device)


@functools.lru_cache(maxsize=64)  # micro-batches of one step ask for their parts of the same numbers
def _all_draws(uniform: bool, shape: tuple[int, ...], *key: chance.Key) -> Tensor:
    generator = chance.numpy("sampled targets", *key)
    return torch.from_numpy(generator.random(shape) if uniform else generator.standard_normal(shape))


def sampled(loss: Loss, outputs: Tensor, targets: Tensor, numbers: Tensor) -> Tensor:
    """Targets drawn from the distribution whose negative log-likelihood the loss is, at these outputs; one an example or token.

    >>> outputs = torch.tensor([[0.0, 0.0], [0.0, 9.0]])
    >>> sampled(cross_entropy, outputs, torch.zeros(2, dtype=torch.long), torch.tensor([0.2, 0.2]))  # p = 1/2, 1/2 and 0, 1
    tensor([0, 1])

    Raises:
        ValueError: another loss than ``cross_entropy`` and ``half_squared_error``.
    """
    _check(loss)
    if loss is half_squared_error:
        return outputs + numbers.to(outputs)
    heights = outputs.double().softmax(dim=-1).cumsum(dim=-1)
    below = (heights <= numbers[..., None] * heights[..., -1:]).sum(dim=-1)
    return below.clamp(max=outputs.shape[-1] - 1)


def probabilities(loss: Loss, outputs: Float[Tensor, "example output"]) -> Float[Tensor, "example output"] | None:
    """Of each label, for cross-entropy; None for squared error, whose Fisher matrix is J'J.

    Raises:
        ValueError: another loss.
    """
    _check(loss)
    return outputs.softmax(dim=-1) if loss is cross_entropy else None


def _check(loss: Loss) -> None:
    if loss is not cross_entropy and loss is not half_squared_error:
        raise ValueError(UNLIKELY.format(name=getattr(loss, "__name__", repr(loss))))
