"""SAM's edge: its defining equation, its limits, SAM itself on a quadratic."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.probes.sam_edge import sam_edge

POSITIVE = st.floats(1e-6, 1e6)


@given(step_size=POSITIVE, gradient_norm=POSITIVE, radius=POSITIVE)
def test_it_solves_the_equation_that_defines_it(step_size: float, gradient_norm: float, radius: float) -> None:
    edge = sam_edge(step_size, gradient_norm, radius)
    assert step_size * edge * (1 + radius * edge / gradient_norm) == pytest.approx(2, rel=1e-12)
    assert edge < 2 / step_size or radius / gradient_norm < 1e-10 * step_size


@given(step_size=POSITIVE, gradient_norm=st.floats(1e-3, 1e3), radius=st.floats(1e-3, 1e3))
def test_it_is_the_closed_form_where_that_does_not_cancel(step_size: float, gradient_norm: float, radius: float) -> None:
    root = math.sqrt(1 + 8 * radius / (step_size * gradient_norm))
    form = gradient_norm / (2 * radius) * (root - 1)
    rounding = 1e-15 * root / (root - 1) if root > 1 else math.inf
    assert sam_edge(step_size, gradient_norm, radius) == pytest.approx(form, rel=1e-12 + 10 * rounding)


@pytest.mark.parametrize("step_size", [0.3, 1e-300, 1e300])
def test_without_a_radius_it_is_gradient_descents(step_size: float) -> None:
    assert sam_edge(step_size, 1.0, 0.0) == 2 / step_size
    assert sam_edge(step_size, 0.0, 0.0) == 2 / step_size


@pytest.mark.parametrize("radius", [1e-8, 1e-12, 1e-16, 1e-300])
def test_it_goes_over_into_gradient_descents_without_a_jump(radius: float) -> None:
    first_order = 2 / 0.5 * (1 - 2 * radius / 0.5)  # 2 / eta - 4 rho / (eta^2 |g|), at |g| = 1
    assert sam_edge(0.5, 1.0, radius) == pytest.approx(first_order, rel=1e-14)


def test_it_falls_with_the_gradient() -> None:
    edges = [sam_edge(0.05, norm, 0.1) for norm in (math.inf, 1e3, 1.0, 1e-3, 1e-300, 0.0)]
    assert edges == sorted(edges, reverse=True)
    assert (edges[0], edges[-1]) == (40, 0)
    assert math.isnan(sam_edge(0.05, math.nan, 0.1))


@pytest.mark.parametrize("side", [0.999, 1.001])
def test_sam_on_a_parabola_shrinks_below_it_and_grows_above(side: float) -> None:
    """With L = a w^2 / 2 and rho scaled so that the ascent is rho g / |g| at every w, one step is exact at that w."""
    step_size, radius, curvature = 0.1, 0.2, 5.0
    # At |g| = a |w| the edge equals a where eta a (1 + rho / |w|) = 2.
    w = radius / (2 / (step_size * curvature) - 1) / side
    assert (sam_edge(step_size, curvature * w, radius) > curvature) == (side < 1)
    after = w - step_size * curvature * (w + radius * math.copysign(1, w))
    assert (abs(after) < w) == (side < 1)


@pytest.mark.parametrize(
    "given", [(0, 1, 1), (-1, 1, 1), (math.nan, 1, 1), (math.inf, 1, 1), (1, -1, 1), (1, 1, -1), (1, 1, math.nan)]
)
def test_what_makes_no_step_is_refused(given: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="finite step size > 0 and radius >= 0, and a gradient norm >= 0, got"):
        sam_edge(*given)
