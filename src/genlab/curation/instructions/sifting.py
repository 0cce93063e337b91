"""What is kept of what a teacher wrote: usable, in no benchmark, nothing twice, the first n by index; the rest kept apart."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genlab.curation.instructions.benchmarks import Benchmark, repeats
from genlab.curation.instructions.replies import Pair

NEAR = 0.9  # cosine from which two instructions of a model count as one: our assumption
DUPLICATE, NEAR_DUPLICATE, CONTAMINATED = "duplicate", "near duplicate", "repeats a benchmark"
UNANSWERED = "unanswered"


@dataclass(frozen=True)
class Made:
    """One item that a teacher was asked for.

    Attributes:
        index, k, skills, query_type, topic: the item.
        sample: as in Inspect's log.
        pair: the instruction and its response; None where there is none that can be taught.
        attempts: conversations about it.
        refused: of attempts that could not be used: reason, why, and what was said.
        silent: why it got no answer, "" where it got one.
        input_tokens, output_tokens: of all calls for it.
        cost: in dollars; None where no price is known.
    """

    index: int
    k: int
    skills: tuple[str, ...]
    query_type: str
    topic: str
    sample: str
    pair: Pair | None
    attempts: int = 1
    refused: tuple[Mapping[str, str], ...] = ()
    silent: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0


@dataclass(frozen=True)
class Rejected:
    """An item that is kept apart, why, and with what it clashes."""

    made: Made
    reason: str
    why: str

    def to_json(self) -> dict[str, Any]:
        """A line of rejected.jsonl: the item, why, and what the teacher said."""
        made = self.made
        said = {"instruction": made.pair.instruction, "response": made.pair.response} if made.pair else {}
        return {
            "index": made.index,
            "reason": self.reason,
            "why": self.why,
            "k": made.k,
            "skills": list(made.skills),
            "query_type": made.query_type,
            "topic": made.topic,
            **said,
            "attempts": [dict(each) for each in made.refused],
            "sample": made.sample,
        }


@dataclass(frozen=True)
class Sifted:
    """What became of all items: ``kept`` in the data, ``spare`` as good and more than were wanted, the rest ``rejected``."""

    kept: tuple[Made, ...] = ()
    spare: tuple[Made, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    @property
    def asked(self) -> int:
        """Items that were asked for."""
        return len(self.kept) + len(self.spare) + len(self.rejected)

    def count(self) -> "Count":
        """The numbers of it."""
        refused: Counter[str] = Counter()
        for made in (*self.kept, *self.spare, *(each.made for each in self.rejected)):
            refused.update(each["reason"] for each in made.refused)
        by_reason = Counter(each.reason for each in self.rejected)
        return Count(
            self.asked,
            len(self.kept),
            len(self.spare),
            dict(by_reason.most_common()),
            sum(refused.values()),
            dict(refused.most_common()),
        )


@dataclass(frozen=True)
class Count:
    """What became of all items, in numbers.

    Attributes:
        asked: items; ``kept`` plus ``spare`` plus all that were rejected.
        rejected: items by reason.
        attempts_refused: conversations whose reply could not be used, of kept items too.
        refused: those by reason.
    """

    asked: int
    kept: int
    spare: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    attempts_refused: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        told = ", ".join(f"{count:,} {reason}" for reason, count in self.rejected.items())
        tried = ", ".join(f"{count:,} {reason}" for reason, count in self.refused.items())
        return (
            f"{self.kept:,} kept of {self.asked:,} asked for, {self.spare:,} spare"
            + (f"; kept apart: {told}" if told else "")
            + (f"; attempts refused: {tried}" if tried else "")
        )


def sift(
    made: Sequence[Made], n: int, *, near: float | None = None, embedder: str = "", benchmarks: Sequence[Benchmark] = ()
) -> Sifted:
    """The first ``n`` instructions that can be taught, by index, and what became of the others.

    Args:
        made: items with what the teacher wrote.
        n: how many are wanted.
        near: cosine from which two instructions are one, of which the lower index stays; None: only where all words are equal.
        embedder: as for ``genlab.curation.embedding.embed``.
        benchmarks: an instruction that repeats a question of theirs is kept apart.
    """
    ordered = sorted(made, key=lambda each: each.index)
    rejected = [_unusable(each) for each in ordered if each.pair is None]
    good: list[tuple[Made, str]] = []
    seen: dict[str, int] = {}
    for each in ordered:
        if each.pair is None:
            continue
        said = " ".join(each.pair.instruction.split()).casefold()
        if said in seen:
            rejected.append(Rejected(each, DUPLICATE, f"of item {seen[said]}"))
        else:
            seen[said] = each.index
            good.append((each, each.pair.instruction))
    dirty = repeats([text for _, text in good], benchmarks, cosine=near or NEAR, embedder=embedder)
    for place, what in dirty.items():
        why = f"{what.benchmark}: {what.question[:200]!r} ({what.how}, {what.share})"
        rejected.append(Rejected(good[place][0], CONTAMINATED, why))
    good = [each for place, each in enumerate(good) if place not in dirty]
    twins = _twins([text for _, text in good], near, embedder)
    rejected += [Rejected(good[place][0], NEAR_DUPLICATE, f"of item {good[of][0].index}") for place, of in twins.items()]
    clean = [each for place, (each, _) in enumerate(good) if place not in twins]
    return Sifted(tuple(clean[:n]), tuple(clean[n:]), tuple(sorted(rejected, key=lambda each: each.made.index)))


def _unusable(made: Made) -> Rejected:
    if made.silent or not made.refused:
        return Rejected(made, UNANSWERED, made.silent)
    return Rejected(made, made.refused[-1]["reason"], made.refused[-1]["why"])


def _twins(texts: Sequence[str], near: float | None, embedder: str) -> dict[int, int]:
    """Places that are near one before them which stays, with the place of that one."""
    if near is None or near == 1 or len(texts) < 2:
        return {}
    from genlab.curation.embedding import near as pairs

    found: dict[int, int] = {}
    for first, second in sorted(pairs(texts, threshold=near, model=embedder)):
        if first not in found and second not in found:
            found[second] = first
    return found
