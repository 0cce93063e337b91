"""Certify the test images of a data set, one after the other, into a file that goes on where it was cut off."""

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genlab.smoothing import bounds, noise
from genlab.smoothing.certificates import Certificates
from genlab.smoothing.checkpoint import checksum, load_classifier
from genlab.smoothing.classifier import EarlyStop, SmoothedClassifier, agreement
from genlab.smoothing.records import Row
from genlab.training import data

COMPARED = 3, 1000  # images and copies of each that lower precision is compared with float32 on (our assumption)
Report = Callable[[int, int, Row], None]  # images done, of how many, the newest


@dataclass(frozen=True)
class Plan:
    """What to certify, and how.

    Attributes:
        model: a safetensors file.
        arch: the network that it holds, a name of ``genlab.training.networks``.
        data: a name of ``genlab.training.data``, without ``-pixels``; its test images are certified.
        sigma: standard deviation of the noise, on pixels in [0, 1].
        n: noisy copies an image.
        n0: copies that select its class.
        alpha: probability that a certificate is wrong.
        skip: of how many images one is certified, from the first on.
        max: only images with a number below, None: all.
        seed: of the noise.
        until: a radius at which to stop counting an image early; None: count all.
        device: where.
        dtype: "float32" or another of torch's names.
        batch: noisy images a pass, None: by the device.
    """

    model: str
    arch: str
    data: str
    sigma: float
    n: int = 10_000
    n0: int = 100
    alpha: float = 0.001
    skip: int = 1
    max: int | None = None
    seed: int = 0
    until: float | None = None
    device: str = "cpu"
    dtype: str = "float32"
    batch: int | None = None

    def __post_init__(self) -> None:
        bounds.check_alpha(self.alpha)
        if self.until is not None:
            EarlyStop(self.until)  # refuses what is no radius
        for name, least in (("n", 1), ("n0", 1), ("skip", 1), ("max", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} is at least {least}, got {value}")


@dataclass(frozen=True, eq=False)
class Prepared:
    """A plan with its classifier, images, and the file; ``indices`` are those to certify."""

    plan: Plan
    model: nn.Module
    classifier: SmoothedClassifier
    images: Tensor
    labels: Tensor
    indices: range
    file: Certificates
    note: str

    @property
    def largest(self) -> float:
        """The largest radius that can be certified."""
        return bounds.largest_radius(
            self.plan.n, self.plan.alpha / (1 if self.plan.until is None else EarlyStop(0).looks), self.plan.sigma
        )


def prepare(plan: Plan, out: str | Path) -> Prepared:
    """Load everything, and see that the file ``out`` is this plan's or new.

    Raises:
        ValueError: a checkpoint, data or settings that do not go together, or a file of other settings.
    """
    name = pixels(plan.data)
    outline = data.outline(name)
    if outline.classes is None or outline.tokens or not outline.test:
        raise ValueError(f"data {plan.data!r} are no images with classes and a test set: use data like digits or cifar10")
    model = load_classifier(plan.model, plan.arch, inputs=outline.inputs, outputs=outline.outputs)
    classifier = SmoothedClassifier(model, plan.sigma, batch=plan.batch, device=plan.device, dtype=getattr(torch, plan.dtype))
    loaded = data.load(name)
    settings = {
        "model": checksum(plan.model),
        "arch": plan.arch,
        "data": name,
        "data checksum": loaded.checksum,
        **{field: getattr(plan, field) for field in ("sigma", "n0", "n", "alpha", "seed", "skip", "until", "dtype")},
        "device": classifier.passes.device.type,  # a GPU draws other noise than a CPU
        "noise": noise.SCHEME,
    }
    indices = range(0, min(len(loaded.test_inputs), plan.max or len(loaded.test_inputs)), plan.skip)
    images, labels = loaded.test_inputs, loaded.test_targets
    file = Certificates(out, settings, made_with=_made_with(plan, classifier))
    return Prepared(plan, model, classifier, images, labels, indices, file, loaded.note)


def certify(prepared: Prepared, report: Report | None = None) -> tuple[Row, ...]:
    """Certify what the file lacks, a line an image; all rows of the plan.

    Raises:
        ValueError: the file cannot be gone on with, or the model gives no logits for an image.
    """
    plan, file = prepared.plan, prepared.file
    stop = None if plan.until is None else EarlyStop(plan.until)
    with file.writing():
        rows = {row.index: row for row in file.rows()}
        for place, index in enumerate(prepared.indices, start=1):
            if index in rows:
                continue
            begun = time.monotonic()
            found = prepared.classifier.certify(
                prepared.images[index], n0=plan.n0, n=plan.n, alpha=plan.alpha, key=(plan.seed, index), stop=stop
            )
            row = Row(index, int(prepared.labels[index]), found.label, found.radius, time.monotonic() - begun)
            file.append(row)
            rows[index] = row
            if report:
                report(place, len(prepared.indices), row)
    return tuple(rows[index] for index in prepared.indices)


def compared(prepared: Prepared) -> tuple[int, int]:
    """On how many noisy copies of the first images the plan's precision and float32 give one class, and of how many."""
    images, copies = COMPARED
    plain = SmoothedClassifier(
        prepared.model, prepared.plan.sigma, batch=prepared.plan.batch, device=prepared.plan.device, dtype=torch.float32
    )
    found = [
        agreement(plain, prepared.classifier, prepared.images[index], copies, key=(prepared.plan.seed, index, "compared"))
        for index in prepared.indices[:images]
    ]
    return round(sum(each.centre * each.n for each in found)), sum(each.n for each in found)


def pixels(name: str) -> str:
    """The name of the same images in [0, 1], as stored.

    >>> pixels("cifar10"), pixels("digits-500/held-out"), pixels("digits-pixels")
    ('cifar10-pixels', 'digits-500-pixels/held-out', 'digits-pixels')
    """
    base, slash, split = name.partition("/")
    return name if base.endswith("-pixels") else f"{base}-pixels{slash}{split}"


def radii(largest: float) -> tuple[float, ...]:
    """Some radii up to the largest: those of the paper's tables.

    >>> radii(0.8), radii(3.0)
    ((0.0, 0.25, 0.5, 0.75), (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0))
    """
    step = 0.25 if largest < 2 else 0.5
    return tuple(step * each for each in range(int(largest / step) + 1))


def _made_with(plan: Plan, classifier: SmoothedClassifier) -> dict[str, Any]:
    device = classifier.passes.device
    return {
        "genlab": metadata.version("genlab"),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine(),
        "batch": plan.batch,
        "model file": str(plan.model),
    }
