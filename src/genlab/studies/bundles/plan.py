"""What a bundle trains, and what it records of each copy."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

METHODS: dict[str, str] = {  # as typed, and in words
    "sgd": "plain",
    "sam": "SAM",
    "gn": "GN",
    "ft": "FT",
    "aj": "AJ",
    "uj": "UJ",
    "l2": "L2",
    "iterative": "iterative grafting",
    "external": "external grafting",
    "ngd": "NGD",
}
STRONG = ("sam", "gn", "ft", "aj", "uj", "l2")  # those with a strength: rho, or lambda
MICROBATCHED = ("sam", "gn", "ft", "aj", "uj", "iterative")  # those that look at micro-batches, SAM if it is told to


@dataclass(frozen=True)
class Copy:
    """One run of a bundle: what sets it apart from the others."""

    step_size: float
    strength: float
    seed: int


@dataclass(frozen=True)
class Plan:
    """The settings of a condition, as JSON holds them: one way to train, on a grid of step sizes, strengths and seeds.

    Attributes:
        data, network, loss, precision: as in ``training.data``, ``networks``, ``losses``; float32 or float64.
        batch_size: examples of a step, without replacement within an epoch; None: all.
        method: one of ``METHODS``; ``microbatch`` is for those that look at micro-batches.
        step_sizes, strengths: every combination is trained; ``strengths`` is (0,) where there is none.
        seed, seeds: the first and how many. A seed sets initial weights, batches, and what is drawn; also data that are made up.
        steps: at most. ``goal_loss``, ``goal_accuracy``: of the whole training set, where a copy ends.
        check_every: steps between two looks at the goal; ``read_every``: between two records, a multiple of it.
        noise_of: size of the micro-batches whose mean squared gradient norm is recorded; 0: not recorded.
        curvature: whether sharpness and trace of the Hessian are measured at each copy's last iterate; with ``curvature_every``
            also at its start and every so many steps, a multiple of ``read_every``.
        segment_points: between the last iterate and the next at which the sharpness is read too; for batch norm. Not on the way.
        ghost_batch: examples that batch norm normalises over; None without batch norm.
        donor_batch, donor_step_size: of the small-batch run whose norms external grafting takes, step by step.
        augment: whether training images are cropped and flipped at random.
        physical_batch: examples in one pass, where copies train one by one.
    """

    data: str
    network: str
    loss: str
    precision: str
    batch_size: int | None
    method: str
    step_sizes: tuple[float, ...]
    strengths: tuple[float, ...]
    seed: int
    seeds: int
    steps: int
    check_every: int
    read_every: int
    microbatch: int | None = None
    goal_loss: float | None = None
    goal_accuracy: float | None = None
    noise_of: int = 0
    curvature: bool = True
    curvature_every: int = 0
    segment_points: int = 0
    ghost_batch: int | None = None
    donor_batch: int | None = None
    donor_step_size: float | None = None
    augment: bool = False
    physical_batch: int = 1000

    def copies(self) -> list[Copy]:
        """Every run of the bundle."""
        seeds = range(self.seed, self.seed + self.seeds)
        return [Copy(*each) for each in product(self.step_sizes, self.strengths, seeds)]


def plan(settings: Mapping[str, Any]) -> Plan:
    """The plan in a condition's settings."""
    values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in settings.items()}
    return Plan(**values)


@dataclass(frozen=True)
class Reading:
    """One copy at one step. What was not measured is None.

    Attributes:
        step, step_size, strength, seed: steps taken, and which copy.
        training_loss, training_accuracy: over the whole training set, without penalties; dropout is off, and batch norm takes
            averages over the training set at these weights, as for validation and test.
        validation_loss, ..., test_accuracy: over the other two sets.
        gradient_square: |g|^2 of the training loss; ``microbatch_square``: the mean of |g_M|^2 over micro-batches.
        noise_trace: tr(Sigma), of the covariance of the examples' gradients.
        weight_square: |w|^2.
        sharpness, residual, converged: lambda_max of the training loss, and its evidence; dropout is off, batch norm in train
            mode normalises over the ghost batches it trained with.
        hessian_trace, hessian_trace_error: its estimate, and the standard error (0 where it is exact).
        fisher_trace: tr(F), exact; of cross-entropy, without batch norm, in networks of up to a million parameters.
        segment_sharpness: the largest over the points between this iterate and the next.
        ending: of a copy's last record: "goal", "steps" (it did not reach its goal) or "diverged".
    """

    step: int
    step_size: float
    strength: float
    seed: int
    training_loss: float
    training_accuracy: float | None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None
    gradient_square: float | None = None
    microbatch_square: float | None = None
    noise_trace: float | None = None
    weight_square: float | None = None
    sharpness: float | None = None
    residual: float | None = None
    converged: bool | None = None
    hessian_trace: float | None = None
    hessian_trace_error: float | None = None
    fisher_trace: float | None = None
    segment_sharpness: float | None = None
    ending: str | None = None


def label(settings: Mapping[str, Any]) -> str:
    """A bundle in words."""
    words = [settings["data"], settings["network"], way(settings)]
    sizes, strengths = settings["step_sizes"], settings["strengths"]
    words.append(f"eta={', '.join(f'{each:g}' for each in sizes)}")
    if settings["method"] in STRONG:
        words.append(f"{'rho' if settings['method'] == 'sam' else 'lambda'}={', '.join(f'{each:g}' for each in strengths)}")
    if settings.get("donor_step_size"):
        words.append(f"norms of batch={settings['donor_batch']} eta={settings['donor_step_size']:g}")
    first, count = settings["seed"], settings["seeds"]
    return " ".join(words) + (f" seeds {first} to {first + count - 1}" if count > 1 else f" seed {first}")


def way(settings: Mapping[str, Any]) -> str:
    """How a bundle trains: its method, batch and micro-batch."""
    batch = f"batch={settings['batch_size'] or 'all'}"
    micro = f" micro-batch={settings['microbatch']}" if settings.get("microbatch") else ""
    return f"{METHODS[settings['method']]} {batch}{micro}"
