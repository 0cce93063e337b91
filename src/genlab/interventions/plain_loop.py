"""Interventions in a training loop of your own, or of somebody else's: what ``loss.backward()`` is there."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from genlab.training.loop import Intervention
from genlab.training.losses import Loss
from genlab.training.problem import Inputs, Problem, Slope


def backward(
    module: nn.Module,
    loss: Loss,
    inputs: Inputs,
    targets: Tensor,
    intervention: Intervention,
    *,
    step: int,
    physical_batch: int | None = None,
    ghost_batch: int | None = None,
) -> Slope:
    """Leave in ``.grad`` of each trainable parameter what the intervention makes of this batch; any optimizer goes on from there.

    What stood in ``.grad`` is replaced: there is no ``zero_grad`` to call. Running averages of batch norm in train mode move
    as in one plain forward pass at the weights, after it (ghost batch by ghost batch); that pass is an extra.

    >>> from genlab.interventions.sam import Sam
    >>> from genlab.training.losses import half_squared_error
    >>> line, x = torch.nn.Linear(1, 1, bias=False), torch.ones(1, 1)
    >>> _ = torch.nn.init.zeros_(line.weight)
    >>> backward(line, half_squared_error, x, x, Sam(0.5), step=0).loss
    0.5
    >>> line.weight.grad
    tensor([[-1.5000]])

    Args:
        module: any module, on one device, in the mode to train it in.
        loss: one value an example: ``genlab.cross_entropy``, ``genlab.half_squared_error``, or with ``reduction="none"``.
        inputs: the batch, one row an example, or a mapping of names to such tensors.
        targets: of the batch, on the module's device.
        intervention: ``Sam``, ``MicrobatchPenalty``, ``L2Penalty``, a grafting, or a function like them.
        step: number of the step: keys what is drawn.
        physical_batch: examples in one forward pass, to bound memory; None: all.
        ghost_batch: examples that batch norm in train mode normalises over; None: all of the batch.

    Returns:
        Loss and accuracy of the batch at the weights, the penalty, and the gradient as one vector.

    Raises:
        ValueError: what ``Problem`` or the intervention refuses; or a physical batch that batch norm would normalise over.
    """
    size = len(targets) if physical_batch is None else physical_batch
    problem = Problem(module, loss, inputs, targets, max(1, size), ghost_batch)
    refuse_physical_batch(problem)
    slope = intervention(problem, problem.weights(), step)
    named = dict(problem.module.named_parameters())
    for name, piece in zip(problem.names, problem.split(slope.gradient), strict=True):
        named[name].grad = piece.to(named[name].dtype, copy=True)
    move_running_averages(problem)
    return slope


def intervened(problem: Problem, intervention: Intervention, step: int) -> tuple[Tensor, Slope]:
    """The loss of a step's batch as a tensor whose ``backward()`` adds to ``.grad`` what the intervention makes of the batch.

    For loops that call ``backward`` themselves, as trainers do. The loss may be scaled before: the gradient scales with it.
    Running averages of batch norm stay: ``move_running_averages`` moves them.

    >>> from genlab.interventions.sam import Sam
    >>> from genlab.training.losses import half_squared_error
    >>> line, x = torch.nn.Linear(1, 1, bias=False), torch.ones(1, 1)
    >>> _ = torch.nn.init.zeros_(line.weight)
    >>> loss, _ = intervened(Problem(line, half_squared_error, x, x), Sam(0.5), step=0)
    >>> loss.backward()
    >>> loss.item(), line.weight.grad
    (0.5, tensor([[-1.5000]]))

    Args:
        problem: the batch, as a function of the weights.
        intervention: what to make of it.
        step: number of the step: keys what is drawn.
    """
    slope = intervention(problem, problem.weights(), step)
    named = dict(problem.module.named_parameters())
    parameters = [named[name] for name in problem.names]
    loss: Tensor = _WithGradient.apply(  # type: ignore[no-untyped-call]
        slope.loss, problem.split(slope.gradient), *parameters
    )
    return loss, slope


def is_off(intervention: Intervention) -> bool:
    """Whether it is at zero strength (``Sam``'s radius, a penalty's strength), and so the plain gradient of any batch.

    Those with more than one strength say so themselves, by a property ``off``.

    >>> from genlab.interventions.sam import Sam
    >>> is_off(Sam(0.0)), is_off(Sam(0.1))
    (True, False)
    """
    said = getattr(intervention, "off", None)
    return 0 in (getattr(intervention, "radius", None), getattr(intervention, "strength", None)) if said is None else bool(said)


class _WithGradient(torch.autograd.Function):
    """A number as a function of parameters, with a gradient that is known already."""

    @staticmethod
    def forward(ctx: Any, loss: float, gradient: list[Tensor], *parameters: Tensor) -> Tensor:
        ctx.gradient = [piece.to(each.dtype) for piece, each in zip(gradient, parameters, strict=True)]
        return gradient[0].new_tensor(loss)

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> Any:
        return None, None, *(piece * above[0] for piece in ctx.gradient)


def refuse_physical_batch(problem: Problem) -> None:
    """Refuse batch norm that would normalise over what only bounds memory.

    Raises:
        ValueError: batch norm in train mode, several physical batches, and no ghost batch named.
    """
    size = problem.physical_batch
    if problem.normalises and problem.ghost_batch is None and size < len(problem.targets):
        raise ValueError(
            f"batch norm in train mode would normalise over the physical batch of {size}: say ghost_batch={size}, which makes it "
            "part of the method, or leave out physical_batch"
        )


def move_running_averages(problem: Problem) -> None:
    """Move running averages of batch norm in train mode as one plain forward pass at the module's own weights does.

    Without such batch norm it does nothing, and in any case it draws nothing.
    """
    norms = [each for each in problem.module.modules() if isinstance(each, _BatchNorm)]
    if not any(each.training and each.track_running_stats for each in norms):
        return
    state = torch.get_rng_state()  # masks of dropout in this pass are nobody's: the next step draws as if it had not been
    with torch.no_grad():
        for inputs, _ in problem.batches():
            if isinstance(inputs, Tensor):
                problem.module(inputs, **problem.options)
            else:
                problem.module(**inputs, **problem.options)
    torch.set_rng_state(state)
