"""What a teacher is asked in extraction, and what it answered: plain values that stand in files and logs."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["topics", "skills", "query types", "label", "skill", "topic"]


@dataclass(frozen=True)
class Request:
    """One thing asked.

    Attributes:
        id: names it among all of the run.
        kind: which prompt: topics, skills of a topic or query types (seed-dataset agnostic); label an example, name a cluster of
            labels as a skill or as a topic (seed-dataset dependent).
        fields: what the prompt says beside its fixed words.
    """

    id: str
    kind: Kind
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What became of a request.

    Attributes:
        id: the request's.
        content: what was read, in the shape of the request's kind; None where no reply could be read.
        replies: how many were paid for, unreadable ones among them.
        why: why each unreadable reply was not read.
        input_tokens, output_tokens: of all replies.
        cost: of all replies, in dollars; None where no price is known.
    """

    id: str
    content: Mapping[str, Any] | None
    replies: int = 1
    why: tuple[str, ...] = field(default=())
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0


Ask = Callable[[str, Sequence[Request]], Mapping[str, Answer]]  # a stage's name and its requests: the answers, by id


def to_json(requests: Sequence[Request]) -> str:
    """Requests as a file holds them."""
    return json.dumps([asdict(each) for each in requests], indent=1) + "\n"


def from_json(text: str) -> list[Request]:
    """Requests from their file."""
    return [Request(**each) for each in json.loads(text)]


def digest(value: Any) -> str:
    """Eight hex digits of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]
