"""What a condition will cost: one gradient and a few products, timed here on random data of the same shape."""

import functools
import math
from collections.abc import Mapping
from typing import Any

import torch

from genlab.probes.eigen import ROOM
from genlab.probes.graphs import GRAPH_OVER_ACTIVATIONS
from genlab.probes.hessian import Hessian
from genlab.studies.pricing import PROCESS_BYTES, fastest
from genlab.studies.study import Price
from genlab.training import data, networks
from genlab.training.losses import cross_entropy, half_squared_error
from genlab.training.problem import Problem

PRODUCTS_A_READING = 15  # measured on digits at tolerance 3e-3, docs/log.md
FLOW_GRADIENTS_A_STEP = 12  # 4 an RK4 step, of which 1 to 4 cover one descent step as the flow sharpens past 2/eta
MOST_DENSE = 5000  # parameters of a dense float64 Hessian: 200 MB
FEW, LARGE_SECONDS = 100, 0.3  # our assumptions: a gradient of so many examples is timed where that of the batch takes longer
HESSIAN_BYTES = 2**30  # the tracker's default bound on kept graphs


def price(settings: Mapping[str, Any], device: str) -> Price:
    """Seconds on one thread if nothing ends the run early, peak memory of its process, records."""
    outline = data.outline(settings["data"])
    if settings["goal_accuracy"] is not None and not outline.classes:
        raise ValueError(f"goal_accuracy wants class labels and {settings['data']} is regression: set goal_accuracy=none")
    if settings["loss"] == "ce" and not outline.classes:
        raise ValueError(f"ce wants class labels and {settings['data']} is regression: set loss=mse")
    if settings["loss"] == "mse" and outline.tokens:
        raise ValueError(f"mse is not defined for the tokens of {settings['data']}: set loss=ce")
    batch = min(settings.get("ghost_batch") or settings["physical_batch"], outline.train)
    if settings.get("batch_size", 1) > outline.train:
        raise ValueError(
            f"batch_size is at most {outline.train}, the examples of {settings['data']}, got {settings['batch_size']}"
        )
    gradient, product, parameters, activations, normalised = _measure(
        settings["network"], outline.inputs, outline.outputs, batch, settings["precision"], device, outline.tokens
    )
    if normalised and "ghost_batch" not in settings:
        raise ValueError(
            f"{settings['network']} has batch norm, which normalises over a ghost batch: set ghost_batch=1000, as the official "
            "code does, or another number of examples"
        )
    if "ghost_batch" in settings and not normalised:
        raise ValueError(f"ghost_batch is for batch norm, and {settings['network']} has none: set ghost_batch=none")
    if settings["eigenpairs"] > parameters:
        raise ValueError(
            f"eigenpairs is at most {parameters}, the number of parameters of {settings['network']}, got {settings['eigenpairs']}"
        )
    if settings["dense_every"] and parameters > MOST_DENSE:
        raise ValueError(
            f"dense_every wants at most {MOST_DENSE:,} parameters, {settings['network']} has {parameters:,}: set dense_every=0"
        )
    share = outline.train / batch
    readings = settings["steps"] // settings["sharpness_every"] + 2
    gradients = float(settings["steps"])
    if "batch_size" in settings:  # the whole loss at each reading is a third of a gradient, a draw three of its batch
        seen = settings["steps"] + 3 * readings * settings.get("batch_draws", 0)
        gradients = seen * settings["batch_size"] / outline.train + readings / 3
    products = readings * PRODUCTS_A_READING * (1 + (settings["eigenpairs"] - 1) / 3)
    products += readings * settings.get("segment_points", 0) * PRODUCTS_A_READING
    if settings["beside"] == "flow":
        gradients += settings["beside_steps"] * FLOW_GRADIENTS_A_STEP
        products += settings["beside_steps"] // settings["sharpness_every"] * PRODUCTS_A_READING
    if settings["beside"] == "quadratic":
        products += settings["beside_steps"]
    if settings["dense_every"]:
        products += readings // settings["dense_every"] * parameters
    if settings["test_every"] and outline.test:
        gradients += settings["steps"] / settings["test_every"] * outline.test / outline.train / 3
    item = {"float32": 4, "float64": 8}[settings["precision"]]
    numbers = (outline.train + outline.test) * math.prod(outline.inputs) + parameters * 2 * (2 * settings["eigenpairs"] + ROOM)
    graphs = min(HESSIAN_BYTES, GRAPH_OVER_ACTIVATIONS * activations * max(1, outline.train // batch))
    return Price(
        seconds=share * (gradients * gradient + products * product),
        memory_bytes=int(PROCESS_BYTES + item * numbers + graphs),
        records=settings["steps"] + 1,
    )


@functools.cache
def _measure(
    network: str, inputs: tuple[int, ...], outputs: int, batch: int, precision: str, device: str, tokens: bool
) -> tuple[float, float, int, int, bool]:
    """(seconds a gradient, seconds a product, parameters, activation bytes, batch norm?) of one physical batch, on one thread.

    A large network is timed on the first examples of the batch only.
    """
    dtype = {"float32": torch.float32, "float64": torch.float64}[precision]
    module = networks.build(network, inputs=inputs, outputs=outputs, seed=0, dtype=dtype, tokens=tokens).to(device)
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn((batch, *shape), generator=generator).to(device, dtype) for shape in (inputs, (outputs,)))
    problem = Problem(module, half_squared_error, x, y, batch)
    if tokens:
        x, y = (torch.randint(outputs, (batch, *inputs), generator=generator).to(device) for _ in range(2))
        problem = Problem(module, cross_entropy, x, y, batch)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        weights = problem.weights()
        few = problem.subset(slice(FEW))
        timed = few if fastest(lambda: few.slope(weights).loss) * batch / FEW > LARGE_SECONDS else problem
        gradient = fastest(lambda: timed.slope(weights).loss)
        hessian = Hessian(timed, weights)
        product = fastest(lambda: hessian(weights[None]).sum().item())
    finally:
        torch.set_num_threads(threads)
    normalised = any(isinstance(each, torch.nn.modules.batchnorm._BatchNorm) for each in module.modules())
    scale = batch / len(timed.targets)
    return scale * gradient, scale * product, problem.parameter_count, int(scale * timed.activation_bytes), normalised
