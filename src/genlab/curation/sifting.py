"""What is kept of a teacher's texts: full marks, nothing twice, the first n by index; the rest is counted by reason."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genlab.curation.taught import Taught
from genlab.grading.rubric import OTHERS

DUPLICATE = "duplicate"
LACKING = "not full marks"


@dataclass(frozen=True)
class Written:
    """One text that a teacher was asked for, graded or not.

    Attributes:
        taught: the conversation, as it was held.
        text: what was graded.
        sample, generation: which text of which combination, as in Inspect's log.
        points: k + 3 of them; None where it has no grade.
        named: whether the text says the name of a skill that it was told not to name.
        cut: whether the last reply ended at the most tokens it may have.
        status, why: as in ``GradedText``.
        input_tokens, output_tokens, grader_input_tokens, grader_output_tokens: of all calls for it.
        cost: in dollars; None where no price is known.
    """

    taught: Taught
    text: str
    sample: str
    generation: int
    points: tuple[float, ...] | None
    named: bool = False
    cut: bool = False
    status: str = "graded"
    why: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    grader_input_tokens: int = 0
    grader_output_tokens: int = 0
    cost: float | None = 0.0

    @property
    def reason(self) -> str:
        """Why it cannot be taught, "" where it can."""
        if self.status != "graded" or self.points is None:
            return self.status
        if min(self.points) < 1:
            return LACKING
        if self.cut:
            return "cut at max_tokens"
        return "names a skill" if self.named else ""


@dataclass(frozen=True)
class Count:
    """What became of the texts of one k: ``asked`` is ``kept`` plus ``spare`` plus all that were rejected.

    Attributes:
        k: skills a text.
        asked: texts that the teacher was asked for.
        kept: those in the data.
        spare: as good as those, and more than were wanted.
        rejected: texts by reason.
        lacking: of those without full marks, how many lack a point for a skill, the topic, sense or length; one may lack several.
    """

    k: int
    asked: int
    kept: int
    spare: int
    rejected: Mapping[str, int]
    lacking: Mapping[str, int]

    def __str__(self) -> str:
        share = f", {(self.kept + self.spare) / self.asked:.1%} of them good" if self.asked else ""
        told = ", ".join(f"{count} {reason}" for reason, count in self.rejected.items())
        points = ", ".join(f"{what} {count}" for what, count in self.lacking.items())
        lost = f": {told}{f' (points lost: {points})' if points else ''}" if told else ""
        return f"k={self.k}: {self.kept} kept of {self.asked} asked for{share}{lost}"


def sift(k: int, written: Iterable[Written], n: int) -> tuple[list[Written], Count]:
    """The first ``n`` texts that can be taught, in the order of their combinations, and what became of the others."""
    kept: list[Written] = []
    seen: set[str] = set()
    rejected: Counter[str] = Counter()
    lacking: Counter[str] = Counter()
    asked = spare = 0
    for each in sorted(written, key=lambda each: (each.taught.index, each.generation)):
        asked += 1
        said = " ".join(each.text.split()).casefold()
        reason = each.reason or (DUPLICATE if said in seen else "")
        if reason:
            rejected[reason] += 1
            if reason == LACKING:
                lacking.update(lost(each))
            continue
        seen.add(said)
        if len(kept) < n:
            kept.append(each)
        else:
            spare += 1
    return kept, Count(k, asked, len(kept), spare, dict(rejected.most_common()), dict(lacking.most_common()))


def lost(written: Written) -> set[str]:
    """What a graded text lacks points for: skill, topic, sense, length."""
    assert written.points is not None
    kinds = ["skill"] * (len(written.points) - OTHERS) + ["topic", "sense", "length"]
    return {kind for kind, point in zip(kinds, written.points, strict=True) if point < 1}
