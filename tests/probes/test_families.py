"""The largest eigenpairs of every family of networks, against the dense Hessian by torch.func in float64.

The convolutional networks as wide as the paper's have 9,634 parameters at the least, too many for a dense matrix in a test:
for them the oracle is ARPACK on forward-over-reverse products, which share no code with ours; their miniatures have dense
matrices. Batch norm is in train mode, over ghost batches.
"""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse.linalg
import torch
from torch import Tensor

from genlab.probes.hessian import Hessian
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
MINIATURES = [
    *((f"cnn-bn-{name}-width2", (1, 4, 4), 3) for name in ("relu", "elu", "tanh")),
    ("cnn-avgpool-relu-width2", (2, 4, 4), 3),
    ("resnet8-width1", (1, 8, 8), 3),
    ("transformer-depth1-width4-heads1", (5,), 6),
    ("transformer-depth2-width2-heads2", (4,), 5),
]
DEEPER = [
    ("vgg11-width2", (1, 32, 32), 3),
    ("vgg11-bn-width2", (3, 32, 32), 3),
    ("resnet20-width4", (3, 8, 8), 3),
    ("cnn-bn-tanh", (1, 4, 4), 3),
    ("transformer-depth3-width12-heads3", (9,), 11),
]
EXAMPLES, BATCH = 8, 4


def problem_of(network: str, inputs: tuple[int, ...], outputs: int, loss: str) -> Problem:
    generator = torch.Generator().manual_seed(1)
    module = networks.build(network, inputs=inputs, outputs=outputs, seed=0, dtype=torch.float64)
    if network.startswith("transformer"):
        text = torch.randint(outputs, (EXAMPLES, inputs[0] + 1), generator=generator)
        return Problem(module, LOSSES[loss], text[:, :-1], text[:, 1:], BATCH, BATCH)
    x = torch.randn(EXAMPLES, *inputs, generator=generator, dtype=torch.float64)
    real = torch.randn(EXAMPLES, outputs, generator=generator, dtype=torch.float64)
    return Problem(module, LOSSES[loss], x, real if loss == "mse" else real.argmax(dim=1), BATCH, BATCH)


def whole_loss(problem: Problem) -> Callable[[Tensor], Tensor]:
    """The mean loss as a function of the weight vector, by no code of ``Problem`` but ``split``."""
    assert isinstance(problem.inputs, Tensor)
    ghosts = problem.inputs.split(BATCH)
    module = torch.func.replace_all_batch_norm_modules_(copy.deepcopy(problem.module))  # no running means: nothing in place

    def loss(weights: Tensor) -> Tensor:
        parameters = dict(zip(problem.names, problem.split(weights), strict=True))
        outputs = torch.cat([torch.func.functional_call(module, parameters, (ghost,)) for ghost in ghosts])
        return problem.loss(outputs, problem.targets).mean()

    return loss


def moved(weights: Tensor) -> Tensor:
    """Weights away from the start, where a resnet's last scales are 0 and much of its Hessian with them."""
    return weights + 0.1 * torch.randn(len(weights), generator=torch.Generator().manual_seed(2), dtype=weights.dtype)


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


@pytest.mark.parametrize(("network", "inputs", "outputs"), MINIATURES)
def test_products_and_eigenvalues_of_miniatures_are_the_dense_hessians(
    network: str, inputs: tuple[int, ...], outputs: int
) -> None:
    problem = problem_of(network, inputs, outputs, "ce")
    weights = moved(problem.weights())
    gradient, loss = torch.func.grad(whole_loss(problem)), problem.slope(weights)
    assert loss.loss == pytest.approx(whole_loss(problem)(weights).item(), rel=1e-12)
    assert torch.allclose(loss.gradient, gradient(weights), rtol=1e-9, atol=1e-12)
    dense = torch.func.jacfwd(gradient)(weights)
    rows = torch.randn(3, len(weights), generator=torch.Generator().manual_seed(3), dtype=weights.dtype)
    assert torch.allclose(Hessian(problem, weights)(rows), rows @ dense, rtol=1e-8, atol=1e-9)
    pairs = sharpness(problem, weights, k=2, tolerance=1e-6)
    assert pairs.converged
    assert pairs.values == pytest.approx(torch.linalg.eigvalsh(dense).flip(0)[:2].tolist(), rel=1e-6)


@pytest.mark.parametrize(("network", "inputs", "outputs"), DEEPER)
def test_products_of_deeper_networks_are_forward_over_reverse(network: str, inputs: tuple[int, ...], outputs: int) -> None:
    problem = problem_of(network, inputs, outputs, "ce")
    weights = moved(problem.weights())
    rows = torch.randn(2, len(weights), generator=torch.Generator().manual_seed(3), dtype=weights.dtype)
    products, gradient = Hessian(problem, weights)(rows), torch.func.grad(whole_loss(problem))
    for row, product in zip(rows, products, strict=True):
        bent: Tensor = torch.func.jvp(gradient, (weights,), (row,))[1]
        assert bool(((product - bent).abs() <= 1e-10 * bent.abs().max()).all())
    assert (rows[0] @ products[1]).item() == pytest.approx((rows[1] @ products[0]).item(), rel=1e-9)


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
