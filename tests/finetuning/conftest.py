"""A model of some ten thousand weights, as an ordinary Hugging Face folder, and conversations about nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genlab import chance

WORDS = ["the", "river", "boat", "sails", "never", "again", "stone", "cold", "under", "heaven", "door", "like", "lamp"]
Talk = list[dict[str, str]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The loops that tests write by hand are as small as the models."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def talks() -> Callable[..., list[Talk]]:
    """Makes conversations of so many turns; item n does not depend on how many there are."""

    def make(number: int, turns: int = 2) -> list[Talk]:
        found = []
        for index in range(number):
            random = chance.python("talk", index, turns)
            texts = [" ".join(random.choices(WORDS, k=random.randint(2, 9))) + "." for _ in range(turns)]
            found.append([{"role": ("user", "assistant")[turn % 2], "content": text} for turn, text in enumerate(texts)])
        return found

    return make


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory, talks: Callable[..., list[Talk]]) -> str:
    """The folder of an untrained model."""
    from genlab.students.folder import make, tokenizer

    folder = tmp_path_factory.mktemp("base")
    lines = [turn["content"] for talk in talks(100) for turn in talk]
    make(folder, tokenizer(lines, size=280), width=16, layers=2, heads=2, seed=0)
    return str(folder)


@pytest.fixture(scope="session")
def data(talks: Callable[..., list[Talk]]) -> Any:
    """40 conversations of two turns, as a data set."""
    from datasets import Dataset

    return Dataset.from_list([{"messages": talk} for talk in talks(40)])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder to fine-tune into."""
    return tmp_path / "out"
