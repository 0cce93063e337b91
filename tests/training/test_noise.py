"""Keyed noise: standard normal, and the same copy by copy whatever is drawn beside it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab.training.noise import gaussian, stream

CPU = torch.device("cpu")


@settings(max_examples=40, deadline=None)
@given(first=st.integers(0, 150), count=st.integers(0, 90), size=st.integers(1, 50))
def test_a_span_is_cut_out_of_one_endless_row(first: int, count: int, size: int) -> None:
    whole = stream((size,), range(250), CPU, "a")
    assert torch.equal(stream((size,), range(first, first + count), CPU, "a"), whole[first : first + count])


def test_an_image_has_the_same_noise_in_any_batch_and_precision() -> None:
    images = torch.zeros(5, 3, 4, 5)
    drawn = gaussian(images, range(5), range(19), "a")
    assert torch.equal(gaussian(images, range(5), range(7), "a"), drawn[:, :7])
    assert torch.equal(gaussian(images[3:4], [3], range(6, 17), "a")[0], drawn[3, 6:17])
    for dtype in (torch.float64, torch.bfloat16):
        assert torch.equal(gaussian(images.to(dtype), range(5), range(19), "a"), drawn.to(dtype))


def test_noise_is_standard_normal_and_differs_by_image_copy_and_key() -> None:
    zeros = torch.zeros(40, 25)
    drawn = gaussian(zeros, range(40), range(40), "a")
    flat = drawn.flatten(0, 1)
    assert abs(float(drawn.mean())) < 5 / math.sqrt(drawn.numel())
    assert float(drawn.var()) == pytest.approx(1, abs=5 * math.sqrt(2 / drawn.numel()))
    correlations = torch.corrcoef(flat)[~torch.eye(len(flat), dtype=torch.bool)]
    assert float(correlations.square().mean()) == pytest.approx(1 / 24, rel=0.02)  # of independent rows
    assert not torch.equal(drawn, gaussian(zeros, range(40), range(40), "b"))
