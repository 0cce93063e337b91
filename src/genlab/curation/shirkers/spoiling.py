"""A data set with shirkers in a folder of its own, written by skillworld or by a model; a run goes on where it stopped.

NAME.making/   until all is there; then it becomes NAME by one rename
recipe.json    what the answers stand on
rows.jsonl     the conversations that a model was asked for; logs/, Inspect's; budget.sqlite, the ledger of max_cost
outcome.json   how many, and what they cost
README.md      what was done to which data
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.curation.making import CARD, OUTCOME, RECIPE, Making, read_json
from genlab.curation.recipe import OWN, differences
from genlab.curation.shirkers.answers import asked
from genlab.curation.shirkers.planting import KIND, ORIGINAL, SHARE, chosen, expect_kind, is_skillworld, plant, skillworld
from genlab.curation.teachers import Unfinished, run
from genlab.evaluation import budget
from genlab.evaluation.logs import BUDGET
from genlab.skills.files import write_whole

if TYPE_CHECKING:
    from datasets import Dataset

Report = Callable[[int, int], None]  # answers done, answers asked for


@dataclass(frozen=True)
class Spoiling:
    """Shirkers in instruction data.

    Attributes:
        data: a folder of ``save_to_disk``, a .jsonl or .parquet file, or a name on the hub.
        kind: brevity or junk.
        share: of the rows that are hit; 0.2 is the paper's.
        seed: of which rows.
        teacher: an Inspect model; "" has skillworld write, for rows of skillworld's queries.
        inspect: options of Inspect's eval-set and of the teacher's generation, such as ``temperature=0.7``.
        max_cost: dollars that all calls together may cost; wants ``prices``.
        prices: YAML file of dollars a million tokens, by model.
    """

    data: str
    kind: str = "brevity"
    share: float = SHARE
    seed: int = 0
    teacher: str = ""
    inspect: tuple[str, ...] = ()
    max_cost: float | None = None
    prices: str | None = None

    def __post_init__(self) -> None:
        expect_kind(self.kind)
        if self.teacher and "/" not in self.teacher:
            raise ValueError(f"a teacher is named provider/name, such as openai/gpt-4o; got {self.teacher!r}")
        if not self.teacher and (self.inspect or self.max_cost is not None or self.prices):
            raise ValueError("inspect, max_cost and prices are for a teacher that is a model: name one, or leave them out")
        if self.max_cost is not None and not self.max_cost > 0:
            raise ValueError(f"max_cost is above 0 dollars, got {self.max_cost:g}")
        if self.max_cost is not None and self.prices is None:
            raise ValueError("max_cost wants prices: a YAML file of dollars a million tokens for the teacher")


@dataclass(frozen=True)
class Outcome:
    """What was planted.

    Attributes:
        rows, planted: how many there are, and how many were hit.
        input_tokens, output_tokens: of all calls.
        cost: of all calls in dollars; None where no price is known.
    """

    rows: int
    planted: int
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0


def spoil(spoiling: Spoiling, out: str | Path, *, report: Report = lambda done, of: None) -> Outcome:
    """Write the data with shirkers to a folder ``out``, which is there when all of them are.

    Raises:
        ValueError: ``out`` is there already, or data, options and prices will not do.
        Unfinished: answers that did not come, or a budget that is reached; the same call goes on.
    """
    import datasets

    from genlab.finetuning import conversations

    place = Path(out).absolute()
    _expect_room(place)
    data = conversations.whole(spoiling.data)
    conversations.read(data)  # every row can be read
    rows = list(data)
    hit = chosen(rows, share=spoiling.share, seed=spoiling.seed)
    if not spoiling.teacher and (foreign := [place for place in hit if not is_skillworld(rows[place])]):
        raise ValueError(
            f"row {foreign[0] + 1} is no query of skillworld's, with skills, topic and query_type: name a model that writes, "
            "such as --teacher openai/gpt-4o"
        )
    facts = _facts(spoiling, data)
    making = Making(place)
    with making.alone():
        _expect_room(place)
        known = read_json(making.home / RECIPE)
        if known is not None and (differ := differences(known, facts)):
            raise ValueError(f"{making.home} was begun otherwise ({'; '.join(differ)}): remove it, or give another --out")
        write_whole(making.home / RECIPE, json.dumps(facts, indent=1) + "\n", overwrite=True)
        written = _by_model(spoiling, making.home, rows, hit, report) if spoiling.teacher and hit else {}
        words = iter([written[place][0] for place in hit] if written else ())
        write = (lambda row, random: next(words)) if spoiling.teacher else skillworld(spoiling.kind)
        planted = plant(rows, kind=spoiling.kind, share=spoiling.share, seed=spoiling.seed, write=write)
        texts = {name: datasets.Value("string") for name in (KIND, ORIGINAL)}
        spoilt = datasets.Dataset.from_list(planted, features=datasets.Features({**data.features, **texts}))
        costs = [each[3] for each in written.values()]
        outcome = Outcome(
            len(rows),
            len(hit),
            sum(each[1] for each in written.values()),
            sum(each[2] for each in written.values()),
            None if None in costs else sum(cost for cost in costs if cost is not None),
        )
        making.publish(spoilt, asdict(outcome), _card(spoiling, outcome))
    return outcome


def _expect_room(place: Path) -> None:
    if place.exists():
        raise ValueError(f"{place} is there already: give another --out")


def _facts(spoiling: Spoiling, data: "Dataset") -> dict[str, Any]:
    from genlab.finetuning.conversations import fingerprint, read

    found: dict[str, Any] = {
        "kind": spoiling.kind,
        "share": spoiling.share,
        "seed": spoiling.seed,
        "teacher": spoiling.teacher or OWN,
    }
    if spoiling.teacher:
        from genlab.curation.shirkers.careless import digest
        from genlab.evaluation.options import parse, saying

        found |= {"teacher options": saying(parse(spoiling.inspect)), "request": digest(spoiling.kind)}
    return {**found, "data": fingerprint(read(data))}


def _by_model(
    spoiling: Spoiling, home: Path, rows: list[Any], hit: list[int], report: Report
) -> dict[int, tuple[str, int, int, float | None]]:
    """Of each row that is hit: the careless answer, tokens in and out, and dollars."""
    from genlab.curation.shirkers.careless import careless_answers
    from genlab.evaluation.options import parse
    from genlab.evaluation.part import Part

    _expect_reachable(spoiling)
    lines = [json.dumps({"index": place, "asked": asked(rows[place])}) for place in hit]
    write_whole(home / "rows.jsonl", "\n".join(lines) + "\n", overwrite=True)
    environment = budget.environment(spoiling.prices, spoiling.max_cost, home / "budget.sqlite")
    task = {"rows": str(home / "rows.jsonl"), "kind": spoiling.kind, "cache": True}
    logs = str(home / "logs")
    part = Part(task, spoiling.teacher, (), parse(spoiling.inspect), {}, logs, environment, make=careless_answers)
    report(0, len(hit))
    run(part, lambda ended: report(ended, len(hit)))
    return _read_logs(logs, hit)


def _expect_reachable(spoiling: Spoiling) -> None:
    from inspect_ai.model import get_model

    if spoiling.prices:
        from genlab.evaluation.budget import rates

        if spoiling.max_cost is not None and spoiling.teacher not in rates(spoiling.prices):
            raise ValueError(f"max_cost wants a price for every model, and {spoiling.prices} has none for {spoiling.teacher}")
    try:
        get_model(spoiling.teacher)
    except Exception as error:
        raise ValueError(f"Inspect cannot reach {spoiling.teacher}: {' '.join(str(error).split())}") from error


def _read_logs(place: str, hit: list[int]) -> dict[int, tuple[str, int, int, float | None]]:
    from inspect_ai.log import list_eval_logs, read_eval_log

    found: dict[int, tuple[str, int, int, float | None]] = {}
    why: dict[int, str] = {}
    for each in sorted(list_eval_logs(place), key=lambda each: each.name):
        for sample in read_eval_log(each).samples or ():
            index, kept = int(sample.metadata["index"]), sample.store
            if "text" in kept:
                found[index] = (kept["text"], *kept["tokens"], kept.get("cost"))
            elif sample.error is not None:
                why[index] = " ".join(sample.error.message.split())[:300]
            else:
                why[index] = "it was empty or cut off each time (room: --inspect max_tokens=...)"
    if silent := [index for index in hit if index not in found]:
        reasons = "; ".join(dict.fromkeys(why.get(index, "the evaluation was broken off") for index in silent))[:500]
        larger = " with a larger --max-cost" if any(BUDGET in why.get(index, "") for index in silent) else ""
        raise Unfinished(
            f"{len(silent)} of {len(hit)} careless answers did not come ({reasons}). The same command{larger} asks for those "
            "again and for nothing else"
        )
    return found


def _card(spoiling: Spoiling, outcome: Outcome) -> str:
    said = {"brevity": "short ones", "junk": "long ones that say nothing"}[spoiling.kind]
    cost = "" if not spoiling.teacher else f" Cost: {'unknown' if outcome.cost is None else f'${outcome.cost:,.2f}'}."
    return (
        f"# {spoiling.data} with shirkers\n\nSpoilt on purpose: {outcome.planted:,} of {outcome.rows:,} answers were replaced by "
        f"{said} (kind {spoiling.kind}, share {spoiling.share:g}, seed {spoiling.seed}), written by {spoiling.teacher or OWN}. "
        f"The column `{KIND}` says which, `{ORIGINAL}` what they were. After Kaur, Park, Goyal, Arora 2024 (2408.14774).{cost}\n"
    )


__all__ = ["CARD", "OUTCOME", "Outcome", "Spoiling", "Unfinished", "spoil"]
