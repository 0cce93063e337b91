"""L2 attacks on a batch's images, at the weights of a step: PGD and DDN, for training on what they find.

The network is attacked in eval mode, as in SmoothAdv's code (Salman et al. 2019, 1906.04584): batch norm takes its running
averages and dropout is off, so that an image's attack depends on no other image. Its own mode comes back before the step is made.
"""

import contextlib
import copy
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from genlab import chance
from genlab.interventions.noise import as_inputs
from genlab.training.balls import along, inside, lengths, unit
from genlab.training.exactness import full_precision
from genlab.training.problem import Problem

GAMMA, FIRST_NORM = 0.05, 1.0  # of DDN: SmoothAdv's code
SLOWEST = 0.01  # of DDN's step lengths, which fall from 1 along a cosine: SmoothAdv's code

# Of images in the ball: the gradient of their losses, uphill, and where the network does not see their labels.
Uphill = Callable[[Float[Tensor, "image ..."]], tuple[Float[Tensor, "image ..."], Bool[Tensor, " image"]]]


class Attack(Protocol):
    """Images changed within an L2 ball and the box [0, 1]; ``rows`` are their places in the batch, which key random steps."""

    def __call__(self, uphill: Uphill, images: Tensor, rows: range, radius: float, *key: chance.Key) -> Tensor: ...


def pgd(
    uphill: Uphill,
    images: Float[Tensor, "image ..."],
    rows: range,
    radius: float,
    *key: chance.Key,
    steps: int,
    step_size: float,
    start: Float[Tensor, "image ..."] | None = None,
) -> Float[Tensor, "image ..."]:
    """Steps of one length along the gradient, each followed by the box and then the ball; the last images, not the worst."""
    changed = images if start is None else start
    for step in range(steps):
        directions = _directions(uphill(changed)[0], rows, *key, step)
        changed = inside(changed + step_size * directions, images, radius)
    return changed


def ddn(
    uphill: Uphill, images: Float[Tensor, "image ..."], rows: range, radius: float, *key: chance.Key, steps: int
) -> Float[Tensor, "image ..."]:
    """Decoupled direction and norm (Rony et al. 2019, 1811.09600): the norm shrinks where the network is fooled, else grows.

    The smallest change that fooled it is cut to the radius; an image that no change fooled stays. In distinction to SmoothAdv's
    code, images are not rounded to 256 levels.
    """
    changes, best = torch.zeros_like(images), torch.zeros_like(images)
    farthest = lengths(torch.maximum(images, 1 - images))
    norms, smallest = torch.full_like(farthest, FIRST_NORM), farthest
    for step in range(steps):
        gradients, fooled = uphill(images + changes)
        better = fooled & (lengths(changes) < smallest)
        smallest = torch.where(better, lengths(changes), smallest)
        best = torch.where(along(better, images), changes, best)
        directions = _directions(gradients, rows, *key, step)
        size = SLOWEST + (1 - SLOWEST) * (1 + math.cos(math.pi * (step + 1) / steps)) / 2
        moved = changes + size * directions
        norms = torch.minimum(norms * torch.where(fooled, 1 - GAMMA, 1 + GAMMA), farthest)
        reached = lengths(moved)
        scaled = moved * along(torch.where(reached > 0, norms / reached, torch.zeros_like(norms)), images)
        changes = (images + scaled).clamp(0, 1) - images
    return inside(images + best, images, radius)


def _directions(gradients: Tensor, rows: range, *key: chance.Key) -> Tensor:
    """Unit steps uphill; NaN for an image whose gradient is not finite: the loss of the step then says so."""
    broken = ~torch.isfinite(gradients.flatten(1)).all(dim=1)
    directions, _ = unit(torch.where(along(broken, gradients), torch.zeros_like(gradients), gradients), rows, *key)
    return torch.where(along(broken, directions), torch.full_like(directions, math.nan), directions)


def attacked(
    problem: Problem,
    weights: Float[Tensor, " param"],
    images: Float[Tensor, "image ..."],
    attack: Attack,
    losses: Callable[[Any, Tensor], tuple[Tensor, Tensor]],
    radius: float,
    *key: chance.Key,
    noise: Callable[[range], Float[Tensor, "image copy ..."]] | None = None,
    copies: int = 1,
) -> Float[Tensor, "image ..."]:
    """All images of a problem, attacked; as many forward passes of its physical batch as that takes.

    Args:
        problem: whose module, targets and physical batch.
        weights: to attack at.
        images: of the problem.
        attack: such as ``pgd``.
        losses: of the module's outputs for all copies, image by image, and targets: the loss of each image, and where it is not
            seen as its label.
        radius: of the ball.
        key: of random steps.
        noise: added to the copies of images at these places, the same in all steps. None: none, one copy.
        copies: noisy copies of each image.

    Raises:
        ValueError: batch norm that keeps no running averages.
    """
    refuse_batch_statistics(problem.module)
    parameters = [piece.detach() for piece in problem.split(weights)]
    seen: list[Any] = []
    seeing = copy.copy(problem)  # the same problem, its outputs noted; replace() would look through the module at every step
    object.__setattr__(seeing, "loss", functools.partial(_see, seen))
    size = max(1, problem.physical_batch // copies)
    found = torch.empty_like(images)
    with evaluating(problem.module), full_precision(weights.device):
        for start in range(0, len(images), size):
            rows = range(start, min(start + size, len(images)))
            here = slice(rows.start, rows.stop)
            targets, added = problem.targets[here], None if noise is None else noise(rows)

            def uphill(changed: Tensor, targets: Tensor = targets, added: Tensor | None = added) -> tuple[Tensor, Tensor]:
                with torch.enable_grad():
                    leaves = changed.detach().requires_grad_()
                    noisy = leaves if added is None else (leaves[:, None] + added).flatten(0, 1)
                    seeing.batch_loss(parameters, as_inputs(problem, noisy), targets.repeat_interleave(copies, dim=0))
                    loss, fooled = losses(seen.pop(), targets)
                    (gradients,) = torch.autograd.grad(loss.sum(), leaves, materialize_grads=True)
                return gradients, fooled

            found[here] = attack(uphill, images[here], rows, radius, *key)
    return found


@contextlib.contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """The module in eval mode; each of its modules gets back the mode it had."""
    modes = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for each, mode in modes:
            each.training = mode


def refuse_batch_statistics(module: nn.Module) -> None:
    """Refuse batch norm that has nothing but the batch to normalise by.

    Raises:
        ValueError: it keeps no running averages.
    """
    for name, each in module.named_modules():
        if isinstance(each, _BatchNorm) and each.running_mean is None:
            raise ValueError(
                f"{type(each).__name__} {name!r} keeps no running averages, which attacks take: set track_running_stats=True"
            )


def _see(seen: list[Any], outputs: Any, targets: Tensor) -> Tensor:
    seen.append(outputs)
    return targets.new_zeros(len(targets), dtype=torch.float32)
