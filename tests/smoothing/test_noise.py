"""Keyed noise: normal, and a function of key and block alone."""

import numpy as np
import pytest
import torch
from scipy import stats

from genlab.smoothing import noise

CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 8, 8), (5,)])
def test_a_block_is_the_same_alone_and_among_others(shape: tuple[int, ...]) -> None:
    each = noise.copies(shape)
    together = noise.blocks(("a", 1), 2, 3, shape, CPU)
    assert together.shape == (3 * each, *shape)
    for place in range(3):
        alone = noise.blocks(("a", 1), 2 + place, 1, shape, CPU)
        assert torch.equal(alone, together[place * each : (place + 1) * each])
    assert not torch.equal(together[:each], noise.blocks(("a", 2), 2, 1, shape, CPU))


def test_the_number_of_threads_changes_nothing() -> None:
    threads = torch.get_num_threads()
    one = noise.blocks((0,), 0, 1, (3, 32, 32), CPU)
    try:
        torch.set_num_threads(2 if threads == 1 else 1)
        other = noise.blocks((0,), 0, 1, (3, 32, 32), CPU)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(one, other)


def test_images_lie_channels_last() -> None:
    drawn = noise.blocks((0,), 0, 1, (3, 8, 8), CPU)
    assert drawn.is_contiguous(memory_format=torch.channels_last)
    assert drawn.dtype == torch.float32


def test_it_is_standard_normal_and_independent() -> None:
    drawn = noise.blocks(("law",), 0, 4, (3, 32, 32), CPU).double()
    flat = drawn.flatten().numpy()
    n = flat.size
    assert stats.kstest(flat[:200_000], "norm").pvalue > 0.001
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3), (6, 15)):
        spread = {1: 1, 2: 2, 3: 15, 4: 96, 6: 10170}[power] ** 0.5  # of x^power, from the moments of a normal
        assert abs(np.mean(flat**power) - moment) < 4 * spread / n**0.5
    assert 4.5 < np.abs(flat).max() < 6.7  # of 1.5 million; 32 bits reach 6.66
    copies = drawn.reshape(len(drawn), -1).numpy()
    found = np.corrcoef(copies[:200])
    assert np.abs(found - np.eye(200)).max() < 5.5 / copies.shape[1] ** 0.5
    half = n // 8  # the two numbers of a pair lie half a block apart
    assert abs(np.mean(flat[:half] ** 2 * flat[half : 2 * half] ** 2) - 1) < 4 * (8 / half) ** 0.5
