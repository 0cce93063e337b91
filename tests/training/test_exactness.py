"""Second derivatives in full precision: half-precision modules, autocast, attention, recomputed activations."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from genlab.probes.hessian import Hessian
from genlab.probes.tracker import Tracker
from genlab.training.losses import cross_entropy
from genlab.training.problem import Problem


class Attention(nn.Module):
    """One layer of attention over 3 tokens of 4 numbers, batch norm and a head."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            self.mix, self.norm, self.head = nn.Linear(4, 12), nn.BatchNorm1d(12), nn.Linear(12, 2)

    def forward(self, rows: Tensor) -> Tensor:
        query, key, value = self.mix(rows).chunk(3, dim=-1)
        mixed = functional.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None])[:, 0]
        outputs: Tensor = self.head(self.norm(mixed.flatten(1)))
        return outputs


def data(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    return torch.randn(8, 3, 4, generator=torch.Generator().manual_seed(1)).to(dtype), torch.arange(8) % 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("parameters", [None, "head.*"])
def test_a_module_in_half_precision_has_the_curvature_of_its_float32_copy(dtype: torch.dtype, parameters: str | None) -> None:
    half = Attention().to(dtype).eval()
    inputs, targets = data(dtype)
    problem = Problem(half, cross_entropy, inputs, targets, parameters=parameters)
    copied = Problem(copy.deepcopy(half).float(), cross_entropy, inputs.float(), targets, parameters=parameters)
    assert problem.weights().dtype == torch.float32
    assert torch.equal(problem.weights(), copied.weights())
    mine, its = (Hessian(each, each.weights()).dense() for each in (problem, copied))
    assert mine.dtype == torch.float32
    assert torch.equal(mine, its)
    assert problem.score(problem.weights()) == copied.score(copied.weights())
    assert {each.dtype for each in half.parameters()} == {dtype}
    exact = problem.double()
    assert torch.allclose(mine.double(), Hessian(exact, exact.weights()).dense(), atol=1e-5)


def test_install_rounds_to_what_the_module_holds() -> None:
    problem = Problem(nn.Linear(1, 1, dtype=torch.bfloat16), cross_entropy, torch.ones(1, 1), torch.zeros(1, dtype=torch.int64))
    problem.install(torch.tensor([1 + 2**-12, 2.0]))
    assert problem.weights().tolist() == [1.0, 2.0]


def test_autocast_is_off_inside_and_stays_on_outside() -> None:
    inputs, targets = data()
    problem = Problem(Attention().eval(), cross_entropy, inputs, targets)
    plain = problem.slope(problem.weights())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = problem.slope(problem.weights())
        assert torch.is_autocast_enabled("cpu")
    assert torch.equal(inside.gradient, plain.gradient)
    assert inside.loss == plain.loss


@pytest.fixture
def unaccelerated() -> Iterator[None]:
    """Accelerate keeps one state a process: another test's precision would be an error, and ours another test's."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("unaccelerated")
def test_autocast_that_accelerate_wraps_around_forward_is_taken_off_while_measuring() -> None:
    from accelerate import Accelerator

    module: Any = Attention().eval()
    problem = Problem(module, cross_entropy, *data())
    plain = problem.slope(problem.weights())
    prepared: Any = Accelerator(cpu=True, mixed_precision="bf16").prepare_model(module)
    wrapped = prepared.forward
    rounded = functional.cross_entropy(prepared(problem.inputs), problem.targets).item()
    assert rounded != plain.loss
    again = Problem(prepared, cross_entropy, *data()).slope(problem.weights())
    assert torch.equal(again.gradient, plain.gradient)
    assert prepared.forward is wrapped
    assert functional.cross_entropy(prepared(problem.inputs), problem.targets).item() == rounded


def test_fused_attention_gives_way_while_measuring() -> None:
    """On its own it has no second derivative; the switches are afterwards what they were."""
    inputs, targets = data()
    module = Attention().eval()
    loss = functional.cross_entropy(module(inputs), targets)
    slopes = torch.autograd.grad(loss, [*module.parameters()], create_graph=True)
    with pytest.raises(RuntimeError, match=r"derivative for .* is not implemented"):
        torch.autograd.grad(slopes[0].sum(), [*module.parameters()])
    assert Tracker(Problem(module, cross_entropy, inputs, targets))().converged
    assert torch.backends.cuda.flash_sdp_enabled()
    assert torch.backends.cuda.mem_efficient_sdp_enabled()


def test_a_module_that_recomputes_its_activations_is_refused() -> None:
    class Recomputing(nn.Sequential):
        def forward(self, rows: Tensor) -> Tensor:
            for each in self:
                rows = checkpoint(each, rows, use_reentrant=False)
            return rows

    problem = Problem(Recomputing(nn.Linear(4, 3), nn.Tanh()), cross_entropy, torch.randn(5, 4), torch.arange(5) % 3)
    with pytest.raises(RuntimeError, match=r"recomputes activations \(gradient checkpointing\).*model\.eval\(\)"):
        Tracker(problem)()


def test_wrappers_are_taken_off() -> None:
    module = Attention().eval()
    parallel = nn.DataParallel(module)
    assert Problem(parallel, cross_entropy, *data()).module is module
    compiled: Any = torch.compile(module, backend="eager")
    assert Problem(compiled, cross_entropy, *data()).module is module
