"""What is reviewed: texts chosen evenly over students, k and the grader's verdict, and what a rater sees of each."""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, TypeVar

from genlab import chance
from genlab.evaluation.masking import WITHHELD
from genlab.grading.graded import GradedText
from genlab.grading.rubric import Rubric, rubric, sentences
from genlab.review.rateable import Rateable
from genlab.review.shown import clipped, shown
from genlab.skills.skill import Skill

T = TypeVar("T")
TEXTS = 40  # our assumption: an hour of a careful rater's time at k = 3


@dataclass(frozen=True)
class Item:
    """One text to grade, blind: nothing here says who wrote it or what a grader made of it.

    Attributes:
        id: sixteen hex digits of the text, its topic and its skills; equal texts for an equal task are one item.
        text: the student's, untrusted.
        rubric: its k + 3 criteria, with the skills' definitions and examples.
    """

    id: str
    text: str
    rubric: Rubric

    @property
    def criteria(self) -> tuple[str, ...]:
        """Names of the k + 3 criteria, in the order of points."""
        return tuple(each.name for each in self.rubric.criteria)

    @property
    def version(self) -> str:
        """Eight hex digits of the definitions and examples shown: ratings by other words are ratings of something else."""
        return _digest([[skill.name, skill.definition, skill.example] for skill in self.rubric.skills])[:8]

    @property
    def forced(self) -> bool:
        """A rater may be unsure."""
        return False

    def to_page(self) -> dict[str, Any]:
        """All that the page is given."""
        text, rest = clipped(shown(self.text))
        skills = {skill.name: skill for skill in self.rubric.skills}
        others = {
            "topic": f"The text is about “{self.rubric.topic}”, or set in it.",
            "sense": "Read as a text, it makes sense.",
            "length": f"It has at most {sentences(self.rubric.limit)}.",
        }
        criteria = []
        for each in self.rubric.criteria:
            definition = skills[each.name].definition if each.kind == "skill" else others[each.kind]
            example = skills[each.name].example if each.kind == "skill" else ""
            criteria.append({"name": each.name, "kind": each.kind, "definition": definition, "example": example})
        return {
            "id": self.id,
            "version": self.version,
            "text": text,
            "rest": rest,
            "topic": self.rubric.topic,
            "limit": sentences(self.rubric.limit),
            "criteria": criteria,
        }


def identity(row: GradedText) -> str:
    """The id of a row's item: a function of what a rater sees, so that it tells nothing else and needs no list kept apart."""
    return _digest([row.text, row.topic, list(row.skills)])[:16]


def reviewable(row: GradedText) -> bool:
    """Whether people can review a row: a student's text, graded and kept. Planted texts are not their work."""
    return row.status == "graded" and row.points is not None and not row.control and not _withheld(row)


def catalogue(rows: Iterable[GradedText], skills: Mapping[str, Skill]) -> dict[str, Item]:
    """Every item in the rows, by id.

    Args:
        rows: of any students and graders; those that are not ``reviewable`` are passed over.
        skills: by name, with the definitions that the student and the grader were given.

    Raises:
        ValueError: a skill has no definition, or is called like another criterion.
    """
    found: dict[str, Item] = {}
    unknown: set[str] = set()
    for row in rows:
        if not reviewable(row) or (name := identity(row)) in found:
            continue
        if absent := [each for each in row.skills if each not in skills]:
            unknown.update(absent)
            continue
        item = Item(name, row.text, rubric([skills[each] for each in row.skills], row.topic))
        if len(set(item.criteria)) < len(item.criteria):
            raise ValueError(f"the criteria {', '.join(item.criteria)} share a name, and ratings go by names: rename the skill")
        found[name] = item
    if unknown:
        some = ", ".join(sorted(unknown)[:5]) + (", ..." if len(unknown) > 5 else "")
        raise ValueError(
            f"no definition for {len(unknown)} skill(s) in these texts: {some}. Give the pack that they were drawn from; "
            "of a private pack, the file itself"
        )
    return found


def choose(rows: Sequence[GradedText], skills: Mapping[str, Skill], n: int = TEXTS, *, seed: int = 0) -> tuple[Item, ...]:
    """``n`` items, or all where there are fewer: evenly over (k, student), and within each over the graders' verdict.

    The verdicts are full marks by every grader, by some, by none. The choice is keyed: the items of n = 20 are among those
    of n = 40. They come back in the order of their ids, which tells nothing.

    Raises:
        ValueError: n is below 1, or nothing in the rows can be reviewed.
    """
    if n < 1:
        raise ValueError(f"n is at least 1, got {n}")
    items = catalogue(rows, skills)
    if not items:
        if any(map(_withheld, rows)):
            raise ValueError("these texts were not kept, because their pack is private: there is nothing that people could read")
        raise ValueError(f"none of {len(rows)} rows is a graded text by a student: there is nothing to review")
    graded: dict[str, list[GradedText]] = defaultdict(list)
    for row in rows:
        if reviewable(row):
            graded[identity(row)].append(row)
    cells: dict[tuple[int, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, those in graded.items():
        cells[min((row.k, row.student) for row in those)][_verdict(those)].append(name)

    def key(*path: str | int) -> int:
        return chance.number("review", seed, *path)

    queues = []
    for k, student in sorted(cells, key=lambda cell: key(*cell)):
        verdicts = cells[k, student]
        first = sorted(verdicts, key=lambda verdict: key(k, student, verdict))
        queues.append(dealt([sorted(verdicts[verdict], key=key) for verdict in first]))
    return tuple(items[name] for name in sorted(dealt(queues)[:n]))


def digest(items: Iterable[Rateable]) -> str:
    """Twelve hex digits of a choice of items with their definitions: what a saved, half-finished review belongs to."""
    return _digest(sorted([item.id, item.version] for item in items))[:12]


def _withheld(row: GradedText) -> bool:
    return re.fullmatch(rf"{re.escape(WITHHELD[:-1])}, \d+ characters, #?[0-9a-f]+\)", row.text) is not None


def _verdict(rows: Sequence[GradedText]) -> str:
    full = {row.full_marks == 1.0 for row in rows}
    return "some" if len(full) > 1 else "every" if True in full else "none"


def dealt(queues: Sequence[Sequence[T]]) -> list[T]:
    """One from each queue in turn, until all are empty."""
    return [each for each in chain.from_iterable(zip_longest(*queues)) if each is not None]


def _digest(content: Any) -> str:
    return hashlib.sha256(f"genlab review\x1f{json.dumps(content, ensure_ascii=True)}".encode()).hexdigest()
