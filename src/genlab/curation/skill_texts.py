"""Texts to learn skills from: a teacher writes for random combinations, a grader grades, full marks are kept.

    from genlab.curation.skill_texts import Recipe, skill_texts

    outcome = skill_texts(Recipe(n=1000), "texts")

A model as the teacher is asked in processes of their own: a script that calls this does it below ``if __name__ == "__main__":``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.curation.card import card
from genlab.curation.making import Making, finished
from genlab.curation.recipe import Plan, Recipe, expect_reachable, plan
from genlab.curation.sifting import Count, Written
from genlab.curation.teachers import Report, Unfinished, by_model, by_skillworld

if TYPE_CHECKING:
    from datasets import Dataset

COLUMNS = ("k", "index", "skills", "topic", "messages", "generation", "points", "sample", "teacher", "grader")
NEEDED = ("k", "skills", "topic", "messages")  # what a study asks of anybody's texts


@dataclass(frozen=True)
class Outcome:
    """Texts that were made.

    Attributes:
        folder: where they lie, as ``datasets`` saves them, with their card.
        counts: of each k.
        input_tokens, output_tokens, grader_input_tokens, grader_output_tokens: of all calls, for rejected texts too.
        cost: of all calls, in dollars; None where no price is known.
        digest: a hash of all rows, in their order.
    """

    folder: Path
    counts: tuple[Count, ...]
    input_tokens: int
    output_tokens: int
    grader_input_tokens: int
    grader_output_tokens: int
    cost: float | None
    digest: str

    def to_json(self) -> dict[str, Any]:
        """As it stands in the folder's outcome.json."""
        return {name: value for name, value in asdict(self).items() if name != "folder"}

    @classmethod
    def from_json(cls, folder: Path, value: Mapping[str, Any]) -> "Outcome":
        """From outcome.json."""
        return cls(**{**value, "folder": folder, "counts": tuple(Count(**each) for each in value["counts"])})


def skill_texts(recipe: Recipe, out: str | Path, *, report: Report = lambda k, done, of: None) -> Outcome:
    """Make the texts of a recipe in a folder ``out``, which is there when all of them are.

    Until then everything lies in ``out`` with ``.making`` behind its name, and the same call goes on from it; a model's replies
    are kept the moment they come, and none is paid for twice. Where ``out`` holds the texts of this recipe, nothing is done.

    Args:
        recipe: what to make.
        out: a folder of its own.
        report: called with k, texts done and texts asked for, now and then.

    Raises:
        ValueError: the recipe does not go together, names what is not there, or ``out`` holds something else.
        Unfinished: the teacher fails too often, a budget is reached, texts got no answer.
    """
    import datasets  # noqa: F401 - a package that is missing is missed before anything is paid for

    found, place = plan(recipe), Path(out).absolute()
    if (known := finished(place, found)) is not None:
        return Outcome.from_json(place, known)
    expect_reachable(found.models)
    making = Making(place)
    with making.alone():
        if (known := finished(place, found)) is not None:  # made by the process that was waited for
            return Outcome.from_json(place, known)
        making.begin(found)
        sifted, written = by_skillworld(found, report) if found.own else by_model(found, making.home, report)
        data = _data(found, [each for kept, _ in sifted for each in kept])
        outcome = _outcome(place, [count for _, count in sifted], written, data)
        making.publish(data, outcome.to_json(), card(found, outcome.to_json(), recipe.command(Path(out))))
    return outcome


def read(place: str | Path) -> "Dataset":
    """Texts to learn skills from, made here or brought along: rows with at least k, skills, topic and messages.

    Args:
        place: a folder of ``save_to_disk``, such as ``skill_texts`` makes, or a name on the hub (its split "train").

    Raises:
        ValueError: nothing is there, or rows without those columns.
    """
    import datasets

    path = Path(place)
    if path.is_dir():
        try:
            found: Any = datasets.load_from_disk(str(path))
        except FileNotFoundError as error:
            raise ValueError(f"{place} holds no data set: expected a folder of genlab data skill-texts") from error
        if isinstance(found, datasets.DatasetDict):
            if "train" not in found:
                raise ValueError(f"{place} holds splits and none named train: {', '.join(found)}")
            found = found["train"]
    else:
        try:
            found = datasets.load_dataset(str(place), split="train")
        except Exception as error:
            making = ", and NAME.making beside it is not finished" if path.with_name(f"{path.name}.making").is_dir() else ""
            raise ValueError(
                f"{place} is no folder of skill texts here{making.replace('NAME', path.name)}, and the hub would not give such a "
                "data set: make one with genlab data skill-texts --out FOLDER"
            ) from error
    if missing := [name for name in NEEDED if name not in found.column_names]:
        raise ValueError(
            f"{place} lacks the column(s) {', '.join(missing)}: skill texts have {', '.join(NEEDED)}; it has "
            f"{', '.join(found.column_names)}"
        )
    if not len(found):
        raise ValueError(f"{place} holds no text")
    texts: Dataset = found
    return texts


def _data(plan: Plan, kept: Sequence[Written]) -> "Dataset":
    from datasets import Dataset

    return Dataset.from_list(
        [
            {
                **each.taught.to_row(),
                "generation": each.generation,
                "points": list(each.points or ()),
                "sample": each.sample,
                "teacher": plan.teacher,
                "grader": plan.grader,
            }
            for each in kept
        ]
    ).select_columns(list(COLUMNS))


def _outcome(place: Path, counts: Sequence[Count], written: Sequence[Written], data: "Dataset") -> Outcome:
    from genlab.finetuning.conversations import fingerprint

    costs = [each.cost for each in written]
    return Outcome(
        place,
        tuple(counts),
        sum(each.input_tokens for each in written),
        sum(each.output_tokens for each in written),
        sum(each.grader_input_tokens for each in written),
        sum(each.grader_output_tokens for each in written),
        None if None in costs else sum(cost for cost in costs if cost is not None),
        fingerprint(data),
    )


__all__ = ["COLUMNS", "Count", "Outcome", "Recipe", "Unfinished", "read", "skill_texts"]
