"""What one reading of the sharpness costs beside peers, in gradients, at points of a descent before and at the edge.

    python benchmarks/sharpness.py                                         digits, fc-tanh-width50
    python benchmarks/sharpness.py cifar10-5k fc-tanh 0.01 4000 500        needs GENLAB_DATA

Peers: ARPACK (scipy's eigsh) on double backward from scratch with its defaults, as the official edge-of-stability code
does it, and with tolerance 1e-3. Each point is read by every peer in turn, A B C A B C; CPU seconds of one thread, medians.
Errors are against ARPACK at tolerance 0 on the same products.
"""

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor

from genlab.probes.tracker import Tracker
from genlab.training import data, networks
from genlab.training.loop import descend
from genlab.training.losses import half_squared_error
from genlab.training.problem import Problem
from genlab.training.updates import GradientDescent


@dataclass
class Tally:
    products: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


def official(problem: Problem, weights: Tensor, k: int, tolerance: float) -> tuple[float, int]:
    """Cold ARPACK; each product builds the graph of the gradient anew."""
    count = 0

    def product(vector: np.ndarray) -> np.ndarray:
        nonlocal count
        count += 1
        v = torch.from_numpy(vector).to(weights).reshape(-1)
        total = torch.zeros_like(v)
        for inputs, targets in problem.batches():
            parameters = [piece.detach().requires_grad_() for piece in problem.split(weights)]
            loss, _ = problem.batch_loss(parameters, inputs, targets)
            slopes = torch.autograd.grad(loss, parameters, create_graph=True)
            dot = torch.cat([slope.reshape(-1) for slope in slopes]) @ v
            total += torch.cat([piece.reshape(-1) for piece in torch.autograd.grad(dot, parameters)])
        return total.numpy()

    size = len(weights)
    start = np.random.default_rng(0).normal(size=size).astype(np.float32)
    values = eigsh(LinearOperator((size, size), product, dtype=np.float32), k, which="LA", tol=tolerance, v0=start)[0]
    return float(values[-1]), count


def tracked(tracker: Tracker, weights: Tensor) -> tuple[float, int]:
    pairs = tracker(weights)
    return pairs.values[0], pairs.products


def timed(tally: Tally, call: Callable[[], tuple[float, int]]) -> None:
    begun = time.process_time()
    value, products = call()
    tally.seconds.append(time.process_time() - begun)
    tally.values.append(value)
    tally.products.append(products)


def main(name: str, network: str, eta: float, steps: int, every: int) -> None:
    torch.set_num_threads(1)
    loaded = data.load(name)
    module = networks.build(network, inputs=loaded.inputs, outputs=loaded.outputs, seed=0)
    problem = Problem(module, half_squared_error, loaded.train_inputs, loaded.train_targets)
    for k in (1, 5):
        tracker = Tracker(problem, k)
        peers = {each: Tally() for each in ("ARPACK, defaults", "ARPACK, tol 1e-3", "genlab tracker")}
        gradients: list[float] = []
        for moment in itertools.islice(descend(problem, GradientDescent(eta), problem.weights()), steps):
            if moment.step % 10 == 0 and moment.step % every:
                tracker(moment.weights)  # the cadence it is used at
            if moment.step % every:
                continue
            begun = time.process_time()
            problem.slope(moment.weights)
            gradients.append(time.process_time() - begun)
            timed(peers["ARPACK, defaults"], partial(official, problem, moment.weights, k, 0.0))
            timed(peers["ARPACK, tol 1e-3"], partial(official, problem, moment.weights, k, 1e-3))
            timed(peers["genlab tracker"], partial(tracked, tracker, moment.weights))
        unit = statistics.median(gradients)
        print(f"{name} {network}, {problem.parameter_count} parameters, k={k}, n={len(gradients)} readings")
        print(f"  one gradient {unit * 1e3:.1f} ms")
        truth = np.array(peers["ARPACK, defaults"].values)
        slowest = statistics.median(peers["ARPACK, defaults"].seconds)
        for label, tally in peers.items():
            median = statistics.median(tally.seconds)
            worst = float(np.abs(np.array(tally.values) / truth - 1).max())
            print(
                f"  {label:18} {statistics.median(tally.products):5.0f} products  {median / unit:6.1f} gradients  "
                f"{slowest / median:5.1f}x  largest error of the first eigenvalue {worst:.0e}"
            )


if __name__ == "__main__":
    usual = ["digits", "fc-tanh-width50", "0.2857142857", "1500", "50"]
    name, network, eta, steps, every = sys.argv[1:] + usual[len(sys.argv) - 1 :]
    main(name, network, float(eta), int(steps), int(every))
