"""Instruct-SkillMix (Kaur, Park, Goyal, Arora 2024): what is varied, and the conditions that follow.

A condition is one student: a base fine-tuned on one data set of instructions and answers, or the base as it is. It answers
instructions that it was not trained on, and a judge compares its answers with a reference's.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from genlab.results.claims import Claim
from genlab.results.exhibits import Passages, Table
from genlab.results.figures import Figure
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.studies.instruct_skillmix.record import Answered
from genlab.studies.study import Advance, Condition, Price, Study

SOURCES = ("base", "SDA", "SDD", "naive")
SHIRKERS = ("none", "brevity", "junk")


@dataclass(frozen=True)
class InstructSkillMix(Study):
    """A grid: every source, k, size, kind and share of shirkers, for each seed.

    Attributes:
        source: where the data's skills come from. SDA (seed-dataset agnostic): the teacher is asked for them. SDD (seed-dataset
            dependent): those behind the examples of a data set. naive: no skills, the teacher alone chooses what to ask. base:
            no fine-tuning.
        k: skills an instruction; of no meaning for naive and base.
        n: examples to fine-tune on.
        shirkers: none, brevity or junk: answers planted in a ``share`` of the examples, at random.
        share: of shirkers; of no meaning for none.
        base: the model to start from: skillworld-base (ships with genlab), a Hugging Face folder or a name on the hub.
        data: None is the embedded world, skillworld, whose teacher and judge are programs. Else a folder of data sets of
            ``genlab data instruct``: SDA-k2, SDA-k1, SDD-k2, naive, held-out, and for shirkers SDA-k2-brevity and SDA-k2-junk.
        seed_examples: conversations of the data set that SDD extracts skills from, in the embedded world.
        epochs, batch, step_size: of the fine-tuning (all weights, AdamW, cosine to 0, warm-up 3%). After each epoch the student
            answers ``held_out`` instructions of its own data's kind before a judge that is not the final one; the best epoch
            is evaluated.
        held_out: instructions for choosing the epoch.
        questions: instructions of each k of ``asked`` that the final judge sees; of a benchmark, 0 for all.
        asked: skills an instruction of the evaluation, in the embedded world.
        temperature: of all answers. The paper's, for AlpacaEval: 0.9.
        benchmark: for models: the user's AlpacaEval questions with a reference's answers, as ``genlab/alpaca_eval`` reads them.
        judge: for models: the final judge, an Inspect model.
        choosing_judge: for models: who chooses the epoch, another Inspect model.
        max_cost: for models: dollars that all judges' calls of all conditions in the store may cost together; wants ``prices``.
        prices: YAML file of dollars a million tokens, by model. Neither is part of what a condition is.
        seeds: how many, from 0. In the embedded world a seed draws data, their order, and the instructions of the evaluation.
        store: set by genlab when it runs.
    """

    name: ClassVar[str] = "instruct_skillmix"
    title: ClassVar[str] = "Instruct-SkillMix: what do instruction data made from random skills teach, and what spoils them?"
    paper: ClassVar[str] = (
        "Kaur, Park, Goyal, Arora: Instruct-SkillMix: A Powerful Pipeline for LLM Instruction Tuning, ICLR 2025, arXiv:2408.14774"
    )
    bibtex: ClassVar[str] = """@inproceedings{kaur2025instruct,
  title     = {Instruct-SkillMix: A Powerful Pipeline for {LLM} Instruction Tuning},
  author    = {Kaur, Simran and Park, Simon and Goyal, Anirudh and Arora, Sanjeev},
  booktitle = {International Conference on Learning Representations},
  year      = {2025},
  note      = {arXiv:2408.14774}
}"""
    record: ClassVar[type] = Answered
    preload: ClassVar[tuple[str, ...]] = ("genlab.studies.instruct_skillmix.method", "genlab.finetuning.run")
    intervals: ClassVar[str] = (
        "Ours is the mean over seeds with its Student-t 95% interval; students of one seed answer the same instructions."
    )

    source: tuple[str, ...] = ("SDA",)
    k: tuple[int, ...] = (2,)
    n: tuple[int, ...] = (400,)
    shirkers: tuple[str, ...] = ("none",)
    share: tuple[float, ...] = (0.2,)
    base: str = "skillworld-base"
    data: str | None = None
    seed_examples: int = 100
    epochs: int = 3
    batch: int = 24
    step_size: float = 2e-3
    held_out: int = 60
    questions: int = 60
    asked: tuple[int, ...] = (1, 2, 3)
    temperature: float = 0.9
    benchmark: str | None = None
    judge: str = ""
    choosing_judge: str = ""
    max_cost: float | None = None
    prices: str | None = None
    seeds: int = 3
    store: str = field(default="", init=True, repr=False)

    def __post_init__(self) -> None:
        for name, known in (("source", SOURCES), ("shirkers", SHIRKERS)):
            if unknown := sorted(set(getattr(self, name)) - set(known)):
                raise ValueError(f"{name} knows {', '.join(known)}; got {', '.join(unknown)}")
        for name in ("seed_examples", "epochs", "batch", "held_out", "seeds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, got {getattr(self, name)}")
        for name in ("k", "n", "asked"):
            if not getattr(self, name) or min(getattr(self, name)) < 1:
                raise ValueError(f"{name} names at least one number from 1, got {getattr(self, name)}")
        if wrong := [each for each in self.share if not 0 < each <= 1]:
            raise ValueError(f"share is above 0 and at most 1, got {wrong[0]:g}; for none: shirkers=none")
        if not self.step_size > 0:
            raise ValueError(f"step_size is above 0, got {self.step_size:g}")
        if not self.temperature >= 0:
            raise ValueError(f"temperature is at least 0, got {self.temperature:g}")
        if self.max_cost is not None and not (self.max_cost > 0 and self.prices):
            raise ValueError(
                "max_cost is above 0 dollars and wants prices=FILE, a YAML file of dollars a million tokens for both judges; "
                f"got {self.max_cost:g} and {self.prices}"
            )
        if self.data is None and self.questions < 2:
            raise ValueError(f"questions is at least 2, got {self.questions}: a win rate of one has no interval")
        if self.data is not None and not (self.benchmark and self.judge and self.choosing_judge):
            raise ValueError(
                "data of a model want benchmark=FILE (AlpacaEval's questions with a reference's answers), judge=MODEL and "
                "choosing_judge=MODEL, another one"
            )
        if self.data is not None and self.judge == self.choosing_judge:
            raise ValueError(f"choosing_judge is another model than judge, got {self.judge} for both: it would judge its choice")

    def conditions(self) -> Sequence[Condition]:
        """One a data set and seed, seed by seed within a data set."""
        from genlab.students.places import shipped_digest

        shared: dict[str, Any] = {
            "base": self.base,
            "base_digest": shipped_digest(self.base),
            "data": self.data,
            "asked": list(self.asked) if self.data is None else None,
            "questions": self.questions,
            "temperature": self.temperature,
            "benchmark": self.benchmark,
            "judge": self.judge,
        }
        tuning = {name: getattr(self, name) for name in ("epochs", "batch", "step_size", "held_out", "choosing_judge")}
        found: dict[str, Condition] = {}
        for source, k, n, shirker, share in self._arms():
            tuned = source != "base"
            for seed in range(self.seeds):
                each = self.condition(
                    source=source,
                    k=k if source in ("SDA", "SDD") else None,
                    n=n if tuned else None,
                    shirkers=shirker if tuned else "none",
                    share=share if tuned and shirker != "none" else 0.0,
                    seed_examples=self.seed_examples if source == "SDD" and self.data is None else None,
                    seed=seed,
                    **shared,
                    **(tuning if tuned else dict.fromkeys(tuning)),
                )
                found.setdefault(each.id, each)
        return list(found.values())

    def _arms(self) -> list[tuple[str, int, int, str, float]]:
        return [
            (source, k, n, shirker, share)
            for source in self.source
            for k in self.k
            for n in self.n
            for shirker in self.shirkers
            for share in self.share
        ]

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        """Fine-tune one student, choose its epoch, and have its answers judged."""
        from genlab.studies.instruct_skillmix.method import run

        return run(self, settings, snapshot, device)

    def keeping_in(self, store: str) -> "InstructSkillMix":
        """Models go below their condition's folder there."""
        return replace(self, store=store)

    def ready(self, settings: Mapping[str, Any]) -> None:
        """Check the base, the data sets, the benchmark and the prices, and that what trains is installed."""
        from genlab.students.places import installed

        installed()  # asked first: what imports torch would name another extra, which is not enough
        from genlab.studies.instruct_skillmix.method import check

        check(self, settings)

    def price(self, settings: Mapping[str, Any], device: str) -> Price:
        """From measured rates of the embedded student; for others calls and tokens."""
        from genlab.studies.instruct_skillmix.price import price

        return price(self, settings)

    @classmethod
    def label(cls, settings: Mapping[str, Any]) -> str:
        """For instance ``SDA k=2 n=500 brevity 20% seed 0``."""
        return f"{arm(settings)} seed {settings['seed']}"

    @classmethod
    def claims(cls) -> Sequence[Claim]:
        """C1 to C6."""
        from genlab.studies.instruct_skillmix.claims import CLAIMS

        return CLAIMS

    @classmethod
    def numbers(cls, runs: Sequence[Run]) -> Sequence[str]:
        """The ablation table: win rates, one line a student."""
        from genlab.studies.instruct_skillmix.remarks import numbers

        return numbers(runs)

    @classmethod
    def figures(cls, runs: Sequence[Run]) -> Sequence[Figure]:
        """Win rate over size, and over the share of shirkers."""
        from genlab.studies.instruct_skillmix.figures import figures

        return figures(runs)

    @classmethod
    def tables(cls, runs: Sequence[Run]) -> Sequence[Table]:
        """The ablation, differences, what answers fail on, the epochs chosen."""
        from genlab.studies.instruct_skillmix.tables import tables

        return tables(runs)

    @classmethod
    def passages(cls, runs: Sequence[Run]) -> Sequence[Passages]:
        """What the students answer to the same instructions."""
        from genlab.studies.instruct_skillmix.examples import examples

        return examples(runs)

    @classmethod
    def remarks(cls, runs: Sequence[Run]) -> Sequence[str]:
        """Whose world this is, whose assumptions are in it, and what diverged."""
        from genlab.studies.instruct_skillmix.remarks import remarks

        return remarks(runs)


def arm(settings: Mapping[str, Any]) -> str:
    """A condition in words, without its seed."""
    if settings["source"] == "base":
        return "base"
    size = f" k={settings['k']}" if settings["k"] else ""
    spoiled = f" {settings['shirkers']} {settings['share']:.0%}" if settings["shirkers"] != "none" else ""
    return f"{settings['source']}{size} n={settings['n']:,}{spoiled}"


def _grid(sizes: Sequence[int], at: int, **more: Any) -> tuple[InstructSkillMix, ...]:
    """The paper's ablations: sizes; and at one size k, where skills come from, and shirkers of both kinds."""
    return (
        InstructSkillMix(source=("base",), **more),
        InstructSkillMix(n=tuple(sizes), **more),
        InstructSkillMix(k=(1,), n=(at,), **more),
        InstructSkillMix(source=("SDD", "naive"), n=(at,), **more),
        InstructSkillMix(shirkers=("brevity", "junk"), share=(0.05, 0.1, 0.2, 0.4), n=(at,), **more),
    )


def mini() -> tuple[InstructSkillMix, ...]:
    """The paper's ablations at a fifth of its sizes, in the embedded world, three seeds."""
    return _grid((200, 400, 800), 400)


def full() -> tuple[InstructSkillMix, ...]:
    """The same at the paper's sizes, with five seeds and more instructions in the evaluation."""
    return _grid((1000, 2000, 4000), 2000, seeds=5, held_out=100, questions=200)


def paper() -> tuple[InstructSkillMix, ...]:
    """The paper's two most used bases with its sizes and judge: bring GPUs, keys, data sets and AlpacaEval's questions.

    Batch 64 and 15 epochs are the released scripts'; the model card of the best model says 128 (``--set batch=128``).
    """
    shared: dict[str, Any] = {
        "data": "instruct-skillmix",
        "benchmark": "tatsu-lab/alpaca_eval",
        "judge": "openai/gpt-4-1106-preview",
        "choosing_judge": "openai/gpt-4o-mini",
        "epochs": 15,
        "batch": 64,
        "step_size": 2e-5,
        "held_out": 100,
        "questions": 0,
        "seeds": 1,
    }
    return tuple(
        each
        for base in ("meta-llama/Meta-Llama-3-8B", "mistralai/Mistral-7B-v0.2")
        for each in _grid((1000, 2000, 4000), 2000, base=base, **shared)
    )


PRESETS = {"mini": mini, "full": full, "paper": paper}
