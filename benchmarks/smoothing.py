"""Noisy predictions and smoothed gradients a second, beside the method of locuslab/smoothing and beside the bare network.

    OMP_NUM_THREADS=1 python benchmarks/smoothing.py                       two networks on one core, about ten minutes
    python benchmarks/smoothing.py --networks resnet20 --device cuda

Predictions: counts of n noisy copies of an image. The method of locuslab/smoothing's core.Smooth, written anew: batches of 1,000
(its default), the image repeated, noise from the global generator, float32 in the default layout, labels to the host after each
batch and counted there one by one. The limit is the forward pass alone, over copies already drawn, at genlab's batch and layout.

Gradients: of the soft plug-in score, by the images. The loop takes image by image, its copies repeated and drawn as above; the
limit is forward and backward by images already drawn, channels-last, in passes of the same size.

On Linux much of a pass can be page faults: glibc gives large tensors back to the system and asks for them again. That is how a
user meets it; MALLOC_MMAP_THRESHOLD_=1000000000 MALLOC_TRIM_THRESHOLD_=4000000000 before the command shows it without.

Every method runs in turn, A B C A B C; medians over rounds. Seconds are processor seconds of one thread on a CPU and wall seconds
between synchronisations on a GPU. With CIFAR-10 in GENLAB_DATA the networks are trained for some steps under noise before, since
an untrained one is undecided nearly everywhere; without, they are as initialised, on random images.
Agreement is the share of noisy copies that get the class which float32 gives them in the default layout.
"""

import argparse
import copy
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from turns import in_turn

from genlab.smoothing.classifier import SmoothedClassifier, agreement
from genlab.smoothing.gradients import smoothed_gradient
from genlab.smoothing.layers import Normalised
from genlab.smoothing.outputs import suited
from genlab.training import data, networks

SIGMA, CLASSES, SHAPE = 0.25, 10, (3, 32, 32)
THEIR_BATCH = 1000  # certify.py --batch


def their_counts(model: nn.Module, image: Tensor, n: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    counts = np.zeros(CLASSES, dtype=np.int64)
    with torch.no_grad():
        while n > 0:
            size = min(n, THEIR_BATCH)
            n -= size
            copies = image.repeat((size, 1, 1, 1))
            labels = model(copies + torch.randn_like(copies) * SIGMA).argmax(1)
            for label in labels.cpu().numpy():
                counts[label] += 1
    return counts


def their_gradient(model: nn.Module, images: Tensor, targets: Tensor, n: int) -> Tensor:
    found = []
    for image, target in zip(images, targets, strict=True):
        leaf = image.clone().requires_grad_()
        copies = leaf.repeat((n, 1, 1, 1))
        probability = model(copies + torch.randn_like(copies) * SIGMA).softmax(1)[:, target].mean()
        found.append(torch.autograd.grad(probability.log(), leaf)[0])
    return torch.stack(found)


def prepared(network: str, options: argparse.Namespace) -> tuple[nn.Module, Tensor, Tensor]:
    """A network, in eval mode and frozen, and images with labels."""
    model = Normalised(networks.build(network, inputs=SHAPE, outputs=CLASSES, seed=0), [0.5] * 3, [0.25] * 3).to(options.device)
    generator = torch.Generator().manual_seed(0)
    if os.environ.get("GENLAB_DATA"):
        cifar = data.load("cifar10-5k-pixels")
        images, labels = cifar.test_inputs, cifar.test_targets
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(options.train):
            rows = torch.randint(len(cifar.train_inputs), (100,), generator=generator)
            noisy = cifar.train_inputs[rows] + SIGMA * torch.randn(100, *SHAPE, generator=generator)
            loss = nn.functional.cross_entropy(model(noisy.to(options.device)), cifar.train_targets[rows].to(options.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    else:
        images, labels = torch.rand(100, *SHAPE, generator=generator), torch.randint(CLASSES, (100,), generator=generator)
    return model.eval().requires_grad_(False), images.to(options.device), labels.to(options.device)


def forward(model: nn.Module, batches: list[Tensor]) -> None:
    with torch.inference_mode():
        for batch in batches:
            model(batch)


def bare_gradients(model: nn.Module, noisy: Sequence[Tensor], targets: Sequence[Tensor]) -> None:
    for part, classes in zip(noisy, targets, strict=True):
        leaf = part.detach().requires_grad_()
        torch.autograd.grad(model(leaf).gather(1, classes[:, None]).sum(), leaf)


def laid_out(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    found: nn.Module = copy.deepcopy(model).to(dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return found


def predictions(network: str, options: argparse.Namespace) -> None:
    model, images, _ = prepared(network, options)
    image, n = images[0], options.n
    kinds = {
        "float32, default layout": SmoothedClassifier(model, SIGMA, channels_last=False),
        "float32": SmoothedClassifier(model, SIGMA),
        "bfloat16": SmoothedClassifier(model, SIGMA, dtype=torch.bfloat16),
    }
    if options.compile:
        kinds["float32, compiled"] = SmoothedClassifier(model, SIGMA, compile=True)
    calls: dict[str, Callable[[], object]] = {"locuslab/smoothing's method": lambda: their_counts(model, image, n)}
    for name, each in kinds.items():
        calls[f"genlab, {name}"] = lambda each=each: each.counts(image, n, key=(0,))  # type: ignore[misc]
    for dtype in (torch.float32, torch.bfloat16):
        rows = kinds["float32"].passes.rows(SHAPE)
        batch = torch.rand(n, *SHAPE, device=options.device).to(dtype).contiguous(memory_format=torch.channels_last)
        bare, batches = laid_out(model, dtype), list(batch.split(rows))
        calls[f"limit, {str(dtype).removeprefix('torch.')}"] = lambda bare=bare, batches=batches: forward(bare, batches)  # type: ignore[misc]
    seconds = in_turn(calls, options.rounds, options.device)
    print(f"\n{network}: noisy predictions, n = {n:,} copies of one image, medians of {options.rounds}")
    print("| | a second | ratio | of its limit | agreement |\n|---|---|---|---|---|")
    first = seconds["locuslab/smoothing's method"]
    plain = kinds["float32, default layout"]
    for name, each in seconds.items():
        limit = seconds["limit, bfloat16" if "bfloat16" in name else "limit, float32"]
        agreed = ""
        if name.startswith("genlab") and "default" not in name:
            same = [
                agreement(plain, kinds[name.removeprefix("genlab, ")], one, 500, key=(index,))
                for index, one in enumerate(images[:10])
            ]
            agreed = f"{sum(one.centre for one in same) / len(same):.2%}"
        print(f"| {name} | {n / each:,.0f} | {first / each:.2f} | {limit / each:.2f} | {agreed} |")


def gradients(network: str, options: argparse.Namespace) -> None:
    model, images, labels = prepared(network, options)
    count, n = 8, 32
    images, labels = images[:count], labels[:count]
    half, last = laid_out(model, torch.bfloat16), laid_out(model, torch.float32)
    noisy = images.repeat_interleave(n, dim=0).contiguous(memory_format=torch.channels_last)
    targets = labels.repeat_interleave(n)
    batch = suited(SHAPE, images.device)
    ours = lambda network, pixels: smoothed_gradient(network, pixels, labels, sigma=SIGMA, n=n, key=(0,))
    calls: dict[str, Callable[[], object]] = {
        "loop over images": lambda: their_gradient(model, images, labels, n),
        "genlab, float32": lambda: ours(last, images),
        "genlab, bfloat16": lambda: ours(half, images.bfloat16()),
        "limit, float32": lambda: bare_gradients(last, noisy.split(batch), targets.split(batch)),
        "limit, bfloat16": lambda: bare_gradients(half, noisy.bfloat16().split(batch), targets.split(batch)),
    }
    seconds = in_turn(calls, options.rounds, options.device)
    print(f"\n{network}: smoothed gradients, {count} images, {n} copies each, medians of {options.rounds}")
    print("| | gradients a second | ratio | of its limit | cosine with float32 |\n|---|---|---|---|---|")
    exact = ours(model, images).flatten(1)
    found = {"genlab, float32": ours(last, images), "genlab, bfloat16": ours(half, images.bfloat16()).float()}
    for name, each in seconds.items():
        limit = seconds["limit, bfloat16" if "bfloat16" in name else "limit, float32"]
        cosine = f"{nn.functional.cosine_similarity(exact, found[name].flatten(1)).mean():.4f}" if name in found else ""
        print(f"| {name} | {count / each:,.1f} | {seconds['loop over images'] / each:.2f} | {limit / each:.2f} | {cosine} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=("predictions", "gradients"), default=["predictions", "gradients"])
    parser.add_argument("--networks", nargs="+", default=["cnn-relu", "resnet20"])
    parser.add_argument("--n", type=int, default=2000, help="noisy copies")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--train", type=int, default=150, help="steps before, where CIFAR-10 is")
    parser.add_argument("--compile", action="store_true", help="also with torch.compile")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    name = torch.cuda.get_device_name() if options.device == "cuda" else f"{processor()}, {torch.get_num_threads()} thread(s)"
    print(f"{name}, torch {torch.__version__}, sigma {SIGMA}")
    for network in options.networks:
        for part in options.parts:
            {"predictions": predictions, "gradients": gradients}[part](network, options)


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
