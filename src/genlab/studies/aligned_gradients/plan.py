"""What a condition trains and asks, and what it records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STANDARD, NOISE, ADVERSARIAL, SMOOTHADV = "standard", "noise", "adversarial", "smoothadv"
ARMS = (ADVERSARIAL, SMOOTHADV)  # beside standard and noise training
JUDGES = (NOISE, ADVERSARIAL, STANDARD)  # trainings of the judges; no verdict rests on the last


@dataclass(frozen=True)
class Net:
    """One network of a condition: how it was trained, with which noise, and whether it only judges."""

    training: str
    sigma: float = 0.0
    judge: bool = False

    @property
    def name(self) -> str:
        """In words, as records and pictures have it."""
        noise = f" {self.sigma:g}" if self.sigma else ""
        return f"{'judge ' if self.judge else ''}{self.training}{noise}"


@dataclass(frozen=True)
class Ask:
    """One way to synthesize: whose gradient, smoothed how."""

    net: Net
    sigma: float
    samples: int


@dataclass(frozen=True)
class Plan:
    """The settings of a condition: one architecture and one seed, with all trainings and their judges.

    Attributes:
        data: with images in [0, 1]: ``digits-pixels``, ``cifar10-20k-pixels``.
        network, judge: architectures of the networks that synthesize and of those that judge, by ``training.networks``' ids.
        seed: of initial weights, batches and noise; judges have others of their own.
        sigmas: noise of training and smoothing; the first one is that of the 2 x 2, of judges and of SmoothAdv.
        arms: further trainings, of ``ARMS``.
        steps, batch_size, step_size, momentum: of training; the standard network that is no judge goes on to
            ``goal_accuracy`` on the training set, ``most_steps`` at most.
        attack_radius, attack_steps, vectors: L2 radius and steps of adversarial training, and SmoothAdv's noise vectors.
        images: test images that are changed, each towards one random other class; ``shown`` of them are kept as pictures.
        radius, ascent_steps: L2 radius of the ball and steps of the ascent.
        samples: noisy copies of a smoothed gradient, rising; the last but in the sweep of them.
        certified: test images that are certified, with ``first_draws`` (n0) and ``draws`` (n) copies at ``alpha``.
    """

    data: str
    network: str
    judge: str
    seed: int
    sigmas: tuple[float, ...]
    arms: tuple[str, ...]
    steps: int
    most_steps: int
    goal_accuracy: float
    batch_size: int
    step_size: float
    momentum: float
    attack_radius: float
    attack_steps: int
    vectors: int
    images: int
    shown: int
    radius: float
    ascent_steps: int
    samples: tuple[int, ...]
    certified: int
    first_draws: int
    draws: int
    alpha: float

    @property
    def sigma(self) -> float:
        """That of the 2 x 2."""
        return self.sigmas[0]

    def nets(self) -> list[Net]:
        """Everything that is trained: first those that synthesize, then the judges."""
        arms = {ADVERSARIAL: Net(ADVERSARIAL), SMOOTHADV: Net(SMOOTHADV, self.sigma)}
        judges = [Net(training, self.sigma if training == NOISE else 0.0, judge=True) for training in JUDGES]
        return [Net(STANDARD), *(Net(NOISE, each) for each in self.sigmas), *(arms[each] for each in self.arms), *judges]

    def judges(self) -> list[Net]:
        """Those that only judge."""
        return [net for net in self.nets() if net.judge]

    def asks(self) -> list[Ask]:
        """The 2 x 2 at every sigma, the arms as they are meant to be used, and the sweep of samples."""
        most = self.samples[-1]
        found = []
        for net in self.nets():
            if net.judge:
                continue
            if net.training in (STANDARD, NOISE, ADVERSARIAL):
                found.append(Ask(net, 0.0, 1))
            smoothed = {STANDARD: self.sigmas, ADVERSARIAL: ()}.get(net.training, (net.sigma,))
            found += [Ask(net, each, most) for each in smoothed]
        found += [Ask(Net(NOISE, self.sigma), self.sigma, each) for each in self.samples[:-1]]
        return found

    def certifies(self) -> list[tuple[Net, float]]:
        """Networks and the noise that they are certified with: noise-trained ones, SmoothAdv, and the standard one."""
        noisy = [(net, net.sigma) for net in self.nets() if net.sigma and not net.judge]
        return [(Net(STANDARD), self.sigma), *noisy]


def plan(settings: Mapping[str, Any]) -> Plan:
    """The plan in a condition's settings."""
    values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in settings.items()}
    return Plan(**values)


@dataclass(frozen=True)
class Row:
    """One thing that was seen. What does not belong to it is None.

    Attributes:
        what: "network" (one a network), "image" (one changed image), "spread" (two independent gradients at one image),
            "distance" (all changed images of one way at once), "certificate" (one image), "picture" (one kept for the grid).
        net, training, training_sigma: which network, how it was trained and with which noise.
        sigma, samples: of the smoothed gradient or certificate; 0 and 1 where nothing is smoothed.
        image: number in the test set; ``label`` and ``target`` its class and the one it was changed towards.
        start: of a picture: "image" or "grey"; the images as they were have the network "none".
        own, own_probability: whether the network itself sees the target after the change, smoothed if its gradient was, and how
            probable it finds it.
        judge_noise, judge_adversarial, judge_standard: whether each judge does, the first smoothed; ``..._probability``.
        cosine, cosine_other: of the gradient at the start with the target class's mean image minus the image; and the mean of
            those with the classes that are neither target nor label.
        high_frequency, variation: of the change: energy above half of Nyquist's frequency, and relative total variation.
        neighbour: distance from the changed image to the nearest of some training images of the target class, over the mean
            distance of those to their own nearest: 1 is as near as a real one.
        agreement: cosine of two independent gradients.
        frechet: Frechet distance of the changed images to test images of their target classes, in features of the plain judge;
            ``frechet_start`` that of the images before.
        predicted: the certified class, -1 for an abstention; ``correct``; ``certified_radius``; ``lower``: the bound on its
            probability.
        training_loss, training_accuracy, test_accuracy, noisy_accuracy: of a network; the last with noise of its own, or of the
            first sigma.
        steps: of its training. ``ending``: "steps", "goal", or "diverged".
        pixels, shape: of a picture, and "channels x height x width".
    """

    what: str
    net: str
    training: str
    training_sigma: float
    sigma: float | None = None
    samples: int | None = None
    image: int | None = None
    label: int | None = None
    target: int | None = None
    start: str | None = None
    own: bool | None = None
    own_probability: float | None = None
    judge_noise: bool | None = None
    judge_noise_probability: float | None = None
    judge_adversarial: bool | None = None
    judge_adversarial_probability: float | None = None
    judge_standard: bool | None = None
    judge_standard_probability: float | None = None
    cosine: float | None = None
    cosine_other: float | None = None
    high_frequency: float | None = None
    variation: float | None = None
    neighbour: float | None = None
    agreement: float | None = None
    frechet: float | None = None
    frechet_start: float | None = None
    predicted: int | None = None
    correct: bool | None = None
    certified_radius: float | None = None
    lower: float | None = None
    training_loss: float | None = None
    training_accuracy: float | None = None
    test_accuracy: float | None = None
    noisy_accuracy: float | None = None
    steps: int | None = None
    ending: str | None = None
    pixels: tuple[float, ...] | None = None
    shape: str | None = None


def row_of(what: str, net: Net, **columns: Any) -> Row:
    """A record about a network."""
    return Row(what, net.name, net.training, net.sigma, **columns)
