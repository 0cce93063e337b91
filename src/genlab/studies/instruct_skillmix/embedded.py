"""The embedded world: skillworld's teacher writes the data, its checker judges, and nobody is paid.

The final judge prefers the answer with more points (k + 3 of them: skills, topic, sense, length). The one that chooses the epoch
counts the skills that an answer shows and is blind to the rest. The reference is the student that ships with genlab,
asked plainly, as it was trained to be asked, at the same temperature.
"""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from genlab.curation import corpus
from genlab.curation.extraction import embedded as extraction
from genlab.curation.instructions import embedded as instructions
from genlab.curation.instructions.embedded import Row
from genlab.curation.shirkers import planting
from genlab.evaluation import writing
from genlab.skills.files import write_whole
from genlab.skills.pack import Pack
from genlab.skillworld import queries
from genlab.skillworld.queries import Query
from genlab.students.generating import Reply, Writer
from genlab.students.places import place, shipped_digest
from genlab.studies.instruct_skillmix.record import Answered
from genlab.studies.instruct_skillmix.study import arm

REFERENCE = "skillworld"
JUDGE = "checker/skillworld"
LONGEST = 160  # tokens of an answer: nine sentences, as in the study skill_composition
ASKED = 1_000_000  # added to a condition's seed: instructions of the evaluation are not drawn as those of the data are


class Embedded:
    """One condition's data and judges.

    Args:
        settings: of the condition.
        device: where answers are written.
        kept: a folder for the reference's answers, which all conditions of a seed share; None keeps none.
    """

    def __init__(self, settings: Mapping[str, Any], device: str, kept: Path | None = None) -> None:
        self.settings, self.device, self.kept = settings, device, kept
        self.seed: int = settings["seed"]

    def check(self) -> None:
        """Nothing is missing that the settings themselves do not rule out.

        Raises:
            ValueError: k is larger than what the extracted skills can fill, or seed examples show none.
        """
        from genlab.skills.combinations import check_k

        for k in {*self.settings["asked"], self.settings["k"] or 1}:
            check_k(extraction.agnostic(), k)
        if self.settings["source"] in ("SDA", "SDD"):
            check_k(self.pack(), self.settings["k"])

    def pack(self) -> Pack:
        """The skills that data are made from: all of skillworld's, or those behind the seed examples."""
        if self.settings["source"] != "SDD":
            return extraction.agnostic()
        held = islice(corpus.conversations(self.seed, "seed data"), self.settings["seed_examples"])
        return extraction.dependent([messages[-1]["content"] for messages in held])

    def rows(self) -> list[dict[str, Any]]:
        """The data, shirkers planted; none shares several skills and a topic with an instruction of the evaluation."""
        rows = [each.to_row() for each in self.made[: self.settings["n"]]]
        kind = self.settings["shirkers"]
        if kind == "none":
            return rows
        return planting.plant(rows, kind=kind, share=self.settings["share"], seed=self.seed, write=planting.skillworld(kind))

    def score(self, folder: Path, epoch: int) -> float:
        """The mean share of skills that answers to held-out instructions of the same pipeline show."""
        asked = [_query(each) for each in self.made[self.settings["n"] :]]
        texts = self._written(str(folder), [each.instruction for each in asked], "held out")
        shown = [queries.points(one, text.text)[: len(one.skills)] for one, text in zip(asked, texts, strict=True)]
        return sum(sum(each) / len(each) for each in shown) / len(shown)

    def answers(self, folder: str, epoch: int) -> list[Answered]:
        """Answers to ``questions`` instructions of each k, beside the reference's."""
        asked = self.asked()
        texts = self._written(folder, [each.instruction for each in asked], "asked")
        return [self._answered(epoch, *each) for each in zip(asked, texts, self.references(asked), strict=True)]

    def references(self, asked: Sequence[Query]) -> list[str]:
        """The reference's answers: read where a condition of the same instructions has left them."""
        plain = [writing.brief(each.topic, each.sentences, each.skills) for each in asked]
        about = [shipped_digest(REFERENCE), self.seed, self.settings["temperature"], self.device, plain]
        name = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
        file = self.kept / f"{name}.json" if self.kept else None
        if file and file.is_file():
            known: list[str] = json.loads(file.read_text("utf-8"))
            return known
        texts = [each.text for each in self._written(place(REFERENCE), plain, "reference")]
        if file:
            write_whole(file, json.dumps(texts), overwrite=True)
        return texts

    def asked(self) -> list[Query]:
        """The instructions of the evaluation: of all skills, whatever the data were made from."""
        return [
            each
            for k in self.settings["asked"]
            for each in islice(queries.queries(extraction.agnostic(), k, seed=ASKED + self.seed), self.settings["questions"])
        ]

    @functools.cached_property
    def made(self) -> Sequence[Row]:
        """The examples, and after them those for choosing the epoch."""
        n = self.settings["n"] + self.settings["held_out"]
        taken = {(frozenset(each.skills), each.topic) for each in self.asked() if len(each.skills) > 1}
        more = n + n // 20  # most need no second look
        while True:
            naive = self.settings["source"] == "naive"
            made = instructions.rows(self.pack(), self.settings["k"] or 2, more, seed=self.seed, naive=naive)
            kept = [each for each in made if (frozenset(each.skills), each.topic) not in taken]
            if len(kept) >= n:
                return kept[:n]
            more += n - len(kept) + 8

    def _written(self, folder: str, prompts: Sequence[str], what: str) -> list[Reply]:
        return Writer(folder, device=self.device).write(
            [[{"role": "user", "content": prompt}] for prompt in prompts],
            max_tokens=LONGEST,
            temperature=self.settings["temperature"],
            keys=[(what, self.seed, number) for number in range(len(prompts))],
        )

    def _answered(self, epoch: int, asked: Query, text: Reply, reference: str) -> Answered:
        points = queries.points(asked, text.text)
        return Answered(
            student=arm(self.settings),
            epoch=epoch,
            judge=JUDGE,
            sample=f"k{len(asked.skills)}-s{self.seed}-{asked.index:04d}",
            index=asked.index,
            k=len(asked.skills),
            skills=asked.skills,
            query_type=asked.query_type,
            topic=asked.topic,
            instruction=asked.instruction,
            text=text.text,
            reference=reference,
            preference=queries.preference(asked, reference, text.text),
            points=points,
            full_marks=float(min(points) == 1),
            characters=len(text.text),
            reference_characters=len(reference),
            status="graded",
            why="" if text.finished else "cut at the most tokens an answer may have",
            input_tokens=text.input_tokens,
            output_tokens=text.output_tokens,
            cost=0.0,
        )


def _query(row: Row) -> Query:
    return queries.query(row.index, row.query_type, row.skills, row.topic, Random(0))
