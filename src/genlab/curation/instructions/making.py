"""Instruction data in a folder: made round by round, sifted, described, and there as a whole or not at all.

    from genlab.curation.instructions.making import instruct
    from genlab.curation.instructions.recipe import Recipe

    outcome = instruct(Recipe(n=1000), "instructions")

A model as the teacher is asked in a process of its own: a script that calls this does it below ``if __name__ == "__main__":``.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.curation.instructions.card import card
from genlab.curation.instructions.embedded import worded
from genlab.curation.instructions.recipe import Plan, Recipe, plan
from genlab.curation.instructions.sifting import Count, Made, Sifted
from genlab.curation.instructions.statistics import statistics
from genlab.curation.instructions.teachers import PACK_FILE, Report, by_model, by_skillworld
from genlab.curation.making import OUTCOME, RECIPE, Making, read_json
from genlab.curation.recipe import differences, expect_reachable
from genlab.curation.teachers import Unfinished
from genlab.skills.files import write_whole
from genlab.skills.pack import dump

if TYPE_CHECKING:
    from datasets import Dataset

REJECTED = "rejected.jsonl"


@dataclass(frozen=True)
class Outcome:
    """Instructions that were made.

    Attributes:
        folder: where they lie, as ``datasets`` saves them, with their card.
        count: what became of all items.
        statistics: of what is in the data, as ``Statistics.to_json`` writes them.
        input_tokens, output_tokens: of all calls, for rejected items too.
        cost: of all calls, in dollars; None where no price is known.
        digest: a hash of all rows, in their order.
    """

    folder: Path
    count: Count
    statistics: Mapping[str, Any]
    input_tokens: int
    output_tokens: int
    cost: float | None
    digest: str

    def to_json(self) -> dict[str, Any]:
        """As it stands in the folder's outcome.json."""
        return {name: value for name, value in asdict(self).items() if name != "folder"}

    @classmethod
    def from_json(cls, folder: Path, value: Mapping[str, Any]) -> "Outcome":
        """From outcome.json."""
        return cls(**{**value, "folder": folder, "count": Count(**value["count"])})


def instruct(recipe: Recipe, out: str | Path, *, report: Report = lambda done, of: None) -> Outcome:
    """Make the instructions of a recipe in a folder ``out``, which is there when all of them are.

    Until then everything lies in ``out`` with ``.making`` behind its name, and the same call goes on from it; a model's replies
    are kept the moment they come, and none is paid for twice. Where ``out`` holds the instructions of this recipe, nothing is
    done.

    Args:
        recipe: what to make.
        out: a folder of its own.
        report: called with items done and items asked for, now and then.

    Raises:
        ValueError: the recipe does not go together, names what is not there, or ``out`` holds something else.
        Unfinished: the teacher fails too often, a budget is reached, items got no answer.
    """
    import datasets  # noqa: F401 - a package that is missing is missed before anything is paid for
    import sklearn  # noqa: F401

    found = plan(recipe)
    place = Path(out).resolve()
    if (known := finished(place, found)) is not None:
        return Outcome.from_json(place, known)
    expect_reachable(found.models)
    making = Making(place)
    with making.alone():
        if (known := finished(place, found)) is not None:
            return Outcome.from_json(place, known)
        _begin(making, found)
        sifted = by_skillworld(found, report) if found.own else by_model(found, making.home, report)
        data = _data(found, sifted)
        outcome = _outcome(place, found, sifted, data)
        lines = "".join(json.dumps(each.to_json(), ensure_ascii=False) + "\n" for each in sifted.rejected)
        write_whole(making.home / REJECTED, lines, overwrite=True)
        making.publish(data, outcome.to_json(), card(found, outcome.to_json(), recipe.command(Path(out))))
    return outcome


def finished(place: Path, plan: Plan) -> Mapping[str, Any] | None:
    """What became of the instructions that lie at a place; None where nothing does.

    Raises:
        ValueError: something else is there, or instructions of another recipe.
    """
    if not place.exists():
        return None
    known, outcome = read_json(place / RECIPE), read_json(place / OUTCOME)
    if known is None or outcome is None:
        raise ValueError(f"{place} is there already, and holds no instructions of genlab: give another --out")
    if differ := differences(known, {**plan.facts, "n": plan.recipe.n}):
        raise ValueError(f"{place} holds what another recipe made ({'; '.join(differ)}): give another --out")
    found: Mapping[str, Any] = outcome
    return found


def _begin(making: Making, plan: Plan) -> None:
    """Keep what the instructions stand on; a folder that was begun on something else is refused.

    Raises:
        ValueError: it was.
    """
    known = read_json(making.home / RECIPE)
    if known is not None and (differ := differences(known, plan.facts)):
        raise ValueError(f"{making.home} was begun with another recipe ({'; '.join(differ)}): remove it, or give another --out")
    text = json.dumps({**plan.facts, "n": plan.recipe.n}, indent=1) + "\n"
    write_whole(making.home / RECIPE, text, overwrite=True)
    if plan.whole:
        write_whole(making.home / PACK_FILE, dump(plan.whole), overwrite=True)


def _data(plan: Plan, sifted: Sifted) -> "Dataset":
    from datasets import Dataset, Features, List, Value

    rows = [row(each, plan) for each in sifted.kept]
    texts = ("query_type", "topic", "teacher", "sample")
    known = {"index": Value("int64"), "k": Value("int64"), "skills": List(Value("string")), "attempts": Value("int64")}
    known |= {name: Value("string") for name in texts}
    turns = {"messages": List({"role": Value("string"), "content": Value("string")})}
    words = (
        turns if plan.recipe.format == "conversational" else dict.fromkeys(("instruction", "input", "output"), Value("string"))
    )
    features = Features(words | {name: known[name] for name in rows[0] if name in known})
    return Dataset.from_list(rows, features=features)


def row(made: Made, plan: Plan) -> dict[str, Any]:
    """A row of the data set: the words, what they were made of, and where they come from."""
    assert made.pair is not None
    return {
        **worded(made.pair.instruction, made.pair.response, plan.recipe.format),
        "index": made.index,
        "k": made.k,
        "skills": list(made.skills),
        "query_type": made.query_type,
        "topic": made.topic,
        "teacher": plan.teacher,
        "sample": made.sample,
        "attempts": made.attempts,
    }


def _outcome(place: Path, plan: Plan, sifted: Sifted, data: "Dataset") -> Outcome:
    from genlab.finetuning.conversations import fingerprint

    made = [*sifted.kept, *sifted.spare, *(each.made for each in sifted.rejected)]
    costs = [each.cost for each in made]
    described = statistics(sifted.kept, plan.whole, embedder=plan.recipe.embedder)
    return Outcome(
        place,
        sifted.count(),
        json.loads(json.dumps(described.to_json())),
        sum(each.input_tokens for each in made),
        sum(each.output_tokens for each in made),
        None if None in costs else sum(cost for cost in costs if cost is not None),
        fingerprint(data),
    )


__all__ = ["Outcome", "Recipe", "Unfinished", "instruct"]
