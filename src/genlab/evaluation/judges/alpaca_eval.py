"""AlpacaEval 2.0 as an Inspect task: ``inspect eval genlab/alpaca_eval -T questions=FILE --model ... --model-role judge=...``.

Dubois, Galambosi, Liang and Hashimoto 2024 (2404.04475): a judge says which of two answers is better, a model's or a reference's.
Here it sees each pair in both orders. Of skillworld's queries an exact judge can say it, and no model is called for that.
"""

from dataclasses import dataclass

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver

from genlab.evaluation.asking import Asking, asking
from genlab.evaluation.judges import answering, embedded, pairs, prompts, questions
from genlab.evaluation.judges.judging import Calls, as_logged

NAME = "alpaca_eval"
COLUMNS = ("instruction", "output", "generator")  # as in tatsu-lab/alpaca_eval's alpaca_eval_gpt4_baseline.json


@dataclass(frozen=True)
class Cell:
    """What determines one evaluation, whichever models it meets.

    Attributes:
        questions: the user's copy, see ``questions.read``.
        n: how many of them, drawn by ``seed``; 0 is all.
        seed: of that draw.
        judge: "" or ``checker/skillworld``.
        judges: how many models judge side by side.
        logprobs: likeliest tokens to ask the judge's provider for.
    """

    questions: str
    n: int = 0
    seed: int = 0
    judge: str = ""
    judges: int = 1
    logprobs: int = 5  # alpaca-eval's weighted_alpaca_eval_gpt4_turbo: "top_logprobs: 5"

    def __post_init__(self) -> None:
        answering.checked(n=(self.n, 0), judges=(self.judges, 1), logprobs=(self.logprobs, 0))
        if self.judge not in ("", embedded.EXACT):
            raise ValueError(
                f"judge is {embedded.EXACT} or left out, got {self.judge!r}: a model judges as --model-role judge={self.judge}"
            )
        if self.judge and self.judges > 1:
            raise ValueError(f"{self.judge} judges alone: leave judges={self.judges} out")


@task(name=NAME)
def alpaca_eval(
    questions: str = "",
    n: int = 0,
    seed: int = 0,
    judge: str = "",
    judges: int = 1,
    logprobs: int = 5,
    cache: bool = True,
    max_cost: float | None = None,
    prices: str | None = None,
) -> Task:
    """AlpacaEval 2.0 (Dubois et al. 2024): a judge prefers the model's answer or a reference's; the score is from 1 to 2.

    Args:
        questions: your copy: a .json or .jsonl file, a folder of them, a URL, or a data set on the hub (OWNER/NAME:CONFIG:SPLIT).
            Columns: instruction, output (the reference's answer), generator (its name); dataset and input are optional.
        n: how many of them, drawn by key; 0 is all.
        seed: of that draw.
        judge: checker/skillworld, where the items have skills, topic and query_type: an exact judge, no model. It judges such
            items where no model plays the judge, too.
        judges: how many models judge side by side: the roles judge, judge_2, ... The first one's preference is the score.
        logprobs: how many of the likeliest tokens to ask the judge's provider for, which weigh the preference; 0 is none.
        cache: keep every reply in Inspect's cache: a run that is killed pays for none twice.
        max_cost: dollars that all calls together, the judge's too, may cost; needs prices.
        prices: YAML file of dollars a million tokens by model, as for Inspect's --model-cost-config.
    """
    return build(Cell(questions, n, seed, judge, judges, logprobs), asking(cache, max_cost, prices))


def build(cell: Cell, asking: Asking) -> Task:
    """The task of a cell.

    Raises:
        ValueError: questions that cannot be read, that lack a column, or of several references.
    """
    whole = questions.read(cell.questions, COLUMNS)
    asked = questions.some(whole, cell.n, seed=cell.seed)
    generators = sorted({questions.text(row, "generator", asked.name) for row in asked.rows})
    if len(generators) > 1:
        raise ValueError(f"{asked.name} has answers of {len(generators)} references: {', '.join(generators)}. Keep those of one")
    samples = []
    for row in asked.rows:
        where = f"{asked.name}, question {row['index']}"
        if cell.judge and not embedded.judgeable(row):
            raise ValueError(f"{where}: {cell.judge} needs {', '.join(embedded.COLUMNS)}; it has {', '.join(row)}")
        instruction, output = (questions.text(row, column, where) for column in ("instruction", "output"))
        more = row.get("input")  # of the Alpaca format; AlpacaEval's own files have none
        if isinstance(more, str) and more.strip():
            instruction = f"{instruction}\n\n{more}"
        kept = {name: row[name] for name in ("index", "dataset", *embedded.COLUMNS) if name in row}
        kept |= {"instruction": instruction, "output": output, "generator": generators[0]}
        samples.append(Sample(id=f"alpaca-{row['index']:04d}", input=instruction, target=output, metadata=kept))
    return Task(
        dataset=MemoryDataset(samples, name=asked.name),
        solver=answered(asking),
        scorer=preference(cell, asking),
        name=NAME,
        version=prompts.digest(),
        metadata={
            "questions": asked.name,
            "questions_digest": whole.digest,
            "judge_prompts": prompts.digest(),
            "reference": generators[0],
        },
    )


@solver
def answered(asking: Asking) -> Solver:
    """The student answers."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return await answering.answer(state, asking)

    return solve


@scorer(metrics=[mean(), stderr()])
def preference(cell: Cell, asking: Asking) -> Scorer:
    """The first judge's preference, from 1 to 2; what every judge said in either order stands in the metadata."""
    calls = Calls(asking, cell.logprobs)

    async def judge(state: TaskState, target: Target) -> Score:
        answers = state.store.get("answers")
        if answers is None:
            return Score.unscored(reason="stopped", explanation="a limit stopped the sample before it was answered")
        row, said = state.metadata, str(answers[0])
        if cell.judge or (embedded.judgeable(row) and not answering.played()):
            found = [embedded.compare(row, said)]
        else:
            key = (str(state.sample_id), state.epoch)
            found = [
                await pairs.compare(model, calls, row["instruction"], row["output"], said, *key)
                for model in answering.judges(cell.judges)
            ]
        judged = [each.to_json() for each in found]
        metadata, explanation = {"judges": as_logged(judged)}, answering.explained(judged, "preference")
        if found[0].preference is None:
            return Score.unscored(
                reason="ungraded", answer=said, explanation=f"Ungraded: {found[0].why}\n\n{explanation}", metadata=metadata
            )
        return Score(value=found[0].preference, answer=said, explanation=explanation, metadata=metadata)

    return judge


__all__ = ["COLUMNS", "NAME", "Cell", "alpaca_eval", "build"]
