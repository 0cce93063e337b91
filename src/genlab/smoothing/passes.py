"""Forward passes of a frozen copy of a classifier over noisy copies of an image, on its device, in its precision and layout."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from genlab import chance
from genlab.smoothing import noise
from genlab.smoothing.memory import keep_freed
from genlab.smoothing.outputs import suited

SLACK = {torch.float64: 1e-6, torch.float32: 1e-3}  # of logits from pass to pass, as a share of the largest (our assumption)
COARSE = 0.2  # the same in half precision (our assumption)
ROUNDING = 1e-4  # by which pixels may leave [0, 1]: a float16 of a resized image (our assumption)


class Passes:
    """A classifier, ready for many noisy copies of one image after another.

    The module is copied, in eval mode; the caller's stays as it is, and what is done to it later has no effect here.

    Args:
        model: gives logits (image, class) for images in [0, 1]; any normalisation is its first layer.
        batch: images a pass; default by the size of an image and the kind of device.
        device: default the device of the model's parameters.
        dtype: of weights and inputs; default the parameters' own. Noise is drawn, scaled and added in float32 in any case.
        channels_last: memory layout of images and convolutions; None: channels-last if the model takes it.
        compile: pass the copy to ``torch.compile``.

    Raises:
        ValueError: a batch below 1 or a dtype that is not floating.
    """

    def __init__(
        self,
        model: nn.Module | Callable[[Tensor], Tensor],
        *,
        batch: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        channels_last: bool | None = None,
        compile: bool = False,
    ) -> None:
        if batch is not None and batch < 1:
            raise ValueError(f"batch, the noisy images of a pass, is at least 1, got {batch}")
        if dtype is not None and not dtype.is_floating_point:
            raise ValueError(f"dtype must be a floating type, got {dtype}: pass torch.float32 or torch.bfloat16")
        known = next(iter(model.parameters()), None) if isinstance(model, nn.Module) else None
        self.device = torch.device(device if device is not None else "cpu" if known is None else known.device)
        self.dtype = dtype or (known.dtype if known is not None and known.is_floating_point() else torch.float32)
        if self.device.type == "cpu":
            keep_freed()
        self.batch, self.channels_last, self.compiled = batch, channels_last, compile
        self.model: Callable[[Tensor], Any] = model
        if isinstance(model, nn.Module):
            # an inference tensor could not be compiled, so the copy is an ordinary one without gradients
            self.model = copy.deepcopy(model).eval().requires_grad_(False).to(device=self.device, dtype=self.dtype)
        self._uncompiled = self.model
        self._known: dict[tuple[int, ...], int] = {}  # shape of an image -> number of classes

    def classes(self, image: Tensor) -> int:
        """How many classes the model tells apart; the first image of a shape shows that it can be certified at all.

        Raises:
            ValueError: the image is none, or the logits are not one row an image, of two classes at least, that depends on this
                image only.
        """
        check_image(image)
        shape = tuple(image.shape)
        if shape not in self._known:
            self._known[shape] = self._first(image)
        return self._known[shape]

    def rows(self, shape: tuple[int, ...]) -> int:
        """Images of a pass: as asked for, or a power of two that suits the device."""
        return self.batch if self.batch is not None else suited(shape, self.device)

    def logits(
        self, image: Tensor, sigma: float, key: Sequence[chance.Key], start: int, stop: int
    ) -> Iterator[Float[Tensor, "copies class"]]:
        """Logits of the noisy copies ``start`` to ``stop``, pass by pass; ``start`` is the first copy of a block.

        The noise is the same whatever the batch; logits of other batches may differ by rounding.
        """
        shape = tuple(image.shape)
        each, rows = noise.copies(shape), self.rows(shape)
        assert start % each == 0
        at_once = max(1, rows // each)
        there = image.to(self.device, torch.float32)
        for first in range(start, stop, at_once * each):
            count = min(at_once * each, stop - first)
            with torch.inference_mode():
                noisy = noise.blocks(key, first // each, -(-count // each), shape, self.device)[:count]
                parts = noisy.mul_(sigma).add_(there).split(rows)
            for part in parts:
                with torch.inference_mode():
                    found = self._pass(part)
                yield found  # outside: the mode is not the caller's

    def _pass(self, inputs: Tensor) -> Tensor:
        inputs = inputs.to(self.dtype)
        if inputs.ndim == 4:
            layout = torch.channels_last if self.channels_last else torch.contiguous_format
            inputs = inputs.contiguous(memory_format=layout)
        try:
            found: Tensor = self.model(inputs)
        except torch.OutOfMemoryError as error:
            raise ValueError(
                f"a pass of {len(inputs)} noisy images does not fit into the memory of {self.device}: pass a smaller batch"
            ) from error
        return found

    def _first(self, image: Tensor) -> int:
        if self.channels_last is not False and image.ndim == 3:
            self.channels_last = self._takes_channels_last(image)
        if isinstance(self._uncompiled, nn.Module) and self.channels_last and image.ndim == 3:
            self._uncompiled.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # absent from torch's types
        if self.compiled and self.model is self._uncompiled:
            self.model = torch.compile(self._uncompiled)
        others = [image.to(self.device, torch.float32).mul(share) for share in (1.0, 0.5, 0.0)]
        with torch.inference_mode():
            alone, again, together = (self._pass(torch.stack(each)) for each in (others[:1], others[:1], others))
        _check_logits(alone, 1)
        _check_logits(together, 3)
        if not bool(alone.isnan().any() or together.isnan().any()):  # NaN is told with the number of copies
            _check_alone(alone[0], again[0], together[0])
        return alone.shape[1]

    def _takes_channels_last(self, image: Tensor) -> bool:
        asked, self.channels_last = self.channels_last, True
        try:
            with torch.inference_mode():
                self._pass(image.to(self.device, torch.float32).expand(2, *image.shape))
        except RuntimeError as error:
            if "view size is not compatible" not in str(error):
                raise
            if asked:
                raise ValueError(
                    "the model calls view on what a convolution left channels-last: pass channels_last=False, or let it reshape"
                ) from error
            return False
        return True


def check_image(image: object) -> None:
    """One image, real, with pixels in [0, 1].

    Raises:
        ValueError: it is not.
    """
    if not isinstance(image, Tensor) or not image.is_floating_point():
        got = image.dtype if isinstance(image, Tensor) else type(image).__name__
        raise ValueError(
            f"an image is a floating tensor with pixels in [0, 1], got {got}: convert it, e.g. by image.float() / 255"
        )
    if not 1 <= image.ndim <= 3:
        raise ValueError(
            f"one image at a time, of shape (channels, height, width) or fewer axes; got {tuple(image.shape)}: pass images[0]"
        )
    low, high = image.min().item(), image.max().item()
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):
        raise ValueError(
            f"pixels lie in [0, 1], where sigma and radii have their unit; these reach from {low:g} to {high:g}. Undo the "
            "normalisation (or divide by 255), and make it the model's first layer: genlab.smoothing.layers.Normalised"
        )


def _check_logits(found: object, images: int) -> None:
    if not isinstance(found, Tensor):
        raise ValueError(
            f"the model returns a {type(found).__name__}, where a tensor of logits (image, class) is needed: wrap it so that it "
            "returns them, such as its .logits"
        )
    if found.ndim != 2 or found.shape[0] != images:
        raise ValueError(
            f"logits of {images} image(s) have the shape ({images}, classes), got {tuple(found.shape)}: one row an image, "
            "without further axes"
        )
    if found.shape[1] < 2:
        raise ValueError(
            "the model has one output, and a smoothed classifier chooses between two classes at least: give it one a class"
        )


def _check_alone(alone: Tensor, again: Tensor, together: Tensor) -> None:
    """A certificate is about one function of an image: neither chance nor the rest of a batch may enter it."""
    allowed = SLACK.get(alone.dtype, COARSE) * max(alone.abs().max().item(), 1e-3)
    for other, what, remedy in (
        (again, "from pass to pass", "is dropout on, though the model is in eval mode?"),
        (
            together,
            "with the other images of the batch",
            "has a batch norm no running averages (track_running_stats=False)?",
        ),
    ):
        apart = (alone - other).abs().max().item()
        if not apart <= allowed and not math.isnan(apart):
            raise ValueError(
                f"the logits of one image change {what}, by {apart:.3g}, so there is no fixed classifier to certify: {remedy}"
            )
