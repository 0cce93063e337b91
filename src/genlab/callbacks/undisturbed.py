"""Measuring in the middle of a training that must not notice: modes, chance and autocast are afterwards what they were."""

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from genlab.training.exactness import full_precision


@contextlib.contextmanager
def own_chance() -> Iterator[None]:
    """Leave the global generators of Python, NumPy and torch as they were."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # restored, not drawn from
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002  # restored, not drawn from


@contextlib.contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Eval mode (no dropout, running averages, no gradient checkpointing of transformers), full precision, gradients on."""
    modes = [(each, each.training) for each in module.modules()]
    device = next(module.parameters()).device
    with own_chance(), torch.inference_mode(False), torch.enable_grad(), full_precision(device):
        module.eval()
        try:
            yield
        finally:
            for each, mode in modes:
                each.training = mode


def refuse_if_sharded(module: nn.Module) -> None:
    """A Hessian needs whole parameters on one device.

    Raises:
        ValueError: they are split over processes (FSDP, ZeRO-3, tensor parallelism).
    """
    sharded = any("FullyShardedDataParallel" in type(each).__name__ for each in module.modules())
    if sharded or any(hasattr(each, "device_mesh") or hasattr(each, "ds_id") for each in module.parameters()):
        raise ValueError(
            "the parameters are split over processes (FSDP, DeepSpeed ZeRO-3 or tensor parallelism): the sharpness needs them "
            "whole. Train with plain data parallelism, or measure a saved checkpoint in one process"
        )
