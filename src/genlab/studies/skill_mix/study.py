"""Skill-Mix (Yu, Kaur, Gupta, Brown-Cohen, Goyal, Arora 2023): what is varied, and the conditions that follow.

A condition is one student at one k, before one panel of graders, on the first n combinations of a seed. It is an Inspect
evaluation: its logs lie beside its records, and whatever Inspect can do with a log can be done with them.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, ClassVar, Literal

from genlab.grading.graded import GradedText
from genlab.results.claims import Claim
from genlab.results.exhibits import Passages, Table
from genlab.results.figures import Figure
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.skills.pack import Pack
from genlab.studies.study import Advance, Condition, Price, Study

SCRIPTED = "scripted/"  # models of this provider are scripts: their numbers are plumbing
STUDENT = ("batched/skillworld",)  # where none is named: it ships with genlab, and knows one language
GRADER = ("scripted/grader",)  # where none is named and the pack has no exact checker


@dataclass(frozen=True)
class SkillMix(Study):
    """A grid: every student at every k, for each seed.

    Attributes:
        student: Inspect models (openai/..., anthropic/..., hf/..., openai-api/local/...), each evaluated. The default ships with
            genlab: it knows one formal language, and answers at once.
        grader: Inspect models that grade side by side; the first one's grades are the score. A pack with an exact checker
            (skillworld) is graded by that, checker/skillworld, first; where no grader is named, by that alone.
        k: skills a text.
        pack: english, code_review, mathematics, skillworld, or a file of yours; None is english, and skillworld for the student
            that ships with genlab.
        n: combinations; ``generations`` texts each (G), ``gradings`` independent gradings a text (R); None is 3, and 1 for the
            student that ships with genlab, which is asked at temperature 0 unless ``inspect`` says another.
        mode: strict, or paper: parsed and scored as the official code does.
        controls: planted texts graded along, which measure the graders.
        uncommon: leave out skills that the pack says stand in 5% of texts or more, drawing others in their place.
        seeds: how many, from 0; a seed draws other combinations.
        stop: no; width (when full marks are known to plus or minus ``width``); apart (when student and ``against`` are told
            apart, or known to differ by less than ``width``). Looks come every ``look`` combinations, up to ``n``; 114 of them
            are enough for plus or minus 0.1 whatever the ratio.
        against: a second student on the same combinations, for stop=apart.
        inspect: options of Inspect's eval-set and of the students' generation, such as max_connections=64,temperature=0.7.
        grading: options of the graders' generation, such as temperature=0.
        max_cost: dollars that all calls of all conditions in the store may cost together, the graders' too; ``prices`` is the
            YAML file of dollars a million tokens that it reckons with.
        processes: over how many processes a condition's combinations are shared.
        cache: keep every reply in Inspect's cache, so that a killed run pays for none twice.
        lost: whether a condition may end with texts that got no answer; otherwise it fails, and running again asks for those.

    ``max_cost``, ``prices``, ``processes``, ``cache``, ``lost``, ``store`` and those Inspect options that only say how a model is
    reached do not change what a condition is.
    """

    name: ClassVar[str] = "skill_mix"
    title: ClassVar[str] = "Skill-Mix: can a model combine k random skills on a random topic in one short text?"
    paper: ClassVar[str] = (
        "Yu, Kaur, Gupta, Brown-Cohen, Goyal, Arora: Skill-Mix: a Flexible and Expandable Family of Evaluations for AI models, "
        "ICLR 2024, arXiv:2310.17567"
    )
    bibtex: ClassVar[str] = """@inproceedings{yu2024skillmix,
  title     = {Skill-Mix: a Flexible and Expandable Family of Evaluations for {AI} models},
  author    = {Yu, Dingli and Kaur, Simran and Gupta, Arushi and Brown-Cohen, Jonah and Goyal, Anirudh and Arora, Sanjeev},
  booktitle = {International Conference on Learning Representations},
  year      = {2024},
  note      = {arXiv:2310.17567}
}"""
    record: ClassVar[type] = GradedText
    preload: ClassVar[tuple[str, ...]] = ("genlab.evaluation.task", "genlab.studies.skill_mix.method")
    computes: ClassVar[bool] = False
    intervals: ClassVar[str] = (
        "Ours is the mean with its 95% interval from a bootstrap over combinations: texts of one combination are not independent."
    )

    student: tuple[str, ...] = STUDENT
    grader: tuple[str, ...] = GRADER
    k: tuple[int, ...] = (2, 3, 4)
    pack: str | None = None
    n: int = 100
    generations: int | None = None
    gradings: int | None = None
    mode: Literal["strict", "paper"] = "strict"
    controls: int = 12
    uncommon: bool = False
    seeds: int = 1
    stop: Literal["no", "width", "apart"] = "no"
    width: float = 0.1
    look: int = 10
    against: str | None = None
    inspect: tuple[str, ...] = ()
    grading: tuple[str, ...] = ()
    max_cost: float | None = None
    prices: str | None = None
    processes: int = 1
    cache: bool = True
    lost: bool = False
    store: str = field(default="", init=True, repr=False)  # set by genlab when it runs

    def __post_init__(self) -> None:
        for name in ("n", "generations", "gradings", "seeds", "look", "processes"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, got {getattr(self, name)}")
        if self.controls < 0:
            raise ValueError(f"controls is at least 0, got {self.controls}")
        for name in ("student", "grader", "k"):
            if not getattr(self, name):
                raise ValueError(f"{name} names at least one, got none")
        if min(self.k) < 1:
            raise ValueError(f"k is at least 1, got {min(self.k)}")
        for name in (*self.student, *self.grader, *([self.against] if self.against else [])):
            provider, _, model = name.partition("/")  # the model may be a path, also an absolute one
            if not provider.strip() or not model.strip():
                raise ValueError(f"a model is named provider/name, such as openai/gpt-4o or scripted/student; got {name!r}")
        if len(set(self.grader)) < len(self.grader):
            raise ValueError(f"graders side by side are different models, got {', '.join(self.grader)}")
        if (self.stop == "apart") != (self.against is not None):
            raise ValueError("stop=apart and against=MODEL go together: the run stops when student and against are told apart")
        if self.against in self.student:
            raise ValueError(f"student and against are one model, {self.against}: it cannot be told apart from itself")
        if not 0 < self.width < 1:
            raise ValueError(f"width is that of an interval of a ratio, between 0 and 1; got {self.width}")
        if self.max_cost is not None and not self.max_cost > 0:
            raise ValueError(f"max_cost is above 0 dollars, got {self.max_cost:g}")
        if self.max_cost is not None and self.prices is None:
            raise ValueError("max_cost wants prices=FILE: a YAML file of dollars a million tokens for every model of the run")

    @property
    def embedded(self) -> bool:
        """Whether the only student is the one that ships with genlab, and nothing that is asked costs anything."""
        return self.student == STUDENT and self.against is None

    def resolved(self) -> "SkillMix":
        """This study with what was left open filled in, by who is asked."""
        usual = 1 if self.embedded else 3  # greedy texts and exact gradings are the same each time
        return replace(
            self,
            pack=self.pack or ("skillworld" if self.embedded else "english"),
            generations=self.generations or usual,
            gradings=self.gradings or usual,
        )

    def options(self) -> dict[str, Any]:
        """Options of Inspect's eval-set and of the students' generation."""
        from genlab.evaluation.options import parse

        return self.greedy() | parse(self.inspect)

    def greedy(self) -> dict[str, Any]:
        """What the shipped student is asked with where nothing is said; nothing for others."""
        return {"temperature": 0} if self.embedded else {}

    def conditions(self) -> Sequence[Condition]:
        """One a student, k and seed.

        Raises:
            ValueError: no such pack or option, or graders that do not go with the pack.
        """
        return self.resolved()._grid()

    def _grid(self) -> Sequence[Condition]:
        from genlab.evaluation.checking import expect_checkable
        from genlab.evaluation.options import parse, saying
        from genlab.skills.pack import load

        options, grading = self.greedy() | saying(parse(self.inspect)), saying(parse(self.grading, graders=True))
        pack = load(self.pack or "english")
        expect_checkable(pack, self.mode)
        graders = self.graders(pack)
        return [
            self.condition(
                student=student,
                grader=list(graders),
                k=k,
                pack=self.pack,
                pack_digest=pack.digest,
                seed=seed,
                n=self.n,
                generations=self.generations,
                gradings=self.gradings,
                mode=self.mode,
                controls=self.controls,
                uncommon=self.uncommon,
                stop=self.stop,
                width=self.width if self.stop != "no" else None,
                look=self.look if self.stop != "no" else None,
                against=self.against,
                inspect=options,
                grading=grading,
            )
            for student, k, seed in product(self.student, self.k, range(self.seeds))
        ]

    def graders(self, pack: Pack) -> tuple[str, ...]:
        """Who grades texts of this pack: its exact checker before all others, if it has one.

        Raises:
            ValueError: graders are named, and the pack's checker is not the first of them; a checker that is not the pack's; or
                ``grading`` has options and no model grades.
        """
        from genlab.evaluation.roles import checker_of, models_among

        exact = checker_of(pack)
        named = (exact,) if exact and self.grader == GRADER else self.grader
        models = models_among(named)
        if exact and named != (exact, *models):
            raise ValueError(
                f"pack {self.pack} is graded exactly, by {exact}, before any model: set grader={','.join((exact, *models))}, or "
                "another pack, such as pack=english"
            )
        if not exact and len(models) < len(named):
            raise ValueError(
                f"pack {self.pack} has no exact checker, and grader names {', '.join(sorted({*named} - {*models}))}: "
                "name models, such as grader=openai/gpt-4o, or set pack=skillworld"
            )
        if self.grading and not models:
            raise ValueError(f"grading holds options of graders that are models, and {exact} is none: leave grading out")
        return named

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        """Evaluate one student at one k."""
        from genlab.studies.skill_mix.method import evaluate

        return evaluate(self.resolved(), settings)

    def keeping_in(self, store: str) -> "SkillMix":
        """Inspect's logs go to their condition's folder there, and the ledger of ``max_cost`` beside the conditions."""
        return replace(self, store=store)

    def ready(self, settings: Mapping[str, Any]) -> None:
        """Check pack, k and n, the prices, and that Inspect is installed and knows the models' providers."""
        from genlab.studies.skill_mix.method import check

        check(self.resolved(), settings)

    def price(self, settings: Mapping[str, Any], device: str) -> Price:
        """Calls and tokens from the very prompts, and dollars where there are prices."""
        from genlab.studies.skill_mix.price import price

        return price(self.resolved(), settings)

    @classmethod
    def label(cls, settings: Mapping[str, Any]) -> str:
        """For instance ``openai/gpt-4o k=3 english seed 0``."""
        return f"{setting(settings)} seed {settings['seed']}"

    @classmethod
    def claims(cls) -> Sequence[Claim]:
        """C1 to C3."""
        from genlab.studies.skill_mix.claims import CLAIMS

        return CLAIMS

    @classmethod
    def numbers(cls, runs: Sequence[Run]) -> Sequence[str]:
        """One line a student, k and grader: full marks with their interval, and what has no grade."""
        from genlab.studies.skill_mix.remarks import numbers

        return numbers(runs)

    @classmethod
    def figures(cls, runs: Sequence[Run]) -> Sequence[Figure]:
        """Scores over k beside the published rows, and by category."""
        from genlab.studies.skill_mix.figures import figures

        return figures(runs)

    @classmethod
    def tables(cls, runs: Sequence[Run]) -> Sequence[Table]:
        """Scores, comparisons, what the graders are worth, money, the published rows."""
        from genlab.studies.skill_mix.tables import tables

        return tables(runs)

    @classmethod
    def passages(cls, runs: Sequence[Run]) -> Sequence[Passages]:
        """Ten texts with their grades."""
        from genlab.studies.skill_mix.examples import examples

        return examples(runs)

    @classmethod
    def remarks(cls, runs: Sequence[Run]) -> Sequence[str]:
        """What a reader must know first: plumbing, texts without a grade, other packs than the paper's."""
        from genlab.studies.skill_mix.remarks import remarks

        return remarks(runs)


def setting(settings: Mapping[str, Any]) -> str:
    """A condition in words, without its seed."""
    against = f" against {settings['against']}" if settings["against"] else ""
    mode = "" if settings["mode"] == "strict" else f" {settings['mode']}"
    return f"{settings['student']}{against} k={settings['k']} {settings['pack']}{mode}"


def scripted(settings: Mapping[str, Any]) -> bool:
    """Whether a script stands where a model should: such numbers test the plumbing and are no finding."""
    return any(name.startswith(SCRIPTED) for name in (settings["student"], *settings["grader"], settings["against"] or ""))


def mini() -> tuple[SkillMix, ...]:
    """Without a student named: the one that ships with genlab, in its own language, before an exact checker; under a minute."""
    return (SkillMix(),)


def paper() -> tuple[SkillMix, ...]:
    """The paper's protocol: 100 combinations, three texts each, three gradings each, k from 2 to 6; name student and grader.

    Its own students and its grader (GPT-4 of 2023) are gone; so are nine tenths of its skills. The numbers are not comparable.
    """
    return (SkillMix(k=(2, 3, 4, 5, 6), n=100, uncommon=True),)


PRESETS = {"mini": mini, "paper": paper}
