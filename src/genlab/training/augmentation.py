"""Augmentation of training images on their device: a random crop after padding, and a random flip (Novack et al. 2022).

What an image becomes depends on (seed, epoch, image) alone, whatever batch it is in and wherever the batch lies, so that a
resumed run needs nothing remembered and two passes of one step see one thing. Measurements over the whole training set use
images as they are: augment what a step sees, never the problem that a probe is given.
"""

import copy
import functools
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from genlab import chance
from genlab.training.batches import Batches
from genlab.training.dataset import Data
from genlab.training.problem import Problem


@dataclass(frozen=True)
class CropAndFlip:
    """Pad each image, cut a window of its own size out of it, and mirror left and right every second time.

    >>> crops = CropAndFlip(padding=1, flip=False)
    >>> image = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    >>> crops(image, torch.tensor([0]), epoch=0)[0, 0]
    tensor([[2., 3., 0.],
            [5., 6., 0.],
            [8., 9., 0.]])

    Attributes:
        padding: pixels on each side; the window's place is uniform among (2 padding + 1)^2. 4: Novack et al. 2022, code.
        flip: whether to mirror, with probability 1/2. Not for digits and letters.
        fill: what is padded with, one number a channel or one for all: ``of`` takes the colour that is black in the file.
        seed: of the draws.
    """

    padding: int = 4
    flip: bool = True
    fill: tuple[float, ...] = (0.0,)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.padding < 0 or not self.fill:
            raise ValueError(
                f"padding is at least 0 and fill one number or one a channel, got padding={self.padding} and fill={self.fill}"
            )

    @classmethod
    def of(cls, data: Data, *, padding: int = 4, flip: bool = True, seed: int = 0) -> "CropAndFlip":
        """Padding with what is black in these data; with their mean colour where each pixel has a scale of its own.

        Raises:
            ValueError: data that are no images.
        """
        if len(data.inputs) != 3:
            raise ValueError(f"data {data.name!r} are no images (channels, height, width) but {data.inputs}: augment none")
        return cls(padding, flip, (0.0,) if data.black is None else data.black, seed)

    def __call__(
        self, images: Float[Tensor, "batch channel height width"], rows: Int[Tensor, " batch"], epoch: int
    ) -> Float[Tensor, "batch channel height width"]:
        """Images augmented, on their device.

        Args:
            images: the batch.
            rows: which training example each is.
            epoch: number of the pass over the training set; each has crops of its own.

        Raises:
            ValueError: inputs that are no images, or a fill for another number of channels.
        """
        if images.ndim != 4:
            raise ValueError(f"augmentation wants images (batch, channel, height, width), got shape {tuple(images.shape)}")
        _, channels, height, width = images.shape
        if len(self.fill) not in (1, channels):
            raise ValueError(f"fill has {len(self.fill)} numbers for {channels} channels: give one, or one a channel")
        down, right, mirrored = self.draws(rows.cpu(), epoch).to(images.device).unbind(1)
        y, x = torch.arange(height, device=images.device), torch.arange(width, device=images.device)
        x = torch.where(mirrored[:, None] == 1, x.flip(0), x)
        from_y, from_x = down[:, None] + y - self.padding, right[:, None] + x - self.padding
        inside = ((from_y >= 0) & (from_y < height))[:, :, None] & ((from_x >= 0) & (from_x < width))[:, None, :]
        place = from_y.clamp(0, height - 1)[:, :, None] * width + from_x.clamp(0, width - 1)[:, None, :]
        taken = images.flatten(2).gather(2, place.flatten(1)[:, None].expand(-1, channels, -1)).view_as(images)
        return torch.where(inside[:, None], taken, images.new_tensor(self.fill).view(1, -1, 1, 1))

    def draws(self, rows: Int[Tensor, " batch"], epoch: int) -> Int[Tensor, "batch 3"]:
        """For examples: the window's distance from the top and the left of the padded image, and 1 to mirror; on the CPU."""
        chunks = int(rows.max()) // CHUNK + 1 if len(rows) else 0
        uniform, spread = _uniform(self.seed, epoch, chunks)[rows], 2 * self.padding + 1
        return torch.cat([(uniform[:, :2] * spread).long(), (uniform[:, 2:] < 0.5 * self.flip).long()], dim=1)


@dataclass(frozen=True)
class Augmented:
    """Batches whose images are augmented: in place of ``Batches``, a function of (problem, step).

    Attributes:
        batches: which examples a step sees; None: all of them, each step an epoch.
        crops: what becomes of their images.
    """

    batches: Batches | None
    crops: CropAndFlip

    def __call__(self, problem: Problem, step: int) -> Problem:
        """The problem of a step: the mean loss over its batch, augmented.

        Raises:
            ValueError: inputs that are no images, or more examples in a batch than there are.
        """
        if not isinstance(problem.inputs, Tensor):
            raise ValueError(f"augmentation wants a tensor of images, got a mapping of {', '.join(problem.inputs)}")
        examples = len(problem.targets)
        if self.batches is None:
            rows, seen, epoch = torch.arange(examples), copy.copy(problem), step
        else:
            rows, epoch = self.batches.rows(step, examples), step // (examples // self.batches.size)
            seen = problem.subset(rows.to(problem.targets.device))
        assert isinstance(seen.inputs, Tensor)
        # Of a copy that is ours, and of unchanged shape: replace() would look through the module again at every step.
        object.__setattr__(seen, "inputs", self.crops(seen.inputs, rows, epoch))
        return seen


CHUNK = 4096  # examples that are drawn at a time, so that one more example does not draw an epoch again


@functools.lru_cache(maxsize=64)  # an epoch of a few dozen seeds
def _uniform(seed: int, epoch: int, chunks: int) -> Float[Tensor, "example 3"]:
    return torch.from_numpy(chance.numpy("augmentation", seed, epoch).random((chunks * CHUNK, 3)))
