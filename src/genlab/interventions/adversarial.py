"""Adversarial training: the gradient at images that an L2 attack has changed, of the network or of the smoothed network."""

import functools
import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from genlab import chance
from genlab.interventions.attacks import Attack, Uphill, attacked, ddn, pgd
from genlab.interventions.noise import check_sigma, images_of, mean_slope, noise, with_images
from genlab.training.balls import inside, unit
from genlab.training.problem import Problem, Slope


@dataclass(frozen=True)
class AdversarialTraining:
    """The gradient at adversarial images: PGD within an L2 ball around each (Madry et al. 2018, 1706.06083).

    Each step of the attack goes ``step_size`` along the unit gradient of the problem's loss by the image, then back into the box
    [0, 1] and into the ball; the last image is taken. Images are in [0, 1]. The attack is made in eval mode, the step in the
    module's own. Loss and accuracy reported are those of the adversarial images, at the weights.

    What is drawn depends on (seed, step, place in the batch), whatever the physical batch.

    >>> from genlab.training.losses import half_squared_error
    >>> x = torch.full((1, 2), 0.5)
    >>> problem = Problem(torch.nn.Linear(2, 1, bias=False), half_squared_error, x, x[:, :1])
    >>> AdversarialTraining(radius=0.1, steps=4)(problem, torch.tensor([3.0, 4.0])).loss  # (w x + 0.1 |w| - 0.5)^2 / 2
    6.125

    Attributes:
        radius: of the ball, in units of the images; 0 is the plain gradient, bit for bit.
        steps: of the attack.
        step_size: length of one. None: 2 radius / steps, SmoothAdv's (Salman et al. 2019, code).
        random_start: whether to start at a random place of the sphere (in the box) instead of at the image.
        warmup: steps of training over which the radius rises evenly to its own; 0: none.
        seed: of random starts, and of steps where a gradient is zero.

    Raises:
        ValueError: a radius below 0, no steps, a step size not above 0, a warm-up below 0; when called, inputs that are no images
            in [0, 1], or batch norm without running averages. Gradients that are not finite make the step NaN: it diverged.
    """

    radius: float
    steps: int
    step_size: float | None = None
    random_start: bool = False
    warmup: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self.radius, self.steps, self.step_size, self.warmup)

    @property
    def off(self) -> bool:
        """Whether it is the plain gradient."""
        return not self.radius

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope:
        if self.off:
            return problem.slope(weights)
        return with_images(problem, self.images(problem, weights, step)).slope(weights)

    def images(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Float[Tensor, "image ..."]:
        """The adversarial images that a step is made at."""
        images, radius = images_of(problem), warmed(self.radius, self.warmup, step)

        def attack(uphill: Uphill, images: Tensor, rows: range, radius: float, *key: chance.Key) -> Tensor:
            start = None
            if self.random_start:
                directions, _ = unit(torch.zeros_like(images), rows, "start", *key)
                start = inside(images + radius * directions, images, radius)
            size = 2 * radius / self.steps if self.step_size is None else self.step_size
            return pgd(uphill, images, rows, radius, *key, steps=self.steps, step_size=size, start=start)

        losses = functools.partial(_own_loss, problem)
        return attacked(problem, weights, images, attack, losses, radius, self.seed, step)


@dataclass(frozen=True)
class SmoothAdv:
    """The gradient at noisy copies of images that fool the smoothed network (SmoothAdv: Salman et al. 2019, 1906.04584).

    One change of each image is sought for all its copies: the noise is drawn once a step and stays while the attack climbs the
    soft plug-in loss -log (1/m) sum_i softmax_y(x + change + e_i). The step's gradient is the mean of those at x + change + e_i,
    of the problem's loss, over the m copies; each copy of the batch is a batch of its own for batch norm. (Their code makes a
    step of the optimizer for each part of the batch.) Images are in [0, 1], and x + change too; noisy copies are not cut. The
    attack is made in eval mode. Loss and accuracy reported are those of the noisy adversarial images.

    The noise is that of ``GaussianNoise`` with the same seed, which this is at radius 0.

    Attributes:
        sigma: standard deviation of the noise, in units of the images.
        radius: of the ball; with sigma 0, too, it is the plain gradient, bit for bit.
        steps: of the attack.
        vectors: m, noisy copies of an image. 1, 2, 4 and 8 in the paper's code.
        attack: "pgd", or "ddn": the smallest change found that fools the majority of copies, cut to the radius.
        step_size: of PGD. None: 2 radius / steps.
        warmup: steps of training over which the radius rises evenly to its own (their code: epochs); 0: none.
        seed: of the noise, and of steps where a gradient is zero.

    Raises:
        ValueError: a sigma or radius below 0, no steps, no copies, another attack, a step size for DDN; when called, inputs that
            are no images in [0, 1], targets that are no class labels, or batch norm without running averages.
    """

    sigma: float
    radius: float
    steps: int
    vectors: int = 1
    attack: str = "pgd"
    step_size: float | None = None
    warmup: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        _check(self.radius, self.steps, self.step_size, self.warmup)
        if self.vectors < 1:
            raise ValueError(f"an image has at least 1 noisy copy, got vectors={self.vectors}")
        if self.attack not in ("pgd", "ddn"):
            raise ValueError(f"attack is 'pgd' or 'ddn', got {self.attack!r}")
        if self.attack == "ddn" and self.step_size is not None:
            raise ValueError("ddn has step lengths of its own: leave step_size out, or take attack='pgd'")

    @property
    def off(self) -> bool:
        """Whether it is the plain gradient."""
        return not self.sigma and not self.radius

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope:
        if self.off:
            return problem.slope(weights)
        changed = self.images(problem, weights, step)
        copies = self.vectors if self.sigma else 1  # without noise they are alike
        return mean_slope(problem, weights, copies, lambda copy: changed + self._noise(changed, copy, step))

    def images(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Float[Tensor, "image ..."]:
        """The adversarial images that a step is made at, without their noise."""
        images, radius = images_of(problem), warmed(self.radius, self.warmup, step)
        if not radius:
            return images
        if problem.targets.ndim != 1 or problem.targets.is_floating_point():
            raise ValueError(f"SmoothAdv wants one class label an image, got targets {tuple(problem.targets.shape)}")
        copies = self.vectors if self.sigma else 1
        size = 2 * radius / self.steps if self.step_size is None else self.step_size
        attack: Attack = functools.partial(pgd, steps=self.steps, step_size=size)
        if self.attack == "ddn":
            attack = functools.partial(ddn, steps=self.steps)

        def drawn(rows: range) -> Tensor:
            here = images[rows.start : rows.stop]
            return torch.stack([self._noise(here, copy, step, rows.start) for copy in range(copies)], dim=1)

        return attacked(problem, weights, images, attack, _soft_plug_in, radius, self.seed, step, noise=drawn, copies=copies)

    def _noise(self, images: Tensor, copy: int, step: int, first: int = 0) -> Tensor:
        if not self.sigma:
            return torch.zeros_like(images)
        return self.sigma * noise(images, copy, self.seed, step, first)


def warmed(radius: float, warmup: int, step: int) -> float:
    """The radius of a step of training: it rises evenly to its own over ``warmup`` steps, the last of which has it.

    >>> [warmed(1.0, 4, step) for step in (0, 3, 9)]
    [0.25, 1.0, 1.0]
    """
    return radius * min(1.0, (step + 1) / warmup) if warmup else radius


def _own_loss(problem: Problem, outputs: Any, targets: Tensor) -> tuple[Tensor, Tensor]:
    losses = problem.loss(outputs, targets)
    return losses, torch.zeros(len(losses), dtype=torch.bool, device=losses.device)  # PGD does not ask


def _soft_plug_in(outputs: Any, targets: Tensor) -> tuple[Tensor, Tensor]:
    """-log of the mean softmax of the label, and where the majority of copies is seen as another class."""
    found = outputs if isinstance(outputs, Tensor) else getattr(outputs, "logits", None)
    if not isinstance(found, Tensor) or found.ndim != 2:
        raise ValueError(f"SmoothAdv wants logits of shape (image, class), got {getattr(found, 'shape', type(outputs).__name__)}")
    logits = found.unflatten(0, (len(targets), -1))
    places = targets[:, None, None].expand(-1, logits.shape[1], 1)
    logs = logits.log_softmax(dim=-1).gather(2, places)[..., 0]
    losses = math.log(logits.shape[1]) - logs.logsumexp(dim=1)
    return losses, logits.detach().argmax(dim=-1).mode(dim=1).values != targets


def _check(radius: float, steps: int, step_size: float | None, warmup: int) -> None:
    if not (radius >= 0 and math.isfinite(radius)):
        raise ValueError(f"an attack's radius is finite and not below 0, got {radius}")
    if steps < 1 or warmup < 0:
        raise ValueError(f"an attack has at least 1 step, and a warm-up 0 or more, got steps={steps} and warmup={warmup}")
    if step_size is not None and not (step_size > 0 and math.isfinite(step_size)):
        raise ValueError(f"an attack's step size is finite and above 0, got {step_size}")
