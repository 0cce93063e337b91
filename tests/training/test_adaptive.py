"""Adam and RMSProp: thresholds from the recurrence at a frozen preconditioner, steps against torch.optim, and resuming."""

import copy
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from genlab.training.loop import descend
from genlab.training.losses import cross_entropy
from genlab.training.networks import build
from genlab.training.problem import Problem
from genlab.training.updates import Adam, Adaptive, Averaged, GradientDescent, Memory, RMSProp, Update, named, resized

DOUBLE = torch.float64
TINY = 1e-150  # of weights and gradients: their squares vanish beside any second moment


def some(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=DOUBLE)


def frozen_map(update: Adam | RMSProp, curvature: float, second: float, count: int) -> tuple[np.ndarray[Any, Any], float]:
    """The update's own linear map (weight, momentum) -> (weight, momentum) where v and the step count are held, and its P."""
    columns, divisor = [], 0.0
    for weight, momentum in ((TINY, 0.0), (0.0, TINY)):
        before = {"momentum": some(momentum), "square": some(second / update.second_moment)}  # so that v is `second` after it
        after, kept = update(some(weight), some(curvature * weight), before, count - 1)
        assert kept is not None
        assert kept["square"].item() == pytest.approx(second, rel=1e-12)
        preconditioner = update.preconditioner(kept, count)
        assert preconditioner is not None
        divisor = preconditioner.item()
        columns.append([after.item() / TINY, kept["momentum"].item() / TINY if "momentum" in kept else 0.0])
    return np.array(columns).T, divisor


def crossing(update: Adam | RMSProp, second: float, count: int) -> float:
    """The curvature over P at which the spectral radius of the frozen map crosses 1, by bisection; it is linear in curvature."""
    still, divisor = frozen_map(update, 0.0, second, count)
    bent = frozen_map(update, divisor, second, count)[0] - still
    low, high = 0.0, 1e6
    for _ in range(70):
        middle = (low + high) / 2
        low, high = (middle, high) if np.abs(np.linalg.eigvals(still + middle * bent)).max() < 1 else (low, middle)
    return high


@settings(deadline=None, max_examples=40)
@given(
    eta=st.floats(1e-3, 1),
    beta=st.floats(0, 0.95),
    decay=st.floats(0.5, 0.9999),
    second=st.floats(1e-6, 1e3),
    count=st.integers(2, 2000),
)
def test_at_frozen_p_adam_turns_unstable_at_the_threshold_of_averaged_momentum(
    eta: float, beta: float, decay: float, second: float, count: int
) -> None:
    update = Adam(eta, beta, decay)
    assert crossing(update, second, count) == pytest.approx(update.threshold, rel=1e-6)
    assert update.threshold == pytest.approx(Averaged(eta, beta).threshold)


@settings(deadline=None, max_examples=20)
@given(eta=st.floats(1e-3, 1), decay=st.floats(0.5, 0.9999), second=st.floats(1e-6, 1e3))
def test_at_frozen_p_rmsprop_turns_unstable_at_two_over_eta(eta: float, decay: float, second: float) -> None:
    update = RMSProp(eta, decay)
    assert crossing(update, second, 5) == pytest.approx(update.threshold, rel=1e-6)
    assert update.threshold == pytest.approx(2 / eta)


def test_adams_threshold_by_hand() -> None:
    assert Adam(1e-4).threshold == pytest.approx(380_000)
    assert Adam(0.1, 0.0).threshold == pytest.approx(20)


def network_problem() -> Problem:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(12, 4, generator=generator, dtype=DOUBLE)
    targets = torch.randint(3, (12,), generator=generator)
    return Problem(build("fc-tanh-width6", inputs=(4,), outputs=3, seed=0, dtype=DOUBLE), cross_entropy, inputs, targets, 5)


def path(problem: Problem, update: Update, steps: int, **more: Any) -> list[Tensor]:
    return [moment.weights for moment in itertools.islice(descend(problem, update, problem.weights(), **more), steps)]


def torchs_path(
    problem: Problem, steps: int, optimiser: Callable[[Any], torch.optim.Optimizer], rate: Callable[[int], float] | None = None
) -> list[Tensor]:
    module = copy.deepcopy(problem.module)
    theirs = optimiser(module.parameters())
    seen = []
    for step in range(steps):
        seen.append(nn.utils.parameters_to_vector(module.parameters()).detach().clone())
        if rate is not None:
            theirs.param_groups[0]["lr"] = rate(step)
        theirs.zero_grad()
        nn.CrossEntropyLoss()(module(problem.inputs), problem.targets).backward()
        theirs.step()
    return seen


@pytest.mark.parametrize(
    ("update", "theirs"),
    [
        (Adam(0.01), lambda weights: torch.optim.Adam(weights, 0.01)),
        (Adam(0.05, 0.5, 0.9, 1e-3), lambda weights: torch.optim.Adam(weights, 0.05, (0.5, 0.9), 1e-3)),
        (Adam(0.05, 0.0, 0.99), lambda weights: torch.optim.Adam(weights, 0.05, (0.0, 0.99))),
        (RMSProp(0.01), lambda weights: torch.optim.RMSprop(weights, 0.01)),
        (RMSProp(0.003, 0.9, 1e-3), lambda weights: torch.optim.RMSprop(weights, 0.003, 0.9, 1e-3)),
    ],
    ids=["adam", "adam-0.5-0.9", "adam-0", "rmsprop", "rmsprop-0.9"],
)
def test_fifty_steps_are_those_of_torch(update: Update, theirs: Callable[[Any], torch.optim.Optimizer]) -> None:
    problem = network_problem()
    mine, yours = path(problem, update, 51), torchs_path(problem, 51, theirs)
    assert max((one - other).abs().max().item() for one, other in zip(mine, yours, strict=True)) < 1e-12
    assert (mine[0] - mine[-1]).abs().max() > 0.1


def test_a_changing_step_size_is_torchs_changing_learning_rate() -> None:
    problem = network_problem()

    def rate(step: int) -> float:
        return 0.02 if step < 10 else 0.005

    mine = path(problem, Adam(1.0), 25, schedule=rate)
    yours = torchs_path(problem, 25, lambda weights: torch.optim.Adam(weights, 1.0), rate)
    assert max((one - other).abs().max().item() for one, other in zip(mine, yours, strict=True)) < 1e-12


def test_the_preconditioner_is_what_the_step_divided_by() -> None:
    update = Adam(0.1, 0.9, 0.99, 1e-7)
    weights, gradient = some(1, 2), some(0.3, -0.5)
    after, memory = update(weights, gradient, None, 0)
    preconditioner = update.preconditioner(memory, 1)
    assert memory is not None
    assert preconditioner is not None
    torch.testing.assert_close(preconditioner, 0.1 * (gradient.abs() + 1e-7))  # (1 - beta1) (|g| + epsilon) at the first step
    torch.testing.assert_close(after, weights - 0.1 * memory["momentum"] / preconditioner)
    assert update.preconditioner(None, 0) is None
    assert RMSProp(0.1).preconditioner(None, 0) is None
    assert isinstance(update, Adaptive)
    assert isinstance(RMSProp(0.1), Adaptive)
    assert not isinstance(GradientDescent(0.1), Adaptive)


@pytest.mark.parametrize("update", [Adam(0.05, 0.9, 0.99), RMSProp(0.01)], ids=repr)
def test_a_descent_that_is_resumed_goes_on_bit_for_bit(update: Update) -> None:
    problem = network_problem()
    whole = list(itertools.islice(descend(problem, update, problem.weights()), 20))
    saved = whole[8]
    assert saved.next_memory is not None
    memory: Memory = {name: each.clone() for name, each in saved.next_memory.items()}
    again = descend(network_problem(), update, saved.next_weights.clone(), memory=memory, step=9)
    for one, other in zip(whole[9:], itertools.islice(again, 11), strict=True):
        assert torch.equal(one.next_weights, other.next_weights)


def test_an_update_changes_nothing_it_is_given() -> None:
    weights, gradient, memory = some(1, 2), some(3, 4), {"momentum": some(5, 6), "square": some(7, 8)}
    for update in (Adam(0.1), RMSProp(0.1)):
        update(weights, gradient, memory, 3)
        update(weights, gradient, None, 0)
    assert [each.tolist() for each in (weights, gradient, *memory.values())] == [[1, 2], [3, 4], [5, 6], [7, 8]]


def test_a_memory_and_a_step_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Adam at step 7 wants the memory of 7 steps, got none: pass memory and step"):
        Adam(0.1)(some(1), some(1), None, 7)
    with pytest.raises(ValueError, match=r"Adam at step 0 wants no memory, got some"):
        Adam(0.1)(some(1), some(1), {"momentum": some(1), "square": some(1)})
    with pytest.raises(ValueError, match=r"Adam's memory comes from at least 1 step"):
        Adam(0.1).preconditioner({"momentum": some(1), "square": some(1)}, 0)


def test_names_and_numbers_that_have_no_use() -> None:
    assert named("adam", 0.1, 0.9, second_moment=0.99, epsilon=1e-7) == Adam(0.1, 0.9, 0.99, 1e-7)
    assert named("adam", 0.1, 0.9) == Adam(0.1)
    assert named("rmsprop", 0.1, 0, second_moment=0.9) == RMSProp(0.1, 0.9)
    with pytest.raises(ValueError, match=r"rmsprop has no momentum \(got 0\.5\)"):
        named("rmsprop", 0.1, 0.5)
    with pytest.raises(ValueError, match=r"polyak has no second_moment and no epsilon: leave them out, or use update=adam or"):
        named("polyak", 0.1, 0.5, second_moment=0.9, epsilon=1e-8)
    with pytest.raises(ValueError, match=r"second_moment is at least 0 and below 1, got 1\.0"):
        Adam(0.1, 0.9, 1.0)
    with pytest.raises(ValueError, match=r"epsilon is above 0, got 0"):
        RMSProp(0.1, 0.9, 0)


def test_resized_changes_the_step_size_only() -> None:
    assert resized(Adam(0.1, 0.8, 0.95, 1e-6), 0.2) == Adam(0.2, 0.8, 0.95, 1e-6)
    with pytest.raises(ValueError, match="a step size is above 0, got 0"):
        resized(GradientDescent(0.1), 0)
