"""Perceptually aligned gradients of smoothed classifiers (Kaur, Cohen, Lipton 2019): what is varied, and the conditions.

A condition is one architecture and one seed: a standard network, noise-trained ones, adversarially trained ones, and judges of
the other architecture. All are asked about the same images, so that differences are paired.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from genlab.results.claims import Claim
from genlab.results.exhibits import Table
from genlab.results.figures import Figure
from genlab.results.pictures import Pictures
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.studies.aligned_gradients.plan import Plan, Row
from genlab.studies.study import Advance, Condition, Price, Study


@dataclass(frozen=True)
class AlignedGradients(Study):
    """Every network for each seed; with two networks each is judged by the other architecture.

    Attributes:
        data: images in [0, 1], of ``genlab.training.data``: digits-pixels, cifar10-20k-pixels.
        network: architectures by the ids of ``genlab.training.networks``; two always, for the grain of an architecture looks like
            a property of its training. A single one is judged by itself, at other seeds.
        seeds: how many, from ``first_seed``.
        sigma: noise of training and smoothing, on pixels in [0, 1]; the first is that of the 2 x 2 and of the judges.
        arms: adversarial, smoothadv: trained besides.
        steps, batch_size, step_size, momentum: of training; the standard network goes on to ``goal_accuracy`` on its training
            set, ``most_steps`` at most.
        attack_radius, attack_steps, vectors: L2 radius and steps of the attacks in training, noise vectors of SmoothAdv.
        images: that are changed towards a random other class; ``shown`` of them are pictures in the report.
        radius, ascent_steps: L2 ball and steps of the ascent.
        samples: noisy copies of a smoothed gradient, rising; all but the last only in their own sweep.
        certified, first_draws, draws, alpha: images that are certified, n0, n, and the probability of a wrong certificate.
        data_dir: where image data lie; does not change what a condition is.
    """

    name: ClassVar[str] = "aligned_gradients"
    title: ClassVar[str] = "Aligned gradients: do smoothed classifiers, too, see classes as people do?"
    paper: ClassVar[str] = (
        "Kaur, Cohen, Lipton: Are Perceptually-Aligned Gradients a General Property of Robust Classifiers?, NeurIPS 2019 "
        "Workshop on Safety and Robustness in Decision Making, arXiv:1910.08640"
    )
    bibtex: ClassVar[str] = """@article{kaur2019perceptually,
  title   = {Are Perceptually-Aligned Gradients a General Property of Robust Classifiers?},
  author  = {Kaur, Simran and Cohen, Jeremy and Lipton, Zachary C.},
  journal = {arXiv preprint arXiv:1910.08640},
  year    = {2019}
}"""
    record: ClassVar[type] = Row
    preload: ClassVar[tuple[str, ...]] = (
        "genlab.studies.aligned_gradients.method",
        "sklearn.datasets",
        "torch.fx.experimental.symbolic_shapes",  # torch.autograd.grad imports it, and it is slow
    )

    data: str = "digits-pixels"
    network: tuple[str, ...] = ("cnn3-strided-relu-width16", "cnn3-avgpool-relu-width16")
    seeds: int = 3
    first_seed: int = 0
    sigma: tuple[float, ...] = (0.25, 0.5)
    arms: tuple[str, ...] = ("adversarial", "smoothadv")
    steps: int = 250
    most_steps: int = 1000
    goal_accuracy: float = 0.99
    batch_size: int = 100
    step_size: float = 0.1
    momentum: float = 0.9
    attack_radius: float = 0.5
    attack_steps: int = 2
    vectors: int = 2
    images: int = 60
    shown: int = 10
    radius: float = 1.5
    ascent_steps: int = 20
    samples: tuple[int, ...] = (1, 4, 16)
    certified: int = 60
    first_draws: int = 100
    draws: int = 1000
    alpha: float = 0.001
    data_dir: str | None = None

    def __post_init__(self) -> None:
        from genlab.studies.aligned_gradients.checks import check

        check(self)

    def conditions(self) -> Sequence[Condition]:
        """One an architecture and seed."""
        found = []
        for place, network in enumerate(self.network):
            for seed in range(self.first_seed, self.first_seed + self.seeds):
                plan = Plan(
                    data=self.data,
                    network=network,
                    judge=self.network[(place + 1) % len(self.network)],
                    seed=seed,
                    sigmas=self.sigma,
                    arms=self.arms,
                    steps=self.steps,
                    most_steps=self.most_steps,
                    goal_accuracy=self.goal_accuracy,
                    batch_size=self.batch_size,
                    step_size=self.step_size,
                    momentum=self.momentum,
                    attack_radius=self.attack_radius,
                    attack_steps=self.attack_steps,
                    vectors=self.vectors,
                    images=self.images,
                    shown=self.shown,
                    radius=self.radius,
                    ascent_steps=self.ascent_steps,
                    samples=self.samples,
                    certified=self.certified,
                    first_draws=self.first_draws,
                    draws=self.draws,
                    alpha=self.alpha,
                )
                found.append(self.condition(**asdict(plan)))
        return found

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        """Train, ascend, judge and certify for one architecture and seed."""
        from genlab.studies.aligned_gradients.method import align

        return align(settings, snapshot, device, self.data_dir)

    def ready(self, settings: Mapping[str, Any]) -> None:
        """Load the data once: an absent or broken copy is found now, not after an hour."""
        from genlab.studies.pricing import check_data

        check_data(settings["data"], self.data_dir)

    def price(self, settings: Mapping[str, Any], device: str) -> Price:
        """Priced by timing a step and a forward pass of either architecture on random images, on this machine."""
        from genlab.studies.aligned_gradients.price import price

        return price(settings, device)

    @classmethod
    def label(cls, settings: Mapping[str, Any]) -> str:
        """For instance ``digits-pixels cnn3-strided-relu judged by cnn3-avgpool-relu sigma=0.25, 0.5 seed 0``."""
        sigmas = ", ".join(f"{each:g}" for each in settings["sigmas"])
        return (
            f"{settings['data']} {settings['network']} judged by {settings['judge']} sigma={sigmas} "
            f"radius={settings['radius']:g} seed {settings['seed']}"
        )

    @classmethod
    def claims(cls) -> Sequence[Claim]:
        """F1 to F8."""
        from genlab.studies.aligned_gradients.claims import CLAIMS

        return CLAIMS

    @classmethod
    def figures(cls, runs: Sequence[Run]) -> Sequence[Figure]:
        """Judges' verdicts, certified accuracy, samples, and sigma."""
        from genlab.studies.aligned_gradients.figures import figures

        return figures(runs)

    @classmethod
    def tables(cls, runs: Sequence[Run]) -> Sequence[Table]:
        """Alignment of every way to synthesize, and the networks."""
        from genlab.studies.aligned_gradients.tables import tables

        return tables(runs)

    @classmethod
    def pictures(cls, runs: Sequence[Run]) -> Sequence[Pictures]:
        """What came of the first images, and of grey, under every network."""
        from genlab.studies.aligned_gradients.grids import grids

        return grids(runs)

    @classmethod
    def remarks(cls, runs: Sequence[Run]) -> Sequence[str]:
        """Networks that diverged, or that never fitted their training set."""
        from genlab.studies.aligned_gradients.tables import remarks

        return remarks(runs)
