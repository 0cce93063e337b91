"""How near synthesized images come to real ones of their class: nearest neighbours, and the Frechet distance of features."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from genlab.intervals import CONFIDENCE, Interval, percentiles
from genlab.smoothing.outputs import check_mode, logits

RESAMPLES = 200  # of a Frechet distance, whose every draw takes eigenvalues (our assumption)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Distances of images to the nearest real image of their target; every field has shape (image,).

    Attributes:
        distances: L2, in units of the images or features compared.
        ratios: over the mean distance of a real image of the class to its nearest other one: about 1 for a real image.
        nearest: which real image.
    """

    distances: Float[Tensor, " image"]
    ratios: Float[Tensor, " image"]
    nearest: Int[Tensor, " image"]


def neighbours(
    images: Float[Tensor, "image ..."],
    targets: Int[Tensor, " image"],
    real: Float[Tensor, "example ..."],
    labels: Int[Tensor, " example"],
) -> Neighbours:
    """The nearest real image of the target's class to each image, by L2 distance of pixels or of features.

    Keep images that others were made from out of ``real``: they would be their own neighbours.

    >>> real, labels = torch.tensor([[0.0], [2.0], [9.0]]), torch.tensor([0, 0, 1])
    >>> found = neighbours(torch.tensor([[3.0]]), torch.tensor([0]), real, labels)
    >>> found.distances, found.ratios, found.nearest
    (tensor([1.]), tensor([0.5000]), tensor([1]))

    Args:
        images: or features of them.
        targets: the class each is compared with.
        real: images or features like them.
        labels: of the real ones.

    Raises:
        ValueError: shapes that do not fit, or a target with fewer than two real images, or with none that differ.
    """
    if images.shape[1:] != real.shape[1:] or len(targets) != len(images) or len(labels) != len(real):
        raise ValueError(
            f"images and real ones have one shape, with one target or label each; got {tuple(images.shape)}, "
            f"{tuple(real.shape)}, {len(targets)} targets and {len(labels)} labels"
        )
    distances, ratios = images.new_zeros(len(images)), images.new_zeros(len(images))
    nearest = torch.zeros(len(images), dtype=torch.long, device=images.device)
    for target in targets.unique().tolist():
        here, there = torch.nonzero(targets == target).flatten(), torch.nonzero(labels == target).flatten()
        if len(there) < 2:
            raise ValueError(f"class {target} has {len(there)} real images: two are the least, for their distance is the measure")
        known = real[there].flatten(1)
        own = torch.cdist(known, known, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf).amin(dim=1).mean()
        if not own > 0:
            raise ValueError(f"the real images of class {target} are all alike: there is no distance to compare with")
        found, which = torch.cdist(images[here].flatten(1), known, compute_mode="donot_use_mm_for_euclid_dist").min(dim=1)
        distances[here], ratios[here], nearest[here] = found, found / own, there[which]
    return Neighbours(distances, ratios, nearest)


def features(
    model: nn.Module, images: Tensor, *, layer: str | None = None, batch: int = 1000, channels_last: bool = True
) -> Float[Tensor, "image feature"]:
    """What goes into a linear layer of a classifier: of its last one unless named, the penultimate activations.

    Args:
        model: a classifier, in eval mode; one that made no images.
        images: as the model takes them.
        layer: name of the linear layer, as in ``model.named_modules()``. None: the last in that order.
        batch: images in one pass, to bound memory.
        channels_last: False for models that ``view`` what comes out of a convolution.

    Raises:
        ValueError: no such linear layer, a model in train mode, or one that does not run it once a pass.
    """
    check_mode(model)
    linear = {name: each for name, each in model.named_modules() if isinstance(each, nn.Linear)}
    name = layer if layer is not None else next(reversed(linear), None)
    if name is None or name not in linear:
        raise ValueError(
            f"features want a linear layer of the model, one of {', '.join(map(repr, linear)) or 'none'}; got {layer!r}"
        )
    seen: list[Tensor] = []
    hook = linear[name].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].flatten(1)))
    try:
        with torch.no_grad():
            for part in images.split(batch):
                logits(model, part, channels_last=channels_last)
    finally:
        hook.remove()
    found = torch.cat(seen) if seen else images.new_zeros((0, linear[name].in_features))
    if len(found) != len(images):
        raise ValueError(f"linear layer {name!r} saw {len(found)} rows for {len(images)} images: name a layer that runs once")
    return found


def frechet_distance(first: Float[Tensor, "image feature"], second: Float[Tensor, "example feature"]) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)): between normal distributions with the features' means and covariances.

    With features of Inception this is FID (Heusel et al. 2017, 1706.08500); of another network it is a distance of that
    network's, comparable only with itself. It is biased upwards, the more the fewer images: compare equal numbers, many more
    than there are features (measured: twice the exact distance of 64 features on average with 100 images, docs/log.md).

    >>> points = torch.tensor([[0.0], [2.0]])
    >>> frechet_distance(points, points + 3)
    9.0

    Raises:
        ValueError: fewer than two rows, different numbers of features, or values that are not finite.
    """
    return _frechet(*_two(first, second))


def frechet_interval(
    first: Float[Tensor, "image feature"],
    second: Float[Tensor, "example feature"],
    *,
    random: np.random.Generator,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The Frechet distance, and how far it would move with other images, as many of them.

    A bootstrap over the images of either side. Resampled images repeat, which adds to each draw about the bias that the distance
    has already: so the draws are moved to have the distance as their mean. The bias of the distance itself stays: compare equal
    numbers of images.

    Args:
        first: features of the images judged.
        second: features of real ones.
        random: where resampling draws from.
        resamples: how often.
        confidence: of the interval.

    Raises:
        ValueError: as ``frechet_distance``.
    """
    ours, theirs = _two(first, second)
    centre = _frechet(ours, theirs)
    draws = np.array(
        [
            _frechet(ours[random.integers(0, len(ours), len(ours))], theirs[random.integers(0, len(theirs), len(theirs))])
            for _ in range(resamples)
        ]
    )
    low, high = percentiles(draws - draws.mean() + centre, min(len(ours), len(theirs)), confidence)
    return Interval(centre, max(0.0, min(low, centre)), max(high, centre), len(ours), confidence)


def _two(first: Tensor, second: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ours, theirs = (each.detach().cpu().double().numpy() for each in (first, second))
    if ours.ndim != 2 or theirs.ndim != 2 or ours.shape[1] != theirs.shape[1] or min(len(ours), len(theirs)) < 2:
        raise ValueError(f"a Frechet distance wants two rows of equal features at least, got {ours.shape} and {theirs.shape}")
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        raise ValueError("a Frechet distance wants finite features, got NaN or infinite ones")
    return ours, theirs


def _frechet(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Tr (S1 S2)^(1/2) is the sum of the singular values of R1 R2', where S = R'R: no root of a matrix, nothing complex."""
    gap = first.mean(axis=0) - second.mean(axis=0)
    roots: list[NDArray[np.float64]] = []
    for rows in (first, second):
        centred = (rows - rows.mean(axis=0)) / np.sqrt(len(rows) - 1)
        roots.append(np.asarray(np.linalg.qr(centred, mode="r")) if len(rows) > rows.shape[1] else centred)
    shared = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    total = sum(float(np.square(root).sum()) for root in roots)
    return max(0.0, float(gap @ gap) + total - 2 * float(shared))
