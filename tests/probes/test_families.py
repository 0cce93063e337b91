"""The largest eigenpairs of every family of networks, against the dense Hessian by torch.func in float64.

The convolutional networks have 9,634 parameters at the least, too many for a dense matrix in a test: for them the oracle is
ARPACK on forward-over-reverse products, which share no code with ours.
"""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse.linalg
import torch
from torch import Tensor

from genlab.probes.tracker import sharpness
from genlab.training import networks
from genlab.training.losses import LOSSES
from genlab.training.problem import Problem

# torch.func's forward mode imports torch's own decompositions, which torch 2.13 calls deprecated
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

DENSE = [
    *((f"fc-{name}-width4", (5,), 3) for name in ("relu", "elu", "tanh", "hardtanh", "softplus")),
    *((f"fc-tanh-depth{depth}-width4", (5,), 3) for depth in (1, 2, 3, 4)),
    ("deeplinear", (4,), 4),
    ("regression", (1,), 1),
]
CONVOLUTIONAL = [f"cnn-{pool}{name}" for pool in ("", "avgpool-") for name in ("relu", "elu", "tanh")]


def problem_of(network: str, inputs: tuple[int, ...], outputs: int, loss: str) -> Problem:
    generator = torch.Generator().manual_seed(1)
    module = networks.build(network, inputs=inputs, outputs=outputs, seed=0, dtype=torch.float64)
    x = torch.randn(7, *inputs, generator=generator, dtype=torch.float64)
    real = torch.randn(7, outputs, generator=generator, dtype=torch.float64)
    return Problem(module, LOSSES[loss], x, real if loss == "mse" else real.argmax(dim=1), physical_batch=3)


def whole_loss(problem: Problem) -> Callable[[Tensor], Tensor]:
    """The mean loss as a function of the weight vector, in one piece and by no code of ``Problem`` but ``split``."""

    def loss(weights: Tensor) -> Tensor:
        parameters = dict(zip(problem.names, problem.split(weights), strict=True))
        outputs = torch.func.functional_call(problem.module, parameters, (problem.inputs,))
        return problem.loss(outputs, problem.targets).mean()

    return loss


@pytest.mark.parametrize("loss", ["mse", "ce"])
@pytest.mark.parametrize(("network", "inputs", "outputs"), DENSE)
def test_eigenpairs_are_those_of_the_dense_hessian(network: str, inputs: tuple[int, ...], outputs: int, loss: str) -> None:
    if network == "regression" and loss == "ce":
        pytest.skip("one output: nothing to classify")
    problem = problem_of(network, inputs, outputs, loss)
    dense = torch.func.hessian(whole_loss(problem))(problem.weights())
    truth = torch.linalg.eigvalsh(dense).flip(0)[:3]
    pairs = sharpness(problem, k=3, tolerance=1e-6)
    assert pairs.converged
    assert pairs.values == pytest.approx(truth.tolist(), rel=1e-6, abs=1e-9)
    errors = torch.linalg.vector_norm(pairs.vectors @ dense - torch.tensor(pairs.values)[:, None] * pairs.vectors, dim=1)
    assert bool((errors <= 2e-6 * truth[0]).all())


@pytest.mark.parametrize("loss", ["mse", "ce"])
@pytest.mark.parametrize("network", CONVOLUTIONAL)
def test_eigenpairs_of_convolutional_networks_are_arpacks(network: str, loss: str) -> None:
    problem = problem_of(network, (1, 4, 4), 2, loss)
    slope, weights = torch.func.grad(whole_loss(problem)), problem.weights()

    def product(vector: np.ndarray) -> np.ndarray:
        bent: Tensor = torch.func.jvp(slope, (weights,), (torch.from_numpy(vector).reshape(-1),))[1]
        return bent.numpy()

    size = problem.parameter_count
    operator = scipy.sparse.linalg.LinearOperator((size, size), product, dtype=np.float64)
    truth = scipy.sparse.linalg.eigsh(operator, 2, which="LA", v0=np.ones(size), return_eigenvectors=False)[::-1]
    pairs = sharpness(problem, k=2, tolerance=1e-6)
    assert pairs.converged
    assert pairs.values == pytest.approx(truth, rel=1e-6)
