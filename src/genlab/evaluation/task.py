"""Skill-Mix as an Inspect task: ``inspect eval genlab/skill_mix --model ... --model-role grader=...``.

A sample is one combination, an epoch one generation, a scorer's call R gradings; planted texts for the grader go along,
hidden among the samples and outside every metric. Of a pack with an exact checker, that checker is the first grader:
``inspect eval genlab/skill_mix -T pack=skillworld --model ...``.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

from inspect_ai import Epochs, Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, ModelOutput, get_model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver

from genlab.evaluation import writing
from genlab.evaluation.asking import Asking, asking, tokens
from genlab.evaluation.checking import expect_checkable, graded
from genlab.evaluation.grading import grade
from genlab.evaluation.roles import roles
from genlab.evaluation.scoring import score
from genlab.grading import controls, official, prompts
from genlab.grading.rubric import Rubric, rubric
from genlab.skills.combinations import Combination, check_k, common, draw
from genlab.skills.pack import Pack, load

Mode = Literal["strict", "paper"]
METRICS = ("full_marks", "all_skills", "skill_fraction")
COMMON = 0.05  # Yu et al. 2023: skills in 5% of texts and more are common


@dataclass(frozen=True)
class Cell:
    """What determines one evaluation, whichever models it meets: the task's arguments.

    Attributes:
        k, n, pack, seed: ``n`` combinations of ``k`` skills of a pack.
        gradings: R, independent gradings a text.
        mode: strict or paper.
        graders: how many grade side by side, an exact checker among them.
        controls: planted texts graded along, 0 for none.
        uncommon: leave out skills known to stand in 5% of texts and more, drawing others in their place.
        first: the first combination's index; with ``n`` it makes a part of a longer run.
    """

    k: int = 3
    n: int = 100
    pack: str = "english"
    seed: int = 0
    gradings: int = 3
    mode: Mode = "strict"
    graders: int = 1
    controls: int = 12
    uncommon: bool = False
    first: int = 0

    def __post_init__(self) -> None:
        for name, least in {"n": 1, "gradings": 1, "graders": 1, "controls": 0, "first": 0}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is at least {least}, got {getattr(self, name)}")
        if self.mode not in ("strict", "paper"):
            raise ValueError(f"mode is strict or paper, got {self.mode!r}")


@task(name="skill_mix")
def skill_mix(
    k: int = 3,
    n: int = 100,
    pack: str = "english",
    seed: int = 0,
    generations: int = 3,
    gradings: int = 3,
    mode: str = "strict",
    graders: int = 1,
    controls: int = 12,
    uncommon: bool = False,
    first: int = 0,
    cache: bool = True,
    max_cost: float | None = None,
    prices: str | None = None,
) -> Task:
    """Skill-Mix (Yu et al. 2023): short texts that combine k random skills on a random topic, graded by a rubric of k + 3 points.

    Args:
        k: skills a text.
        n: combinations.
        pack: english, code_review, mathematics, skillworld, or a file of yours (.yaml, .csv).
        seed: of the combinations: item 7 of 20 is item 7 of 100.
        generations: texts a combination (epochs); their mean is pass@1, their max best-of-G, the paper's.
        gradings: independent gradings a text, decided by majority.
        mode: strict, or paper: parsed and scored as the official code does.
        graders: how many grade side by side: the model roles grader, grader_2, ... The first one's grades are the score. Where
            the pack has an exact checker (skillworld), that is the first, and the role grader the second.
        controls: planted texts graded along, to measure the grader.
        uncommon: leave out the pack's common skills.
        first: index of the first combination.
        cache: keep every reply in Inspect's cache: a run that is killed pays for none twice.
        max_cost: dollars that all calls together, the grader's too, may cost; needs prices.
        prices: YAML file of dollars a million tokens by model, as for Inspect's --model-cost-config.
    """
    cell = Cell(k, n, pack, seed, gradings, mode, graders, controls, uncommon, first)  # type: ignore[arg-type]
    return build(cell, asking(cache, max_cost, prices), generations=generations)


def build(cell: Cell, asking: Asking, *, generations: int) -> Task:
    """The task of a cell.

    Raises:
        ValueError: the pack cannot fill the cell, or cannot be graded in its mode.
    """
    if generations < 1:
        raise ValueError(f"generations is at least 1, got {generations}")
    pack = load(cell.pack)
    expect_checkable(pack, cell.mode)
    samples = _samples(cell, pack)
    return Task(
        dataset=MemoryDataset(samples, name=f"{pack.name} {pack.version} k={cell.k} seed {cell.seed}"),
        solver=write(cell, asking),
        scorer=rubric_points(cell, asking),
        epochs=Epochs(generations, ["mean", "max"]),
        name="skill_mix",
        version=f"{writing.digest(pack.manner)}-{prompts.digest()}",
        metadata={
            "pack": pack.name,
            "pack_version": pack.version,
            "pack_digest": pack.digest,
            "student_prompts": writing.digest(pack.manner),
            "grader_prompts": prompts.digest(),
            "mode": cell.mode,
            "repeated_draws": _draw(cell, pack).repeated,
            "excluded_draws": _draw(cell, pack).excluded,
            **({"checker": pack.checker} if pack.checker else {}),
        },
    )


def _draw(cell: Cell, pack: Pack) -> Any:
    return draw(pack, cell.k, cell.first + cell.n, seed=cell.seed, exclude=common(pack, COMMON) if cell.uncommon else ())


def _samples(cell: Cell, pack: Pack) -> list[Sample]:
    check_k(pack, cell.k)
    asked = _draw(cell, pack).combinations[cell.first :]
    samples = [_sample(cell, pack, each) for each in asked]
    if cell.first or not cell.controls:
        return samples  # a later part of a run whose first part graded the controls
    exclude = common(pack, COMMON) if cell.uncommon else ()
    grounds = draw(pack, cell.k, cell.controls, seed=cell.seed, exclude=exclude, distinct=False).combinations  # whatever n is
    for place, (combination, control) in enumerate(controls.planted(grounds, pack, cell.controls, seed=cell.seed)):
        sample = _sample(cell, pack, combination)
        sample.id = f"{sample.id}-{control.kind.replace(' ', '-')}"
        truth = [None if math.isnan(each) else each for each in control.truth]
        sample.metadata = {**(sample.metadata or {}), "control": control.kind, "planted": control.text, "truth": truth}
        samples.insert(min(len(samples), place * len(samples) // cell.controls + 1), sample)
    return samples


def _sample(cell: Cell, pack: Pack, combination: Combination) -> Sample:
    sought = rubric(combination.skills, combination.topic.name)
    return Sample(
        id=f"{pack.name}-k{cell.k}-s{cell.seed}-{combination.index:04d}",
        input=writing.draft(sought, form=pack.text, manner=pack.manner),
        target=f"{', '.join(skill.name for skill in combination.skills)}; about {combination.topic.name}",
        metadata={
            "index": combination.index,
            "k": cell.k,
            "skills": [skill.name for skill in combination.skills],
            "categories": [skill.category for skill in combination.skills],
            "topic": combination.topic.name,
        },
    )


def _rubric(pack: Pack, state: TaskState) -> Rubric:
    return rubric([pack.skill(name) for name in state.metadata["skills"]], state.metadata["topic"])


@solver
def write(cell: Cell, asking: Asking) -> Solver:
    """The student's turns; a planted text takes their place where the sample is a control."""
    pack = load(cell.pack)
    turns = writing.turns(pack.manner)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if "planted" in state.metadata:
            state.output = ModelOutput.from_content("planted", state.metadata["planted"])
            state.store.set("text", state.metadata["planted"])
            return state
        student, spent = get_model(), [0, 0]
        replies: list[str] = []
        costs: list[float | None] = []
        for turn in range(1, turns + 1):
            if turn == 2:
                state.messages.append(ChatMessageUser(content=writing.improved(_rubric(pack, state))))
            output = await asking.ask(student, state.messages, str(state.sample_id), state.epoch, "turn", turn)
            state.output = output
            state.messages.append(output.message if output.choices else ChatMessageAssistant(content=""))
            replies.append(output.completion)
            costs.append(asking.cost(str(student), output))
            spent = [sum(pair) for pair in zip(spent, tokens(output), strict=True)]
        known = [cost for cost in costs if cost is not None]
        found = writing.text_of if cell.mode == "strict" else official.text_of
        state.store.set("draft", found(replies[0]) if turns > 1 else "")
        state.store.set("text", found(replies[-1]))
        state.store.set("truncated", state.output.stop_reason == "max_tokens")
        state.store.set("tokens", spent)
        state.store.set("cost", sum(known) if len(known) == len(costs) else None)
        return state

    return solve


_EACH: list[Any] = [mean(), stderr()]


@scorer(metrics=[dict.fromkeys(METRICS, _EACH) | {f"{name}_unnamed": _EACH for name in METRICS}])
def rubric_points(cell: Cell, asking: Asking) -> Scorer:
    """R gradings by each grader; the vote of the first grader's is the score, all of them stand in the metadata."""
    pack = load(cell.pack)

    async def judge(state: TaskState, target: Target) -> Score:
        if "planted" in state.metadata and state.epoch > 1:
            return Score.unscored(reason="control", explanation="a planted text is graded with the first generation only")
        text = state.store.get("text")
        if text is None:
            return Score.unscored(reason="stopped", explanation="a limit stopped the sample before its text was written")
        sought = _rubric(pack, state)
        models = [get_model(role=role, required=True) for role in roles(cell.graders - bool(pack.checker))]
        key = (str(state.sample_id), state.epoch)
        found = [graded(text, sought, pack, gradings=cell.gradings)] if pack.checker else []
        found += [
            await grade(text, sought, model, asking, form=pack.text, gradings=cell.gradings, mode=cell.mode, key=key)
            for model in models
        ]
        return score(text, sought, found, mode=cell.mode, control=state.metadata.get("control", ""))

    return judge


__all__ = ["METRICS", "Cell", "build", "skill_mix"]
