"""Copies that step side by side: all at once where the network allows it, else one after the other."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from genlab import chance
from genlab.interventions.grafting import ExternalGrafting, IterativeGrafting, NormalisedGradient
from genlab.interventions.penalties import L2Penalty, MicrobatchPenalty
from genlab.interventions.quantities import average_jacobian, fisher, gradient_norm, unit_jacobian
from genlab.interventions.sam import Sam
from genlab.interventions.together import slopes_together
from genlab.probes.gradient_noise import microbatch_norms
from genlab.studies.bundles.plan import Copy, Plan
from genlab.training import data, networks, synthetic
from genlab.training.augmentation import Augmented, CropAndFlip
from genlab.training.batches import Batches
from genlab.training.data import Data
from genlab.training.loop import Intervention
from genlab.training.losses import LOSSES
from genlab.training.problem import Problem, Score
from genlab.training.statistics import calibrated, without_dropout
from genlab.training.together import Slopes, Together, trains_together

PENALISED = {"gn": gradient_norm, "ft": fisher, "aj": average_jacobian, "uj": unit_jacobian}
SETS = ("training", "validation", "test")
ROOM = 50_000_000  # numbers that the gradients of all copies' micro-batches may hold at once, 200 MB (our assumption)


@dataclass(frozen=True, eq=False)
class Copies:
    """The problems of a bundle's copies: what they train on, in train mode, and the other sets of their data."""

    plan: Plan
    each: Sequence[Copy]
    problems: Sequence[Problem]
    data: Sequence[Data]

    def problem(self, number: int, name: str, module: nn.Module) -> Problem | None:
        """A set of a copy's data, seen by a module; None where the data have no such set."""
        own, held = self.problems[number], self.data[number]
        if name == "training":
            return replace(own, module=module)
        inputs, targets = getattr(held, f"{name}_inputs"), getattr(held, f"{name}_targets")
        return None if inputs is None else replace(own, module=module, inputs=inputs, targets=targets)


def copies(plan: Plan, device: str, data_dir: str | None) -> tuple[Copies, dict[str, str]]:
    """The problems of a plan, and what they stand on."""
    dtype = {"float32": torch.float32, "float64": torch.float64}[plan.precision]
    loaded: dict[int, Data] = {}
    modules: dict[int, nn.Module] = {}
    made_up = synthetic.parse(plan.data) is not None
    problems = []
    for each in plan.copies():
        draw = each.seed if made_up else 0
        if draw not in loaded:
            loaded[draw] = data.load(plan.data, data_dir=data_dir, draw=draw).to(device, dtype)
        held = loaded[draw]
        if each.seed not in modules:
            built = networks.build(plan.network, inputs=held.inputs, outputs=held.outputs, seed=each.seed, dtype=dtype)
            modules[each.seed] = built.to(device)
        problems.append(
            Problem(
                modules[each.seed],
                LOSSES[plan.loss],
                held.train_inputs,
                held.train_targets,
                plan.physical_batch,
                plan.ghost_batch,
            )
        )
    first = next(iter(loaded.values()))
    facts = {
        "data": plan.data,
        "data checksum": first.checksum + (f" (draw {next(iter(loaded))} of {len(loaded)})" if made_up else ""),
        "data note": first.note,
        "parameters": str(problems[0].parameter_count),
    }
    drawn = [loaded[each.seed if made_up else 0] for each in plan.copies()]
    return Copies(plan, plan.copies(), problems, drawn), facts


def intervention(plan: Plan, strength: float, seed: int) -> Intervention | None:
    """What a copy's steps are changed by; None for plain ones, and for external grafting, whose norms are yet to come."""
    match plan.method:
        case "sam":
            return Sam(strength, plan.microbatch, seed=seed)
        case "gn" | "ft" | "aj" | "uj":
            return MicrobatchPenalty(PENALISED[plan.method], strength, plan.microbatch, seed)
        case "l2":
            return L2Penalty(strength)
        case "iterative":
            assert plan.microbatch is not None
            return IterativeGrafting(plan.microbatch, seed=seed)
        case "ngd":
            return NormalisedGradient()
    return None


class Runner(Protocol):
    """Steps and looks of some of a bundle's copies; ``alive`` are their numbers, weights one row each.

    ``at_once``: whether another set of copies is another batched function, to be had at a price.
    """

    @property
    def at_once(self) -> bool: ...

    def slopes(self, alive: Sequence[int], weights: Tensor, step: int, norms: Tensor | None = None) -> Slopes: ...

    def donor(self, alive: Sequence[int], weights: Tensor, step: int) -> Slopes: ...

    def scores(self, name: str, alive: Sequence[int], weights: Tensor) -> Sequence[Score] | None: ...

    def noise(self, alive: Sequence[int], weights: Tensor) -> Sequence[tuple[float, float, float]]: ...


def runner(held: Copies) -> Runner:
    """All at once; or one by one where batch norm, dropout, augmentation, memory or a single copy asks for it."""
    plan, first = held.plan, held.problems[0]
    batch = min(plan.batch_size or len(first.targets), len(first.targets))
    parts = math.ceil(batch / plan.microbatch) if plan.microbatch else 1
    fits = len(held.each) * parts * first.parameter_count <= ROOM
    together = len(held.each) > 1 and trains_together(first) and not plan.augment and fits
    return AtOnce(held) if together else OneByOne(held)


class AtOnce:
    """Copies that train together by vmap."""

    at_once = True

    def __init__(self, held: Copies) -> None:
        self.held, self.plan = held, held.plan
        self._kept: dict[tuple[str, tuple[int, ...]], Together | None] = {}
        self._interventions = [intervention(held.plan, each.strength, each.seed) for each in held.each]

    def slopes(self, alive: Sequence[int], weights: Tensor, step: int, norms: Tensor | None = None) -> Slopes:
        """As the plan's method has it; ``norms`` for external grafting."""
        given = [each for number in alive if (each := self._interventions[number])]
        if norms is not None:
            given = [ExternalGrafting((step,), (norm,)) for norm in norms.tolist()]
        batches = self._rows(alive, self.plan.batch_size, step)
        one = self._together("training", alive)
        assert one is not None
        return slopes_together(one, weights, given or None, batches=batches, step=step)

    def donor(self, alive: Sequence[int], weights: Tensor, step: int) -> Slopes:
        """Plain steps of the runs that lend their norms."""
        one = self._together("training", alive)
        assert one is not None
        return one.slopes(weights, self._rows(alive, self.plan.donor_batch, step))

    def scores(self, name: str, alive: Sequence[int], weights: Tensor) -> Sequence[Score] | None:
        """Loss and accuracy over a set, None where there is none."""
        one = self._together(name, alive)
        if one is None:
            return None
        loss, right = one.scores(weights)
        return [Score(*pair) for pair in zip(loss.tolist(), [None] * len(loss) if right is None else right.tolist(), strict=True)]

    def noise(self, alive: Sequence[int], weights: Tensor) -> Sequence[tuple[float, float, float]]:
        """|g|^2, the mean |g_M|^2 and tr(Sigma), exactly; over one partition where single gradients would not fit."""
        one = self._together("training", alive)
        assert one is not None
        if len(alive) * one.examples * one.problem.parameter_count > ROOM:
            return _sampled_noise(self.held, alive, weights)
        n, m = one.examples, min(self.plan.noise_of, one.examples)
        found = []
        for mean, square in zip(*(each.tolist() for each in one.square_norms(weights)), strict=True):
            trace = n * (mean - square) / (n - 1) if n > 1 else math.nan
            found.append((square, square + (1 / m - 1 / n) * trace, trace))
        return found

    def _rows(self, alive: Sequence[int], size: int | None, step: int) -> Tensor | None:
        examples = len(self.held.problems[0].targets)
        if size is None or size >= examples:
            return None
        drawn: dict[int, Tensor] = {}
        for number in alive:
            seed = self.held.each[number].seed
            drawn[seed] = Batches(size, seed).rows(step, examples) if seed not in drawn else drawn[seed]
        rows = torch.stack([drawn[self.held.each[number].seed] for number in alive])
        return rows.to(self.held.problems[0].targets.device)

    def _together(self, name: str, alive: Sequence[int]) -> Together | None:
        key = (name, tuple(alive))
        if key not in self._kept:
            self._kept = {known: each for known, each in self._kept.items() if known[1] == key[1]}  # the others are gone
            problems = [self.held.problem(number, name, self.held.problems[number].module) for number in alive]
            self._kept[key] = Together([each for each in problems if each]) if problems[0] else None
        return self._kept[key]


class OneByOne:
    """Copies that train one after the other, step by step."""

    at_once = False

    def __init__(self, held: Copies) -> None:
        self.held, self.plan = held, held.plan
        self._modules: dict[int, tuple[Tensor, nn.Module]] = {}
        self._interventions = [intervention(held.plan, each.strength, each.seed) for each in held.each]

    def slopes(self, alive: Sequence[int], weights: Tensor, step: int, norms: Tensor | None = None) -> Slopes:
        """As the plan's method has it; ``norms`` for external grafting."""
        found = []
        for place, number in enumerate(alive):
            given = self._interventions[number]
            if norms is not None:
                given = ExternalGrafting((step,), (float(norms[place]),))
            found.append(self._slope(number, weights[place], step, self.plan.batch_size, given))
        return _joined(found)

    def donor(self, alive: Sequence[int], weights: Tensor, step: int) -> Slopes:
        """Plain steps of the runs that lend their norms."""
        return _joined(
            [self._slope(number, row, step, self.plan.donor_batch, None) for number, row in zip(alive, weights, strict=True)]
        )

    def scores(self, name: str, alive: Sequence[int], weights: Tensor) -> Sequence[Score] | None:
        """Loss and accuracy over a set, dropout off and batch norm with the averages of the training set; None without a set."""
        found = []
        for number, row in zip(alive, weights, strict=True):
            problem = self.held.problem(number, name, self._still(number, row))
            if problem is None:
                return None
            found.append(problem.score(row))
        return found

    def noise(self, alive: Sequence[int], weights: Tensor) -> Sequence[tuple[float, float, float]]:
        """|g|^2, the mean |g_M|^2 over one partition, and tr(Sigma) that follows from them."""
        return _sampled_noise(self.held, alive, weights)

    def _slope(self, number: int, weights: Tensor, step: int, size: int | None, given: Intervention | None) -> Slopes:
        seed, seen = self.held.each[number].seed, self.held.problems[number]
        batches = Batches(size, seed) if size is not None and size < len(seen.targets) else None
        if self.plan.augment:
            seen = Augmented(batches, CropAndFlip.of(self.held.data[number], seed=seed))(seen, step)
        elif batches:
            seen = batches(seen, step)
        with _drawn("dropout", seed, step, weights.device):
            slope = seen.slope(weights) if given is None else given(seen, weights, step)
        like = weights.new_tensor
        right = None if slope.accuracy is None else like([slope.accuracy])
        return Slopes(like([slope.loss]), right, slope.gradient[None], like([slope.penalty]))

    def _still(self, number: int, weights: Tensor) -> nn.Module:
        """The module in eval mode, batch norms calibrated at these weights; kept for the other sets at the same weights."""
        at, module = self._modules.get(number, (None, None))
        if at is None or module is None or not torch.equal(at, weights):
            module = calibrated(self.held.problems[number], weights)
            self._modules[number] = (weights.clone(), module)
        return module


def _sampled_noise(held: Copies, alive: Sequence[int], weights: Tensor) -> Sequence[tuple[float, float, float]]:
    found = []
    for number, row in zip(alive, weights, strict=True):
        problem = replace(held.problems[number], module=without_dropout(held.problems[number].module))
        n, m = len(problem.targets), held.plan.noise_of
        square = problem.slope(row).gradient.double().square().sum().item()
        mean = microbatch_norms(problem, row, microbatch=m).square
        found.append((square, mean, (mean - square) / (1 / m - 1 / n) if m < n else float("nan")))
    return found


def _joined(found: Sequence[Slopes]) -> Slopes:
    rights = [each.accuracy for each in found]
    return Slopes(
        torch.cat([each.loss for each in found]),
        None if rights[0] is None else torch.cat([each for each in rights if each is not None]),
        torch.cat([each.gradient for each in found]),
        torch.cat([each.penalty for each in found]),
    )


@contextmanager
def _drawn(name: str, seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Dropout masks of this step: keyed, and no trace of them left in PyTorch's own generators."""
    devices: Sequence[torch.device] = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(chance.number(name, seed, step))
        yield
