"""Records: one frozen dataclass a study, one row a reading, one Parquet file a condition."""

import dataclasses
import io
import types
import typing
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

_TYPES: dict[Any, pa.DataType] = {
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    str: pa.string(),
    tuple[float, ...]: pa.list_(pa.float64()),
    tuple[str, ...]: pa.list_(pa.string()),
}


def schema_of(record: type) -> pa.Schema:
    """The Arrow schema of a record class, from its annotations.

    Raises:
        TypeError: a field of a type that has no column.
    """
    hints = typing.get_type_hints(record)
    fields = []
    for each in dataclasses.fields(record):
        kind = hints[each.name]
        arms = typing.get_args(kind) if typing.get_origin(kind) in (types.UnionType, typing.Union) else (kind,)
        plain = [arm for arm in arms if arm is not type(None)]
        if len(plain) != 1 or plain[0] not in _TYPES:
            raise TypeError(
                f"{record.__name__}.{each.name} is {kind}: a record field is one of {', '.join(map(str, _TYPES))}, or None"
            )
        fields.append(pa.field(each.name, _TYPES[plain[0]], nullable=len(arms) > 1))
    return pa.schema(fields)


def table_of(rows: Sequence[Any], schema: pa.Schema) -> pa.Table:
    """Record instances as one Arrow table."""
    columns = [pa.array([getattr(row, name) for row in rows], kind.type) for name, kind in zip(schema.names, schema, strict=True)]
    return pa.table(columns, schema=schema)


def to_bytes(table: pa.Table) -> bytes:
    """A Parquet file whose bytes depend on the rows only, not on how many pieces they came in."""
    sink = io.BytesIO()
    pq.write_table(table.combine_chunks(), sink, compression="zstd")
    return sink.getvalue()


def from_bytes(data: bytes) -> pa.Table:
    """The table of a Parquet file."""
    return pq.read_table(io.BytesIO(data))


def columns_of(table: pa.Table) -> dict[str, NDArray[Any]]:
    """NumPy columns: numbers and booleans with gaps become floats with NaN; lists and text become object arrays."""
    columns: dict[str, NDArray[Any]] = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_list(column.type) or pa.types.is_string(column.type):
            values = np.empty(len(column), dtype=object)
            values[:] = column.to_pylist()
            columns[name] = values
        elif column.null_count or pa.types.is_floating(column.type):
            columns[name] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)  # 2**53 + 1 is rounded
        else:
            columns[name] = column.to_numpy(zero_copy_only=False)
    return columns
