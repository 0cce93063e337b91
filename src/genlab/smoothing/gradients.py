"""Gradients of a smoothed classifier's score by the image: what points towards a class once noise has averaged out.

The score of class y at x, over noise e of standard deviation sigma, n copies of it in place of the mean E:

    soft                log E softmax_y(x + e)     SmoothAdv's soft plug-in (Salman et al. 2019, 1906.04584, code)
    mean log-softmax    E log softmax_y(x + e)     another direction, by Jensen's inequality
    mean logit          E f_y(x + e)
    stein               E softmax_y(x + e), whose gradient E[softmax_y(x + e) e] / sigma^2 asks for outputs only

In the limit of many copies ``stein`` is ``soft`` times E softmax_y: one direction. It costs a third and is far noisier.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from genlab import chance
from genlab.smoothing.memory import keep_freed
from genlab.smoothing.outputs import check_mode, logits, suited
from genlab.training.balls import along, check_images
from genlab.training.noise import gaussian

ESTIMATORS = ("soft", "mean log-softmax", "mean logit", "stein")


def smoothed_gradient(
    model: nn.Module,
    images: Float[Tensor, "image ..."],
    targets: Int[Tensor, " image"],
    *,
    sigma: float,
    n: int,
    key: tuple[chance.Key, ...],
    estimator: str = "soft",
    antithetic: bool = False,
    rows: Sequence[int] | None = None,
    batch: int | None = None,
    channels_last: bool = True,
) -> Float[Tensor, "image ..."]:
    """The gradient of the smoothed score of a class, for each image: uphill is towards the class.

    An image's noise depends on ``key`` and its number in ``rows``, copy by copy, and on nothing else: neither on the other
    images, nor on ``batch``, nor, for the first copies, on ``n``.

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False))
    >>> images, targets = torch.full((2, 1, 2, 2), 0.5), torch.tensor([0, 2])
    >>> found = smoothed_gradient(model, images, targets, sigma=0.25, n=8, estimator="mean logit", key=("example",))
    >>> torch.allclose(found.flatten(1), model[1].weight[targets])  # of a linear model, its own weights
    True

    Args:
        model: a classifier of images in [0, 1] that returns logits, in eval mode.
        images: in [0, 1], on the model's device.
        targets: class of each image towards which to look.
        sigma: standard deviation of the noise, in units of the images. 0: the plain gradient of the score at the image.
        n: noisy copies of each image.
        key: of the noise.
        estimator: one of ``ESTIMATORS``.
        antithetic: whether copies come in pairs x + e, x - e.
        rows: the number of each image; equal numbers share noise. None: 0, 1, 2 and so on.
        batch: noisy copies in one pass; None: what suits the images and the device.
        channels_last: False for models that ``view`` what comes out of a convolution.

    Returns:
        One gradient an image.

    Raises:
        ValueError: images outside [0, 1], targets that are no classes of the model, sigma below 0, no copies, an odd number of
            antithetic ones, another estimator, a model in train mode, or logits that are none.
    """
    return scored_gradient(
        model,
        images,
        targets,
        sigma=sigma,
        n=n,
        key=key,
        estimator=estimator,
        antithetic=antithetic,
        rows=rows,
        batch=batch,
        channels_last=channels_last,
    )[0]


def scored_gradient(
    model: nn.Module,
    images: Float[Tensor, "image ..."],
    targets: Int[Tensor, " image"],
    *,
    sigma: float,
    n: int,
    key: tuple[chance.Key, ...],
    estimator: str = "soft",
    antithetic: bool = False,
    rows: Sequence[int] | None = None,
    batch: int | None = None,
    channels_last: bool = True,
) -> tuple[Float[Tensor, "image ..."], Float[Tensor, " image"]]:
    """``smoothed_gradient``, and the score of each image, from the same passes."""
    batch = suited(tuple(images.shape[1:]), images.device) if batch is None else batch
    rows = _checked(model, images, targets, sigma, n, estimator, antithetic, rows, batch)
    copies = n if sigma else 1
    if images.device.type == "cpu":
        keep_freed()
    gradients, scores = torch.zeros_like(images), []
    for group in torch.arange(len(images)).split(max(1, batch // copies)):
        here, part = slice(int(group[0]), int(group[-1]) + 1), [rows[each] for each in group.tolist()]
        ask = _Ask(model, images[here].detach(), targets[here], sigma, copies, estimator, channels_last)
        score: Tensor | None = None
        for start in range(0, copies, batch):
            piece = range(start, min(start + batch, copies))
            noise = _noise(ask.images, part, piece, antithetic, key) if sigma else None
            value, gradient = ask.gradient(noise, len(piece)) if estimator != "stein" or not sigma else ask.stein(noise)
            if score is None:
                gradients[here], score = gradient, value
            elif estimator == "soft":  # of logs of sums: the shares of the two sums weigh their gradients
                both = torch.logaddexp(score, value)
                old, new = (along(torch.exp(each - both), gradient) for each in (score, value))
                gradients[here], score = gradients[here] * old.to(gradient) + gradient * new.to(gradient), both
            else:
                gradients[here], score = gradients[here] + gradient, score + value
        assert score is not None
        scores.append(score - math.log(copies) if estimator == "soft" else score)
    return gradients, torch.cat(scores) if scores else images.new_zeros(0)


@dataclass(frozen=True, eq=False)
class Spread:
    """How far independent estimates of one gradient agree, image by image; every field has shape (image,).

    Attributes:
        cosine: mean cosine of two estimates, over all pairs: near s / (s + v) in the signal's and the noise's square length.
        variance: the sum over pixels of an estimate's variance, unbiased: E |g - E g|^2.
        square: |E g|^2, unbiased; below 0 where noise drowns it.
        estimates: how many.
    """

    cosine: Float[Tensor, " image"]
    variance: Float[Tensor, " image"]
    square: Float[Tensor, " image"]
    estimates: int


def spread(gradients: Sequence[Float[Tensor, "image ..."]]) -> Spread:
    """The spread of independent estimates: ``smoothed_gradient`` under as many keys.

    >>> found = spread([torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])])
    >>> found.cosine.item(), found.variance.item(), found.square.item()
    (0.0, 1.0, 0.0)

    Raises:
        ValueError: fewer than two, or of different shapes.
    """
    if len(gradients) < 2 or len({each.shape for each in gradients}) > 1:
        raise ValueError(f"a spread wants two estimates of one shape at least, got {[tuple(each.shape) for each in gradients]}")
    stacked = torch.stack([each.flatten(1).double() for each in gradients])
    count = len(stacked)
    variance = stacked.var(dim=0).sum(dim=1)
    norms = torch.linalg.vector_norm(stacked, dim=2, keepdim=True)
    units = stacked / torch.where(norms > 0, norms, torch.ones_like(norms))
    squares = (norms[..., 0] > 0).sum(dim=0)  # of unit vectors with themselves: zeros have none
    pairs = (units.sum(dim=0).square().sum(dim=1) - squares) / (count * (count - 1))
    return Spread(pairs, variance, stacked.mean(dim=0).square().sum(dim=1) - variance / count, count)


@dataclass(frozen=True, eq=False)
class _Ask:
    """Some images and what is asked about them."""

    model: nn.Module
    images: Tensor
    targets: Tensor
    sigma: float
    copies: int
    estimator: str
    channels_last: bool

    def gradient(self, noise: Tensor | None, copies: int) -> tuple[Tensor, Tensor]:
        """This piece's part of score and gradient: the log of a sum for ``soft``, else a share of the mean."""
        with torch.enable_grad():
            leaves = self.images.clone().requires_grad_()
            values = self._values(leaves, noise)
            assert values.shape == (len(leaves), copies)
            value = values.logsumexp(dim=1) if self.estimator == "soft" else values.sum(dim=1) / self.copies
            (gradient,) = torch.autograd.grad(value.sum(), leaves, materialize_grads=True)
        return value.detach(), gradient

    def stein(self, noise: Tensor | None) -> tuple[Tensor, Tensor]:
        assert noise is not None
        with torch.no_grad():
            values = self._values(self.images, noise) / self.copies
            gradient = torch.einsum("ij,ij...->i...", values.to(noise), noise) / self.sigma
        return values.sum(dim=1), gradient

    def _values(self, images: Tensor, noise: Tensor | None) -> Tensor:
        noisy = images[:, None] if noise is None else images[:, None] + self.sigma * noise
        found = logits(self.model, noisy.flatten(0, 1), channels_last=self.channels_last)
        if int(self.targets.max()) >= found.shape[1]:
            raise ValueError(f"targets are classes 0 to {found.shape[1] - 1} of the model, got {int(self.targets.max())}")
        scores = found if self.estimator == "mean logit" else found.log_softmax(dim=1)
        chosen = scores.view(*noisy.shape[:2], -1).gather(2, self.targets.view(-1, 1, 1).expand(-1, noisy.shape[1], 1))[..., 0]
        return chosen.exp() if self.estimator == "stein" else chosen


def _noise(images: Tensor, rows: Sequence[int], piece: range, antithetic: bool, key: tuple[chance.Key, ...]) -> Tensor:
    if not antithetic:
        return gaussian(images, rows, piece, *key)
    pairs = range(piece.start // 2, -(-piece.stop // 2))
    drawn = gaussian(images, rows, pairs, *key)
    first = piece.start - 2 * pairs.start
    return torch.stack([drawn, -drawn], dim=2).flatten(1, 2)[:, first : first + len(piece)]


def _checked(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    sigma: float,
    n: int,
    estimator: str,
    antithetic: bool,
    rows: Sequence[int] | None,
    batch: int,
) -> Sequence[int]:
    check_images(images)
    check_mode(model)
    if not (sigma >= 0 and math.isfinite(sigma)):
        raise ValueError(f"sigma is the noise's standard deviation, finite and not below 0, got {sigma}")
    if n < 1 or batch < 1 or (antithetic and n % 2):
        raise ValueError(f"n and batch are at least 1, and n even where copies come in pairs, got n={n} and batch={batch}")
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator is one of {', '.join(map(repr, ESTIMATORS))}, got {estimator!r}")
    if targets.shape != (len(images),) or targets.is_floating_point() or (len(targets) and int(targets.min()) < 0):
        raise ValueError(f"targets are one class an image, shape ({len(images)},), got {targets.dtype} {tuple(targets.shape)}")
    rows = range(len(images)) if rows is None else rows
    if len(rows) != len(images):
        raise ValueError(f"rows are one number an image, got {len(rows)} for {len(images)} images")
    return rows
