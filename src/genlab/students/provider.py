"""``batched/...``: any local language model as an Inspect model, with the requests of an evaluation written many at a time."""

import heapq
from collections import defaultdict
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import torch
from inspect_ai.log._samples import ActiveSample, sample_active  # its public parts do not say which sample a call is made for
from inspect_ai.model import ChatMessage, ContentText, GenerateConfig, ModelAPI, ModelOutput, ModelUsage
from inspect_ai.tool import ToolChoice, ToolInfo

from genlab import chance
from genlab.evaluation.options import HOW
from genlab.students.desk import Desk, Manner
from genlab.students.generating import Conversation, Writer, key_of
from genlab.students.places import fingerprint, place

HONOURED = {"temperature", "top_p", "top_k", "max_tokens", "seed"}
INSPECTS = {  # options that Inspect itself heeds
    *HOW,
    *(
        "system_message",
        "cache",
        "fail_on_refusal",
        "max_tool_output",
        "parallel_tool_calls",
        "internal_tools",
        "reasoning_history",
    ),
}
TOKENS = 2048  # of a reply where nothing says more: Inspect's own default, DEFAULT_MAX_TOKENS
ELSE = ("min_p", "typical_p", "top_h", "epsilon_cutoff", "eta_cutoff")  # ways to sample that a folder may want, not offered here
_desks: "WeakValueDictionary[tuple[object, ...], Desk]" = WeakValueDictionary()


class _Times:
    """The numbers 1, 2, 3, ...; one that is given back is the next again."""

    def __init__(self) -> None:
        self._most, self._back = 0, list[int]()

    def take(self) -> int:
        self._most += not self._back
        return heapq.heappop(self._back) if self._back else self._most

    def give_back(self, number: int) -> None:
        heapq.heappush(self._back, number)


_Asked = defaultdict[int, _Times]  # by what was said


class Batched(ModelAPI):
    """The provider ``batched``: ``batched/<folder>``, ``batched/<owner/name on the hub>``, or ``batched/<shipped student>``.

    A reply is a function of the conversation, the options, ``seed`` (0 where none is set), the sample's id, its epoch, and how
    often that sample has had a reply to the same: a run that is resumed, or spread over processes, gets the same texts. What is
    not set is as the folder's generation config has it, which is what transformers does: an unset temperature samples where
    ``do_sample`` is true and is 0 where it is not. A reply that the model's positions cut off stops with "max_tokens", too; a
    conversation that leaves no position for one is an error.

    Args:
        model_name: a folder, a name on the hub, or a shipped student.
        base_url: not used.
        api_key: not used.
        config: Inspect's options.
        device: where the model runs; by default a GPU where there is one.
        threads: of torch; by default one for a small model.
        batch: requests written at once.

    Raises:
        ValueError: no such model, or an argument that is none of these.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008  # as every provider has it
        device: str | None = None,
        threads: int | None = None,
        batch: int = 256,
        **others: Any,
    ) -> None:
        if others:
            raise ValueError(f"batched/ takes the model arguments device, threads and batch, not {', '.join(others)}")
        super().__init__(model_name, base_url, api_key, [], config)
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        if batch < 1:
            raise ValueError(f"batch {batch}: expected at least 1")
        self.where = place(model_name)
        self.weights = fingerprint(self.where)  # part of what a cached reply is known by
        what = (self.where, self.weights, self.device, threads, batch)
        desk = _desks.get(what)
        if desk is None:
            _desks[what] = desk = Desk(Writer(model_name, device=self.device, threads=threads), batch=batch)
        self.desk = desk
        self._asked: WeakKeyDictionary[ActiveSample, _Asked] = WeakKeyDictionary()
        self._alone: _Asked = defaultdict(_Times)

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """A reply, written with those of other requests."""
        if tools:
            raise ValueError(f"batched/{self.model_name} calls no tools, got {', '.join(tool.name for tool in tools)}")
        manner, conversation = self._manner(config), _conversation(input)
        sample, said = sample_active(), chance.number(*key_of(conversation))
        asked = (self._alone if sample is None else self._asked.setdefault(sample, defaultdict(_Times)))[said]
        name, epoch = ("", 0) if sample is None else (str(sample.sample.id), sample.epoch)
        times = asked.take()
        try:
            drawn = key(conversation, seed=config.seed or 0, sample=name, epoch=epoch, times=times)
            reply = await self.desk.ask(conversation, drawn, manner)
        except BaseException:
            asked.give_back(times)  # a call without a reply does not count: made once more, it is the same call
            raise
        output = ModelOutput.from_content(self.model_name, reply.text, "stop" if reply.finished else "max_tokens")
        output.usage = ModelUsage(
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            total_tokens=reply.input_tokens + reply.output_tokens,
        )
        return output

    def _manner(self, config: GenerateConfig) -> Manner:
        """The options, with what they leave open as the folder has it."""
        wanted = {name: value for name, value in config if value and name not in HONOURED | INSPECTS}
        refused = [name for name, value in wanted.items() if not (name in ("num_choices", "best_of") and value == 1)]
        if refused:
            raise ValueError(f"batched/ has no {', '.join(refused)}; it has {', '.join(sorted(HONOURED))}")
        usual, tokens = self.desk.writer.usual, TOKENS if config.max_tokens is None else config.max_tokens
        temperature = config.temperature
        if temperature is None:
            temperature = (1.0 if usual.temperature is None else usual.temperature) if usual.do_sample else 0.0
        if temperature == 0:
            return Manner(0.0, 1.0, 0, tokens)
        if other := [name for name in ELSE if getattr(usual, name, None) not in (None, 0.0, 1.0)]:
            raise ValueError(
                f"{self.model_name} wants to be sampled with {', '.join(other)}, which batched/ has not: take it out of its "
                "generation_config.json, set temperature=0, or use hf/"
            )
        top_p = config.top_p if config.top_p is not None else usual.top_p
        top_k = config.top_k if config.top_k is not None else usual.top_k
        # an unset top_k is 50 in transformers
        return Manner(temperature, 1.0 if top_p is None else top_p, 50 if top_k is None else top_k, tokens)

    async def count_text_tokens(self, text: str) -> int:
        """By the model's own tokenizer: Inspect's estimate downloads one."""
        return len(self.desk.writer.tokenizer(text, add_special_tokens=False)["input_ids"])

    def max_tokens(self) -> int:
        return TOKENS

    def max_connections(self) -> int:
        return self.desk.batch

    def connection_key(self) -> str:
        return f"{self.where}/{self.device}"

    def collapse_user_messages(self) -> bool:
        return True


def key(conversation: Conversation, *, seed: int, sample: str = "", epoch: int = 0, times: int = 1) -> tuple[chance.Key, ...]:
    """The key that a reply of ``batched/`` is drawn by, for ``Writer.write``: the same texts without Inspect.

    Args:
        conversation: what was said.
        seed: of Inspect's options, 0 where it is not set.
        sample: its id as text; "" outside of a sample.
        epoch: of the sample, from 1; 0 outside of a sample.
        times: how often the same has been asked in that sample and epoch, this time included.
    """
    return key_of(conversation, "batched", seed, sample, epoch, times)


def _conversation(messages: list[ChatMessage]) -> Conversation:
    turns = []
    for message in messages:
        parts = [] if isinstance(message.content, str) else message.content
        if message.role == "tool" or not all(isinstance(part, ContentText) for part in parts):
            kinds = sorted({part.type for part in parts if not isinstance(part, ContentText)} | {message.role})
            raise ValueError(f"batched/ reads text from system, user and assistant, got {', '.join(kinds)}")
        turns.append({"role": message.role, "content": message.text})
    return turns
