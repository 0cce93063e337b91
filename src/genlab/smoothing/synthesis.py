"""Synthesis: images changed until a (smoothed) classifier sees another class in them, by targeted L2 ascent.

The method of Kaur, Cohen, Lipton 2019 (1910.08640), whose code and settings were never released: normalised steps within a ball.
Defaults are those of SmoothAdv's PGD (Salman et al. 2019, 1906.04584, code).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from genlab import chance
from genlab.smoothing.gradients import scored_gradient
from genlab.training.balls import check_images, inside, lengths, unit
from genlab.training.noise import gaussian

SPREAD = 1 / 20  # around grey, of images to begin with: the documentation of MadryLab's robustness, input-space manipulation


@dataclass(frozen=True, eq=False)
class Synthesis:
    """Images, and the way to them.

    Attributes:
        images: in the box [0, 1] and within ``radius`` of the start.
        distances: L2 distance of each from its start, in units of the images.
        scores: of the target before each step and, last, of ``images``: the estimator's score, in nats unless of logits or
            ``stein``, which is a probability. Estimates, from the noise of the gradients.
        random_steps: steps of each image that went a random way, because the gradient was zero.
        radius: of the ball.
        step_size: length of a step.
    """

    images: Float[Tensor, "image ..."]
    distances: Float[Tensor, " image"]
    scores: Float[Tensor, "moment image"]
    random_steps: Int[Tensor, " image"]
    radius: float
    step_size: float


def synthesize(
    model: nn.Module,
    start: Float[Tensor, "image ..."],
    targets: Int[Tensor, " image"],
    *,
    radius: float,
    steps: int,
    key: tuple[chance.Key, ...],
    sigma: float,
    n: int = 1,
    step_size: float | None = None,
    estimator: str = "soft",
    fresh: bool = True,
    antithetic: bool = False,
    rows: Sequence[int] | None = None,
    batch: int | None = None,
    channels_last: bool = True,
) -> Synthesis:
    """Ascent of the smoothed score of each image's target: steps of one length along the gradient, kept in ball and box.

    After each step an image is put back into the box [0, 1], then into the L2 ball around its start (SmoothAdv's order): it ends
    inside both. Where a gradient is zero the step goes a random way. The last image is what is returned, not the best.

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    >>> _ = nn.init.zeros_(model[1].weight)
    >>> _ = nn.init.ones_(model[1].weight[1])  # class 1: brighter
    >>> grey, brighter = torch.full((1, 1, 2, 2), 0.5), torch.tensor([1])
    >>> synthesize(model, grey, brighter, radius=0.5, steps=4, sigma=0.1, n=2, key=("example",)).images
    tensor([[[[0.7500, 0.7500],
              [0.7500, 0.7500]]]])

    Args:
        model: a classifier of images in [0, 1] that returns logits, in eval mode.
        start: in [0, 1]: images, or what ``seed_images`` draws, on the model's device.
        targets: the class that each image is to look like.
        radius: of the L2 ball, in units of the images; ``math.inf``: the box alone, then give ``step_size``.
        steps: how many.
        key: of noise and random steps.
        sigma: of the gradient's noise; 0: the plain gradient.
        n: noisy copies of an image in each step.
        step_size: length of a step. None: 2 radius / steps.
        estimator: see ``smoothed_gradient``.
        fresh: whether each step draws noise of its own; else all steps see the first one's.
        antithetic: see ``smoothed_gradient``.
        rows: the number of each image, which keys its noise. None: 0, 1, 2 and so on.
        batch: noisy copies in one pass; None: what suits the images and the device.
        channels_last: False for models that ``view`` what comes out of a convolution.

    Raises:
        ValueError: what ``smoothed_gradient`` refuses; a radius, a step size or a number of steps that is none.
    """
    check_images(start, "the images to start from")
    size = 2 * radius / steps if step_size is None and steps else step_size
    if steps < 1 or not radius > 0 or size is None or not (size > 0 and math.isfinite(size)):
        raise ValueError(
            f"synthesis wants at least 1 step, and a radius and a step size above 0, got steps={steps}, radius={radius} and "
            f"step_size={step_size}: name a finite step_size where the radius is infinite"
        )
    numbers = range(len(start)) if rows is None else rows
    images, scores = start.detach().clone(), []
    random_steps = torch.zeros(len(start), dtype=torch.long, device=start.device)
    for step in range(steps + 1):
        gradients, score = scored_gradient(
            model,
            images,
            targets,
            sigma=sigma,
            n=n,
            key=(*key, "step", step if fresh else 0),
            estimator=estimator,
            antithetic=antithetic,
            rows=numbers,
            batch=batch,
            channels_last=channels_last,
        )
        scores.append(score)
        if step < steps:
            directions, zero = unit(gradients, numbers, *key, step)
            random_steps += zero
            images = inside(images + size * directions, start, radius)
    return Synthesis(images, lengths(images - start), torch.stack(scores), random_steps, radius, size)


def seed_images(
    shape: Sequence[int],
    rows: Sequence[int],
    *,
    key: tuple[chance.Key, ...],
    spread: float = SPREAD,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "image ..."]:
    """Images to start from that show nothing: grey, 0.5, with normal noise of this standard deviation, cut to [0, 1].

    >>> seed_images((1, 1, 2), rows=range(1), key=("example",), spread=0)
    tensor([[[[0.5000, 0.5000]]]])

    Args:
        shape: of an image.
        rows: the number of each image, which keys what it draws.
        key: of the noise.
        spread: standard deviation; 0: plain grey.
        device: to draw on.

    Raises:
        ValueError: a spread below 0 or not finite.
    """
    if not (spread >= 0 and math.isfinite(spread)):
        raise ValueError(f"spread is a standard deviation, finite and not below 0, got {spread}")
    grey = torch.full((len(rows), *shape), 0.5, device=device)
    return grey if not spread else (grey + spread * gaussian(grey, rows, range(1), *key, "seed")[:, 0]).clamp(0, 1)
