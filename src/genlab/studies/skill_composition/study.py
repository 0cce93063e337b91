"""Skill composition (Zhao, Kaur, Yu, Goyal, Arora 2024): what is varied, and the conditions that follow.

A condition is one student: the base as it is, or the base fine-tuned on one mixture of texts of k = 1, 2, 3 skills. Each is
asked for texts of every k, of the skills and topics it was trained on, of those held out, and of all of them.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from genlab.grading.graded import GradedText
from genlab.results.claims import Claim
from genlab.results.exhibits import Passages, Table
from genlab.results.figures import Figure
from genlab.results.runs import Run
from genlab.results.snapshots import Snapshot
from genlab.studies.study import Advance, Condition, Price, Study

MIXTURES: dict[str, tuple[int, ...]] = {  # what a student is fine-tuned on: texts of so many skills, in equal numbers
    "base": (),
    "format": (1, 2, 3),
    "D(1)": (1,),
    "D(1,2)": (1, 2),
    "D(1,2,3)": (1, 2, 3),
}
SPLITS = ("train", "held-out", "all")  # of skills and of topics


@dataclass(frozen=True)
class SkillComposition(Study):
    """A grid: every mixture, for each seed.

    Attributes:
        mixture: base (not fine-tuned), D(1), D(1,2), D(1,2,3), or format: requests for as many words of the topic as D(1,2,3)
            asks for skills, answered in as many sentences, which teaches the form alone.
        base: the student to start from: skillworld-base (shipped), trained (made for each seed), or a Hugging Face folder or a
            name on the hub.
        pack: skillworld, or any other; its categories ``held`` are not fine-tuned on, nor is a share ``held_topics`` of its
            topics.
        data: for other packs: a data set made by ``genlab data skill-texts``; skillworld's teacher writes its own.
        texts: fine-tuning texts of D(1,2,3).
        sizing: tokens (every mixture has as many tokens as D(1,2,3)) or growing (as many texts of each k, as in the paper: then
            more k is more data, too).
        replay: share of fine-tuning texts from what the base was made with, which names held-out skills one by one. 0 is strict:
            fine-tuning meets no held-out skill. Never mixed in one figure.
        order: whether skills stand in the teacher's texts as they were asked for, or freely.
        k: skills a text in the evaluation; ``n`` combinations each, one text a combination, greedy.
        grader: for packs without a checker: Inspect models.
        method, lora_rank, step_size, batch: of the fine-tuning; see genlab.finetuning.Recipe for what is not named here.
        width, layers, base_texts: of a base that is trained.
        seeds: how many, from 0. A seed draws fine-tuning texts, their order, the adapter's first weights and the combinations
            of the evaluation; with base=trained the base too.
        store: set by genlab when it runs.
    """

    name: ClassVar[str] = "skill_composition"
    title: ClassVar[str] = "Skill composition: does fine-tuning on texts of k = 1, 2, 3 skills teach k = 4, 5, and other skills?"
    paper: ClassVar[str] = (
        "Zhao, Kaur, Yu, Goyal, Arora: Can Models Learn Skill Composition from Examples?, NeurIPS 2024, arXiv:2409.19808"
    )
    bibtex: ClassVar[str] = """@inproceedings{zhao2024skill,
  title     = {Can Models Learn Skill Composition from Examples?},
  author    = {Zhao, Haoyu and Kaur, Simran and Yu, Dingli and Goyal, Anirudh and Arora, Sanjeev},
  booktitle = {Advances in Neural Information Processing Systems},
  year      = {2024},
  note      = {arXiv:2409.19808}
}"""
    record: ClassVar[type] = GradedText
    preload: ClassVar[tuple[str, ...]] = ("genlab.studies.skill_composition.method", "genlab.finetuning.run")
    intervals: ClassVar[str] = (
        "Ours is the mean over seeds with its Student-t 95% interval; students of one seed are compared on the same combinations."
    )

    mixture: tuple[str, ...] = ("base", "format", "D(1)", "D(1,2)", "D(1,2,3)")
    base: str = "skillworld-base"
    pack: str = "skillworld"
    held: tuple[str, ...] = ("symmetry", "logic", "voice")
    held_topics: float = 0.3
    data: str | None = None
    texts: int = 12_000
    sizing: Literal["tokens", "growing"] = "tokens"
    replay: float = 0.0
    order: Literal["asked", "free"] = "asked"
    k: tuple[int, ...] = (1, 2, 3, 4, 5)
    n: int = 100
    grader: tuple[str, ...] = ()
    method: Literal["full", "lora"] = "lora"
    lora_rank: int = 8
    step_size: float = 2e-3
    batch: int = 24
    width: int = 96
    layers: int = 3
    base_texts: int = 320_000
    seeds: int = 3
    store: str = field(default="", init=True, repr=False)

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.mixture) - MIXTURES.keys()):
            raise ValueError(f"mixture knows {', '.join(MIXTURES)}; got {', '.join(unknown)}")
        for name in ("texts", "n", "lora_rank", "batch", "width", "layers", "base_texts", "seeds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, got {getattr(self, name)}")
        if not self.k or min(self.k) < 1:
            raise ValueError(f"k names at least one number from 1, got {self.k}")
        if not 0 <= self.replay < 1:
            raise ValueError(f"replay is a share from 0 to below 1, got {self.replay:g}")
        if not 0 < self.held_topics < 1:
            raise ValueError(f"held_topics is a share between 0 and 1, got {self.held_topics:g}")
        if not self.step_size > 0:
            raise ValueError(f"step_size is above 0, got {self.step_size:g}")
        if self.replay and self.pack != "skillworld":
            raise ValueError("replay mixes in texts that skillworld's base was made with: other bases have none")
        if self.pack != "skillworld" and (self.base in ("skillworld-base", "trained") or not self.grader):
            raise ValueError(
                f"pack {self.pack} wants base=FOLDER (or a name on the hub) and grader=MODEL: the embedded base and the exact "
                "checker know skillworld only"
            )

    def conditions(self) -> Sequence[Condition]:
        """One a mixture and seed, seed by seed within a mixture."""
        from genlab.skills.pack import load
        from genlab.students.places import shipped_digest

        pack = load(self.pack)
        trained = {"width": self.width, "layers": self.layers, "base_texts": self.base_texts} if self.base == "trained" else {}
        tuned = {
            name: getattr(self, name)
            for name in ("data", "texts", "sizing", "replay", "order", "method", "lora_rank", "step_size", "batch")
        }
        return [
            self.condition(
                mixture=mixture,
                base=self.base,
                base_digest=shipped_digest(self.base),
                pack=self.pack,
                pack_digest=pack.digest,
                held=list(self.held),
                held_topics=self.held_topics,
                k=list(self.k),
                n=self.n,
                grader=list(self.grader),
                seed=seed,
                **trained,
                **(tuned if MIXTURES[mixture] else dict.fromkeys(tuned)),
            )
            for mixture in self.mixture  # first, so that processes side by side make bases of several seeds, not wait for one
            for seed in range(self.seeds)
        ]

    def run(self, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str) -> Generator[Advance, None, str]:
        """Make one student and evaluate it."""
        from genlab.studies.skill_composition.method import run

        return run(self, settings, snapshot, device)

    def keeping_in(self, store: str) -> "SkillComposition":
        """Models go below their condition's folder there, bases below ``bases``."""
        return replace(self, store=store)

    def ready(self, settings: Mapping[str, Any]) -> None:
        """Check the pack, its held-out part, k and n, the base, and that what trains is installed."""
        from genlab.students.places import installed

        installed()  # asked first: what imports torch would name another extra, which is not enough
        from genlab.studies.skill_composition.method import check

        check(self, settings)

    def price(self, settings: Mapping[str, Any], device: str) -> Price:
        """From measured rates of the embedded student; for others tokens, and no time."""
        from genlab.studies.skill_composition.price import price

        return price(self, settings)

    @classmethod
    def label(cls, settings: Mapping[str, Any]) -> str:
        """For instance ``D(1,2,3) strict skillworld-base seed 0``."""
        return f"{setting(settings)} seed {settings['seed']}"

    @classmethod
    def claims(cls) -> Sequence[Claim]:
        """C1 to C5."""
        from genlab.studies.skill_composition.claims import CLAIMS

        return CLAIMS

    @classmethod
    def numbers(cls, runs: Sequence[Run]) -> Sequence[str]:
        """Full marks over k, one line a student and split."""
        from genlab.studies.skill_composition.remarks import numbers

        return numbers(runs)

    @classmethod
    def figures(cls, runs: Sequence[Run]) -> Sequence[Figure]:
        """Full marks and the share of skills shown over k, by split."""
        from genlab.studies.skill_composition.figures import figures

        return figures(runs)

    @classmethod
    def tables(cls, runs: Sequence[Run]) -> Sequence[Table]:
        """Scores, retention, what a text fails on."""
        from genlab.studies.skill_composition.tables import tables

        return tables(runs)

    @classmethod
    def passages(cls, runs: Sequence[Run]) -> Sequence[Passages]:
        """What the students write at k = 4."""
        from genlab.studies.skill_composition.examples import examples

        return examples(runs)

    @classmethod
    def remarks(cls, runs: Sequence[Run]) -> Sequence[str]:
        """What a reader must know first: whose world this is, and bases that cannot do k = 1."""
        from genlab.studies.skill_composition.remarks import remarks

        return remarks(runs)


def setting(settings: Mapping[str, Any]) -> str:
    """A condition in words, without its seed."""
    return f"{settings['mixture']}{way(settings)} on {settings['base']}"


def way(settings: Mapping[str, Any]) -> str:
    """How it was fine-tuned, as far as two students of one mixture may differ: " strict", " replay 25% growing"."""
    if settings["replay"] is None:
        return ""
    said = f" replay {settings['replay']:.0%}" if settings["replay"] else " strict"
    return said + (" growing" if settings["sizing"] == "growing" else "") + (" free" if settings["order"] == "free" else "")


def mini() -> tuple[SkillComposition, ...]:
    """Five students on the shipped base, strict, at equal tokens, three seeds: about four minutes on two idle cores."""
    return (SkillComposition(),)


def full() -> tuple[SkillComposition, ...]:
    """Five seeds, three times the fine-tuning of mini; strict and replay, equal tokens and growing sizes, and the form alone.

    From the shipped base: one made from half as many conversations does less (docs/log.md), and five as good ones take an hour.
    """
    every = tuple(MIXTURES)
    tuned = tuple(mixture for mixture in MIXTURES if MIXTURES[mixture])
    more: dict[str, Any] = {
        "texts": 36_000,
        "k": (1, 2, 3, 4, 5, 6),
        "n": 200,
        "seeds": 5,
    }
    return (
        SkillComposition(mixture=every, **more),
        SkillComposition(mixture=tuned, sizing="growing", **more),
        SkillComposition(mixture=("D(1)", "D(1,2)", "D(1,2,3)"), replay=0.25, **more),
    )


def paper() -> tuple[SkillComposition, ...]:
    """The paper's two students with the English pack, texts by an API teacher, an API grader: bring GPUs, keys, ``data``.

    Its split of categories is not verified; it is remembered so: literary and rhetorical skills are trained on.
    """
    held = ("reasoning", "logical", "theory of mind", "pragmatics", "common sense", "physical knowledge")
    shared: dict[str, Any] = {
        "pack": "english",
        "held": held,
        "held_topics": 0.5,
        "data": "skill-texts",
        "texts": 13_957,
        "sizing": "growing",
        "method": "full",
        "step_size": 2e-5,
        "batch": 64,
        "k": (2, 3, 4, 5),
        "grader": ("openai/gpt-4o",),
        "seeds": 1,
    }
    return tuple(
        SkillComposition(base=base, **shared) for base in ("meta-llama/Llama-2-13b-chat-hf", "mistralai/Mistral-7B-Instruct-v0.2")
    )


PRESETS = {"mini": mini, "full": full, "paper": paper}
