"""Edge of Stability (Cohen, Kaur, Li, Kolter, Talwalkar 2021): what is varied, and the conditions that follow.

Each condition trains one network by full-batch descent from one seed, reads its sharpness at a fixed cadence, and may run
something beside it from the same start: gradient flow, or descent on a frozen quadratic.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Literal

from genlab.results.claims import Claim
from genlab.results.figures import Figure
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.studies.study import Advance, Condition, Price, Study


@dataclass(frozen=True)
class Reading:
    """One step's record. What was not measured at a step is None.

    Attributes:
        step, time: descent steps taken, and the sum of their step sizes: the gradient-flow time it corresponds to.
        loss, accuracy: before the step, over the examples that it sees: the training set, or the step's mini-batch.
        threshold: the update's maximum stable sharpness at this step, 2 / eta for gradient descent.
        training_loss: over the whole training set, where a step sees a mini-batch of it.
        sharpness, eigenvalues: largest Hessian eigenvalue of the training loss, and the k largest; for adam and rmsprop of
            P^-1/2 H P^-1/2, P being what this step divides by: in each case what the threshold bounds.
        residual, products, converged: the evidence: largest |H u - lambda u| / |lambda|, Hessian-vector products spent.
        dense_sharpness: the same eigenvalue from the whole matrix in float64.
        flow_loss, flow_sharpness: of gradient flow from the same start, at the same time.
        distance, travelled: between descent and flow, and between descent and the start (Euclidean, in weights).
        quadratic_loss: of descent on the second-order Taylor expansion of the loss, frozen when this column begins.
        batch_sharpness, batch_sharpness_error, batch_draws: curvature along a mini-batch's own gradient, the mean over so many
            mini-batches drawn at this iterate, and its standard error.
        segment_sharpness: the largest sharpness over points between this iterate and the next, both among them.
        segment_residual, segment_converged: the largest residual over those points, and whether all converged.
    """

    step: int
    time: float
    loss: float
    accuracy: float | None
    threshold: float
    test_loss: float | None = None
    test_accuracy: float | None = None
    sharpness: float | None = None
    eigenvalues: tuple[float, ...] | None = None
    residual: float | None = None
    products: int | None = None
    converged: bool | None = None
    dense_sharpness: float | None = None
    flow_loss: float | None = None
    flow_sharpness: float | None = None
    distance: float | None = None
    travelled: float | None = None
    quadratic_loss: float | None = None
    training_loss: float | None = None
    batch_sharpness: float | None = None
    batch_sharpness_error: float | None = None
    batch_draws: int | None = None
    segment_sharpness: float | None = None
    segment_residual: float | None = None
    segment_converged: bool | None = None


@dataclass(frozen=True)
class EdgeOfStability(Study):
    """A grid: every combination of network, loss, update and step size, for each seed.

    Attributes:
        data: digits, digits-n, chebyshev-k-n, linear-n-n, cifar10 or cifar10-n (first n examples), or text (with loss ce and a
            transformer): grammar-n, text:FILE, text-n:FILE, wikitext-2-n.
        network: the paper's ids (fc-tanh, cnn-relu, ...); ``-width50`` on an fc id makes a miniature of it.
        loss: mse (half the squared error, summed over outputs) or ce.
        update: gd, polyak, nesterov, ema, adam or rmsprop. ``momentum`` is for polyak, nesterov, ema and adam (beta1);
            ``second_moment`` (beta2) and ``epsilon`` for adam and rmsprop.
        step_size: eta; with schedule=over-sharpness in units of 1 / sharpness.
        schedule: constant; warm-up (linear, over ``schedule_steps`` steps); change (to ``step_size_then`` at step
            ``schedule_steps``); over-sharpness (eta = step_size / S of the last reading).
        batch_size: examples a step sees, without replacement within an epoch; none is all of them. ``batch_draws``: mini-batches
            at most that an estimate of the batch sharpness is made from, at each reading; 0 makes none.
        seeds: how many, from 0; a seed sets the initial weights, data are the same for all.
        steps: descent steps at most; ``goal_accuracy`` and ``goal_loss`` end a run earlier.
        beside: flow or quadratic, for the first ``beside_steps`` steps (quadratic: from where it is frozen).
        settle: descent steps between the first crossing of the threshold and the freezing of the quadratic.
        eigenpairs: k; ``tolerance`` is the largest relative residual of a converged pair.
        sharpness_every, test_every, dense_every: cadence in steps; 0 is never. dense_every counts readings.
        segment_points: points between each read iterate and the next at which the sharpness is read too; 0 is none.
        ghost_batch: examples that batch norm normalises over, a fixed partition; for networks with batch norm, and only them.
        physical_batch: examples a forward pass; bounds memory.
        data_dir: where CIFAR-10 or WikiText-2 lies; does not change what a condition is.
    """

    name: ClassVar[str] = "edge_of_stability"
    title: ClassVar[str] = "Edge of Stability: does full-batch gradient descent push the sharpness to 2/eta and hold it there?"
    paper: ClassVar[str] = (
        "Cohen, Kaur, Li, Kolter, Talwalkar: Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability, "
        "ICLR 2021, arXiv:2103.00065"
    )
    bibtex: ClassVar[str] = """@inproceedings{cohen2021gradient,
  title     = {Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability},
  author    = {Cohen, Jeremy and Kaur, Simran and Li, Yuanzhi and Kolter, J. Zico and Talwalkar, Ameet},
  booktitle = {International Conference on Learning Representations},
  year      = {2021},
  note      = {arXiv:2103.00065}
}"""
    record: ClassVar[type] = Reading
    preload: ClassVar[tuple[str, ...]] = (
        "genlab.studies.edge_of_stability.method",
        "sklearn.datasets",
        "torch.fx.experimental.symbolic_shapes",  # torch.autograd.grad imports it, and it is slow
    )

    data: str = "digits"
    network: tuple[str, ...] = ("fc-tanh-width50",)
    loss: tuple[str, ...] = ("mse",)
    update: tuple[str, ...] = ("gd",)
    momentum: float = 0.0
    second_moment: float = 0.99  # our assumption, as is epsilon: what a pilot on pooled CIFAR-10 used
    epsilon: float = 1e-7
    step_size: tuple[float, ...] = (2 / 4, 2 / 7)
    schedule: Literal["constant", "warm-up", "change", "over-sharpness"] = "constant"
    schedule_steps: int = 0
    step_size_then: float | None = None
    batch_size: int | None = None
    batch_draws: int = 0
    seeds: int = 3
    steps: int = 1500
    goal_accuracy: float | None = None
    goal_loss: float | None = None
    beside: Literal["nothing", "flow", "quadratic"] = "nothing"
    beside_steps: int = 500
    settle: int = 100
    eigenpairs: int = 1
    tolerance: float = 3e-3
    sharpness_every: int = 10
    test_every: int = 50
    dense_every: int = 0
    segment_points: int = 0
    ghost_batch: int | None = None
    precision: Literal["float32", "float64"] = "float32"
    physical_batch: int = 1000
    data_dir: str | None = None

    def __post_init__(self) -> None:
        from genlab.studies.edge_of_stability.checks import check

        check(self)

    def conditions(self) -> Sequence[Condition]:
        """One a combination of network, loss, update, step size and seed."""
        from genlab.training.text import sealed

        data = sealed(self.data)  # another text under the same file name makes other conditions
        grid = product(self.network, self.loss, self.update, self.step_size, range(self.seeds))
        return [
            self.condition(
                data=data,
                network=network,
                loss=loss,
                update=update,
                momentum=self.momentum,
                step_size=step_size,
                seed=seed,
                steps=self.steps,
                goal_accuracy=self.goal_accuracy,
                goal_loss=self.goal_loss,
                beside=self.beside,
                beside_steps=self.beside_steps if self.beside != "nothing" else 0,
                settle=self.settle if self.beside == "quadratic" else 0,
                eigenpairs=self.eigenpairs,
                tolerance=self.tolerance,
                sharpness_every=self.sharpness_every,
                test_every=self.test_every,
                dense_every=self.dense_every,
                precision=self.precision,
                physical_batch=self.physical_batch,
                **self._where_used(update),
            )
            for network, loss, update, step_size, seed in grid
        ]

    def _where_used(self, update: str) -> dict[str, Any]:
        """Settings that only some conditions have, so that the ids of the others stay what they were."""
        used: dict[str, Any] = {}
        if update in ("adam", "rmsprop"):
            used |= {"second_moment": self.second_moment, "epsilon": self.epsilon}
        if self.schedule != "constant":
            used |= {"schedule": self.schedule}
        if self.schedule in ("warm-up", "change"):
            used |= {"schedule_steps": self.schedule_steps}
        if self.schedule == "change":
            used |= {"step_size_then": self.step_size_then}
        if self.batch_size is not None:
            used |= {"batch_size": self.batch_size}
        if self.batch_draws:
            used |= {"batch_draws": self.batch_draws}
        if self.segment_points:
            used |= {"segment_points": self.segment_points}
        if self.ghost_batch is not None:
            used |= {"ghost_batch": self.ghost_batch}
        return used

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        """Train one network, reading its sharpness on the way."""
        from genlab.studies.edge_of_stability.method import train

        return train(settings, snapshot, device, self.data_dir)

    def ready(self, settings: Mapping[str, Any]) -> None:
        """Load the data once: an absent or broken copy is found now, not after an hour."""
        from genlab.studies.pricing import check_data

        check_data(settings["data"], self.data_dir)

    def price(self, settings: Mapping[str, Any], device: str) -> Price:
        """Priced by timing one gradient and a few products on random data of the same shape, on this machine."""
        from genlab.studies.edge_of_stability.price import price

        return price(settings, device)

    @classmethod
    def label(cls, settings: Mapping[str, Any]) -> str:
        """For instance ``digits fc-tanh-width50 mse gd eta=2/7 seed 0``."""
        return f"{setting(settings)} seed {settings['seed']}"

    @classmethod
    def claims(cls) -> Sequence[Claim]:
        """C1 to C14."""
        from genlab.studies.edge_of_stability.claims import CLAIMS

        return CLAIMS

    @classmethod
    def figures(cls, runs: Sequence[Run]) -> Sequence[Figure]:
        """Sharpness against its threshold in every setting, flow overlay, the frozen quadratic, segments, step counts."""
        from genlab.studies.edge_of_stability.figures import figures

        return figures(runs)


def setting(settings: Mapping[str, Any]) -> str:
    """A condition in words, without its seed."""
    words = [settings["data"], settings["network"], settings["loss"], update_of(settings), steps_of(settings)]
    if settings.get("ghost_batch"):
        words.append(f"ghost={settings['ghost_batch']}")
    return " ".join(words) + ("" if settings["beside"] == "nothing" else f" +{settings['beside']}")


def update_of(settings: Mapping[str, Any]) -> str:
    """The update of a condition in words: its name, its numbers, its batch."""
    update = str(settings["update"])
    numbers = {
        "adam": [settings["momentum"], settings.get("second_moment")],
        "rmsprop": [settings.get("second_moment")],
    }.get(update, [settings["momentum"]] if settings["momentum"] else [])
    name = f"{update}({', '.join(f'{number:g}' for number in numbers)})" if numbers else update
    return f"{name} batch={settings['batch_size']}" if settings.get("batch_size") else name


def steps_of(settings: Mapping[str, Any]) -> str:
    """The step sizes of a condition in words."""
    adaptive = settings["update"] in ("adam", "rmsprop")  # whose readers think of eta itself
    size = f"{settings['step_size']:g}" if adaptive else eta(settings["step_size"])
    match settings.get("schedule"):
        case "warm-up":
            return f"eta={size} warm-up={settings['schedule_steps']}"
        case "change":
            return f"eta={size}, {eta(settings['step_size_then'])} from {settings['schedule_steps']}"
        case "over-sharpness":
            return f"eta={settings['step_size']:g}/S"
    return f"eta={size}"


def eta(step_size: float) -> str:
    """A step size as the paper's readers think of it: ``2/7`` where 2/eta is a whole number.

    >>> eta(2 / 7), eta(0.01), eta(0.3)
    ('2/7', '2/200', '0.3')
    """
    inverse = 2 / step_size
    whole = inverse < 1e9 and abs(inverse - round(inverse)) < 1e-9 * inverse
    return f"2/{round(inverse)}" if whole else f"{step_size:g}"
