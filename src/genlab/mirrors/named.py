"""Which mirrors there are, and how ``--mirror NAME`` or ``NAME=PLACE`` becomes one."""

import difflib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from genlab.mirrors.mirror import Mirror
from genlab.mirrors.mlflow import MLflow
from genlab.mirrors.tensorboard import TensorBoard
from genlab.mirrors.trackio import Trackio
from genlab.mirrors.wandb import PROJECT, WeightsAndBiases

if TYPE_CHECKING:
    from genlab.results.store import Store


def _tensorboard(place: str, store: "Store") -> Mirror:
    if not place and store.local is None:
        raise ValueError(f"--mirror tensorboard writes to a folder, and {store.url} is none: --mirror tensorboard=FOLDER")
    return TensorBoard(place or store.local / "tensorboard")  # type: ignore[operator]


MIRRORS: dict[str, Callable[[str, "Store"], Mirror]] = {  # the place is empty where none was typed
    "tensorboard": _tensorboard,
    "wandb": lambda place, store: WeightsAndBiases(place or PROJECT),
    "mlflow": lambda place, store: MLflow(place),
    "trackio": lambda place, store: Trackio(place or PROJECT),
}


def named(words: Iterable[str], store: "Store") -> dict[str, Mirror]:
    """The mirrors that were typed, by name. Nothing is written yet.

    Raises:
        ValueError: no such mirror, one named twice, or a place that it cannot use.
        ModuleNotFoundError: its library is not installed.
    """
    found: dict[str, Mirror] = {}
    for word in words:
        name, equals, place = word.partition("=")
        if name not in MIRRORS:
            near = difflib.get_close_matches(name, MIRRORS, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(f"no mirror {name!r}.{hint} There are: {', '.join(MIRRORS)}")
        if equals and not place:
            raise ValueError(f"--mirror {word} names no place: --mirror {name}=PLACE, or --mirror {name}")
        if name in found:
            raise ValueError(f"--mirror {name} was given twice: one place a mirror")
        found[name] = MIRRORS[name](place, store)
    return found
