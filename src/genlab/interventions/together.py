"""Interventions on several runs at once: the same steps as one by one, to rounding, through ``torch.func.vmap``.

Copies may differ in weights, data, seed, and in how strong an intervention is; not in its kind or micro-batch size.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.func import grad, vmap

from genlab import chance
from genlab.interventions.grafting import ExternalGrafting, IterativeGrafting, NormalisedGradient
from genlab.interventions.penalties import L2Penalty, MicrobatchPenalty
from genlab.interventions.quantities import (
    Quantity,
    along,
    average_jacobian,
    directions,
    fisher,
    gradient_norm,
    rows,
    unit_jacobian,
)
from genlab.interventions.sam import Sam, ascent
from genlab.training.loop import Intervention
from genlab.training.losses import Loss
from genlab.training.microbatches import permutation
from genlab.training.sampling import draws, sampled
from genlab.training.together import Parts, Slopes, Together

Kind = TypeVar("Kind")


def slopes_together(
    together: Together,
    weights: Float[Tensor, "copy param"],
    interventions: Sequence[Intervention] | None = None,
    *,
    batches: Int[Tensor, "copy batch"] | None = None,
    step: int = 0,
) -> Slopes:
    """What the intervention of each copy makes of its batch, as it would alone.

    >>> from genlab.training.losses import half_squared_error
    >>> from genlab.training.problem import Problem
    >>> x = torch.ones(1, 1)
    >>> both = Together([Problem(torch.nn.Linear(1, 1, bias=False), half_squared_error, x, x)] * 2)
    >>> slopes_together(both, torch.zeros(2, 1), [Sam(0.0), Sam(0.5)]).gradient
    tensor([[-1.0000],
            [-1.5000]])

    Args:
        together: the copies' problems.
        weights: of each.
        interventions: one a copy, of one kind; None: plain gradients.
        batches: the examples of each copy's step; None: all.
        step: keys what is drawn.

    Raises:
        ValueError: not one intervention a copy; kinds or micro-batch sizes that differ; or a kind that is not of this package.
    """
    if interventions is None:
        return together.slopes(weights, batches)
    first = _check(interventions, len(weights))
    run = _Step(together, weights, batches, step)
    match first:
        case Sam():
            return _sam(run, cast(Sequence[Sam], interventions))
        case MicrobatchPenalty():
            return _penalised(run, cast(Sequence[MicrobatchPenalty], interventions))
        case L2Penalty():
            strength = _column(weights, [cast(L2Penalty, each).strength for each in interventions])
            plain = together.slopes(weights, batches)
            penalty = strength[:, 0] * weights.square().sum(dim=1)
            return Slopes(plain.loss, plain.accuracy, plain.gradient + 2 * strength * weights, penalty)
        case IterativeGrafting():
            return _grafted(run, cast(Sequence[IterativeGrafting], interventions))
        case ExternalGrafting():
            norms = _column(weights, [cast(ExternalGrafting, each).norm(step) for each in interventions])
            return rescaled(together.slopes(weights, batches), norms)
        case NormalisedGradient():
            return rescaled(together.slopes(weights, batches), torch.ones_like(weights[:, :1]))
    raise ValueError(
        f"{type(first).__name__} is not among the interventions that train together (Sam, penalties, graftings): train one by one"
    )


def rescaled(slopes: Slopes, norms: Float[Tensor, "copy 1"]) -> Slopes:
    """The same slopes, each gradient scaled to a norm; a gradient of zero has no direction and stays."""
    own = torch.linalg.vector_norm(slopes.gradient, dim=1, keepdim=True)
    factor = torch.where(own > 0, norms / own, torch.zeros_like(own))
    return Slopes(slopes.loss, slopes.accuracy, slopes.gradient * factor, slopes.penalty)


class _Step:
    """The batch of one step, and its micro-batches: those that each copy would have alone."""

    def __init__(self, together: Together, weights: Tensor, batches: Tensor | None, step: int) -> None:
        self.together, self.weights, self.batches, self.step = together, weights, batches, step
        self.examples = together.examples if batches is None else batches.shape[1]

    def parts(self, size: int | None, name: str, seeds: Sequence[int]) -> list[Parts]:
        if size is None or size >= self.examples:
            return self.together.parts(self.batches)
        drawn = {seed: permutation(self.examples, name, seed, self.step) for seed in seeds}
        order = torch.stack([drawn[seed] for seed in seeds]).to(self.weights.device)
        return self.together.parts(order if self.batches is None else self.batches.gather(1, order), size)

    def over(self, name: Hashable, kernel: Callable[..., Any], parts: Parts, *others: Tensor) -> Any:
        return self.together.over(name, kernel, self.weights, parts, *others)


def _sam(run: _Step, interventions: Sequence[Sam]) -> Slopes:
    first, one = interventions[0], run.together
    slope = grad(one.seen, has_aux=True)

    def kernel(weights: Tensor, inputs: Tensor, targets: Tensor, radius: Tensor) -> Any:
        def climb(x: Tensor, y: Tensor) -> Any:
            here, seen = slope(weights, x, y)
            return slope(weights + ascent(weights, here, radius, adaptive=first.adaptive), x, y)[0], seen

        gradient, (loss, right) = vmap(climb)(inputs, targets)
        return gradient.sum(dim=0), loss.sum(), right.sum()

    radius = run.weights.new_tensor([each.radius for each in interventions])
    found = [
        [part.share * each for each in run.over(("sam", first.adaptive), kernel, part, radius)]
        for part in run.parts(first.microbatch, "sam", [each.seed for each in interventions])
    ]
    gradient, loss, right = (sum(each) for each in zip(*found, strict=True))
    return Slopes(loss, right if one.labelled else None, gradient, torch.zeros_like(loss))


def _penalised(run: _Step, interventions: Sequence[MicrobatchPenalty]) -> Slopes:
    first, one = interventions[0], run.together
    of, seeds = first.of, [each.seed for each in interventions]
    quantity = QUANTITIES.get(of)
    if quantity is None:
        raise ValueError(f"a penalty of {getattr(of, '__name__', of)} is not among those that train together: train one by one")

    def measured(weights: Tensor, x: Tensor, y: Tensor, numbers: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        loss, outputs = one.loss(weights, x, y)
        value = loss if of is gradient_norm else quantity(one.problem.loss, outputs, y, numbers).mean()
        return value, (loss, one.accuracy(outputs, y))

    def objective(weights: Tensor, inputs: Tensor, targets: Tensor, strength: Tensor, numbers: Tensor) -> Any:
        slope, (loss, right) = vmap(grad(measured, has_aux=True), in_dims=(None, 0, 0, 0))(weights, inputs, targets, numbers)
        penalty = strength * slope.square().sum()
        return loss.sum() + penalty, (loss.sum(), right.sum(), penalty)

    strength = run.weights.new_tensor([each.strength for each in interventions])
    found = []
    for part in run.parts(first.microbatch, "penalty", seeds):
        numbers = _numbers(run, of, part, first.microbatch, seeds)
        gradient, others = run.over(("penalty", of), grad(objective, has_aux=True), part, strength, numbers)
        found.append([part.share * each for each in (gradient, *others)])
    gradient, loss, right, penalty = (sum(each) for each in zip(*found, strict=True))
    return Slopes(loss, right if one.labelled else None, gradient, penalty)


def _numbers(run: _Step, of: Quantity, part: Parts, size: int | None, seeds: Sequence[int]) -> Tensor:
    """What each copy's quantity draws for these parts: (copy, part, ...); zeros where it draws nothing."""
    count, examples = part.targets.shape[0 if part.alike else 1], part.targets.shape[1 if part.alike else 2]
    first, number = part.first
    whole = -(-run.examples // (size or run.examples))
    outputs = _outputs(run)
    drawn: dict[int, Tensor] = {}
    for seed in dict.fromkeys(seeds):
        key: tuple[chance.Key, ...] = (seed, run.step)
        if of is fisher:
            several = outputs.expand(count * examples, *outputs.shape[1:])
            drawn[seed] = draws(run.together.problem.loss, several, run.examples, first, *key).unflatten(0, (count, examples))
        elif of is unit_jacobian:
            drawn[seed] = directions(whole, outputs.shape[-1], *key)[number : number + count]
        else:
            drawn[seed] = run.weights.new_zeros(count)
    return torch.stack([drawn[seed] for seed in seeds]).to(run.weights.device)


def _outputs(run: _Step) -> Tensor:
    """Of one example of the first copy: their shape is wanted."""
    (parts,) = run.together.parts()
    inputs = parts.inputs[0] if parts.alike else parts.inputs[0, 0]
    targets = parts.targets[0] if parts.alike else parts.targets[0, 0]
    with torch.no_grad():
        outputs: Tensor = run.together.loss(run.weights[0], inputs[:1], targets[:1])[1]
    return outputs


def _grafted(run: _Step, interventions: Sequence[IterativeGrafting]) -> Slopes:
    first = interventions[0]
    slopes = run.together.slopes(run.weights, run.batches)
    if first.microbatch >= run.examples:
        return slopes

    def norms(weights: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
        slope = vmap(grad(lambda w, x, y: run.together.loss(w, x, y)[0]), in_dims=(None, 0, 0))(weights, inputs, targets)
        total: Tensor = torch.linalg.vector_norm(slope, dim=1).sum()
        return total

    parts = run.parts(first.microbatch, "grafting", [each.seed for each in interventions])
    if not first.average:
        whole = parts[0]
        parts = [Parts(whole.inputs[:, :1], whole.targets[:, :1], whole.alike, 1.0)]
    norm = sum(part.share * run.over("norms", norms, part) for part in parts)
    return rescaled(slopes, cast(Tensor, norm)[:, None])


def _check(interventions: Sequence[Intervention], copies: int) -> Intervention:
    if len(interventions) != copies:
        raise ValueError(f"training together wants one intervention a copy, got {len(interventions)} for {copies} copies")
    fixed = ("of", "microbatch", "adaptive", "average")
    kinds = {(type(each), *(getattr(each, name, None) for name in fixed)) for each in interventions}
    if len(kinds) > 1:
        raise ValueError(
            f"interventions that train together are of one kind and micro-batch size, got {sorted(map(str, kinds))}: "
            "train each kind by itself"
        )
    return interventions[0]


def _column(like: Tensor, values: Sequence[float]) -> Float[Tensor, "copy 1"]:
    return like.new_tensor(values)[:, None]


def _at_sampled_labels(loss: Loss, outputs: Tensor, targets: Tensor, numbers: Tensor) -> Tensor:
    return loss(outputs, sampled(loss, outputs.detach(), targets, numbers))


# The quantities whose draws are made beforehand; each gives one value an example.
QUANTITIES: dict[Quantity, Callable[[Loss, Tensor, Tensor, Tensor], Tensor]] = {
    gradient_norm: lambda loss, outputs, targets, numbers: loss(outputs, targets),
    fisher: _at_sampled_labels,
    average_jacobian: lambda loss, outputs, targets, numbers: rows(outputs).sum(dim=1),
    unit_jacobian: lambda loss, outputs, targets, numbers: along(outputs, numbers),
}
