"""Making instructions as an Inspect task: a sample an item, its draft, critique and refinement one conversation in the log."""

from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser, ModelOutput, get_model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from genlab.curation.instructions import prompts
from genlab.curation.instructions.checks import CUT, REFUSED, UNREADABLE, Fault, fault
from genlab.curation.instructions.items import Item, item
from genlab.curation.instructions.kinds import query_types
from genlab.curation.instructions.replies import Pair, Unreadable, read
from genlab.evaluation.asking import Asking, asking, tokens
from genlab.skills.pack import load

TRIES = 3  # conversations for an item whose reply cannot be used; our assumption


@task(name="instruct")
def instruct(
    pack: str = "",
    k: int = 2,
    n: int = 100,
    seed: int = 0,
    first: int = 0,
    named: bool = False,
    cache: bool = True,
) -> Task:
    """Instructions and responses by a teacher, the model of the evaluation.

    Args:
        pack: a shipped pack, or a file; "" lets the teacher choose what is asked, without skills.
        k: skills an instruction.
        n: items.
        seed: of the items.
        first: the first item's index.
        named: whether an instruction may name its skills.
        cache: keep every reply in Inspect's cache: a run that is killed pays for none twice.
    """
    items = asked(pack, k, range(first, first + n), seed=seed)
    name = load(pack).name if pack else "naive"
    samples = [
        Sample(
            id=f"{name}-k{k}-s{seed}-{each.index:05d}" if pack else f"naive-s{seed}-{each.index:05d}",
            input=prompts.draft(each, named=named),
            target=", ".join(each.names),
            metadata={"index": each.index, "k": len(each.skills), "skills": list(each.names), "query_type": each.kind}
            | {"topic": each.topic},
        )
        for each in items
    ]
    return Task(
        dataset=MemoryDataset(samples, name=f"{name} k={k} seed {seed}"),
        solver=write({each.index: each for each in items}, named, asking(cache)),
        scorer=usable(),
        name="instruct",
        version=prompts.digest(naive=not pack),
    )


def asked(pack: str, k: int, indices: range, *, seed: int) -> list[Item]:
    """The items of some indices."""
    if not pack:
        return [Item(index) for index in indices]
    loaded = load(pack)
    return [item(loaded, k, index, seed=seed, query_types=query_types(loaded)) for index in indices]


@solver
def write(items: dict[int, Item], named: bool, asking: Asking) -> Solver:
    """Conversations about an item until one can be used, at most ``TRIES``; the last one stands in the log as the sample's."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        this, teacher = items[state.metadata["index"]], get_model()
        spent = [0, 0]
        costs: list[float | None] = []
        refused: list[dict[str, Any]] = []

        async def ask(messages: list[ChatMessage], words: str, *key: str | int) -> ModelOutput:
            messages.append(ChatMessageUser(content=words))
            output = await asking.ask(teacher, messages, str(state.sample_id), *key)
            messages.append(output.message if output.choices else ChatMessageAssistant(content=""))
            spent[:] = [sum(pair) for pair in zip(spent, tokens(output), strict=True)]
            costs.append(asking.cost(str(teacher), output))
            known = [cost for cost in costs if cost is not None]
            state.store.set("tokens", list(spent))
            state.store.set("cost", sum(known) if len(known) == len(costs) else None)
            state.output = output
            return output

        for attempt in range(1, TRIES + 1):
            state.messages = []
            words = prompts.draft(this, refused=[each["reason"] for each in refused], named=named)
            output = await ask(state.messages, words, "try", attempt, "draft")
            found = read_output(output)
            if isinstance(found, Pair):  # nothing to criticize otherwise
                await ask(state.messages, prompts.critique(this), "try", attempt, "critique")
                output = await ask(state.messages, prompts.refine(), "try", attempt, "refine")
                found = read_output(output)
                if isinstance(found, Pair) and (wrong := fault(found, this.skills, named=named)):
                    found = wrong
            if isinstance(found, Pair):
                state.store.set("instruction", found.instruction)
                state.store.set("response", found.response)
                break
            refused.append({"reason": found.reason, "why": found.why, "said": output.completion})
        state.store.set("attempts", len(refused) + ("instruction" in state.store))
        state.store.set("refused", refused)
        return state

    return solve


def read_output(output: ModelOutput) -> Pair | Fault:
    """What a reply holds, or why it cannot be used: cut off, refused by the provider, unreadable."""
    if output.stop_reason in ("max_tokens", "model_length"):
        return Fault(CUT, "the reply has no end")
    if output.stop_reason == "content_filter":
        return Fault(REFUSED, "by the provider's filter")
    found = read(output.completion)
    return Fault(UNREADABLE, found.why) if isinstance(found, Unreadable) else found


@scorer(metrics=[mean()])
def usable() -> Scorer:
    """1 where an item has an instruction that can be taught, with the reasons of the attempts that were refused."""

    async def judge(state: TaskState, target: Target) -> Score:
        refused: list[dict[str, str]] = state.store.get("refused", [])
        reasons = [f"{each['reason']} ({each['why']})" for each in refused]
        return Score(value=float("instruction" in state.store), explanation="; ".join(reasons))

    return judge


__all__ = ["TRIES", "asked", "instruct", "write"]
