"""The smoothed classifier of Cohen, Rosenfeld & Kolter 2019 (1902.02918): g(x) is the class f gives most often under noise."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from genlab import chance
from genlab.intervals import Interval, wilson
from genlab.smoothing import bounds, noise
from genlab.smoothing.passes import Passes, check_image

Keys = Sequence[chance.Key]


@dataclass(frozen=True)
class Certificate:
    """What is certain about an image, with probability 1 - alpha over the noise.

    Attributes:
        label: the class of the smoothed classifier, anywhere within the radius; None: it abstains.
        radius: L2, in units of pixels in [0, 1]; 0 if it abstains.
        lower: bound below the probability of ``selected`` under noise, right with probability 1 - alpha: the paper's p_A.
        selected: the class that most of the first n0 copies got, whose share is bounded.
        successes: how many of the n further copies got it.
        n: copies counted; fewer than asked for only after an early stop.
        n0: copies that selected the class.
        alpha: probability that the certificate is wrong.
        sigma: standard deviation of the noise.
        looks: at how many counts it might have stopped; each has a share alpha / looks. 1: without early stopping.
    """

    label: int | None
    radius: float
    lower: float
    selected: int
    successes: int
    n: int
    n0: int
    alpha: float
    sigma: float
    looks: int = 1


@dataclass(frozen=True)
class Prediction:
    """The class of the smoothed classifier at an image, wrong with probability alpha at most; None: it abstains.

    Attributes:
        label: class or None.
        counts: of the two classes found most often, in that order.
        p_value: of both being equally probable; above alpha there is no label.
        n, alpha, sigma: copies, probability of a wrong answer, standard deviation of the noise.
    """

    label: int | None
    counts: tuple[int, int]
    p_value: float
    n: int
    alpha: float
    sigma: float


@dataclass(frozen=True)
class EarlyStop:
    """Stop counting an image once ``radius`` is certified, or cannot be any more, even if all copies left got the class.

    The looks are at n / 2^(looks-1), ..., n / 2, n copies, rounded up to whole blocks of noise. Each uses alpha / looks, so that
    all bounds hold together with probability 1 - alpha, whenever it stops; the price is a smaller radius at n.
    """

    radius: float
    looks: int = 4  # our assumption

    def __post_init__(self) -> None:
        if not self.radius >= 0 or not 1 <= self.looks <= 32:
            raise ValueError(f"an early stop needs a radius of at least 0 and 1 to 32 looks, got {self.radius} and {self.looks}")


class SmoothedClassifier:
    """A classifier under Gaussian noise: ``predict`` its class, ``certify`` the radius within which it is constant.

    Noise is keyed by image: what is found about one depends neither on other images nor on the place in a run. It depends on the
    kind of device (a GPU draws other noise than a CPU) and, through the rounding of logits, on batch, precision and ``compile``:
    a copy whose two leading logits are all but equal may be counted for the other class; ``agreement`` says how many are. A model
    may be certified in any precision: the certificate is about the network as it is computed.

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    >>> smoothed = SmoothedClassifier(network, sigma=0.25)
    >>> smoothed.counts(torch.full((1, 2, 2), 0.5), 1000, key=("my images", 0)).sum()
    tensor(1000)

    Args:
        model: gives logits (image, class) for images with pixels in [0, 1]; normalisation is its first layer. It is copied and
            used in eval mode.
        sigma: standard deviation of the noise, in units of pixels in [0, 1].
        batch, device, dtype, channels_last, compile: see ``passes.Passes``.

    Raises:
        ValueError: sigma is not positive, or as ``Passes``.
    """

    def __init__(
        self,
        model: nn.Module | Callable[[Tensor], Tensor],
        sigma: float,
        *,
        batch: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        channels_last: bool | None = None,
        compile: bool = False,
    ) -> None:
        if not 0 < sigma < float("inf"):
            raise ValueError(
                f"sigma, the standard deviation of the noise on pixels in [0, 1], is positive; got {sigma:g}: pass 0.25, or call "
                "the model itself for what it says without noise"
            )
        self.sigma = float(sigma)
        self.passes = Passes(model, batch=batch, device=device, dtype=dtype, channels_last=channels_last, compile=compile)

    def counts(self, image: Float[Tensor, "*image"], n: int, *, key: Keys | None = None) -> Int[Tensor, " class"]:
        """How many of ``n`` noisy copies get each class, on the CPU.

        Args:
            image: pixels in [0, 1], channels first, one image.
            n: noisy copies.
            key: which noise; the same key gives the same noise. Default: the content of the image.

        Raises:
            ValueError: an image, a number or logits that cannot be.
        """
        _check_number(n, "n")
        check_image(image)
        return self._count(image, _keys(image, key), 0, n)

    def labels(self, image: Float[Tensor, "*image"], n: int, *, key: Keys | None = None) -> Int[Tensor, " copies"]:
        """The class of each of the ``n`` copies that ``counts`` counts, on the CPU: to compare one precision with another.

        Raises:
            ValueError: as ``counts``.
        """
        _check_number(n, "n")
        self.passes.classes(image)
        passes = self.passes.logits(image, self.sigma, _keys(image, key), 0, n)
        return torch.cat([found.argmax(1).cpu() for found in passes])

    def predict(
        self, image: Float[Tensor, "*image"], *, n: int = 1000, alpha: float = 0.001, key: Keys | None = None
    ) -> Prediction:
        """PREDICT: the class of the smoothed classifier, or an abstention; wrong with probability alpha at most.

        Raises:
            ValueError: as ``counts``, or an alpha outside (0, 1).
        """
        bounds.check_alpha(alpha)
        counts = self.counts(image, n, key=(*_keys(image, key), "predict"))
        (most, second), (label, _) = ((int(each) for each in part) for part in counts.topk(2))
        p_value = bounds.tie_p_value(most, second)
        return Prediction(label if p_value <= alpha else None, (most, second), p_value, n, alpha, self.sigma)

    def certify(
        self,
        image: Float[Tensor, "*image"],
        *,
        n0: int = 100,
        n: int = 100_000,
        alpha: float = 0.001,
        key: Keys | None = None,
        stop: EarlyStop | None = None,
    ) -> Certificate:
        """CERTIFY: the class and the L2 radius within which it is certain, or an abstention.

        Args:
            image: pixels in [0, 1], channels first, one image.
            n0: copies that select the class.
            n: further copies, whose share with that class is bounded from below.
            alpha: probability that the certificate is wrong.
            key: which noise, such as (seed, number of the image); two images with one key have certificates that go wrong
                together. Default: the content of the image.
            stop: count no further than its radius needs; default off.

        Raises:
            ValueError: as ``counts``, or an alpha outside (0, 1).
        """
        bounds.check_alpha(alpha)
        _check_number(n0, "n0")
        _check_number(n, "n")
        check_image(image)
        keys = _keys(image, key)
        selected = int(self._count(image, (*keys, "select"), 0, n0).argmax())
        looks = 1 if stop is None else stop.looks
        best = lower = 0.0
        done = successes = 0
        for end in _looks(n, looks, noise.copies(tuple(image.shape))):
            successes += int(self._count(image, (*keys, "estimate"), done, end)[selected])
            done = end
            lower = bounds.lower_bound(successes, done, alpha / looks)
            best = max(best, lower)  # all bounds hold together
            if stop is not None and _settled(stop, best, successes, done, n, alpha / looks, self.sigma):
                break
        label = None if bounds.abstains(best) else selected
        radius = bounds.certified_radius(best, self.sigma)
        return Certificate(label, radius, best, selected, successes, done, n0, alpha, self.sigma, looks)

    def _count(self, image: Tensor, keys: Keys, start: int, stop: int) -> Tensor:
        classes = self.passes.classes(image)
        with torch.inference_mode():
            counts = torch.zeros(classes, dtype=torch.int64, device=self.passes.device)
            broken = torch.zeros((), dtype=torch.int64, device=self.passes.device)
        for logits in self.passes.logits(image, self.sigma, keys, start, stop):
            with torch.inference_mode():  # the host waits for nothing here
                labels = logits.argmax(1)
                counts.scatter_add_(0, labels, torch.ones_like(labels))
                broken += logits.isnan().any(1).sum()
        if broken:
            raise ValueError(
                f"the model gave NaN logits for {int(broken):,} of {stop - start:,} noisy copies of image {_name(keys)}: has it "
                "diverged, or do its numbers overflow in this precision?"
            )
        return counts.cpu().clone()


def agreement(
    first: SmoothedClassifier, second: SmoothedClassifier, image: Tensor, n: int = 1000, *, key: Keys | None = None
) -> Interval:
    """Share of ``n`` noisy copies to which both give the same class, such as in float32 and in bfloat16: Wilson's interval.

    Both have to draw the same noise: one sigma, one kind of device.

    Raises:
        ValueError: they do not, or as ``SmoothedClassifier.counts``.
    """
    one, other = ((each.sigma, each.passes.device.type) for each in (first, second))
    if one != other:
        raise ValueError(f"the same noise needs the same sigma and kind of device, got {one} and {other}")
    same = first.labels(image, n, key=key) == second.labels(image, n, key=key)
    return wilson(int(same.sum()), n)


def _looks(n: int, looks: int, block: int) -> list[int]:
    """Ends of the counts: halves of halves of n in whole blocks, without repetition, and n itself."""
    ends = [-(-(n >> halving) // block) * block for halving in range(looks - 1, 0, -1)]
    return sorted({end for end in ends if 0 < end < n} | {n})


def _settled(stop: EarlyStop, lower: float, successes: int, done: int, n: int, alpha: float, sigma: float) -> bool:
    wanted = bounds.smallest_probability(stop.radius, sigma)
    at_best = bounds.lower_bound(successes + n - done, n, alpha)
    return lower >= wanted or at_best < wanted


def _check_number(n: int, name: str) -> None:
    if n < 1:
        raise ValueError(f"{name}, a number of noisy copies, is at least 1, got {n}")


def _keys(image: Tensor, key: Keys | None) -> Keys:
    if key is None:
        content = image.detach().to("cpu", torch.float32).contiguous().numpy()
        return ("content", hashlib.sha256(content.tobytes()).hexdigest())
    return (key,) if isinstance(key, str | int) else tuple(key)


def _name(keys: Keys) -> str:
    return "/".join(str(each)[:12] for each in keys)
