"""L2 balls of images inside the box [0, 1]: a step of unit length, and the way back into both.

The order is that of SmoothAdv's PGD (Salman et al. 2019, 1906.04584, code): first the box, then the ball. The centre lies in the
box, so that the way from it to any image of the box does too: shrinking the change leaves the box nowhere, and what comes back is
inside both. It is not the nearest point of both, which neither order finds.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance
from genlab.training.noise import gaussian


def lengths(changes: Float[Tensor, "image ..."]) -> Float[Tensor, " image"]:
    """L2 norm of each image's change, in units of the images: black to white is 1 a pixel and channel."""
    found: Tensor = torch.linalg.vector_norm(changes.flatten(1), dim=1)
    return found


def unit(
    gradients: Float[Tensor, "image ..."], rows: Sequence[int], *key: chance.Key
) -> tuple[Float[Tensor, "image ..."], Tensor]:
    """Each gradient at length 1, and which were zero: those take a random direction, keyed by image.

    SmoothAdv's code takes a random direction there as well, at the length of a standard normal draw instead of 1.

    >>> unit(torch.tensor([[3.0, 4.0]]), [0])[0]
    tensor([[0.6000, 0.8000]])

    Raises:
        ValueError: a gradient that is not finite.
    """
    largest = gradients.flatten(1).abs().amax(dim=1)  # divided out first: the square of a tiny gradient is none in float32
    if not torch.isfinite(largest).all():
        raise ValueError("a gradient of the images is NaN or infinite: the model's outputs blow up on these images")
    zero = largest == 0
    scaled = gradients / along(torch.where(zero, torch.ones_like(largest), largest), gradients)
    for place in torch.nonzero(zero).flatten().tolist():
        scaled[place] = gaussian(gradients[place : place + 1], [rows[place]], range(1), "no gradient", *key)[0, 0]
    return scaled / along(lengths(scaled), scaled), zero


def inside(
    changed: Float[Tensor, "image ..."], centres: Float[Tensor, "image ..."], radius: float | Tensor
) -> Float[Tensor, "image ..."]:
    """Changed images brought back into the box [0, 1], and then into the ball of this radius around each centre.

    >>> inside(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]]), 0.5)
    tensor([[0.5000, 0.0000]])
    """
    changes = changed.clamp(0, 1) - centres
    norms = lengths(changes)
    radii = torch.as_tensor(radius, dtype=norms.dtype, device=norms.device).expand_as(norms)
    share = torch.where(norms > radii, radii / norms, torch.ones_like(norms))
    return (centres + changes * along(share, changes)).clamp(0, 1)  # against rounding


def along(values: Float[Tensor, " image"], images: Float[Tensor, "image ..."]) -> Tensor:
    """One value an image, shaped to multiply images."""
    return values.view(-1, *(1 for _ in images.shape[1:]))


def check_images(images: Tensor, what: str = "images") -> None:
    """Refuse what does not hold images in [0, 1].

    Raises:
        ValueError: whole numbers, values outside [0, 1], or NaN.
    """
    if not images.is_floating_point() or images.ndim < 2:
        raise ValueError(
            f"{what} are real numbers in [0, 1], one row an image, got {images.dtype} of shape {tuple(images.shape)}: "
            "divide bytes by 255"
        )
    low, high = (float(each) for each in torch.aminmax(images.detach())) if images.numel() else (0.0, 1.0)
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"{what} have values in [0, 1], got {low:.4g} to {high:.4g}: noise and radii are in these units. "
            "Normalise inside the model (genlab.Normalised as its first layer), and load data by names with -pixels"
        )
