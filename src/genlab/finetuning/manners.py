"""Good manners towards the caller's process: no noise of libraries, no more threads than help."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import torch

SMALL = 20_000_000  # parameters below which threads cost more than they give (our assumption; at 0.2 million 30 times, measured)
LIBRARIES = r"(transformers|trl|peft|accelerate|datasets)\b"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no advice on one's own settings, while it lasts."""
    import datasets
    from transformers.utils import logging

    talk: Any = logging
    rows, shards, verbosity = not datasets.are_progress_bars_disabled(), talk.is_progress_bar_enabled(), talk.get_verbosity()
    datasets.disable_progress_bars()
    talk.disable_progress_bar()
    talk.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module=LIBRARIES)  # what they say to each other
            yield
    finally:
        talk.set_verbosity(verbosity)
        if shards:
            talk.enable_progress_bar()
        if rows:
            datasets.enable_progress_bars()


@contextlib.contextmanager
def fit_threads(model: torch.nn.Module) -> Iterator[None]:
    """One thread for a small model: more of them spin on a busy machine, and their number changes the last bits of sums."""
    before = torch.get_num_threads()
    if sum(each.numel() for each in model.parameters()) < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
