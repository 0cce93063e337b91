"""What a reading of the Hessian's largest eigenvalues costs beside peers, along a real descent, before and at the edge.

    python benchmarks/curvature.py                               CIFAR-10 5k fc-tanh; needs GENLAB_DATA; half an hour of one core
    python benchmarks/curvature.py --network cnn-relu --inverse 20 --before 20 --edge 150 --readings 3
    python benchmarks/curvature.py --data digits --network fc-tanh-width50 --inverse 7 --before 100 --edge 700
    python benchmarks/curvature.py --device cuda

Every ten steps each method reads the same weights in turn, A B C A B C; ours has seen the readings before, as in use. Seconds
are processor seconds of one thread on a CPU, and wall seconds between synchronisations on a GPU; a gradient of the same problem
is timed at each reading, and costs are medians over readings in units of it. Errors are the largest over the k eigenvalues and
the readings, against the same Hessian in float64 to a residual of 1e-6. The floor is one gradient; proof takes k products more.

Methods: the official edge-of-stability code's (scipy's ARPACK on double backward from scratch, its defaults), the same at
tolerance 1e-3, PyHessian's power iteration and curvlinops' operator under ARPACK (both where installed, on the first readings
only, for they are slow: pip install --no-deps pyhessian curvlinops-for-pytorch linear_operator einops einconv), ours without
scouts, ours.
"""

import argparse
import importlib.util
import itertools
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn

from genlab.probes.eigen import largest
from genlab.probes.hessian import Hessian
from genlab.probes.tracker import Tracker
from genlab.training import data, networks
from genlab.training.loop import descend
from genlab.training.losses import half_squared_error
from genlab.training.problem import Problem
from genlab.training.updates import GradientDescent

EVERY = 10  # steps between two readings
METHODS = ("ARPACK, defaults (official)", "ARPACK, tol 1e-3", "PyHessian", "PyHessian, tol 1e-5", "curvlinops + ARPACK")
OURS, ALONE = "genlab tracker", "genlab tracker, no scouts"


@dataclass
class Tally:
    products: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)


Reading = Callable[[Tensor], tuple[Tensor, int]]  # weights in; falling eigenvalues and products out


def official(problem: Problem, k: int, tolerance: float) -> Reading:
    """Cold ARPACK; each product builds the graph of the gradient anew."""

    def read(weights: Tensor) -> tuple[Tensor, int]:
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
            return total.cpu().numpy()

        return arpack(product, len(weights), k, tolerance), count

    return read


def arpack(product: Callable[[np.ndarray], np.ndarray], size: int, k: int, tolerance: float) -> Tensor:
    start = np.random.default_rng(0).normal(size=size).astype(np.float32)
    operator = LinearOperator((size, size), product, dtype=np.float32)
    return torch.from_numpy(np.sort(eigsh(operator, k, which="LA", tol=tolerance, v0=start)[0])[::-1].copy()).double()


class SummedHalfSquares(nn.Module):
    """The papers' mse as PyHessian and curvlinops want it: a mean over the examples of a batch."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return half_squared_error(outputs, targets).mean()


def pyhessian(problem: Problem, k: int, tolerance: float) -> Reading:
    def read(weights: Tensor) -> tuple[Tensor, int]:
        from pyhessian import hessian

        problem.install(weights)
        torch.manual_seed(0)
        batches = list(problem.batches())
        cuda = weights.device.type == "cuda"
        found = hessian(problem.module, SummedHalfSquares(), dataloader=batches, cuda=cuda)
        values, _ = found.eigenvalues(maxIter=300, tol=tolerance, top_n=k)
        problem.module.zero_grad(set_to_none=True)  # it leaves graphs on the parameters
        return torch.tensor(sorted(values, reverse=True), dtype=torch.float64), 0

    return read


def curvlinops(problem: Problem, k: int) -> Reading:
    def read(weights: Tensor) -> tuple[Tensor, int]:
        from curvlinops import HessianLinearOperator

        problem.install(weights)
        count = 0
        outputs = networks_outputs(problem)
        targets = nn.functional.one_hot(problem.targets, outputs).to(weights.dtype)
        size = problem.physical_batch
        batches = list(zip(torch.split(problem.inputs, size), torch.split(targets, size), strict=True))  # type: ignore[arg-type]
        parameters = [each for each in problem.module.parameters() if each.requires_grad]
        loss = nn.MSELoss(reduction="sum")
        operator: Any = HessianLinearOperator(problem.module, loss, parameters, batches, check_deterministic=False)

        def product(vector: np.ndarray) -> np.ndarray:
            nonlocal count
            count += 1
            v = torch.from_numpy(vector).to(weights).reshape(-1)
            return (operator @ v * (0.5 / len(targets))).cpu().numpy()

        return arpack(product, len(weights), k, 1e-3), count

    return read


def networks_outputs(problem: Problem) -> int:
    with torch.no_grad():
        return int(problem.module(problem.inputs[:2]).shape[-1])  # type: ignore[index]


def tracked(problem: Problem, k: int, scout: int | None) -> Reading:
    tracker = Tracker(problem, k, scout=scout)

    def read(weights: Tensor) -> tuple[Tensor, int]:
        pairs = tracker(weights)
        assert pairs.converged, pairs
        return torch.tensor(pairs.values, dtype=torch.float64), pairs.products

    return read


def exact(problem: Problem, weights: Tensor, k: int, start: list[Tensor]) -> Tensor:
    """Converged eigenvalues of the Hessian in float64; ``start`` holds the last ones' vectors, and the new ones after."""
    double = problem.double()
    generator = torch.Generator().manual_seed(1)
    random = torch.randn((k + 1, len(weights)), generator=generator, dtype=torch.float64).to(weights.device)
    hessian = Hessian(double, weights.double(), graph_bytes=2**32)
    pairs = largest(hessian, k, start=torch.cat([*start, random]), tolerance=1e-6, least_expansions=3)
    assert pairs.converged, pairs
    start[:] = [pairs.vectors]
    return torch.tensor(pairs.values, dtype=torch.float64)


def clock(device: str) -> Callable[[], float]:
    if device != "cuda":
        return time.process_time

    def synchronised() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return synchronised


def load(options: argparse.Namespace) -> Problem:
    loaded = data.load(options.data).to(options.device, torch.float32)
    module = networks.build(options.network, inputs=loaded.inputs, outputs=loaded.outputs, seed=0).to(options.device)
    return Problem(module, half_squared_error, loaded.train_inputs, loaded.train_targets, options.physical_batch)


def methods(problem: Problem, k: int, scout: int | None) -> dict[str, Reading]:
    found = {METHODS[0]: official(problem, k, 0.0), METHODS[1]: official(problem, k, 1e-3)}
    if importlib.util.find_spec("pyhessian"):
        found |= {METHODS[2]: pyhessian(problem, k, 1e-3), METHODS[3]: pyhessian(problem, k, 1e-5)}
    if importlib.util.find_spec("curvlinops"):
        found |= {METHODS[4]: curvlinops(problem, k)}
    return found | {ALONE: tracked(problem, k, 0), OURS: tracked(problem, k, scout)}


def points(problem: Problem, options: argparse.Namespace) -> Iterator[tuple[str, list[Tensor]]]:
    """The weights of both phases: those the tracker warms up on, then those that are timed."""
    warm_up = 2
    spans = {name: first for name, first in (("before the edge", options.before), ("at the edge", options.edge)) if first >= 0}
    last = max(spans.values()) + EVERY * options.readings
    moments = itertools.islice(descend(problem, GradientDescent(2 / options.inverse), problem.weights()), last + 1)
    saved = {moment.step: moment.weights for moment in moments if moment.step % EVERY == 0}
    for name, first in spans.items():
        yield name, [saved[first + EVERY * index] for index in range(-min(warm_up, first // EVERY), options.readings)]


def table(problem: Problem, options: argparse.Namespace) -> None:
    now = clock(options.device)
    for phase, weights in points(problem, options):
        for k in options.k:
            readers, start = methods(problem, k, options.scout), []
            tallies = {name: Tally() for name in readers}
            ahead = len(weights) - options.readings
            for index, point in enumerate(weights):
                truth = exact(problem, point, k, start)
                for name, read in readers.items():
                    timed = index >= ahead
                    if name in METHODS and not timed:
                        continue  # they keep nothing from reading to reading
                    if name in METHODS[2:] and index >= ahead + options.peers:
                        continue
                    begun = now()
                    problem.slope(point)
                    unit = now() - begun
                    begun = now()
                    values, products = read(point)
                    seconds = now() - begun
                    if timed:
                        tally = tallies[name]
                        tally.products.append(products)
                        tally.seconds.append(seconds)
                        tally.gradients.append(unit)
                        tally.errors.append(float((values / truth.cpu() - 1).abs().max()))
            show(phase, k, truth, tallies, options)


def show(phase: str, k: int, truth: Tensor, tallies: dict[str, Tally], options: argparse.Namespace) -> None:
    unit = statistics.median(itertools.chain(*(tally.gradients for tally in tallies.values())))
    cost = {name: statistics.median(tally.seconds) / unit for name, tally in tallies.items() if tally.seconds}
    print(f"\n{options.data} {options.network}, eta = 2/{options.inverse:g}, {phase}, k = {k}; one gradient {unit * 1e3:.1f} ms")
    print(f"last eigenvalues {', '.join(f'{value:.2f}' for value in truth.tolist())}")
    print(f"{'':28} {'n':>2} {'products':>8} {'gradients':>9} {'against official':>16} {'largest error':>13}")
    for name, gradients in cost.items():
        tally = tallies[name]
        count = f"{statistics.median(tally.products):8.1f}" if any(tally.products) else f"{'':8}"
        ratio, error = cost[METHODS[0]] / gradients, max(tally.errors)
        print(f"{name:28} {len(tally.seconds):2} {count} {gradients:9.1f} {ratio:15.1f}x {error:13.0e}", flush=True)


def whole_run(problem: Problem, options: argparse.Namespace) -> None:
    """Steps a second of descent with a reading every ten steps, and without."""
    now, steps = clock(options.device), options.run_steps

    def seconds(reading: bool) -> float:
        tracker = Tracker(problem, scout=options.scout)
        begun = now()
        for moment in itertools.islice(descend(problem, GradientDescent(2 / options.inverse), problem.weights()), steps):
            if reading and moment.step % EVERY == 0:
                tracker(moment.weights)
        return now() - begun

    rounds = [(seconds(reading=False), seconds(reading=True)) for _ in range(2)]  # A B A B
    bare, with_readings = (statistics.median(each) for each in zip(*rounds, strict=True))
    print(
        f"\n{steps} steps from the start, a reading (k = 1) every {EVERY}, two rounds: {steps / bare:.1f} steps a second bare, "
        f"{steps / with_readings:.1f} tracked: {with_readings / bare:.2f} of the time; the first reading is a cold one"
    )


def growth(options: argparse.Namespace) -> None:
    """A warm reading in gradients, over numbers of examples, parameters and eigenpairs."""
    now = clock(options.device)
    print(f"\na warm reading in gradients, steps 20 to 60, medians of 5 ({options.data} and its first examples)")
    cases = [(name, "fc-tanh", 1) for name in options.growth] + [
        (options.growth[0], f"fc-tanh-width{width}", 1) for width in (50, 100, 400)
    ]
    for name, network, k in [*cases, *((options.growth[0], "fc-tanh", k) for k in (2, 5, 10))]:
        loaded = data.load(name).to(options.device, torch.float32)
        module = networks.build(network, inputs=loaded.inputs, outputs=loaded.outputs, seed=0).to(options.device)
        problem = Problem(module, half_squared_error, loaded.train_inputs, loaded.train_targets, options.physical_batch)
        tracker, costs, units = Tracker(problem, k), [], []
        for moment in itertools.islice(descend(problem, GradientDescent(2 / options.inverse), problem.weights()), 61):
            if moment.step % EVERY:
                continue
            begun = now()
            problem.slope(moment.weights)
            units.append(now() - begun)
            begun = now()
            tracker(moment.weights)
            costs.append(now() - begun)
        ratio = statistics.median(costs[2:]) / statistics.median(units[2:])
        print(f"{name:14} {network:18} {problem.parameter_count:8} parameters, k = {k:2}: {ratio:5.1f}", flush=True)


def memory(options: argparse.Namespace) -> None:
    """Peak memory of one reading beyond a gradient's: on a GPU as torch counts it, on a CPU of a process of its own."""
    print("\npeak memory of one reading beyond that of a gradient, k = 1")
    for name in (METHODS[0], ALONE, OURS):
        if options.device == "cuda":
            print(f"{name:28} {peak(name, options) / 2**20:8.0f} MB", flush=True)
            continue
        call = [sys.executable, __file__, "--only", name, "--data", options.data, "--network", options.network]
        done = subprocess.run(
            [*call, "--physical-batch", str(options.physical_batch)], capture_output=True, text=True, check=True
        )
        print(f"{name:28} {float(done.stdout) / 2**20:8.0f} MB", flush=True)


def peak(name: str, options: argparse.Namespace) -> float:
    problem = load(options)
    weights, read = problem.weights(), methods(problem, 1, options.scout)[name]

    def of(call: Callable[[], object]) -> float:
        if options.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
            call()
            return float(torch.cuda.max_memory_allocated())
        Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts again from here
        call()
        (line,) = (each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM"))
        return 1024.0 * int(line.split()[1])

    gradient = of(lambda: problem.slope(weights))
    return of(lambda: read(weights)) - gradient


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="cifar10-5k")
    parser.add_argument("--network", default="fc-tanh")
    parser.add_argument("--inverse", type=float, default=80, help="2 / eta: the sharpness of the edge")
    parser.add_argument("--before", type=int, default=150, help="first step read before the edge, -1: none")
    parser.add_argument("--edge", type=int, default=700, help="first step read at the edge, -1: none")
    parser.add_argument("--readings", type=int, default=5)
    parser.add_argument("--peers", type=int, default=1, help="readings by the slow peers")
    parser.add_argument("--k", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--scout", type=int, default=None)
    parser.add_argument("--physical-batch", type=int, default=1000)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--run-steps", type=int, default=100, help="of the whole run, 0: none")
    parser.add_argument("--growth", nargs="*", default=["cifar10-5k", "cifar10-1k", "cifar10-2k", "cifar10-10k"])
    parser.add_argument("--only", choices=(*METHODS, ALONE, OURS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False  # TF32 perturbs products at 1e-3
    torch.set_float32_matmul_precision("highest")
    if options.only:
        print(peak(options.only, options))
        return
    problem = load(options)
    device = (
        torch.cuda.get_device_name() if options.device == "cuda" else f"{platform.processor() or platform.machine()}, 1 thread"
    )
    print(f"{device}; torch {torch.__version__}; {problem.parameter_count} parameters, n = {len(problem.targets)}")
    table(problem, options)
    if options.run_steps:
        whole_run(problem, options)
    memory(options)
    if options.growth:
        growth(options)


if __name__ == "__main__":
    main()
