"""Records as Parquet: what goes in comes out, and the bytes depend on the rows only."""

import dataclasses
import itertools
import math
import struct
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab.results import records

INT64 = (-(2**63), 2**63 - 1)


@dataclass(frozen=True)
class Row:
    whole: int
    real: float
    flag: bool
    word: str
    reals: tuple[float, ...]
    words: tuple[str, ...]
    maybe_whole: int | None = None
    maybe_real: float | None = None
    maybe_flag: bool | None = None
    maybe_word: str | None = None
    maybe_reals: tuple[float, ...] | None = None
    maybe_words: tuple[str, ...] | None = None


SCHEMA = records.schema_of(Row)
plain: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(*INT64),
    "real": st.floats(),
    "flag": st.booleans(),
    "word": st.text(),
    "reals": st.lists(st.floats(), max_size=4).map(tuple),
    "words": st.lists(st.text(), max_size=4).map(tuple),
}
rows = st.builds(Row, **plain, **{f"maybe_{name}": st.none() | each for name, each in plain.items()})


def exact(value: Any) -> Any:
    """A value under which NaN equals NaN, and 0.0 is not -0.0."""
    if isinstance(value, list | tuple):
        return [exact(each) for each in value]
    return ("float", struct.pack("d", value)) if isinstance(value, float) else value


def contents(table: pa.Table) -> list[dict[str, Any]]:
    return [{name: exact(value) for name, value in row.items()} for row in table.to_pylist()]


def written(given: list[Row]) -> bytes:
    return records.to_bytes(records.table_of(given, SCHEMA))


@settings(deadline=None)
@given(st.lists(rows, max_size=8))
def test_every_value_comes_back(given: list[Row]) -> None:
    back = records.from_bytes(written(given))
    assert contents(back) == [{name: exact(value) for name, value in dataclasses.asdict(row).items()} for row in given]
    assert back.schema.equals(SCHEMA)


@settings(deadline=None)
@given(st.lists(rows, max_size=8), st.lists(st.integers(0, 8), max_size=4))
def test_bytes_do_not_depend_on_the_parts_the_rows_came_in(given: list[Row], cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(given)) for cut in cuts), len(given)]
    parts = [written(given[low:high]) for low, high in itertools.pairwise(edges)]
    joined = pa.concat_tables([records.from_bytes(part).cast(SCHEMA) for part in parts])
    assert records.to_bytes(joined) == written(given)


def test_many_rows_in_many_parts_are_the_same_bytes() -> None:
    chance = np.random.default_rng(0)
    given = [
        Row(step, real, bool(step % 2), f"word {step % 7}", (real,) * (step % 3), (), maybe_real=None if step % 10 else real)
        for step, real in enumerate(chance.normal(size=3000).tolist())
    ]
    parts = [written(given[low : low + 1]) for low in range(100)] + [written(given[100:])]
    assert records.to_bytes(pa.concat_tables([records.from_bytes(part).cast(SCHEMA) for part in parts])) == written(given)


def test_nan_and_infinity_are_kept_and_are_not_none() -> None:
    values = [math.nan, math.inf, -math.inf, None]
    given = [Row(0, 0.0, True, "", (math.nan, math.inf), (), maybe_real=value) for value in values]
    back = records.from_bytes(written(given))
    assert back["maybe_real"].null_count == 1
    assert [exact(value) for value in back["maybe_real"].to_pylist()] == [exact(value) for value in values]
    assert [exact(value) for value in back["reals"].to_pylist()[0]] == [exact(math.nan), exact(math.inf)]


def test_numpy_numbers_are_numbers() -> None:
    row = Row(np.int64(3), np.float64(0.5), True, "a", (np.float64(1.5),), ())  # type: ignore[arg-type]
    assert records.to_bytes(records.table_of([row], SCHEMA)) == written([Row(3, 0.5, True, "a", (1.5,), ())])


def test_columns_for_numpy() -> None:
    given = [
        Row(1, 0.5, True, "a", (1.0, 2.0), ("x",), 7, None, True, None, None, ("y",)),
        Row(2, math.nan, False, "b", (3.0, 4.0), ("z",), None, 2.5, None, "c", (5.0,), None),
    ]
    columns = records.columns_of(records.from_bytes(written(given)))
    assert columns["whole"].dtype == np.int64
    assert columns["flag"].dtype == np.bool_
    np.testing.assert_array_equal(columns["real"], [0.5, math.nan])
    np.testing.assert_array_equal(columns["maybe_whole"], [7.0, math.nan])
    np.testing.assert_array_equal(columns["maybe_real"], [math.nan, 2.5])
    np.testing.assert_array_equal(columns["maybe_flag"], [1.0, math.nan])
    assert columns["word"].tolist() == ["a", "b"]
    assert columns["maybe_word"].tolist() == [None, "c"]
    assert columns["reals"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert columns["maybe_reals"].tolist() == [None, [5.0]]
    assert columns["maybe_words"].tolist() == [["y"], None]


@settings(deadline=None)
@given(st.lists(rows, max_size=5))
def test_columns_are_as_long_as_the_table(given: list[Row]) -> None:
    columns = records.columns_of(records.from_bytes(written(given)))
    assert list(columns) == [each.name for each in dataclasses.fields(Row)]
    assert {column.shape for column in columns.values()} == {(len(given),)}
    gaps = [row.maybe_whole is None for row in given]
    np.testing.assert_array_equal(np.isnan(columns["maybe_whole"]) if any(gaps) else np.zeros(len(given), bool), gaps)


@dataclass
class WithList:
    good: int
    bad: list[float]


@dataclass
class WithInts:
    bad: tuple[int, ...]


@dataclass
class WithLiteral:
    bad: Literal["a", "b"]


@dataclass
class WithAny:
    bad: Any


@dataclass
class WithTwo:
    bad: int | str


@dataclass
class WithTwoOrNone:
    bad: int | str | None


@pytest.mark.parametrize("record", [WithList, WithInts, WithLiteral, WithAny, WithTwo, WithTwoOrNone])
def test_a_field_that_has_no_column_is_refused(record: type) -> None:
    with pytest.raises(TypeError, match=rf"{record.__name__}.bad is .*: a record field is one of .*float.*, or None"):
        records.schema_of(record)


def test_none_where_the_field_does_not_allow_it_is_refused() -> None:
    with pytest.raises(pa.ArrowInvalid, match="real"):
        written([Row(1, None, True, "", (), ())])  # type: ignore[arg-type]
