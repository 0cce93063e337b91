"""A snapshot: all that a condition needs to go on, as one safetensors file (arrays, with the JSON values in its header)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Snapshot:
    """Arrays (weights, momentum, eigenvectors) and JSON values (step, counters) from which the next step continues."""

    arrays: Mapping[str, NDArray[Any]]
    values: Mapping[str, Any]


def to_bytes(snapshot: Snapshot) -> bytes:
    """The snapshot as a safetensors file."""
    from safetensors.numpy import save

    arrays = {name: array.copy(order="C") for name, array in snapshot.arrays.items()}
    return save(arrays, metadata={"values": json.dumps(snapshot.values)})


def from_bytes(data: bytes) -> Snapshot:
    """The snapshot in a safetensors file."""
    from safetensors.numpy import load

    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    arrays: dict[str, NDArray[Any]] = {name: np.array(array) for name, array in load(data).items()}
    return Snapshot(arrays, json.loads(header["__metadata__"]["values"]))
