"""What the judged tasks share: the student's answers, one cached call a turn, and who judges them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genlab.evaluation.asking import Asking, tokens
from genlab.evaluation.roles import roles

if TYPE_CHECKING:
    from inspect_ai.model import Model
    from inspect_ai.solver import TaskState

ROLE = "judge"


async def answer(state: "TaskState", asking: Asking, requests: Sequence[str] = ()) -> "TaskState":
    """The student's answer to the sample's input, then to each of the ``requests``; they stand in the store as ``answers``.

    Raises:
        BudgetReached, NoReply: as ``Asking.ask``.
    """
    from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, get_model

    student, spent = get_model(), [0, 0]
    answers: list[str] = []
    costs: list[float | None] = []
    for turn, request in enumerate([None, *requests], 1):
        if request is not None:
            state.messages.append(ChatMessageUser(content=request))
        output = await asking.ask(student, state.messages, str(state.sample_id), state.epoch, "turn", turn)
        state.output = output
        state.messages.append(output.message if output.choices else ChatMessageAssistant(content=""))
        answers.append(output.completion)
        costs.append(asking.cost(str(student), output))
        spent = [sum(pair) for pair in zip(spent, tokens(output), strict=True)]
    known = [cost for cost in costs if cost is not None]
    state.store.set("answers", answers)
    state.store.set("truncated", state.output.stop_reason == "max_tokens")
    state.store.set("tokens", spent)
    state.store.set("cost", sum(known) if len(known) == len(costs) else None)
    return state


def judges(models: int) -> "list[Model]":
    """The models in the roles judge, judge_2, ...

    Raises:
        ValueError: a role that nobody plays.
    """
    from inspect_ai.model import get_model

    found = []
    for role in roles(models, ROLE):
        try:
            found.append(get_model(role=role, required=True))
        except Exception as error:
            raise ValueError(f"nobody judges: give --model-role {role}=PROVIDER/MODEL ({error})") from error
    return found


def played() -> bool:
    """Whether somebody plays the judge."""
    try:
        judges(1)
    except ValueError:
        return False
    return True


def checked(**numbers: tuple[int, int]) -> None:
    """Nothing, where each number is at least its least.

    Raises:
        ValueError: one is not.
    """
    for name, (value, least) in numbers.items():
        if value < least:
            raise ValueError(f"{name} is at least {least}, got {value}")


def explained(judged: Sequence[Mapping[str, Any]], value: str) -> str:
    """A line a judge, for ``inspect view``."""
    return "\n".join(f"{each['judge']}: {each[value] if each[value] is not None else 'ungraded'}" for each in judged)
