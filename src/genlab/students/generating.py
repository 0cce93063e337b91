"""Batched generation with any local language model: a row's text depends on its conversation and its key, not on its batch."""

import contextlib
import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LogitsProcessorList, StoppingCriteriaList

from genlab import chance
from genlab.students.cache import growing
from genlab.students.choosing import Choosing, Enough
from genlab.students.places import place
from genlab.students.quiet import without_bars

Conversation = Sequence[dict[str, str]]
PENALTIES = {"repetition_penalty": 1.0, "no_repeat_ngram_size": 0}  # of a generation config, and what leaves them out
SMALL = 20_000_000  # parameters below which threads cost more than they give (our assumption, from tiny models on busy cores)


@dataclass(frozen=True)
class Reply:
    """What a model wrote.

    Attributes:
        text: without special tokens.
        input_tokens: of the conversation, as the chat template writes it.
        output_tokens: that the model wrote, the one that ends the reply included.
        finished: it ended by itself; False where ``max_tokens`` or the model's positions cut it off.
    """

    text: str
    input_tokens: int
    output_tokens: int
    finished: bool


class TooLong(ValueError):
    """Conversations that leave the model no position to write at; ``rows`` are their places, ``tokens`` their lengths."""

    def __init__(self, rows: Sequence[int], tokens: Sequence[int], positions: int) -> None:
        self.rows, self.tokens, self.positions = tuple(rows), tuple(tokens), positions
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        super().__init__(
            f"conversation {rows[0]}{more} has {tokens[0]} tokens, and the model has {positions} positions, reply included"
        )


class Writer:
    """A model that writes replies, many at once.

    In float32, equal conversations and keys give equal texts, whatever stands beside them. What may still differ is a near-tie:
    sums over batches of other shapes differ in their last bits, so two tokens whose scores agree to about 1e-6 may change places,
    and with them the rest of that text. In bfloat16 such ties are common.

    Args:
        folder: a model's folder, a student that ships with genlab, or a name on the hub; safetensors only, no code of its own.
        device: where it runs.
        threads: of torch while it writes; None is one for a small model, else what torch is set to.

    Raises:
        ValueError: no such model, or one without a chat template.
    """

    def __init__(self, folder: str | Path, *, device: str = "cpu", threads: int | None = None) -> None:
        where = place(folder)
        local = Path(where).is_dir()
        options: dict[str, Any] = {"trust_remote_code": False, "local_files_only": local}
        try:
            with without_bars():
                model: Any = AutoModelForCausalLM.from_pretrained(where, use_safetensors=True, **options)
                tokenizer = AutoTokenizer.from_pretrained(where, **options)
        except (OSError, ValueError) as error:
            raise ValueError(f"{folder} holds no causal language model in safetensors with a tokenizer: {error}") from error
        self._hold(model.to(device), tokenizer, threads, str(folder))

    @classmethod
    def of(cls, model: Any, tokenizer: Any, *, threads: int | None = None) -> "Writer":
        """A writer with a model and tokenizer in memory; they stay the caller's, and in training mode where they were."""
        writer = cls.__new__(cls)
        writer._hold(model, tokenizer, threads, "the model")
        return writer

    def _hold(self, model: Any, tokenizer: Any, threads: int | None, name: str) -> None:
        if not getattr(tokenizer, "chat_template", None):
            raise ValueError(
                f"{name} has no chat template: its tokenizer cannot write a conversation (set tokenizer.chat_template)"
            )
        self.model, self.tokenizer = model, tokenizer
        self.threads = threads or (1 if model.num_parameters() < SMALL else None)
        self.positions: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self.usual = copy.deepcopy(model.generation_config)
        ends = self.usual.eos_token_id
        ends = [ends] if isinstance(ends, int) else list(ends or ())
        self.ends: list[int] = sorted({*ends, *([] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id])})
        pad = next((each for each in (tokenizer.pad_token_id, self.usual.pad_token_id, *self.ends) if each is not None), 0)
        self.pad: int = pad
        # Models without keys and values may read the padding (transformers' Mamba does), and penalties count it as said.
        self.exact = growing(model) is None or any(
            getattr(self.usual, name, None) not in (None, usual) for name, usual in PENALTIES.items()
        )

    def tokens(self, conversations: Sequence[Conversation]) -> list[list[int]]:
        """The token ids of conversations, up to where the model goes on."""
        turned = [
            self.tokenizer.apply_chat_template(list(each), tokenize=False, add_generation_prompt=True) for each in conversations
        ]
        return (
            cast(list[list[int]], self.tokenizer(turned, add_special_tokens=False, verbose=False)["input_ids"]) if turned else []
        )

    def write(
        self,
        conversations: Sequence[Conversation],
        *,
        temperature: float = 0.0,
        top_p: float = 1.0,
        top_k: int = 0,
        max_tokens: int = 512,
        keys: Sequence[tuple[chance.Key, ...]] | None = None,
        batch: int = 256,
        wanted: Callable[[], bool] = lambda: True,
    ) -> list[Reply]:
        """A reply to each conversation, in their order.

        Args:
            conversations: each a list of ``{"role": ..., "content": ...}``.
            temperature: 0 takes the likeliest token.
            top_p: keeps the likeliest tokens that together have this probability; 1 keeps all.
            top_k: keeps so many of the likeliest tokens; 0 keeps all.
            max_tokens: of a reply; the model's positions may leave less.
            keys: one a conversation, for the draws; None is the conversation itself, so that equal ones get equal replies.
            batch: rows written at once.
            wanted: asked now and then; once it is false the writing ends with ``InterruptedError``.

        Raises:
            ValueError: a number out of its range, keys that do not fit, or a conversation without a turn.
            TooLong: a conversation leaves no position for a reply.
        """
        _check(temperature, top_p, top_k, max_tokens, batch)
        if keys is not None and len(keys) != len(conversations):
            raise ValueError(f"{len(keys)} keys for {len(conversations)} conversations: give one a conversation")
        if any(not each for each in conversations):
            raise ValueError("a conversation without a turn has no reply")
        prompts = self.tokens(conversations)
        rooms = self._rooms(prompts, max_tokens)
        named = [key_of(each) for each in conversations] if keys is None else keys
        order = sorted(range(len(prompts)), key=lambda row: (len(prompts[row]), row))
        written: dict[int, list[int]] = {}
        with self._ready():
            for rows in self._batches(order, prompts, batch):
                chosen = None
                if temperature > 0:
                    draws = [chance.numpy("writer", *named[row]).random(rooms[row]) for row in rows]
                    chosen = Choosing(draws, temperature=temperature, top_p=top_p, top_k=top_k)
                found = self._batch([prompts[row] for row in rows], [rooms[row] for row in rows], chosen, wanted)
                written |= dict(zip(rows, found, strict=True))
        return [self._reply(prompts[row], written[row]) for row in range(len(prompts))]

    def _batches(self, order: Sequence[int], prompts: Sequence[list[int]], batch: int) -> Iterator[Sequence[int]]:
        """Rows of like length; of equal length where padding would change what is written."""
        groups = itertools.groupby(order, key=lambda row: len(prompts[row]) if self.exact else 0)
        for _, group in groups:
            rows = list(group)
            yield from (rows[start : start + batch] for start in range(0, len(rows), batch))

    def _rooms(self, prompts: Sequence[list[int]], max_tokens: int) -> list[int]:
        if self.positions is None:
            return [max_tokens] * len(prompts)
        rooms = [min(max_tokens, self.positions - len(each)) for each in prompts]
        if none := [row for row, room in enumerate(rooms) if room < 1]:
            raise TooLong(none, [len(prompts[row]) for row in none], self.positions)
        return rooms

    def _batch(
        self, prompts: list[list[int]], rooms: list[int], chosen: Choosing | None, wanted: Callable[[], bool]
    ) -> list[list[int]]:
        """What follows each prompt. Once half of the rows have ended, the others go on without them, from the same cache."""
        device = self.model.device
        width = max(map(len, prompts))
        ids = torch.tensor([[self.pad] * (width - len(each)) + each for each in prompts], device=device)
        mask = torch.tensor([[0] * (width - len(each)) + [1] * len(each) for each in prompts], device=device)
        written: list[list[int]] = [[] for _ in prompts]
        live, cache = list(range(len(prompts))), growing(self.model)
        while live:
            enough = Enough(
                torch.tensor([width + rooms[row] for row in live], device=device), self.ends, wanted, alone=cache is not None
            )
            config = self._config(
                width + self._steps([prompts[row] for row in live], [rooms[row] for row in live]) - ids.shape[1]
            )
            out = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                past_key_values=cache,
                generation_config=config,
                stopping_criteria=StoppingCriteriaList([enough]),
                logits_processor=LogitsProcessorList([chosen.of(live, width)] if chosen else []),
            )
            going = []
            for spot, (row, tail) in enumerate(zip(live, out.sequences[:, width:].tolist(), strict=True)):
                written[row] = self._cut(tail, rooms[row])
                if len(written[row]) < rooms[row] and written[row][-1] not in self.ends:
                    going.append(spot)
            if going:
                kept = torch.tensor(going, device=device)
                ids = out.sequences[kept]
                mask = torch.cat([mask[kept], mask.new_ones(len(going), ids.shape[1] - mask.shape[1])], 1)
                if cache is not None:
                    cache.batch_select_indices(kept)
            live = [live[spot] for spot in going]
        return written

    def _steps(self, prompts: Sequence[list[int]], rooms: Sequence[int]) -> int:
        """Tokens until the last row ends, or until the longest is at the model's last position: an ended row still moves on."""
        most = max(rooms)
        return most if self.positions is None else min(most, self.positions - max(map(len, prompts)))

    def _config(self, more: int) -> Any:
        """The folder's own generation config, without its sampling: penalties stay, choosing is ours."""
        config = copy.deepcopy(self.usual)
        config.update(
            do_sample=False, num_beams=1, num_return_sequences=1,
            max_new_tokens=more, max_length=None, min_new_tokens=None, min_length=0,
            temperature=1.0, top_p=1.0, top_k=50,  # transformers' own: others it calls invalid, as nothing is sampled
            use_cache=True, return_dict_in_generate=True, pad_token_id=self.pad, eos_token_id=self.ends or None,
        )  # fmt: skip
        return config

    def _cut(self, tail: list[int], room: int) -> list[int]:
        kept = tail[:room]
        end = next((place for place, each in enumerate(kept) if each in self.ends), len(kept) - 1)
        return kept[: end + 1]

    def _reply(self, prompt: list[int], tail: list[int]) -> Reply:
        text = self.tokenizer.decode(tail, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return Reply(text, len(prompt), len(tail), tail[-1] in self.ends)

    @contextlib.contextmanager
    def _ready(self) -> Iterator[None]:
        """The model in evaluation mode and torch at its threads, and both back as they were."""
        training, threads = self.model.training, torch.get_num_threads()
        self.model.eval()
        if self.threads:
            torch.set_num_threads(self.threads)
        try:
            with torch.inference_mode():
                yield
        finally:
            torch.set_num_threads(threads)
            self.model.train(training)


def key_of(conversation: Conversation, *more: chance.Key) -> tuple[chance.Key, ...]:
    """A conversation as a key of chance, with whatever else tells its replies apart."""
    return (*more, *(part for turn in conversation for part in (turn["role"], turn["content"])))


def _check(temperature: float, top_p: float, top_k: int, max_tokens: int, batch: int) -> None:
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"temperature {temperature}: expected 0 or more")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p}: expected more than 0 and at most 1")
    if top_k < 0:
        raise ValueError(f"top_k {top_k}: expected 0 (all tokens) or more")
    if max_tokens < 1 or batch < 1:
        raise ValueError(f"max_tokens {max_tokens} and batch {batch}: expected at least 1")
