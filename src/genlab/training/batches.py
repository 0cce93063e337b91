"""Mini-batches: which examples a step of stochastic gradient descent sees."""

import functools
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from genlab import chance
from genlab.training.problem import Problem


@dataclass(frozen=True)
class Batches:
    """Batches of ``size`` examples, without replacement within an epoch, each epoch in an order of its own.

    The batch of a step depends on (seed, step) only, so that a resumed run needs nothing remembered. What is left of an epoch
    beyond whole batches is not seen in that epoch. Rows are ascending, so that a batch of all examples is the full batch,
    bit for bit.

    >>> Batches(2, seed=0).rows(0, examples=4).tolist() + Batches(2, seed=0).rows(1, examples=4).tolist()
    [0, 2, 1, 3]
    """

    size: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"a batch has at least 1 example, got size {self.size}")

    def rows(self, step: int, examples: int) -> Int[Tensor, " batch"]:
        """Indices of the examples of a step.

        Raises:
            ValueError: more examples in a batch than there are.
        """
        if self.size > examples:
            raise ValueError(f"a batch of {self.size} from {examples} examples: set the batch size to at most {examples}")
        epoch, place = divmod(step, examples // self.size)
        order = _order(self.seed, epoch, examples)
        return order[place * self.size : (place + 1) * self.size].sort().values

    def __call__(self, problem: Problem, step: int) -> Problem:
        """The problem of a step: the mean loss over its batch."""
        return problem.subset(self.rows(step, len(problem.targets)).to(problem.targets.device))


@functools.lru_cache(maxsize=64)  # a few epochs of a few dozen seeds that train together
def _order(seed: int, epoch: int, examples: int) -> Tensor:
    return torch.from_numpy(chance.numpy("batches", seed, epoch).permutation(examples))
