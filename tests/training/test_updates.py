"""Updates: thresholds against the recurrence that an update really is, steps against torch.optim, and resuming."""

import copy
import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from genlab.training.loop import Moment, descend
from genlab.training.losses import cross_entropy, half_squared_error
from genlab.training.networks import build
from genlab.training.problem import Problem
from genlab.training.updates import UPDATES as NAMES
from genlab.training.updates import Averaged, GradientDescent, Memory, Nesterov, Polyak, Update, named

DOUBLE = torch.float64
UPDATES: list[Update] = [
    *(GradientDescent(eta) for eta in (0.01, 0.3, 2.0)),
    *(form(eta, beta) for form in (Polyak, Nesterov, Averaged) for eta in (0.01, 2.0) for beta in (0.0, 0.5, 0.9, 0.99)),
]


def some(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=DOUBLE)


# --- thresholds -------------------------------------------------------------------------------------------------------


def radius(update: Update, curvature: float) -> float:
    """Spectral radius of the update's own map (weight, memory) -> (weight, memory) on 0.5 * curvature * w ** 2."""
    columns = []
    for weight, memory in ((1.0, 0.0), (0.0, 1.0)):
        after, kept = update(some(weight), some(curvature * weight), {"momentum": some(memory)})
        columns.append([after.item(), kept["momentum"].item() if kept is not None else 0.0])
    return float(np.abs(np.linalg.eigvals(np.array(columns).T)).max())


def outcome(update: Update, curvature: float) -> str:
    """Follow the iterates themselves until they have left for good."""
    weight = some(1.0)
    memory: Memory = {"momentum": some(0.0)}
    for _ in range(200_000):
        weight, memory = update(weight, curvature * weight, memory)
        moved = abs(memory["momentum"].item()) if memory is not None else 0.0
        size = max(abs(weight.item()), update.step_size * moved)
        if not 1e-4 < size < 1e4:
            return "contracts" if size < 1 else "grows"
    return "stays"


@pytest.mark.parametrize("update", UPDATES, ids=repr)
def test_iterates_contract_just_below_the_threshold_and_grow_just_above(update: Update) -> None:
    assert outcome(update, 0.999 * update.threshold) == "contracts"
    assert outcome(update, 1.001 * update.threshold) == "grows"


@pytest.mark.parametrize("update", UPDATES, ids=repr)
def test_every_curvature_below_the_threshold_is_stable(update: Update) -> None:
    assert max(radius(update, share * update.threshold) for share in np.linspace(1e-3, 0.9999, 500)) < 1
    assert min(radius(update, share * update.threshold) for share in np.linspace(1.0001, 5, 500)) > 1


def crossing(update: Update) -> float:
    """Where the spectral radius crosses 1, by bisection on the update itself."""
    low, high = 0.0, 10 / update.step_size / (1 - getattr(update, "momentum", 0.0))
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if radius(update, middle) < 1 else (low, middle)
    return high


@settings(deadline=None, max_examples=60)
@given(eta=st.floats(1e-3, 10), beta=st.floats(0, 0.99))
def test_the_threshold_is_where_the_recurrence_turns_unstable(eta: float, beta: float) -> None:
    for update in (GradientDescent(eta), Polyak(eta, beta), Nesterov(eta, beta), Averaged(eta, beta)):
        assert crossing(update) == pytest.approx(update.threshold, rel=1e-6)


@pytest.mark.parametrize(
    ("update", "threshold"),
    [
        (GradientDescent(0.01), 200),
        (Polyak(0.01, 0.9), 380),
        (Nesterov(0.01, 0.9), 3.8 / 0.028),
        (Polyak(0.095, 0.9), 40),
        (Polyak(1.0, 0.999999), 4),  # as momentum goes to 1: 4 / eta, and 4 / (3 eta)
        (Nesterov(1.0, 0.999999), 4 / 3),
        (Averaged(0.01, 0.9), 3800),
    ],
)
def test_thresholds_by_hand(update: Update, threshold: float) -> None:
    assert update.threshold == pytest.approx(threshold, rel=1e-5)


def test_nesterovs_threshold_falls_with_momentum_and_polyaks_rises() -> None:
    betas = np.linspace(0, 0.99, 12)
    nesterov, polyak = ([form(0.1, beta).threshold for beta in betas] for form in (Nesterov, Polyak))
    assert nesterov == sorted(nesterov, reverse=True)
    assert polyak == sorted(polyak)


# --- steps ------------------------------------------------------------------------------------------------------------


def network_problem(physical_batch: int = 1000) -> Problem:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(12, 4, generator=generator, dtype=DOUBLE)
    targets = torch.randint(3, (12,), generator=generator)
    module = build("fc-tanh-width6", inputs=(4,), outputs=3, seed=0, dtype=DOUBLE)
    return Problem(module, cross_entropy, inputs, targets, physical_batch)


def torchs_path(problem: Problem, steps: int, **options: Any) -> list[Tensor]:
    module = copy.deepcopy(problem.module)
    optimiser = torch.optim.SGD(module.parameters(), **options)
    path = []
    for _ in range(steps):
        path.append(nn.utils.parameters_to_vector(module.parameters()).detach().clone())
        optimiser.zero_grad()
        nn.CrossEntropyLoss()(module(problem.inputs), problem.targets).backward()
        optimiser.step()
    return path


@pytest.mark.parametrize(
    ("update", "options"),
    [
        (GradientDescent(0.5), {}),
        (Polyak(0.1, 0.9), {"momentum": 0.9}),
        (Polyak(0.3, 0.5), {"momentum": 0.5}),
        (Nesterov(0.1, 0.9), {"momentum": 0.9, "nesterov": True}),
        (Nesterov(0.3, 0.5), {"momentum": 0.5, "nesterov": True}),
        (Averaged(0.5, 0.9), {"momentum": 0.9, "dampening": 0.9}),
    ],
    ids=repr,
)
def test_fifty_steps_are_those_of_torchs_sgd(update: Update, options: dict[str, Any]) -> None:
    problem = network_problem(physical_batch=5)
    path = [moment.weights for moment in itertools.islice(descend(problem, update, problem.weights()), 51)]
    theirs = torchs_path(problem, 51, lr=update.step_size, **options)
    assert max((mine - yours).abs().max().item() for mine, yours in zip(path, theirs, strict=True)) < 1e-12
    assert (path[0] - path[-1]).abs().max() > 0.1


@settings(deadline=None, max_examples=40)
@given(
    eta=st.floats(1e-3, 1),
    beta=st.floats(0, 0.99),
    gradients=st.lists(st.floats(-10, 10), min_size=1, max_size=8),
)
def test_momentum_is_the_recurrence_on_paper(eta: float, beta: float, gradients: list[float]) -> None:
    for update in (Polyak(eta, beta), Nesterov(eta, beta)):
        weight, memory = some(1.0), None
        w = 1.0
        for step, gradient in enumerate(gradients):
            weight, memory = update(weight, some(gradient), memory)
            m = sum(beta ** (step - back) * gradients[back] for back in range(step + 1))  # m = g at the first step
            w -= eta * (m if isinstance(update, Polyak) else gradient + beta * m)
        assert weight.item() == pytest.approx(w, rel=1e-12, abs=1e-12)


def test_momentum_at_zero_is_gradient_descent_bit_for_bit() -> None:
    problem = network_problem()
    forms = (Polyak(0.5, 0.0), Nesterov(0.5, 0.0), Averaged(0.5, 0.0))
    plain, *others = (
        [moment.weights for moment in itertools.islice(descend(problem, update, problem.weights()), 20)]
        for update in (GradientDescent(0.5), *forms)
    )
    for other in others:
        assert all(torch.equal(mine, theirs) for mine, theirs in zip(plain, other, strict=True))
    assert [form.threshold for form in forms] == [GradientDescent(0.5).threshold] * 3 == [4, 4, 4]


@pytest.mark.parametrize("update", [GradientDescent(0.1), Polyak(0.1, 0.9), Nesterov(0.1, 0.9), Averaged(0.1, 0.9)], ids=repr)
def test_an_update_changes_nothing_it_is_given(update: Update) -> None:
    weights, gradient, memory = some(1, 2), some(3, 4), some(5, 6)
    update(weights, gradient, {"momentum": memory})
    update(weights, gradient, None)
    assert (weights.tolist(), gradient.tolist(), memory.tolist()) == ([1, 2], [3, 4], [5, 6])


# --- names ------------------------------------------------------------------------------------------------------------


def test_updates_have_names() -> None:
    assert named("gd", 0.1, 0) == GradientDescent(0.1)
    assert named("polyak", 0.1, 0.9) == Polyak(0.1, 0.9)
    assert named("nesterov", 0.1, 0.9) == Nesterov(0.1, 0.9)
    assert named("ema", 0.1, 0.9) == Averaged(0.1, 0.9)


def test_momentum_for_gd_is_an_error_not_a_shrug() -> None:
    with pytest.raises(ValueError, match=r"gd has no momentum \(got 0\.9\): set momentum=0, or update=polyak, nesterov, ema or"):
        named("gd", 0.1, 0.9)


@pytest.mark.parametrize("name", ["sgd", "GD", "", "gd "])
def test_an_unknown_update_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown update '.*': it is one of gd, polyak, nesterov, ema, adam, rmsprop"):
        named(name, 0.1, 0)


@pytest.mark.parametrize("update", NAMES)
@pytest.mark.parametrize("step_size", [0.0, -0.1, math.nan])
def test_a_step_size_that_is_not_above_zero_is_refused(update: str, step_size: float) -> None:
    with pytest.raises(ValueError, match=r"a step size is above 0, got (0\.0|-0\.1|nan)"):
        named(update, step_size, 0)


@pytest.mark.parametrize("update", ["polyak", "nesterov", "ema", "adam"])
@pytest.mark.parametrize("momentum", [1.0, -0.1, 1.5, math.nan])
def test_momentum_is_below_one(update: str, momentum: float) -> None:
    with pytest.raises(ValueError, match=r"momentum is at least 0 and below 1, got "):
        named(update, 0.1, momentum)


# --- the loop ---------------------------------------------------------------------------------------------------------


def test_on_a_quadratic_descent_has_a_closed_form() -> None:
    ones = torch.ones(1, 1, dtype=DOUBLE)
    problem = Problem(nn.Linear(1, 1, bias=False, dtype=DOUBLE), half_squared_error, 2 * ones, 0 * ones)  # curvature 4
    for step, moment in enumerate(itertools.islice(descend(problem, GradientDescent(0.1), some(1.0)), 30)):
        weight = 0.6**step
        assert moment.step == step
        assert moment.weights.item() == pytest.approx(weight, rel=1e-12)
        assert moment.gradient.item() == pytest.approx(4 * weight, rel=1e-12)
        assert moment.loss == pytest.approx(2 * weight**2, rel=1e-12)
        assert moment.next_weights.item() == pytest.approx(0.6 * weight, rel=1e-12)
        assert moment.accuracy is None


@pytest.mark.parametrize("update", [GradientDescent(0.5), Polyak(0.1, 0.9), Nesterov(0.1, 0.9), Averaged(0.5, 0.9)], ids=repr)
def test_a_descent_that_is_resumed_goes_on_bit_for_bit(update: Update) -> None:
    problem = network_problem(physical_batch=5)
    whole = list(itertools.islice(descend(problem, update, problem.weights()), 20))
    saved = whole[8]
    memory = None if saved.next_memory is None else {name: each.clone() for name, each in saved.next_memory.items()}
    again = descend(network_problem(physical_batch=5), update, saved.next_weights.clone(), memory=memory, step=saved.step + 1)

    def evidence(moment: Moment) -> tuple[int, float, float | None]:
        return moment.step, moment.loss, moment.accuracy

    for one, other in zip(whole[9:], itertools.islice(again, 11), strict=True):
        assert evidence(one) == evidence(other)
        assert torch.equal(one.weights, other.weights)
        assert torch.equal(one.gradient, other.gradient)
        assert torch.equal(one.next_weights, other.next_weights)
    if not isinstance(update, GradientDescent):  # without its memory, momentum starts anew
        forgetful = next(descend(problem, update, saved.next_weights))
        assert not torch.equal(forgetful.next_weights, whole[9].next_weights)


def test_moments_that_are_kept_do_not_change_afterwards() -> None:
    problem = network_problem()
    moments = descend(problem, Polyak(0.1, 0.9), problem.weights())
    first = next(moments)
    before = [first.weights.clone(), first.gradient.clone(), first.next_weights.clone()]
    later = list(itertools.islice(moments, 5))
    assert all(
        torch.equal(one, other) for one, other in zip(before, (first.weights, first.gradient, first.next_weights), strict=True)
    )
    assert torch.equal(later[0].weights, first.next_weights)
