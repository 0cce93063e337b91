"""Hessian products: closed forms, another library's dense Hessian for every family of networks, and laws of the operator."""

import gc
import math
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from genlab.probes.hessian import Hessian
from genlab.training import data
from genlab.training.losses import LOSSES, half_squared_error
from genlab.training.networks import ACTIVATIONS, build
from genlab.training.problem import Problem

DOUBLE = torch.float64
# torch.func differentiates forwards through some operations that it compiles with torch.jit.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def labels(examples: int, classes: int) -> Tensor:
    return torch.randint(classes, (examples,), generator=torch.Generator().manual_seed(1))


def problem_of(
    network: str, loss: str, *, inputs: tuple[int, ...], outputs: int, examples: int = 7, physical_batch: int = 3
) -> Problem:
    module = build(network, inputs=inputs, outputs=outputs, seed=0, dtype=DOUBLE)
    targets = normal(examples, 1, seed=1) if network == "regression" else labels(examples, outputs)
    return Problem(module, LOSSES[loss], normal(examples, *inputs), targets, physical_batch)


def plain_loss(problem: Problem, loss: str, weights: Tensor) -> Tensor:
    """The mean loss as a function of one vector, plainly and in one batch."""
    named, at = {}, 0
    for name, each in problem.module.named_parameters():
        named[name] = weights[at : at + each.numel()].view(each.shape)
        at += each.numel()
    outputs: Tensor = torch.func.functional_call(problem.module, named, (problem.inputs,))
    if loss == "ce":
        return nn.functional.cross_entropy(outputs, problem.targets)
    targets = problem.targets
    if not targets.is_floating_point():
        targets = nn.functional.one_hot(targets, outputs.shape[1]).double()
    return 0.5 * (outputs - targets).square().sum() / len(outputs)


def unsymmetrised(problem: Problem, weights: Tensor) -> Tensor:
    """The whole matrix as the products give it; ``dense`` averages it with its transpose."""
    return Hessian(problem, weights)(torch.eye(len(weights), dtype=DOUBLE))


def furthest(one: Tensor, other: Tensor) -> float:
    return ((one - other).abs().max() / other.abs().max()).item()


# --- another library --------------------------------------------------------------------------------------------------

SMALL = [
    *((f"fc-{name}-width4", (5,), 3) for name in ACTIVATIONS),
    *((f"fc-tanh-depth{depth}-width3", (1, 2, 2), 3) for depth in (1, 2, 3, 4)),
    ("fc-softplus-depth3-width2", (3,), 4),
    ("deeplinear", (2,), 2),
]


@pytest.mark.parametrize("loss", ["mse", "ce"])
@pytest.mark.parametrize(("network", "inputs", "outputs"), SMALL)
def test_the_dense_hessian_is_torch_funcs(network: str, inputs: tuple[int, ...], outputs: int, loss: str) -> None:
    problem = problem_of(network, loss, inputs=inputs, outputs=outputs)
    weights = problem.weights()
    theirs = torch.func.hessian(lambda vector: plain_loss(problem, loss, vector))(weights)
    assert furthest(unsymmetrised(problem, weights), theirs) < 1e-12
    assert furthest(Hessian(problem, weights).dense(), theirs) < 1e-12
    assert furthest(Hessian(problem, weights).at_once(), theirs) < 1e-12
    assert theirs.abs().max() > 1e-3


def test_the_dense_hessian_of_the_papers_regression_is_torch_funcs() -> None:
    loaded = data.load("chebyshev-4-20").to("cpu", DOUBLE)
    module = build("regression", inputs=(1,), outputs=1, seed=0, dtype=DOUBLE)
    problem = Problem(module, half_squared_error, loaded.train_inputs, loaded.train_targets)
    theirs = torch.func.hessian(lambda vector: plain_loss(problem, "mse", vector))(problem.weights())
    assert theirs.shape == (300, 300)
    assert furthest(Hessian(problem, problem.weights()).dense(), theirs) < 1e-12


@pytest.mark.parametrize("loss", ["mse", "ce"])
def test_with_batch_norm_in_train_mode_the_hessian_goes_through_the_statistics(loss: str) -> None:
    layers = build("fc-tanh-width3", inputs=(4,), outputs=3, seed=0, dtype=DOUBLE)
    module = nn.Sequential(layers[:2], nn.BatchNorm1d(3, dtype=DOUBLE), layers[2:])
    problem = Problem(module, LOSSES[loss], normal(10, 4), labels(10, 3), physical_batch=5)
    weights = problem.weights()
    matrix = unsymmetrised(problem, weights)
    # Not torch.func: of batch norm its second derivatives are up to 15% off the central differences (torch 2.13).
    columns = torch.eye(len(weights), dtype=DOUBLE)
    ahead, behind = (torch.stack([problem.slope(weights + side * 1e-5 * e).gradient for e in columns]) for side in (1, -1))
    assert furthest((ahead - behind) / 2e-5, matrix) < 1e-7
    assert furthest(matrix, matrix.T) < 1e-13
    module.eval()
    assert furthest(Hessian(problem, weights).dense(), matrix) > 1e-2  # other statistics, another function


CONVOLUTIONAL = [f"cnn-{pool}{name}" for pool in ("", "avgpool-") for name in ("relu", "elu", "tanh")]


@pytest.mark.parametrize("loss", ["mse", "ce"])
@pytest.mark.parametrize("network", CONVOLUTIONAL)
def test_products_of_convolutional_networks(network: str, loss: str) -> None:
    problem = problem_of(network, loss, inputs=(2, 5, 4), outputs=3)
    weights = problem.weights()
    rows = normal(2, len(weights), seed=2)
    rows /= rows.norm(dim=1, keepdim=True)
    products = Hessian(problem, weights)(rows)

    gradient = torch.func.grad(lambda vector: plain_loss(problem, loss, vector))
    for row, product in zip(rows, products, strict=True):
        forward_over_reverse = torch.func.jvp(gradient, (weights,), (row,))[1]
        assert furthest(product, forward_over_reverse) < 1e-12
        ahead, behind = (problem.slope(weights + side * 1e-5 * row).gradient for side in (1, -1))
        assert furthest((ahead - behind) / 2e-5, product) < 1e-6
    u, v = rows
    assert (v @ products[0]).item() == pytest.approx((u @ products[1]).item(), rel=1e-10, abs=1e-14)


# --- closed forms -----------------------------------------------------------------------------------------------------


def test_least_squares() -> None:
    inputs = normal(9, 4)
    module = nn.Linear(4, 3, bias=False, dtype=DOUBLE)
    problem = Problem(module, half_squared_error, inputs, normal(9, 3, seed=1), physical_batch=4)
    closed = torch.kron(torch.eye(3, dtype=DOUBLE), inputs.T @ inputs / 9)
    for weights in (problem.weights(), 100 * normal(12)):  # whatever the weights are
        assert furthest(unsymmetrised(problem, weights), closed) < 1e-13


def test_on_white_inputs_every_eigenvalue_of_one_layer_is_one() -> None:
    loaded = data.load("linear-50-50").to("cpu", DOUBLE)
    module = nn.Linear(50, 50, bias=False, dtype=DOUBLE)
    problem = Problem(module, half_squared_error, loaded.train_inputs, loaded.train_targets)
    matrix = Hessian(problem, problem.weights()).dense()
    assert (matrix - torch.eye(2500, dtype=DOUBLE)).abs().sum(
        dim=1
    ).max() < 1e-4  # bounds every |eigenvalue - 1|; data in float32


def test_softmax_regression() -> None:
    inputs, weights = normal(9, 4), normal(12, seed=3)
    problem = Problem(nn.Linear(4, 3, bias=False, dtype=DOUBLE), LOSSES["ce"], inputs, labels(9, 3), physical_batch=5)
    closed = torch.zeros(12, 12, dtype=DOUBLE)
    for x in inputs:
        p = torch.softmax(weights.view(3, 4) @ x, dim=0)
        closed += torch.kron(torch.diag(p) - torch.outer(p, p), torch.outer(x, x)) / 9
    assert furthest(unsymmetrised(problem, weights), closed) < 1e-13


def test_two_linear_layers() -> None:
    """f(x) = B A x; with S = X'X / n, C = Y'X / n and R = B A S - C the gradients are dA = B'R and dB = R A'.

    Differentiating those again: H[A, A] = B'B (x) S, H[B, B] = I (x) A S A', and entry (A_jk, B_pq) is
    [j = q] R_pk + B_pj (A S)_qk.
    """
    hidden, n = 3, 8
    x, y = normal(n, 4), normal(n, 2, seed=1)
    a, b = normal(hidden, 4, seed=2), normal(2, hidden, seed=3)
    s, c = x.T @ x / n, y.T @ x / n
    r = b @ a @ s - c
    aa = torch.kron(b.T @ b, s)
    bb = torch.kron(torch.eye(2, dtype=DOUBLE), a @ s @ a.T)
    ab = torch.einsum("jq,pk->jkpq", torch.eye(hidden, dtype=DOUBLE), r) + torch.einsum("pj,qk->jkpq", b, a @ s)
    ab = ab.reshape(a.numel(), b.numel())
    closed = torch.cat([torch.cat([aa, ab], dim=1), torch.cat([ab.T, bb], dim=1)])

    module = nn.Sequential(nn.Linear(4, hidden, bias=False), nn.Linear(hidden, 2, bias=False)).double()
    problem = Problem(module, half_squared_error, x, y, physical_batch=3)
    assert furthest(unsymmetrised(problem, torch.cat([a.reshape(-1), b.reshape(-1)])), closed) < 1e-13


class Raw(nn.Module):
    """Outputs the weights themselves: the loss below is then any function of them."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(torch.zeros(1, dtype=DOUBLE)), nn.Parameter(torch.zeros(size - 1, dtype=DOUBLE))

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.cat([self.first, self.second]).expand(len(inputs), -1)


def test_a_loss_that_is_linear_in_the_weights_has_none() -> None:
    problem = Problem(Raw(3), lambda outputs, _: outputs.sum(dim=1), torch.zeros(4, 1), torch.zeros(4, 1))
    assert Hessian(problem, torch.ones(3, dtype=DOUBLE)).dense().tolist() == [[0.0] * 3] * 3


def test_a_loss_that_is_linear_in_some_weights_only() -> None:
    def loss(outputs: Tensor, _: Tensor) -> Tensor:
        return 5 * outputs[:, 0] + outputs[:, 1] ** 2 * outputs[:, 2]

    problem = Problem(Raw(3), loss, torch.zeros(4, 1), torch.zeros(4, 1))
    assert Hessian(problem, torch.tensor([1.0, 2.0, 3.0], dtype=DOUBLE)).dense().tolist() == [[0, 0, 0], [0, 6, 4], [0, 4, 0]]


# --- laws -------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32), network=st.sampled_from(SMALL), loss=st.sampled_from(["mse", "ce"]))
def test_products_are_symmetric_and_linear(seed: int, network: tuple[str, tuple[int, ...], int], loss: str) -> None:
    name, inputs, outputs = network
    problem = problem_of(name, loss, inputs=inputs, outputs=outputs)
    weights = problem.weights() + 0.3 * normal(problem.parameter_count, seed=seed % 1000)
    hessian = Hessian(problem, weights)
    u, v = normal(2, len(weights), seed=seed)
    hu, hv, both = hessian(torch.stack([u, v, 2 * u - 3 * v]))
    scale = (u.norm() * hv.norm()).item()
    assert (u @ hv).item() == pytest.approx((v @ hu).item(), abs=1e-13 * scale)
    assert torch.allclose(both, 2 * hu - 3 * hv, rtol=1e-10, atol=1e-12 * scale)
    ahead, behind = (problem.score(weights + side * 1e-4 * u).loss for side in (1, -1))
    if "relu" not in name and "hardtanh" not in name:  # u'Hu is the second difference of the loss, where it has no kinks
        second = (ahead - 2 * problem.score(weights).loss + behind) / 1e-8
        assert second == pytest.approx((u @ hu).item(), rel=1e-2, abs=1e-2 * (u.norm() * hu.norm()).item())


def test_a_block_of_rows_is_each_row_alone() -> None:
    problem = problem_of("fc-tanh-width4", "ce", inputs=(5,), outputs=3)
    hessian = Hessian(problem, problem.weights())
    rows = normal(4, hessian.size)
    assert torch.equal(hessian(rows), torch.cat([hessian(row[None]) for row in rows]))
    assert hessian(rows[:0]).shape == (0, hessian.size)


def test_the_hessian_stays_at_its_weights() -> None:
    problem = problem_of("fc-tanh-width4", "ce", inputs=(5,), outputs=3)
    weights = problem.weights()
    for graph_bytes in (0, 2**30):
        there = weights.clone()
        hessian, rows = Hessian(problem, there, graph_bytes=graph_bytes), normal(1, len(weights))
        before = hessian(rows)
        there.zero_()
        problem.install(torch.zeros_like(weights))
        assert torch.equal(hessian(rows), before)
        problem.install(weights)


# --- graphs that are kept, and those that are not ---------------------------------------------------------------------


def counted(problem: Problem, graphs: int, blocks: int) -> tuple[int, Tensor]:
    """Forward passes that ``blocks`` products take with room for that many graphs, and the last product."""
    passes = 0

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        nonlocal passes
        passes += 1
        return problem.loss(outputs, targets)

    counting = Problem(problem.module, loss, problem.inputs, problem.targets, problem.physical_batch)
    graph_bytes = graphs * 3 * counting.activation_bytes  # what the graphs are taken to hold; costs one pass of its own
    passes = 0
    hessian, rows = Hessian(counting, problem.weights(), graph_bytes=graph_bytes), normal(2, problem.parameter_count)
    products = rows
    for _ in range(blocks):
        products = hessian(rows)
    return passes, products


@pytest.mark.parametrize("loss", ["mse", "ce"])
@pytest.mark.parametrize(("network", "inputs"), [("fc-elu-width4", (5,)), ("cnn-tanh", (1, 4, 4))])
def test_products_are_the_same_whether_graphs_are_kept_or_not(network: str, inputs: tuple[int, ...], loss: str) -> None:
    problem = problem_of(network, loss, inputs=inputs, outputs=3)  # 7 examples in batches of 3: three graphs
    rebuilt, one, two, kept = (counted(problem, graphs, blocks=5) for graphs in (0, 1, 2, 3))
    assert [passes for passes, _ in (rebuilt, one, two, kept)] == [5 * 3, 1 + 5 * 2, 2 + 5 * 1, 3]
    assert all(torch.equal(products, rebuilt[1]) for _, products in (one, two, kept))


def test_products_are_counted_by_rows() -> None:
    problem = problem_of("fc-tanh-width4", "ce", inputs=(5,), outputs=3)
    hessian = Hessian(problem, problem.weights())
    assert (hessian.products, hessian.size) == (0, problem.parameter_count)
    hessian(normal(3, hessian.size))
    hessian(normal(1, hessian.size))
    assert hessian.products == 4  # one a row, however many physical batches there are
    hessian.dense()
    assert hessian.products == 4 + hessian.size


# --- precision and edges ----------------------------------------------------------------------------------------------


def test_float32_products_are_near_the_float64_ones() -> None:
    double = problem_of("fc-tanh-width4", "mse", inputs=(5,), outputs=3)
    assert isinstance(double.inputs, Tensor)
    single = Problem(
        build("fc-tanh-width4", inputs=(5,), outputs=3, seed=0), half_squared_error, double.inputs.float(), double.targets
    )
    matrix = Hessian(single, single.weights()).dense()
    assert matrix.dtype == torch.float32
    assert furthest(matrix.double(), Hessian(double, double.weights()).dense()) < 1e-5


def test_weights_that_are_not_numbers_give_products_that_are_not() -> None:
    problem = problem_of("fc-tanh-width4", "mse", inputs=(5,), outputs=3)
    products = Hessian(problem, torch.full((problem.parameter_count,), math.nan, dtype=DOUBLE))(
        normal(1, problem.parameter_count)
    )
    assert np.isnan(products.numpy()).any()


@pytest.mark.parametrize("shape", [(51,), (1, 50), (2, 52), (1, 1, 51), ()])
def test_vectors_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    problem = problem_of("fc-tanh-width4", "mse", inputs=(3,), outputs=3)
    assert problem.parameter_count == 51
    with pytest.raises(ValueError, match=r"vectors are rows of 51 entries, got shape \("):
        Hessian(problem, problem.weights())(torch.zeros(shape, dtype=DOUBLE))


def test_graphs_are_freed_with_the_hessian_that_holds_them() -> None:
    problem = Problem(nn.Linear(3, 2), half_squared_error, torch.ones(4, 3), torch.ones(4, 2))
    gc.disable()  # a cycle would hold gigabytes of graphs until the next collection
    try:
        hessian = Hessian(problem, problem.weights())
        hessian(torch.ones(1, 8))
        parameter = weakref.ref(hessian._parameters[0])
        del hessian
        assert parameter() is None
    finally:
        gc.enable()
