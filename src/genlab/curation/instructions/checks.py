"""What makes an instruction and its response unfit to be taught, by name. A false alarm costs a try; a miss, a bad row.

Most of it is what stands in the data that Instruct-SkillMix released: instructions that end with "Revised" or in the middle of a
sentence, responses with "###", instructions that name their skills.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genlab.curation.instructions.endings import dangles, ends
from genlab.curation.instructions.replies import Pair
from genlab.curation.instructions.standing import stands_alone
from genlab.skills.naming import names_itself
from genlab.skills.skill import Skill

CUT, REFUSED, UNREADABLE = "cut at max_tokens", "refused", "unreadable"
SHORT, REPEATS, SCAFFOLD, HASHES = "too short", "repeats the instruction", "scaffold words", "###"
UNENDED, LEANS, EXERCISE, NAMES = (
    "does not end properly",
    "not self-contained",
    "speaks of itself as an exercise",
    "names a skill",
)
REASONS = (CUT, REFUSED, UNREADABLE, SHORT, REPEATS, SCAFFOLD, HASHES, UNENDED, LEANS, EXERCISE, NAMES)
LEAST = (2, 5)  # words of an instruction and of a response, or as many signs of a script without blanks; our assumption

_MADE = r"(?:revised|refined|improved|enhanced|rewritten|updated)"
_PAIR = r"(?:instruction|response|answer)"
_SCAFFOLDS = (
    re.compile(rf"^\W*{_MADE}(?:[ \t]+(?:and[ \t]+)?{_MADE})*[ \t]+{_PAIR}\W*(?:$|:)", re.I | re.M),  # a heading
    re.compile(
        rf"\A\W*{_MADE}(?:[ \t]+(?:version|query|request|prompt))?[ \t]*[*_]*[ \t]*(?::|$)", re.I | re.M
    ),  # at the beginning
    re.compile(rf"(?:^|[.!?:)\"'”’][ \t]+|\*\*[ \t]*)(?i:{_MADE})(?:[ \t]+(?i:version|query|request|{_PAIR}))?[\W]*\Z", re.M),
    re.compile(
        rf"\b(?:improved|revised|refined|enhanced) {_PAIR}s?\b(?! (?:times?|rates?|latency|speeds?|handling|to|of|in|from)\b)",
        re.I,
    ),
    re.compile(r"\b(?:weaknesses|critique|shortcomings) (?:above|listed|identified|mentioned|noted)\b", re.I),
    re.compile(r"\b(?:my|the) (?:previous|earlier|original) (?:response|instruction)\b", re.I),
    re.compile(r"\A\W*(?:(?:user|human|assistant)[ \t]*:|(?:instruction|response)s?\W*:)", re.I),
    re.compile(r"\"instruction\"[ \t]*:[ \t]*\"", re.I),
    re.compile(r"<\|[\w ]+\|>|\[/?INST\]|<</?SYS>>|</?think(?:ing)?>", re.I),  # of chat templates: they would break training
)
_GREETING = re.compile(
    r"\A\W*(?:sure|certainly|of course|absolutely|great|okay|ok)\b[^\n]{0,20}?(?:here(?:'s|’s| is| are)|below (?:is|are))\b", re.I
)
_HERE = re.compile(rf"\A\W*here(?:'s|’s| is) (?:the|an?|my|your) (?:\w+ ){{0,2}}(?:{_PAIR}|query|request|prompt)\b", re.I)
_EXERCISES = (
    re.compile(r"\b(?:these|both|following|given|listed|all (?:of )?(?:the|these)) (?:(?:two|three|four) )?skills\b", re.I),
    re.compile(r"\bskills? (?:listed|given|mentioned|above|below|named)\b", re.I),
    re.compile(r"\bquery types?\b|\btraining (?:data|examples?) for (?:an|the|this) (?:assistant|model)\b", re.I),
    re.compile(r"\b(?:information|help|feedback)-seeking (?:query|request|question|instruction)\b", re.I),
    re.compile(r"\bthis (?:request|query|instruction|exercise) (?:requires|needs|combines|tests|calls for|involves)\b", re.I),
)
_WORD = re.compile(r"\w+")
_SIGN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0eff\u1780-\u17ff\U00020000-\U0003ffff]")


@dataclass(frozen=True)
class Fault:
    """Why a pair cannot be taught: one of ``REASONS``, and what was seen."""

    reason: str
    why: str


def fault(pair: Pair, skills: Sequence[Skill] = (), *, named: bool = False) -> Fault | None:
    """The first fault of a pair, None where it has none.

    Args:
        pair: what a teacher wrote.
        skills: that the instruction should need and not name.
        named: whether it may name them all the same.

    >>> fault(Pair("Why do bees hum?", "Their wings beat the air many times a second."))
    >>> fault(Pair("Why do bees hum? Revised", "Their wings beat the air many times a second."))
    Fault(reason='scaffold words', why='instruction: Revised')
    """
    return next(_faults(pair, skills, named), None)


def _faults(pair: Pair, skills: Sequence[Skill], named: bool) -> Iterator[Fault]:
    texts = {"instruction": pair.instruction, "response": pair.response}
    for (name, text), least in zip(texts.items(), LEAST, strict=True):
        if length(text) < least:
            yield Fault(SHORT, f"{name}: {length(text)} of {least} words" if text else f"{name}: empty")
    if " ".join(pair.instruction.split()).casefold() == " ".join(pair.response.split()).casefold():
        yield Fault(REPEATS, "both are the same")
    for name, text in texts.items():
        if seen := scaffold(text, answer=name == "response"):
            yield Fault(SCAFFOLD, f"{name}: {seen}")
    for name, text in texts.items():
        if "###" in text:
            yield Fault(HASHES, name)
    if dangles(pair.instruction):
        yield Fault(UNENDED, f"instruction: ...{pair.instruction[-40:]}")
    if not ends(pair.response):
        yield Fault(UNENDED, f"response: ...{pair.response[-40:]}")
    if seen := stands_alone(pair.instruction):
        yield Fault(LEANS, seen)
    for pattern in _EXERCISES:
        if match := pattern.search(pair.instruction):
            yield Fault(EXERCISE, match[0])
    if not named and (said := [skill.name for skill in skills if names_itself(skill, pair.instruction)]):
        yield Fault(NAMES, ", ".join(said))


def scaffold(text: str, *, answer: bool = False) -> str:
    """The words of a writing process that were left in a text, or "".

    >>> scaffold("**Revised Instruction:** Why do bees hum?"), scaffold("The text will be revised.")
    ('**Revised Instruction:', '')
    """
    for pattern in (*_SCAFFOLDS, *((_GREETING, _HERE) if answer else ())):
        if match := pattern.search(text):
            return str(match[0]).strip(" .!?\"'”’\n")[:80]
    return ""


def length(text: str) -> int:
    """Words of a text; in scripts without blanks, signs."""
    return max(len(_WORD.findall(text)), len(_SIGN.findall(text)))
