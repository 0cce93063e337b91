"""Batch sharpness: the curvature that mini-batch SGD meets along its own steps (Andreyev and Beneventano 2024, 2412.20553).

They report that it, not the sharpness of the full loss, settles at 2 / eta when SGD is at its edge of stability.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance
from genlab.intervals import Interval, student_t
from genlab.probes.hessian import Hessian
from genlab.training.exactness import full_precision
from genlab.training.problem import Problem

LEAST_BATCHES = 30  # before a standard error is believed (our assumption)
AT_ONCE = 8  # gradients a call of the full Hessian: what shares a graph that is not kept (our assumption)


@dataclass(frozen=True)
class BatchEstimate:
    """A mean over random mini-batches with its evidence.

    Attributes:
        value: the mean of the samples, NaN where one is not finite or there are none.
        standard_error: of the mean; 0 where the batch is all the data, NaN of a single sample.
        samples: one value a batch.
        without_gradient: batches left out because their gradient is zero: they make no step, and have no curvature along it.
        converged: whether the standard error came down to the relative error that was asked for.
    """

    value: float
    standard_error: float
    samples: tuple[float, ...]
    without_gradient: int
    converged: bool

    @property
    def batches(self) -> int:
        """How many batches the mean is over."""
        return len(self.samples)

    @property
    def interval(self) -> Interval:
        """Student-t interval of the mean, 95%; a little narrow where sampling stopped at a relative error.

        Raises:
            ValueError: fewer than 2 batches, or one whose value is not finite.
        """
        return student_t(self.samples)


def batch_sharpness(
    problem: Problem,
    weights: Float[Tensor, " param"],
    *,
    batch: int,
    relative_error: float = 0.005,
    most_batches: int = 1000,
    seed: int = 0,
) -> BatchEstimate:
    """E_B[g_B' H_B g_B / |g_B|^2] over random mini-batches B of ``batch`` examples, drawn without replacement within one.

    g_B and H_B are gradient and Hessian of the mini-batch's mean loss. Sampling stops at the relative standard error (Andreyev
    and Beneventano's code: 0.5%, 1000 batches at most) after 30 batches at least, or at ``most_batches``, which is then not
    converged. One batch costs about 3 of its gradients. Batch norm in train mode normalises over the mini-batch.

    >>> from genlab.training.losses import half_squared_error
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> problem = Problem(torch.nn.Linear(1, 1, bias=False), half_squared_error, x, x)
    >>> batch_sharpness(problem, torch.zeros(1), batch=2).value  # all the data: the curvature along the gradient, (1 + 9) / 2
    5.0

    Args:
        problem: the training loss and all its data.
        weights: where, shape (param,).
        batch: examples of a mini-batch, 1 to all.
        relative_error: of the mean's standard error, at which to stop; 0 to use all of ``most_batches``.
        most_batches: budget.
        seed: of the batches, keyed by number: batch 7 of 20 is batch 7 of 100.

    Raises:
        ValueError: a batch of no examples or more than there are, no budget, or a relative error below 0.
        RuntimeError: the loss of the first batch changes between two passes.
    """

    def samples() -> Iterator[float | None]:
        for number, part in enumerate(_batches(problem, batch, "batch sharpness", seed)):
            if number == 0:
                part.refuse_if_random(weights)
            gradient, image = _along_gradient(part, weights)
            square = gradient.square().sum(dtype=torch.float64).item()
            yield (gradient * image).sum(dtype=torch.float64).item() / square if square else None

    _check(problem, batch, relative_error, most_batches)
    return _mean(samples(), relative_error, most_batches, whole=batch == len(problem.targets))


def gradient_noise_interaction(
    problem: Problem,
    weights: Float[Tensor, " param"],
    *,
    batch: int,
    relative_error: float = 0.005,
    most_batches: int = 500,
    seed: int = 0,
    graph_bytes: int = 2**30,
) -> BatchEstimate:
    """GNI = E_B[g_B' H g_B] / |g|^2 (Andreyev and Beneventano 2024): the *full* Hessian along mini-batch gradients.

    It differs from batch sharpness in that noise of the gradient, not of the curvature, makes it large. One batch costs a
    product with the full Hessian beside its gradient. Arguments, stop and errors as for ``batch_sharpness``; 500 batches at
    most, as in their code. Where the full gradient is zero, the value is NaN.
    """

    def samples() -> Iterator[float | None]:
        problem.refuse_if_random(weights)
        hessian = Hessian(problem, weights, graph_bytes=graph_bytes)
        square = problem.slope(weights).gradient.square().sum(dtype=torch.float64).item()
        parts = _batches(problem, batch, "gradient noise", seed)
        while True:
            rows = torch.stack([next(parts).slope(weights).gradient for _ in range(1 if whole else AT_ONCE)])
            for value in (rows * hessian(rows)).sum(dim=1, dtype=torch.float64).tolist():
                yield value / square if square else math.nan

    _check(problem, batch, relative_error, most_batches)
    whole = batch == len(problem.targets)
    return _mean(samples(), relative_error, most_batches, whole=whole)


def _check(problem: Problem, batch: int, relative_error: float, most_batches: int) -> None:
    examples = len(problem.targets)
    if not 1 <= batch <= examples:
        raise ValueError(f"a mini-batch of a problem with {examples} examples has 1 to {examples}, got batch={batch}")
    if most_batches < 1 or not relative_error >= 0:
        raise ValueError(f"most_batches is at least 1 and relative_error not below 0, got {most_batches} and {relative_error}")


def _batches(problem: Problem, batch: int, name: str, seed: int) -> Iterator[Problem]:
    """The problem on one random mini-batch after the other, without end; its examples in the order of the data."""
    examples, number = len(problem.targets), 0
    while True:
        drawn = chance.numpy(name, seed, number).choice(examples, batch, replace=False)
        drawn.sort()
        rows = torch.from_numpy(drawn).to(problem.targets.device)
        yield problem.subset(rows)
        number += 1


def _along_gradient(problem: Problem, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient and the Hessian's product with it, from one graph where one physical batch holds all examples."""
    batches = list(problem.batches())
    if len(batches) > 1:
        gradient = problem.slope(weights).gradient
        return gradient, Hessian(problem, weights)(gradient[None])[0]
    parameters = [piece.detach().clone().requires_grad_() for piece in problem.split(weights)]
    with full_precision(weights.device):
        loss, _ = problem.batch_loss(parameters, *batches[0])
        gradients = torch.autograd.grad(loss, parameters, create_graph=True, materialize_grads=True)
        bent = [each for each in gradients if each.requires_grad]
        flat = torch.cat([each.detach().reshape(-1) for each in gradients])
        if not bent:  # a loss linear in the weights: its Hessian is zero
            return flat, torch.zeros_like(flat)
        images = torch.autograd.grad(bent, parameters, [each.detach() for each in bent], materialize_grads=True)
    return flat, torch.cat([each.reshape(-1) for each in images])


def _mean(samples: Iterator[float | None], relative_error: float, most: int, *, whole: bool) -> BatchEstimate:
    """Draw until the mean is known well enough or ``most`` batches were seen; the batch that is all the data is drawn once."""
    kept: list[float] = []
    seen, mean, squares, error = 0, math.nan, 0.0, math.nan  # squares: of the distances from the running mean (Welford 1962)
    converged = False
    while seen < (1 if whole else most) and not converged:
        sample = next(samples)
        seen += 1
        if sample is None:
            continue
        kept.append(sample)
        step = sample - (mean if len(kept) > 1 else 0.0)
        mean = sample - step * (1 - 1 / len(kept))
        squares += step * (sample - mean)
        if not math.isfinite(mean):
            return BatchEstimate(math.nan, math.nan, tuple(kept), seen - len(kept), False)
        if len(kept) > 1:
            error = math.sqrt(max(0.0, squares) / (len(kept) - 1) / len(kept))
            converged = len(kept) >= LEAST_BATCHES and error <= relative_error * abs(mean)
    if whole and kept:
        return BatchEstimate(mean, 0.0, tuple(kept), 0, True)
    return BatchEstimate(mean, error, tuple(kept), seen - len(kept), converged)
