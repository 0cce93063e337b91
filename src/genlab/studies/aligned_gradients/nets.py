"""The networks of a condition: how each is trained, step by step, and what it is asked as a classifier."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from genlab import chance
from genlab.interventions.adversarial import AdversarialTraining, SmoothAdv
from genlab.interventions.noise import GaussianNoise
from genlab.smoothing.alignment import judged
from genlab.smoothing.layers import Normalised
from genlab.studies.aligned_gradients.plan import ADVERSARIAL, NOISE, SMOOTHADV, STANDARD, Net, Plan
from genlab.training import data, networks
from genlab.training.batches import Batches
from genlab.training.data import Data
from genlab.training.loop import Intervention, Moment, descend
from genlab.training.losses import cross_entropy
from genlab.training.noise import gaussian
from genlab.training.problem import Problem
from genlab.training.statistics import calibrated
from genlab.training.updates import Memory, Polyak

ATTACKED = (ADVERSARIAL, SMOOTHADV)
AVERAGED = 5  # batches whose averages attacks on batch norm see, taken anew every few steps (our assumption)
PASS = 1000  # images of a forward pass where no gradient is taken (our assumption)


@dataclass(frozen=True, eq=False)
class Held:
    """A condition's data and the problems of its networks, in the order of ``Plan.nets``."""

    plan: Plan
    data: Data
    nets: list[Net]
    problems: list[Problem]

    @property
    def classes(self) -> int:
        """How many classes the data have."""
        assert self.data.classes is not None
        return self.data.classes


def prepare(plan: Plan, device: str, data_dir: str | None) -> tuple[Held, dict[str, str]]:
    """The problems of a plan, and what they stand on.

    Raises:
        ValueError: data without classes or that are no images in [0, 1].
    """
    held = data.load(plan.data, data_dir=data_dir).to(device, torch.float32)
    mean = held.train_inputs.mean(dim=(0, 2, 3))
    std = held.train_inputs.std(dim=(0, 2, 3))
    problems = [_problem(plan, net, place, held, mean, std) for place, net in enumerate(plan.nets())]
    facts = {
        "data": plan.data,
        "data checksum": held.checksum,
        "data note": held.note,
        "parameters": str(problems[0].parameter_count),
        "parameters of a judge": str(problems[-1].parameter_count),
    }
    return Held(plan, held, plan.nets(), problems), facts


def _problem(plan: Plan, net: Net, place: int, held: Data, mean: Tensor, std: Tensor) -> Problem:
    """All networks that synthesize begin at the same weights; each judge at its own."""
    seed = chance.number("judge", plan.seed, place) % 2**31 if net.judge else plan.seed
    network = plan.judge if net.judge else plan.network
    built = networks.build(network, inputs=held.inputs, outputs=held.outputs, seed=seed)
    module = Normalised(built.to(mean.device), mean, std)
    normalises = any(isinstance(each, _BatchNorm) for each in module.modules())
    return Problem(module, cross_entropy, held.train_inputs, held.train_targets, PASS, plan.batch_size if normalises else None)


def intervention(plan: Plan, net: Net, seed: int) -> Intervention | None:
    """What a training makes of a step's images."""
    if net.training == NOISE:
        return GaussianNoise(net.sigma, seed=seed)
    if net.training == ADVERSARIAL:
        return AdversarialTraining(plan.attack_radius, plan.attack_steps)
    if net.training == SMOOTHADV:
        return SmoothAdv(net.sigma, plan.attack_radius, plan.attack_steps, plan.vectors, seed=seed)
    assert net.training == STANDARD
    return None


def training(held: Held, place: int, weights: Tensor, memory: Memory, step: int, steps: int) -> Iterator[Moment]:
    """``steps`` further steps of one network."""
    plan, net = held.plan, held.nets[place]
    seed = chance.number("training", plan.seed, net.name) % 2**31
    problem = held.problems[place]
    if net.training in ATTACKED:
        _take_averages(problem, weights)
    moments = descend(
        problem,
        Polyak(plan.step_size, plan.momentum),
        weights,
        memory=memory,
        step=step,
        batches=Batches(min(plan.batch_size, len(problem.targets)), seed),
        intervention=intervention(plan, net, seed),
    )
    return itertools.islice(moments, steps)


def _take_averages(problem: Problem, weights: Tensor) -> None:
    """Give batch norm's running averages, which attacks on it see and descent does not move, those of a few batches."""
    norms = [each for each in problem.module.modules() if isinstance(each, _BatchNorm)]
    if not norms:
        return
    assert problem.ghost_batch is not None
    few = problem.subset(slice(0, AVERAGED * problem.ghost_batch))
    fresh = [each for each in calibrated(few, weights).modules() if isinstance(each, _BatchNorm)]
    for norm, other in zip(norms, fresh, strict=True):
        norm.load_state_dict({**norm.state_dict(), **dict(other.named_buffers())})


def classifier(held: Held, place: int, weights: Tensor) -> nn.Module:
    """A network in eval mode at these weights; batch norm takes averages over the training set as it was trained on."""
    problem, net = held.problems[place], held.nets[place]
    if net.sigma and any(isinstance(each, _BatchNorm) for each in problem.module.modules()):
        images = held.data.train_inputs
        drawn = gaussian(images, range(len(images)), range(1), "calibration", held.plan.seed)[:, 0]
        problem = replace(problem, inputs=images + net.sigma * drawn)
    return calibrated(problem, weights)


def accuracy(model: nn.Module, images: Tensor, labels: Tensor, *, sigma: float = 0.0, key: tuple[chance.Key, ...] = ()) -> float:
    """Share of images whose class is found, in one noisy copy each where sigma is above 0."""
    return float(judged(model, images, labels, sigma=sigma, key=key, batch=PASS).hits.double().mean())


def loss_of(held: Held, place: int, weights: Tensor) -> tuple[float, float]:
    """Loss and accuracy over the training images without noise."""
    problem = held.problems[place]
    score = replace(problem, module=classifier(held, place, weights), ghost_batch=None).score(weights)
    assert score.accuracy is not None
    return score.loss, score.accuracy


def finite(weights: Tensor) -> bool:
    """Whether a network did not diverge."""
    return bool(torch.isfinite(weights).all())
