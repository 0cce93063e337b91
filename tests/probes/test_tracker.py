"""Tracked sharpness: along descent into the edge of stability beside the dense Hessian, over jumps, and over restarts."""

import itertools
import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import scipy.sparse.linalg
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genlab.probes.eigen import Eigenpairs
from genlab.probes.hessian import Hessian
from genlab.probes.tracker import Tracker, sharpness
from genlab.training import data
from genlab.training.loop import descend
from genlab.training.losses import cross_entropy, half_squared_error
from genlab.training.networks import build
from genlab.training.problem import Problem
from genlab.training.updates import GradientDescent

DOUBLE = torch.float64


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def dense(problem: Problem, weights: Tensor) -> NDArray[np.float64]:
    """All eigenvalues of the whole Hessian, falling."""
    return np.linalg.eigvalsh(Hessian(problem, weights).dense().numpy())[::-1]


def true_residuals(problem: Problem, weights: Tensor, pairs: Eigenpairs) -> list[float]:
    images = Hessian(problem, weights)(pairs.vectors)
    values = torch.tensor(pairs.values, dtype=DOUBLE)
    found: list[float] = ((images - values[:, None] * pairs.vectors).norm(dim=1) / values.abs()).tolist()
    return found


def same(one: Eigenpairs, other: Eigenpairs) -> bool:
    return (
        (one.values, one.residuals, one.products, one.converged)
        == (other.values, other.residuals, other.products, other.converged)
        and torch.equal(one.vectors, other.vectors)
        and torch.equal(one.spare, other.spare)
    )


# --- into the edge of stability ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Descent:
    """A problem and where gradient descent took it, every ten steps."""

    problem: Problem
    step_size: float
    path: list[Tensor]
    losses: list[float]  # of every step
    known: dict[int, NDArray[np.float64]] = field(default_factory=dict)

    def exact(self, reading: int) -> NDArray[np.float64]:
        """All eigenvalues of the whole Hessian at that point of the path, falling: found once."""
        if reading not in self.known:
            self.known[reading] = dense(self.problem, self.path[reading])
        return self.known[reading]


def descent(name: str, network: str, step_size: float, steps: int) -> Descent:
    loaded = data.load(name).to("cpu", DOUBLE)
    module = build(network, inputs=loaded.inputs, outputs=loaded.outputs, seed=0, dtype=DOUBLE)
    problem = Problem(module, half_squared_error, loaded.train_inputs, loaded.train_targets)
    moments = list(itertools.islice(descend(problem, GradientDescent(step_size), problem.weights()), steps))
    return Descent(problem, step_size, [moment.weights for moment in moments[::10]], [moment.loss for moment in moments])


@pytest.fixture(scope="module")
def chebyshev() -> Descent:
    return descent("chebyshev-4-20", "regression", 0.45, 401)


@pytest.fixture(scope="module")
def digits() -> Descent:
    return descent("digits-100", "fc-tanh-width8", 0.6, 301)


def test_every_reading_agrees_with_the_dense_hessian_and_arpack(chebyshev: Descent) -> None:
    problem, tracker, shares = chebyshev.problem, Tracker(chebyshev.problem, k=2, tolerance=1e-3), []
    for reading, weights in enumerate(chebyshev.path):
        pairs = tracker(weights)
        assert pairs.converged
        assert max(true_residuals(problem, weights, pairs)) <= 1e-3
        shares.append(pairs.values[0] * chebyshev.step_size / 2)
        if reading % 4 and shares[-1] < 1:  # every fourth, and all that lie beyond the edge
            continue
        assert np.allclose(pairs.values, chebyshev.exact(reading)[:2], rtol=1e-3)
        hessian = Hessian(problem, weights)
        operator = scipy.sparse.linalg.LinearOperator(
            (hessian.size, hessian.size),
            matvec=lambda vector, hessian=hessian: hessian(torch.from_numpy(vector).reshape(1, -1))[0].numpy(),
            dtype=np.float64,
        )
        cold = scipy.sparse.linalg.eigsh(operator, k=2, which="LA", v0=np.ones(hessian.size), return_eigenvectors=False)[::-1]
        assert np.allclose(np.array(pairs.values) / cold, 1, atol=1e-3)
    # That this was the edge of stability: a slow climb past 2 / eta, then a spike of the loss and a fall below.
    assert shares[0] < 0.92
    assert 1.1 < max(shares[1:]) < 1.3
    assert min(shares[35:]) < 0.95
    rises = np.diff(chebyshev.losses) > 0
    assert not rises[:150].any()
    assert rises[300:].any()


def test_digits_at_the_edge_of_stability_agree_with_the_dense_hessian(digits: Descent) -> None:
    tracker, shares = Tracker(digits.problem, k=2, tolerance=1e-3), []
    for reading, weights in enumerate(digits.path):
        pairs = tracker(weights)
        assert pairs.converged
        assert max(true_residuals(digits.problem, weights, pairs)) <= 1e-3
        shares.append(pairs.values[0] * digits.step_size / 2)
        if reading % 10 == 0:
            assert np.allclose(pairs.values, digits.exact(reading)[:2], rtol=1e-3)
    assert min(shares[1:]) < 1 < max(shares[5:])
    assert (np.diff(digits.losses)[50:] > 0).any()


@pytest.mark.parametrize("k", [1, 2, 4])
def test_warm_readings_cost_less_than_cold_ones(digits: Descent, k: int) -> None:
    tracker = Tracker(digits.problem, k, tolerance=1e-3, cold_every=1000)
    path = digits.path[:16]
    readings = [tracker(weights) for weights in path]
    cold = [sharpness(digits.problem, weights, k=k, tolerance=1e-3) for weights in path]
    assert same(readings[0], cold[0])
    warm_cost, cold_cost = (np.mean([pairs.products for pairs in each[1:]]) for each in (readings, cold))
    assert warm_cost < 0.75 * cold_cost
    assert np.allclose([pairs.values for pairs in readings], [pairs.values for pairs in cold], rtol=1e-3)
    assert all(pairs.converged for pairs in readings)


def test_every_so_many_readings_take_the_expansions_of_a_cold_one(digits: Descent) -> None:
    tracker = Tracker(digits.problem, k=1, cold_every=4)
    products = [tracker(digits.path[-1]).products for _ in range(12)]
    cold, warm = products[4::4], [cost for reading, cost in enumerate(products) if reading % 4]
    assert min(cold) >= 2 + 2 + 12  # old vectors, random rows, and a row each of twelve expansions
    assert max(warm) < min(cold)


def test_float32_readings_are_near_the_float64_dense_hessian(digits: Descent) -> None:
    double = digits.problem
    assert isinstance(double.inputs, torch.Tensor)
    module = build("fc-tanh-width8", inputs=(1, 8, 8), outputs=10, seed=0)
    tracker = Tracker(Problem(module, half_squared_error, double.inputs.float(), double.targets), k=2)
    for reading in (0, 10, 20, 30):
        pairs = tracker(digits.path[reading].float())
        assert pairs.converged
        assert pairs.vectors.dtype == torch.float32
        assert np.allclose(pairs.values, digits.exact(reading)[:2], rtol=1e-3)


# --- going on from a checkpoint ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def undisturbed(digits: Descent) -> list[Eigenpairs]:
    whole = Tracker(digits.problem, k=2, seed=3)
    return [whole(weights) for weights in digits.path[:26]]


@pytest.mark.parametrize("stop", [1, 5, 19, 20, 21])
def test_a_restored_tracker_reads_on_bit_for_bit(digits: Descent, undisturbed: list[Eigenpairs], stop: int) -> None:
    path, readings = digits.path[:26], undisturbed
    first = Tracker(digits.problem, k=2, seed=3)
    for weights in path[:stop]:
        first(weights)
    saved = {name: tensor.clone() for name, tensor in first.state().items()}
    first(path[0])  # reading on changes nothing that was saved
    second = Tracker(digits.problem, k=2, seed=3)
    second.restore(saved)
    assert all(same(second(weights), reading) for weights, reading in zip(path[stop:], readings[stop:], strict=True))


def test_a_tracker_that_never_read_has_a_state_too(digits: Descent) -> None:
    fresh = Tracker(digits.problem)
    assert {name: tensor.item() for name, tensor in fresh.state().items()} == {"readings": 0, "wanted": 1, "cold": 0}
    restored = Tracker(digits.problem)
    restored(digits.path[0])
    restored.restore(fresh.state())
    assert same(restored(digits.path[0]), fresh(digits.path[0]))


def test_chance_is_keyed_by_seed_and_reading(digits: Descent) -> None:
    before = torch.get_rng_state()
    one, again, other = (Tracker(digits.problem, seed=seed)(digits.path[0]) for seed in (0, 0, 1))
    assert same(one, again)
    assert not torch.equal(one.vectors, other.vectors)
    assert one.values[0] == pytest.approx(other.values[0], rel=1e-5)
    assert torch.equal(torch.get_rng_state(), before)  # nothing is drawn from the global generator


# --- jumps ------------------------------------------------------------------------------------------------------------


class Raw(nn.Module):
    """Outputs the weights themselves: the loss below is then any function of them."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(size, dtype=DOUBLE))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.weights.expand(len(inputs), -1)


def with_a_wall(curvatures: Tensor, axis: int, wall: float) -> Problem:
    """A diagonal quadratic, and beyond 1 on one axis a wall of that much more curvature along it."""

    def loss(outputs: Tensor, _: Tensor) -> Tensor:
        return 0.5 * (outputs.square() @ curvatures) + 0.5 * wall * (outputs[:, axis] - 1).relu().square()

    return Problem(Raw(len(curvatures)), loss, torch.zeros(1, 1), torch.zeros(1, 1))


LEADING = torch.tensor([3.0, 2.5, 2.0], dtype=DOUBLE)
BULK = torch.linspace(0, 1, 297, dtype=DOUBLE)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("rest", [BULK, 0 * BULK], ids=["bulk", "low rank"])
def test_a_direction_that_becomes_the_largest_at_once_is_found_at_once(rest: Tensor, k: int, seed: int) -> None:
    problem = with_a_wall(torch.cat([LEADING, rest]), 100, 50.0)
    here = torch.zeros(300, dtype=DOUBLE)
    beyond = 2 * torch.eye(300, dtype=DOUBLE)[100]
    truth = dense(problem, beyond)[:k]
    assert truth[0] == 50 + rest[97]
    tracker = Tracker(problem, k, tolerance=1e-3, seed=seed)
    for _ in range(5):
        assert tracker(here).values[0] == pytest.approx(3, rel=1e-6)
    assert tracker.vectors is not None
    assert tracker.vectors[:, 100].abs().max() < 1e-3  # orthogonal to what was tracked
    pairs = tracker(beyond)
    assert tracker.readings == 6  # a warm reading
    assert pairs.converged
    assert np.allclose(pairs.values, truth, rtol=1e-3)
    assert tracker(here).values[0] == pytest.approx(3, rel=1e-3)  # and back


@pytest.mark.parametrize("seed", range(4))
def test_a_direction_that_becomes_the_largest_by_a_little_is_found_by_the_next_cold_reading(seed: int) -> None:
    problem = with_a_wall(torch.cat([LEADING, BULK]), 100, 3.0)
    here = torch.zeros(300, dtype=DOUBLE)
    beyond = 2 * torch.eye(300, dtype=DOUBLE)[100]
    truth = dense(problem, beyond)[0]
    tracker = Tracker(problem, seed=seed, cold_every=6)
    for _ in range(4):
        tracker(here)
    values = [tracker(beyond).values[0] for _ in range(3)]
    assert tracker.readings == 7  # the last was cold
    assert values[-1] == pytest.approx(truth, rel=1e-3)
    assert max(values) <= truth * (1 + 1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_every_reading_looks_where_nothing_tracked_has_a_component(seed: int) -> None:
    problem = with_a_wall(torch.cat([LEADING, BULK]), 100, 50.0)
    tracked = torch.eye(300, dtype=DOUBLE)[:2] + 1e-3 * normal(2, 300, seed=seed)
    tracked[:, 100] = 0  # exactly: the Hessian is diagonal, so that only the fresh random row leads there
    tracker = Tracker(problem, seed=seed)
    tracker.restore({"readings": torch.tensor(5), "vectors": tracked})
    pairs = tracker(2 * torch.eye(300, dtype=DOUBLE)[100])
    assert pairs.values[0] == pytest.approx(50 + BULK[97].item(), rel=1e-3)


def test_a_leap_to_far_weights_is_read_as_if_cold(digits: Descent) -> None:
    tracker = Tracker(digits.problem, k=2, tolerance=1e-3)
    tracker(digits.path[0])
    tracker(digits.path[1])
    for seed in range(2):
        far = 0.5 * normal(digits.problem.parameter_count, seed=seed)
        pairs = tracker(far)
        assert pairs.converged
        assert np.allclose(pairs.values, dense(digits.problem, far)[:2], rtol=1e-3)


# --- honesty ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most_products", [1, 4, 8, 14, 20])
def test_what_has_not_converged_says_so(chebyshev: Descent, digits: Descent, most_products: int) -> None:
    for descended in (chebyshev, digits):
        tracker = Tracker(descended.problem, k=3, tolerance=1e-3, most_products=most_products)
        for reading, weights in enumerate(descended.path[::5]):
            pairs = tracker(weights)
            true = true_residuals(descended.problem, weights, pairs)
            assert np.allclose(pairs.residuals, true, rtol=1e-6, atol=1e-10)
            assert max(true) <= 1e-3 or not pairs.converged
            assert reading or not pairs.converged  # the first, from random rows, cannot have
            assert pairs.products <= max(most_products, 8) + 4  # a block that was begun is finished


def test_a_budget_that_leaves_no_room_to_look_around_is_owned_up_to() -> None:
    problem = with_a_wall(torch.cat([LEADING, BULK]), 100, 50.0)
    here = torch.zeros(300, dtype=DOUBLE)
    beyond = 2 * torch.eye(300, dtype=DOUBLE)[100]
    tracker = Tracker(problem, most_products=4)
    for _ in range(40):  # a product or two a reading: it gets there in the end
        tracker(here)
    pairs = tracker(beyond)
    assert not pairs.converged or pairs.values[0] > 50  # it says 3.0, converged


def test_weights_that_are_not_numbers_have_no_sharpness_and_do_no_harm(digits: Descent) -> None:
    tracker = Tracker(digits.problem, k=2, tolerance=1e-3)
    tracker(digits.path[0])
    pairs = tracker(math.nan * digits.path[0])
    assert [math.isnan(value) for value in pairs.values] == [True, True]
    assert not pairs.converged
    assert "vectors" not in tracker.state()
    after = tracker(digits.path[0])
    assert after.converged
    assert np.allclose(after.values, digits.exact(0)[:2], rtol=1e-3)


def test_dropout_is_refused_at_the_first_reading() -> None:
    module = nn.Sequential(nn.Linear(4, 20), nn.Tanh(), nn.Dropout(0.5), nn.Linear(20, 3)).double()
    labels = torch.arange(9) % 3
    tracker = Tracker(Problem(module, cross_entropy, normal(9, 4), labels))
    with torch.random.fork_rng(devices=[]):
        for _ in range(2):  # and it does not wear off
            with pytest.raises(RuntimeError, match=r"the training loss changed between two passes .*dropout"):
                tracker()
    assert tracker.readings == 0
    module.eval()
    assert tracker().converged


@pytest.mark.parametrize("k", [0, -1, 3])
def test_k_is_one_to_the_number_of_parameters(k: int) -> None:
    problem = Problem(nn.Linear(2, 1, bias=False), half_squared_error, torch.ones(3, 2), torch.ones(3, 1))
    with pytest.raises(ValueError, match=rf"k eigenpairs of a Hessian with 2 parameters: k is 1 to 2, got {k}"):
        Tracker(problem, k)
    with pytest.raises(ValueError, match=rf"k is 1 to 2, got {k}"):
        sharpness(problem, k=k)


# --- a user's own module ----------------------------------------------------------------------------------------------


class Gated(nn.Module):
    """Nothing of genlab's: two branches, a residual sum and a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.gate, self.leave = nn.Linear(6, 5), nn.Linear(6, 5), nn.Linear(5, 3)
        self.scale = nn.Parameter(torch.tensor(0.7))

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = torch.tanh(self.enter(inputs))
        result: Tensor = self.leave(hidden + self.scale * hidden * torch.sigmoid(self.gate(inputs)))
        return result


def test_three_lines_in_a_users_own_training_loop() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Gated().double()
    inputs, labels = normal(30, 6), torch.arange(30) % 3
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)

    problem = Problem(model, cross_entropy, inputs, labels)
    tracker = Tracker(problem, k=2)
    readings = []
    for _ in range(15):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(inputs), labels).backward()
        gradients = [each.grad for each in model.parameters()]
        reading = tracker()  # at the model's present parameters
        assert all(mine is yours.grad for mine, yours in zip(gradients, model.parameters(), strict=True))
        optimiser.step()
        readings.append(reading)
        assert reading.converged
    flat = nn.utils.parameters_to_vector(model.parameters()).detach()
    assert torch.equal(problem.weights(), flat)
    assert np.allclose(tracker().values, dense(problem, flat)[:2], rtol=1e-3)
    values = [reading.values[0] for reading in readings]
    assert max(values) > 1.1 * min(values)  # the parameters had moved


# --- one point --------------------------------------------------------------------------------------------------------


def test_sharpness_of_least_squares_wherever_it_is_measured() -> None:
    inputs = normal(20, 8)
    spectrum = np.linalg.eigvalsh((inputs.T @ inputs / 20).numpy())[::-1]
    problem = Problem(nn.Linear(8, 1, bias=False, dtype=DOUBLE), half_squared_error, inputs, normal(20, 1, seed=1))
    for pairs in (sharpness(problem, k=3), sharpness(problem, 100 * normal(8, seed=2), k=3)):
        assert pairs.converged
        assert pairs.values == pytest.approx(spectrum[:3].tolist(), rel=1e-9)
    assert sharpness(problem).values == pytest.approx(spectrum[:1].tolist(), rel=1e-9)


def test_sharpness_is_tighter_than_a_reading_by_default(digits: Descent) -> None:
    pairs = sharpness(digits.problem, digits.path[10], k=2)
    assert max(true_residuals(digits.problem, digits.path[10], pairs)) <= 1e-4
    assert np.allclose(pairs.values, dense(digits.problem, digits.path[10])[:2], rtol=1e-6)
    loose = sharpness(digits.problem, digits.path[10], k=2, tolerance=0.1)
    assert loose.products <= pairs.products
