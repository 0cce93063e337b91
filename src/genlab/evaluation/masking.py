"""Private packs: their names, definitions and texts, taken out of rows and out of Inspect's logs once a condition is done.

While it runs, its logs hold the prompts as they were sent, because a resumed run needs them.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.evaluation.logs import BUDGET
from genlab.grading.graded import GradedText
from genlab.skills.pack import Pack
from genlab.skills.pack import masked as hide

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample
    from inspect_ai.scorer import Score

WITHHELD = "(withheld: the pack is private)"
_LEFT = re.compile(re.escape(WITHHELD[:-1]) + r", \d+ characters, #[0-9a-f]+\)")
_ABOUT = {"index", "k", "skills", "categories", "topic", "control", "truth"}  # of a sample's metadata; "planted" is a text
_KEPT = {"truncated", "tokens", "cost", "stopped"}  # of a sample's store


def masked(row: GradedText, pack: Pack) -> GradedText:
    """A row with hashes in place of the private pack's names, and without the words that were written and said.

    A row from masked logs stays what it is: a run that was killed among its last steps has some already.
    """
    why = {"stopped": row.why, "ungraded": "no readable grading", "unanswered": "no answer"}
    return replace(
        row,
        skills=tuple(_shown(row.skills, {skill.name for skill in pack.skills}, pack)),
        topic=_shown([row.topic], {topic.name for topic in pack.topics}, pack)[0],
        text=withheld(row.text, pack),
        draft=withheld(row.draft, pack),
        reasons=tuple("unreadable" if reason else "" for reason in row.reasons),
        why=why.get(row.status, ""),
    )


def withheld(text: str, pack: Pack) -> str:
    """What is left of a private text: that there was one, and a salted hash that tells two apart."""
    if not text or _LEFT.fullmatch(text):
        return text
    return f"{WITHHELD[:-1]}, {len(text)} characters, {hide(text, pack.salt)})"


def mask_logs(folder: str | Path, pack: Pack) -> None:
    """Rewrite every log in a folder without the private pack's words: scores, tokens and times stay, transcripts go."""
    from inspect_ai.log import EvalError, list_eval_logs, read_eval_log, write_eval_log

    for each in list_eval_logs(str(folder)):
        log = read_eval_log(each)
        log.samples = [_masked_sample(sample, pack) for sample in log.samples or ()]
        log.reductions = None
        log.error = EvalError(message=WITHHELD, traceback="", traceback_ansi="") if log.error else None
        write_eval_log(log, each.name)


def _shown(names: Sequence[str], known: set[str], pack: Pack) -> list[str]:
    return [pack.shown(name) if name in known else name for name in names]


def _masked_sample(sample: "EvalSample", pack: Pack) -> "EvalSample":
    """A sample with what is listed here and nothing else: what Inspect adds to its samples tomorrow is left out too."""
    from inspect_ai.log import EvalError, EvalSample
    from inspect_ai.model import ModelOutput

    about: dict[str, Any] = {name: value for name, value in sample.metadata.items() if name in _ABOUT}
    about["skills"] = _shown(about["skills"], {skill.name for skill in pack.skills}, pack)
    about["topic"] = _shown([str(about["topic"])], {topic.name for topic in pack.topics}, pack)[0]
    kept = {name: value for name, value in sample.store.items() if name in _KEPT}
    kept |= {name: withheld(str(sample.store[name]), pack) for name in ("text", "draft") if name in sample.store}
    error = None
    if sample.error is not None:
        said = sample.error.message if BUDGET in sample.error.message else WITHHELD
        error = EvalError(message=said, traceback="", traceback_ansi="")
    return EvalSample(
        id=sample.id,
        epoch=sample.epoch,
        input=WITHHELD,
        target="",
        output=ModelOutput(model=sample.output.model, usage=sample.output.usage),
        scores={name: _masked_score(score) for name, score in (sample.scores or {}).items()} or None,
        metadata=about,
        store=kept,
        model_usage=sample.model_usage,
        role_usage=sample.role_usage,
        started_at=sample.started_at,
        completed_at=sample.completed_at,
        total_time=sample.total_time,
        working_time=sample.working_time,
        uuid=sample.uuid,
        error=error,
        limit=sample.limit,
    )


def _masked_score(score: "Score") -> "Score":
    from inspect_ai.scorer import Score

    said = score.metadata or {}
    graders = [
        {**each, "reasons": ["unreadable" if reason else "" for reason in each["reasons"]], "remarks": [], "replies": []}
        for each in said.get("graders", ())
    ]
    metadata = {name: said[name] for name in ("points", "named", "sentences") if name in said} | {"graders": graders}
    return Score(value=score.value, answer=WITHHELD, explanation=WITHHELD, reason=score.reason, metadata=metadata)
