"""Logits of a classifier: asked in a mode in which images do not see each other, and checked."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

AT_ONCE = {  # most numbers and most images of a pass
    "cpu": (2**18, 512),  # measured: larger passes spend their time in page faults (docs/log.md)
    "cuda": (2**26, 4096),  # our assumption
}


def suited(shape: tuple[int, ...], device: torch.device) -> int:
    """How many images of a shape make a good pass: a power of two, by their size and the kind of device.

    >>> suited((3, 32, 32), torch.device("cpu")), suited((3, 224, 224), torch.device("cuda"))
    (64, 256)
    """
    numbers, most = AT_ONCE.get(device.type, AT_ONCE["cuda"])
    return min(most, max(16, 1 << int(math.log2(max(1.0, numbers / math.prod(shape))))))


def check_mode(model: nn.Module) -> None:
    """Refuse a model whose output for an image depends on chance or on the other images of a batch.

    Raises:
        ValueError: batch norm or dropout in train mode, or batch norm without running averages.
    """
    for name, each in model.named_modules():
        alone = isinstance(each, _BatchNorm) and each.running_mean is None
        random = each.training and (isinstance(each, _BatchNorm) or (isinstance(each, _DropoutNd) and each.p > 0))
        if alone or random:
            raise ValueError(
                f"{type(each).__name__} {name!r} {'keeps no running averages' if alone else 'is in train mode'}: an image's "
                f"gradient would depend on its batch. {'Train it with track_running_stats=True' if alone else 'Say model.eval()'}"
            )


def logits(model: nn.Module, images: Tensor, *, channels_last: bool = True) -> Float[Tensor, "image class"]:
    """The model's logits, at least in float32.

    Args:
        model: of images.
        images: any shape; those of four axes are laid out channels-last if asked, which makes convolutions faster.
        channels_last: False: as they are, for models that ``view`` what comes out of a convolution.

    Raises:
        ValueError: outputs that are not one row of two or more logits an image, or NaN.
    """
    if channels_last and images.ndim == 4 and images.dtype != torch.float64:
        images = images.contiguous(memory_format=torch.channels_last)
    try:
        outputs = model(images)
    except RuntimeError as error:
        if channels_last and "view size is not compatible" in str(error):
            raise ValueError("the model views what is laid out channels-last: pass channels_last=False") from error
        raise
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or len(outputs) != len(images) or outputs.shape[1] < 2:
        got = f"shape {tuple(outputs.shape)}" if isinstance(outputs, Tensor) else type(outputs).__name__
        raise ValueError(f"the model returns logits of shape ({len(images)}, classes), two classes at least; got {got}")
    if outputs.isnan().any():
        raise ValueError("the model returns NaN logits: has it diverged, or are its images scaled otherwise?")
    return outputs if outputs.dtype == torch.float64 else outputs.float()
