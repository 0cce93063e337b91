"""The sharpness at which an optimizer of PyTorch becomes unstable, where it has one."""

from typing import Any

import torch

from genlab.training.updates import GradientDescent, Nesterov, Polyak


def threshold(optimizer: Any) -> float | None:
    """2/lr for plain SGD, and what momentum makes of it (``genlab.training.updates``); None for other optimizers.

    Weight decay adds itself to every eigenvalue, so that the threshold falls by it. It holds for full-batch steps on a
    quadratic: mini-batches and clipped gradients keep a training below it.

    >>> weights = [torch.nn.Parameter(torch.zeros(1))]
    >>> threshold(torch.optim.SGD(weights, lr=0.1)), threshold(torch.optim.SGD(weights, lr=0.1, weight_decay=1.0))
    (20.0, 19.0)
    >>> threshold(torch.optim.SGD(weights, lr=0.1, momentum=0.5))
    30.0
    """
    optimizer = getattr(optimizer, "optimizer", optimizer)  # accelerate and Lightning wrap it
    if type(optimizer) is not torch.optim.SGD:
        return None
    settings = {
        (float(group["lr"]), group["momentum"], group["nesterov"], group["dampening"], group["weight_decay"], group["maximize"])
        for group in optimizer.param_groups
    }
    if len(settings) != 1:
        return None
    ((step_size, momentum, nesterov, dampening, decay, maximize),) = settings
    if maximize or (momentum and dampening) or not step_size > 0:
        return None
    update = (Nesterov if nesterov else Polyak)(step_size, momentum) if momentum else GradientDescent(step_size)
    return update.threshold - float(decay)
