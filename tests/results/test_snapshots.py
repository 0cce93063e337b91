"""Snapshots: arrays bit for bit, JSON values exactly, in a safetensors file that others can read."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from safetensors.numpy import load

from genlab.results import snapshots
from genlab.results.snapshots import Snapshot

Arrays = dict[str, NDArray[Any]]

dtypes = st.sampled_from([np.bool_, np.uint8, np.int32, np.int64, np.float16, np.float32, np.float64])
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
names = st.text(st.characters(categories=["L", "N"], include_characters="/-_. "), min_size=1, max_size=12)
arrays = st.dictionaries(names, dtypes.flatmap(lambda kind: hnp.arrays(kind, shapes)), max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
values = st.dictionaries(st.text(), json_values, max_size=4)


def back(arrays: Arrays, values: dict[str, Any] | None = None) -> Snapshot:
    return snapshots.from_bytes(snapshots.to_bytes(Snapshot(arrays, values or {})))


def same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


@settings(deadline=None)
@given(arrays, values)
def test_a_snapshot_comes_back(arrays: Arrays, values: dict[str, Any]) -> None:
    read = back(arrays, values)
    assert set(read.arrays) == set(arrays)
    assert all(same(read.arrays[name], array) for name, array in arrays.items())
    assert repr(read.values) == repr(values)  # repr: NaN is NaN, 1 is not 1.0 and not True, -0.0 is not 0.0


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12)[::-2],
        np.broadcast_to(np.float32(3), (2, 3)),
        np.asfortranarray(np.ones((2, 3))),
        np.array(2.5),
        np.zeros((0, 3), np.float32),
    ],
)
def test_any_layout_in_memory_will_do(array: NDArray[Any]) -> None:
    assert same(back({"a": array}).arrays["a"], np.ascontiguousarray(array).reshape(array.shape))


def test_arrays_can_be_written_to() -> None:
    read = back({"a": np.zeros(3)})
    read.arrays["a"][0] = 1


def test_an_empty_snapshot() -> None:
    assert back({}) == Snapshot({}, {})


def test_others_can_read_it() -> None:
    data = snapshots.to_bytes(Snapshot({"w": np.arange(3)}, {"step": 7}))
    assert load(data)["w"].tolist() == [0, 1, 2]
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert json.loads(header["__metadata__"]["values"]) == {"step": 7}


def test_a_value_that_is_not_json_is_refused() -> None:
    with pytest.raises(TypeError, match="JSON"):
        snapshots.to_bytes(Snapshot({}, {"a": object()}))
