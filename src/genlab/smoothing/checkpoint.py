"""A classifier from a safetensors file: weights of one of genlab's networks, with normalisation before them or without."""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

from torch import Tensor, nn

from genlab.smoothing.layers import Normalised
from genlab.training import networks

SHOWN = 5  # keys of a kind in a message
WRAPPED = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before every key


def load_classifier(path: str | Path, arch: str, *, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    """The network ``arch`` with the weights of a file, in eval mode on the CPU, in float32.

    The keys are those of ``networks.build``; ``module.`` of DataParallel and ``_orig_mod.`` of torch.compile before all of them
    are taken off. With ``mean`` and ``std`` among them the file is a ``Normalised`` network's, and such a one comes back.

    Args:
        path: a file of safetensors.
        arch: a name of ``genlab.training.networks``.
        inputs: shape of an image.
        outputs: number of classes.

    Raises:
        ValueError: no such file or network, or keys or shapes that are not the network's: the message names them.
    """
    network = networks.build(arch, inputs=inputs, outputs=outputs, seed=0)
    state = _unwrapped(_read(Path(path)))
    mean, std = state.pop("mean", None), state.pop("std", None)
    if (mean is None) != (std is None):
        raise ValueError(f"{path} has {'std' if mean is None else 'mean'} without {'mean' if mean is None else 'std'}: save both")
    if mean is not None:
        state = _unwrapped(state)
    expected = network.state_dict()
    missing, unexpected = expected.keys() - state.keys(), state.keys() - expected.keys()
    if missing or unexpected:
        raise ValueError(
            f"{path} does not hold the weights of {arch!r} for inputs {inputs} and {outputs} classes: missing {_some(missing)}; "
            f"unexpected {_some(unexpected)}. Give the --arch that it was trained as, or rename its keys"
        )
    other = [
        f"{name} {tuple(state[name].shape)}, not {tuple(value.shape)}"
        for name, value in expected.items()
        if state[name].shape != value.shape
    ]
    if other:
        raise ValueError(f"{path}: {arch!r} for inputs {inputs} and {outputs} classes has other shapes: {_some(other)}")
    network.load_state_dict(state)
    return (network if mean is None or std is None else Normalised(network, mean, std)).eval()


def checksum(path: str | Path) -> str:
    """SHA-256, hex, of a file.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def _read(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(
            f"{path} is no safetensors file ({error}). No pickle is loaded here: load it where you trust it, then "
            "safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"
        ) from error


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found = dict(state)
    while found and (prefix := next((each for each in WRAPPED if all(name.startswith(each) for name in found)), None)):
        found = {name.removeprefix(prefix): value for name, value in found.items()}
    return found


def _some(names: Collection[str]) -> str:
    shown = sorted(names)[:SHOWN]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(shown) + more) if shown else "none"
