"""How one student is made and evaluated: its base, its fine-tuning, then a text for every combination asked for."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.curation import corpus, taught
from genlab.evaluation import checking, scoring, writing
from genlab.finetuning.recipe import Recipe
from genlab.grading.graded import GradedText
from genlab.grading.rubric import rubric
from genlab.results.snapshots import Snapshot
from genlab.skills.combinations import Combination, check_k, draw
from genlab.skills.pack import Pack, load
from genlab.skills.split import hold_out
from genlab.students.generating import Reply, Writer
from genlab.students.places import place
from genlab.studies.fine_tuned import fine_tuned, home, local
from genlab.studies.skill_composition.embedded import Base, token_counter
from genlab.studies.skill_composition.study import MIXTURES, SPLITS, SkillComposition
from genlab.studies.study import Advance

if TYPE_CHECKING:
    from datasets import Dataset

CELL_STEPS = 10  # steps of progress that the evaluation of one split and k counts for
LONGEST = 160  # tokens of a text: nine sentences of skillworld; what is longer has lost the thread (measured)
SPLIT_SEED = 0  # of which topics are held out: the same for all seeds, so that students of all seeds are held to the same


def run(
    study: SkillComposition, settings: Mapping[str, Any], snapshot: Snapshot | None, device: str
) -> Generator[Advance, None, str]:
    """Make one student, then evaluate it split by split and k by k. Its models stay in the condition's folder."""
    folder_of = home(study, study.store, settings)
    parts = split_packs(settings)
    cells = [(split, k) for split in SPLITS for k in settings["k"]]
    done = int(snapshot.values["cells"]) if snapshot else 0
    facts = {
        "pack checksum": settings["pack_digest"],
        "held-out topics": ", ".join(each.name for each in parts["held-out"].topics),
    }

    base = yield from _base(study, settings, device)
    folder = base
    if MIXTURES[settings["mixture"]]:
        rows = data(settings, parts, base)
        outcome = yield from fine_tuned(recipe(settings, base), folder_of / "model", rows, device, after=len(cells) * CELL_STEPS)
        if outcome.folder is None:
            yield Advance(outcome.steps, outcome.steps, [], lambda: Snapshot({}, {"cells": 0}), facts=facts)
            return f"diverged at step {outcome.diverged_at}"
        folder = str(outcome.folder)
        mean = sum(loss for _, loss in outcome.losses[-50:]) / len(outcome.losses[-50:])
        facts |= {
            "fine-tuning texts": f"{len(rows):,}",
            "fine-tuning tokens": f"{outcome.tokens:,}",
            "fine-tuning steps": f"{outcome.steps:,}",
            "loss of the last 50 steps": f"{mean:.4f} nats a token",
        }
    evaluate = checked(settings, folder, device) if load(settings["pack"]).checker else _judged(settings, folder, folder_of)
    for number, (split, k) in enumerate(cells[done:], start=done):
        rows = evaluate(parts[split], split, k)
        after = number + 1
        yield Advance(
            after * CELL_STEPS,
            len(cells) * CELL_STEPS,
            rows,
            lambda after=after: Snapshot({}, {"cells": after}),  # type: ignore[misc]
            note={f"full marks {split} k={k}": sum(row.full_marks or 0.0 for row in rows) / len(rows)},
            facts=facts,
        )
    return "evaluated"


def split_packs(settings: Mapping[str, Any]) -> dict[str, Pack]:
    """The pack's parts: what is trained on, what is held out (skills and topics), and all of it.

    Raises:
        ValueError: a held category is unknown, or a part would be empty.
    """
    pack = load(settings["pack"])
    if pack.digest != settings["pack_digest"]:
        raise ValueError(
            f"pack {settings['pack']} has changed since this condition was made: give the changed pack another version"
        )
    held = hold_out(pack, categories=settings["held"], topics=settings["held_topics"], seed=SPLIT_SEED)
    return {"train": held.train, "held-out": held.held, "all": pack}


def recipe(settings: Mapping[str, Any], base: str) -> Recipe:
    """How a student of these settings is fine-tuned."""
    return Recipe(
        base,
        method=settings["method"],
        lora_rank=settings["lora_rank"],
        lora_alpha=2 * settings["lora_rank"],
        lora_dropout=0.0,
        epochs=1.0,
        batch=settings["batch"],
        step_size=settings["step_size"],
        floor=0.05,
        betas=(0.9, 0.98),
        seed=settings["seed"],
    )


def check(study: SkillComposition, settings: Mapping[str, Any]) -> None:
    """Find out before anything is trained for what would go wrong.

    Raises:
        ValueError: what is missing, and what to type.
    """
    for part in split_packs(settings).values():
        for k in settings["k"]:
            check_k(part, k)
            draw(part, k, settings["n"], seed=settings["seed"], distinct=k > 1)
    if settings["pack"] != "skillworld" and MIXTURES[settings["mixture"]]:
        _bought(settings, split_packs(settings))
    if settings["base"] != "trained":
        place(settings["base"])


def combinations(part: Pack, k: int, settings: Mapping[str, Any]) -> Sequence[Any]:
    """What is asked for in the evaluation; with k = 1 a combination may come twice: there are not many."""
    return draw(part, k, settings["n"], seed=settings["seed"], distinct=k > 1).combinations


# ------------------------------------------------------------------------------------------------ what it starts from
def _base(study: SkillComposition, settings: Mapping[str, Any], device: str) -> Generator[Advance, None, str]:
    if settings["base"] != "trained":
        return place(settings["base"])
    from filelock import FileLock, Timeout

    made = Base(settings["width"], settings["layers"], settings["base_texts"], settings["seed"])
    out = local(study.store) / "bases" / made.id
    out.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{out}.lock")
    while True:  # conditions of one seed share a base: the first one makes it
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            yield Advance(0, 1, [], lambda: Snapshot({}, {"cells": 0}), note={"waiting for its base": 1.0})
    try:
        outcome = yield from fine_tuned(made.recipe(made.start(out / "start")), out / "trained", made.data(), device)
    finally:
        lock.release()
    if outcome.folder is None:
        raise RuntimeError(f"the base of seed {settings['seed']} diverged at step {outcome.diverged_at}: lower its step size")
    return str(outcome.folder)


# ------------------------------------------------------------------------------------------------ what it is taught
def data(settings: Mapping[str, Any], parts: Mapping[str, Pack], base: str) -> "Dataset":
    """What a student is fine-tuned on: of the train part only, and no combination of k > 1 that it will be asked for.

    Raises:
        ValueError: data of the user's that do not fit.
    """
    from datasets import Dataset

    if settings["pack"] != "skillworld":
        return _bought(settings, parts)
    sizes = MIXTURES[settings["mixture"]]
    asked = _asked(settings, parts)

    def conversations(sizes: Sequence[int], *, words: bool = False) -> Iterator[dict[str, Any]]:
        sources = [taught.texts(parts["train"], k, seed=settings["seed"], order=settings["order"], words=words) for k in sizes]
        while True:
            for source in sources:
                each = next(each for each in source if (frozenset(each.skills), each.topic) not in asked)
                yield {"messages": each.to_row()["messages"]}

    def first(count: int, source: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
        return [next(source) for _ in range(count)]

    count = token_counter(base)
    if settings["sizing"] == "growing":
        rows = first(settings["texts"] * len(sizes) // 3, conversations(sizes))
    else:
        budget = sum(count(first(settings["texts"], conversations((1, 2, 3)))))
        source = conversations(sizes, words=settings["mixture"] == "format")
        rows = []
        while budget > 0:
            more = first(100, source)
            rows += more
            budget -= sum(count(more))
    replayed = round(len(rows) * settings["replay"])
    rows[len(rows) - replayed :] = first(
        replayed, ({"messages": each} for each in corpus.conversations(settings["seed"], "replay"))
    )
    return Dataset.from_list(rows)


def _asked(settings: Mapping[str, Any], parts: Mapping[str, Pack]) -> set[tuple[frozenset[str], str]]:
    """The combinations of two skills and more that the student will be asked for."""
    return {
        each.identity
        for name in ("train", "all")
        for k in settings["k"]
        if k > 1
        for each in combinations(parts[name], k, settings)
    }


def _bought(settings: Mapping[str, Any], parts: Mapping[str, Pack]) -> "Dataset":
    """Texts that a teacher was paid for, checked to hold nothing that is held out.

    Raises:
        ValueError: no such data, too few of a k, or texts with held-out skills or topics.
    """
    from genlab.curation.skill_texts import read

    if not settings["data"]:
        raise ValueError(f"pack {settings['pack']} wants data=FOLDER: texts of a teacher, made by genlab data skill-texts")
    rows = read(settings["data"])
    skills, topics = ({each.name for each in entries} for entries in (parts["train"].skills, parts["train"].topics))
    if wrong := [row for row in rows if not skills.issuperset(row["skills"]) or row["topic"] not in topics]:
        raise ValueError(
            f"{settings['data']} holds {len(wrong)} texts with skills or topics that are held out, such as "
            f"{', '.join(wrong[0]['skills'])} on {wrong[0]['topic']}: make it with the same --held and --held-topics"
        )
    sizes = MIXTURES[settings["mixture"]]
    asked = _asked(settings, parts)
    found = rows.filter(lambda row: row["k"] in sizes and (frozenset(row["skills"]), row["topic"]) not in asked)
    if lacking := [k for k in sizes if k not in set(found["k"])]:
        raise ValueError(
            f"{settings['data']} holds no texts of k = {', '.join(map(str, lacking))}, which {settings['mixture']} needs"
        )
    return found.select_columns(["messages"])


# ------------------------------------------------------------------------------------------------ what it can do
def checked(settings: Mapping[str, Any], folder: str, device: str) -> Any:
    """Texts written in this process, and checked exactly."""
    writer = Writer(folder, device=device)

    def evaluate(part: Pack, split: str, k: int) -> list[GradedText]:
        asked = combinations(part, k, settings)
        prompts = [writing.draft(rubric(each.skills, each.topic.name), form=part.text, manner=part.manner) for each in asked]
        replies = writer.write([[{"role": "user", "content": prompt}] for prompt in prompts], max_tokens=LONGEST)
        return [
            row(part, each, reply, student=settings["mixture"], sample=f"{split}-k{k}-s{settings['seed']}-{each.index:04d}")
            for each, reply in zip(asked, replies, strict=True)
        ]

    return evaluate


def row(part: Pack, asked: Combination, reply: Reply, *, student: str, sample: str) -> GradedText:
    """A text before the pack's checker, as Skill-Mix scores it."""
    text = writing.text_of(reply.text)
    sought = rubric(asked.skills, asked.topic.name)
    found = checking.graded(text, sought, part, gradings=1)
    counted, names = scoring.length(text, "strict"), scoring.named(text, sought, "strict")
    points = scoring.voted(found.readable, counted, sought, "strict")
    assert points is not None
    return GradedText(
        student=student,
        grader=found.grader,
        sample=sample,
        index=asked.index,
        generation=1,
        k=asked.k,
        skills=tuple(skill.name for skill in asked.skills),
        categories=tuple(skill.category for skill in asked.skills),
        topic=asked.topic.name,
        text=text,
        draft=text,
        control="",
        truth=None,
        gradings=found.gradings,
        reasons=found.reasons,
        points=points,
        named=names,
        sentences=counted,
        status="graded",
        why="" if reply.finished else "cut at the most tokens a text may have",
        **scoring.valued(points, names),
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
        grader_input_tokens=0,
        grader_output_tokens=0,
        cost=0.0,
    )


def _judged(settings: Mapping[str, Any], folder: str, place: Path) -> Any:
    """Texts asked for and graded through Inspect, as Skill-Mix does it."""
    from dataclasses import replace

    from genlab.evaluation.logs import read_texts
    from genlab.evaluation.part import Part, evaluate
    from genlab.skills.pack import save

    class Silent:
        def report(self, **content: Any) -> None:
            """Inspect's samples are not counted here: a cell is."""

    def asked(part: Pack, split: str, k: int) -> list[GradedText]:
        words = place / "packs" / f"{split}.yaml"
        words.parent.mkdir(parents=True, exist_ok=True)
        save(part, words, overwrite=True)
        task = {"k": k, "n": settings["n"], "pack": str(words), "seed": settings["seed"], "graders": len(settings["grader"])}
        job = Part(task, f"batched/{folder}", tuple(settings["grader"]), {}, {}, str(place / "logs" / f"{split}-k{k}"))
        evaluate(Silent(), job)
        rows = [row for row in read_texts(job.log_dir) if not row.control]
        return [replace(row, student=settings["mixture"], sample=f"{split}-{row.sample}") for row in rows]

    return asked


__all__ = ["check", "combinations", "recipe", "run", "split_packs"]
