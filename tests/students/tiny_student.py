"""A student of two layers that has learned nothing, conversations for it, and generation as slow and plain as can be."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genlab import chance
from genlab.students.folder import make, tokenizer

WORDS = "the cat sat on a mat and saw an old dog that never asked where the boat had been".split()  # noqa: SIM905
LINES = [" ".join(chance.python("lines", place).choices(WORDS, k=12)) + "." for place in range(200)]


def make_tiny(folder: Path, *, seed: int = 0, positions: int = 128) -> None:
    make(folder, tokenizer(LINES, size=330), width=32, layers=2, heads=2, seed=seed, positions=positions, command="make tiny")


def conversations(count: int) -> list[list[dict[str, str]]]:
    """Of one and of three turns, and of many lengths."""
    found = []
    for place in range(count):
        random = chance.python("conversation", place)
        turn = [{"role": "user", "content": " ".join(random.choices(WORDS, k=random.randint(1, 12)))}]
        more = [{"role": "assistant", "content": "a cat."}, {"role": "user", "content": random.choice(WORDS)}]
        found.append(turn + more * (place % 3 == 0))
    return found


@torch.no_grad()
def written_slowly(
    model: Any, prompt: Sequence[int], ends: set[int], tokens: int, draws: "np.ndarray[Any, Any] | None" = None, heat: float = 1.0
) -> list[int]:
    """One row, no cache, the whole text again for every token: the likeliest, or where a draw falls in the probabilities' sum."""
    ids = list(prompt)
    for place in range(tokens):
        scores = model(input_ids=torch.tensor([ids])).logits[0, -1].double().numpy()
        if draws is None:
            ids.append(int(scores.argmax()))
        else:
            weights = np.exp((scores - scores.max()) / heat)
            ids.append(int(np.searchsorted(np.cumsum(weights) / weights.sum(), draws[place], side="right")))
        if ids[-1] in ends:
            break
    return ids[len(prompt) :]
