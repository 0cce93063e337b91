"""The trace of the Fisher matrix: squared gradients of the log-likelihood of labels that the model would draw itself.

F is the mean over examples of E[grad log p(y|x) grad log p(y|x)'], y drawn from the model: a softmax under cross-entropy, a
normal of variance 1 under half the squared error. With both it is the Gauss-Newton matrix.
"""

import math
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.probes.per_example import outputs_of, refuse_if_tied, squared_norms
from genlab.probes.trace import Trace
from genlab.training.problem import Problem
from genlab.training.sampling import draws, probabilities, sampled


def fisher_trace(problem: Problem, weights: Float[Tensor, " param"], *, at_once: int = 64) -> float:
    """tr(F), exactly: the sum over all labels takes as many passes of per-example gradients as there are outputs.

    Args:
        problem: with ``cross_entropy`` or ``half_squared_error``; the targets do not matter.
        weights: where, shape (param,).
        at_once: examples whose gradients are in memory together.

    Raises:
        ValueError: another loss, outputs other than (example, output), batch norm in train mode, or counts.
        RuntimeError: the loss changes between two passes.
    """
    refuse_if_tied(problem)
    outputs = outputs_of(problem, weights)
    likely = probabilities(problem.loss, outputs.double())
    total = 0.0
    for label in range(outputs.shape[1]):
        if likely is None:
            one = problem.losing(lambda outputs, targets, label=label: outputs[:, label])  # type: ignore[misc]
            total += squared_norms(one, weights, at_once=at_once).double().mean().item()
        else:
            labelled = replace(problem, targets=torch.full_like(problem.targets, label))
            total += (likely[:, label] * squared_norms(labelled, weights, at_once=at_once).double()).mean().item()
    return total


def sampled_fisher_trace(
    problem: Problem, weights: Float[Tensor, " param"], *, samples: int = 2, at_once: int = 64, seed: int = 0
) -> Trace:
    """tr(F) from drawn labels, one an example and sample; each sample is unbiased and takes one pass of per-example gradients.

    Args:
        problem: as for ``fisher_trace``.
        weights: where, shape (param,).
        samples: how many; 2 at least, for the standard error over the draws.
        at_once: examples whose gradients are in memory together.
        seed: of the labels, keyed by number: sample 7 of 20 is sample 7 of 100.

    Raises:
        ValueError: fewer than 2 samples, or what ``fisher_trace`` refuses.
        RuntimeError: the loss changes between two passes.
    """
    if samples < 2:
        raise ValueError(f"a standard error wants at least 2 samples, got {samples}")
    refuse_if_tied(problem)
    outputs = outputs_of(problem, weights)
    found = []
    for number in range(samples):
        numbers = draws(problem.loss, outputs, len(outputs), 0, "fisher trace", seed, number)
        drawn = replace(problem, targets=sampled(problem.loss, outputs, problem.targets, numbers))
        found.append(squared_norms(drawn, weights, at_once=at_once).double().mean().item())
    mean = math.fsum(found) / samples
    error = math.sqrt(math.fsum((each - mean) ** 2 for each in found) / (samples - 1) / samples)
    return Trace(mean, error, 0.0, tuple(found), samples)
