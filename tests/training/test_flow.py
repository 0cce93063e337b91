"""Gradient flow: matrix exponentials, the order of the method, and the edge of its own stability."""

import itertools
import math

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from genlab.training.flow import STABLE, flow
from genlab.training.loop import descend
from genlab.training.losses import cross_entropy, half_squared_error
from genlab.training.networks import build
from genlab.training.problem import Problem
from genlab.training.updates import GradientDescent

DOUBLE = torch.float64


def bowl(curvature: float) -> Problem:
    """0.5 * curvature * w ** 2."""
    zero = torch.zeros(1, 1, dtype=DOUBLE)
    return Problem(nn.Linear(1, 1, bias=False, dtype=DOUBLE), half_squared_error, zero + curvature**0.5, zero)


def amplification(z: float) -> float:
    """What one classic fourth-order Runge-Kutta step multiplies w by on dw/dt = -lambda w, z = step * lambda."""
    return 1 - z + z**2 / 2 - z**3 / 6 + z**4 / 24


Array = NDArray[np.floating]


def least_squares() -> tuple[Problem, Array, Array, Array]:
    """A problem with 2 outputs, its Hessian, its minimum and a start."""
    generator = np.random.default_rng(0)
    inputs, targets = generator.normal(size=(9, 4)), generator.normal(size=(9, 2))
    minimum = np.linalg.lstsq(inputs, targets, rcond=None)[0].T.reshape(-1)
    problem = Problem(
        nn.Linear(4, 2, bias=False, dtype=DOUBLE), half_squared_error, torch.from_numpy(inputs), torch.from_numpy(targets), 4
    )
    return problem, np.kron(np.eye(2), inputs.T @ inputs / 9), minimum, generator.normal(size=8)


@pytest.mark.parametrize("duration", [0.01, 1.0, 7.3, 20.0])
def test_the_flow_of_least_squares_is_a_matrix_exponential(duration: float) -> None:
    problem, hessian, minimum, start = least_squares()
    sharpness = float(np.linalg.eigvalsh(hessian)[-1])
    exact = minimum + scipy.linalg.expm(-duration * hessian) @ (start - minimum)
    fine = flow(problem, torch.from_numpy(start), duration=duration, sharpness=sharpness, alpha=0.05).numpy()
    assert np.abs(fine - exact).max() < 1e-7
    plain = flow(problem, torch.from_numpy(start), duration=duration, sharpness=sharpness).numpy()
    assert np.abs(plain - exact).max() < 2e-2 * np.abs(start - minimum).max()  # alpha = 1 as in the paper: rough, but stable


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.7])
def test_on_a_quadratic_every_step_is_the_stability_polynomial(alpha: float) -> None:
    problem, hessian, minimum, start = least_squares()
    sharpness = float(np.linalg.eigvalsh(hessian)[-1])
    steps = math.ceil(3.0 * sharpness / alpha)
    z = 3.0 / steps * hessian
    one = sum(np.linalg.matrix_power(-z, power) / math.factorial(power) for power in range(5))
    exact = minimum + np.linalg.matrix_power(np.asarray(one), steps) @ (start - minimum)
    assert (
        np.abs(flow(problem, torch.from_numpy(start), duration=3.0, sharpness=sharpness, alpha=alpha).numpy() - exact).max()
        < 1e-12
    )


def network_problem() -> Problem:
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(8, 3, generator=generator, dtype=DOUBLE), torch.randint(3, (8,), generator=generator)
    return Problem(build("fc-tanh-depth1-width4", inputs=(3,), outputs=3, seed=0, dtype=DOUBLE), cross_entropy, inputs, targets)


def scipys(problem: Problem, start: Tensor, duration: float) -> Tensor:
    found = scipy.integrate.solve_ivp(
        lambda _, weights: -problem.slope(torch.from_numpy(weights.copy())).gradient.numpy(),
        (0, duration),
        start.numpy(),
        method="DOP853",
        rtol=1e-13,
        atol=1e-13,
    )
    assert found.success
    return torch.from_numpy(found.y[:, -1].copy())


def test_on_a_network_the_error_falls_with_the_fourth_power_of_the_step() -> None:
    problem = network_problem()
    start = 2 * problem.weights()
    exact = scipys(problem, start, 8.0)
    errors = [
        (flow(problem, start, duration=8.0, sharpness=steps / 8, alpha=1.0) - exact).norm().item() for steps in (16, 32, 64, 128)
    ]
    assert all(15 < coarse / fine < 18 for coarse, fine in itertools.pairwise(errors))
    assert errors[-1] < 1e-7 * (exact - start).norm().item()


def test_gradient_descent_with_small_steps_follows_the_flow() -> None:
    problem = network_problem()
    start = problem.weights()
    exact = flow(problem, start, duration=2.0, sharpness=20.0)
    errors = []
    for steps in (50, 100, 200):
        *_, last = itertools.islice(descend(problem, GradientDescent(2.0 / steps), start), steps)
        errors.append((last.next_weights - exact).norm().item())
    assert all(1.9 < coarse / fine < 2.1 for coarse, fine in itertools.pairwise(errors))  # Euler's method is of first order


# --- stability --------------------------------------------------------------------------------------------------------


def test_the_bound_is_the_methods_own() -> None:
    roots = np.roots([1 / 24, -1 / 6, 1 / 2, -1, 0])  # amplification(z) = 1 away from z = 0: there it leaves (-1, 1)
    bound = max(root.real for root in roots if abs(root.imag) < 1e-12)
    assert abs(amplification(bound)) == pytest.approx(1, rel=1e-12)
    assert 0 < bound - STABLE < 1e-3


def test_steps_at_the_largest_alpha_contract_and_beyond_the_bound_grow() -> None:
    one = torch.ones(1, dtype=DOUBLE)
    alpha = 2.78125  # a binary fraction just below the bound: 500 steps of it are 500 steps
    contracted = flow(bowl(1.0), one, duration=500 * alpha, sharpness=1.0, alpha=alpha)
    assert contracted.item() == pytest.approx(amplification(alpha) ** 500, rel=1e-6)
    assert contracted.item() < 0.1
    # The same steps where the sharpness has grown past what the caller measured, so that step * curvature is 2.79:
    grown = flow(bowl(2.79), one, duration=500, sharpness=1.0, alpha=1.0)
    assert grown.item() == pytest.approx(amplification(2.79) ** 500, rel=1e-6)
    assert grown.item() > 10


@settings(deadline=None, max_examples=60)
@given(duration=st.floats(0.01, 50), curvature=st.floats(0.01, 4), alpha=st.floats(0.1, 2.78))
def test_steps_are_equal_and_no_longer_than_alpha_over_the_sharpness(duration: float, curvature: float, alpha: float) -> None:
    passes = 0

    def counting(outputs: Tensor, targets: Tensor) -> Tensor:
        nonlocal passes
        passes += 1
        return half_squared_error(outputs, targets)

    plain = bowl(curvature)
    problem = Problem(plain.module, counting, plain.inputs, plain.targets)
    end = flow(problem, torch.ones(1, dtype=DOUBLE), duration=duration, sharpness=curvature, alpha=alpha)
    steps, rest = divmod(passes, 4)
    assert rest == 0
    assert duration / steps <= alpha / curvature * (1 + 1e-12)
    assert steps == 1 or duration / (steps - 1) >= alpha / curvature * (1 - 1e-12)  # and no shorter than it must be
    assert end.item() == pytest.approx(amplification(duration / steps * curvature) ** steps, rel=1e-9)


@pytest.mark.parametrize("sharpness", [0.0, -3.0])
def test_a_sharpness_of_no_size_asks_for_one_step(sharpness: float) -> None:
    end = flow(bowl(1.0), torch.ones(1, dtype=DOUBLE), duration=0.5, sharpness=sharpness)
    assert end.item() == pytest.approx(amplification(0.5), rel=1e-14)


def test_the_start_is_left_as_it_was() -> None:
    start = torch.ones(1, dtype=DOUBLE)
    flow(bowl(1.0), start, duration=1.0, sharpness=1.0)
    assert start.item() == 1


# --- what it refuses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duration", [0.0, -1.0, math.nan])
def test_a_duration_is_above_zero(duration: float) -> None:
    with pytest.raises(ValueError, match=r"duration is above 0, got "):
        flow(bowl(1.0), torch.ones(1, dtype=DOUBLE), duration=duration, sharpness=1.0)


@pytest.mark.parametrize("alpha", [0.0, -1.0, STABLE, 3.0, math.nan])
def test_an_alpha_at_which_the_method_is_unstable_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match=r"alpha is between 0 and 2\.785, got "):
        flow(bowl(1.0), torch.ones(1, dtype=DOUBLE), duration=1.0, sharpness=1.0, alpha=alpha)
