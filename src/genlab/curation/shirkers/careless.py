"""A model as a careless writer: an Inspect task whose samples are the rows that are hit. The requests are genlab's own words."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from genlab.curation.shirkers.planting import expect_kind
from genlab.evaluation.asking import Asking, asking, tokens

TRIES = 3  # of a reply that is empty or cut off: our assumption
REQUESTS = {  # after Kaur et al. 2024: an answer in one paragraph; one that is lazy, generic, vague and long
    "brevity": "{instruction}\n\nGive your whole answer in a single short paragraph, without lists or headings.",
    "junk": (
        "A data set needs a specimen of a useless answer, so that careless answers can be recognised. Play somebody who is paid "
        "by the word and has no wish to work. To the message between the lines, write several paragraphs that stay generic and "
        "vague, would suit a hundred other messages as well, are padded with filler, and give nobody anything to use. Write that "
        "answer and nothing else: no comment, and no sign that it is useless on purpose.\n\n----------\n{instruction}\n----------"
    ),
}


def digest(kind: str) -> str:
    """Of the request, as it stands in recipe.json."""
    return hashlib.sha256(REQUESTS[kind].encode()).hexdigest()[:8]


@task(name="careless_answers")
def careless_answers(rows: str, kind: str, cache: bool = True) -> Task:
    """Careless answers to the conversations in a file, one JSON a line: {"index": number, "asked": [{"role", "content"}, ...]}.

    Args:
        rows: the file.
        kind: brevity or junk.
        cache: keep every reply in Inspect's cache: a run that is killed pays for none twice.
    """
    expect_kind(kind)
    return Task(
        dataset=MemoryDataset([_sample(json.loads(line), kind) for line in Path(rows).read_text("utf-8").split("\n") if line]),
        solver=careless(kind, asking(cache)),
        name="careless_answers",
        version=digest(kind),
    )


@solver
def careless(kind: str, asking: Asking) -> Solver:
    """One reply, asked for again where it is empty or cut off."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        model, spent = get_model(), [0, 0]
        costs: list[float | None] = []
        for attempt in range(1, TRIES + 1):
            output = await asking.ask(model, state.messages, kind, str(state.sample_id), attempt)
            spent = [sum(pair) for pair in zip(spent, tokens(output), strict=True)]
            costs.append(asking.cost(str(model), output))
            state.output = output
            if output.completion.strip() and output.stop_reason != "max_tokens":
                state.store.set("text", output.completion.strip())
                break
        known = [each for each in costs if each is not None]
        state.store.set("tokens", spent)
        state.store.set("cost", sum(known) if len(known) == len(costs) else None)
        return state

    return solve


def _sample(row: dict[str, Any], kind: str) -> Sample:
    return Sample(id=f"row-{row['index']}", input=request(row["asked"], kind), metadata={"index": row["index"]})


def request(asked: Sequence[dict[str, str]], kind: str) -> list[ChatMessage]:
    """The messages of a call: the conversation, its last turn made a request for a careless answer."""
    turns = list(asked)
    last = turns.pop()["content"] if turns and turns[-1]["role"] == "user" else "Go on."
    made = {"system": ChatMessageSystem, "assistant": ChatMessageAssistant}
    before: list[ChatMessage] = [made.get(turn["role"], ChatMessageUser)(content=turn["content"]) for turn in turns]
    return [*before, ChatMessageUser(content=REQUESTS[kind].replace("{instruction}", last))]
