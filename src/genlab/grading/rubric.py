"""The rubric of one text: k + 3 criteria of one point each, in the paper's order (Yu et al. 2023)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from genlab.skills.skill import Skill, plain

OTHERS = 3  # criteria beside the skills: topic, sense, length
Kind = Literal["skill", "topic", "sense", "length"]


def sentence_limit(k: int) -> int:
    """Sentences a text of k skills may have: max(1, k - 1).

    >>> [sentence_limit(k) for k in range(1, 7)]
    [1, 1, 2, 3, 4, 5]
    """
    return max(1, k - 1)


@dataclass(frozen=True)
class Criterion:
    """One row of the rubric: ``name`` is what the grader's reply calls it, ``words`` what the text must do."""

    kind: Kind
    name: str
    words: str


@dataclass(frozen=True)
class Rubric:
    """k skills in the order shown, then topic, sense and length."""

    skills: tuple[Skill, ...]
    topic: str
    limit: int

    @property
    def k(self) -> int:
        """Number of skills."""
        return len(self.skills)

    @cached_property
    def criteria(self) -> tuple[Criterion, ...]:
        """All k + 3, in the order of every tuple of points in genlab."""
        taken = {plain(skill.name) for skill in self.skills}

        def of_the_text(name: str) -> str:
            return f"the whole text: {name}" if name in taken else name

        return (
            *(Criterion("skill", skill.name, f"shows {skill.name}") for skill in self.skills),
            Criterion("topic", of_the_text("on topic"), f"is about {self.topic}"),
            Criterion("sense", of_the_text("makes sense"), "makes sense as a text"),
            Criterion("length", of_the_text("length"), f"has at most {sentences(self.limit)}"),
        )


def rubric(skills: Sequence[Skill], topic: str) -> Rubric:
    """The rubric for a text that was asked for these skills on this topic."""
    return Rubric(tuple(skills), topic, sentence_limit(len(skills)))


def sentences(count: int) -> str:
    """A count of sentences in words.

    >>> sentences(1), sentences(2)
    ('one sentence', '2 sentences')
    """
    return "one sentence" if count == 1 else f"{count} sentences"
