"""Problems: the papers' loss conventions, gradients against plain autograd, and a module that nothing has touched."""

import copy
import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from genlab.probes.hessian import Hessian
from genlab.probes.tracker import Tracker
from genlab.training.losses import LOSSES, correct, cross_entropy, half_squared_error
from genlab.training.networks import build
from genlab.training.problem import Problem

DOUBLE = torch.float64
# torch.func differentiates forwards through some operations that it compiles with torch.jit.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")


def labelled(examples: int, *, inputs: tuple[int, ...] = (4,), classes: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(examples, *inputs, generator=generator, dtype=DOUBLE),
        torch.randint(classes, (examples,), generator=generator),
    )


def small(loss: str = "mse", *, examples: int = 11, physical_batch: int = 1000, network: str = "fc-tanh-width5") -> Problem:
    module = build(network, inputs=(4,), outputs=3, seed=0, dtype=DOUBLE)
    return Problem(module, LOSSES[loss], *labelled(examples), physical_batch)


def normalised() -> nn.Sequential:
    """A network with batch norm and dropout that has already seen data: its buffers are not at their defaults."""
    module = build("fc-tanh-width5", inputs=(4,), outputs=3, seed=0, dtype=DOUBLE)
    built = nn.Sequential(module[:2], nn.BatchNorm1d(5, dtype=DOUBLE), module[2:])
    built(labelled(20, seed=5)[0])
    return built


def close(one: Tensor, other: Tensor, *, within: float = 1e-13) -> bool:
    """Equal to fp64 rounding, on the scale of the largest entry."""
    return bool((one - other).abs().max() <= within * (1e-3 + other.abs().max()))


# --- the conventions of the losses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("outputs", [1, 3, 10])
def test_mse_is_half_the_squared_error_summed_over_outputs_averaged_over_examples(outputs: int) -> None:
    generator = torch.Generator().manual_seed(outputs)
    inputs, targets = (torch.randn(7, width, generator=generator, dtype=DOUBLE) for width in (4, outputs))
    module = build("fc-tanh-width5", inputs=(4,), outputs=outputs, seed=0, dtype=DOUBLE)
    problem = Problem(module, half_squared_error, inputs, targets)
    loss = problem.score(problem.weights()).loss

    answers = module(inputs).tolist()
    by_hand = sum((f - y) ** 2 for row, aim in zip(answers, targets.tolist(), strict=True) for f, y in zip(row, aim, strict=True))
    assert loss == pytest.approx(0.5 * by_hand / 7, rel=1e-14)
    assert loss == pytest.approx(0.5 * outputs * nn.MSELoss()(module(inputs), targets).item(), rel=1e-14)


def test_mse_takes_class_labels_as_one_hot_targets() -> None:
    outputs = torch.tensor([[0.5, 0.0, -1.0], [2.0, 1.0, 0.0]], dtype=DOUBLE)
    losses = half_squared_error(outputs, torch.tensor([2, 0]))
    assert losses.tolist() == [0.5 * (0.25 + 0 + 4), 0.5 * (1 + 1 + 0)]
    assert losses.dtype == DOUBLE
    assert torch.equal(losses, half_squared_error(outputs, torch.tensor([[0.0, 0, 1], [1, 0, 0]], dtype=DOUBLE)))


def test_ce_is_the_negative_log_of_the_softmax_at_the_label() -> None:
    problem = small("ce")
    answers = problem.module(problem.inputs).detach().numpy()
    shares = np.exp(answers) / np.exp(answers).sum(axis=1, keepdims=True)
    by_hand = -np.log(shares[np.arange(11), problem.targets.numpy()])
    assert np.allclose(cross_entropy(torch.from_numpy(answers), problem.targets).numpy(), by_hand, rtol=1e-13)
    score = problem.score(problem.weights())
    assert score.loss == pytest.approx(by_hand.mean(), rel=1e-13)
    assert score.accuracy == (answers.argmax(axis=1) == problem.targets.numpy()).mean()


@pytest.mark.parametrize(("loss", "at_zero"), [("mse", 0.5), ("ce", math.log(3))])
def test_at_zero_weights_the_loss_has_a_closed_form(loss: str, at_zero: float) -> None:
    problem = small(loss)
    score = problem.score(torch.zeros(problem.parameter_count, dtype=DOUBLE))
    assert score.loss == pytest.approx(at_zero, rel=1e-14)
    assert score.accuracy == (problem.targets == 0).double().mean().item()  # the first of equal outputs is the largest


def test_regression_has_no_accuracy() -> None:
    inputs, _ = labelled(6)
    problem = Problem(nn.Linear(4, 1, dtype=DOUBLE), half_squared_error, inputs, inputs[:, :1])
    assert problem.score(problem.weights()).accuracy is None
    assert problem.slope(problem.weights()).accuracy is None
    assert correct(inputs, inputs) is None


@pytest.mark.parametrize("shape", [(5,), (5, 2), (1, 5, 3)])
def test_mse_refuses_targets_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"mse wants targets shaped like the outputs \(5, 3\), got "):
        half_squared_error(torch.zeros(5, 3), torch.zeros(shape))
    with pytest.raises(ValueError, match=r"shaped like the outputs \(5, 3\), got \(4, 3\)"):
        half_squared_error(torch.zeros(5, 3), torch.zeros(4, dtype=torch.long))  # not four rows, and the fifth against nothing


def test_ce_refuses_real_targets() -> None:
    with pytest.raises(ValueError, match=r"ce wants integer class labels.*this is a regression problem, use mse"):
        cross_entropy(torch.zeros(5, 3), torch.zeros(5, 3))


# --- the gradient -----------------------------------------------------------------------------------------------------


def left_by_backward(module: nn.Module) -> Tensor:
    return torch.cat([each.grad.reshape(-1) for each in module.parameters() if each.grad is not None])


def torchs(loss: str, outputs: int) -> Callable[[Tensor, Tensor], Tensor]:
    if loss == "ce":
        return nn.CrossEntropyLoss()
    return lambda answers, labels: 0.5 * outputs * nn.MSELoss()(answers, nn.functional.one_hot(labels, outputs).double())


@pytest.mark.parametrize("loss", ["mse", "ce"])
@pytest.mark.parametrize(
    ("network", "inputs", "outputs"),
    [
        *((f"fc-{name}-width5", (4,), 3) for name in ("relu", "elu", "tanh", "hardtanh", "softplus")),
        ("fc-tanh-depth4-width3", (1, 2, 2), 2),
        ("cnn-relu", (1, 8, 8), 3),
        ("cnn-avgpool-tanh", (2, 4, 4), 3),
        ("deeplinear", (3,), 3),
    ],
)
def test_the_gradient_is_that_of_plain_autograd_on_the_module(
    network: str, inputs: tuple[int, ...], outputs: int, loss: str
) -> None:
    module = build(network, inputs=inputs, outputs=outputs, seed=1, dtype=DOUBLE)
    problem = Problem(module, LOSSES[loss], *labelled(10, inputs=inputs, classes=outputs), physical_batch=4)
    slope, score = problem.slope(problem.weights()), problem.score(problem.weights())
    assert slope.gradient.shape == (problem.parameter_count,)
    plain = copy.deepcopy(module)
    torchs(loss, outputs)(plain(problem.inputs), problem.targets).backward()
    assert close(slope.gradient, left_by_backward(plain))
    assert (slope.loss, slope.accuracy) == (score.loss, score.accuracy)


def test_the_gradient_of_least_squares_has_a_closed_form() -> None:
    inputs, targets = labelled(9)[0], labelled(9, inputs=(2,), seed=1)[0]
    problem = Problem(nn.Linear(4, 2, bias=False, dtype=DOUBLE), half_squared_error, inputs, targets, physical_batch=2)
    weights = torch.arange(8, dtype=DOUBLE)
    by_hand = (inputs @ weights.view(2, 4).T - targets).T @ inputs / 9
    assert close(problem.slope(weights).gradient, by_hand.reshape(-1))


def test_a_parameter_that_is_never_used_has_a_zero_gradient() -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = (nn.Parameter(torch.tensor([[value]], dtype=DOUBLE)) for value in (2.0, 5.0))

        def forward(self, inputs: Tensor) -> Tensor:
            return inputs @ self.used

    ones = torch.ones(1, 1, dtype=DOUBLE)
    problem = Problem(Half(), half_squared_error, ones, ones)
    assert problem.slope(problem.weights()).gradient.tolist() == [1, 0]
    assert Hessian(problem, problem.weights()).dense().tolist() == [[1, 0], [0, 0]]


# --- physical batches only bound memory -------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(examples=st.integers(1, 17), batch=st.integers(1, 20), loss=st.sampled_from(["mse", "ce"]))
def test_the_split_into_physical_batches_changes_nothing_but_rounding(examples: int, batch: int, loss: str) -> None:
    whole = small(loss, examples=examples, network="fc-tanh-depth1-width3")
    split = small(loss, examples=examples, network="fc-tanh-depth1-width3", physical_batch=batch)
    weights = whole.weights()
    one, many = whole.slope(weights), split.slope(weights)
    assert split.score(weights).loss == pytest.approx(whole.score(weights).loss, rel=1e-13)
    assert many.loss == pytest.approx(one.loss, rel=1e-13)
    assert split.score(weights).accuracy == many.accuracy == one.accuracy
    assert close(many.gradient, one.gradient)
    rows = torch.randn(2, len(weights), generator=torch.Generator().manual_seed(examples), dtype=DOUBLE)
    assert close(Hessian(split, weights)(rows), Hessian(whole, weights)(rows))


@pytest.mark.parametrize("loss", ["mse", "ce"])
def test_in_train_mode_batch_norm_normalises_over_ghost_batches(loss: str) -> None:
    inputs, targets = labelled(12)
    problem = Problem(normalised(), LOSSES[loss], inputs, targets, physical_batch=5, ghost_batch=4)
    module, mean = copy.deepcopy(problem.module), torchs(loss, 3)
    total = torch.stack([mean(module(inputs[at : at + 4]), targets[at : at + 4]) for at in (0, 4, 8)]).mean()
    total.backward()
    slope = problem.slope(problem.weights())
    assert slope.loss == pytest.approx(total.item(), rel=1e-13)
    assert close(slope.gradient, left_by_backward(module))
    whole = Problem(problem.module, LOSSES[loss], inputs, targets)
    assert abs(whole.score(problem.weights()).loss - slope.loss) > 1e-6  # another partition is another function
    problem.module.eval()  # where the running statistics are used, and the partition is nothing
    assert close(problem.slope(problem.weights()).gradient, whole.slope(problem.weights()).gradient)
    outputs = problem.module(inputs)
    assert problem.score(problem.weights()).loss == pytest.approx(mean(outputs, targets).item(), rel=1e-13)


def test_a_ghost_batch_that_nobody_named_is_refused() -> None:
    problem = Problem(normalised(), cross_entropy, *labelled(11), physical_batch=4)
    with pytest.raises(ValueError, match=r"sees 4 of 11 examples at a time.*say ghost_batch=.*module\.eval\(\)"):
        Tracker(problem)()
    Tracker(Problem(problem.module, cross_entropy, *labelled(11)))()  # all of them at once: nothing to name
    problem.module.eval()
    Tracker(problem)()


# --- some of the examples, terms of examples, named inputs ------------------------------------------------------------


class Scored(nn.Module):
    """Scores of every token of a row, given by name, and a mask that the module reads."""

    def __init__(self) -> None:
        super().__init__()
        self.score = build("fc-tanh-depth1-width3", inputs=(2,), outputs=3, seed=0, dtype=DOUBLE)

    def forward(self, *, mask: Tensor, rows: Tensor, scale: float = 1.0) -> dict[str, Tensor]:
        flat = (rows * mask[..., None]).reshape(-1, rows.shape[-1])
        return {"scores": scale * self.score(flat).reshape(*rows.shape[:-1], 3)}


def tokens(physical_batch: int = 1000) -> Problem:
    """Seven examples of at most five tokens; what is beyond an example's length is padding, with numbers that must not count."""
    generator = torch.Generator().manual_seed(2)
    rows = torch.randn(7, 5, 2, generator=generator, dtype=DOUBLE)
    mask = torch.arange(5)[None] < torch.tensor([5, 1, 3, 0, 2, 5, 4])[:, None]
    labels = torch.where(mask, torch.randint(3, (7, 5), generator=generator), -100)

    def loss(outputs: dict[str, Tensor], targets: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs["scores"].transpose(1, 2), targets, reduction="none").sum(dim=1)

    taken: Any = loss
    return Problem(
        Scored(), taken, {"rows": rows, "mask": mask}, labels, physical_batch, counts=mask.sum(1), options={"scale": 2.0}
    )


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 100])
def test_the_loss_is_the_mean_over_counted_terms_whatever_the_physical_batch(batch: int) -> None:
    problem = tokens(batch)
    assert isinstance(problem.inputs, Mapping)
    named = {**problem.inputs, "scale": 2.0}
    kept = problem.targets != -100
    module: Any = problem.module

    def plainly(weights: Tensor) -> Tensor:
        parameters = dict(zip(problem.names, problem.split(weights), strict=True))
        scores = torch.func.functional_call(module, parameters, (), named)["scores"]
        return nn.functional.cross_entropy(scores[kept], problem.targets[kept])

    at = problem.weights() + 0.05
    slope = problem.slope(at)
    assert problem.divisor == int(kept.sum()) == 20
    assert slope.loss == pytest.approx(plainly(at).item(), rel=1e-13)
    assert close(slope.gradient, torch.func.grad(plainly)(at))
    assert close(Hessian(problem, at).dense(), torch.func.hessian(plainly)(at))


@pytest.mark.parametrize("some", [slice(2, 7, 2), [2, 4, 6], torch.tensor([2, 4, 6])])
@pytest.mark.parametrize("whole", [tokens(2), small("ce", examples=7, physical_batch=2)])
def test_a_subset_is_the_same_function_of_some_examples(whole: Problem, some: Any) -> None:
    part = whole.subset(some)
    weights = whole.weights() + 0.1
    alone = [(whole.subset([index]).slope(weights).gradient, whole.subset([index]).divisor) for index in (2, 4, 6)]
    by_hand = sum((each * count for each, count in alone), torch.zeros_like(weights)) / sum(count for _, count in alone)
    assert close(part.slope(weights).gradient, by_hand)
    assert part.module is whole.module
    assert (part.names, part.physical_batch) == (whole.names, whole.physical_batch)
    assert len(part.targets) == 3


def test_a_slice_of_the_examples_copies_nothing() -> None:
    whole = small()
    assert isinstance(whole.inputs, Tensor)
    part = whole.subset(slice(0, 4))
    assert isinstance(part.inputs, Tensor)
    assert part.inputs.data_ptr() == whole.inputs.data_ptr()


def test_a_subset_keeps_its_parameters_when_the_module_freezes_others() -> None:
    whole = small()
    next(whole.module.parameters()).requires_grad_(False)
    assert whole.subset(slice(3)).names == whole.names


def test_a_mean_over_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"some above 0, got shape \(1,\) with sum 0: does any example carry loss"):
        tokens().subset([3])
    with pytest.raises(ValueError, match=r"counts wants one number an example, shape \(7,\)"):
        dataclasses.replace(tokens(), counts=torch.ones(3, dtype=torch.int64))
    with pytest.raises(ValueError, match="a mapping without any"):
        dataclasses.replace(tokens(), inputs={})


# --- the user's module ------------------------------------------------------------------------------------------------


def everything(problem: Problem) -> None:
    """Every call that may look at a module without leaving a trace on it, away from its own parameters."""
    weights = problem.weights() + 0.1
    problem.score(weights)
    problem.slope(weights)
    problem.refuse_if_random(weights)
    assert problem.activation_bytes > 0
    Hessian(problem, weights)(torch.ones(1, problem.parameter_count, dtype=DOUBLE))
    Tracker(problem, 1)(weights)


@pytest.mark.parametrize("training", [True, False])
def test_the_users_module_is_untouched(training: bool) -> None:
    module = normalised().train(training)
    before = {name: each.clone() for name, each in module.state_dict().items()}
    everything(Problem(module, cross_entropy, *labelled(11), ghost_batch=4))
    after = module.state_dict()
    assert {"1.running_mean", "1.num_batches_tracked"} < before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [each.grad for each in module.parameters()] == [None] * 8
    assert all(each.requires_grad for each in module.parameters())
    assert {each.training for each in module.modules()} == {training}


def test_gradients_that_the_user_holds_stay() -> None:
    module = normalised()
    problem = Problem(module, cross_entropy, *labelled(11))
    for each in module.parameters():
        each.grad = torch.full_like(each, 7.0)
    everything(problem)
    assert all(each.grad is not None and bool((each.grad == 7).all()) for each in module.parameters())


def test_the_weights_that_are_passed_in_are_untouched() -> None:
    problem = small()
    weights = problem.weights().requires_grad_()
    before = weights.detach().clone()
    slope = problem.slope(weights)
    Tracker(problem)(weights.detach())
    assert torch.equal(weights.detach(), before)
    assert weights.grad is None
    assert not slope.gradient.requires_grad


def test_weights_are_the_parameters_in_order_and_a_copy() -> None:
    problem = small()
    weights = problem.weights()
    assert torch.equal(weights, nn.utils.parameters_to_vector(problem.module.parameters()).detach())
    assert problem.parameter_count == len(weights) == 4 * 5 + 5 + 5 * 5 + 5 + 5 * 3 + 3
    weights.zero_()
    assert problem.weights().abs().sum() > 0


def test_install_is_undone_by_weights() -> None:
    problem = small()
    there = torch.arange(problem.parameter_count, dtype=DOUBLE)
    parameters = list(problem.module.parameters())
    problem.install(there)
    assert torch.equal(problem.weights(), there)
    assert all(mine is yours for mine, yours in zip(parameters, problem.module.parameters(), strict=True))
    assert problem.score(there).loss == pytest.approx(torchs("mse", 3)(problem.module(problem.inputs), problem.targets).item())
    there.zero_()
    assert problem.weights()[-1] == problem.parameter_count - 1  # copied, not shared
    pieces = problem.split(problem.weights())
    assert all(torch.equal(piece, each) for piece, each in zip(pieces, parameters, strict=True))


def test_frozen_parameters_stay_out_and_are_still_used() -> None:
    module = build("fc-tanh-width5", inputs=(4,), outputs=3, seed=0, dtype=DOUBLE)
    everything_trains = Problem(module, half_squared_error, *labelled(11))
    whole = everything_trains.slope(everything_trains.weights())
    for each in module[1].parameters():
        each.requires_grad_(False)
    frozen = Problem(module, half_squared_error, *labelled(11))
    slope = frozen.slope(frozen.weights())
    assert frozen.parameter_count == everything_trains.parameter_count - (4 * 5 + 5)
    assert not any(name.startswith("1.") for name in frozen.names)
    assert slope.loss == whole.loss
    assert close(slope.gradient, whole.gradient[4 * 5 + 5 :])
    before = module[1].state_dict()["weight"].clone()
    frozen.install(torch.zeros(frozen.parameter_count, dtype=DOUBLE))
    assert torch.equal(module[1].state_dict()["weight"], before)
    assert frozen.weights().abs().sum() == 0


def test_a_parameter_that_two_layers_share_counts_once() -> None:
    first, second = (nn.Linear(3, 3, bias=False, dtype=DOUBLE) for _ in range(2))
    second.weight = first.weight
    inputs, targets = labelled(8, inputs=(3,))
    problem = Problem(nn.Sequential(first, nn.Tanh(), second), cross_entropy, inputs, targets)
    assert problem.parameter_count == 9
    weights = torch.linspace(-1, 1, 9, dtype=DOUBLE)

    def plainly(vector: Tensor) -> Tensor:
        matrix = vector.view(3, 3)
        return nn.functional.cross_entropy((inputs @ matrix.T).tanh() @ matrix.T, targets)

    assert problem.score(weights).loss == pytest.approx(plainly(weights).item(), rel=1e-13)
    assert close(problem.slope(weights).gradient, torch.func.grad(plainly)(weights))
    assert close(Hessian(problem, weights).dense(), torch.func.hessian(plainly)(weights))


# --- chance in the loss -----------------------------------------------------------------------------------------------


def test_dropout_is_refused_until_eval_mode() -> None:
    module = nn.Sequential(nn.Linear(4, 20), nn.Dropout(0.5), nn.Linear(20, 3)).double()
    problem = Problem(module, cross_entropy, *labelled(11))
    with (
        torch.random.fork_rng(devices=[]),
        pytest.raises(RuntimeError, match=r"changed between two passes \(.*, .*\): dropout .*module\.eval\(\)"),
    ):
        problem.refuse_if_random(problem.weights())
    module.eval()
    problem.refuse_if_random(problem.weights())


def test_a_loss_that_is_not_a_number_is_not_called_random() -> None:
    problem = small()
    assert math.isnan(problem.score(math.nan * problem.weights()).loss)
    problem.refuse_if_random(math.nan * problem.weights())


# --- memory -----------------------------------------------------------------------------------------------------------


def squeezed(activation: Callable[[], nn.Module], layers: int, *, physical_batch: int) -> Problem:
    """A chain of layers of 4 units on 1,000 examples."""
    inputs, targets = labelled(1000)[0], labelled(1000, seed=1)[0]
    chain = [each for _ in range(layers) for each in (nn.Linear(4, 4, dtype=DOUBLE), activation())]
    return Problem(nn.Sequential(*chain), half_squared_error, inputs, targets, physical_batch)


def test_activation_bytes_of_one_layer_have_a_closed_form() -> None:
    problem = squeezed(nn.Tanh, 1, physical_batch=1000)
    assert problem.activation_bytes == 3 * 8 * 4 * 1000  # inputs (for the weights), tanh's output, the error (for its square)


def test_activation_bytes_are_those_of_one_physical_batch() -> None:
    whole, tenth = squeezed(nn.Tanh, 1, physical_batch=1000), squeezed(nn.Tanh, 1, physical_batch=100)
    assert tenth.activation_bytes == whole.activation_bytes / 10


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU, nn.Softplus])
@pytest.mark.parametrize("layers", [3, 6, 20, 40])
def test_activation_bytes_count_every_layer_of_a_deep_network(activation: Callable[[], nn.Module], layers: int) -> None:
    """Inputs, one tensor a layer (tanh's and relu's outputs; softplus saves its input and feeds another on), errors, weights."""
    rows = layers + 2 if activation is not nn.Softplus else 2 * layers + 1
    weights = layers - 1  # of all layers but the first, which needs no gradient of its inputs
    counted = squeezed(activation, layers, physical_batch=1000).activation_bytes
    assert counted == 8 * (4 * 1000 * rows + 16 * weights)


# --- what a problem refuses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "targets", "batch", "said"),
    [
        (5, 4, 10, r"a problem wants one target an input, got 5 inputs and 4 targets"),
        (0, 0, 10, r"a problem wants at least one example, got none"),
        (5, 5, 0, r"physical_batch wants at least 1 example, got 0"),
        (5, 5, -3, r"physical_batch wants at least 1 example, got -3"),
    ],
)
def test_a_problem_without_matching_examples_is_refused(inputs: int, targets: int, batch: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Problem(nn.Linear(2, 1), half_squared_error, torch.zeros(inputs, 2), torch.zeros(targets, 1), batch)


@pytest.mark.parametrize("module", [nn.Tanh(), nn.Linear(2, 1).requires_grad_(False)])
def test_a_module_with_nothing_to_train_is_refused(module: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"no parameter with requires_grad=True: there is nothing to differentiate"):
        Problem(module, half_squared_error, torch.zeros(3, 2), torch.zeros(3, 1))
