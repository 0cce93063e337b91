"""Gauss-Newton products beside the Jacobian written out, another library, closed forms and laws."""

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.probes.families import DOUBLE, PLAIN, SMALL, Family, normal
from tests.probes.oracle import operator_of
from torch import Tensor, nn

from genlab.probes.gauss_newton import GaussNewton
from genlab.probes.hessian import Hessian
from genlab.training.losses import LOSSES, cross_entropy, half_squared_error
from genlab.training.networks import build
from genlab.training.problem import Inputs, Problem

# torch.func and curvlinops differentiate forwards through operations that torch compiles with torch.jit.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")


def written_out(problem: Problem) -> Tensor:
    """J' H_out J / n with the whole Jacobian and the loss's whole Hessian, batch by batch, at the module's parameters."""
    weights = problem.weights()
    total = torch.zeros(len(weights), len(weights), dtype=DOUBLE)
    for inputs, targets in problem.batches():

        def outputs(vector: Tensor, inputs: Inputs = inputs) -> Tensor:
            named = dict(zip(problem.names, problem.split(vector), strict=True))
            buffers = {name: each.clone() for name, each in problem.module.named_buffers()}
            found: Tensor = torch.func.functional_call(problem.module, {**named, **buffers}, (inputs,))
            return found

        at = outputs(weights).detach()
        jacobian = torch.autograd.functional.jacobian(outputs, weights).reshape(at.numel(), -1)
        bend = torch.autograd.functional.hessian(lambda flat: problem.loss(flat.view(at.shape), targets).sum(), at.reshape(-1))  # noqa: B023
        total += jacobian.T @ bend @ jacobian / len(problem.targets)
    return total


def unsymmetrised(problem: Problem) -> Tensor:
    return GaussNewton(problem, problem.weights())(torch.eye(problem.parameter_count, dtype=DOUBLE))


def furthest(one: Tensor, other: Tensor) -> float:
    return ((one - other).abs().max() / other.abs().max()).item()


@pytest.mark.parametrize(("family", "loss"), [(each, loss) for each in SMALL for loss in each.losses], ids=str)
def test_the_dense_matrix_is_the_one_written_out(family: Family, loss: str) -> None:
    problem = family.problem(loss)
    assert furthest(unsymmetrised(problem), written_out(problem)) < 1e-12


@pytest.mark.parametrize("loss", ["mse", "ce"])
def test_products_are_curvlinops(loss: str) -> None:
    for family in (Family("fc-elu-width4", (5,), 3), Family("cnn-tanh", (1, 4, 4), 3)):
        problem = family.problem(loss)
        rows = normal(2, problem.parameter_count, seed=5)
        theirs = (operator_of("GGNLinearOperator", problem, loss) @ rows.T).T
        assert furthest(GaussNewton(problem, problem.weights())(rows), theirs) < 1e-12


@pytest.mark.parametrize("loss", ["mse", "ce"])
@pytest.mark.parametrize("network", ["cnn-relu", "vgg11-width1", "vgg11-bn-width1"])
def test_products_of_convolutional_networks_are_forward_then_backward(network: str, loss: str) -> None:
    problem = Family(network, (1, 32, 32) if network.startswith("vgg") else (1, 4, 4), 3).problem(loss)
    weights, row = problem.weights(), normal(problem.parameter_count, seed=5)

    def outputs(vector: Tensor) -> Tensor:
        named = dict(zip(problem.names, problem.split(vector), strict=True))
        found: Tensor = torch.func.functional_call(module, named, (problem.inputs,))
        return found

    module = torch.func.replace_all_batch_norm_modules_(copy.deepcopy(problem.module))  # no running means: nothing in place
    at, pushed = torch.func.jvp(outputs, (weights,), (row,))[:2]
    slope = torch.func.grad(lambda each: problem.loss(each, problem.targets).mean())
    bent = torch.func.jvp(slope, (at,), (pushed,))[1]
    pull: Callable[[Tensor], tuple[Tensor]] = torch.func.vjp(outputs, weights)[1]
    theirs = pull(bent)[0]
    assert furthest(GaussNewton(problem, weights)(row[None])[0], theirs) < 1e-12


@pytest.mark.parametrize("loss", ["mse", "ce"])
def test_with_batch_norm_in_train_mode_it_goes_through_the_statistics(loss: str) -> None:
    layers = build("fc-tanh-width3", inputs=(4,), outputs=3, seed=0, dtype=DOUBLE)
    module = nn.Sequential(layers[:2], nn.BatchNorm1d(3, dtype=DOUBLE), layers[2:])
    problem = Problem(module, LOSSES[loss], normal(10, 4), normal(10, 3).argmax(dim=1), physical_batch=5)
    before = {name: each.clone() for name, each in module.state_dict().items()}
    assert furthest(unsymmetrised(problem), written_out(problem)) < 1e-12
    assert all(torch.equal(each, before[name]) for name, each in module.state_dict().items())


def test_of_a_linear_model_it_is_the_hessian() -> None:
    for loss in ("mse", "ce"):
        problem = Problem(nn.Linear(4, 3, dtype=DOUBLE), LOSSES[loss], normal(9, 4), normal(9, 3).argmax(dim=1), physical_batch=4)
        assert furthest(unsymmetrised(problem), Hessian(problem, problem.weights()).dense()) < 1e-12


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32), family=st.sampled_from(PLAIN), loss=st.sampled_from(["mse", "ce"]))
def test_products_are_symmetric_linear_and_never_negative(seed: int, family: Family, loss: str) -> None:
    problem = family.problem(loss)
    operator = GaussNewton(problem, problem.weights() + 0.3 * normal(problem.parameter_count, seed=seed % 1000))
    u, v = normal(2, operator.size, seed=seed)
    gu, gv, both = operator(torch.stack([u, v, 2 * u - 3 * v]))
    scale = (u.norm() * gv.norm()).item()
    assert (u @ gv).item() == pytest.approx((v @ gu).item(), abs=1e-13 * scale)
    assert torch.allclose(both, 2 * gu - 3 * gv, rtol=1e-10, atol=1e-12 * scale)
    assert (u @ gu).item() >= -1e-13 * scale


def test_where_every_output_meets_its_target_it_is_the_hessian() -> None:
    """The rest of the Hessian is the sum of residuals times the outputs' second derivatives."""
    module = build("fc-tanh-width4", inputs=(5,), outputs=3, seed=0, dtype=DOUBLE)
    inputs = normal(5, 5)
    problem = Problem(module, half_squared_error, inputs, module(inputs).detach(), physical_batch=2)
    assert furthest(unsymmetrised(problem), Hessian(problem, problem.weights()).dense()) < 1e-12


def test_of_a_loss_linear_in_the_outputs_it_is_nothing() -> None:
    module = build("fc-tanh-width4", inputs=(5,), outputs=3, seed=0, dtype=DOUBLE)
    problem = Problem(module, lambda outputs, _: outputs.sum(dim=1), normal(5, 5), normal(5, 3))
    rows = normal(2, problem.parameter_count)
    assert torch.equal(GaussNewton(problem, problem.weights())(rows), torch.zeros_like(rows))


def counted(problem: Problem, graphs: int) -> tuple[int, Tensor, int]:
    """Forward passes that four blocks of products take with room for that many graphs, the last block, products counted."""
    passes = 0

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        nonlocal passes
        passes += 1
        return problem.loss(outputs, targets)

    counting = Problem(problem.module, loss, problem.inputs, problem.targets, problem.physical_batch)
    graph_bytes = graphs * 3 * counting.activation_bytes
    passes = 0
    operator, rows = GaussNewton(counting, problem.weights(), graph_bytes=graph_bytes), normal(2, problem.parameter_count)
    blocks = [operator(rows) for _ in range(4)]
    return passes, blocks[-1], operator.products


def test_graphs_are_kept_while_there_is_room_and_change_nothing() -> None:
    problem = Family("fc-elu-width4", (5,), 3).problem("ce", examples=7)  # three physical batches
    none, one, all_of_them = (counted(problem, graphs) for graphs in (0, 1, 3))
    assert [passes for passes, _, _ in (none, one, all_of_them)] == [4 * 3, 1 + 4 * 2, 3]
    assert torch.equal(none[1], all_of_them[1])
    assert torch.equal(one[1], all_of_them[1])
    assert one[2] == 8


def test_what_it_cannot_take_is_refused() -> None:
    problem = Problem(nn.Linear(4, 3, dtype=DOUBLE), cross_entropy, normal(5, 4), torch.zeros(5, dtype=torch.long))
    operator = GaussNewton(problem, problem.weights())
    with pytest.raises(ValueError, match=r"vectors are rows of 15 entries, got shape \(15,\)"):
        operator(torch.zeros(15, dtype=DOUBLE))
    with pytest.raises(ValueError, match="a weight vector has 15 entries"):
        GaussNewton(problem, torch.zeros(14, dtype=DOUBLE))


def test_outputs_of_transformers_are_their_logits() -> None:
    class Named(nn.Linear):
        def forward(self, rows: Tensor) -> SimpleNamespace:  # type: ignore[override]
            return SimpleNamespace(logits=super().forward(rows))

    inputs, labels = normal(5, 4), torch.tensor([0, 1, 2, 0, 1])
    module = Named(4, 3, dtype=DOUBLE)

    def of_logits(outputs: Any, targets: Tensor) -> Tensor:
        return cross_entropy(outputs.logits, targets)

    named = Problem(module, of_logits, {"rows": inputs}, labels)
    plain = Problem(nn.Linear(4, 3, dtype=DOUBLE), cross_entropy, inputs, labels)
    rows = normal(2, 15)
    assert torch.equal(GaussNewton(named, named.weights())(rows), GaussNewton(plain, named.weights())(rows))

    class Pair(nn.Linear):
        def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
            return super().forward(rows), rows

    pair = Problem(Pair(4, 3, dtype=DOUBLE), lambda outputs, _: outputs[0].sum(dim=1), {"rows": inputs}, labels)
    with pytest.raises(ValueError, match=r"outputs are one tensor or have one as \.logits, got tuple"):
        GaussNewton(pair, pair.weights())(rows)
