"""Readings with scouts: searched on a few examples, proved on all; beside the dense Hessian, over restarts, jumps and crowds."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from genlab.probes.eigen import Eigenpairs
from genlab.probes.hessian import Hessian
from genlab.probes.surrogate import Known, Surrogate
from genlab.probes.tracker import Tracker
from genlab.training import data
from genlab.training.loop import descend
from genlab.training.losses import half_squared_error
from genlab.training.networks import build
from genlab.training.problem import Problem
from genlab.training.updates import GradientDescent

DOUBLE = torch.float64
SCOUTS = 62  # of 1,000


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


def symmetric(size: int, seed: int) -> Tensor:
    matrix = normal(size, size, seed=seed)
    return matrix + matrix.T


@dataclass(frozen=True)
class Descent:
    problem: Problem
    path: list[Tensor]  # every ten steps, into the edge of stability
    dense: list[Tensor]  # the whole Hessian at each
    exact: list[np.ndarray]  # and its eigenvalues, falling


@pytest.fixture(scope="module")
def digits() -> Descent:
    """All digits of the training set, and five readings on either side of the edge."""
    loaded = data.load("digits").to("cpu", DOUBLE)
    module = build("fc-tanh-width6", inputs=loaded.inputs, outputs=loaded.outputs, seed=0, dtype=DOUBLE)
    problem = Problem(module, half_squared_error, loaded.train_inputs, loaded.train_targets)
    steps = itertools.islice(descend(problem, GradientDescent(0.4), problem.weights()), 401)
    weights = [moment.weights for moment in steps][::10]
    path = [*weights[:5], *weights[-5:]]
    dense = [Hessian(problem, each).dense() for each in path]
    return Descent(problem, path, dense, [np.linalg.eigvalsh(each.numpy())[::-1] for each in dense])


def read(digits: Descent, tracker: Tracker) -> list[Eigenpairs]:
    return [tracker(weights) for weights in digits.path]


@pytest.mark.parametrize("k", [1, 5])
def test_every_reading_is_as_exact_as_it_says(digits: Descent, k: int) -> None:
    tracker = Tracker(digits.problem, k, scout=SCOUTS)
    for pairs, exact, weights in zip(read(digits, tracker), digits.exact, digits.path, strict=True):
        assert pairs.converged
        assert np.allclose(pairs.values, exact[:k], rtol=1e-3)
        images = Hessian(digits.problem, weights)(pairs.vectors)
        true = (images - torch.tensor(pairs.values, dtype=DOUBLE)[:, None] * pairs.vectors).norm(dim=1)
        assert np.allclose(true / torch.tensor(pairs.values, dtype=DOUBLE), pairs.residuals, rtol=1e-6)


def scouts(examples: int, parameters: int) -> int:
    line = nn.Linear(parameters, 1, bias=False)
    inputs = torch.ones(1, 1).expand(examples, parameters)
    return Tracker(Problem(line, half_squared_error, inputs, torch.ones(examples, 1))).scout


def test_a_sixteenth_scouts_where_a_gradient_is_dear(digits: Descent) -> None:
    assert Tracker(digits.problem).scout == 0
    assert scouts(1000, 100_000) == 125
    assert scouts(4000, 100_000) == 250
    assert scouts(999, 200_000) == 0
    assert scouts(1000, 99_999) == 0


def test_the_dear_operator_is_asked_less_than_without_scouts(digits: Descent) -> None:
    scouted, alone = (sum(pairs.products for pairs in read(digits, Tracker(digits.problem, 2, scout=n))) for n in (SCOUTS, 0))
    assert scouted < 0.8 * alone


def test_a_tolerance_is_kept_with_scouts_too(digits: Descent) -> None:
    for pairs, exact in zip(read(digits, Tracker(digits.problem, 2, scout=SCOUTS, tolerance=1e-4)), digits.exact, strict=True):
        assert pairs.converged
        assert max(pairs.residuals) <= 1e-4
        assert np.allclose(pairs.values, exact[:2], rtol=1e-6)


def test_scouts_that_resemble_nobody_cost_products_and_nothing_else(digits: Descent) -> None:
    for pairs, exact in zip(read(digits, Tracker(digits.problem, 2, scout=1)), digits.exact, strict=True):
        assert pairs.converged
        assert np.allclose(pairs.values, exact[:2], rtol=1e-3)


def test_a_restored_tracker_reads_what_it_would_have_read(digits: Descent) -> None:
    whole = read(digits, Tracker(digits.problem, 2, scout=SCOUTS, cold_every=7, threshold=5.0, seed=3))
    for cut in (1, 5, 8):
        first = Tracker(digits.problem, 2, scout=SCOUTS, cold_every=7, threshold=5.0, seed=3)
        for weights in digits.path[:cut]:
            first(weights)
        second = Tracker(digits.problem, 2, scout=SCOUTS, cold_every=7, threshold=5.0, seed=3)
        second.restore({name: each.clone() for name, each in first.state().items()})
        for pairs, weights in zip(whole[cut:], digits.path[cut:], strict=True):
            again = second(weights)
            assert again.values == pairs.values
            assert again.residuals == pairs.residuals
            assert torch.equal(again.vectors, pairs.vectors)


def test_other_scouts_are_drawn_at_cold_readings_only(digits: Descent) -> None:
    tracker, seen = Tracker(digits.problem, scout=SCOUTS, cold_every=4), []
    for weights in digits.path[:9]:
        tracker(weights)
        assert tracker._scouts is not None
        seen.append(tracker._scouts[1].inputs)
    assert all(one is other for one, other in itertools.pairwise(seen[:4]))
    assert isinstance(seen[3], Tensor)
    assert isinstance(seen[4], Tensor)
    assert not torch.equal(seen[3], seen[4])


def test_the_block_grows_where_eigenvalues_crowd_the_threshold_and_shrinks_again(digits: Descent) -> None:
    threshold = float(digits.exact[0][3])  # four at or above it, some more above three quarters
    crowd = int((digits.exact[0] > 0.75 * threshold).sum())
    assert crowd >= 4
    tracker = Tracker(digits.problem, scout=SCOUTS, threshold=threshold, most=crowd + 1)
    counts = [len(tracker(digits.path[0]).values) for _ in range(crowd + 3)]
    assert counts == [*range(1, crowd + 2), crowd + 1, crowd + 1]
    pairs = tracker(digits.path[0])
    assert np.allclose(pairs.values, digits.exact[0][: crowd + 1], rtol=1e-3)
    tracker.threshold = 1e6
    tracker(digits.path[0])
    assert len(tracker(digits.path[0]).values) == 1
    assert len(Tracker(digits.problem, threshold=1e-9, most=3)(digits.path[0]).values) <= 3


def test_the_preconditioned_hessian_is_tracked_too(digits: Descent) -> None:
    size = digits.problem.parameter_count
    diagonal = 0.5 + normal(size).square()
    for scout in (SCOUTS, 0):
        tracker = Tracker(digits.problem, 2, scout=scout)
        for weights, dense in zip(digits.path[:3], digits.dense, strict=False):
            exact = torch.linalg.eigvalsh(dense / diagonal.sqrt() / diagonal.sqrt()[:, None]).flip(0)[:2]
            assert np.allclose(tracker(weights, preconditioner=diagonal).values, exact, rtol=1e-3)


def test_a_diverged_point_is_said_to_be_unknown(digits: Descent) -> None:
    tracker = Tracker(digits.problem, 2, scout=SCOUTS)
    tracker(digits.path[0])
    pairs = tracker(torch.full_like(digits.path[0], torch.nan))
    assert not pairs.converged
    assert np.isnan(pairs.values).all()
    assert tracker(digits.path[0]).converged  # and it goes on


class Wall(nn.Module):
    """Half w' A_i w of example i, plus what one direction costs behind a wall: a Hessian that jumps."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(size, dtype=DOUBLE))

    def forward(self, scales: Tensor) -> Tensor:
        wall = 25 * (self.weight[-1] - 1).clamp_min(0).square()
        return (0.5 * scales @ self.weight.square() + wall)[:, None]


def test_a_direction_that_becomes_the_largest_at_once_is_found_at_once() -> None:
    scales = torch.linspace(1, 4, 80, dtype=DOUBLE) * (1 + 0.3 * normal(2000, 80))
    problem = Problem(Wall(80), lambda outputs, _: outputs[:, 0], scales, torch.zeros(2000, dtype=DOUBLE))
    here, beyond = torch.zeros(80, dtype=DOUBLE), 2 * torch.eye(80, dtype=DOUBLE)[-1]
    for seed in range(4):
        tracker = Tracker(problem, scout=125, seed=seed)
        for _ in range(3):
            tracker(here)
        pairs = tracker(beyond)
        assert pairs.converged
        assert pairs.values[0] == pytest.approx(float(Hessian(problem, beyond).dense().max()), rel=1e-3)


# --- the surrogate ----------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10_000), known=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_the_surrogate_is_symmetric_and_exact_on_what_is_known(seed: int, known: int) -> None:
    dear, cheap = symmetric(12, seed), symmetric(12, seed + 1)
    vectors = torch.linalg.qr(normal(12, known, seed=seed)).Q.T
    surrogate = Surrogate(lambda rows: rows @ cheap, vectors, vectors @ dear - vectors @ cheap)
    assert torch.allclose(surrogate(vectors), vectors @ dear)
    matrix = surrogate(torch.eye(12, dtype=DOUBLE))
    assert torch.allclose(matrix, matrix.T)
    across = torch.eye(12, dtype=DOUBLE) - vectors.T @ vectors
    assert torch.allclose(across @ matrix @ across, across @ cheap @ across)  # the least change: none where nothing is known


def test_what_was_known_before_is_kept_where_nothing_newer_is() -> None:
    dear, cheap = symmetric(12, 0), symmetric(12, 1)
    rows = torch.linalg.qr(normal(12, 4)).Q.T

    def known(vectors: Tensor) -> Known:
        return Known(vectors, vectors @ (dear - cheap))

    turned = (rows[0] + rows[3])[None] / 2**0.5
    kept = known(turned).followed_by(known(rows[:3]), 3)
    assert torch.allclose(kept.vectors @ kept.vectors.T, torch.eye(3, dtype=DOUBLE))
    assert torch.allclose(kept.defects, kept.vectors @ (dear - cheap))
    assert torch.equal(kept.vectors[:1], turned)
    assert len(known(rows[:2]).followed_by(known(rows[:2]), 4).vectors) == 2  # nothing new


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scout": -1}, "scout is a number of the .* examples, or 0 for none, got -1"),
        ({"scout": 10**9}, "scout is a number"),
        ({"accuracy": 0.0}, "above 0"),
        ({"threshold": -1.0}, "a threshold is above 0"),
        ({"threshold": 1.0, "most": 0}, "most at least k"),
    ],
)
def test_options_out_of_range_are_errors(digits: Descent, options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tracker(digits.problem, **options)  # type: ignore[arg-type]
