"""Gaussian noise of images, keyed: an image's copies are the same whatever batch it is in, and however memory is cut.

Drawn on the images' device: a CPU and a GPU draw different numbers from one key.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance
from genlab.training.exactness import HALVES

BLOCK = 8  # copies of one draw: few calls, and little drawn in vain where one copy is asked for (our assumption)


def gaussian(
    images: Float[Tensor, "image ..."], rows: Sequence[int], copies: range, *key: chance.Key
) -> Float[Tensor, "image copy ..."]:
    """Standard normal noise for some copies of each image: copy 7 is the same among 20 as among 100.

    >>> ours, others = torch.zeros(2, 3), torch.zeros(1, 3)
    >>> torch.equal(gaussian(ours, [4, 9], range(3), "noise")[1, 2:], gaussian(others, [9], range(2, 3), "noise")[0])
    True

    Args:
        images: whose shape, dtype and device the noise has. Half precision is rounded from float32.
        rows: the number of each image, which keys its noise with ``key``.
        copies: which copies of each.
        key: of all.
    """
    shape, dtype = images.shape[1:], torch.float32 if images.dtype in HALVES else images.dtype
    generator = torch.Generator(images.device)
    found = images.new_empty((len(images), len(copies), *shape))
    for place, row in enumerate(rows):
        for block in range(copies.start // BLOCK, -(-copies.stop // BLOCK)):
            generator.manual_seed(chance.number("gaussian", *key, int(row), block))
            drawn = torch.randn((BLOCK, *shape), generator=generator, dtype=dtype, device=images.device)
            first, last = max(copies.start, block * BLOCK), min(copies.stop, (block + 1) * BLOCK)
            found[place, first - copies.start : last - copies.start] = drawn[first - block * BLOCK : last - block * BLOCK]
    return found
