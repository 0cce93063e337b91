"""Extraction as an Inspect task: a sample is one request, asked again while its reply cannot be read."""

from pathlib import Path
from typing import TYPE_CHECKING

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from genlab.curation.extraction import prompts
from genlab.curation.extraction.reading import Unreadable, read
from genlab.curation.extraction.requests import from_json
from genlab.evaluation.asking import Asking, NoReply, asking, tokens

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage


@task(name="skill_extraction")
def skill_extraction(requests: str, digest: str, tries: int = 5, cache: bool = True) -> Task:
    """Requests of one stage of ``genlab data skills``.

    Args:
        requests: a JSON file of them.
        digest: of the file, which tells two of one name apart.
        tries: replies asked for at most, until one can be read.
        cache: keep every reply in Inspect's cache: a run that is killed pays for none twice.
    """
    asked = from_json(Path(requests).read_text("utf-8"))
    samples = [Sample(id=each.id, input=prompts.prompt(each, prompts.code_of(each, 1))) for each in asked]
    return Task(
        dataset=MemoryDataset(samples, name=f"{asked[0].kind}: {len(asked)} requests ({digest})"),
        solver=answered(requests, tries, asking(cache)),
        name="skill_extraction",
        version=prompts.digest(),
    )


@solver
def answered(file: str, tries: int, asking: Asking) -> Solver:
    """Ask until a reply can be read, each time with a code of its own; every reply is kept before it is read."""
    requests = {each.id: each for each in from_json(Path(file).read_text("utf-8"))}

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        request, model = requests[str(state.sample_id)], get_model()
        why: list[str] = []
        spent = [0, 0]
        costs: list[float | None] = []
        state.messages.clear()
        for attempt in range(1, tries + 1):
            code = prompts.code_of(request, attempt)
            said: ChatMessage = ChatMessageUser(content=prompts.prompt(request, code))
            try:
                output = await asking.ask(model, [said], "extraction", request.id, attempt)
            except NoReply as error:
                if not error.refused:
                    raise  # so that Inspect takes the sample for unfinished: the same command asks again
                why.append(error.message)
                break
            state.output = output
            state.messages += [said, output.message if output.choices else ChatMessageAssistant(content="")]
            spent = [sum(pair) for pair in zip(spent, tokens(output), strict=True)]
            costs.append(asking.cost(str(model), output))
            cut = output.stop_reason == "max_tokens"
            found = Unreadable("cut at max_tokens") if cut else read(output.completion, request.kind, code)
            if not isinstance(found, Unreadable):
                state.store.set("content", found)
                break
            why.append(found.why)
        state.store.set("why", why)
        state.store.set("tokens", spent)
        state.store.set("cost", None if None in costs else sum(each for each in costs if each is not None))
        state.store.set("replies", len(costs))
        return state

    return solve


__all__ = ["skill_extraction"]
