"""One grader's verdict on one text: R independent gradings, unreadable ones asked again, then the vote."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from genlab.evaluation.asking import Asking, NoReply, tokens
from genlab.evaluation.budget import BudgetReached
from genlab.grading import official, prompts
from genlab.grading.graded import readings, written
from genlab.grading.reading import MOST_CHARACTERS, Points, Unreadable, read
from genlab.grading.rubric import Rubric

if TYPE_CHECKING:
    from inspect_ai.model import Model

TRIES = 3  # gradings asked for before one counts as unreadable; our assumption


@dataclass(frozen=True)
class Graded:
    """What a grader made of a text.

    Attributes:
        grader: the model.
        gradings, reasons: one each a grading, as in ``GradedText``.
        remarks: the grader's reason a criterion, from its first readable grading.
        replies: every reply, readable or not, as it came.
        input_tokens, output_tokens, cost: of all calls.
    """

    grader: str
    gradings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    replies: tuple[str, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None

    @property
    def readable(self) -> list[tuple[float, ...]]:
        """The gradings that could be read."""
        return readings(self.gradings)

    def to_json(self) -> dict[str, Any]:
        """As it stands in the log."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Graded":
        """From the log."""
        fields: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in value.items()}
        return cls(**fields)


@dataclass
class _Bill:
    """What one grader's calls for one text add up to."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    replies: list[str] = field(default_factory=list)
    stopped: BudgetReached | None = None
    silent: NoReply | None = None


async def grade(
    text: str, rubric: Rubric, model: "Model", asking: Asking, *, form: str, gradings: int, mode: str, key: tuple[str | int, ...]
) -> Graded:
    """Have a text graded.

    Args:
        text: the student's; an empty one earns no point, one beyond ``MOST_CHARACTERS`` has no grading, and neither costs a call.
        rubric: k + 3 criteria.
        model: the grader.
        asking: how calls are made.
        form: what the student was asked for.
        gradings: R.
        mode: "strict" or "paper".
        key: names the text; each grading's calls are keyed below it.

    Raises:
        BudgetReached: a call did not fit.
        NoReply: no grading could be read, and the grader could not be reached for one of them.
    """
    from inspect_ai.util import collect

    bill = _Bill()
    if not text.strip():
        nothing = (*[0.0] * (rubric.k + 2), 1.0)  # no skill, no topic, no sense, and short enough
        return Graded(str(model), (written(nothing),) * gradings, ("",) * gradings, cost=0.0)
    if len(text) > MOST_CHARACTERS:
        why = f"the text has {len(text):,} characters, more than {MOST_CHARACTERS:,}: no grader is asked to read it"
        return Graded(str(model), ("",) * gradings, (why,) * gradings)

    async def once(place: int) -> tuple[str, str, tuple[str, ...]]:
        why = ""
        for attempt in range(1, TRIES + 1):
            code = prompts.fresh_code(text, *key, place, attempt)
            prompt = prompts.grading(rubric, text, code, form=form, mode=mode)
            try:
                reply = await _reply(model, prompt, asking, bill, (*key, "grading", place, attempt))
            except BudgetReached as reached:
                bill.stopped = reached  # raised when the calls beside it have ended: their replies are paid for
                return "", "", ()
            except NoReply as error:
                if not error.refused:
                    bill.silent = error
                return "", error.message, ()
            found = read(reply, rubric, code) if mode == "strict" else _official(reply, rubric)
            if isinstance(found, Points):
                return written(found.values), "", found.reasons
            why = found.why
        return "", why, ()

    found = await collect(*[once(place) for place in range(1, gradings + 1)])
    if bill.stopped:
        raise bill.stopped
    if bill.silent and not any(each[0] for each in found):
        raise bill.silent  # so that Inspect takes the sample for unfinished: the same command asks the grader again
    remarks = next((each[2] for each in found if each[0]), ())
    return Graded(
        str(model),
        tuple(each[0] for each in found),
        tuple(each[1] for each in found),
        remarks,
        tuple(bill.replies),
        bill.input_tokens,
        bill.output_tokens,
        bill.cost,
    )


async def _reply(model: "Model", prompt: str, asking: Asking, bill: _Bill, key: tuple[str | int, ...]) -> str:
    from inspect_ai.model import ChatMessageUser

    output = await asking.ask(model, [ChatMessageUser(content=prompt)], *key)
    said = output.completion
    bill.replies.append(said)
    used = tokens(output)
    bill.input_tokens, bill.output_tokens = bill.input_tokens + used[0], bill.output_tokens + used[1]
    cost = asking.cost(str(model), output)
    bill.cost = None if cost is None or bill.cost is None else bill.cost + cost
    return said


def _official(reply: str, rubric: Rubric) -> Points | Unreadable:
    """Read as the official code does; where it would crash, unreadable."""
    try:
        return Points(official.padded(official.table_points(reply).points, rubric.k), ())
    except ValueError as error:
        return Unreadable(f"the official parser stops at this reply: {error}")
