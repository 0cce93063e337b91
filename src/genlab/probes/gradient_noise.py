"""The noise of mini-batch gradients: squared norms of micro-batch gradients, and the covariance that makes them large."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from genlab.probes.per_example import squared_norms
from genlab.training.microbatches import microbatches
from genlab.training.problem import Problem


@dataclass(frozen=True)
class GradientNoise:
    """The gradients of a problem's examples, in two numbers.

    Attributes:
        trace: tr(Sigma), the trace of the unbiased covariance of the examples' gradients; NaN of one example.
        square: |g|^2, of the mean gradient.
        examples: how many.
    """

    trace: float
    square: float
    examples: int

    def microbatch_square(self, size: int) -> float:
        """E|g_M|^2 over random micro-batches of ``size``: |g|^2 + (1/m - 1/n) tr(Sigma), without drawing any.

        Raises:
            ValueError: a size that is not 1 to all.
        """
        if not 1 <= size <= self.examples:
            raise ValueError(f"a micro-batch of {self.examples} examples has 1 to {self.examples}, got {size}")
        return self.square + (1 / size - 1 / self.examples) * self.trace if size < self.examples else self.square


def gradient_noise(problem: Problem, weights: Float[Tensor, " param"], *, at_once: int = 64) -> GradientNoise:
    """tr(Sigma) and |g|^2, exactly, from the gradient of every example.

    >>> import torch
    >>> from genlab.training.losses import half_squared_error
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> problem = Problem(torch.nn.Linear(1, 1, bias=False), half_squared_error, x, x)
    >>> gradient_noise(problem, torch.zeros(1))  # gradients -1 and -9
    GradientNoise(trace=32.0, square=25.0, examples=2)

    Args:
        problem: the loss and its examples.
        weights: where, shape (param,).
        at_once: examples whose gradients are in memory together.

    Raises:
        ValueError: batch norm in train mode, or examples that count unequally.
        RuntimeError: the loss changes between two passes.
    """
    examples = len(problem.targets)
    each = squared_norms(problem, weights, at_once=at_once).double().sum().item()
    square = problem.slope(weights).gradient.double().square().sum().item()
    trace = (each - examples * square) / (examples - 1) if examples > 1 else float("nan")
    return GradientNoise(trace, square, examples)


@dataclass(frozen=True)
class MicrobatchNorms:
    """Squared gradient norms of the micro-batches of one random partition.

    Attributes:
        square: their mean, each weighing as much as its examples: what the paper calls the average micro-batch gradient norm.
        squares: |g_M|^2, one a micro-batch.
        shares: of each in the mean.
    """

    square: float
    squares: tuple[float, ...]
    shares: tuple[float, ...]


def microbatch_norms(problem: Problem, weights: Float[Tensor, " param"], *, microbatch: int, seed: int = 0) -> MicrobatchNorms:
    """The average micro-batch gradient norm, squared as in the code of Novack et al. 2022 (2211.15853); one pass over the data.

    Batch norm in train mode normalises over the problem's ghost batches, of which micro-batches are made.

    Args:
        problem: the loss and its examples: all of them, or a large batch.
        weights: where, shape (param,).
        microbatch: examples of a micro-batch.
        seed: of the partition.

    Raises:
        ValueError: a micro-batch below 1, or one that cuts through ghost batches.
    """
    found = [
        (part.slope(weights).gradient.double().square().sum().item(), share)
        for part, share in microbatches(problem, microbatch, "norms", seed)
    ]
    mean = sum(square * share for square, share in found)
    return MicrobatchNorms(mean, tuple(square for square, _ in found), tuple(share for _, share in found))
