"""What the studies made of bundles vary: data, network, batch, method and its numbers. Claims are each study's own."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, ClassVar, Literal

from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.studies.bundles.checks import check
from genlab.studies.bundles.copies import fates, trained
from genlab.studies.bundles.plan import MICROBATCHED, STRONG, Plan, Reading, label
from genlab.studies.study import Advance, Condition, Price, Study


@dataclass(frozen=True)
class Bundles(Study):
    """A grid: every combination of network, batch, method and micro-batch is a bundle of step sizes, strengths and seeds.

    Attributes:
        data: as ``genlab.training.data`` names them, with a split where validation is wanted: sparse-regression-D-N-S,
            parity-D-N, digits-N/held-out, cifar10/held-out, ...
        network: ids of ``genlab.training.networks``.
        loss: mse (half the squared error, summed over outputs) or ce.
        batch_size: examples of a step; as many as there are, or more, is all of them.
        method: sgd, sam, gn, ft, aj, uj, l2, iterative, external or ngd.
        microbatch: for methods that look at micro-batches; 0 is none, for SAM.
        step_size: eta, no momentum and no weight decay. ``strength``: rho for sam, lambda for penalties.
        seeds: how many, from ``first_seed``; presets report seeds from 0, and were sized with others.
        together: whether a condition trains the grid of all seeds, or one copy.
        steps: at most. ``goal_loss`` and ``goal_accuracy``, of the whole training set, end a copy.
        check_every: steps between looks at the goal; ``read_every``: between records.
        noise_of: size of micro-batches whose mean squared gradient norm is recorded; 0: none.
        curvature: whether each copy's last iterate has its Hessian measured; ``curvature_every``: steps between such
            measurements along its way, a multiple of ``read_every``; 0: none.
        segment_points: between the last iterate and the next, for batch norm; 0: none.
        ghost_batch: examples that batch norm normalises over; 0: no batch norm.
        donor_batch, donor_step_size: of the run whose norms external grafting takes.
        augment: random crops and flips of training images (Novack et al. 2022).
        physical_batch: examples a pass, where copies train one by one; bounds memory.
        data_dir: where image data lie; does not change what a condition is.
    """

    record: ClassVar[type] = Reading
    preload: ClassVar[tuple[str, ...]] = (
        "genlab.studies.bundles.training",
        "torch.fx.experimental.symbolic_shapes",  # torch.autograd.grad and make_fx import these, and they are slow
        "torch.fx.experimental.proxy_tensor",
        "torch._dynamo",
    )

    data: str = "parity-40-300"
    network: tuple[str, ...] = ("fc-relu-depth1-width64",)
    loss: Literal["mse", "ce"] = "ce"
    batch_size: tuple[int, ...] = (4,)
    method: tuple[str, ...] = ("sgd",)
    microbatch: tuple[int, ...] = (0,)
    step_size: tuple[float, ...] = (0.1,)
    strength: tuple[float, ...] = (0.0,)
    seeds: int = 3
    first_seed: int = 0
    together: bool = True
    steps: int = 2000
    goal_loss: float | None = None
    goal_accuracy: float | None = None
    check_every: int = 10
    read_every: int = 100
    noise_of: int = 0
    curvature: bool = True
    curvature_every: int = 0
    segment_points: int = 0
    ghost_batch: int = 0
    donor_batch: int = 0
    donor_step_size: float | None = None
    augment: bool = False
    precision: Literal["float32", "float64"] = "float32"
    physical_batch: int = 1000
    data_dir: str | None = None

    def __post_init__(self) -> None:
        check(self)

    def conditions(self) -> Sequence[Condition]:
        """One a network, batch, method and micro-batch; not together, one a copy."""
        found = []
        for network, batch, method, microbatch in product(self.network, self.batch_size, self.method, self.microbatch):
            strengths = self.strength if method in STRONG else (0.0,)
            grids = [(self.step_size, strengths, self.first_seed, self.seeds)]
            if not self.together:
                seeds = range(self.first_seed, self.first_seed + self.seeds)
                grids = [((size,), (each,), seed, 1) for size, each, seed in product(self.step_size, strengths, seeds)]
            for sizes, each, seed, count in grids:
                plan = Plan(
                    data=self.data,
                    network=network,
                    loss=self.loss,
                    precision=self.precision,
                    batch_size=batch,
                    method=method,
                    step_sizes=sizes,
                    strengths=each,
                    seed=seed,
                    seeds=count,
                    steps=self.steps,
                    check_every=self.check_every,
                    read_every=self.read_every,
                    microbatch=microbatch or None if method in MICROBATCHED else None,
                    goal_loss=self.goal_loss,
                    goal_accuracy=self.goal_accuracy,
                    noise_of=self.noise_of,
                    curvature=self.curvature,
                    curvature_every=self.curvature_every,
                    segment_points=self.segment_points,
                    ghost_batch=self.ghost_batch or None,
                    donor_batch=self.donor_batch if method == "external" else None,
                    donor_step_size=self.donor_step_size if method == "external" else None,
                    augment=self.augment,
                    physical_batch=self.physical_batch,
                )
                found.append(self.condition(**asdict(plan)))
        return found

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        """Train the copies of one bundle."""
        from genlab.studies.bundles.training import train

        return train(settings, snapshot, device, self.data_dir)

    def ready(self, settings: Mapping[str, Any]) -> None:
        """Load the data once: an absent or broken copy is found now, not after an hour."""
        from genlab.studies.pricing import check_data

        check_data(settings["data"], self.data_dir)

    def price(self, settings: Mapping[str, Any], device: str) -> Price:
        """Priced by timing a few steps on random data of the same shape, on this machine."""
        from genlab.studies.bundles.price import price

        return price(settings, device)

    @classmethod
    def label(cls, settings: Mapping[str, Any]) -> str:
        """For instance ``parity-40-300 fc-relu-depth1-width64 SAM batch=4 eta=0.06 rho=0.1, 0.3 seeds 0 to 5``."""
        return label(settings)

    @classmethod
    def remarks(cls, runs: Sequence[Run]) -> Sequence[str]:
        """Which copies diverged or did not get to their goal."""
        lost = []
        for run in runs:
            if fate := fates(trained([run])):
                lost.append(f"{label(run.settings)}: {fate}")
        return [f"Copies that did not train to their goal are kept, and count as such. {'; '.join(lost)}."] if lost else []
