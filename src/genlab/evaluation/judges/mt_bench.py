"""MT-Bench as an Inspect task: ``inspect eval genlab/mt_bench -T questions=FILE --model ... --model-role judge=...``.

Zheng et al. 2023 (2306.05685): two turns, and a judge that grades each answer from 1 to 10, against a reference where there is
one. Columns as in FastChat's ``llm_judge/data/mt_bench``: question.jsonl, and reference_answer/MODEL.jsonl for math, reasoning
and coding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import Model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver

from genlab.evaluation.asking import Asking, asking
from genlab.evaluation.judges import answering, prompts, questions
from genlab.evaluation.judges.judging import Calls, Verdict, as_logged, together
from genlab.evaluation.judges.verdicts import read_rating

NAME = "mt_bench"
COLUMNS = ("question_id", "category", "turns")
TURNS = 2
WORST = 1.0  # the rating of an empty answer, given without a call; our assumption


@dataclass(frozen=True)
class Cell:
    """What determines one evaluation, whichever models it meets.

    Attributes:
        questions: the user's copy, see ``questions.read``.
        references: the same for the references' answers, "" where they stand in the column ``reference`` or nowhere.
        n, seed: how many questions, drawn by key; 0 is all.
        judges: how many models judge side by side.
    """

    questions: str
    references: str = ""
    n: int = 0
    seed: int = 0
    judges: int = 1

    def __post_init__(self) -> None:
        answering.checked(n=(self.n, 0), judges=(self.judges, 1))


@task(name=NAME)
def mt_bench(
    questions: str = "",
    references: str = "",
    n: int = 0,
    seed: int = 0,
    judges: int = 1,
    cache: bool = True,
    max_cost: float | None = None,
    prices: str | None = None,
) -> Task:
    """MT-Bench (Zheng et al. 2023): two turns, each answer rated from 1 to 10.

    Args:
        questions: your copy: a .json or .jsonl file, a folder of them, a URL, or a data set on the hub (OWNER/NAME:CONFIG:SPLIT).
            Columns: question_id, category, turns (two texts), and reference (two texts) where there is one.
        references: FastChat's file of reference answers, where they stand apart: question_id, choices.
        n: how many questions, drawn by key; 0 is all.
        seed: of that draw.
        judges: how many models judge side by side: the roles judge, judge_2, ... The first one's ratings are the score.
        cache: keep every reply in Inspect's cache: a run that is killed pays for none twice.
        max_cost: dollars that all calls together, the judge's too, may cost; needs prices.
        prices: YAML file of dollars a million tokens by model, as for Inspect's --model-cost-config.
    """
    return build(Cell(questions, references, n, seed, judges), asking(cache, max_cost, prices))


def build(cell: Cell, asking: Asking) -> Task:
    """The task of a cell.

    Raises:
        ValueError: questions or references that cannot be read, or that lack a column; a question without two turns.
    """
    whole = questions.read(cell.questions, COLUMNS)
    asked = questions.some(whole, cell.n, seed=cell.seed)
    apart = _references(cell.references) if cell.references else {}
    samples = []
    for row in asked.rows:
        where = f"{asked.name}, question {row['index']}"
        turns = row["turns"]
        if not isinstance(turns, list) or len(turns) != TURNS or not all(isinstance(each, str) for each in turns):
            raise ValueError(f"{where}: turns is a list of {TURNS} texts, got {str(turns)[:80]!r}")
        answers = apart.get(str(row["question_id"])) or _texts(row.get("reference"))
        samples.append(
            Sample(
                id=f"mt-{row['index']:04d}",
                input=turns[0],
                target=answers or "",
                metadata={
                    "index": row["index"],
                    "question_id": row["question_id"],
                    "category": str(row["category"]),
                    "turns": turns,
                    "instruction": turns[-1],
                    "references": answers,
                },
            )
        )
    return Task(
        dataset=MemoryDataset(samples, name=asked.name),
        solver=answered(asking),
        scorer=ratings(cell, asking),
        name=NAME,
        version=prompts.digest(),
        metadata={
            "questions": asked.name,
            "questions_digest": whole.digest,
            "judge_prompts": prompts.digest(),
            "references": cell.references,
        },
    )


def _references(place: str) -> dict[str, list[str]]:
    found = {}
    for row in questions.read(place, ("question_id", "choices")).rows:
        choices = row["choices"]
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
            raise ValueError(f"{place}, row {row['index']}: choices is a list of objects with turns, got {str(choices)[:80]!r}")
        found[str(row["question_id"])] = _texts(choices[0].get("turns"))
    return found


def _texts(value: Any) -> list[str]:
    """The texts of a list, numbers among them as text; an empty one says that a turn has no reference."""
    return (
        ["" if each is None else str(each) for each in value]
        if isinstance(value, Sequence) and not isinstance(value, str)
        else []
    )


@solver
def answered(asking: Asking) -> Solver:
    """The student answers both turns."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return await answering.answer(state, asking, state.metadata["turns"][1:])

    return solve


@scorer(metrics=[{name: [mean(), stderr()] for name in ("turn_1", "turn_2", "mean")}])
def ratings(cell: Cell, asking: Asking) -> Scorer:
    """The first judge's rating of each turn; what every judge said stands in the metadata."""
    calls = Calls(asking)

    async def judge(state: TaskState, target: Target) -> Score:
        answers = state.store.get("answers")
        if answers is None:
            return Score.unscored(reason="stopped", explanation="a limit stopped the sample before it was answered")
        key = (str(state.sample_id), state.epoch)
        judged: list[dict[str, Any]] = []
        for model in answering.judges(cell.judges):
            found = await rated(model, calls, state.metadata, answers, *key)
            shown = ", ".join("ungraded" if each.value is None else f"{each.value:g}" for each in found)
            judged.append({"judge": str(model), "ratings": [each.to_json() for each in found], "shown": shown})
        values = [each["value"] for each in judged[0]["ratings"]]
        metadata, said = {"judges": as_logged(judged)}, "\n\n".join(map(str, answers))
        explanation = answering.explained(judged, "shown")
        if None in values:
            return Score.unscored(reason="ungraded", answer=said, explanation=f"Ungraded\n\n{explanation}", metadata=metadata)
        value = {f"turn_{place}": rating for place, rating in enumerate(values, 1)} | {"mean": sum(values) / len(values)}
        return Score(value=value, answer=said, explanation=explanation, metadata=metadata)

    return judge


async def rated(model: Model, calls: Calls, about: Mapping[str, Any], answers: Sequence[str], *key: str | int) -> list[Verdict]:
    """A judge's ratings, one a turn.

    Raises:
        BudgetReached, NoReply: as ``judging.together``.
    """

    async def turn(place: int) -> Verdict:
        if not answers[place - 1].strip():
            return Verdict(WORST, "the answer is empty: no call")
        asked, said = about["turns"][:place], [str(each) for each in answers[:place]]
        against = about["references"][:place]

        def prompt(code: str) -> str:
            return prompts.turn(code, asked, said, against)

        return await calls.verdict(model, prompt, read_rating, (*asked, *said, *against), *key, f"turn {place}")

    return await together([turn(place) for place in range(1, len(answers) + 1)])


__all__ = ["COLUMNS", "NAME", "Cell", "build", "mt_bench"]
