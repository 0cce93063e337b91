"""Parts of an evaluation in this process: of scripts, or of an endpoint that plays them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.evaluation.commands import surroundings
from tests.evaluation.evals import quiet
from tests.evaluation.faulty import Faulty

from genlab.evaluation.part import Part, evaluate

Reach = Callable[[Faulty], str]


class Line:
    """Counts the texts it is told of."""

    def __init__(self) -> None:
        self.ended = 0

    def report(self, **content: Any) -> None:
        self.ended += content["ended"]


def part(place: Path, *, who: str = "scripted", n: int = 6, generations: int = 1, gradings: int = 1, **options: Any) -> Part:
    """A student and a grader of one provider; ``options`` are Inspect's."""
    task = {"k": 2, "pack": "english", "seed": 0, "mode": "strict", "controls": 0, "uncommon": False, "graders": 1, "first": 0}
    task |= {"n": n, "generations": generations, "gradings": gradings, "cache": True}
    return Part(task, f"{who}/student", (f"{who}/grader",), options, {}, str(place / "logs"))


def run(part: Part) -> int:
    """Evaluate a part; how many texts have ended since it was begun or resumed."""
    line = Line()
    with quiet():
        evaluate(line, part)
    return line.ended


def reaching(place: Path, monkeypatch: pytest.MonkeyPatch) -> Reach:
    """A function that lets this process reach an endpoint and nothing else, and returns what its models' names begin with."""

    def to(endpoint: Faulty) -> str:
        service = f"at{endpoint.url.rpartition(':')[2].partition('/')[0]}"  # Inspect keeps one client a name
        for name, value in surroundings(place, endpoint.url).items():
            monkeypatch.setenv(name.replace("LOCAL", service.upper()), value)
        return f"openai-api/{service}"

    return to
