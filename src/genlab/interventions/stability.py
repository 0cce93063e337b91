"""Stability training: noisy images are to give the outputs of clean ones (Zheng et al. 2016, 1604.04326)."""

import copy
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.interventions.noise import as_inputs, check_sigma, images_of, noise
from genlab.training.exactness import full_precision
from genlab.training.losses import Loss
from genlab.training.problem import Problem, Slope


def divergence(clean: Float[Tensor, "image class"], noisy: Float[Tensor, "image class"]) -> Float[Tensor, " image"]:
    """Kullback-Leibler divergence of the noisy softmax from the clean one, in nats: sum_c p_c (log p_c - log q_c)."""
    p, q = clean.log_softmax(dim=-1), noisy.log_softmax(dim=-1)
    return (p.exp() * (p - q)).sum(dim=-1)


def half_squared_distance(clean: Float[Tensor, "image output"], noisy: Float[Tensor, "image output"]) -> Float[Tensor, " image"]:
    """Half the squared distance of the outputs: for regression, and for logits where softmax saturates."""
    return 0.5 * (clean - noisy).square().sum(dim=-1)


@dataclass(frozen=True)
class StabilityTraining:
    """The loss of clean images + strength times how far outputs at x + e, e from N(0, sigma^2), are from those at x.

    After Zheng et al. 2016 (1604.04326); the form is ours: the mean over images of KL(softmax f(x) || softmax f(x + e)),
    differentiated at both ends. Noise is drawn anew at every step; images are in [0, 1], noisy ones are not cut. The clean and
    the noisy batch are batches of their own for batch norm; dropout draws masks for each. Loss and accuracy reported are those of
    the clean images, the penalty the second term.

    Attributes:
        sigma: standard deviation of the noise, in units of the images; 0 is the plain gradient, bit for bit.
        strength: of the second term; 0 is the plain gradient, bit for bit.
        distance: of outputs, one value an image: ``divergence``, ``half_squared_distance``, or a function like them.
        seed: of the noise, which is that of ``GaussianNoise`` with this seed.

    Raises:
        ValueError: a sigma or strength below 0 or not finite; when called, inputs that are no images in [0, 1].
    """

    sigma: float
    strength: float
    distance: Callable[[Tensor, Tensor], Tensor] = divergence
    seed: int = 0

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        if not (self.strength >= 0 and math.isfinite(self.strength)):
            raise ValueError(f"the strength of stability training is finite and not below 0, got {self.strength}")

    @property
    def off(self) -> bool:
        """Whether it is the plain gradient."""
        return not self.sigma or not self.strength

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope:
        if self.off:
            return problem.slope(weights)
        images = images_of(problem)
        seen: list[Any] = []
        seeing = copy.copy(problem)  # the same problem, its outputs noted; replace() would look through the module at every step
        object.__setattr__(seeing, "loss", functools.partial(_see, problem.loss, seen))
        parameters = [piece.detach().requires_grad_() for piece in problem.split(weights)]
        total = torch.zeros_like(weights)
        loss, penalty, first, right = 0.0, 0.0, 0, []
        with full_precision(weights.device):
            for clean, targets in problem.batches():
                here = images[first : first + len(targets)]
                noisy = here + self.sigma * noise(here, 0, self.seed, step, first)
                share, count = seeing.batch_loss(parameters, clean, targets)
                seeing.batch_loss(parameters, as_inputs(problem, noisy), targets)
                at_noise, at_clean = _logits(seen.pop()), _logits(seen.pop())
                far = self.strength * self.distance(at_clean, at_noise).sum() / problem.divisor
                pieces = torch.autograd.grad(share + far, parameters, materialize_grads=True)
                total.add_(torch.cat([piece.reshape(-1) for piece in pieces]))
                loss, penalty, first = loss + share.item(), penalty + far.item(), first + len(targets)
                right.append(count)
        return Slope(loss, problem.accuracy(right), total, penalty)


def _logits(outputs: Any) -> Tensor:
    found = outputs if isinstance(outputs, Tensor) else getattr(outputs, "logits", None)
    if not isinstance(found, Tensor):
        raise ValueError(f"stability training wants outputs that are a tensor, or have logits; got {type(outputs).__name__}")
    return found


def _see(loss: Loss, seen: list[Any], outputs: Any, targets: Tensor) -> Tensor:
    seen.append(outputs)
    return loss(outputs, targets)
