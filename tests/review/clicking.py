"""Clicks as the review page sends them, for tests that have no browser."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from genlab.review.items import Item

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def click(rater: str, item: Item, criterion: str | int, value: Any, *, second: int = 0, **more: Any) -> dict[str, Any]:
    """One point; ``criterion`` by name or place."""
    name = item.criteria[criterion] if isinstance(criterion, int) else criterion
    return about(rater, item, second=second, criterion=name, value=value, **more)


def about(rater: str, item: Item, *, second: int = 0, **fields: Any) -> dict[str, Any]:
    """Any click."""
    when = (NOON + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
    return {"rater": rater, "item": item.id, "version": item.version, "at": when, **fields}


def whole(rater: str, item: Item, points: Iterable[Any]) -> list[dict[str, Any]]:
    """A point for each criterion; None leaves it open."""
    return [click(rater, item, place, point) for place, point in enumerate(points) if point is not None]


def write(path: Path, clicks: Iterable[dict[str, Any]]) -> Path:
    """A ratings file."""
    path.write_text("".join(json.dumps(each) + "\n" for each in clicks), encoding="utf-8")
    return path
