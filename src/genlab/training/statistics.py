"""Batch norm at fixed weights: running averages over a training set, taken afresh."""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from genlab.training.problem import Problem


def without_dropout(module: nn.Module) -> nn.Module:
    """A copy of the module whose dropout is off and whose batch norm is in the mode that it was in."""
    still = copy.deepcopy(module)
    for layer in still.modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd):
            layer.eval()
    return still


def calibrated(problem: Problem, weights: Float[Tensor, " param"]) -> nn.Module:
    """A copy of the module at these weights, in eval mode, whose batch norms hold the averages of the problem's examples.

    Mean over the ghost batches of their means and (unbiased) variances, as in Wu and Johnson 2021 (2105.07576), where it is
    called precise batch norm: a test score then depends on weights and training set, not on the way that led there. Dropout is
    off in both. Without batch norm it is the module in eval mode.

    >>> from genlab.training.losses import half_squared_error
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> problem = Problem(nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1)), half_squared_error, x, x)
    >>> calibrated(problem, problem.weights())[0].running_mean
    tensor([2.])
    """
    module = copy.deepcopy(problem.module)
    held = Problem(module, problem.loss, problem.inputs, problem.targets, problem.physical_batch, problem.ghost_batch)
    held.install(weights)
    norms = [each for each in module.modules() if isinstance(each, _BatchNorm)]
    if norms:
        module.eval()
        kept = [each.momentum for each in norms]
        for each in norms:
            each.train()
            each.reset_running_stats()
            each.momentum = None  # cumulative: the plain mean
        with torch.no_grad():
            for inputs, _ in held.batches():
                module(inputs) if isinstance(inputs, Tensor) else module(**inputs)
        for each, momentum in zip(norms, kept, strict=True):
            each.momentum = momentum
    return module.eval()
