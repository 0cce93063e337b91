"""What texts are asked for, of whom, and how they are graded: checked before anything is written or paid for."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import ceil
from pathlib import Path
from typing import Any

from genlab.evaluation import writing
from genlab.evaluation.checking import expect_checkable
from genlab.evaluation.roles import CHECKER, checker_of
from genlab.grading import prompts
from genlab.skills.combinations import check_k, draw
from genlab.skills.pack import Pack, load
from genlab.skills.split import HeldOut, hold_out
from genlab.skillworld.skills import HELD_OUT

OWN = "teacher/skillworld"  # skillworld's teacher, where a teacher's name stands: exact and free
SPLIT_SEED = 0  # of which topics are held out, as in the study skill_composition: the same whatever the seed


@dataclass(frozen=True)
class Recipe:
    """Texts of full marks, for random combinations of a pack's training skills and topics.

    Attributes:
        pack: a shipped pack, or a file of yours.
        held: categories whose skills are held out; None holds out those of the study for skillworld, and none for other packs.
        held_topics: share of topics held out.
        k: skills a text.
        n: texts of each k.
        seed: of the combinations.
        teacher: an Inspect model; "" is skillworld's own teacher, which other packs do not have.
        grader: an Inspect model; "" is the pack's exact checker, which grades alone where there is one.
        gradings: independent gradings a text by a model, decided by majority.
        generations: texts that a model writes for each combination.
        max_tries: texts asked for at most, for each one that is wanted; our assumption.
        inspect: options of Inspect's eval-set and of the teacher's generation, such as ``temperature=0.7``.
        grading: options of the grader's generation.
        max_cost: dollars that all calls together may cost, the grader's too; wants ``prices``.
        prices: YAML file of dollars a million tokens, by model.
        lost: whether others may take the place of texts that got no answer; otherwise the run stops, and goes on with the same
            command.
    """

    pack: str = "skillworld"
    held: tuple[str, ...] | None = None
    held_topics: float = 0.3
    k: tuple[int, ...] = (1, 2, 3)
    n: int = 100
    seed: int = 0
    teacher: str = ""
    grader: str = ""
    gradings: int = 3
    generations: int = 1
    max_tries: float = 10.0
    inspect: tuple[str, ...] = ()
    grading: tuple[str, ...] = ()
    max_cost: float | None = None
    prices: str | None = None
    lost: bool = False

    def __post_init__(self) -> None:
        for name in ("n", "gradings", "generations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, got {getattr(self, name)}")
        if not self.k or min(self.k) < 1 or len(set(self.k)) < len(self.k):
            raise ValueError(f"k names different numbers from 1, such as 1,2,3; got {', '.join(map(str, self.k)) or 'none'}")
        if not self.max_tries >= 1:
            raise ValueError(f"max_tries is at least 1 text for each that is wanted, got {self.max_tries:g}")
        if self.max_cost is not None and not self.max_cost > 0:
            raise ValueError(f"max_cost is above 0 dollars, got {self.max_cost:g}")
        if self.max_cost is not None and self.prices is None:
            raise ValueError("max_cost wants prices: a YAML file of dollars a million tokens for teacher and grader")

    @property
    def most(self) -> int:
        """Texts of each k that are asked for at most."""
        return ceil(self.max_tries * self.n)

    def command(self, out: Path) -> str:
        """The command that makes these texts again."""
        words = ["genlab", "data", "skill-texts", "--out", str(out)]
        for each in fields(self):
            value, flag = getattr(self, each.name), f"--{each.name.replace('_', '-')}"
            if value == each.default:
                continue
            if each.name == "k":
                words += ["-k", ",".join(map(str, value))]
            elif isinstance(value, bool):
                words.append(flag)
            elif isinstance(value, tuple):
                words += [word for one in (value or ("none",)) for word in (flag, one)]
            else:
                words += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
        return shlex.join(words)


@dataclass(frozen=True)
class Plan:
    """A recipe with the names in it looked up.

    Attributes:
        recipe: as it was given.
        whole: the pack.
        split: its parts; texts are of ``split.train``.
        teacher, grader: their names as they stand in the data.
    """

    recipe: Recipe
    whole: Pack
    split: HeldOut
    teacher: str
    grader: str

    @property
    def own(self) -> bool:
        """Whether skillworld's own teacher writes."""
        return self.teacher == OWN

    @property
    def models(self) -> tuple[str, ...]:
        """The Inspect models that will be asked: the teacher, then the grader."""
        return tuple(each for each in (self.teacher, self.grader) if each != OWN and not each.startswith(CHECKER))

    @property
    def facts(self) -> dict[str, Any]:
        """What the texts stand on, as JSON: a run goes on where they are the same."""
        from genlab.evaluation.options import parse, saying

        recipe = self.recipe
        return {
            "pack": {"name": self.whole.name, "version": self.whole.version, "digest": self.whole.digest},
            "training part": self.split.train.digest,
            "seed": recipe.seed,
            "teacher": self.teacher,
            "grader": self.grader,
            "gradings": recipe.gradings if self.grader in self.models else 1,
            "generations": recipe.generations,
            "teacher options": saying(parse(recipe.inspect)) if recipe.inspect else {},
            "grader options": saying(parse(recipe.grading, graders=True)) if recipe.grading else {},
            "prompts": {
                "student": writing.digest(self.whole.manner),
                "grader": prompts.digest() if self.grader in self.models else "none",
            },
        }


def plan(recipe: Recipe) -> Plan:
    """Look up what a recipe names. Nothing is asked and nothing is written.

    Raises:
        ValueError: what does not go together or is not there, and what to type.
    """
    pack = load(recipe.pack)
    expect_checkable(pack, "strict")
    if pack.checker and recipe.grader not in ("", checker_of(pack)):
        raise ValueError(f"pack {recipe.pack} is graded exactly, by {checker_of(pack)}: leave grader out")
    if not pack.checker and ("/" not in recipe.grader or recipe.grader.startswith(CHECKER)):
        raise ValueError(f"pack {recipe.pack} is graded by a model: name one, such as --grader openai/gpt-4o")
    own = recipe.teacher in ("", OWN)
    if own and (pack.checker != "skillworld" or pack.manner != "brief"):
        raise ValueError(f"pack {recipe.pack} has no teacher of its own: name a model, such as --teacher openai/gpt-4o")
    if not own and "/" not in recipe.teacher:
        raise ValueError(f"a teacher is named provider/name, such as openai/gpt-4o; got {recipe.teacher!r}")
    held = recipe.held if recipe.held is not None else HELD_OUT if pack.checker == "skillworld" else ()
    found = Plan(
        recipe,
        pack,
        hold_out(pack, categories=held, topics=recipe.held_topics, seed=SPLIT_SEED),
        OWN if own else recipe.teacher,
        checker_of(pack) or recipe.grader,
    )
    for k in recipe.k:
        check_k(found.split.train, k)
        if not own:
            draw(found.split.train, k, 1, seed=recipe.seed)
    _check_asking(found)
    return found


def _check_asking(plan: Plan) -> None:
    """Check everything that only models need.

    Raises:
        ValueError: options, prices or models that will not do, or such things where no model is asked.
    """
    recipe = plan.recipe
    if plan.own:
        given = [
            each.name
            for each in fields(recipe)
            if each.name in ("generations", "inspect", "grading", "max_cost", "prices", "lost")
            and getattr(recipe, each.name) != each.default
        ]
        if given:
            raise ValueError(f"{', '.join(given)} is for models that are asked, and {OWN} is none: leave it out")
        return
    import importlib.util

    if importlib.util.find_spec("inspect_ai") is None:
        raise ValueError("a teacher that is a model is asked through Inspect. Install it: pip install 'genlab[llm]'")
    if recipe.grading and plan.grader not in plan.models:
        raise ValueError(f"grading holds options of a grader that is a model, and {plan.grader} is none: leave it out")
    from genlab.evaluation.options import parse

    parse(recipe.inspect), parse(recipe.grading, graders=True)
    if recipe.prices:
        from genlab.evaluation.budget import rates

        priced = rates(recipe.prices)
        if recipe.max_cost is not None and (unknown := sorted(set(plan.models) - priced.keys())):
            raise ValueError(f"max_cost wants a price for every model, and {recipe.prices} has none for {', '.join(unknown)}")


def expect_reachable(models: Sequence[str]) -> None:
    """Have Inspect make the models, which finds missing packages and keys; nothing is asked of them.

    Raises:
        ValueError: it cannot.
    """
    if not models:
        return
    from inspect_ai.model import get_model

    for model in models:
        try:
            get_model(model)
        except Exception as error:
            why = re.sub(r"\[/?[a-z ]+\]", "", " ".join(str(error).split())).removeprefix("ERROR: ")
            raise ValueError(f"Inspect cannot reach {model}: {why}") from error


def differences(known: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What two runs' facts differ in, in words."""
    return [f"{name} was {known.get(name)}, now {now.get(name)}" for name in now if known.get(name) != now.get(name)]
