"""Norms of the mean Jacobian of a network's outputs in its weights: what the penalties AJ and UJ are of."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from genlab.probes.per_example import outputs_of
from genlab.training.problem import Problem


@dataclass(frozen=True)
class JacobianNorms:
    """Of J, the mean over examples of the Jacobian of the outputs, shape (output, param).

    Attributes:
        square: |J|_F^2. Along a random unit direction u, |J'u|^2 is ``square / outputs`` in the mean.
        along_ones: |J'1|^2, 1 the vector of ones, not normalised.
        outputs: how many.
    """

    square: float
    along_ones: float
    outputs: int


def jacobian_norms(problem: Problem, weights: Float[Tensor, " param"]) -> JacobianNorms:
    """Exact norms, from as many gradients as there are outputs.

    Args:
        problem: its module and inputs; loss and targets do not matter.
        weights: where, shape (param,).

    Raises:
        ValueError: outputs that are not one tensor of shape (example, output).
        RuntimeError: the loss changes between two passes.
    """
    problem.refuse_if_random(weights)
    outputs = outputs_of(problem, weights).shape[1]
    square, ones = 0.0, weights.new_zeros(len(weights)).double()
    for output in range(outputs):
        one = problem.losing(lambda outputs, targets, output=output: outputs[:, output])  # type: ignore[misc]
        row = one.slope(weights).gradient.double()
        square += row.square().sum().item()
        ones += row
    return JacobianNorms(square, ones.square().sum().item(), outputs)
