"""Synthesis against its closed form on linear classifiers, and its laws: inside ball and box, the same in any batch."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.smoothing.classifiers import DOUBLE, convolutional, images, linear, weight
from torch import nn

from genlab.smoothing.synthesis import seed_images, synthesize
from genlab.training.balls import inside, lengths, unit

KEY = ("test",)
PIXELS = (3, 2, 2)


@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_a_linear_classifier_of_two_classes_is_climbed_straight_to_the_border_of_the_ball(sigma: float) -> None:
    model, start = linear(classes=2), torch.full((2, *PIXELS), 0.5, dtype=DOUBLE)
    targets = torch.tensor([1, 0])
    way = (weight(model)[1] - weight(model)[0]).detach()
    way = way / way.norm()
    found = synthesize(model, start, targets, radius=0.4, steps=10, sigma=sigma, n=3, key=KEY)
    expected = start + 0.4 * torch.stack([way, -way]).view_as(start)
    assert torch.allclose(found.images, expected, rtol=1e-12)
    assert torch.allclose(found.distances, torch.full((2,), 0.4, dtype=DOUBLE), rtol=1e-12)
    assert found.step_size == pytest.approx(0.08)
    assert found.scores.shape == (11, 2)
    assert not found.random_steps.any()
    if not sigma:  # after five steps of 0.08 it is there
        assert torch.allclose(found.scores[-1], found.scores[5], rtol=1e-12)
        assert torch.allclose(found.scores[-1], model(expected).log_softmax(1)[[0, 1], targets].detach(), rtol=1e-12)
        assert (found.scores[1:6] > found.scores[:5]).all()


@settings(max_examples=30, deadline=None)
@given(radius=st.floats(1e-3, 20), reach=st.floats(0, 50), seed=st.integers(0, 99), single=st.booleans())
def test_what_comes_back_is_inside_box_and_ball(radius: float, reach: float, seed: int, single: bool) -> None:
    dtype = torch.float32 if single else DOUBLE
    centres = images(4, PIXELS, seed=seed, dtype=dtype).round(decimals=1)
    changed = centres + reach * torch.randn(centres.shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    found = inside(changed, centres, radius)
    assert ((found >= 0) & (found <= 1)).all()
    assert (lengths(found - centres) <= radius + 10 * torch.finfo(dtype).eps).all()
    assert torch.allclose(inside(found, centres, radius), found, rtol=1e-5)
    untouched = inside(centres, centres, radius)
    assert torch.allclose(untouched, centres, rtol=1e-6)


def test_an_image_is_the_same_in_any_batch_and_with_any_memory() -> None:
    model, start, targets = convolutional(), images(4), torch.tensor([0, 1, 2, 3])
    asked = {"radius": 1.0, "steps": 4, "sigma": 0.2, "n": 5, "key": KEY}
    whole = synthesize(model, start, targets, **asked)  # type: ignore[arg-type]
    some = synthesize(model, start[[3, 1]], targets[[3, 1]], rows=[3, 1], batch=2, **asked)  # type: ignore[arg-type]
    assert torch.allclose(some.images, whole.images[[3, 1]], rtol=1e-9)
    assert torch.allclose(some.scores, whole.scores[:, [3, 1]], rtol=1e-9)
    assert (whole.scores[-1] > whole.scores[0]).all()


def test_fresh_noise_is_another_way_than_that_of_the_first_step() -> None:
    model, start, targets = convolutional(), images(2), torch.tensor([0, 1])
    asked = {"radius": 1.0, "steps": 3, "sigma": 0.5, "n": 2, "key": KEY}
    fresh, fixed = (synthesize(model, start, targets, fresh=each, **asked) for each in (True, False))  # type: ignore[arg-type]
    assert torch.equal(fresh.scores[0], fixed.scores[0])
    assert not torch.allclose(fresh.scores[1], fixed.scores[1])


def test_where_the_gradient_is_zero_the_step_goes_a_random_way_of_its_length() -> None:
    model = linear()
    nn.init.zeros_(weight(model))
    start = torch.full((3, *PIXELS), 0.5, dtype=DOUBLE)
    found = synthesize(model, start, torch.tensor([0, 1, 2]), radius=1.0, steps=1, step_size=0.1, sigma=0.1, n=2, key=KEY)
    assert found.random_steps.tolist() == [1, 1, 1]
    assert torch.allclose(found.distances, torch.full((3,), 0.1, dtype=DOUBLE), rtol=1e-12)
    assert not torch.allclose(found.images[0], found.images[1])


def test_a_tiny_gradient_keeps_its_direction() -> None:
    directions, zero = unit(torch.tensor([[3e-30, 4e-30], [0.0, 0.0], [3e30, 4e30]]), range(3), "test")
    assert torch.allclose(directions[[0, 2]], torch.tensor([[0.6, 0.8], [0.6, 0.8]]))
    assert zero.tolist() == [False, True, False]
    assert float(directions[1].norm()) == pytest.approx(1)
    with pytest.raises(ValueError, match="NaN or infinite"):
        unit(torch.tensor([[math.nan, 1.0]]), [0])


def test_seed_images_are_keyed_and_grey_without_spread() -> None:
    drawn = seed_images(PIXELS, range(50), key=KEY)
    assert torch.equal(seed_images(PIXELS, [7], key=KEY)[0], drawn[7])
    assert float(drawn.std()) == pytest.approx(0.05, rel=0.1)
    assert (seed_images(PIXELS, range(2), key=KEY, spread=0) == 0.5).all()
    wide = seed_images(PIXELS, range(50), key=KEY, spread=2)
    assert float(wide.min()) == 0
    assert float(wide.max()) == 1


def test_without_a_ball_the_box_is_left() -> None:
    model, start = linear(classes=2), torch.full((1, *PIXELS), 0.5, dtype=DOUBLE)
    found = synthesize(model, start, torch.tensor([1]), radius=math.inf, steps=200, step_size=1.0, sigma=0, key=KEY)
    corner = (weight(model)[1] > weight(model)[0]).to(DOUBLE).view_as(start)
    assert torch.equal(found.images, corner)


@pytest.mark.parametrize(
    "change", [{"steps": 0}, {"radius": 0.0}, {"radius": math.nan}, {"radius": math.inf}, {"step_size": 0.0}], ids=str
)
def test_nonsense_is_refused(change: dict[str, float]) -> None:
    asked = {"radius": 1.0, "steps": 3, "sigma": 0.1, "key": KEY}
    with pytest.raises(ValueError, match="synthesis wants at least 1 step"):
        synthesize(linear(), images(1, PIXELS), torch.tensor([0]), **(asked | change))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the images to start from have values in"):
        synthesize(linear(), -images(1, PIXELS), torch.tensor([0]), **asked)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="spread is a standard deviation"):
        seed_images(PIXELS, [0], key=KEY, spread=-1)
