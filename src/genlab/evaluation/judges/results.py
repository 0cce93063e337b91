"""From Inspect's logs of the judged tasks to values: every answer of every model, by every judge, and nothing counted twice.

Judges are never mixed: what two of them said of one answer stands in two ``Judged``, each with its judge's name and date.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.evaluation.judges import embedded
from genlab.evaluation.judges.answering import ROLE
from genlab.evaluation.judges.judging import Verdict
from genlab.evaluation.judges.pairs import Compared
from genlab.evaluation.judges.rewards import as_preference
from genlab.evaluation.logs import BUDGET, read_logs
from genlab.evaluation.options import HOW
from genlab.evaluation.roles import roles
from genlab.grading.annotations import Annotation

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

SCORERS = {"alpaca_eval": "preference", "mt_bench": "ratings", "wild_bench": "checklist"}  # by task; what its scorer is called


@dataclass(frozen=True)
class Item:
    """One question, its answer, and what one judge made of it.

    Attributes:
        sample, epoch: Inspect's id and generation.
        index: the question's place in the user's copy.
        category: of the question, "" where it has none: a dataset (AlpacaEval), category (MT-Bench) or primary_tag (WildBench).
        request: the question; of several turns the last.
        answers: the model's, one a turn; empty where it gave none.
        reference, generator: the answer it is compared with, and whose it is; "" where there is none.
        compared: the judge's comparison in both orders; None where there is none.
        ratings: from 1 to 10, one a turn (MT-Bench) or one (WB-Score); None where ungraded.
        status: graded; ungraded (some verdict could not be read); unanswered (an error of the student's or the judge's provider);
            stopped (by a limit or a budget). Of an ungraded item the verdict that could be read (of one turn, say) counts;
            the others count in no number, and are counted beside it.
        why: what happened, where status is not graded.
    """

    sample: str
    epoch: int
    index: int
    category: str
    request: str
    answers: tuple[str, ...]
    reference: str
    generator: str
    compared: Compared | None
    ratings: tuple[float | None, ...]
    status: str
    why: str


@dataclass(frozen=True)
class Judged:
    """What one judge made of one model on one benchmark.

    Attributes:
        benchmark: alpaca_eval, mt_bench or wild_bench.
        questions: the name of the user's copy.
        model, judge: as Inspect says them; an exact judge is ``checker/skillworld``.
        date: of the newest log, YYYY-MM-DD: what a served judge says changes with time.
        settings: eight hex digits of all else that determines the numbers: questions, prompts, options of model and judge.
        items: in the order of the questions.
        margin: WildBench's K, in characters; None where it is off.
    """

    benchmark: str
    questions: str
    model: str
    judge: str
    date: str
    settings: str
    items: tuple[Item, ...] = field(repr=False)
    margin: int | None = None

    @property
    def graded(self) -> tuple[Item, ...]:
        """Items that count."""
        return tuple(each for each in self.items if each.status == "graded")

    @property
    def ungraded(self) -> int:
        """Items whose verdict could not be read."""
        return sum(each.status == "ungraded" for each in self.items)

    @property
    def unanswered(self) -> int:
        """Items without an answer or a verdict: errors, limits, the budget."""
        return len(self.items) - len(self.graded) - self.ungraded

    def annotations(self) -> tuple[Annotation, ...]:
        """AlpacaEval's format: one an item that was compared, the preference from both orders; None where ungraded.

        WildBench's five steps are preferences of 1, 1.25, 1.5, 1.75 and 2, without its margin.
        """
        return tuple(self._annotation(each, two.preference, {"index": each.index}) for each, two in self._compared())

    def as_seen(self) -> tuple[Annotation, ...]:
        """Two an item: in either order, output_1 being what the judge saw first, as ``judge_bias.position_bias`` wants them."""
        found = []
        for each, two in self._compared():
            found.append(self._annotation(each, two.forward.best, {}))
            backward = two.backward.best
            found.append(self._annotation(each, None if backward is None else 3 - backward, {}).swapped())
        return tuple(found)

    def _compared(self) -> Iterator[tuple[Item, Compared]]:
        for each in self.items:
            if each.compared is not None:
                yield each, as_preference(each.compared) if self.benchmark == "wild_bench" else each.compared

    def _annotation(self, item: Item, preference: float | None, others: Mapping[str, Any]) -> Annotation:
        more = {"dataset": item.category} if item.category and others else {}
        return Annotation(
            instruction=item.request,
            output_1=item.reference,
            output_2=item.answers[-1],
            generator_1=item.generator,
            generator_2=self.model,
            annotator=self.judge,
            preference=preference,
            others={**others, **more},
        )


def read(place: str | Path) -> tuple[Judged, ...]:
    """All that judges said in a log file, or in all logs of a folder; logs of other tasks are passed over.

    Of two results of one answer (a run that was resumed, a log that was retried) the graded one stays, else the later.

    Raises:
        ValueError: no log is there, one that is damaged, or none of a judged task.
    """
    found: dict[tuple[str, ...], dict[tuple[str, int], Item]] = {}
    dates: dict[tuple[str, ...], str] = {}
    margins: dict[tuple[str, ...], int | None] = {}
    for log in read_logs(place):
        for who, item in _rows(log):
            items = found.setdefault(who, {})
            key = (item.sample, item.epoch)
            if key not in items or items[key].status != "graded":
                items[key] = item
            dates[who] = max(dates.get(who, ""), log.eval.created[:10])
            margins[who] = (log.eval.metadata or {}).get("margin")
    if not found:
        raise ValueError(f"no log at {place} is of {', '.join(f'genlab/{name}' for name in SCORERS)}, or none has a sample")
    judged = []
    for who, items in found.items():
        in_order = tuple(sorted(items.values(), key=lambda each: (each.index, each.epoch)))
        judged.append(Judged(who[0], who[1], who[2], who[3], dates[who], who[4], in_order, margins[who]))
    return tuple(sorted(judged, key=lambda each: (each.benchmark, each.questions, each.judge, each.model, each.settings)))


def _rows(log: "EvalLog") -> Iterator[tuple[tuple[str, ...], Item]]:
    """Each judge's item of each sample, under who and what it belongs to."""
    benchmark = log.eval.task.rpartition("/")[2]
    if benchmark not in SCORERS:
        return
    about = log.eval.metadata or {}
    for sample in log.samples or ():
        score = (sample.scores or {}).get(SCORERS[benchmark])
        judged = (score.metadata or {}).get("judges", ()) if score else ()
        names = [str(each["judge"]) for each in judged] or _judges(log, sample)
        for place, name in enumerate(names):
            said = judged[place] if judged else {}
            who = (benchmark, str(about.get("questions", "")), log.eval.model, name, _settings(log, place))
            yield who, _item(sample, said, score)


def _judges(log: "EvalLog", sample: "EvalSample") -> list[str]:
    """Who would have judged a sample that was broken off."""
    arguments, models = log.eval.task_args, log.eval.model_roles or {}
    if arguments.get("judge") or (embedded.judgeable(sample.metadata) and ROLE not in models):
        return [embedded.EXACT]
    return [str(getattr(models.get(role), "model", role)) for role in roles(int(arguments.get("judges") or 1), ROLE)]


def _settings(log: "EvalLog", place: int) -> str:
    about, config = log.eval.metadata or {}, log.eval.model_generate_config
    played = (log.eval.model_roles or {}).get(roles(place + 1, ROLE)[place])
    judge = played[0] if isinstance(played, list) else played
    said = [
        config.model_dump_json(exclude_none=True, exclude=HOW),
        ""
        if judge is None
        else judge.config.model_dump_json(exclude_none=True, exclude=HOW) + str(judge.base_url) + str(judge.args),
        json.dumps({name: value for name, value in about.items() if name != "questions"}, sort_keys=True, default=str),
        str(log.eval.task_args.get("logprobs")),
    ]
    return hashlib.sha256("\x1f".join(said).encode()).hexdigest()[:8]


def _item(sample: "EvalSample", said: Mapping[str, Any], score: Any) -> Item:
    about = sample.metadata
    compared = Compared.from_json(said) if "forward" in said else None
    ratings = tuple(Verdict.from_json(each) for each in said.get("ratings", ()))
    answers = tuple(str(each) for each in sample.store.get("answers") or ())
    status, why = _status(sample, score, compared, ratings)
    return Item(
        sample=str(sample.id),
        epoch=sample.epoch,
        index=int(about["index"]),
        category=str(about.get("category") or about.get("dataset") or ""),
        request=str(about["instruction"]),
        answers=answers,
        reference=str(about.get("output") or ""),
        generator=str(about.get("generator") or ""),
        compared=compared,
        ratings=tuple(each.value for each in ratings),
        status=status,
        why=why,
    )


def _status(sample: "EvalSample", score: Any, compared: Compared | None, ratings: tuple[Verdict, ...]) -> tuple[str, str]:
    """A limit or an error leaves no result; a verdict that could not be read leaves an ungraded one."""
    if sample.error is not None:
        why = " ".join(sample.error.message.split())[:300]
        return ("stopped" if BUDGET in sample.error.message else "unanswered"), why
    if sample.limit is not None:
        return "stopped", f"Inspect's {sample.limit.type} limit of {sample.limit.limit:g}"
    if score is None or (compared is None and not ratings):
        return (
            ("unanswered", "the sample has no verdict: its evaluation was broken off")
            if score is None
            else (
                "stopped",
                str(score.explanation or ""),
            )
        )
    lost = [each.why for each in ratings if each.value is None]
    if compared is not None and None in (compared.forward.value, compared.backward.value):
        lost.append(compared.why)
    return ("ungraded", "; ".join(dict.fromkeys(lost))) if lost else ("graded", "")
