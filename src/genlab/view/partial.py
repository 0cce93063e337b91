"""The records that an unfinished condition has kept so far: the parts that its last checkpoint counts."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from genlab.results import records
from genlab.results.store import Store
from genlab.view.series import Columns

CHECKPOINT = "checkpoint.safetensors"
MOST_HEADER = 100_000_000  # bytes of a safetensors header: the format's own limit


def progress(store: Store, id: str) -> str:
    """A stamp of the last checkpoint; empty where there is none."""
    with contextlib.suppress(OSError):
        if store.local:
            found = (store.local / "conditions" / id / CHECKPOINT).stat()
            return f"{found.st_mtime_ns} {found.st_size}"
        facts = store.files.info(f"{store.root}/conditions/{id}/{CHECKPOINT}")
        moment = facts.get("LastModified") or facts.get("mtime") or facts.get("created")
        return f"{facts.get('ETag')} {moment} {facts.get('size')}"
    return ""


def kept_so_far(store: Store, id: str) -> Columns:
    """The columns of an unfinished condition's records; none before its first checkpoint.

    Only the header of the checkpoint is read: its arrays may be large. A part that is gone was dropped because the condition
    ended between two looks; then there is nothing to show until the next.

    Raises:
        StoreError: a part is broken.
    """
    keeping = _keeping(store, id)
    if keeping is None:
        return {}
    parts = keeping.get("names") or [f"part-{index:06d}.parquet" for index in range(keeping["parts"])]
    tables = []
    for name in parts:
        data = store.get(f"conditions/{id}/{name}")
        if data is None:
            return {}
        tables.append(store.table(id, data))
    if not tables:
        return {}
    return records.columns_of(pa.concat_tables(tables))


def _keeping(store: Store, id: str) -> Mapping[str, Any] | None:
    """What the keeper wrote into the header of the checkpoint: how many rows, and in which parts."""
    with (
        contextlib.suppress(OSError, ValueError, KeyError),
        store.files.open(f"{store.root}/conditions/{id}/{CHECKPOINT}", "rb") as file,
    ):
        length = int.from_bytes(file.read(8), "little")
        if length > MOST_HEADER:
            return None
        header = json.loads(file.read(length))
        found: Mapping[str, Any] = json.loads(header["__metadata__"]["values"])["keeper"]
        return found
    return None
