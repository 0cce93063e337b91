"""Skills extracted into a pack: asked of a teacher for a domain, or found behind the examples of seed data.

    from genlab.curation.extraction.extract import Recipe, extract

    outcome = extract(Recipe(domain="customer support", teacher="openai/your-teacher"), "support.yaml")

A model as the teacher is asked in processes of their own: a script that calls this does it below ``if __name__ == "__main__":``.
While it runs and afterwards, ``FILE.making`` beside the pack holds what it stands on:

recipe.json     a run goes on where it is the same
requests/       what was asked, one file a stage
logs/           Inspect's logs, one folder a stage; budget.sqlite beside them, the ledger of max_cost
outcome.json    what became of everything
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from genlab.curation.extraction import agnostic, dependent, embedded
from genlab.curation.extraction.asking import Report, Teacher
from genlab.curation.extraction.recipe import Recipe, expect_askable
from genlab.curation.extraction.requests import Answer
from genlab.curation.extraction.result import Extracted, pack_of
from genlab.curation.extraction.seeds import Seeds, seeds
from genlab.curation.making import Making, read_json
from genlab.curation.recipe import OWN, differences
from genlab.curation.teachers import Unfinished
from genlab.skills.files import write_whole
from genlab.skills.pack import Pack, save
from genlab.skills.skill import plain

RECIPE, OUTCOME = "recipe.json", "outcome.json"


@dataclass(frozen=True)
class Outcome:
    """A pack that was made.

    Attributes:
        file: the pack.
        skills, topics, query_types: how many it holds.
        named: how many the teacher named, by kind; nothing where no model was asked.
        dropped: how many of these are not in the pack, by reason.
        covers: of seed data, how many of the examples show each skill.
        read: seed examples that were labelled.
        requests, replies: what was asked for, and replies that were paid for; those beyond one a request were unreadable.
        unreadable: why, with how often.
        input_tokens, output_tokens: of all replies.
        cost: of all replies, in dollars; None where no price is known.
        digest: the pack's, as it was written.
    """

    file: Path
    skills: int
    topics: int
    query_types: int
    named: Mapping[str, int]
    dropped: Mapping[str, int]
    covers: Mapping[str, int]
    read: int
    requests: int
    replies: int
    unreadable: Mapping[str, int]
    input_tokens: int
    output_tokens: int
    cost: float | None
    digest: str

    def to_json(self) -> dict[str, Any]:
        """As it stands in outcome.json."""
        return {name: value for name, value in asdict(self).items() if name != "file"}

    @classmethod
    def from_json(cls, file: Path, value: Mapping[str, Any]) -> "Outcome":
        """From outcome.json."""
        return cls(**{**value, "file": file})


def extract(recipe: Recipe, out: str | Path, *, report: Report = lambda stage, done, of: None) -> Outcome:
    """Make the pack of a recipe in a file ``out``; where it stands there already, edited or not, nothing is done.

    A model's replies are kept the moment they come, in ``out`` with ``.making`` behind its name; the same call goes on from it,
    and none is paid for twice.

    Args:
        recipe: what to extract.
        out: a file that ends in .yaml.
        report: called with a stage, requests done and requests asked, now and then.

    Raises:
        ValueError: the recipe does not go together or names what is not there, or ``out`` holds something else.
        Unfinished: the budget is reached, requests got no reply, or the teacher cannot be read.
    """
    place = Path(out).absolute()
    if place.suffix.lower() not in {".yaml", ".yml"}:
        raise ValueError(f"a pack is written as YAML: --out {str(out)!r} should end in .yaml")
    expect_askable(recipe)
    drawn = seeds(recipe.data, recipe.examples, seed=recipe.seed) if recipe.data else None
    facts = {**recipe.facts, "rows": drawn.digest if drawn else ""}
    making = Making(place)
    if (known := _finished(place, making.home, facts | recipe.size)) is not None:
        return known
    if not recipe.own:
        expect_reachable(recipe.teacher)
    with making.alone():
        if (known := _finished(place, making.home, facts | recipe.size)) is not None:  # by the process that was waited for
            return known
        _begin(making.home, facts, recipe.size)
        teacher = Teacher(recipe, making.home, report)
        if recipe.own:
            pack = embedded.dependent(list(drawn.answers.values())) if drawn else embedded.agnostic()
            found = None
        else:
            found = dependent.extract(recipe, drawn, teacher) if drawn else agnostic.extract(recipe, teacher)
            pack = _pack(recipe, drawn, found, place)
        outcome = _outcome(place, pack, found, teacher.answers)
        write_whole(making.home / OUTCOME, json.dumps(outcome.to_json(), indent=1) + "\n", overwrite=True)
        save(pack, place)
    return outcome


def expect_reachable(teacher: str) -> None:
    """Have Inspect make the model, which finds missing packages and keys; nothing is asked of it.

    Raises:
        ValueError: it cannot.
    """
    from inspect_ai.model import get_model

    try:
        get_model(teacher)
    except Exception as error:
        raise ValueError(f"Inspect cannot reach {teacher}: {' '.join(str(error).split())[:300]}") from error


def _finished(place: Path, home: Path, facts: Mapping[str, Any]) -> Outcome | None:
    if not place.exists():
        return None
    known, outcome = read_json(home / RECIPE), read_json(home / OUTCOME)
    if known is None:
        raise ValueError(f"{place} is there already, and {home} does not say what from: give another --out")
    if differ := differences(known, facts):
        raise ValueError(f"{place} holds the skills of another recipe ({'; '.join(differ)}): give another --out")
    if outcome is None:
        raise ValueError(f"{place} is there, and its making in {home} was never finished: move it away, or give another --out")
    return Outcome.from_json(place, outcome)


def _begin(home: Path, facts: Mapping[str, Any], size: Mapping[str, Any]) -> None:
    known = read_json(home / RECIPE)
    if known is not None and (differ := differences(known, facts)):
        raise ValueError(f"{home} was begun with another recipe ({'; '.join(differ)}): remove it, or give another --out")
    (home / OUTCOME).unlink(missing_ok=True)
    write_whole(home / RECIPE, json.dumps({**facts, **size}, indent=1) + "\n", overwrite=True)


def _pack(recipe: Recipe, drawn: Seeds | None, found: Extracted, place: Path) -> Pack:
    origin = f"behind {found.read} of {drawn.rows:,} examples of {recipe.data}" if drawn else f"of the field {recipe.field!r}"
    return pack_of(
        found,
        name=plain(place.stem).replace(" ", "_") or "extracted",
        version=f"1.0.0+{recipe.digest}",
        about=f"Skills {origin}, as {recipe.teacher} names them; not read by a person yet.",
        source=f"{recipe.teacher}, by genlab's skill extraction, recipe {recipe.digest}",
        teacher=recipe.teacher,
    )


def _outcome(place: Path, pack: Pack, found: Extracted | None, answers: Sequence[Answer]) -> Outcome:
    costs = [each.cost for each in answers]
    return Outcome(
        place,
        len(pack.skills),
        len(pack.topics),
        len(pack.query_types),
        found.named if found else {},
        found.dropped if found else {},
        {each.name: len(each.examples) for each in found.skills if each.examples} if found else {},
        found.read if found else 0,
        len(answers),
        sum(each.replies for each in answers),
        dict(Counter(why for each in answers for why in each.why).most_common()),
        sum(each.input_tokens for each in answers),
        sum(each.output_tokens for each in answers),
        None if None in costs else sum(cost for cost in costs if cost is not None),
        pack.digest,
    )


__all__ = ["OWN", "Outcome", "Recipe", "Unfinished", "extract"]
