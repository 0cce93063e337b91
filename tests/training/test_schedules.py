"""Schedules and mini-batches in the loop: the laws at zero, closed forms, torch, and resuming."""

import copy
import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from genlab.training.batches import Batches
from genlab.training.loop import descend
from genlab.training.losses import cross_entropy, half_squared_error
from genlab.training.networks import build
from genlab.training.problem import Problem
from genlab.training.schedules import Change, Constant, OverSharpness, Schedule, WarmUp
from genlab.training.updates import Adam, Averaged, GradientDescent, Nesterov, Polyak, RMSProp, Update

DOUBLE = torch.float64
UPDATES: list[Update] = [
    *(GradientDescent(0.5), Polyak(0.1, 0.9), Nesterov(0.1, 0.9), Averaged(0.5, 0.9)),
    *(Adam(0.01), RMSProp(0.01)),
]


def network_problem(dtype: torch.dtype = DOUBLE, physical_batch: int = 5) -> Problem:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(13, 4, generator=generator, dtype=dtype)
    targets = torch.randint(3, (13,), generator=generator)
    module = build("fc-tanh-width6", inputs=(4,), outputs=3, seed=0, dtype=dtype)
    return Problem(module, cross_entropy, inputs, targets, physical_batch)


def path(problem: Problem, update: Update, steps: int = 20, **more: Any) -> list[Tensor]:
    return [moment.next_weights for moment in itertools.islice(descend(problem, update, problem.weights(), **more), steps)]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(mine, theirs) for mine, theirs in zip(one, other, strict=True))


@pytest.mark.parametrize("update", UPDATES, ids=repr)
def test_a_constant_schedule_is_none_bit_for_bit(update: Update) -> None:
    problem = network_problem()
    plain = path(problem, update)
    for schedule in (Constant(update.step_size), WarmUp(update.step_size, 1), Change(update.step_size, 9.0, 20)):
        assert same(path(problem, update, schedule=schedule), plain)
    assert not same(path(problem, update, schedule=WarmUp(update.step_size, 2)), plain)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("update", UPDATES, ids=repr)
def test_a_batch_of_all_examples_is_full_batch_descent_bit_for_bit(update: Update, dtype: torch.dtype) -> None:
    """Rows are in ascending order: even the order of summation is that of the full batch."""
    problem = network_problem(dtype)
    assert same(path(problem, update, batches=Batches(13, seed=3)), path(problem, update))
    assert not same(path(problem, update, batches=Batches(12, seed=3)), path(problem, update))


SCHEDULES: list[Schedule] = [Constant(0.3), WarmUp(0.3, 11), Change(0.3, 0.1, 9), OverSharpness(lambda step: 3.0 + step)]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda each: type(each).__name__)
def test_a_schedule_and_batches_resume_from_the_step_alone(schedule: Schedule) -> None:
    problem, update = network_problem(), Polyak(1.0, 0.9)
    whole = list(itertools.islice(descend(problem, update, problem.weights(), schedule=schedule, batches=Batches(4, 1)), 20))
    for at in (3, 8, 9):
        again = descend(
            network_problem(),
            update,
            whole[at].next_weights,
            memory=whole[at].next_memory,
            step=at + 1,
            schedule=schedule,
            batches=Batches(4, 1),
        )
        for one, other in zip(whole[at + 1 :], again, strict=False):
            assert torch.equal(one.next_weights, other.next_weights)
            assert (one.loss, one.update.threshold) == (other.loss, other.update.threshold)


def test_a_moment_carries_the_update_that_was_made() -> None:
    problem = network_problem()
    moments = itertools.islice(descend(problem, Polyak(1.0, 0.5), problem.weights(), schedule=Change(0.5, 0.25, 2)), 4)
    assert [moment.update.threshold for moment in moments] == [6, 6, 12, 12]


def test_the_inverse_of_the_sharpness_on_a_quadratic_arrives_in_one_step() -> None:
    ones = torch.ones(1, 1, dtype=DOUBLE)
    problem = Problem(nn.Linear(1, 1, bias=False, dtype=DOUBLE), half_squared_error, 2 * ones, 0 * ones)  # curvature 4
    start = torch.tensor([1.0], dtype=DOUBLE)
    asked = []

    def sharpness(step: int) -> float:
        asked.append(step)
        return 4.0

    first, second = itertools.islice(descend(problem, GradientDescent(1.0), start, schedule=OverSharpness(sharpness)), 2)
    assert (first.next_weights.item(), second.loss) == (0, 0)
    assert asked == [0, 1]
    half = next(descend(problem, GradientDescent(1.0), start, schedule=OverSharpness(sharpness, share=0.5)))
    assert half.next_weights.item() == 0.5


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_sharpness_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"wants a sharpness above 0, got .* at step 7"):
        OverSharpness(lambda step: value)(7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(0), "step_size is above 0, got 0"),
        (lambda: WarmUp(0.1, 0), "steps is above 0, got 0"),
        (lambda: Change(0.1, -0.1, 5), "then is above 0, got -0.1"),
        (lambda: Change(0.1, 0.1, 0), "at is above 0, got 0"),
        (lambda: OverSharpness(lambda step: 1.0, share=math.nan), "share is above 0, got nan"),
        (lambda: Batches(0), "a batch has at least 1 example, got size 0"),
        (lambda: Batches(14)(network_problem(), 0), "a batch of 14 from 13 examples: set the batch size to at most 13"),
    ],
)
def test_nonsense_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@given(size=st.integers(1, 20), examples=st.integers(20, 60), seed=st.integers(0, 5), epoch=st.integers(0, 30))
def test_an_epoch_shows_each_example_at_most_once(size: int, examples: int, seed: int, epoch: int) -> None:
    batches, each = Batches(size, seed), examples // size
    rows = [batches.rows(step, examples) for step in range(epoch * each, (epoch + 1) * each)]
    assert all(len(found) == size and found.equal(found.sort().values) for found in rows)
    seen = torch.cat(rows)
    assert len(seen.unique()) == len(seen) == each * size
    assert batches.rows(epoch * each, examples).equal(rows[0])  # whatever was asked before


def test_epochs_seeds_and_places_differ_and_every_example_is_seen() -> None:
    batches = Batches(5, 0)
    seen = torch.cat([batches.rows(step, 13) for step in range(40)]).bincount()  # 20 epochs of 2 batches; 3 are left out of each
    assert (len(seen), int(seen.sum())) == (13, 200)
    assert seen.min() > 8
    assert not batches.rows(0, 13).equal(batches.rows(2, 13))
    assert not batches.rows(0, 13).equal(Batches(5, 1).rows(0, 13))


def test_a_step_is_that_of_torchs_sgd_on_the_same_batch() -> None:
    problem = network_problem()
    assert isinstance(problem.inputs, torch.Tensor)
    module = copy.deepcopy(problem.module)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    batches = Batches(4, seed=2)
    for step, weights in enumerate(path(problem, Polyak(0.1, 0.9), 30, batches=batches)):
        rows = batches.rows(step, 13)
        optimiser.zero_grad()
        nn.CrossEntropyLoss()(module(problem.inputs[rows]), problem.targets[rows]).backward()
        optimiser.step()
        assert (nn.utils.parameters_to_vector(module.parameters()) - weights).abs().max().item() < 1e-12


def test_the_gradient_of_an_epochs_batches_is_on_average_the_full_one() -> None:
    problem, batches = network_problem(), Batches(1, seed=0)
    weights = problem.weights()
    gradients = torch.stack([batches(problem, step).slope(weights).gradient for step in range(13)])
    torch.testing.assert_close(gradients.mean(0), problem.slope(weights).gradient)
