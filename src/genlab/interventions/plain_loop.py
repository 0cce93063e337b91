"""Interventions in a training loop of your own: what ``loss.backward()`` is there."""

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
    if problem.normalises and ghost_batch is None and size < len(targets):
        raise ValueError(
            f"batch norm in train mode would normalise over the physical batch of {size}: say ghost_batch={size}, which makes it "
            "part of the method, or leave out physical_batch"
        )
    slope = intervention(problem, problem.weights(), step)
    named = dict(problem.module.named_parameters())
    for name, piece in zip(problem.names, problem.split(slope.gradient), strict=True):
        named[name].grad = piece.to(named[name].dtype, copy=True)
    _move_running_averages(problem)
    return slope


def _move_running_averages(problem: Problem) -> None:
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
