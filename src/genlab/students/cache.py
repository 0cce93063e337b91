"""A key-value cache that grows in place: transformers' own copies all that it holds for every token that is added."""

from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

AHEAD = 64  # positions a layer asks memory for at a time, or half of what it holds (our assumption)


class Growing(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values, as views of memory with room to spare."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self._held: list[torch.Tensor] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add tokens; all that is held, as views that the next call leaves as they are."""
        before = self.get_seq_length()
        after = before + key_states.shape[-2]
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        if not self._fits(before, after):
            room = after + max(AHEAD, after // 2)
            held = []
            for old, new in ((self.keys, key_states), (self.values, value_states)):
                memory = new.new_empty(*new.shape[:-2], room, new.shape[-1])
                if old is not None and before:
                    memory[..., :before, :] = old
                held.append(memory)
            self._held = held
        for memory, new in zip(self._held, (key_states, value_states), strict=True):
            memory[..., before:after, :] = new
        self.keys, self.values = (memory[..., :after, :] for memory in self._held)
        return self.keys, self.values

    def _fits(self, before: int, after: int) -> bool:
        """Whether what is held lies at the start of the memory (selecting rows moves it), with room behind it."""
        if not self._held or not before:
            return False
        pairs = zip(self._held, (self.keys, self.values), strict=True)
        return after <= self._held[0].shape[-2] and all(
            each is not None and memory.data_ptr() == each.data_ptr() for memory, each in pairs
        )


def growing(model: Any) -> DynamicCache | None:
    """An empty cache for a model, or None where it wants one of its own kind; rows can be selected from it."""
    if not getattr(model, "_supports_default_dynamic_cache", lambda: False)():
        return None
    cache = DynamicCache(config=model.config.get_text_config(decoder=True))
    if not cache.layers or not all(isinstance(layer, DynamicLayer) for layer in cache.layers):
        return None
    cache.layers = [Growing() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
