"""Asking a stage's requests of an Inspect model, in a process of its own with logs, budget and progress."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genlab.curation.extraction.requests import Answer, Kind, Request, digest, to_json
from genlab.curation.teachers import Unfinished, run
from genlab.evaluation import budget
from genlab.evaluation.logs import BUDGET
from genlab.skills.files import write_whole

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

    from genlab.curation.extraction.recipe import Recipe

Report = Callable[[str, int, int], None]  # a stage, requests done, requests asked


class Teacher:
    """The model of a recipe; requests, logs and ledger lie below ``home``, and what is there is gone on with.

    Attributes:
        answers: all so far.
    """

    def __init__(self, recipe: "Recipe", home: Path, report: Report) -> None:
        self.recipe, self.home, self.report = recipe, home, report
        self.answers: list[Answer] = []
        self._read: set[Kind] = set()

    def __call__(self, stage: str, requests: Sequence[Request]) -> Mapping[str, Answer]:
        """The answers to a stage's requests, by id.

        Raises:
            Unfinished: a request got no reply, the budget is reached, or of some kind of request no reply was ever read.
        """
        from genlab.curation.extraction.task import skill_extraction
        from genlab.evaluation.options import parse
        from genlab.evaluation.part import Part

        recipe, text = self.recipe, to_json(requests)
        mark = digest(text)
        file = self.home / "requests" / f"{stage}-{mark}.json"
        write_whole(file, text, overwrite=True)
        environment = budget.environment(recipe.prices, recipe.max_cost, self.home / "budget.sqlite")
        place = str(self.home / "logs" / f"{stage}-{mark}")
        task = {"requests": str(file), "digest": mark, "tries": recipe.tries, "cache": True}
        part = Part(task, recipe.teacher, (), parse(recipe.inspect), {}, place, environment, make=skill_extraction)
        self.report(stage, 0, len(requests))
        run(part, lambda ended: self.report(stage, ended, len(requests)))
        found = read_logs(place, requests)
        self.answers += found.values()
        self._read |= {each.kind for each in requests if found[each.id].content}
        if unread := {each.kind for each in requests} - self._read:
            reasons = "; ".join(dict.fromkeys(why for each in found.values() for why in each.why))[:500]
            raise Unfinished(
                f"{recipe.teacher} gave no reply about {' and '.join(sorted(unread))} that could be read, with up to "
                f"{recipe.tries} tries for each request ({reasons}). Its replies stand in {place}: take another teacher, give it "
                "room (--inspect max_tokens=...), or more --tries; replies that came are kept"
            )
        return found


def read_logs(place: str, requests: Sequence[Request]) -> dict[str, Answer]:
    """The answers in a folder of Inspect's logs, each once, in the order of the requests.

    Raises:
        Unfinished: answers are not there, or requests got no reply.
    """
    from inspect_ai.log import list_eval_logs, read_eval_log

    found: dict[str, Answer | str] = {}
    for each in sorted(list_eval_logs(place), key=lambda each: each.name):
        for sample in read_eval_log(each).samples or ():
            known = found.get(str(sample.id))
            if not isinstance(known, Answer) or known.content is None:  # a later log may hold more tries
                found[str(sample.id)] = _answer(sample)
    lost = [each.id for each in requests if each.id not in found]
    silent = [found[each.id] for each in requests if isinstance(found.get(each.id), str)]
    if spent := [str(why) for why in silent if BUDGET in str(why)]:
        raise Unfinished(
            f"{spent[0]}; {len(silent)} of {len(requests)} requests wait. The same command with a larger --max-cost asks for "
            "those and for nothing twice"
        )
    if silent or lost:
        reasons = "; ".join(dict.fromkeys([*map(str, silent), *["the evaluation was broken off"] * bool(lost)]))[:500]
        raise Unfinished(
            f"{len(silent) + len(lost)} of {len(requests)} requests got no reply ({reasons}). The same command asks for those "
            "again and for nothing else"
        )
    return {each.id: answer for each in requests if isinstance(answer := found[each.id], Answer)}


def _answer(sample: "EvalSample") -> Answer | str:
    """What was answered, or why there is no reply."""
    if sample.error is not None:
        return " ".join(sample.error.message.split())[:300]
    if sample.limit is not None:
        return f"Inspect's {sample.limit.type} limit of {sample.limit.limit:g}"
    kept = sample.store
    if "replies" not in kept:
        return "the evaluation was broken off"
    used = kept["tokens"]
    return Answer(
        str(sample.id),
        kept.get("content"),
        int(kept["replies"]),
        tuple(kept["why"]),
        int(used[0]),
        int(used[1]),
        kept.get("cost"),
    )
