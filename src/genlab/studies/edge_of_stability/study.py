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
        step, time: descent steps taken, and step times step size: the gradient-flow time it corresponds to.
        loss, accuracy: over the training set, before the step.
        threshold: the update's maximum stable sharpness, 2 / eta for gradient descent.
        sharpness, eigenvalues: largest Hessian eigenvalue of the training loss, and the k largest.
        residual, products, converged: the evidence: largest |H u - lambda u| / |lambda|, Hessian-vector products spent.
        dense_sharpness: the same eigenvalue from the whole matrix in float64.
        flow_loss, flow_sharpness: of gradient flow from the same start, at the same time.
        distance, travelled: between descent and flow, and between descent and the start (Euclidean, in weights).
        quadratic_loss: of descent on the second-order Taylor expansion of the loss, frozen when this column begins.
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


@dataclass(frozen=True)
class EdgeOfStability(Study):
    """A grid: every combination of network, loss, update and step size, for each seed.

    Attributes:
        data: digits, digits-n, chebyshev-k-n, linear-n-n, cifar10 or cifar10-n (first n examples), or text (with loss ce and a
            transformer): grammar-n, text:FILE, text-n:FILE, wikitext-2-n.
        network: the paper's ids (fc-tanh, cnn-relu, ...); ``-width50`` on an fc id makes a miniature of it.
        loss: mse (half the squared error, summed over outputs) or ce.
        update: gd, polyak or nesterov; ``momentum`` is theirs.
        step_size: eta.
        seeds: how many, from 0; a seed sets the initial weights, data are the same for all.
        steps: descent steps at most; ``goal_accuracy`` and ``goal_loss`` end a run earlier.
        beside: flow or quadratic, for the first ``beside_steps`` steps (quadratic: from where it is frozen).
        settle: descent steps between the first crossing of the threshold and the freezing of the quadratic.
        eigenpairs: k; ``tolerance`` is the largest relative residual of a converged pair.
        sharpness_every, test_every, dense_every: cadence in steps; 0 is never. dense_every counts readings.
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
    step_size: tuple[float, ...] = (2 / 4, 2 / 7)
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
    precision: Literal["float32", "float64"] = "float32"
    physical_batch: int = 1000
    data_dir: str | None = None

    def __post_init__(self) -> None:
        _check(self)

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
            )
            for network, loss, update, step_size, seed in grid
        ]

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        """Train one network, reading its sharpness on the way."""
        from genlab.studies.edge_of_stability.method import train

        return train(settings, snapshot, device, self.data_dir)

    def ready(self, settings: Mapping[str, Any]) -> None:
        """Load the data once: an absent or broken copy is found now, not after an hour."""
        from genlab.studies.edge_of_stability.price import check_data

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
        """C1 to C7, C9 and C13."""
        from genlab.studies.edge_of_stability.claims import CLAIMS

        return CLAIMS

    @classmethod
    def figures(cls, runs: Sequence[Run]) -> Sequence[Figure]:
        """Sharpness against its threshold, flow overlay, momentum, cross-entropy, the frozen quadratic."""
        from genlab.studies.edge_of_stability.figures import figures

        return figures(runs)


def setting(settings: Mapping[str, Any]) -> str:
    """A condition in words, without its seed."""
    update = settings["update"] if not settings["momentum"] else f"{settings['update']}({settings['momentum']:g})"
    beside = "" if settings["beside"] == "nothing" else f" +{settings['beside']}"
    return (
        " ".join([settings["data"], settings["network"], settings["loss"], update, f"eta={eta(settings['step_size'])}"]) + beside
    )


def eta(step_size: float) -> str:
    """A step size as the paper's readers think of it: ``2/7`` where 2/eta is a whole number.

    >>> eta(2 / 7), eta(0.01), eta(0.3)
    ('2/7', '2/200', '0.3')
    """
    inverse = 2 / step_size
    whole = inverse < 1e9 and abs(inverse - round(inverse)) < 1e-9 * inverse
    return f"2/{round(inverse)}" if whole else f"{step_size:g}"


def mini() -> tuple[EdgeOfStability, ...]:
    """Minutes on two CPU cores, all of it real training: Chebyshev regression and digits, three seeds."""
    chebyshev = EdgeOfStability(
        data="chebyshev-4-20", network=("regression",), precision="float64", sharpness_every=20, dense_every=7, test_every=0
    )
    return (
        _with(chebyshev, step_size=(2 / 8,), steps=4000, beside="flow", beside_steps=2000),
        _with(chebyshev, step_size=(2 / 12,), steps=5000),
        EdgeOfStability(step_size=(2 / 4,), beside="flow", beside_steps=500),
        EdgeOfStability(step_size=(2 / 7,), beside="quadratic", beside_steps=200),
        EdgeOfStability(update=("polyak",), momentum=0.5, step_size=(3 / 10,)),  # threshold (2 + 2 * 0.5) / eta = 10
        EdgeOfStability(update=("nesterov",), momentum=0.5, step_size=(3 / 14,)),  # threshold 3 / (2 eta) = 7
        EdgeOfStability(loss=("ce",), step_size=(2 / 1,), steps=1000, goal_loss=0.01, sharpness_every=1, test_every=10),
    )


def demo() -> tuple[EdgeOfStability, ...]:
    """The official code's demo: CIFAR-10 5k, fc-tanh, mse, eta 0.01, down to 99% training accuracy; one seed, about an hour."""
    return (
        EdgeOfStability(
            data="cifar10-5k",
            network=("fc-tanh",),
            step_size=(2 / 200,),
            seeds=1,
            steps=20_000,  # our assumption: twice what the official run took
            goal_accuracy=0.99,
            eigenpairs=2,
            tolerance=1e-3,
            sharpness_every=50,
            test_every=500,
        ),
    )


def paper() -> tuple[EdgeOfStability, ...]:
    """The paper's CIFAR-10 grid over what is built.

    Networks, losses, the 5k subset and the stop at 99% are the official code's. Step sizes are our assumption but for 0.01
    with mse, the official demo: the appendix's tables were not at hand.
    """
    networks = (
        *(f"fc-{act}" for act in ("relu", "elu", "tanh", "hardtanh", "softplus")),
        *(f"cnn-{act}" for act in ("relu", "elu", "tanh")),
        *(f"cnn-avgpool-{act}" for act in ("relu", "elu", "tanh")),
    )
    base = EdgeOfStability(
        data="cifar10-5k",
        network=networks,
        step_size=(2 / 100, 2 / 200, 2 / 400),
        steps=100_000,  # the official demo's cap
        goal_accuracy=0.99,
        eigenpairs=2,
        sharpness_every=100,
        test_every=100,
    )
    tanh = _with(base, network=("fc-tanh",), step_size=(2 / 200,))
    return (
        base,
        _with(base, loss=("ce",), step_size=(2 / 50, 2 / 100), goal_accuracy=None, goal_loss=0.01),
        _with(tanh, beside="flow", beside_steps=9000, steps=9000),
        _with(tanh, beside="quadratic", beside_steps=500),
        _with(tanh, update=("polyak", "nesterov"), momentum=0.9, step_size=(2 / 200,)),
    )


PRESETS = {"mini": mini, "demo": demo, "paper": paper}


def _with(study: EdgeOfStability, **changes: Any) -> EdgeOfStability:
    from dataclasses import replace

    return replace(study, **changes)


def _check(study: EdgeOfStability) -> None:
    at_least = {"seeds": 1, "steps": 1, "eigenpairs": 1, "sharpness_every": 1, "physical_batch": 1}
    at_least |= dict.fromkeys(("test_every", "dense_every", "beside_steps", "settle"), 0)
    for name, least in at_least.items():
        if getattr(study, name) < least:
            raise ValueError(f"{name} is at least {least}, got {getattr(study, name)}")
    for name, allowed in {"loss": ("mse", "ce"), "update": ("gd", "polyak", "nesterov")}.items():
        for value in getattr(study, name):
            if value not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}, got {value!r}")
    for value in study.step_size:
        if not 0 < value < float("inf"):
            raise ValueError(f"step_size is above 0, got {value}")
    if not 0 <= study.momentum < 1:
        raise ValueError(f"momentum is at least 0 and below 1, got {study.momentum}")
    if "gd" in study.update and study.momentum:
        raise ValueError(f"gd has no momentum (got {study.momentum:g}): set momentum=0, or update=polyak,nesterov")
    if study.beside == "flow" and study.update != ("gd",):
        raise ValueError("gradient flow corresponds to plain gradient descent: beside=flow wants update=gd")
    for name in ("goal_accuracy", "goal_loss"):
        if (goal := getattr(study, name)) is not None and not 0 <= goal < float("inf"):
            raise ValueError(f"{name} is a number of at least 0, or none, got {goal}")
    if not 0 < study.tolerance < 1:
        raise ValueError(f"tolerance is between 0 and 1, got {study.tolerance}")
