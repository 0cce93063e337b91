"""Penalties whose second derivative is a difference of gradients: less memory, where the network is smooth."""

import functools
import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from genlab.interventions.quantities import Place, Quantity, fisher, gradient_norm
from genlab.interventions.replayed import Replayed
from genlab.training.losses import Loss
from genlab.training.microbatches import check_size, microbatches
from genlab.training.problem import Problem, Slope

KINKED = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.Threshold, nn.Hardshrink,
    nn.Softshrink, nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd,
)  # fmt: skip


@dataclass(frozen=True)
class FiniteDifferencePenalty:
    """``MicrobatchPenalty`` with (grad q(w + e v) - grad q(w - e v)) / e in the place of 2 H_q v, v = grad q.

    The error is e^2 |v|^3 / 3 times a third derivative, and rounding over e. One-sided it is 2 (grad q(w + e v) - grad q(w)) / e:
    one gradient less, an error of order e. The weights move by e |v| = s |w|, s being the third root of the float type's spacing
    at 1 (one-sided the square root), the usual balance of both errors: s = 0.005 in float32, 6e-6 in float64. Measured on a
    convolutional network of tanh, relative to the exact one: 3e-4 (4e-3 one-sided) in float32, 4e-10 (2e-7) in float64.

    It holds the graph of a gradient at no time: in float32 that network took 0.4 times the memory of the exact form, at 1.06
    times its time (one-sided 0.7). Where layers have kinks it does not converge (an error of 0.2 to 5 was measured,
    docs/log.md), so that networks with such layers are refused.

    Attributes:
        of: the quantity q, see ``MicrobatchPenalty``, except ``fisher``; micro-batches and directions are the same as there.
        strength: lambda; 0 is the plain gradient, bit for bit.
        microbatch: examples of a micro-batch; None: the whole batch.
        seed: of the partition and of the quantity's directions.
        central: False for the one-sided difference.

    Raises:
        ValueError: a strength below 0 or not finite, a micro-batch below 1, or ``fisher``; when called, a network with ReLU,
            max-pooling or other layers with kinks (kinks inside a ``forward`` are not seen).
    """

    of: Quantity
    strength: float
    microbatch: int | None = None
    seed: int = 0
    central: bool = True

    def __post_init__(self) -> None:
        if not (self.strength >= 0 and math.isfinite(self.strength)):
            raise ValueError(f"a penalty's strength is finite and not below 0, got {self.strength}")
        if self.of is fisher:
            raise ValueError("labels drawn for the Fisher penalty would move with the weights: take MicrobatchPenalty(of=fisher)")
        check_size(self.microbatch)

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope:
        if not self.strength:
            return problem.slope(weights)
        kinked = {type(each).__name__ for each in problem.module.modules() if isinstance(each, KINKED)}
        if kinked:
            raise ValueError(
                f"the network has kinks ({', '.join(sorted(kinked))}), where differences of gradients do not converge: take "
                "MicrobatchPenalty, whose memory a smaller physical_batch bounds"
            )
        loss, penalty, right = 0.0, 0.0, 0.0
        total = torch.zeros_like(weights)
        examples, first = len(problem.targets), 0
        count = math.ceil(examples / (self.microbatch or examples))
        for number, (part, share) in enumerate(microbatches(problem, self.microbatch, "penalty", self.seed, step)):
            found = self._of_one(part, weights, Place((self.seed, step), examples, first, number, count))
            first += len(part.targets)
            total.add_(found.gradient, alpha=share)
            loss, penalty = loss + share * found.loss, penalty + share * found.penalty
            right += share * (math.nan if found.accuracy is None else found.accuracy)
        return Slope(loss, None if math.isnan(right) else right, total, penalty)

    def _of_one(self, part: Problem, weights: Tensor, place: Place) -> Slope:
        replayed = Replayed(weights.device)  # one mask of dropout for all passes

        def slope(at: Tensor, of: Problem) -> Slope:
            with replayed:
                return of.slope(at)

        def quantity(at: Tensor) -> Tensor:
            of = part if self.of is gradient_norm else part.losing(_Values(part.loss, self.of, place))
            return slope(at, of).gradient

        here = slope(weights, part)
        v = here.gradient if self.of is gradient_norm else quantity(weights)
        norm = torch.linalg.vector_norm(v)
        if not norm > 0:
            return here
        e = torch.finfo(weights.dtype).eps ** (1 / 3 if self.central else 1 / 2) * torch.linalg.vector_norm(weights) / norm
        other, times = (quantity(weights - e * v), 1) if self.central else (v, 2)
        twice_hessian = (quantity(weights + e * v) - other) * (times / e)
        return replace(
            here,
            gradient=here.gradient.add(twice_hessian, alpha=self.strength),
            penalty=self.strength * norm.square().item(),
        )


class _Values:
    """A quantity as a loss; it counts the examples that physical batches bring one after the other."""

    def __init__(self, loss: Loss, of: Quantity, place: Place) -> None:
        self.values, self.place = functools.partial(of, loss), place

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        values = self.values(outputs, targets, self.place)
        self.place = replace(self.place, first=self.place.first + len(targets))
        return values
