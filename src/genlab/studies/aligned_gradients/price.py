"""What a condition will cost: a step and a forward pass of each architecture, timed here on random images."""

import functools
import math
from collections.abc import Mapping
from typing import Any

import torch

from genlab.smoothing.layers import Normalised
from genlab.studies.aligned_gradients.asking import JUDGING
from genlab.studies.aligned_gradients.method import fits
from genlab.studies.aligned_gradients.plan import ADVERSARIAL, SMOOTHADV, Net, Plan, plan
from genlab.studies.pricing import PROCESS_BYTES, fastest
from genlab.studies.study import Price
from genlab.training import data, networks
from genlab.training.losses import cross_entropy
from genlab.training.problem import Problem

TIMED = 64  # images of a timed pass (our assumption)


def price(settings: Mapping[str, Any], device: str) -> Price:
    """Seconds on one thread if the standard networks take all their steps, peak memory of its process, records."""
    planned = plan(settings)
    outline = data.outline(planned.data)
    if not outline.classes or len(outline.inputs) != 3:
        raise ValueError(f"this study wants images with classes, got data={planned.data}: set data=digits-pixels")
    if planned.batch_size > outline.train:
        raise ValueError(f"batch_size is at most {outline.train}, the examples of {planned.data}, got {planned.batch_size}")
    if planned.images > outline.test or planned.certified > outline.test:
        raise ValueError(f"images and certified are at most {outline.test}, the test images of {planned.data}")
    own = _measure(planned.network, outline, device)
    judge = _measure(planned.judge, outline, device)
    seconds = sum(_training(planned, net, judge if net.judge else own) for net in planned.nets())
    seconds += sum(2 * outline.test * (judge if net.judge else own)[1] for net in planned.nets())
    for ask in planned.asks():
        changed = planned.images * (planned.ascent_steps + 1) + planned.shown * 2 * planned.ascent_steps
        seconds += changed * ask.samples * own[0] + planned.images * (JUDGING * own[1] + (JUDGING + 2) * judge[1])
    seconds += sum(2 * planned.images * each * own[0] for each in planned.samples)
    copies = planned.first_draws + planned.draws
    seconds += len(planned.certifies()) * planned.certified * copies * own[1]
    numbers = (outline.train + outline.test) * math.prod(outline.inputs)
    records = len(planned.nets()) + len(planned.asks()) * (planned.images + 2 * planned.shown + 1)
    records += len(planned.samples) * planned.images + len(planned.certifies()) * planned.certified
    return Price(seconds=seconds, memory_bytes=PROCESS_BYTES + 8 * numbers, records=records)


def _training(planned: Plan, net: Net, times: tuple[float, float]) -> float:
    """Seconds of a network's training: passes over a batch, forwards and backwards."""
    most = planned.most_steps if fits(net) else planned.steps
    passes = {ADVERSARIAL: planned.attack_steps + 1, SMOOTHADV: planned.vectors * (planned.attack_steps + 1)}
    return most * planned.batch_size * passes.get(net.training, 1) * times[0]


@functools.cache
def _measure(network: str, outline: data.Outline, device: str) -> tuple[float, float]:
    """(seconds a gradient of an image, seconds a forward pass of an image), on one thread."""
    module = Normalised(networks.build(network, inputs=outline.inputs, outputs=outline.outputs, seed=0), [0.5], [0.25]).to(device)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand((TIMED, *outline.inputs), generator=generator).to(device)
    labels = torch.randint(outline.outputs, (TIMED,), generator=generator).to(device)
    problem = Problem(module, cross_entropy, images, labels, TIMED, TIMED)
    weights = problem.weights()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        gradient = fastest(lambda: problem.slope(weights).loss) / TIMED
        forward = fastest(lambda: problem.score(weights).loss) / TIMED
    finally:
        torch.set_num_threads(threads)
    return gradient, forward
