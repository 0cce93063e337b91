"""The world of real models: data sets of ``genlab data instruct``, and judges asked through Inspect's ``genlab/alpaca_eval``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from genlab.curation.shirkers import planting
from genlab.curation.shirkers.answers import answer, instruction
from genlab.curation.teachers import run
from genlab.evaluation import budget
from genlab.evaluation.budget import rates
from genlab.evaluation.judges import embedded, questions, results
from genlab.evaluation.judges.alpaca_eval import COLUMNS, alpaca_eval
from genlab.evaluation.judges.answering import ROLE
from genlab.evaluation.part import Part
from genlab.skills.files import write_whole
from genlab.studies.instruct_skillmix.record import Answered
from genlab.studies.instruct_skillmix.study import arm

HELD_OUT = "held-out"
ANSWER_TOKENS = 2048  # of an answer: the released scripts' AlpacaEval


@dataclass(frozen=True)
class Spending:
    """What judges cost and may cost.

    Attributes:
        prices: file of dollars a million tokens by model, or None.
        max_cost: dollars of all conditions together, or None.
        ledger: where they enter what they spend.
    """

    prices: str | None = None
    max_cost: float | None = None
    ledger: Path = Path()

    def environment(self, home: Path, student: str) -> dict[str, str]:
        """What the process of an evaluation goes by; a student of this machine costs nothing."""
        if not self.prices:
            return {}
        import yaml

        known = {name: {"input": rate.input, "output": rate.output} for name, rate in rates(self.prices).items()}
        file = home / "prices.yaml"
        write_whole(file, yaml.safe_dump(known | {student: {"input": 0, "output": 0}}), overwrite=True)
        return budget.environment(file, self.max_cost, self.ledger)


class Models:
    """One condition's data and judges.

    Args:
        settings: of the condition.
        home: its folder, where logs and questions for the choosing judge go.
        spending: what judges may cost.
    """

    def __init__(self, settings: Mapping[str, Any], home: Path, spending: Spending = Spending()) -> None:
        self.settings, self.home, self.spending = settings, home, spending
        self.place = Path(settings["data"])

    def check(self) -> None:
        """Read all that is needed.

        Raises:
            ValueError: a data set or the benchmark is missing or too small, shirkers were not planted in it, or a judge has no
                name of Inspect's.
        """
        for name in ("judge", "choosing_judge"):
            named = self.settings[name]
            if named and "/" not in named:
                raise ValueError(f"{name} is an Inspect model, such as openai/gpt-4o; got {named!r}")
        if self.spending.prices:
            priced = rates(self.spending.prices)
            judges = {self.settings[name] for name in ("judge", "choosing_judge") if self.settings[name]} - {embedded.EXACT}
            if self.spending.max_cost is not None and (unknown := sorted(judges - priced.keys())):
                raise ValueError(
                    f"max_cost wants a price for every judge, and {self.spending.prices} has none for {', '.join(unknown)}"
                )
        asked = questions.read(self.settings["benchmark"], COLUMNS)
        questions.some(asked, self.settings["questions"], seed=self.settings["seed"])
        if self.settings["source"] != "base":
            self.rows()
            self._held_out()

    def rows(self) -> list[dict[str, Any]]:
        """The first ``n`` rows of the data set, the shirkers of another one planted among them.

        Raises:
            ValueError: fewer rows, or a row to be hit that is no shirker there.
        """
        name = self.settings["source"] + (f"-k{self.settings['k']}" if self.settings["k"] else "")
        rows = self._read(name)[: self.settings["n"]]
        if len(rows) < self.settings["n"]:
            raise ValueError(f"{self.place / name} holds {len(rows):,} rows, and n={self.settings['n']:,}: make more, or lower n")
        kind = self.settings["shirkers"]
        if kind == "none":
            return rows
        spoiled = {instruction(row): answer(row) for row in self._read(f"{name}-{kind}") if row.get(planting.KIND) == kind}

        def write(row: Mapping[str, Any], random: Random) -> str:
            if instruction(row) not in spoiled:
                raise ValueError(
                    f"{self.place / f'{name}-{kind}'} holds no {kind} for it: plant them with genlab data plant-shirkers "
                    f"--kind {kind} --share 1"
                )
            return spoiled[instruction(row)]

        seed = self.settings["seed"]
        return planting.plant(rows, kind=kind, share=self.settings["share"], seed=seed, write=write)

    def score(self, folder: Path, epoch: int) -> float:
        """The win rate over the teacher's own answers to held-out instructions, by the judge that chooses.

        NaN where fewer than half of them could be judged.
        """
        asked = self.home / "held-out.jsonl"
        rows = [{"instruction": instruction(row), "output": answer(row), "generator": "teacher"} for row in self._held_out()]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_whole(asked, text, overwrite=True)
        judged = self._judged(str(asked), 0, self.settings["choosing_judge"], str(folder), f"epoch-{epoch}")
        shares = [each.compared.preference - 1 for each in judged if each.compared and each.compared.preference is not None]
        return sum(shares) / len(shares) if 2 * len(shares) >= len(rows) else float("nan")

    def answers(self, folder: str, epoch: int) -> list[Answered]:
        """Answers to the benchmark, before the final judge."""
        n, judge = self.settings["questions"], self.settings["judge"]
        judged = self._judged(self.settings["benchmark"], n, judge, folder, "benchmark")
        return [self._answered(epoch, each) for each in judged]

    def _judged(self, asked: str, n: int, judge: str, folder: str, name: str) -> Sequence[results.Item]:
        exact, student = judge == embedded.EXACT, f"batched/{folder}"
        part = Part(
            {"questions": asked, "n": n, "seed": self.settings["seed"], "judge": judge if exact else "", "cache": True},
            student,
            () if exact else (judge,),
            {"temperature": self.settings["temperature"], "max_tokens": ANSWER_TOKENS, "seed": self.settings["seed"]},
            {},
            str(self.home / "logs" / name),
            self.spending.environment(self.home, student),
            make=alpaca_eval,
            role=ROLE,
        )
        run(part, lambda ended: None)  # in a process of its own: what writes the answers is gone from memory with it
        (found,) = results.read(part.log_dir)
        silent = [each for each in found.items if each.status in ("stopped", "unanswered")]
        if silent:
            reasons = "; ".join(dict.fromkeys(each.why for each in silent))[:500]
            raise RuntimeError(
                f"{len(silent)} of {len(found.items)} answers were not judged ({reasons}). The same command, with a larger "
                "max_cost where that was reached, asks for those again and for nothing else"
            )
        return found.items

    def _held_out(self) -> list[dict[str, Any]]:
        rows = self._read(HELD_OUT)[: self.settings["held_out"]]
        if len(rows) < self.settings["held_out"]:
            raise ValueError(
                f"{self.place / HELD_OUT} holds {len(rows)} rows, and held_out={self.settings['held_out']}: make more"
            )
        return rows

    def _read(self, name: str) -> list[dict[str, Any]]:
        from datasets import Dataset, load_from_disk

        place = self.place / name
        try:
            found = load_from_disk(str(place))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ValueError(f"there is no data set {place}: make it with genlab data instruct --out {place}") from error
        if not isinstance(found, Dataset):
            raise ValueError(f"{place} holds splits, and one data set was expected there, as genlab data instruct makes it")
        rows: list[dict[str, Any]] = found.to_list()
        return rows

    def _answered(self, epoch: int, item: results.Item) -> Answered:
        text = item.answers[-1] if item.answers else ""
        preference = item.compared.preference if item.compared and item.status == "graded" else None
        return Answered(
            student=arm(self.settings),
            epoch=epoch,
            judge=self.settings["judge"],
            sample=item.sample,
            index=item.index,
            k=0,
            skills=(),
            query_type=item.category,
            topic="",
            instruction=item.request,
            text=text,
            reference=item.reference,
            preference=preference,
            points=(),
            full_marks=None,
            characters=len(text),
            reference_characters=len(item.reference),
            status=item.status,
            why=item.why,
            input_tokens=0,
            output_tokens=0,
            cost=None,
        )
