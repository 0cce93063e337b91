"""What instructions are asked for, and of whom: checked before anything is written or paid for."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import ceil
from pathlib import Path
from typing import Any

from genlab.curation.instructions import embedded, prompts
from genlab.curation.instructions.benchmarks import Benchmark
from genlab.curation.instructions.embedded import OWN, Format
from genlab.curation.instructions.items import check
from genlab.curation.instructions.kinds import query_types
from genlab.curation.instructions.sifting import NEAR
from genlab.skills.pack import Pack, load
from genlab.skills.skill import QueryType

FORMATS: tuple[Format, ...] = ("conversational", "alpaca")
PACK, K = "skillworld", 2
ASKED_ONLY = ("inspect", "max_cost", "prices", "lost", "named")  # fields that are for models that are asked


@dataclass(frozen=True)
class Recipe:
    """Instructions for random skills of a pack, with their answers.

    Attributes:
        pack: a shipped pack, or a file of yours. Its query types are used, or general ones where it has none.
        k: skills an instruction.
        n: instructions.
        seed: of skills, query types and topics.
        teacher: an Inspect model; "" is skillworld's own teacher, which other packs do not have.
        naive: no skills: the teacher alone chooses what is asked and answered, the baseline of skill mixing.
        named: whether an instruction may name its skills; packs that ask briefly may anyway.
        inspect: options of Inspect's eval-set and of the teacher's generation, such as ``temperature=0.7``.
        max_cost: dollars that all calls together may cost; wants ``prices``.
        prices: YAML file of dollars a million tokens, by model.
        max_tries: items asked for at most, for each instruction that is wanted; our assumption.
        format: conversational (``messages``) or alpaca (``instruction``, ``input``, ``output``).
        decontaminate: benchmarks that it will be judged on: files, folders of ``save_to_disk`` or names on the hub.
        near: cosine from which two instructions count as one; None is 0.9, and for skillworld's own teacher exact equality only,
            whose queries are alike by design.
        embedder: "" is the built-in embedding, else a sentence-transformers model.
        lost: whether others may take the place of items that got no answer; otherwise the run stops, and goes on with the same
            command.
    """

    pack: str = PACK
    k: int = K
    n: int = 100
    seed: int = 0
    teacher: str = ""
    naive: bool = False
    named: bool = False
    inspect: tuple[str, ...] = ()
    max_cost: float | None = None
    prices: str | None = None
    max_tries: float = 5.0
    format: Format = "conversational"
    decontaminate: tuple[str, ...] = ()
    near: float | None = None
    embedder: str = ""
    lost: bool = False

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"max-examples (n) is at least 1, got {self.n}")
        if self.k < 1:
            raise ValueError(f"k is at least 1 skill, got {self.k}; for none at all: naive")
        if self.naive and self.k != K:
            raise ValueError(f"naive lets the teacher choose what is asked, and takes no k (got {self.k}): leave it out")
        if not self.max_tries >= 1:
            raise ValueError(f"max_tries is at least 1 item for each that is wanted, got {self.max_tries:g}")
        if self.max_cost is not None and not self.max_cost > 0:
            raise ValueError(f"max_cost is above 0 dollars, got {self.max_cost:g}")
        if self.max_cost is not None and self.prices is None:
            raise ValueError("max_cost wants prices: a YAML file of dollars a million tokens for the teacher")
        if self.format not in FORMATS:
            raise ValueError(f"format is {' or '.join(FORMATS)}, got {self.format!r}")
        if self.near is not None and not 0 < self.near <= 1:
            raise ValueError(f"near is a cosine above 0 and at most 1, which keeps all but equal ones, got {self.near:g}")

    @property
    def most(self) -> int:
        """Items that are asked for at most."""
        return ceil(self.max_tries * self.n)

    def command(self, out: Path) -> str:
        """The command that makes these instructions again."""
        words = ["genlab", "data", "instruct", "--out", str(out)]
        flags = {"k": "-k", "n": "--max-examples"}
        for each in fields(self):
            value, flag = getattr(self, each.name), flags.get(each.name, f"--{each.name.replace('_', '-')}")
            if value == each.default:
                continue
            if isinstance(value, bool):
                words.append(flag)
            elif isinstance(value, tuple):
                words += [word for one in value for word in (flag, one)]
            else:
                words += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
        return shlex.join(words)


@dataclass(frozen=True)
class Plan:
    """A recipe with the names in it looked up.

    Attributes:
        recipe: as it was given.
        whole: the pack with its query types; None where a model chooses by itself.
        types: the query types; none where a model chooses by itself.
        teacher: its name as it stands in the data.
        benchmarks: what the instructions may not repeat.
    """

    recipe: Recipe
    whole: Pack | None
    types: tuple[QueryType, ...]
    teacher: str
    benchmarks: tuple[Benchmark, ...]

    @property
    def own(self) -> bool:
        """Whether skillworld's own teacher writes."""
        return self.teacher == OWN

    @property
    def models(self) -> tuple[str, ...]:
        """The Inspect models that will be asked."""
        return () if self.own else (self.teacher,)

    @property
    def named(self) -> bool:
        """Whether an instruction may name its skills."""
        return self.recipe.named or self.whole is None or self.whole.manner == "brief"

    @property
    def near(self) -> float | None:
        """The cosine from which two instructions count as one, None where only equal ones do."""
        return self.recipe.near if self.recipe.near is not None else None if self.own else NEAR

    @property
    def facts(self) -> dict[str, Any]:
        """What the instructions stand on, as JSON: a run goes on where they are the same."""
        from genlab.evaluation.options import parse, saying

        recipe, pack = self.recipe, self.whole
        return {
            "pack": {"name": pack.name, "version": pack.version, "digest": pack.digest} if pack else None,
            "k": recipe.k,
            "naive": recipe.naive,
            "named": self.named,
            "seed": recipe.seed,
            "teacher": self.teacher,
            "teacher options": saying(parse(recipe.inspect)) if recipe.inspect else {},
            "prompts": "none" if self.own else prompts.digest(naive=recipe.naive),
            "format": recipe.format,
            "near": self.near,
            "embedder": recipe.embedder,
            "decontaminate": [{"name": each.name, "texts": len(each.texts), "digest": each.digest} for each in self.benchmarks],
        }


def plan(recipe: Recipe) -> Plan:
    """Look up what a recipe names. Nothing is asked and nothing is written; benchmarks are read.

    Raises:
        ValueError: what does not go together or is not there, and what to type.
    """
    from genlab.curation.instructions.benchmarks import read

    own = recipe.teacher in ("", OWN)
    if not own and ("/" not in recipe.teacher or recipe.teacher.startswith("teacher/")):
        raise ValueError(f"a teacher is named provider/name, such as openai/gpt-4o; got {recipe.teacher!r}")
    alone = recipe.naive and not own
    if alone and recipe.pack != PACK:
        raise ValueError(f"naive asks for no skills, and pack {recipe.pack} would not be used: leave it out")
    pack = None if alone else load(recipe.pack)
    types = tuple(query_types(pack)) if pack else ()
    if pack is not None:
        check(pack, recipe.k)
        pack = replace(pack, query_types=types)
    if own:
        assert pack is not None
        embedded.expect(pack, recipe.k, naive=recipe.naive)
    _check_asking(recipe, own)
    if recipe.embedder:
        from genlab.curation.embedding import embed

        embed(["a text"], recipe.embedder)
    return Plan(recipe, pack, types, OWN if own else recipe.teacher, tuple(map(read, recipe.decontaminate)))


def _check_asking(recipe: Recipe, own: bool) -> None:
    """Check everything that only models need.

    Raises:
        ValueError: options or prices that will not do, or such things where no model is asked.
    """
    if own:
        defaults = {each.name: each.default for each in fields(recipe)}
        if given := [name for name in ASKED_ONLY if getattr(recipe, name) != defaults[name]]:
            raise ValueError(f"{', '.join(given)} is for models that are asked, and {OWN} is none: leave it out")
        return
    import importlib.util

    if importlib.util.find_spec("inspect_ai") is None:
        raise ValueError("a teacher that is a model is asked through Inspect. Install it: pip install 'genlab[llm]'")
    from genlab.evaluation.options import parse

    parse(recipe.inspect)
    if recipe.prices:
        from genlab.evaluation.budget import rates

        priced = rates(recipe.prices)
        if recipe.max_cost is not None and recipe.teacher not in priced:
            raise ValueError(f"max_cost wants a price for {recipe.teacher}, and {recipe.prices} has none")


def shown(types: Sequence[QueryType]) -> str:
    """Query types in a line."""
    return ", ".join(each.name for each in types)
