"""Gradients of single examples: their squared norms, some examples at a time."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.training.exactness import full_precision
from genlab.training.losses import Loss
from genlab.training.problem import Inputs, Problem


def squared_norms(problem: Problem, weights: Float[Tensor, " param"], *, at_once: int = 64) -> Float[Tensor, " example"]:
    """|g_i|^2 of each example's own loss.

    Args:
        problem: whose examples; without batch norm in train mode, which ties examples together.
        weights: where, shape (param,).
        at_once: examples whose gradients are in memory together.

    Raises:
        ValueError: batch norm in train mode, examples that count unequally, or ``at_once`` below 1.
        RuntimeError: the loss changes between two passes.
    """
    refuse_if_tied(problem)
    if at_once < 1:
        raise ValueError(f"at_once is at least 1 example, got {at_once}")
    problem.refuse_if_random(weights)

    def own(parameters: list[Tensor], inputs: Inputs, target: Tensor) -> Tensor:
        row = inputs[None] if isinstance(inputs, Tensor) else {name: each[None] for name, each in inputs.items()}
        return problem.batch_loss(parameters, row, target[None])[0] * problem.divisor

    def square(parameters: list[Tensor], inputs: Inputs, target: Tensor) -> Tensor:
        gradients: list[Tensor] = torch.func.grad(own)(parameters, inputs, target)
        return torch.stack([each.square().sum() for each in gradients]).sum()

    with full_precision(weights.device):
        found: Tensor = torch.vmap(square, in_dims=(None, 0, 0), chunk_size=at_once)(
            problem.split(weights.detach()), problem.inputs, problem.targets
        )
    return found


def refuse_if_tied(problem: Problem) -> None:
    """Refuse a problem whose mean loss is no plain mean over examples of a loss of each by itself.

    Raises:
        ValueError: batch norm in train mode, or counts.
    """
    if problem.normalises:
        raise ValueError("batch norm in train mode ties examples together, so none has a gradient of its own: use module.eval()")
    if problem.counts is not None:
        raise ValueError("examples that count unequally have no plain mean and covariance: leave out counts")


def outputs_of(problem: Problem, weights: Float[Tensor, " param"]) -> Float[Tensor, "example output"]:
    """The module's outputs for all examples, without a graph.

    Raises:
        ValueError: outputs that are not one tensor of shape (example, output).
    """
    seen: list[Tensor] = []
    problem.losing(lambda outputs, targets: _see(problem.loss, seen, outputs, targets)).score(weights)
    return torch.cat(seen)


def _see(loss: Loss, seen: list[Tensor], outputs: Any, targets: Tensor) -> Tensor:
    if not isinstance(outputs, Tensor) or outputs.ndim != 2:
        raise ValueError(
            f"Fisher and Jacobian want outputs of shape (example, output), got "
            f"{tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__}"
        )
    seen.append(outputs.detach())
    return loss(outputs, targets)
