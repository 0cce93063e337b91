"""Micro-batches: the parts of a batch whose own gradients a method looks at. They are part of the method, not of memory."""

from collections.abc import Iterator

import torch
from jaxtyping import Int
from torch import Tensor

from genlab import chance
from genlab.training.problem import Problem


def microbatches(problem: Problem, size: int | None, *key: chance.Key) -> Iterator[tuple[Problem, float]]:
    """The problem of each micro-batch, with its share of the whole mean; shares sum to 1, of a smaller last one, too.

    A random partition, keyed: consecutive examples of a shuffled batch. One micro-batch of all examples is the problem itself,
    in its own order. A share is that of the examples (or of their counted terms, where the problem has ``counts``), and a
    micro-batch without any is left out.

    With batch norm in train mode a micro-batch is made of ghost batches, drawn with it: its size is then a multiple of the
    problem's ``ghost_batch``.

    >>> from genlab.training.losses import half_squared_error
    >>> x = torch.arange(5.0).reshape(5, 1)
    >>> problem = Problem(torch.nn.Linear(1, 1), half_squared_error, x, x)
    >>> [(len(part.targets), share) for part, share in microbatches(problem, 2, "example", 0)]
    [(2, 0.4), (2, 0.4), (1, 0.2)]

    Raises:
        ValueError: a size below 1, or one that cuts through the batches that batch norm normalises over.
    """
    examples = len(problem.targets)
    check_size(size)
    if size is None or size >= examples:
        yield problem, 1.0
        return
    ghost = problem.ghost_batch
    if problem.normalises and (ghost is None or size % ghost):
        raise ValueError(
            f"batch norm in train mode normalises over {'the whole batch' if ghost is None else f'{ghost} examples'}, which "
            f"micro-batches of {size} cut through: set the problem's ghost_batch={size} or a divisor of it, or use module.eval()"
        )
    for rows in permutation(examples, *key).to(problem.targets.device).split(size):
        if problem.counts is None or int(problem.counts[rows].sum()):
            part = problem.subset(rows)
            yield part, part.divisor / problem.divisor


def permutation(examples: int, *key: chance.Key) -> Int[Tensor, " example"]:
    """The order of a batch's examples whose consecutive parts are its micro-batches."""
    return torch.from_numpy(chance.numpy("micro-batches", *key).permutation(examples))


def check_size(size: int | None) -> None:
    """Refuse a size of micro-batches that is none.

    Raises:
        ValueError: below 1.
    """
    if size is not None and size < 1:
        raise ValueError(f"a micro-batch has at least 1 example, got microbatch={size} (None: the whole batch)")
