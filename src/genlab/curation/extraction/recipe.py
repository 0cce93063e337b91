"""What skills are extracted from, by whom and how many: checked before anything is written or paid for."""

from dataclasses import dataclass, fields
from math import isnan
from typing import Any

from genlab.curation.extraction import cleaning, prompts
from genlab.curation.extraction.requests import digest
from genlab.curation.recipe import OWN

DOMAIN = "instruction following"  # Instruct-SkillMix, 2408.14774: its title's field
ASKED = ("tries", "inspect", "max_cost", "prices", "topics", "per_topic", "query_types", "near", "embedding")  # of a model only
AGNOSTIC = ("domain", "rounds")
DEPENDENT = ("examples", "distance")
LATER = ("rounds", "examples", "topics", "per_topic", "query_types", "near", "distance", "embedding")  # may change on the way


@dataclass(frozen=True)
class Recipe:
    """How skills are extracted.

    Attributes:
        data: seed data, as ``genlab.finetuning.conversations.read`` takes them; "" asks the teacher alone.
        domain: the field whose skills are asked for without seed data; "" is ``DOMAIN``.
        teacher: an Inspect model; "" is skillworld's own: no model, exact and free.
        topics: of the pack, at most.
        per_topic: skills of a topic, at most.
        query_types: of the pack, at most; 16 in the list that Instruct-SkillMix released for GPT-4-Turbo.
        rounds: in which a list is asked for, at most; our assumption.
        examples: seed examples that are labelled, at most.
        distance: cosine distance beyond which two clusters of labels are not joined; our assumption.
        near: cosine from which two names with their definitions are duplicates.
        embedding: "" is the built-in; otherwise a sentence-transformers model, by name or folder.
        tries: replies asked for at most, until one can be read; our assumption: of 5 that fail in 30% of cases, all do in 0.2%.
        seed: of the order of sides that rounds look from, and of the draw of examples.
        inspect: options of Inspect's eval-set and of the teacher's generation, such as ``temperature=0.7``.
        max_cost: dollars that all calls together may cost; wants ``prices``.
        prices: YAML file of dollars a million tokens, by model.
    """

    data: str = ""
    domain: str = ""
    teacher: str = ""
    topics: int = 24
    per_topic: int = 20
    query_types: int = 16
    rounds: int = 6
    examples: int = 200
    distance: float = 0.5
    near: float = cleaning.NEAR
    embedding: str = ""
    tries: int = 5
    seed: int = 0
    inspect: tuple[str, ...] = ()
    max_cost: float | None = None
    prices: str | None = None

    def __post_init__(self) -> None:
        for name in ("topics", "per_topic", "query_types", "rounds", "examples", "tries"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, got {getattr(self, name)}")
        for name, most in (("near", 1.0), ("distance", 2.0)):
            value = getattr(self, name)
            if isnan(value) or not 0 < value <= most:
                raise ValueError(f"{name} is above 0 and at most {most:g}, got {value:g}")
        if self.domain and not self.domain.strip():
            raise ValueError("domain is empty: name a field, such as --domain 'instruction following'")
        if self.max_cost is not None and not self.max_cost > 0:
            raise ValueError(f"max_cost is above 0 dollars, got {self.max_cost:g}")
        if self.max_cost is not None and self.prices is None:
            raise ValueError("max_cost wants prices: a YAML file of dollars a million tokens for the teacher")
        self._expect_used()

    @property
    def own(self) -> bool:
        """Whether no model is asked."""
        return self.teacher in ("", OWN)

    @property
    def field(self) -> str:
        """The domain in words."""
        return " ".join((self.domain or DOMAIN).split())

    @property
    def facts(self) -> dict[str, Any]:
        """What replies stand on, as JSON: a run goes on where they are the same."""
        from genlab.evaluation.options import parse, saying

        return {
            "data": self.data,
            "domain": "" if self.data or self.own else self.field,
            "teacher": OWN if self.own else self.teacher,
            "teacher options": saying(parse(self.inspect)) if self.inspect else {},
            "seed": self.seed,
            "prompts": "none" if self.own else prompts.digest(),
        }

    @property
    def size(self) -> dict[str, Any]:
        """What may change while a run goes on, and not once it is finished."""
        return {name: getattr(self, name) for name in LATER}

    @property
    def digest(self) -> str:
        """Eight hex digits of all that the pack stands on, beside what the teacher happens to say; no date is in it."""
        return digest({**self.facts, **self.size})

    def _expect_used(self) -> None:
        """Every field that is set is used.

        Raises:
            ValueError: which is not, and why.
        """
        unused = {name: "for skills that are asked for without seed data" for name in AGNOSTIC if self.data}
        unused |= {name: "for seed data, and none are given" for name in DEPENDENT if not self.data}
        if self.own:
            unused |= dict.fromkeys((*ASKED, *AGNOSTIC, "distance"), f"for a teacher that is a model, and {OWN} is none")
        for each in fields(self):
            if each.name in unused and getattr(self, each.name) != each.default:
                raise ValueError(f"{each.name} is {unused[each.name]}: leave it out")
        if not self.own and "/" not in self.teacher:
            raise ValueError(f"a teacher is named provider/name, such as openai/gpt-4o; got {self.teacher!r}")


def expect_askable(recipe: Recipe) -> None:
    """Check packages, options, prices and the embedding's model; nothing is asked of the teacher.

    Raises:
        ValueError: what will not do, and what to type.
    """
    import importlib.util

    if recipe.own:
        return
    for package, extra in (("inspect_ai", "llm"), ("sklearn", "train")):
        if importlib.util.find_spec(package) is None:
            raise ValueError(f"a teacher that is a model wants {package}. Install it: pip install 'genlab[{extra}]'")
    from genlab.evaluation.options import parse

    parse(recipe.inspect)
    if recipe.embedding:
        from genlab.curation.embedding import embed

        embed(["loads"], recipe.embedding)
    if recipe.prices:
        from genlab.evaluation.budget import rates

        if recipe.max_cost is not None and recipe.teacher not in rates(recipe.prices):
            raise ValueError(f"max_cost wants a price for {recipe.teacher}, and {recipe.prices} has none")
