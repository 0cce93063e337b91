"""What is measured once of a copy, at its last iterate: curvature, Fisher trace, and the segment to the next iterate."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from genlab.probes.fisher import fisher_trace
from genlab.probes.hessian import Hessian
from genlab.probes.segment import segment_sharpness
from genlab.probes.trace import hutch_plus_plus
from genlab.probes.tracker import sharpness
from genlab.studies.bundles.runner import Copies
from genlab.training.losses import cross_entropy
from genlab.training.statistics import without_dropout

DENSE = 500  # parameters up to which the whole Hessian is taken (our assumption)
PER_EXAMPLE = 1_000_000  # parameters up to which tr(F) is taken, from the gradients of 64 examples at a time (our assumption)
PRODUCTS = 45  # of an estimate of the trace, whose standard error stands beside it (our assumption)


def curvature(held: Copies, number: int, weights: Tensor, after: Tensor | None) -> dict[str, Any]:
    """Columns of a record. Dropout is off; batch norm in train mode normalises over ghost batches as in training."""
    problem = replace(held.problems[number], module=without_dropout(held.problems[number].module))
    found: dict[str, Any] = {}
    if problem.parameter_count <= DENSE:
        matrix = Hessian(problem, weights).at_once()
        values, vectors = matrix_pairs(matrix)
        top = vectors[:, -1]
        size = abs(values[-1].item())
        residual = (matrix @ top - values[-1] * top).norm().item() / size if size else 0.0
        found |= {"sharpness": values[-1].item(), "residual": residual, "converged": True}
        found |= {"hessian_trace": matrix.trace().item(), "hessian_trace_error": 0.0}
    else:
        pairs = sharpness(problem, weights, tolerance=1e-3)
        trace = hutch_plus_plus(Hessian(problem, weights), weights, products=PRODUCTS)
        found |= {"sharpness": pairs.values[0], "residual": pairs.residuals[0], "converged": pairs.converged}
        found |= {"hessian_trace": trace.value, "hessian_trace_error": trace.standard_error}
    if problem.loss is cross_entropy and not problem.normalises and problem.parameter_count <= PER_EXAMPLE:
        found["fisher_trace"] = fisher_trace(problem, weights)
    if held.plan.segment_points and after is not None:
        along = segment_sharpness(problem, weights, after, held.plan.segment_points)
        found["segment_sharpness"] = along.largest if along.all_converged else math.nan
    return {name: each for name, each in found.items() if not (isinstance(each, float) and math.isnan(each))}


def matrix_pairs(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues, rising, and eigenvectors, in float64."""
    values, vectors = torch.linalg.eigh(matrix.double())
    return values.to(matrix), vectors.to(matrix)
