"""Gaussian noise of images, keyed: a copy is the same however many are drawn, and however memory is cut.

Drawn in float32 on the images' device: a CPU and a GPU draw different numbers from one key. PyTorch's generator of the CPU takes
32 bits of a seed, so that of 100,000 draws about one pair is alike.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance

BLOCK = 64  # images of one seed: few seeds, and little drawn again where a pass ends within a block (our assumption)
GROUP = 16  # numbers that PyTorch's CPU makes together: whole groups are the same whatever follows them


def stream(shape: Sequence[int], span: range, device: torch.device, *key: chance.Key) -> Float[Tensor, "image ..."]:
    """Some of an endless row of images of standard normal noise, float32: image 7 is the same among 20 as among 100.

    >>> noise = stream((2, 3), range(100), torch.device("cpu"), "example", 0)
    >>> torch.equal(stream((2, 3), range(60, 71), torch.device("cpu"), "example", 0), noise[60:71])
    True

    Args:
        shape: of an image.
        span: which of them, one after the other.
        device: to draw on.
        key: of the row.
    """
    size = math.prod(shape)
    padded = -(-size // GROUP) * GROUP
    generator = torch.Generator(device)
    parts = []
    for block in range(span.start // BLOCK, -(-span.stop // BLOCK)):
        start = block * BLOCK
        first, last = max(span.start - start, 0), min(span.stop - start, BLOCK)
        generator.manual_seed(chance.number("gaussian", *key, block))
        drawn = torch.randn((last if device.type == "cpu" else BLOCK, padded), generator=generator, device=device)
        parts.append(drawn[first:last, :size])
    return torch.cat(parts).view(len(span), *shape) if parts else torch.empty((0, *shape), device=device)


def gaussian(
    images: Float[Tensor, "image ..."], rows: Sequence[int], copies: range, *key: chance.Key
) -> Float[Tensor, "image copy ..."]:
    """Standard normal noise for some copies of each image: an image has the same in any batch.

    >>> ours, others = torch.zeros(2, 3), torch.zeros(1, 3)
    >>> torch.equal(gaussian(ours, [4, 9], range(3), "noise")[1, 2:], gaussian(others, [9], range(2, 3), "noise")[0])
    True

    Args:
        images: whose shape, dtype and device the noise has.
        rows: the number of each image, which keys its noise with ``key``.
        copies: which copies of each.
        key: of all.
    """
    found = images.new_empty((len(images), len(copies), *images.shape[1:]))
    for place, row in enumerate(rows):
        found[place] = stream(images.shape[1:], copies, images.device, *key, int(row))
    return found
