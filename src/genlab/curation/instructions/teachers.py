"""Who writes: skillworld's teacher, or a model, round by round until there are enough instructions that can be taught."""

import math
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from genlab.curation.instructions import embedded
from genlab.curation.instructions.recipe import Plan
from genlab.curation.instructions.replies import Pair
from genlab.curation.instructions.sifting import Made, Sifted, sift
from genlab.curation.teachers import Unfinished, run
from genlab.evaluation import budget
from genlab.evaluation.logs import BUDGET
from genlab.evaluation.part import Part

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

Report = Callable[[int, int], None]  # of items done, items asked for
PACK_FILE = "pack.yaml"


def by_skillworld(plan: Plan, report: Report) -> Sifted:
    """Instructions of skillworld's own teacher.

    Raises:
        Unfinished: too many queries are written twice.
    """
    recipe, pack = plan.recipe, plan.whole
    assert pack is not None
    source = embedded.stream(pack, recipe.k, seed=recipe.seed, naive=recipe.naive)
    made: list[Made] = []
    while True:
        sifted = _sift(plan, made)
        report(len(sifted.kept), recipe.n)
        if len(sifted.kept) == recipe.n:
            return sifted
        if not (size := next_round(sifted, plan)):
            raise _too_few(plan, sifted)
        for row in islice(source, size):
            sample = f"{pack.name}-k{row.k}-s{recipe.seed}-{row.index:05d}"
            pair = Pair(row.instruction, row.output)
            made.append(Made(row.index, row.k, row.skills, row.query_type, row.topic, sample, pair))


def by_model(plan: Plan, home: Path, report: Report) -> Sifted:
    """Instructions of an Inspect model; logs and ledger lie below ``home``, and what is there is gone on with.

    Raises:
        Unfinished: items without an answer, a budget that is reached, or a teacher that fails too often.
    """
    made: list[Made] = []
    while True:
        sifted = _sift(plan, made)
        if len(sifted.kept) == plan.recipe.n:
            return sifted
        if not (size := next_round(sifted, plan)):
            raise _too_few(plan, sifted)
        part = _part(plan, home, len(made), size)
        run(part, lambda ended, of=size: report(ended, of))  # type: ignore[misc]
        made += read_logs(part.log_dir, range(len(made), len(made) + size), lost=plan.recipe.lost)


def next_round(sifted: Sifted, plan: Plan) -> int:
    """Items to ask for next: as many as the rate so far says are lacking, at most as many as before, up to ``most``."""
    lacking, asked = plan.recipe.n - len(sifted.kept), sifted.asked
    wanted = math.ceil(lacking * asked / len(sifted.kept)) if sifted.kept else max(lacking, asked)
    return min(wanted, max(lacking, asked), plan.recipe.most - asked)


def _sift(plan: Plan, made: Sequence[Made]) -> Sifted:
    return sift(made, plan.recipe.n, near=plan.near, embedder=plan.recipe.embedder, benchmarks=plan.benchmarks)


def _part(plan: Plan, home: Path, first: int, size: int) -> Part:
    from genlab.curation.instructions.task import instruct
    from genlab.evaluation.options import parse

    recipe = plan.recipe
    task = {"pack": str(home / PACK_FILE) if plan.whole else "", "k": recipe.k, "n": size, "seed": recipe.seed}
    task |= {"first": first, "named": plan.named, "cache": True}
    environment = budget.environment(recipe.prices, recipe.max_cost, home / "budget.sqlite")
    place = str(home / "logs" / f"{first:06d}-{first + size:06d}")
    return Part(task, plan.teacher, (), parse(recipe.inspect), {}, place, environment, make=instruct)


def read_logs(place: str, asked: range, *, lost: bool) -> list[Made]:
    """The items in a folder of Inspect's logs, each once.

    Raises:
        Unfinished: items are not there, or got no answer and may not be lost.
    """
    from inspect_ai.log import list_eval_logs, read_eval_log

    found: dict[int, Made] = {}
    for each in sorted(list_eval_logs(place), key=lambda each: each.name):
        for sample in read_eval_log(each).samples or ():
            index = int(sample.metadata["index"])
            if index in asked and (index not in found or found[index].silent):
                found[index] = _made(sample)
    if len(found) < len(asked):
        raise Unfinished(
            f"{place} holds {len(found)} items of {len(asked)} that were asked for: the evaluation was broken off. The same "
            "command goes on"
        )
    _expect_answers(list(found.values()), lost=lost)
    return [found[index] for index in asked]


def _made(sample: "EvalSample") -> Made:
    about, kept = sample.metadata, sample.store
    silent = ""
    if sample.error is not None:
        silent = " ".join(sample.error.message.split())[:300]
    elif sample.limit is not None:
        silent = f"Inspect's {sample.limit.type} limit of {sample.limit.limit:g}"
    elif "attempts" not in kept:
        silent = "its evaluation was broken off"
    used = kept.get("tokens") or (0, 0)
    return Made(
        int(about["index"]),
        int(about["k"]),
        tuple(about["skills"]),
        str(about["query_type"]),
        str(about["topic"]),
        str(sample.id),
        None if silent or "instruction" not in kept else Pair(kept["instruction"], kept["response"]),
        int(kept.get("attempts") or 0),
        tuple(kept.get("refused") or ()),
        silent,
        int(used[0]),
        int(used[1]),
        kept.get("cost") if "tokens" in kept else 0.0,
    )


def _expect_answers(made: Sequence[Made], *, lost: bool) -> None:
    spent = [each for each in made if BUDGET in each.silent]
    silent = spent or [each for each in made if each.silent and not lost]
    if silent:
        reasons = "; ".join(dict.fromkeys(each.silent for each in silent))[:500]
        raise Unfinished(
            f"{len(silent)} of {len(made)} items got no answer ({reasons}). The same command"
            + (" with a larger --max-cost" if spent else "")
            + " asks for those again and for nothing else"
            + ("" if spent else "; --lost takes others in their place")
        )


def _too_few(plan: Plan, sifted: Sifted) -> Unfinished:
    return Unfinished(
        f"{plan.teacher} wrote too few instructions that can be taught, with {plan.recipe.max_tries:g} items asked for each of "
        f"{plan.recipe.n:,}:\n  {sifted.count()}\nRaise --max-tries, lower --max-examples, "
        + ("or take a larger pack" if plan.own else "take another teacher, or see what it said in the logs")
    )
