"""How far gradients and synthesized images point at a class, in numbers: judges, transfer, directions of class means.

That a model sees the target in what it made itself says nothing: nearly every model does. A standard judge of another seed is
fooled by everything, too. So judges are other networks that were trained with noise, of another architecture where it can be.
How changes look (frequencies, variation) is in ``texture``, and how near images come to real ones in ``likeness``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from genlab import chance
from genlab.intervals import CONFIDENCE, RESAMPLES, Interval, percentiles, resampled_sums, wilson
from genlab.smoothing.outputs import check_mode, logits, suited
from genlab.training.balls import check_images
from genlab.training.noise import gaussian


@dataclass(frozen=True, eq=False)
class Judged:
    """What a judge sees in images; every field has shape (image,) and lies on the CPU.

    Attributes:
        labels: the class it sees.
        probabilities: that it gives the target, the mean over noisy copies if it is smoothed.
        targets: the class that was to be seen.
    """

    labels: Int[Tensor, " image"]
    probabilities: Float[Tensor, " image"]
    targets: Int[Tensor, " image"]

    @property
    def hits(self) -> Bool[Tensor, " image"]:
        """Where it sees the target."""
        return self.labels == self.targets

    def rate(self, confidence: float = CONFIDENCE) -> Interval:
        """The share of images in which it sees the target, with Wilson's interval over images."""
        return wilson(int(self.hits.sum()), len(self.hits), confidence)


def judged(
    judge: nn.Module,
    images: Float[Tensor, "image ..."],
    targets: Int[Tensor, " image"],
    *,
    sigma: float = 0.0,
    n: int = 1,
    key: tuple[chance.Key, ...] = (),
    rows: Sequence[int] | None = None,
    batch: int | None = None,
    channels_last: bool = True,
) -> Judged:
    """What a judge sees: its softmax at each image, or its mean over n noisy copies.

    >>> judge = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    >>> _ = nn.init.zeros_(judge[1].weight)
    >>> found = judged(judge, torch.zeros(3, 1, 2, 2), torch.tensor([0, 0, 1]))
    >>> found.probabilities, str(found.rate())
    (tensor([0.5000, 0.5000, 0.5000]), '0.6667 [0.2077, 0.9385]')

    Args:
        judge: a classifier of images in [0, 1] that took no part in making them, in eval mode.
        images: in [0, 1], on the judge's device.
        targets: the class that each is to show.
        sigma: standard deviation of the judge's noise; 0: none.
        n: noisy copies of each image.
        key: of the noise.
        rows: the number of each image, which keys its noise. None: 0, 1, 2 and so on.
        batch: noisy copies in one pass; None: what suits the images and the device.
        channels_last: False for models that ``view`` what comes out of a convolution.

    Raises:
        ValueError: images outside [0, 1], sigma below 0, no copies, targets that are no classes, a judge in train mode.
    """
    check_images(images)
    check_mode(judge)
    batch = suited(tuple(images.shape[1:]), images.device) if batch is None else batch
    if not sigma >= 0 or n < 1 or batch < 1:
        raise ValueError(f"a judge wants sigma not below 0, n and batch at least 1, got sigma={sigma}, n={n}, batch={batch}")
    if targets.shape != (len(images),) or not len(images):
        raise ValueError(f"targets are one class an image, one at least, shape ({len(images)},), got {tuple(targets.shape)}")
    numbers, copies = range(len(images)) if rows is None else rows, n if sigma else 1
    found = []
    with torch.no_grad():
        for group in torch.arange(len(images)).split(max(1, batch // copies)):
            some, part = images[int(group[0]) : int(group[-1]) + 1], [numbers[each] for each in group.tolist()]
            total: Tensor | float = 0.0
            for start in range(0, copies, batch):
                piece = range(start, min(start + batch, copies))
                noisy = some[:, None] + sigma * gaussian(some, part, piece, *key) if sigma else some[:, None]
                outputs = logits(judge, noisy.flatten(0, 1), channels_last=channels_last)
                total = total + outputs.softmax(dim=1).view(len(some), len(piece), -1).sum(dim=1)
            found.append((total / copies).cpu() if isinstance(total, Tensor) else total)
    means, wanted = torch.cat([each for each in found if isinstance(each, Tensor)]), targets.cpu()
    if int(wanted.min()) < 0 or int(wanted.max()) >= means.shape[1]:
        raise ValueError(f"targets are classes 0 to {means.shape[1] - 1} of the judge, got up to {int(wanted.max())}")
    return Judged(means.argmax(dim=1), means.gather(1, wanted[:, None])[:, 0], wanted)


def transfer_ratio(
    own: Bool[Tensor, " image"],
    other: Bool[Tensor, " image"],
    *,
    random: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """Success on another network over success on the one that made the images: about 1 for evidence of a class, less for quirks.

    A bootstrap over images, each with both of its outcomes. Two made-up images join those that are drawn, a hit of one network
    alone and of the other alone, so that the interval has a width where all outcomes are equal.

    At large radii everything transfers: compare where neither network is near 0 or 1.

    Args:
        own: where the network that made an image sees the target.
        other: where the other network sees it, image by image.
        random: where resampling draws from.
        resamples: how often.
        confidence: of the interval.

    Raises:
        ValueError: fewer than two images, different numbers, or no success of its own to divide by.
    """
    if own.shape != other.shape or own.ndim != 1 or len(own) < 2:
        raise ValueError(f"a transfer ratio wants two outcomes an image, got shapes {tuple(own.shape)} and {tuple(other.shape)}")
    if not own.any():
        raise ValueError(f"none of {len(own)} images shows the target to the network that made it: no ratio; raise the radius")
    pairs = torch.stack([other, own], dim=1).cpu().double().numpy()
    drawn = resampled_sums(np.concatenate([pairs, [[0.0, 1.0], [1.0, 0.0]]]), random=random, resamples=resamples)
    low, high = percentiles(drawn[:, 0] / np.maximum(drawn[:, 1], 0.5), len(own), confidence)
    centre = float(pairs[:, 0].sum() / pairs[:, 1].sum())
    return Interval(centre, min(low, centre), max(high, centre), len(own), confidence)


@dataclass(frozen=True, eq=False)
class ClassCosines:
    """Cosines of each image's gradient with directions to class means; every field has shape (image,).

    Attributes:
        target: with mean_t - x, t being the target; NaN where a gradient is zero.
        control: the mean of those with mean_c - x over all other classes c: what a shuffled target gives in expectation.
    """

    target: Float[Tensor, " image"]
    control: Float[Tensor, " image"]

    @property
    def difference(self) -> Float[Tensor, " image"]:
        """How much better it points at the target than at another class."""
        return self.target - self.control


def class_cosines(
    gradients: Float[Tensor, "image ..."],
    images: Float[Tensor, "image ..."],
    means: Float[Tensor, "class ..."],
    targets: Int[Tensor, " image"],
    labels: Int[Tensor, " image"] | None = None,
) -> ClassCosines:
    """Whether gradients point from the image to the mean image of their target, and not just to any class.

    >>> means = torch.eye(3).view(3, 1, 1, 3)
    >>> found = class_cosines(means[:1], torch.zeros(1, 1, 1, 3), means, torch.tensor([0]))
    >>> found.target, found.control
    (tensor([1.]), tensor([0.]))

    Args:
        gradients: uphill, of each image's target.
        images: where they were taken.
        means: mean image of each class, of ``class_means``.
        targets: of each image.
        labels: what each image really shows; it is then no class of the control.

    Raises:
        ValueError: shapes that do not fit, targets that are no classes, or no class left for the control.
    """
    if gradients.shape != images.shape or means.shape[1:] != images.shape[1:] or targets.shape != (len(images),):
        raise ValueError(
            f"one gradient and target an image, and means of its shape, are wanted; got gradients {tuple(gradients.shape)}, "
            f"images {tuple(images.shape)}, means {tuple(means.shape)} and targets {tuple(targets.shape)}"
        )
    if int(targets.min()) < 0 or int(targets.max()) >= len(means):
        raise ValueError(f"targets are classes 0 to {len(means) - 1}, as there are means, got up to {int(targets.max())}")
    ways = means.flatten(1)[None] - images.flatten(1)[:, None]
    cosines = torch.einsum("ip,icp->ic", gradients.flatten(1), ways)
    cosines = cosines / (
        torch.linalg.vector_norm(gradients.flatten(1), dim=1, keepdim=True) * torch.linalg.vector_norm(ways, dim=2)
    )
    others = torch.ones_like(cosines, dtype=torch.bool).scatter(1, targets[:, None], False)
    if labels is not None:
        others = others.scatter(1, labels[:, None], False)
    if not others.any(dim=1).all():
        raise ValueError(f"a control wants a class that is neither target nor label, got {len(means)} classes in all")
    control = torch.where(others, cosines, torch.zeros_like(cosines)).sum(dim=1) / others.sum(dim=1)
    return ClassCosines(cosines.gather(1, targets[:, None])[:, 0], control)


def class_means(images: Float[Tensor, "image ..."], labels: Int[Tensor, " image"], classes: int) -> Float[Tensor, "class ..."]:
    """The mean image of each class.

    Raises:
        ValueError: a class without an image, or labels beyond the classes.
    """
    if len(images) != len(labels) or not len(labels) or int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise ValueError(f"class means want one label from 0 to {classes - 1} an image, got {len(labels)} of {len(images)}")
    counts = torch.bincount(labels, minlength=classes)
    if not counts.all():
        raise ValueError(f"class {int(torch.nonzero(counts == 0)[0])} has no image to take the mean of")
    sums = images.new_zeros((classes, *images.shape[1:])).index_add_(0, labels, images)
    return sums / counts.view(-1, *(1 for _ in images.shape[1:]))
