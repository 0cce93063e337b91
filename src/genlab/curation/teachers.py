"""Who writes: skillworld's teacher, or a model that does Skill-Mix as its students do, round by round until there is enough."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from genlab.curation import taught
from genlab.curation.recipe import Plan, Recipe
from genlab.curation.sifting import Count, Written, sift
from genlab.evaluation import budget, checking, scoring, writing
from genlab.evaluation.logs import BUDGET, rows
from genlab.evaluation.part import PRELOAD, Part, evaluate
from genlab.grading.rubric import rubric
from genlab.skills.pack import Pack

Report = Callable[[int, int, int], None]  # of k, texts done, texts asked for


class Unfinished(RuntimeError):
    """A run could not go on; the message says why, and the same command goes on from there."""


Sifted = list[tuple[list[Written], Count]]  # of each k, those kept and what became of all


def by_skillworld(plan: Plan, report: Report) -> tuple[Sifted, list[Written]]:
    """Texts of skillworld's own teacher, checked: what is kept for each k, and all that were written.

    Raises:
        Unfinished: too many are written twice, as there are only so many of one skill.
    """
    found: Sifted = []
    every: list[Written] = []
    recipe = plan.recipe
    for k in recipe.k:
        source = checked(plan.split.train, k, seed=recipe.seed)
        texts = [next(source) for _ in range(recipe.n)]
        while (sifted := sift(k, texts, recipe.n))[1].kept < recipe.n and len(texts) < recipe.most:
            texts += [next(source) for _ in range(min(recipe.n - sifted[1].kept, recipe.most - len(texts)))]
        report(k, sifted[1].kept, recipe.n)
        found.append(sifted)
        every += texts
    if short := [count for _, count in found if count.kept < recipe.n]:
        raise _too_few(plan, short, [count for _, count in found])
    return found, every


def checked(pack: Pack, k: int, *, seed: int, write: taught.Write | None = None) -> Iterator[Written]:
    """Texts without end that skillworld's teacher, or ``write``, makes for a pack's combinations, with the checker's points."""
    for each in taught.texts(pack, k, seed=seed, write=write):
        text = writing.text_of(each.messages[-1][1])
        sought = rubric([pack.skill(name) for name in each.skills], each.topic)
        graded = checking.graded(text, sought, pack, gradings=1)
        points = scoring.voted(graded.readable, scoring.length(text, "strict"), sought, "strict")
        yield Written(each, text, f"{pack.name}-k{k}-s{seed}-{each.index:04d}", 1, points)


def by_model(plan: Plan, home: Path, report: Report) -> tuple[Sifted, list[Written]]:
    """Texts of an Inspect model: what is kept for each k, and all that were written.

    Logs and ledger lie below ``home``, and what is there is gone on with.

    Raises:
        Unfinished: texts without an answer, a budget that is reached, or a teacher that fails too often.
    """
    recipe = plan.recipe
    written: dict[int, list[Written]] = {k: [] for k in recipe.k}
    combinations = dict.fromkeys(recipe.k, 0)
    while True:
        sifted = {k: sift(k, written[k], recipe.n) for k in recipe.k}
        counts = {k: count for k, (_, count) in sifted.items()}
        sizes = {
            k: min(next_round(counts[k], recipe), _possible(plan.split.train, k) - combinations[k])
            for k in recipe.k
            if counts[k].kept < recipe.n
        }
        if not sizes:
            return list(sifted.values()), [each for k in recipe.k for each in written[k]]
        if spent := [counts[k] for k, size in sizes.items() if size < 1]:
            raise _too_few(plan, spent, list(counts.values()))
        for k, size in sizes.items():
            part = _part(plan, home, k, combinations[k], size)
            run(part, lambda ended, k=k, of=size * recipe.generations: report(k, ended, of))  # type: ignore[misc]
            written[k] += read_logs(part.log_dir, plan, asked=range(combinations[k], combinations[k] + size))
            combinations[k] += size


def next_round(count: Count, recipe: Recipe) -> int:
    """Combinations to ask for next: as many as the rate so far says are lacking, at most as many as before, up to ``most``."""
    lacking = recipe.n - count.kept
    wanted = math.ceil(lacking * count.asked / count.kept) if count.kept else max(lacking, count.asked)
    texts = min(wanted, max(lacking, count.asked), recipe.most - count.asked)
    return math.ceil(texts / recipe.generations)


def _possible(pack: Pack, k: int) -> int:
    return math.comb(len(pack.skills), k) * len(pack.topics)


def _part(plan: Plan, home: Path, k: int, first: int, size: int) -> Part:
    from genlab.evaluation.options import parse

    recipe = plan.recipe
    task = {"k": k, "n": size, "first": first, "pack": str(home / "train.yaml"), "seed": recipe.seed, "mode": "strict"}
    task |= {"gradings": plan.facts["gradings"], "generations": recipe.generations, "graders": 1, "controls": 0, "cache": True}
    environment = budget.environment(recipe.prices, recipe.max_cost, home / "budget.sqlite")
    return Part(
        task,
        plan.teacher,
        plan.models[1:],
        parse(recipe.inspect),
        parse(recipe.grading, graders=True),
        str(home / "logs" / f"k{k}" / f"{first:06d}-{first + size:06d}"),
        environment,
    )


def run(part: Part, report: Callable[[int], None]) -> None:
    """Evaluate a part in a process of its own; ``report`` is told how many samples have ended.

    Raises:
        Unfinished: the process died, or Inspect broke off.
    """
    from genlab.running.pool import Pool, Task

    ended = 0
    with Pool(evaluate, [Task(part.log_dir, (part,))], workers=1, threads=1, preload=PRELOAD) as pool:
        for event in pool.events():
            if event is not None and event.kind == "died":
                raise Unfinished(event.content["why"])
            if event is not None and event.kind == "progress":
                ended += event.content["ended"]
                report(ended)


def read_logs(place: str, plan: Plan, *, asked: range) -> list[Written]:
    """The texts in a folder of Inspect's logs, each once, with the conversations in which they were written.

    Raises:
        Unfinished: texts are not there, or got no answer and may not be lost.
    """
    from inspect_ai.log import list_eval_logs, read_eval_log

    found: dict[tuple[str, int], Written] = {}
    for each in sorted(list_eval_logs(place), key=lambda each: each.name):
        log = read_eval_log(each)
        samples = {(str(sample.id), sample.epoch): sample for sample in log.samples or ()}
        for row in rows(log):
            key = (row.sample, row.generation)
            if row.index not in asked or (key in found and found[key].status == "graded"):
                continue
            held = tuple((message.role, message.text) for message in samples[key].messages)
            found[key] = Written(
                taught.Taught(row.k, row.index, row.skills, row.topic, held),
                row.text,
                *key,
                row.points,
                named=plan.whole.manner == "paper" and any(row.named),  # the brief manner does not forbid it
                cut=bool(samples[key].store.get("truncated")),
                status=row.status,
                why=row.why,
                input_tokens=row.input_tokens,
                output_tokens=row.output_tokens,
                grader_input_tokens=row.grader_input_tokens,
                grader_output_tokens=row.grader_output_tokens,
                cost=row.cost,
            )
    if len(found) < len(asked) * plan.recipe.generations:
        raise Unfinished(
            f"{place} holds {len(found)} texts of {len(asked) * plan.recipe.generations} that were asked for: the evaluation was "
            "broken off. The same command goes on"
        )
    _expect_answers(list(found.values()), lost=plan.recipe.lost)
    return list(found.values())


def _expect_answers(written: Sequence[Written], *, lost: bool) -> None:
    spent = [each for each in written if BUDGET in each.why]
    silent = spent or [each for each in written if each.status == "unanswered" and not lost]
    if silent:
        reasons = "; ".join(dict.fromkeys(each.why for each in silent))[:500]
        raise Unfinished(
            f"{len(silent)} of {len(written)} texts got no answer ({reasons}). The same command"
            + (" with a larger --max-cost" if spent else "")
            + " asks for those again and for nothing else"
            + ("" if spent else "; --lost takes others in their place")
        )


def _too_few(plan: Plan, short: Sequence[Count], counts: Sequence[Count]) -> Unfinished:
    said = "\n  ".join(map(str, counts))
    return Unfinished(
        f"{plan.teacher} wrote too few texts that can be taught at {', '.join(f'k={count.k}' for count in short)}, with "
        f"{plan.recipe.max_tries:g} tries for each of {plan.recipe.n:,}, or with all combinations there are:\n  {said}\n"
        "Raise --max-tries, lower --n, leave out that k, take another teacher"
        + ("" if plan.own else ", or ask for several texts of each combination: --generations")
    )
