"""Exactness: a module run so that its loss can be differentiated twice, in full precision, whatever it trains with.

Nothing of it outlasts a call. Three things stand in the way of a second derivative:

- Autocast rounds products to half precision: an error of some 4e-3 in a product with the Hessian (docs/log.md), the size of
  the effect at the edge of stability. It is off, also where accelerate has wrapped it around ``forward``.
- The fused attention kernels have no second derivative: ``scaled_dot_product_attention`` takes its mathematical form.
- Attention of other libraries (flash attention, flex attention) has none either: models of transformers take ``eager``.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.backends import cuda as attention  # its switches hold on the CPU too

HALVES = (torch.float16, torch.bfloat16)
TWICE = {None, "eager", "sdpa"}  # attention of transformers that has a second derivative


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside DistributedDataParallel, DataParallel and torch.compile: the same parameters, without their hooks."""
    wrappers = (nn.parallel.DistributedDataParallel, nn.DataParallel)
    while isinstance(module, wrappers) or "_orig_mod" in module._modules:
        inner = module.module if isinstance(module, wrappers) else module._modules["_orig_mod"]
        assert isinstance(inner, nn.Module)
        module = inner
    return module


def attentions(module: nn.Module) -> tuple[Any, ...]:
    """The configurations within a model of transformers that say which attention it runs."""
    found = {id(config): config for each in module.modules() if (config := getattr(each, "config", None)) is not None}
    return tuple(config for config in found.values() if "_attn_implementation_internal" in getattr(config, "__dict__", ()))


@contextlib.contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """No autocast. A backward pass needs it as well as the forward pass: autocast rounds in both."""
    if torch.is_autocast_enabled(device.type):
        with torch.autocast(device.type, enabled=False):
            yield
    else:
        yield


@contextlib.contextmanager
def twice_differentiable(module: nn.Module, configurations: tuple[Any, ...], device: torch.device) -> Iterator[None]:
    """The forward passes within are in full precision and have a second derivative."""
    fused = (attention.flash_sdp_enabled(), attention.mem_efficient_sdp_enabled(), attention.cudnn_sdp_enabled())
    mathematical = attention.math_sdp_enabled()
    others = [(each, name) for each in configurations if (name := each._attn_implementation_internal) not in TWICE]
    forward = module.__dict__.get("forward") if "_original_forward" in module.__dict__ else None
    with full_precision(device):
        try:
            _fuse(False, False, False)
            attention.enable_math_sdp(True)
            for each, _ in others:
                each._attn_implementation_internal = "eager"
            if forward is not None:
                module.__dict__["forward"] = module.__dict__["_original_forward"]
            yield
        finally:
            _fuse(*fused)
            attention.enable_math_sdp(mathematical)
            for each, name in others:
                each._attn_implementation_internal = name
            if forward is not None:
                module.__dict__["forward"] = forward


def _fuse(flash: bool, efficient: bool, cudnn: bool) -> None:
    attention.enable_flash_sdp(flash)
    attention.enable_mem_efficient_sdp(efficient)
    attention.enable_cudnn_sdp(cudnn)
