"""One condition, evaluated: parts of a cell in processes, look by look, until its logs hold every text."""

import hashlib
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.evaluation import budget
from genlab.evaluation.logs import BUDGET
from genlab.evaluation.masking import mask_logs, masked
from genlab.evaluation.part import PRELOAD, Part
from genlab.evaluation.part import evaluate as evaluate_part
from genlab.evaluation.roles import checker_of, models_among
from genlab.grading.graded import GradedText
from genlab.results.snapshots import Snapshot
from genlab.running.pool import Pool, Task
from genlab.studies.skill_mix.study import SkillMix
from genlab.studies.study import Advance, Condition

if TYPE_CHECKING:
    from genlab.skills.pack import Pack

TASK = ("k", "pack", "seed", "generations", "gradings", "mode", "controls", "uncommon")  # settings that are the task's own


def evaluate(study: SkillMix, settings: Mapping[str, Any]) -> Generator[Advance, None, str]:
    """Run a condition; Inspect's logs under the study's ``folder`` are what it resumes from.

    Raises:
        ValueError: the pack is not the one the condition names.
        RuntimeError: texts without an answer remain; running again asks for those only.
    """
    pack = _pack(settings)
    n, looks = settings["n"], settings["look"] or settings["n"]
    students = [settings["student"], *([settings["against"]] if settings["against"] else [])]
    of = (n + settings["controls"]) * settings["generations"] * len(students)
    facts, done = _facts(settings, pack), 0
    yield _advance(0, of, facts)
    rows: list[GradedText] = []
    done_jobs: list[Part] = []
    ending = "all combinations"
    for first in range(0, n, looks):
        count = min(looks, n - first)
        parts = [
            (f"{place}/look-{first:05d}/part-{index}", student, begin, size)
            for place, student in enumerate(students)
            for index, (begin, size) in enumerate(_shares(first, count, study.processes))
        ]
        jobs = [_part(study, settings, folder, student, begin, size) for folder, student, begin, size in parts]
        for ended in _run(jobs):
            done += ended
            yield _advance(done, of, facts)
        done_jobs += jobs
        rows += _rows(jobs, settings)
        if settings["stop"] != "no":
            from genlab.studies.skill_mix.stopping import decide

            decision = decide(settings, rows)
            if decision is not None and decision.stop:
                ending = f"{decision.why} after {decision.interval.n} combinations"
                break
    missing = [row for row in rows if row.status == "unanswered" or BUDGET in row.why]
    if missing and not study.lost:
        reasons = "; ".join(dict.fromkeys(row.why for row in missing))[:500]
        raise RuntimeError(
            f"{len(missing)} of {len(rows)} texts got no answer ({reasons}). The same command, with a larger max_cost where that "
            "was reached, asks for those again and for nothing else; --set lost=true ends without them, and counts them"
        )
    counts = {status: sum(row.status == status for row in rows) for status in ("ungraded", "unanswered", "stopped")}
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    yield _advance(of, of, facts, [masked(row, pack) for row in rows] if pack.private else rows)
    if pack.private:
        for job in done_jobs:
            mask_logs(job.log_dir, pack)
    return f"{ending}, {told}" if told else ending


def check(study: SkillMix, settings: Mapping[str, Any]) -> None:
    """Find out before anything is paid for what would go wrong.

    Raises:
        ValueError: what is missing, and what to type.
    """
    import importlib.util

    from genlab.skills.combinations import common, draw

    if importlib.util.find_spec("inspect_ai") is None:
        extra = "sft" if settings["student"].startswith("batched/") else "llm"
        raise ValueError(f"this study asks language models through Inspect. Install it: pip install 'genlab[{extra}]'")
    pack = _pack(settings)
    draw(pack, settings["k"], settings["n"], seed=settings["seed"], exclude=common(pack) if settings["uncommon"] else ())
    models = {settings["student"], *models_among(settings["grader"]), *([settings["against"]] if settings["against"] else [])}
    if study.prices:
        from genlab.evaluation.budget import rates

        priced = rates(study.prices)
        if study.max_cost is not None and (unknown := sorted(models - priced.keys())):
            raise ValueError(f"max_cost wants a price for every model, and {study.prices} has none for {', '.join(unknown)}")
    for model in models:
        try:
            _reach(model)
        except Exception as error:
            why = re.sub(r"\[/?[a-z ]+\]", "", " ".join(str(error).split())).removeprefix("ERROR: ")
            raise ValueError(f"Inspect cannot reach {model}: {why}") from error


def _reach(model: str) -> None:
    """Whether a model is there; a folder of weights is not loaded for that."""
    provider, _, name = model.partition("/")
    if provider == "batched":
        from genlab.students.places import installed, place

        installed()
        place(name)
    else:
        from inspect_ai.model import get_model

        get_model(model)


def _pack(settings: Mapping[str, Any]) -> "Pack":
    from genlab.skills.pack import load

    pack = load(settings["pack"])
    if pack.digest != settings["pack_digest"]:
        raise ValueError(
            f"pack {settings['pack']} has changed since this condition was made: give the changed pack another version"
        )
    return pack


def _shares(first: int, count: int, processes: int) -> Iterator[tuple[int, int]]:
    """Contiguous shares of ``count`` combinations from ``first`` on: (begin, size)."""
    processes = min(processes, count)
    for index in range(processes):
        begin, end = count * index // processes, count * (index + 1) // processes
        yield first + begin, end - begin


def _part(study: SkillMix, settings: Mapping[str, Any], folder: str, student: str, begin: int, size: int) -> Part:
    from genlab.evaluation.options import parse

    task = {name: settings[name] for name in TASK}
    environment = budget.environment(study.prices, study.max_cost, _ledger(study.store))
    return Part(
        task={**task, "graders": len(settings["grader"]), "first": begin, "n": size, "cache": study.cache},
        student=student,
        graders=models_among(settings["grader"]),
        student_options=study.options(),
        grader_options=parse(study.grading, graders=True),
        log_dir=f"{study.store}/conditions/{Condition(study.name, study.protocol, settings).id}/logs/{folder}",
        environment=environment,
    )


def _ledger(store: str) -> Path:
    """The file in which all processes of a run share their budget: in the store, or for a remote one in the user's cache."""
    from fsspec.core import url_to_fs

    files, root = url_to_fs(store)
    if "file" in (files.protocol if isinstance(files.protocol, tuple) else (files.protocol,)):
        return Path(root) / "budget.sqlite"
    name = hashlib.sha256(store.encode()).hexdigest()[:16]
    return Path.home() / ".cache" / "genlab" / f"budget-{name}.sqlite"


def _run(jobs: Sequence[Part]) -> Iterator[int]:
    """Run parts at once; yields how many texts have ended since, now and then."""
    tasks = [Task(job.log_dir, (job,)) for job in jobs]
    with Pool(evaluate_part, tasks, workers=len(tasks), threads=1, preload=PRELOAD) as pool:
        ended = 0
        for event in pool.events():
            if event is None:
                yield ended
                ended = 0
            elif event.kind == "died":
                raise RuntimeError(event.content["why"])
            elif event.kind == "progress":
                ended += event.content["ended"]
        yield ended


def _rows(jobs: Sequence[Part], settings: Mapping[str, Any]) -> list[GradedText]:
    """The rows of a look's logs.

    Raises:
        RuntimeError: a log holds fewer texts than were asked for.
    """
    from genlab.evaluation.logs import read_texts

    found: list[GradedText] = []
    for job in jobs:
        first, n = job.task["first"], job.task["n"]
        rows = [
            row for row in read_texts(job.log_dir) if row.control or first <= row.index < first + n
        ]  # others: --set processes
        asked = (n * settings["generations"] + (settings["controls"] if first == 0 else 0)) * len(settings["grader"])
        if len(rows) != asked:
            raise RuntimeError(
                f"{job.log_dir} holds {len(rows)} texts of {asked} that were asked for. Delete that folder and run the same "
                "command again: what is in Inspect's cache is not asked for again"
            )
        found += rows
    return sorted(found, key=lambda row: (row.index, row.generation, row.control))  # however many processes, whoever ended first


def _facts(settings: Mapping[str, Any], pack: "Pack") -> dict[str, str]:
    from genlab.evaluation import writing
    from genlab.grading import prompts
    from genlab.skills.combinations import common, draw

    drawn = draw(pack, settings["k"], settings["n"], seed=settings["seed"], exclude=common(pack) if settings["uncommon"] else ())
    return {
        "pack": f"{pack.name} {pack.version}",
        "pack checksum": pack.digest,
        "student's prompts": writing.digest(pack.manner),
        "graders' prompts": prompts.digest() if models_among(settings["grader"]) else f"none: {checker_of(pack)}",
        "draws put back": f"{drawn.repeated} repeated, {drawn.excluded} with a common skill",
    }


def _advance(step: int, of: int, facts: Mapping[str, str], rows: Sequence[GradedText] = ()) -> Advance:
    return Advance(min(step, of), of, rows, lambda: Snapshot({}, {}), facts=facts)
