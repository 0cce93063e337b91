"""Penalties: what is added to the loss. Micro-batch penalties in Novack et al. 2022 (2211.15853), and L2 as their control."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.interventions.quantities import Place, Quantity, gradient_norm
from genlab.interventions.replayed import Replayed
from genlab.training.exactness import full_precision
from genlab.training.losses import Loss
from genlab.training.microbatches import check_size, microbatches
from genlab.training.problem import Problem, Slope


@dataclass(frozen=True)
class MicrobatchPenalty:
    """Mean over micro-batches M of L_M + lambda |grad q_M|^2, where q_M is the mean over M of a quantity of each example.

    The norm is squared and goes over all parameters of the problem. Its gradient 2 H_q grad q is exact, by differentiating twice
    through one micro-batch at a time. A smaller last micro-batch weighs as much as its examples. The problem's physical batch
    bounds memory and changes nothing but rounding.

    For GN, over random partitions: E|g_M|^2 = |g_B|^2 + (1/m - 1/n) tr(Sigma), Sigma being the covariance of the gradients of
    the batch's n examples and m the micro-batch's size: what small micro-batches penalise beyond the whole gradient is noise.

    >>> from genlab.training.losses import half_squared_error
    >>> x = torch.ones(1, 1)
    >>> problem = Problem(torch.nn.Linear(1, 1, bias=False), half_squared_error, x, x)
    >>> found = MicrobatchPenalty(of=gradient_norm, strength=0.5)(problem, torch.zeros(1))
    >>> found.loss, found.penalty, found.gradient  # (w - 1)^2 / 2 and 0.5 (w - 1)^2
    (0.5, 0.5, tensor([-2.]))

    Attributes:
        of: ``gradient_norm`` (GN), ``fisher`` (FT), ``average_jacobian`` (AJ), ``unit_jacobian`` (UJ), or a function like them.
        strength: lambda; 0 is the plain gradient, bit for bit.
        microbatch: examples of a micro-batch; None: the whole batch.
        seed: of the partition and of what the quantity draws, anew at each step.

    Raises:
        ValueError: a strength below 0 or not finite, or a micro-batch below 1.
    """

    of: Quantity
    strength: float
    microbatch: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self.strength)
        check_size(self.microbatch)

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope:
        if not self.strength:
            return problem.slope(weights)
        seen: list[tuple[Any, Tensor]] = []
        seeing = replace(problem, loss=functools.partial(_see, problem.loss, seen))  # the same problem, its outputs noted
        loss, penalty, right = 0.0, 0.0, 0.0
        total = torch.zeros_like(weights)
        with full_precision(weights.device):
            examples, first = len(problem.targets), 0
            count = math.ceil(examples / (self.microbatch or examples))
            for number, (part, share) in enumerate(microbatches(seeing, self.microbatch, "penalty", self.seed, step)):
                place = Place((self.seed, step), examples, first, number, count)
                found = _Microbatch(part, problem.loss, self.of, place, seen).step(weights, self.strength)
                first += len(part.targets)
                total.add_(found.gradient, alpha=share)
                loss, penalty = loss + share * found.loss, penalty + share * found.penalty
                right += share * (math.nan if found.accuracy is None else found.accuracy)
        return Slope(loss, None if math.isnan(right) else right, total, penalty)


@dataclass(frozen=True)
class L2Penalty:
    """L + lambda |w|^2 over all parameters of the problem: PyTorch's ``weight_decay`` of 2 lambda. The control of every penalty.

    Attributes:
        strength: lambda; 0 is the plain gradient, bit for bit.

    Raises:
        ValueError: a strength below 0 or not finite.
    """

    strength: float

    def __post_init__(self) -> None:
        _check(self.strength)

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope:
        slope = problem.slope(weights)
        if not self.strength:
            return slope
        penalty = self.strength * weights.square().sum().item()
        return replace(slope, gradient=slope.gradient.add(weights, alpha=2 * self.strength), penalty=penalty)


class _Microbatch:
    """One micro-batch: the loss L and the quantity q of it, physical batch by physical batch."""

    def __init__(self, part: Problem, loss: Loss, of: Quantity, place: Place, seen: list[tuple[Any, Tensor]]) -> None:
        self.part, self.loss, self.of, self.place, self.seen = part, loss, of, place, seen
        self.batches = list(part.batches())

    def step(self, weights: Tensor, strength: float) -> Slope:
        """L + strength |grad q|^2 with its gradient."""
        parameters = [piece.detach().requires_grad_() for piece in self.part.split(weights)]
        alone = len(self.batches) == 1
        replayed = Replayed(weights.device)
        slope_of_q: Sequence[Tensor] | None = None
        if not alone:  # the gradient of q over all physical batches comes first, without graphs
            with replayed:
                for number in range(len(self.batches)):
                    _, quantity, _ = self._forward(number, parameters)
                    pieces = torch.autograd.grad(quantity, parameters, materialize_grads=True)
                    slope_of_q = pieces if slope_of_q is None else [a + b for a, b in zip(slope_of_q, pieces, strict=True)]
        losses: list[Tensor] = []
        right: list[Tensor | None] = []
        total: Tensor | None = None
        with replayed:
            for number in range(len(self.batches)):
                loss, quantity, count = self._forward(number, parameters)
                pieces = torch.autograd.grad(quantity, parameters, create_graph=True, materialize_grads=True)
                slope_of_q = [piece.detach() for piece in pieces] if slope_of_q is None else slope_of_q
                pairs = [(piece, along) for piece, along in zip(pieces, slope_of_q, strict=True) if piece.requires_grad]
                tops = [loss, *(piece for piece, _ in pairs)]
                seeds = [torch.ones_like(loss), *(2 * strength * along for _, along in pairs)]  # of L, and of 2 H_q grad q
                gradient = torch.cat(
                    [each.reshape(-1) for each in torch.autograd.grad(tops, parameters, seeds, materialize_grads=True)]
                )
                total = gradient if total is None else total.add_(gradient)
                losses.append(loss.detach())
                right.append(count)
        assert total is not None
        assert slope_of_q is not None
        square = torch.stack([piece.square().sum() for piece in slope_of_q]).sum().item()
        return Slope(torch.stack(losses).sum().item(), self.part.accuracy(right), total, strength * square)

    def _forward(self, number: int, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor | None]:
        """Shares of one physical batch: of L, of q, and how many labels are right."""
        inputs, targets = self.batches[number]
        loss, right = self.part.batch_loss(parameters, inputs, targets)
        outputs, wanted = self.seen.pop()
        if self.of is gradient_norm:
            return loss, loss, right
        before = sum(len(targets) for _, targets in self.batches[:number])
        values = self.of(self.loss, outputs, wanted, replace(self.place, first=self.place.first + before))
        return loss, values.sum() / len(self.part.targets), right


def _see(loss: Loss, seen: list[tuple[Any, Tensor]], outputs: Any, targets: Tensor) -> Tensor:
    seen.append((outputs, targets))
    return loss(outputs, targets)


def _check(strength: float) -> None:
    if not (strength >= 0 and math.isfinite(strength)):
        raise ValueError(f"a penalty's strength is finite and not below 0, got {strength}")
