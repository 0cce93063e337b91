"""Two answers before a judge, in both orders: a preference in which a bias for a place cancels.

Preferences are AlpacaEval's: 1 where the reference's answer is better, 2 where the model's is, 1.5 a tie. Identical answers are a
tie without a call, as in alpaca-eval 0.6.6; an empty answer loses to any other without a call, as in WildBench's code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genlab.evaluation.judges import prompts
from genlab.evaluation.judges.judging import Calls, Verdict, together
from genlab.evaluation.judges.verdicts import read_choice
from genlab.grading.annotations import TIE

if TYPE_CHECKING:
    from inspect_ai.model import Model


@dataclass(frozen=True)
class Compared:
    """What a judge made of a pair.

    Attributes:
        judge: the model, or an exact judge.
        forward: with the reference's answer first; its values say which place is better, 1 or 2.
        backward: with the model's answer first.
    """

    judge: str
    forward: Verdict
    backward: Verdict

    @property
    def preference(self) -> float | None:
        """From 1 to 2, of both orders; None where one of them is ungraded."""
        if self.forward.best is None or self.backward.best is None:
            return None
        return (self.forward.best + 3 - self.backward.best) / 2

    @property
    def why(self) -> str:
        """Why there is no preference."""
        return "; ".join(dict.fromkeys(each.why for each in (self.forward, self.backward) if each.value is None))

    def to_json(self) -> dict[str, Any]:
        """As it stands in the log."""
        return {
            "judge": self.judge,
            "preference": self.preference,
            "forward": self.forward.to_json(),
            "backward": self.backward.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Compared":
        """From the log."""
        return cls(str(value["judge"]), Verdict.from_json(value["forward"]), Verdict.from_json(value["backward"]))


async def compare(judge: "Model", calls: Calls, instruction: str, reference: str, answer: str, *key: str | int) -> Compared:
    """Have two answers to an instruction compared.

    Raises:
        BudgetReached, NoReply: as ``judging.together``.
    """
    ruled = by_rule(reference, answer)
    if ruled is not None:
        forward, backward = ruled
        return Compared(str(judge), forward, backward)

    def call(order: str, first: str, second: str) -> Any:
        def prompt(code: str) -> str:
            return prompts.choice(code, instruction, first, second)

        return calls.verdict(judge, prompt, read_choice, (instruction, first, second), *key, order)

    forward, backward = await together([call("forward", reference, answer), call("backward", answer, reference)])
    return Compared(str(judge), forward, backward)


def by_rule(reference: str, answer: str) -> Sequence[Verdict] | None:
    """Verdicts in both orders where no judge is needed: identical answers, or one that is empty.

    >>> [verdict.value for verdict in by_rule("4", " ")]
    [1.0, 2.0]
    """
    if reference.strip() == answer.strip():
        return [Verdict(TIE, "the answers are identical: a tie without a call")] * 2
    if not answer.strip() or not reference.strip():
        value = 1.0 if not answer.strip() else 2.0
        why = f"{'the model' if not answer.strip() else 'the reference'} gave an empty answer: no call"
        return [Verdict(value, why), Verdict(3 - value, why)]
    return None
