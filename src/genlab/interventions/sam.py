"""Sharpness-aware minimization: the gradient is taken uphill of the weights (Foret et al. 2021, 2010.01412)."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from genlab.training.microbatches import check_size, microbatches
from genlab.training.problem import Problem, Slope


@dataclass(frozen=True)
class Sam:
    """The gradient at w + rho g / |g|, where g is the same batch's gradient at w and the norm goes over all parameters.

    With ``microbatch`` each micro-batch climbs along its own gradient, and the mean of their gradients is the step's: m-SAM, m
    being the micro-batch's size. The adaptive form climbs by rho w^2 g / ||w| g| (Kwon et al. 2021, 2102.11600, without their
    eta). Where the gradient is zero nothing climbs; davda54's code and its kin add 1e-12 to the norm instead.

    The loss and accuracy reported are those at w. A step costs two gradients. Batch norm in train mode takes the averages of
    the batch at hand in both passes; running averages move in neither, and dropout draws new masks for the second.
    Gradient descent so changed is stable up to ``genlab.sam_edge``, below 2 / eta.

    >>> from genlab.training.losses import half_squared_error
    >>> x = torch.ones(1, 1)
    >>> problem = Problem(torch.nn.Linear(1, 1, bias=False), half_squared_error, x, x)
    >>> Sam(0.5)(problem, torch.zeros(1)).gradient  # at -0.5, where w - 1 is
    tensor([-1.5000])

    Attributes:
        radius: rho, in units of the weights (adaptive: without unit); 0 is the plain gradient, bit for bit.
        microbatch: examples that climb together; None: the whole batch.
        adaptive: whether coordinates climb in proportion to the square of the weight.
        seed: of the micro-batches, drawn anew at each step.

    Raises:
        ValueError: a radius below 0 or not finite, or a micro-batch below 1.
    """

    radius: float
    microbatch: int | None = None
    adaptive: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.radius >= 0 and math.isfinite(self.radius)):
            raise ValueError(f"SAM's radius is finite and not below 0, got {self.radius}")
        check_size(self.microbatch)

    def __call__(self, problem: Problem, weights: Float[Tensor, " param"], step: int = 0) -> Slope:
        if not self.radius:
            return problem.slope(weights)
        loss, right, gradient = 0.0, 0.0, torch.zeros_like(weights)
        for part, share in microbatches(problem, self.microbatch, "sam", self.seed, step):
            here = part.slope(weights)
            gradient.add_(part.slope(weights + self.ascent(weights, here.gradient)).gradient, alpha=share)
            loss += share * here.loss
            right += share * (math.nan if here.accuracy is None else here.accuracy)
        return Slope(loss, None if math.isnan(right) else right, gradient)

    def ascent(self, weights: Float[Tensor, " param"], gradient: Float[Tensor, " param"]) -> Float[Tensor, " param"]:
        """How far and where SAM climbs from weights with this gradient: a vector of norm rho, unless adaptive."""
        return ascent(weights, gradient, self.radius, adaptive=self.adaptive)


def ascent(weights: Tensor, gradient: Tensor, radius: float | Tensor, *, adaptive: bool) -> Tensor:
    """``Sam.ascent``, of one vector of weights; the radius may be a tensor, where copies train together."""
    scale = weights.abs() if adaptive else torch.ones_like(weights)
    climbing = gradient * scale
    norm = torch.linalg.vector_norm(climbing)
    return climbing * scale * torch.where(norm > 0, radius / norm, torch.zeros_like(norm))
