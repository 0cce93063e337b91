"""Gaussian noise of a batch's images, by which a network learns to be smoothed (Cohen, Rosenfeld, Kolter 2019, 1902.02918)."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.training.balls import check_images
from genlab.training.noise import stream
from genlab.training.problem import Inputs, Problem, Slope


@dataclass(frozen=True)
class GaussianNoise:
    """The gradient at the batch's images with noise N(0, sigma^2), drawn anew at every step.

    Images are in [0, 1] and the noisy ones are not cut: sigma is in units of the images, and what normalises them is the model's
    first layer. With several copies it is the mean gradient of as many noisy batches, each a batch of its own for batch norm.
    Loss and accuracy reported are those of the noisy images, at the weights: plain ones would cost a pass.

    The noise of the batch's i-th example depends on (seed, step, i, copy), whatever the physical batch.

    >>> from genlab.training.losses import half_squared_error
    >>> x = torch.full((1, 1), 0.5)
    >>> problem = Problem(torch.nn.Linear(1, 1, bias=False), half_squared_error, x, x)
    >>> GaussianNoise(sigma=0.0)(problem, torch.zeros(1)).gradient  # (w - 1) x^2
    tensor([-0.2500])

    Attributes:
        sigma: standard deviation of the noise, in units of the images; 0 is the plain gradient, bit for bit.
        seed: of the noise.
        copies: noisy images of each image.

    Raises:
        ValueError: a sigma below 0 or not finite, or copies below 1; when called, inputs that are no images in [0, 1].
    """

    sigma: float
    seed: int = 0
    copies: int = 1

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        if self.copies < 1:
            raise ValueError(f"an image has at least 1 noisy copy, got copies={self.copies}")

    @property
    def off(self) -> bool:
        """Whether it is the plain gradient."""
        return not self.sigma

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope:
        if self.off:
            return problem.slope(weights)
        images = images_of(problem)
        return mean_slope(problem, weights, self.copies, lambda copy: images + self.sigma * noise(images, copy, self.seed, step))


def noise(images: Tensor, copy: int, seed: int, step: int, first: int = 0) -> Tensor:
    """Standard normal noise of one copy of a step's images, of which ``images`` are those from place ``first`` on."""
    span = range(first, first + len(images))
    return stream(images.shape[1:], span, images.device, "noise", seed, step, copy).to(images.dtype)


def mean_slope(problem: Problem, weights: Tensor, copies: int, images: Callable[[int], Tensor]) -> Slope:
    """The mean of the slopes of a problem whose images are replaced, copy by copy."""
    found = [with_images(problem, images(copy)).slope(weights) for copy in range(copies)]
    if len(found) == 1:
        return found[0]
    right = [each.accuracy for each in found if each.accuracy is not None]
    gradient = torch.stack([each.gradient for each in found]).mean(dim=0)
    loss = math.fsum(each.loss for each in found) / copies
    return Slope(loss, math.fsum(right) / copies if right else None, gradient)


def with_images(problem: Problem, images: Tensor) -> Problem:
    """The same problem over other images in the places of its own; the module is shared."""
    seen = copy.copy(problem)  # replace() would look through the module again at every step
    object.__setattr__(seen, "inputs", as_inputs(problem, images))
    return seen


def as_inputs(problem: Problem, images: Tensor) -> Inputs:
    """Images as the problem's module takes them: as they are, or by the name of its one input."""
    return images if isinstance(problem.inputs, Tensor) else dict.fromkeys(problem.inputs, images)


def images_of(problem: Problem) -> Tensor:
    """The problem's images: its inputs, or the one tensor of a mapping, such as ``pixel_values``.

    Raises:
        ValueError: a mapping of several inputs, or values outside [0, 1].
    """
    rows = [problem.inputs] if isinstance(problem.inputs, Tensor) else list(problem.inputs.values())
    if len(rows) > 1:
        assert not isinstance(problem.inputs, Tensor)
        raise ValueError(f"noise and attacks want one tensor of images, got a mapping of {', '.join(problem.inputs)}")
    check_images(rows[0])
    return rows[0]


def check_sigma(sigma: float) -> None:
    """Refuse a standard deviation that is none.

    Raises:
        ValueError: below 0 or not finite.
    """
    if not (sigma >= 0 and math.isfinite(sigma)):
        raise ValueError(f"sigma is the noise's standard deviation, finite and not below 0, got {sigma}")
