"""Asking a model once, through Inspect: cached before it is read, within the budget, tried again where a provider fails."""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from genlab.evaluation.budget import Budget, Rate, most, rates
from genlab.evaluation.options import HOW

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput
    from pydantic import BaseModel

ATTEMPTS = 3  # our assumption; below them lie Inspect's own retries of rate limits, server errors and timeouts
OUTPUT_TOKENS = 4096  # that a reply is assumed to use at most where its model's config does not bound it
_HALF = re.compile("[\ud800-\udfff]")


class NoReply(RuntimeError):
    """A model gave no reply; ``message``, as Inspect calls it, says why in one line.

    Attributes:
        refused: the provider is well and will not have this very request.
    """

    def __init__(self, model: str, error: BaseException) -> None:
        self.message = f"{model} gave no reply: {reason(error)}"
        self.refused = _status(error) in (400, 413, 422)
        super().__init__(self.message)


@dataclass(frozen=True)
class Asking:
    """How calls are made in one evaluation.

    Attributes:
        cache: whether a reply is kept in Inspect's cache the moment it comes, and found there by a resumed run.
        budget: what the run may spend, or None.
        rates: dollars a million tokens, by model; a model without one costs nothing that is known.
    """

    cache: bool = True
    budget: Budget | None = None
    rates: Mapping[str, Rate] = field(default_factory=dict)

    async def ask(
        self, model: "Model", messages: "Sequence[ChatMessage]", *key: str | int, config: "GenerateConfig | None" = None
    ) -> "ModelOutput":
        """A reply of ``model``; ``key`` names the call among all of the run: equal keys are one call.

        ``config`` holds options of this call; none of them may make it dearer.

        Raises:
            BudgetReached: it does not fit into the budget.
            NoReply: the provider failed ``ATTEMPTS`` times, or once in a way that the same request cannot cure.
        """
        from inspect_ai.model import CachePolicy, GenerateConfig

        path = "/".join(map(str, key))
        rate = self.rates.get(str(model))
        if self.budget and rate is None:
            raise ValueError(f"max_cost wants a price for {model}: add it to the file of prices ({', '.join(self.rates)})")
        call = None
        if self.budget and rate:
            prompt = "".join(message.text for message in messages)
            said = f"{prompt}\x1f{model.config.model_dump_json(exclude_none=True, exclude=HOW)}"
            what = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]
            dearest = most(prompt, model.config.max_tokens or OUTPUT_TOKENS, rate)
            call = self.budget.begin(f"{model}/{path}/{what}", dearest, kept=self.cache)
        weights = getattr(model.api, "weights", "")  # of a model in a folder: another one there is another model
        scopes = {"genlab": path} | ({"weights": weights} if weights else {})
        for attempt in range(1, ATTEMPTS + 1):
            try:
                policy = CachePolicy(expiry=None, scopes=scopes) if self.cache else False
                output = await model.generate(list(messages), config=config or GenerateConfig(), cache=policy)
                break
            except Exception as error:
                if attempt < ATTEMPTS and not (is_limit(error) or is_final(error)):
                    continue
                if self.budget and call is not None:
                    self.budget.fail(call)
                if is_limit(error):
                    raise
                raise NoReply(str(model), error) from error
        else:
            raise AssertionError("unreachable")
        mend(output)
        if self.budget and call is not None:
            self.budget.end(call, self.cost(str(model), output))
        return output

    def cost(self, model: str, output: "ModelOutput") -> float | None:
        """Dollars of a reply, None where its model has no price or its provider gave no usage."""
        rate = self.rates.get(model)
        return rate.cost(*tokens(output)) if rate and output.usage else None


def asking(cache: bool, max_cost: float | None = None, prices: str | None = None) -> Asking:
    """How calls are made, from a task's arguments; without a budget of its own a task has that of the run it is part of.

    ``genlab run`` gives its processes a common budget by the environment variables ``GENLAB_MAX_COST``, ``GENLAB_PRICES`` and
    ``GENLAB_LEDGER``, so that it is no part of what a task is.

    Raises:
        ValueError: a budget without prices, or prices that cannot be read.
    """
    prices = prices or os.environ.get("GENLAB_PRICES")
    known = rates(prices) if prices else {}
    ledger = None
    if max_cost is None and (shared := os.environ.get("GENLAB_MAX_COST")):
        max_cost, ledger = float(shared), Path(os.environ["GENLAB_LEDGER"])
    if max_cost is None:
        return Asking(cache, None, known)
    if not known:
        raise ValueError("max_cost wants prices: prices=FILE, a YAML file of dollars a million tokens for every model of the run")
    return Asking(cache, Budget(max_cost, ledger), known)


def tokens(output: "ModelOutput") -> tuple[int, int]:
    """Input and output tokens of a reply; what the provider had in its prompt cache counts like the rest."""
    usage = output.usage
    if usage is None:
        return 0, 0
    cached = (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
    return usage.input_tokens + cached, usage.output_tokens


def mend(model: "BaseModel") -> None:
    r"""Put U+FFFD, in place, for every half character in what a provider said: Inspect cannot write a log that holds one.

    Providers cut a text between two tokens, and between the halves of an emoji. Two halves that belong together are joined.
    """
    from pydantic import BaseModel

    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, str) and _HALF.search(value):
            setattr(model, name, value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, BaseModel):
                mend(each)


def is_limit(error: BaseException) -> bool:
    """Whether Inspect stopped the sample by a limit of its own: such an error is passed on."""
    from inspect_ai.util import LimitExceededError

    return isinstance(error, LimitExceededError)


def is_final(error: BaseException) -> bool:
    """Whether the same request again would meet the same error: a bad key, a model that is not there, too long a prompt."""
    status = _status(error)
    return 400 <= status < 500 and status not in (408, 409, 425, 429)


def reason(error: BaseException) -> str:
    r"""Why a provider gave no reply, in one line, without the request that Inspect puts before it.

    >>> reason(ConnectionError("the line\nis dead"))
    'ConnectionError: the line is dead'
    """
    cause = _cause(error)
    said = getattr(cause, "provider_message", None) or str(cause)
    return f"{type(cause).__name__}: {' '.join(said.split())[:300]}"


def _status(error: BaseException) -> int:
    """The HTTP status of a provider's error, 0 where it has none."""
    status = getattr(_cause(error), "status_code", None)
    return status if isinstance(status, int) else 0


def _cause(error: BaseException) -> BaseException:
    """The provider's own error: Inspect's retries wrap the last one."""
    from tenacity import RetryError

    last = error.last_attempt.exception() if isinstance(error, RetryError) else None
    return error if last is None else _cause(last)
