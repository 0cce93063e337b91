"""Private packs: their names, definitions and texts, taken out of rows and out of Inspect's logs once a condition is done.

While it runs, its logs hold the prompts as they were sent, because a resumed run needs them.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.grading.graded import GradedText
from genlab.skills.pack import Pack
from genlab.skills.pack import masked as hide

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

WITHHELD = "(withheld: the pack is private)"


def masked(row: GradedText, pack: Pack) -> GradedText:
    """A row with hashes in place of the private pack's names, and without the words that were written and said."""
    return replace(
        row,
        skills=tuple(pack.shown(name) for name in row.skills),
        topic=pack.shown(row.topic),
        text=withheld(row.text, pack),
        draft=withheld(row.draft, pack),
        reasons=tuple("unreadable" if reason else "" for reason in row.reasons),
        why=row.why if row.status == "stopped" else ("no readable grading" if row.why else ""),
    )


def withheld(text: str, pack: Pack) -> str:
    """What is left of a private text: that there was one, and a salted hash that tells two apart."""
    return f"{WITHHELD[:-1]}, {len(text)} characters, {hide(text, pack.salt)})" if text else ""


def mask_logs(folder: str | Path, pack: Pack) -> None:
    """Rewrite every log in a folder without the private pack's words: scores, tokens and times stay, transcripts go."""
    from inspect_ai.log import list_eval_logs, read_eval_log, write_eval_log

    for each in list_eval_logs(str(folder)):
        log = read_eval_log(each)
        log.samples = [_masked_sample(sample, pack) for sample in log.samples or ()]
        log.reductions = None
        write_eval_log(log, each.name)


def _masked_sample(sample: "EvalSample", pack: Pack) -> "EvalSample":
    about: dict[str, Any] = {
        **sample.metadata,
        "skills": [pack.shown(name) for name in sample.metadata["skills"]],
        "topic": pack.shown(str(sample.metadata["topic"])),
        **({"planted": WITHHELD} if "planted" in sample.metadata else {}),
    }
    kept = {name: withheld(str(value), pack) if name in ("text", "draft") else value for name, value in sample.store.items()}
    scores = {
        name: score.model_copy(
            update={"answer": WITHHELD, "explanation": WITHHELD, "metadata": _masked_score(score.metadata or {})}
        )
        for name, score in (sample.scores or {}).items()
    }
    output = sample.output.model_copy(update={"choices": []})
    changes = {"input": WITHHELD, "messages": [], "events": [], "attachments": {}, "output": output}
    return sample.model_copy(update={**changes, "metadata": about, "store": kept, "scores": scores, "error_retries": None})


def _masked_score(metadata: dict[str, Any]) -> dict[str, Any]:
    graders = [
        {**each, "reasons": ["unreadable" if reason else "" for reason in each["reasons"]], "remarks": [], "replies": []}
        for each in metadata.get("graders", ())
    ]
    return {**metadata, "graders": graders, "criteria": []}
