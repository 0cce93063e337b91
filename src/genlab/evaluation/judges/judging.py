"""One verdict of one judge: asked for with a code of its own, read whole or asked for again, its log-probabilities kept."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from genlab.evaluation.asking import Asking, NoReply, tokens
from genlab.evaluation.budget import BudgetReached
from genlab.evaluation.grading import TRIES
from genlab.evaluation.judges.verdicts import weighted
from genlab.evaluation.scoring import Unread
from genlab.grading.prompts import fresh_code
from genlab.grading.reading import MOST_CHARACTERS, Unreadable

if TYPE_CHECKING:
    from inspect_ai.model import Model, ModelOutput

Reader = Callable[[str, str], float | Unreadable]  # of a reply and the call's code


@dataclass(frozen=True)
class Verdict:
    """What a judge said, once.

    Attributes:
        value: the verdict; None where no reply could be read.
        why: why none could be, or by what rule there was no call; "" else.
        weighted: the same with the judge's probabilities, where its provider gave any.
        replies: every reply as it came, the read one last.
        input_tokens, output_tokens, cost: of all calls; the cost None where no price is known.
    """

    value: float | None
    why: str = ""
    weighted: float | None = None
    replies: tuple[str, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0

    @property
    def best(self) -> float | None:
        """The weighted verdict where there is one, else the verdict."""
        return self.value if self.weighted is None else self.weighted

    def to_json(self) -> dict[str, Any]:
        """As it stands in the log."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Verdict":
        """From the log."""
        fields: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in value.items()}
        return cls(**fields)


@dataclass
class _Bill:
    """What the calls for one verdict add up to."""

    replies: list[str] = field(default_factory=list)
    used: tuple[int, int] = (0, 0)
    cost: float | None = 0.0

    def add(self, output: "ModelOutput", cost: float | None) -> None:
        self.replies.append(output.completion)
        (had_in, had_out), (new_in, new_out) = self.used, tokens(output)
        self.used = had_in + new_in, had_out + new_out
        self.cost = None if cost is None or self.cost is None else self.cost + cost

    def verdict(self, value: float | None, why: str, likely: float | None = None) -> Verdict:
        return Verdict(value, why, likely, tuple(self.replies), self.used[0], self.used[1], self.cost)


@dataclass
class Calls:
    """How a task's judges are called.

    Attributes:
        asking: cache, budget and retries.
        logprobs: how many of the likeliest tokens to ask for; 0 for none.
        without: judges whose provider refused log-probabilities: they are asked without from then on.
    """

    asking: Asking
    logprobs: int = 0
    without: set[str] = field(default_factory=set)

    async def verdict(
        self, judge: "Model", prompt: Callable[[str], str], read: Reader, texts: Sequence[str], *key: str | int
    ) -> Verdict:
        """Ask for a verdict until one can be read, ``TRIES`` times at most.

        Args:
            judge: the model.
            prompt: the whole prompt for a code.
            read: how a reply is read.
            texts: what is judged, untrusted: no code occurs in them, and one beyond ``MOST_CHARACTERS`` is not judged.
            key: names the verdict among all of the run.

        Raises:
            BudgetReached: a call did not fit.
            NoReply: the judge could not be reached. A request that its provider refused gives no verdict instead.
        """
        if long := [len(each) for each in texts if len(each) > MOST_CHARACTERS]:
            return Verdict(
                None, f"a text has {long[0]:,} characters, more than {MOST_CHARACTERS:,}: no judge is asked to read it"
            )
        bill, why = _Bill(), ""
        for attempt in range(1, TRIES + 1):
            code = fresh_code("\n".join(texts), *key, attempt)
            try:
                output = await self._reply(judge, prompt(code), (*key, "verdict", attempt))
            except NoReply as error:
                if not error.refused:
                    raise
                return bill.verdict(None, error.message)
            bill.add(output, self.asking.cost(str(judge), output))
            found = read(output.completion, code)
            if isinstance(found, Unreadable):
                why = found.why
                continue
            given = output.choices[0].logprobs if self.logprobs and output.choices else None
            likely = weighted(output.completion, code, found, given)
            return bill.verdict(found, "", likely)
        return bill.verdict(None, why)

    async def _reply(self, judge: "Model", prompt: str, key: tuple[str | int, ...]) -> "ModelOutput":
        from inspect_ai.model import ChatMessageUser, GenerateConfig

        message = [ChatMessageUser(content=prompt)]
        config: GenerateConfig | None = None
        if self.logprobs and str(judge) not in self.without:
            config = GenerateConfig(logprobs=True, top_logprobs=self.logprobs)
        try:
            return await self.asking.ask(judge, message, *key, config=config)
        except NoReply as error:
            if config is None or not error.refused:
                raise
        output = await self.asking.ask(judge, message, *key)
        self.without.add(str(judge))
        return output


async def together(calls: Sequence[Awaitable[Verdict]]) -> list[Verdict]:
    """Verdicts asked for at once. What failed is raised when all have ended: the replies beside it are paid for, and cached.

    Raises:
        BudgetReached: one did not fit; before a ``NoReply``.
        NoReply: a judge could not be reached, so that Inspect takes the sample for unfinished: the same command asks again.
    """
    from inspect_ai.util import collect

    async def caught(call: Awaitable[Verdict]) -> Verdict | BudgetReached | NoReply:
        try:
            return await call
        except (BudgetReached, NoReply) as error:
            return error

    found = await collect(*map(caught, calls))
    for kind in (BudgetReached, NoReply):
        for each in found:
            if isinstance(each, kind):
                raise each
    return [each for each in found if isinstance(each, Verdict)]


def as_logged(judged: Sequence[Mapping[str, Any]]) -> Unread:
    """What each judge said, for a score's metadata."""
    return Unread(judged)
