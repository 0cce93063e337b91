"""From what a teacher named to what a pack holds: names tidied, duplicates merged, headings dropped, topics balanced.

Whatever is left out is counted, by reason; the pack that is left passes ``genlab pack check`` without an error.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from genlab.curation.embedding import near
from genlab.skills.check import CRITERIA, UNSEEN
from genlab.skills.naming import names_itself, spoken
from genlab.skills.skill import QueryType, Skill, plain

# Our assumptions: the longest name shipped has 35 characters, the longest definition 227, the longest example 254.
MOST_NAME, MOST_WORDS, MOST_DEFINITION, MOST_EXAMPLE = 60, 8, 400, 500
NEAR = 0.8  # measured with the built-in embedding: the closest skills shipped, modus ponens and modus tollens, have 0.78

_LISTED = re.compile(r"^\s*(?:(?:[-–−*•>]+|\d{1,3}[.)])\s+)+")
_AROUND = "\"'`*_“”\u2018’ \t"
_HEADING = re.compile(
    r"^\s*#|:\s*\**\s*$|^\W*(?:topic|category|heading|section|skills?)\s*(?:\d+\s*)?(?::|(?:of|in|for)\b)", re.I
)
_ALSO = re.compile(r"\b(?:and|the|of|in)\b")


@dataclass(frozen=True)
class Found:
    """A skill as a teacher named it.

    Attributes:
        name, definition, example: its words.
        topic: whose skill it is; the category in the pack.
        examples: numbers of the seed examples that show it; none where no seed was read.
        aliases: names that were merged into it.
    """

    name: str
    definition: str
    example: str = ""
    topic: str = ""
    examples: frozenset[int] = frozenset()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cleaned:
    """What is left, in the order it came, and what became of the rest.

    Attributes:
        kept: the skills.
        dropped: skills and examples of skills by reason; ``kept`` and these are all there were, beside "example ..." reasons.
    """

    kept: tuple[Found, ...]
    dropped: Mapping[str, int]


def tidy(name: str) -> str:
    """A name without list marks, quotes, underscores, a last full stop, and the word skills at its end.

    >>> tidy('2. **"Active_listening skills"**.'), tidy("- 3D modelling"), tidy("Skills")
    ('Active listening', '3D modelling', 'Skills')
    """
    said = _tidy_text(name).replace("_", " ")
    said = _LISTED.sub("", said).strip(_AROUND + ".,;")
    shorter = re.sub(r"(?i)\s+skills?$", "", said)
    return " ".join((shorter or said).split())


def key(name: str) -> str:
    """What two names that are one have in common: small words, case, hyphens and the like left out.

    >>> key("Science & Engineering") == key("science_and_engineering")
    True
    """
    said = plain(name)
    return " ".join(_ALSO.sub(" ", said).split()) or said


def topics(
    names: Iterable[str], most: int, *, threshold: float = NEAR, model: str = ""
) -> tuple[list[str], dict[str, str], Counter[str]]:
    """The first ``most`` topics that can be names and are not each other.

    Returns:
        The topics; by the ``key`` of each name, the topic that stands for it; how many were left out, by reason.
    """
    dropped: Counter[str] = Counter()
    good: dict[str, str] = {}
    for name in names:
        said = tidy(name)
        reason = _wrong_name(said) or ("duplicate topic" if key(said) in good else "")
        if reason:
            dropped[reason] += 1
        else:
            good[key(said)] = said
    marks, each = list(good), list(good.values())
    kept = _apart(each, threshold, model, dropped, "near-duplicate topic")
    if len(kept) > most:
        dropped["topic beyond those wanted"] += len(kept) - most
    chosen = dict(list(kept.items())[:most])
    owners = {marks[place]: each[first] for first, others in chosen.items() for place in (first, *others)}
    return [each[place] for place in chosen], owners, dropped


def query_types(
    found: Iterable[tuple[str, str]], most: int, *, threshold: float = NEAR, model: str = ""
) -> tuple[list[QueryType], Counter[str]]:
    """The first ``most`` query types (name, definition) that hold words and are not each other; the rest by reason."""
    dropped: Counter[str] = Counter()
    good: dict[str, QueryType] = {}
    for name, definition in found:
        said, meant = tidy(name), _tidy_text(definition)
        reason = _wrong_name(said) or _wrong_definition(meant) or ("duplicate query type" if key(said) in good else "")
        if reason:
            dropped[reason] += 1
        else:
            good[key(said)] = QueryType(said, meant)
    each = list(good.values())
    texts = [f"{one.name}: {one.definition}" for one in each]
    kept = _apart(texts, threshold, model, dropped, "near-duplicate query type")
    if len(kept) > most:
        dropped["query type beyond those wanted"] += len(kept) - most
    return [each[place] for place in list(kept)[:most]], dropped


def skills(found: Sequence[Found], named: Sequence[str], per_topic: int, *, threshold: float = NEAR, model: str = "") -> Cleaned:
    """Skills of a pack with these topics.

    Of skills that are one, by name or nearly so by name and definition, the first stays: it takes the other's examples, and a
    name that is said otherwise becomes its alias.

    Args:
        found: in the order of preference.
        named: all topics of the pack; a skill of such a name is a heading that slipped in.
        per_topic: skills of one topic at most.
        threshold: cosine from which two are near duplicates.
        model: of the embedding.
    """
    dropped: Counter[str] = Counter()
    headings = {key(topic) for topic in named}
    good: dict[str, Found] = {}
    for said in found:
        each = _tidied(said)
        mark = key(spoken(each.name))
        heading = _HEADING.search(said.name) or {mark, key(each.name)} & headings
        reason = "heading" if heading and mark else _wrong_name(each.name) or _wrong_definition(each.definition)
        if reason:
            dropped[reason] += 1
        elif mark in good:
            dropped["duplicate"] += 1
            good[mark] = _joined(good[mark], each)
        else:
            good[mark] = each
    kept = _merged(list(good.values()), threshold, model, dropped)
    kept = [_with_good_example(each, dropped) for each in kept]
    return Cleaned(tuple(_balanced(kept, per_topic, dropped)), dict(dropped.most_common()))


def _merged(good: list[Found], threshold: float, model: str, dropped: Counter[str]) -> list[Found]:
    groups = _apart([f"{each.name}: {each.definition}" for each in good], threshold, model, dropped, "near duplicate")
    merged = []
    for first, others in groups.items():
        whole = good[first]
        for place in others:
            whole = _joined(whole, good[place])
        merged.append(replace(whole, aliases=tuple(good[place].name for place in others)))
    return merged


def _apart(texts: Sequence[str], threshold: float, model: str, dropped: Counter[str], reason: str) -> dict[int, list[int]]:
    """Places of those that stay, each with the later ones that are near it."""
    pairs: dict[int, list[int]] = {}
    for first, second in near(texts, threshold=threshold, model=model):
        pairs.setdefault(second, []).append(first)
    kept: dict[int, list[int]] = {}
    for place in range(len(texts)):
        owner = next((each for each in pairs.get(place, ()) if each in kept), None)
        if owner is None:
            kept[place] = []
        else:
            kept[owner].append(place)
            dropped[reason] += 1
    return kept


def _tidied(found: Found) -> Found:
    example = _tidy_text(found.example)
    return replace(found, name=tidy(found.name), definition=_tidy_text(found.definition), example=example)


def _joined(first: Found, other: Found) -> Found:
    return replace(first, examples=first.examples | other.examples, example=first.example or other.example)


def _with_good_example(found: Found, dropped: Counter[str]) -> Found:
    example = found.example
    if not example:
        return found
    skill = Skill(found.name, found.topic, found.definition, example, found.aliases)
    reason = "example names its skill" if names_itself(skill, example) else ""
    reason = "example too long" if len(example) > MOST_EXAMPLE else reason
    if not reason:
        return found
    dropped[reason] += 1
    return replace(found, example="")


def _balanced(kept: Sequence[Found], per_topic: int, dropped: Counter[str]) -> list[Found]:
    sizes: Counter[str] = Counter()
    balanced = []
    for each in kept:
        sizes[each.topic] += 1
        if sizes[each.topic] > per_topic:
            dropped["beyond its topic's share"] += 1
        else:
            balanced.append(each)
    return balanced


def _tidy_text(text: str) -> str:
    seen = "".join(each for each in text if each.isspace() or unicodedata.category(each) not in UNSEEN)
    return " ".join(unicodedata.normalize("NFC", seen).split())


def _wrong_name(name: str) -> str:
    if not key(name) or not plain(name):
        return "no name"
    if len(name) > MOST_NAME or len(name.split()) > MOST_WORDS:
        return "name too long"
    return "name of a rubric's criterion" if plain(name) in CRITERIA else ""


def _wrong_definition(definition: str) -> str:
    if not plain(definition):
        return "no definition"
    return "definition too long" if len(definition) > MOST_DEFINITION else ""
