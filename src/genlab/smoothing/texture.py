"""How a change of an image looks: its share of high frequencies, and its total variation. Grain is high in both."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

CUT = 0.5  # of Nyquist's frequency, 0.5 cycles a pixel: what is above takes fewer than 4 pixels a cycle (our assumption)


def high_frequency_share(changes: Float[Tensor, "image channel height width"], *, cut: float = CUT) -> Float[Tensor, " image"]:
    """The share of each change's energy above a frequency, over all channels; NaN of no change.

    The frequency of a term of the two-dimensional Fourier transform is sqrt(u^2 + v^2) in cycles a pixel, and high above
    ``cut`` times 0.5. The mean of the change counts as low. White noise has ``white_share``, by which to read it.

    >>> checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(2, 2)[None, None]
    >>> high_frequency_share(checks), high_frequency_share(torch.ones(1, 1, 4, 4))
    (tensor([1.]), tensor([0.]))

    Raises:
        ValueError: no images, or a cut not above 0.
    """
    _check(changes, "high_frequency_share")
    if not cut > 0:
        raise ValueError(f"the cut is a share of Nyquist's frequency above 0, got {cut}")
    energy = torch.fft.fft2(changes if changes.dtype == torch.float64 else changes.float()).abs().square().sum(dim=1)
    high = _high(changes.shape[2], changes.shape[3], cut).to(changes.device)
    share: Tensor = (energy * high).sum(dim=(1, 2)) / energy.sum(dim=(1, 2))
    return share


def white_share(height: int, width: int, *, cut: float = CUT) -> float:
    """The expected share of white noise in images of this size: that of the Fourier terms above the cut.

    >>> white_share(32, 32)
    0.80...
    """
    return float(_high(height, width, cut).double().mean())


def total_variation(images: Float[Tensor, "image channel height width"]) -> Float[Tensor, " image"]:
    """The sum of absolute differences of vertical and of horizontal neighbours, over all channels (the anisotropic form).

    >>> total_variation(torch.tensor([[[[0.0, 1.0], [0.0, 3.0]]]]))
    tensor([6.])

    Raises:
        ValueError: no images.
    """
    _check(images, "total_variation")
    return sum((images.diff(dim=dim).abs().sum(dim=(1, 2, 3)) for dim in (2, 3)), images.new_zeros(len(images)))


def relative_variation(changes: Float[Tensor, "image channel height width"]) -> Float[Tensor, " image"]:
    """Total variation of each change over the sum of its absolute values: whatever its size, and NaN of no change.

    White Gaussian noise in large images has 2 sqrt(2), stripes of one pixel about 2, a checkerboard about 4, and a flat patch
    its border over its area.

    Raises:
        ValueError: no images.
    """
    return total_variation(changes) / changes.abs().sum(dim=(1, 2, 3))


def _high(height: int, width: int, cut: float) -> Bool[Tensor, "height width"]:
    down, right = torch.fft.fftfreq(height, dtype=torch.float64), torch.fft.fftfreq(width, dtype=torch.float64)
    high: Tensor = (down[:, None].square() + right.square()).sqrt() > cut * 0.5
    return high


def _check(images: Tensor, name: str) -> None:
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(f"{name} wants images (image, channel, height, width), got {images.dtype} {tuple(images.shape)}")
