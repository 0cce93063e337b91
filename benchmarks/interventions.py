"""What interventions cost beside peers and beside a plain step: time, memory, and how far off they are.

    OMP_NUM_THREADS=1 python benchmarks/interventions.py                     all three tables on one core, some minutes
    OMP_NUM_THREADS=1 python benchmarks/interventions.py --parts penalty --networks vgg11-width64 --examples 500 --microbatch 100
    python benchmarks/interventions.py --parts penalty sam --device cuda

Penalty: a step with GN on a batch in micro-batches, in steps without: the floor is 1. The official scheme differentiates
L + lambda |g|^2 of one micro-batch after the other, backward through backward; vmap takes the gradients of all micro-batches at
once and differentiates around them; finite differences take (g(w + e g) - g(w - e g)) / e for 2 H g, with an error of order e^2,
or one-sided 2 (g(w + e g) - g(w)) / e, of order e: e |g| / |w| is the third or second root of the float's spacing at 1. Each
starts from the same weights, some steps of descent from the initial ones, and has the same micro-batches. The error is that of
the penalty's own gradient against genlab's in float64. Inputs of convolutional networks are noise: neither time nor memory sees
them.

SAM: a step in plain steps, against pytorch_optimizer's; then ten steps of each from the same weights, and how far apart they end.

Seeds: runs a second of copies trained together, against the same runs one by one in one process, and in a process each.

Every method runs in turn, A B C A B C; seconds are processor seconds of one thread on a CPU and wall seconds between
synchronisations on a GPU, medians over rounds. Memory is the peak of one call beyond what was there before, on a CPU that of a
process of its own whose allocator gives freed tensors back at once.
"""

import argparse
import copy
import itertools
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from turns import in_turn

from genlab.interventions.penalties import MicrobatchPenalty
from genlab.interventions.plain_loop import backward
from genlab.interventions.quantities import gradient_norm
from genlab.interventions.sam import Sam
from genlab.interventions.together import slopes_together
from genlab.training import data, networks
from genlab.training.batches import Batches
from genlab.training.loop import Intervention, descend
from genlab.training.losses import LOSSES, cross_entropy
from genlab.training.microbatches import microbatches
from genlab.training.problem import Problem
from genlab.training.together import Together
from genlab.training.updates import GradientDescent

STRENGTH, RADIUS = 0.01, 0.05
RETURNED = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_MMAP_MAX_": "100000000", "MALLOC_TRIM_THRESHOLD_": "0"}


def genlab(problem: Problem, weights: Tensor, size: int) -> Tensor:
    return MicrobatchPenalty(gradient_norm, STRENGTH, size)(problem, weights).gradient


def in_halves(problem: Problem, weights: Tensor, size: int) -> Tensor:
    return genlab(replace(problem, physical_batch=max(1, size // 2)), weights, size)


def official(problem: Problem, weights: Tensor, size: int) -> Tensor:
    parameters = [piece.detach().requires_grad_() for piece in problem.split(weights)]
    for part, share in microbatches(problem, size, "penalty", 0, 0):
        loss, _ = part.batch_loss(parameters, part.inputs, part.targets)
        slope = torch.autograd.grad(loss, parameters, create_graph=True)
        square = torch.stack([piece.square().sum() for piece in slope]).sum()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of backward() after create_graph: nothing of the graph outlives this loop
            (share * (loss + STRENGTH * square)).backward()
    return torch.cat([piece.grad.reshape(-1) for piece in parameters if piece.grad is not None])


def vmapped(problem: Problem, weights: Tensor, size: int) -> Tensor:
    parts = [part for part, _ in microbatches(problem, size, "penalty", 0, 0)]  # equally large, as the sizes here divide
    inputs = torch.stack([part.inputs for part in parts if isinstance(part.inputs, Tensor)])
    targets = torch.stack([part.targets for part in parts])

    def loss(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
        named = dict(zip(problem.names, problem.split(w), strict=True))
        outputs = torch.func.functional_call(problem.module, named, (x,))
        return problem.loss(outputs, y).mean()

    def whole(w: Tensor) -> Tensor:
        slopes, losses = torch.func.vmap(torch.func.grad_and_value(loss), (None, 0, 0))(w, inputs, targets)
        objective: Tensor = (losses + STRENGTH * slopes.square().sum(dim=1)).mean()
        return objective

    gradient: Tensor = torch.func.grad(whole)(weights)
    return gradient


def differences(problem: Problem, weights: Tensor, size: int, *, central: bool = True) -> Tensor:
    total = torch.zeros_like(weights)
    reach = torch.finfo(weights.dtype).eps ** (1 / 3 if central else 1 / 2) * torch.linalg.vector_norm(weights)
    for part, share in microbatches(problem, size, "penalty", 0, 0):
        here = part.slope(weights).gradient
        e = reach / torch.linalg.vector_norm(here)
        other, times = (part.slope(weights - e * here).gradient, 1) if central else (here, 2)
        total += share * (here + STRENGTH * times / e * (part.slope(weights + e * here).gradient - other))
    return total


METHODS: dict[str, Callable[[Problem, Tensor, int], Tensor]] = {
    "plain step": lambda problem, weights, size: problem.slope(weights).gradient,
    "genlab, exact": genlab,
    "genlab, exact, in half micro-batches": in_halves,
    "official scheme": official,
    "vmap": vmapped,
    "finite difference, central": differences,
    "finite difference, one-sided": lambda problem, weights, size: differences(problem, weights, size, central=False),
}
PLAIN, OURS = "plain step", "genlab, exact"


def noise(network: str, options: argparse.Namespace) -> tuple[Problem, Tensor]:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(options.examples, 3, 32, 32, generator=generator).to(options.device)
    labels = torch.randint(10, (options.examples,), generator=generator).to(options.device)
    module = networks.build(network, inputs=(3, 32, 32), outputs=10, seed=0).to(options.device)
    problem = Problem(module, cross_entropy, inputs, labels)
    steps = itertools.islice(descend(problem, GradientDescent(0.02), problem.weights()), 10)
    return problem, list(steps)[-1].next_weights


def penalties(network: str, options: argparse.Namespace) -> None:
    problem, weights = noise(network, options)
    size, double = options.microbatch, problem.double()
    calls = {name: partial(method, problem, weights, size) for name, method in METHODS.items()}
    seconds = in_turn(calls, options.rounds, options.device)
    plain = double.slope(weights.double()).gradient
    truth = genlab(double, weights.double(), size) - plain
    print(
        f"\nGN, {network}, {problem.parameter_count} parameters, batch {options.examples}, micro-batches of {size}; "
        f"one plain step {seconds[PLAIN] * 1e3:.0f} ms, n = {options.rounds}"
    )
    print(f"{'':37} {'steps':>6} {'against official':>16} {'peak memory':>11} {'error':>8} {'in float64':>10}")
    for name, method in METHODS.items():
        errors = ["", ""]
        if name != PLAIN:
            found = (method(problem, weights, size).double(), method(double, weights.double(), size))
            errors = [f"{float((each - plain - truth).norm() / truth.norm()):.0e}" for each in found]
        memory = peak(network, name, options)
        print(
            f"{name:37} {seconds[name] / seconds[PLAIN]:6.2f} {seconds['official scheme'] / seconds[name]:15.2f}x "
            f"{memory:8.0f} MB {errors[0]:>8} {errors[1]:>10}",
            flush=True,
        )


def peak(network: str, name: str, options: argparse.Namespace) -> float:
    """MB beyond what was there before, of the second call."""
    if options.device == "cuda":
        return measured(network, name, options)
    sizes = ["--examples", str(options.examples), "--microbatch", str(options.microbatch)]
    call = [sys.executable, __file__, "--only", name, "--networks", network, *sizes]
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=os.environ | RETURNED)
    return float(done.stdout)


def measured(network: str, name: str, options: argparse.Namespace) -> float:
    problem, weights = noise(network, options)
    METHODS[name](problem, weights, options.microbatch)
    if options.device == "cuda":
        held = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        METHODS[name](problem, weights, options.microbatch)
        return (torch.cuda.max_memory_allocated() - held) / 2**20
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts again from here
    before = kilobytes("VmRSS")
    METHODS[name](problem, weights, options.microbatch)
    return (kilobytes("VmHWM") - before) / 2**10


def kilobytes(of: str) -> float:
    (line,) = (each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith(of))
    return float(line.split()[1])


def sam(network: str, options: argparse.Namespace) -> None:
    problem, weights = noise(network, options)
    names = ("plain SGD", "genlab Sam", "pytorch_optimizer SAM")
    print(f"\nSAM, {network}, batch {options.examples}; ten steps in turn, n = 9")
    ends: dict[str, Problem] = {}
    seconds: dict[str, float] = {}
    for of in (problem.double(), problem):
        ends = {name: of.double() if of.dtype == torch.float64 else single(of) for name in names}
        for each in ends.values():
            each.install(weights.to(each.dtype))
        seconds = in_turn({name: steps(name, each) for name, each in ends.items()}, 9, options.device)
        apart = torch.linalg.vector_norm(ends[names[1]].weights() - ends[names[2]].weights())
        moved = torch.linalg.vector_norm(ends[names[1]].weights() - weights)
        print(f"in {of.dtype} genlab and pytorch_optimizer end {float(apart / moved):.0e} of the way apart")
    for name in names:
        loss = ends[name].score(ends[name].weights()).loss
        print(f"{name:37} {seconds[name] / seconds[names[0]]:6.2f}  loss after ten steps {loss:.6f}", flush=True)


def single(problem: Problem) -> Problem:
    return Problem(copy.deepcopy(problem.module), problem.loss, problem.inputs, problem.targets)


def steps(name: str, problem: Problem) -> Callable[[], object]:
    """One step of a plain PyTorch loop."""
    from pytorch_optimizer import SAM

    module, inputs, labels, rate = problem.module, problem.inputs, problem.targets, 0.02
    theirs = SAM(module.parameters(), torch.optim.SGD, rho=RADIUS, perturb_eps=0.0, lr=rate)
    plain = torch.optim.SGD(module.parameters(), lr=rate)

    def closure() -> Tensor:
        module.zero_grad()
        loss = torch.nn.functional.cross_entropy(module(inputs), labels)
        loss.backward()
        return loss

    def step() -> None:
        if name == "pytorch_optimizer SAM":
            closure()
            theirs.step(closure)
            return
        if name == "plain SGD":
            closure()
        else:
            backward(module, cross_entropy, inputs, labels, Sam(RADIUS), step=0)
        plain.step()

    return step


MINIATURES = {  # data, network, loss, batch, step size, micro-batch: as in the studies' mini presets
    "diagonal net": ("sparse-regression-50-20-3", "diagonal", "mse", 20, 0.1, 5),
    "parity MLP": ("parity-30-200", "fc-relu-depth1-width32", "ce", 20, 0.3, 5),
    "digits MLP": ("digits-200", "fc-relu-depth1-width32", "ce", 50, 0.1, 10),
}
ARMS: dict[str, Callable[[int, int], Intervention]] = {
    "SGD": lambda seed, size: Sam(0.0, seed=seed),
    "SAM": lambda seed, size: Sam(RADIUS, seed=seed),
    "GN": lambda seed, size: MicrobatchPenalty(gradient_norm, STRENGTH, size, seed=seed),
}


def seeds(name: str, options: argparse.Namespace) -> None:
    of, network, loss, batch, rate, size = MINIATURES[name]
    problems = []
    for seed in range(max(options.copies)):
        loaded = data.load(of) if "digits" in of else data.load(of, draw=seed)
        module = networks.build(network, inputs=loaded.inputs, outputs=loaded.outputs, seed=seed)
        problems.append(Problem(module, LOSSES[loss], loaded.train_inputs, loaded.train_targets))
    for method, arm in ARMS.items():
        seconds: dict[int, list[float]] = {each: [] for each in (1, *options.copies)}
        apart = 0.0
        for seed in range(2):  # A B C A B C; runs alone have another seed each time
            begun = time.process_time()
            end = train_alone(problems[seed], batch, rate, arm(seed, size), seed, options.steps)
            seconds[1].append(time.process_time() - begun)
            for copies in options.copies:
                begun = time.process_time()
                arms = [arm(each, size) for each in range(copies)]
                ends = train_together(problems[:copies], batch, rate, arms, options.steps)
                seconds[copies].append(time.process_time() - begun)
                apart = max(apart, float((ends[seed] - end).norm() / (end - problems[seed].weights()).norm()))
        alone = statistics.mean(seconds[1])
        for copies in options.copies:
            together = statistics.mean(seconds[copies])
            processes = copies * (alone + options.start) / (together + options.start)
            print(
                f"{name:12} {method:4} {copies:3} copies: {copies / together:6.2f} runs a second, one by one {1 / alone:5.2f}: "
                f"{copies * alone / together:5.1f}x; against a process each {processes:5.1f}x; {apart:.0e} of the way apart",
                flush=True,
            )


def train_together(problems: list[Problem], batch: int, rate: float, interventions: list[Intervention], steps: int) -> Tensor:
    together = Together(problems)
    weights, orders = together.weights(), [Batches(batch, seed=seed) for seed in range(len(problems))]
    for step in range(steps):
        rows = torch.stack([each.rows(step, together.examples) for each in orders])
        weights = weights - rate * slopes_together(together, weights, interventions, batches=rows, step=step).gradient
    return weights


def train_alone(problem: Problem, batch: int, rate: float, intervention: Intervention, seed: int, steps: int) -> Tensor:
    run = descend(problem, GradientDescent(rate), problem.weights(), batches=Batches(batch, seed=seed), intervention=intervention)
    return list(itertools.islice(run, steps))[-1].next_weights


def starting() -> float:
    """Processor seconds of a process that imports what a run needs and ends."""
    names = "genlab.training.data, genlab.training.networks, genlab.interventions.penalties, genlab.training.loop"
    code = f"import time, {names}; print(time.process_time())"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=("penalty", "sam", "seeds"), default=["penalty", "sam", "seeds"])
    parser.add_argument("--networks", nargs="+", default=["fc-tanh", "cnn-avgpool-tanh", "cnn-relu", "vgg11-width16"])
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--microbatch", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1000, help="of a miniature's run")
    parser.add_argument("--copies", type=int, nargs="+", default=[12, 48], help="runs of a miniature at once")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--only", choices=tuple(METHODS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.examples % options.microbatch:
        parser.error(f"--microbatch {options.microbatch} does not divide --examples {options.examples}: vmap wants equal ones")
    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False  # TF32 perturbs products at 1e-3
    torch.set_float32_matmul_precision("highest")
    if options.only:
        print(measured(options.networks[0], options.only, options))
        return
    cuda = options.device == "cuda"
    device = torch.cuda.get_device_name() if cuda else f"{processor()}, 1 thread"
    print(f"{device}; torch {torch.__version__}")
    for part, table in (("penalty", penalties), ("sam", sam)):
        for network in options.networks if part in options.parts else ():
            table(network, options)
    if "seeds" in options.parts:
        options.start = starting()
        print(f"\n{options.steps} steps a run; a process takes {options.start:.1f} s to start")
        for name in MINIATURES:
            seeds(name, options)


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
