"""WildBench as an Inspect task: ``inspect eval genlab/wild_bench -T questions=FILE --model ... --model-role judge=...``.

Lin et al. 2024 (2406.04770): a judge rates the answer to the last request of a conversation from 1 to 10 by the task's checklist
(WB-Score), and where there are a reference's answers compares with it in five steps (WB-Reward), here in both orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, Model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver

from genlab.evaluation.asking import Asking, asking
from genlab.evaluation.judges import answering, prompts, questions
from genlab.evaluation.judges.judging import Calls, Verdict, as_logged, together
from genlab.evaluation.judges.mt_bench import WORST
from genlab.evaluation.judges.pairs import Compared, by_rule
from genlab.evaluation.judges.rewards import MARGIN, reward_of
from genlab.evaluation.judges.verdicts import read_extent, read_rating

NAME = "wild_bench"
COLUMNS = ("conversation_input", "checklist")  # of allenai/WildBench, v2; session_id and primary_tag are used where they stand
_ROLES: dict[str, type[ChatMessage]] = {"user": ChatMessageUser, "assistant": ChatMessageAssistant, "system": ChatMessageSystem}


@dataclass(frozen=True)
class Cell:
    """What determines one evaluation, whichever models it meets.

    Attributes:
        questions: the user's copy, see ``questions.read``.
        references: the same for a reference's answers, "" for WB-Score alone.
        margin: K, in characters; below 0 there is none.
        n, seed: how many questions, drawn by key; 0 is all.
        judges: how many models judge side by side.
    """

    questions: str
    references: str = ""
    margin: int = MARGIN
    n: int = 0
    seed: int = 0
    judges: int = 1

    def __post_init__(self) -> None:
        answering.checked(n=(self.n, 0), judges=(self.judges, 1))

    @property
    def longer(self) -> int | None:
        """K, None where there is none."""
        return self.margin if self.margin >= 0 else None


@task(name=NAME)
def wild_bench(
    questions: str = "",
    references: str = "",
    margin: int = MARGIN,
    n: int = 0,
    seed: int = 0,
    judges: int = 1,
    cache: bool = True,
    max_cost: float | None = None,
    prices: str | None = None,
) -> Task:
    """WildBench (Lin et al. 2024): WB-Score by checklist, and WB-Reward against a reference's answers.

    Args:
        questions: your copy: a .json or .jsonl file, a folder of them, a URL, or a data set on the hub, such as
            allenai/WildBench:v2:test. Columns: conversation_input, checklist; session_id or id, and primary_tag.
        references: a reference's answers: session_id, output, generator, as in allenai/WildBench-V2-Model-Outputs. Without them
            there is no WB-Reward.
        margin: K: a slight win of an answer longer by more characters than that is a tie; -1 for none.
        n: how many questions, drawn by key; 0 is all.
        seed: of that draw.
        judges: how many models judge side by side: the roles judge, judge_2, ... The first one's verdicts are the score.
        cache: keep every reply in Inspect's cache: a run that is killed pays for none twice.
        max_cost: dollars that all calls together, the judge's too, may cost; needs prices.
        prices: YAML file of dollars a million tokens by model, as for Inspect's --model-cost-config.
    """
    return build(Cell(questions, references, margin, n, seed, judges), asking(cache, max_cost, prices))


def build(cell: Cell, asking: Asking) -> Task:
    """The task of a cell.

    Raises:
        ValueError: questions or references that cannot be read, that lack a column, or that do not fit together.
    """
    whole = questions.read(cell.questions, COLUMNS)
    asked = questions.some(whole, cell.n, seed=cell.seed)
    generator, outputs = _references(cell.references) if cell.references else ("", {})
    samples = []
    for row in asked.rows:
        where = f"{asked.name}, question {row['index']}"
        turns, checklist = row["conversation_input"], row["checklist"]
        messages = _messages(turns, where)
        if not isinstance(checklist, list) or not all(isinstance(each, str) for each in checklist):
            raise ValueError(f"{where}: checklist is a list of texts, got {str(checklist)[:80]!r}")
        session = str(row.get("session_id") or row.get("id") or "")
        if cell.references and session not in outputs:
            raise ValueError(f"{where}: {cell.references} has no answer for session_id {session!r}")
        samples.append(
            Sample(
                id=f"wild-{row['index']:04d}",
                input=messages,
                target=outputs.get(session, ""),
                metadata={
                    "index": row["index"],
                    "session_id": session,
                    "category": str(row.get("primary_tag") or ""),
                    "conversation": "\n\n".join(f"{each.role.upper()}: {each.text}" for each in messages),
                    "instruction": messages[-1].text,
                    "checklist": checklist,
                    "output": outputs.get(session, ""),
                    "generator": generator,
                },
            )
        )
    return Task(
        dataset=MemoryDataset(samples, name=asked.name),
        solver=answered(asking),
        scorer=checklist_scores(cell, asking),
        name=NAME,
        version=prompts.digest(),
        metadata={
            "questions": asked.name,
            "questions_digest": whole.digest,
            "judge_prompts": prompts.digest(),
            "reference": generator,
            "margin": cell.longer,
        },
    )


def _references(place: str) -> tuple[str, dict[str, str]]:
    """Whose answers they are, and each by its session."""
    rows = questions.read(place, ("session_id", "output", "generator")).rows
    generators = sorted({str(row["generator"]) for row in rows})
    if len(generators) > 1:
        raise ValueError(f"{place} has answers of {len(generators)} references: {', '.join(generators)}. Keep those of one")
    return generators[0], {str(row["session_id"]): questions.text(row, "output", f"{place}, row {row['index']}") for row in rows}


def _messages(turns: Any, where: str) -> list[ChatMessage]:
    wanted = f"{where}: conversation_input is a list of objects with role and content that ends with the user's"
    if not isinstance(turns, list) or not turns:
        raise ValueError(f"{wanted}, got {str(turns)[:80]!r}")
    for each in turns:
        if not isinstance(each, Mapping) or each.get("role") not in _ROLES or not isinstance(each.get("content"), str):
            raise ValueError(f"{wanted}, got {str(each)[:80]!r} in it")
    if turns[-1]["role"] != "user":
        raise ValueError(f"{wanted}, but it ends with the {turns[-1]['role']}'s")
    return [_ROLES[each["role"]](content=each["content"]) for each in turns]


@solver
def answered(asking: Asking) -> Solver:
    """The student answers the last request."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return await answering.answer(state, asking)

    return solve


@scorer(metrics=[{"*": [mean(), stderr()]}], name="checklist")
def checklist_scores(cell: Cell, asking: Asking) -> Scorer:
    """The first judge's rating and the reward; what every judge said stands in the metadata."""
    calls = Calls(asking)

    async def judge(state: TaskState, target: Target) -> Score:
        answers = state.store.get("answers")
        if answers is None:
            return Score.unscored(reason="stopped", explanation="a limit stopped the sample before it was answered")
        about, said = state.metadata, str(answers[0])
        key = (str(state.sample_id), state.epoch)
        judged, values = [], []
        for model in answering.judges(cell.judges):
            rating, compared = await checked(model, calls, about, said, *key)
            value = {"rating": rating.value}
            if compared is not None:
                value["reward"] = reward_of(compared, len(said) - len(about["output"]), cell.longer)
            values.append(value)
            shown = ", ".join(f"{name} {'ungraded' if number is None else f'{number:g}'}" for name, number in value.items())
            orders = {} if compared is None else {"forward": compared.forward.to_json(), "backward": compared.backward.to_json()}
            judged.append({"judge": str(model), "ratings": [rating.to_json()], **orders, "shown": shown})
        explanation = answering.explained(judged, "shown")
        metadata = {"judges": as_logged(judged)}
        if None in values[0].values():
            return Score.unscored(reason="ungraded", answer=said, explanation=f"Ungraded\n\n{explanation}", metadata=metadata)
        first = {name: number for name, number in values[0].items() if number is not None}
        return Score(value=dict(first), answer=said, explanation=explanation, metadata=metadata)

    return judge


async def checked(
    model: Model, calls: Calls, about: Mapping[str, Any], answer: str, *key: str | int
) -> tuple[Verdict, Compared | None]:
    """A judge's rating of an answer, and its comparison with the reference's where there is one.

    Raises:
        BudgetReached, NoReply: as ``judging.together``.
    """
    conversation, checklist, reference = about["conversation"], about["checklist"], about["output"]

    async def rating() -> Verdict:
        if not answer.strip():
            return Verdict(WORST, "the answer is empty: no call")
        texts = (conversation, *checklist, answer)
        return await calls.verdict(
            model, lambda code: prompts.checked(code, conversation, checklist, answer), read_rating, texts, *key, "score"
        )

    async def order(name: str, first: str, second: str) -> Verdict:
        texts = (conversation, *checklist, first, second)
        return await calls.verdict(
            model, lambda code: prompts.extent(code, conversation, checklist, first, second), read_extent, texts, *key, name
        )

    if not about["generator"]:
        (rated,) = await together([rating()])
        return rated, None
    ruled: Sequence[Verdict] | None = by_rule(reference, answer)
    if ruled is not None:
        (rated,) = await together([rating()])
        forward, backward = (
            replace(each, value=3 - 2 * (each.value or 0)) for each in ruled
        )  # 1, 1.5, 2 as much better, tie, ...
        return rated, Compared(str(model), forward, backward)
    rated, forward, backward = await together(
        [rating(), order("forward", reference, answer), order("backward", answer, reference)]
    )
    return rated, Compared(str(model), forward, backward)


__all__ = ["COLUMNS", "NAME", "Cell", "build", "wild_bench"]
