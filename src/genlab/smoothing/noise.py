"""Gaussian noise in blocks, each a function of its key and its number, however many are drawn and in whatever passes.

A block is always drawn whole. On a CPU its normals are Box and Muller's of 32-bit words of SFC64: vectorised, they cost two
thirds of what PyTorch's serial generator takes (measured: docs/log.md). Elsewhere PyTorch's generator of the device draws them.
So the noise is the same whatever the batch size, the number of threads and the place in a run; a CPU's is not a GPU's.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance

FEWEST, MOST, NUMBERS = 128, 1024, 2**18  # of a block: copies, and about how many numbers (our assumption)
SCHEME = 1  # raised when the same key comes to mean other noise; stands beside every file of certificates


def copies(shape: tuple[int, ...]) -> int:
    """How many noisy copies of an image of this shape a block holds: a power of two.

    >>> copies((1, 8, 8)), copies((3, 32, 32)), copies((3, 224, 224))
    (1024, 128, 128)
    """
    return min(MOST, max(FEWEST, 1 << int(math.log2(NUMBERS / math.prod(shape)))))


def blocks(
    key: Sequence[chance.Key], first: int, count: int, shape: tuple[int, ...], device: torch.device
) -> Float[Tensor, "copies ..."]:
    """Standard normal noise for ``count`` blocks of copies from block ``first`` on, float32.

    Images (channels, height, width) come in channels-last memory, which is the order they are drawn in.

    Args:
        key: which noise.
        first: number of the first block.
        count: how many blocks, each of ``copies(shape)``.
        shape: of one image.
        device: where to draw.
    """
    size = math.prod(shape)
    drawn = torch.empty(count, copies(shape) * size, device=device, dtype=torch.float32)
    for number, block in enumerate(drawn, start=first):
        _draw(block, chance.number("noise", *key, number))
    if len(shape) != 3:
        return drawn.view(-1, *shape)
    channels, height, width = shape
    return drawn.view(-1, height, width, channels).permute(0, 3, 1, 2)


def _draw(block: Tensor, seed: int) -> None:
    """Fill a flat tensor with standard normals."""
    if block.device.type != "cpu":
        block.normal_(generator=torch.Generator(block.device).manual_seed(seed))
        return
    pairs = block.numel() // 2  # a block's copies are even in number, so every number has its partner
    words = np.random.SFC64(seed).random_raw(pairs).view(np.int32)
    first, second = torch.from_numpy(words[:pairs]), torch.from_numpy(words[pairs:])
    radius, angle = block[:pairs], block[pairs:]
    # (m + 1/2) / 2^31 for 31 bits m: above 0, so that the logarithm is finite, and at most 1 after rounding
    radius.copy_(first.bitwise_and_(0x7FFFFFFF)).add_(0.5).mul_(2.0**-31).clamp_(max=1.0).log_().mul_(-2.0).sqrt_()
    angle.copy_(second).mul_(math.pi * 2.0**-31)  # -pi to pi
    sines = angle.sin().mul_(radius)
    radius.mul_(angle.cos_())
    angle.copy_(sines)
