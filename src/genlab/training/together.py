"""Several runs at once: copies of one network, each with weights and data of its own, as one batched function (torch.func.vmap).

Shapes: ``copy`` is the number of runs, ``param`` the parameters of each. A small network spends its time in calls, not in
arithmetic, so that twelve seeds cost little more than one. What vmap makes of a function is written down once it has been asked
for a few times (``make_fx``): the same operations without the bookkeeping, in half the time, bit for bit.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from genlab.training.exactness import full_precision
from genlab.training.problem import Problem

CALLS = 100  # of one shape before it is traced: that costs what it saves in some three hundred (docs/log.md)
MOST_TRACED = 64  # kernels and shapes (our assumption)


@dataclass(frozen=True, eq=False)
class Slopes:
    """``Slope`` of every copy: loss, accuracy (None without class labels), gradient and penalty."""

    loss: Float[Tensor, " copy"]
    accuracy: Float[Tensor, " copy"] | None
    gradient: Float[Tensor, "copy param"]
    penalty: Float[Tensor, " copy"]


@dataclass(frozen=True, eq=False)
class Parts:
    """Micro-batches of one size, of every copy.

    Attributes:
        inputs, targets: (copy, part, example, ...), or (part, example, ...) where all copies see the same.
        alike: whether they do.
        share: of each part in the mean over a copy's batch.
        first: the place of the first part's first example in the batch's order, and the number of the first part.
    """

    inputs: Tensor
    targets: Tensor
    alike: bool
    share: float
    first: tuple[int, int] = (0, 0)


class Together:
    """Problems of one network, loss and number of examples, as one function of rows of weights.

    The physical batch of the problems is not looked at: a copy's batch is one forward pass.

    >>> from genlab.training.losses import half_squared_error
    >>> x = torch.ones(1, 1)
    >>> line = torch.nn.Linear(1, 1, bias=False)
    >>> both = Together([Problem(line, half_squared_error, x, x), Problem(line, half_squared_error, x, 3 * x)])
    >>> both.slopes(torch.zeros(2, 1)).gradient
    tensor([[-1.],
            [-3.]])

    Raises:
        ValueError: no problem, or problems that differ in more than weights and data; and what ties examples or runs together or
            makes a pass random: batch norm, dropout in train mode, unequal counts, frozen parameters. Those run one by one.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        if not problems:
            raise ValueError("training together wants at least 1 problem, got none")
        first = problems[0]
        for each in problems:
            _check(first, each)
        self.problem, self.size = first, len(problems)
        self.examples = len(first.targets)
        self._starts = problems
        self._traced: dict[Any, Callable[..., Any]] = {}
        self._calls: Counter[Any] = Counter()
        inputs = [each.inputs for each in problems if isinstance(each.inputs, Tensor)]
        self.alike = all(a is inputs[0] and b.targets is first.targets for a, b in zip(inputs, problems, strict=True))
        self._inputs = inputs[0] if self.alike else torch.stack(inputs)
        self._targets = first.targets if self.alike else torch.stack([each.targets for each in problems])

    def weights(self) -> Float[Tensor, "copy param"]:
        """The present parameters of each problem's module."""
        return torch.stack([each.weights() for each in self._starts])

    def pick(self, copies: Sequence[int]) -> "Together":
        """Some of the copies."""
        return Together([self._starts[each] for each in copies])

    def parts(self, rows: Int[Tensor, "copy batch"] | None = None, size: int | None = None) -> list[Parts]:
        """The batch of every copy in parts of ``size`` examples, consecutive in the order of ``rows``; the last may be smaller.

        Args:
            rows: which examples, for each copy; None: all, in order.
            size: of a part; None: the batch is one.
        """
        alike = self.alike and rows is None
        if rows is None:
            inputs, targets = self._inputs, self._targets
        elif self.alike:
            inputs, targets = self._inputs[rows], self._targets[rows]
        else:
            copies = torch.arange(len(rows), device=rows.device)[:, None]
            inputs, targets = self._inputs[copies, rows], self._targets[copies, rows]
        axis = 0 if alike else 1
        batch = targets.shape[axis]
        size = batch if size is None else min(size, batch)
        whole = batch - batch % size
        found = []
        for start, stop, each in ((0, whole, size), (whole, batch, batch - whole)):
            if stop > start:
                x, y = (rows.narrow(axis, start, stop - start).unflatten(axis, (-1, each)) for rows in (inputs, targets))
                found.append(Parts(x, y, alike, each / batch, (start, start // size)))
        return found

    def loss(self, weights: Float[Tensor, " param"], inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss of one copy over some examples, and the outputs: differentiable, and made for ``vmap``."""
        named = dict(zip(self.problem.names, self.problem.split(weights), strict=True))
        outputs = torch.func.functional_call(self.problem.module, named, (inputs,))
        return self.problem.loss(outputs, targets).mean(), outputs

    def over(self, name: Hashable, kernel: Callable[..., Any], weights: Tensor, parts: Parts, *others: Tensor) -> Any:
        """``kernel(weights, inputs, targets, *others)`` of one copy, for all copies at once; tensors only, a copy a row.

        Two kernels of one ``name`` are the same function: all that they close over is part of the name.
        """
        shared = None if parts.alike else 0
        given = (weights, parts.inputs, parts.targets, *others)
        key = (name, shared, *(each.shape for each in given))
        with full_precision(weights.device):
            traced = self._traced.get(key)
            if traced is None:
                every = torch.func.vmap(kernel, in_dims=(0, shared, shared, *(0 for _ in others)))
                self._calls[key] += 1
                if self._calls[key] < CALLS or (len(self._traced) >= MOST_TRACED):
                    return every(*given)
                from torch.fx.experimental.proxy_tensor import make_fx  # slow to import

                traced = self._traced[key] = make_fx(lambda *each: every(*each))(*given)
            with torch.no_grad():
                return traced(*given)

    def slopes(self, weights: Float[Tensor, "copy param"], rows: Int[Tensor, "copy batch"] | None = None) -> Slopes:
        """Loss, accuracy and gradient of every copy over its batch."""
        (parts,) = self.parts(rows)
        gradient, (loss, right) = self.over("slope", self._slope, weights, parts)
        return Slopes(loss, right if self.labelled else None, gradient, torch.zeros_like(loss))

    def scores(self, weights: Float[Tensor, "copy param"]) -> tuple[Tensor, Tensor | None]:
        """Mean loss, and accuracy, of every copy over all its examples, without a gradient."""
        (parts,) = self.parts()
        with torch.no_grad():
            loss, right = self.over("score", lambda w, x, y: self.seen(w, x[0], y[0])[1], weights, parts)
        return loss, right if self.labelled else None

    def square_norms(self, weights: Float[Tensor, "copy param"]) -> tuple[Tensor, Tensor]:
        """Mean over the examples of |g_i|^2, and |g|^2 of their mean, of every copy: what gradient noise is made of."""
        (parts,) = self.parts(size=1)

        def squares(weights: Tensor, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            each = torch.func.vmap(torch.func.grad(self.seen, has_aux=True), in_dims=(None, 0, 0))(weights, inputs, targets)[0]
            return each.square().sum(dim=1).mean(), each.mean(dim=0).square().sum()

        with torch.no_grad():
            mean, square = self.over("squares", squares, weights, parts)
        return mean, square

    @property
    def labelled(self) -> bool:
        """Whether targets are class labels."""
        return not self.problem.targets.is_floating_point()

    def accuracy(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Share of right labels; 0 where there are none."""
        return (outputs.argmax(dim=-1) == targets).float().mean() if self.labelled else outputs.new_zeros(())

    def seen(self, weights: Tensor, inputs: Tensor, targets: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The loss of ``loss``, with (loss, accuracy) beside it, as ``torch.func.grad(..., has_aux=True)`` wants it."""
        loss, outputs = self.loss(weights, inputs, targets)
        return loss, (loss, self.accuracy(outputs, targets))

    def _slope(self, weights: Tensor, inputs: Tensor, targets: Tensor) -> Any:
        return torch.func.grad(self.seen, has_aux=True)(weights, inputs[0], targets[0])


def trains_together(problem: Problem) -> bool:
    """Whether nothing in the network ties examples or copies together, or is random."""
    drops = [layer for layer in problem.module.modules() if isinstance(layer, nn.modules.dropout._DropoutNd)]
    random = any(layer.training and layer.p for layer in drops)
    return not (problem.normalises or random or problem._others or next(iter(problem.module.buffers()), None) is not None)


def _check(first: Problem, each: Problem) -> None:
    alike = (first.loss, first.names, first.shapes, first.dtype, first.targets.shape)
    if alike != (each.loss, each.names, each.shapes, each.dtype, each.targets.shape):
        raise ValueError(
            "problems that train together share network, loss, type and number of examples, got "
            f"{len(first.names)} parameters and targets {tuple(first.targets.shape)} beside {len(each.names)} and "
            f"{tuple(each.targets.shape)}: train them one by one"
        )
    if not isinstance(each.inputs, Tensor) or each.counts is not None or each.options:
        raise ValueError("problems that train together have a tensor of inputs and no counts or options: train them one by one")
    random = any(
        isinstance(layer, nn.modules.dropout._DropoutNd) and layer.training and layer.p for layer in each.module.modules()
    )
    if each.normalises or random or each._others or next(iter(each.module.buffers()), None) is not None:
        raise ValueError(
            "batch norm, dropout in train mode, buffers and frozen parameters do not train together: train such networks "
            "one by one"
        )
