"""One model behind several servers: each call goes to the server that is busiest the least, and away from one that failed."""

import os
import time
from typing import Any

from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelCall, ModelOutput, RetryDecision, get_model
from inspect_ai.tool import ToolChoice, ToolInfo

Answer = ModelOutput | tuple[ModelOutput | Exception, ModelCall]
URLS, KEY = "FLEET_BASE_URLS", "FLEET_API_KEY"
ASIDE_SECONDS = 30.0  # our assumption: how long a server that failed gets no call while another answers


class Fleet(ModelAPI):
    """The provider ``fleet``: ``fleet/NAME`` is the model NAME of every server in ``FLEET_BASE_URLS``.

    The servers speak OpenAI's protocol (vLLM, SGLang, ``transformers serve``) and hold the same model: a reply is known by the
    model's name alone, in the cache and in the records. Which server wrote it is not kept. Retries are Inspect's; the next try
    goes to another server where there is one.

    Args:
        model_name: the model's name on the servers.
        base_url: addresses, separated by commas; by default from ``FLEET_BASE_URLS``.
        api_key: of all servers; by default from ``FLEET_API_KEY``, and ``none`` where neither is set.
        config: Inspect's options.
        others: model arguments of Inspect's ``openai-api`` provider, such as ``stream``.

    Raises:
        ValueError: no address, or one that is no HTTP address.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008  # as every provider has it
        **others: Any,
    ) -> None:
        addresses = [each.strip() for each in (base_url or os.environ.get(URLS, "")).split(",") if each.strip()]
        if not addresses:
            raise ValueError(f"fleet/{model_name} has no servers: export {URLS}=http://one:8000/v1,http://two:8000/v1")
        if wrong := [each for each in addresses if not each.startswith(("http://", "https://"))]:
            raise ValueError(f"{URLS} wants addresses such as http://one:8000/v1, separated by commas, got {wrong[0]!r}")
        if len(set(addresses)) < len(addresses):
            raise ValueError(f"{URLS} names a server twice: {', '.join(addresses)}")
        super().__init__(model_name, None, api_key, [KEY], config)
        key = self.api_key or os.environ.get(KEY) or "none"
        name = f"openai-api/fleet/{model_name}"
        self.servers = [get_model(name, base_url=each, api_key=key, memoize=False, **others).api for each in addresses]
        self._open = [0] * len(addresses)  # calls on their way, by server
        self._failed = [0.0] * len(addresses)  # when each last failed, on the monotonic clock

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> Answer:
        """A reply of the server that has the fewest calls on their way."""
        at = self._next()
        self._open[at] += 1
        try:
            answer = await self.servers[at].generate(input, tools, tool_choice, config)
        except Exception:
            self._failed[at] = time.monotonic()
            raise
        finally:
            self._open[at] -= 1
        self._failed[at] = 0.0
        return answer

    def _next(self) -> int:
        """The server for a call: none that has just failed while another has not, then the least busy, then the first."""
        now = time.monotonic()
        aside = [bool(failed) and now - failed < ASIDE_SECONDS for failed in self._failed]
        return min(range(len(self.servers)), key=lambda at: (aside[at], self._open[at], self._failed[at]))

    def max_connections(self) -> int:
        """As many as Inspect opens to one server, times the servers."""
        return len(self.servers) * self.servers[0].max_connections()

    def connection_key(self) -> str:
        return f"fleet/{self.model_name}"

    def should_retry(self, ex: Exception) -> bool | RetryDecision:
        return self.servers[0].should_retry(ex)

    def is_auth_failure(self, ex: Exception) -> bool:
        return self.servers[0].is_auth_failure(ex)

    def collapse_user_messages(self) -> bool:
        return self.servers[0].collapse_user_messages()

    def collapse_assistant_messages(self) -> bool:
        return self.servers[0].collapse_assistant_messages()

    async def aclose(self) -> None:
        for server in self.servers:
            await server.aclose()
