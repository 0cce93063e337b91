"""How the next token is chosen, and when a batch stops: the two places where transformers' generation asks its caller."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from transformers import LogitsProcessor, StoppingCriteria

HALF = 0.5  # share of live rows at which a batch goes on without the others (measured: docs/log.md)


class Choosing(LogitsProcessor):
    """Draws each row's next token by a number of its own, and leaves only that token for the argmax that follows.

    A row's t-th token is where the running sum of its probabilities passes the row's t-th number. One number a token is
    all the chance there is, so a row draws the same beside any other rows, and a large vocabulary costs no more draws than
    a small one.

    Args:
        draws: for each row, numbers in [0, 1), one a token.
        temperature: above 0.
        top_p: keeps the likeliest tokens that together have this probability.
        top_k: keeps so many of the likeliest tokens, 0 all.
        begin: the column at which replies begin.
    """

    def __init__(
        self, draws: Sequence["np.ndarray[Any, Any]"], *, temperature: float, top_p: float = 1.0, top_k: int = 0, begin: int = 0
    ) -> None:
        self.draws, self.temperature, self.top_p, self.top_k, self.begin = draws, temperature, top_p, top_k, begin
        self.numbers = torch.zeros(len(draws), max(map(len, draws)), dtype=torch.float64)
        for row, each in enumerate(draws):
            self.numbers[row, : len(each)] = torch.from_numpy(each)

    def of(self, rows: Sequence[int], begin: int) -> "Choosing":
        """The same for some of the rows, with replies that begin at a column."""
        kept = [self.draws[row] for row in rows]
        return Choosing(kept, temperature=self.temperature, top_p=self.top_p, top_k=self.top_k, begin=begin)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores in which one token is 0 and the others are minus infinity."""
        probabilities = torch.softmax(scores.float() / self.temperature, -1)
        if self.top_k or self.top_p < 1:
            probabilities = self._likeliest(probabilities)
        sums = probabilities.cumsum(-1, dtype=torch.float32 if scores.device.type == "mps" else torch.float64)
        self.numbers = self.numbers.to(sums)
        numbers = self.numbers[:, input_ids.shape[1] - self.begin, None]
        token = torch.searchsorted(sums, numbers * sums[:, -1:], right=True).clamp_(max=scores.shape[-1] - 1)
        return torch.full_like(scores, -torch.inf).scatter_(-1, token, 0.0)

    def _likeliest(self, probabilities: torch.Tensor) -> torch.Tensor:
        """Those that top_k keeps, and of them those that top_p keeps; the first of equal ones, and always one."""
        ranked, places = probabilities.sort(stable=True, dim=-1, descending=True)
        if self.top_k:
            ranked[:, self.top_k :] = 0
        before = ranked.cumsum(-1) - ranked
        ranked[before >= self.top_p * ranked.sum(-1, keepdim=True)] = 0
        return torch.zeros_like(ranked).scatter_(-1, places, ranked)


class Enough(StoppingCriteria):
    """Ends each row at its own limit, and the whole call once so many rows have ended that the others do better alone.

    Args:
        limits: for each row, the length (padding and prompt included) at which it ends.
        ends: tokens that end a row.
        wanted: whether anybody still waits for the rows.
        alone: whether the caller can go on with some of the rows.
    """

    def __init__(self, limits: torch.Tensor, ends: Sequence[int], wanted: Callable[[], bool], *, alone: bool) -> None:
        self.limits, self.wanted = limits, wanted
        self.share = HALF if alone else 0.0
        self.ends = torch.tensor(list(ends), device=limits.device, dtype=torch.long)
        self.done = torch.zeros(len(limits), dtype=torch.bool, device=limits.device)

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        """Which rows are to end here."""
        if not self.wanted():
            raise InterruptedError("nobody waits for these texts any more")
        self.done |= torch.isin(input_ids[:, -1], self.ends) | (input_ids.shape[1] >= self.limits)
        left = (~self.done).sum()
        return self.done | (left <= self.share * len(self.done))
