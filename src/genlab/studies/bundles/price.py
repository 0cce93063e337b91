"""What a bundle will cost: a few steps timed here, on random data of the same shape."""

import functools
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from genlab.studies.bundles.plan import STRONG, Plan, plan
from genlab.studies.bundles.runner import Copies, runner
from genlab.studies.pricing import PROCESS_BYTES, fastest
from genlab.studies.study import Price
from genlab.training import data, networks, synthetic
from genlab.training.data import Data
from genlab.training.losses import LOSSES
from genlab.training.problem import Problem

LARGE = 100_000_000  # examples times parameters of a step above which it is timed on fewer examples (our assumption)
FEW = 16  # examples that a large step is timed on, in micro-batches and ghost batches of as many (our assumption)
PRODUCTS = 85  # of the Hessian at a copy's end: Hutch++'s 45 and some forty of the eigen-solver
PRODUCT = 2.0  # gradients a product costs at most: docs/log.md, 2026-11-23


def price(settings: Mapping[str, Any], device: str) -> Price:
    """Seconds on one thread if no copy ends early, peak memory of its process, records."""
    planned = plan(settings)
    outline = data.outline(planned.data)
    if planned.loss == "ce" and not outline.classes:
        raise ValueError(f"ce wants class labels and {planned.data} is regression: set loss=mse")
    if planned.goal_accuracy is not None and not outline.classes:
        raise ValueError(f"goal_accuracy wants class labels and {planned.data} is regression: set goal_accuracy=none")
    if outline.tokens:
        raise ValueError(f"{planned.data} is text: this study trains on numbers and images")
    if not outline.test:
        raise ValueError(
            f"{planned.data} has no test set to generalize to: use digits-300/held-out, parity-30-200, cifar10/held-out"
        )
    for name, size in (("batch_size", planned.batch_size), ("donor_batch", planned.donor_batch)):
        if size and size > outline.train:
            raise ValueError(f"{name} is at most {outline.train}, the examples of {planned.data}, got {size}")
    examples = planned.batch_size or outline.train
    step, score, parameters, normalised = _measure(_alike(planned), outline, examples, device)
    if normalised != (planned.ghost_batch is not None):
        wants = "has batch norm: set ghost_batch to the batch" if normalised else "has no batch norm: set ghost_batch=0"
        raise ValueError(f"{planned.network} {wants}, got ghost_batch={planned.ghost_batch or 0}")
    copies = len(planned.copies())
    looks = planned.steps // planned.check_every + 1
    readings = planned.steps // planned.read_every + 1
    evaluated = looks * outline.train + readings * (
        outline.test + outline.validation + outline.train * (3 if planned.noise_of else 0)
    )
    seconds = planned.steps * step + evaluated * score
    if planned.curvature:
        along = planned.steps // planned.curvature_every + 1 if planned.curvature_every else 0
        seconds += (along + 1) * PRODUCTS * PRODUCT * 3 * outline.train * score * (1 + planned.segment_points / 2)
    numbers = (
        (outline.train + outline.validation + outline.test)
        * math.prod(outline.inputs)
        * (planned.seeds if synthetic.parse(planned.data) else 1)
    )
    return Price(
        seconds=seconds,
        memory_bytes=int(PROCESS_BYTES + 4 * (numbers + 12 * copies * parameters)),
        records=copies * (readings + 1),
    )


def _alike(planned: Plan) -> Plan:
    """The plan without what costs nothing: equal ones are timed once."""
    alike = replace(planned, data="", seed=0, steps=1, check_every=1, read_every=1, goal_loss=None, goal_accuracy=None)
    if len(planned.copies()) == 1:
        strength = 0.1 if planned.method in STRONG and planned.strengths[0] else 0.0
        alike = replace(alike, step_sizes=(0.1,), strengths=(strength,))
    return alike


@functools.cache
def _measure(planned: Plan, outline: data.Outline, examples: int, device: str) -> tuple[float, float, int, bool]:
    """(seconds a step of all copies, seconds a scored example of all copies, parameters, batch norm?), on one thread."""
    dtype = {"float32": torch.float32, "float64": torch.float64}[planned.precision]
    module = networks.build(planned.network, inputs=outline.inputs, outputs=outline.outputs, seed=0, dtype=dtype).to(device)
    parameters = networks.parameter_count(module)
    normalised = any(isinstance(each, torch.nn.modules.batchnorm._BatchNorm) for each in module.modules())
    timed = examples if examples * parameters <= LARGE else min(examples, FEW)
    if timed < examples:
        micro, ghosts = (None if each is None else min(each, timed) for each in (planned.microbatch, planned.ghost_batch))
        planned = replace(planned, microbatch=micro, ghost_batch=ghosts)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((timed, *outline.inputs), generator=generator).to(device, dtype)
    if outline.classes:
        y = torch.randint(outline.classes, (timed,), generator=generator).to(device)
    else:
        y = torch.randn((timed, outline.outputs), generator=generator).to(device, dtype)
    each = planned.copies()
    ghost = planned.ghost_batch or (timed if normalised else None)
    problem = Problem(module, LOSSES[planned.loss], x, y, planned.physical_batch, ghost)
    held = Data("random", x, y, x, y, outline.classes, "", (), "")
    one = Copies(replace(planned, batch_size=None), each, [problem] * len(each), [held] * len(each))
    running = runner(one)
    weights = torch.stack([problem.weights()] * len(each))
    numbers = list(range(len(each)))
    norms = weights[:, 0].abs() + 1 if planned.method == "external" else None
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        step = fastest(lambda: running.slopes(numbers, weights, 0, norms).loss.sum().item()) * examples / timed
        if norms is not None:
            step *= 2  # and the donor's
        score = fastest(lambda: running.scores("training", numbers, weights)) / timed
    finally:
        torch.set_num_threads(threads)
    return step, score, parameters, normalised
