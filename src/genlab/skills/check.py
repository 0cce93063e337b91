"""Checking a pack: what in it would mislead a student, a grader or a count. Nothing is changed."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations
from typing import Literal

from genlab.skills.naming import names_itself, spoken, within
from genlab.skills.pack import Pack
from genlab.skills.skill import Skill, plain

# Our assumptions. Topics: as many as Yu et al. 2023 released; with fewer, one topic colours more than a tenth of a score. Words:
# share of pairs of neighbouring words in common; one word changed in twelve leaves 0.73, and the closest definitions shipped, of
# modus ponens and modus tollens, have 0.64. Names: difflib's ratio; "red herring" and "red herrings" have 0.96, "ethos appeal"
# and "pathos appeal" 0.88.
FEWEST_TOPICS = 10
ALIKE_WORDS = 0.7
ALIKE_NAMES = 0.9
CRITERIA = ("on topic", "makes sense", "length")  # what a rubric calls its three other criteria
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # Unicode categories that a reader cannot see or a font cannot show


@dataclass(frozen=True)
class Problem:
    """One thing to mend.

    Attributes:
        severity: "error" where grades or counts would be wrong or ambiguous, "warning" where a look is worth it.
        where: the entry, such as ``skill 'red herring'``; or ``the pack``.
        what: what is wrong.
        remedy: what to do about it.
    """

    severity: Literal["error", "warning"]
    where: str
    what: str
    remedy: str


def check(pack: Pack) -> tuple[Problem, ...]:
    """All that is wrong with a pack, errors first. An empty answer says that no rule was broken, not that the pack is good.

    Names are shown as they are, in a private pack too: this is for its owner's eyes.
    """
    found = [problem for rule in RULES for problem in rule(pack)]
    return tuple(sorted(found, key=lambda problem: problem.severity != "error"))


def _one_name_one_skill(pack: Pack) -> Iterator[Problem]:
    """Names and aliases that are equal as names are compared."""
    for said, called in _called(pack).items():
        first, name = called[0]
        if not said:
            yield _error(_skill(first), f"{name!r} holds no letter or digit", "names are compared by these: spell it out")
            continue
        owners = {id(skill): skill for skill, _ in called}
        for place, other in enumerate(owners.values()):
            again, *more = (each for skill, each in called if skill is other)
            for alias in more:
                yield _warning(_skill(other), f"{again!r} and {alias!r} are said alike", "drop the alias")
            if place:
                yield _error(
                    _skill(other),
                    f"{again!r} is also what skill {first.name!r} is called",
                    "a text that says it would name both: rename one, drop an alias, or merge the two",
                )
    for names in _repeated([topic.name for topic in pack.topics]):
        yield _error(f"topic {names[1]!r}", f"it is topic {names[0]!r} again", "drop one")


def _names_apart(pack: Pack) -> Iterator[Problem]:
    """Names of different skills that stand within each other, or are nearly equal."""
    called = _called(pack)
    for skill, name in _named(pack):
        for part in _parts(spoken(name)):
            for other, short in called.get(part, ()):
                if other is not skill and part != spoken(name):
                    yield _warning(
                        _skill(other),
                        f"its name {short!r} stands within {name!r}, of skill {skill.name!r}",
                        "a text that says the longer name says the shorter one too: rename one, or drop an alias",
                    )
    matcher = SequenceMatcher(autojunk=False)
    names = [plain(skill.name) for skill in pack.skills]
    for place, second in enumerate(names):
        matcher.set_seq2(second)
        for first, earlier in zip(names[:place], pack.skills, strict=False):
            matcher.set_seq1(first)
            if first != second and (sorted(first.split()) == sorted(second.split()) or _reaches(matcher, ALIKE_NAMES)):
                yield _warning(
                    _skill(pack.skills[place]),
                    f"its name is nearly that of skill {earlier.name!r}",
                    "merge them, or tell them apart",
                )


def _names_and_topics(pack: Pack) -> Iterator[Problem]:
    """Skills that a text on a topic of the pack names whatever it shows."""
    called = _called(pack)
    for topic in pack.topics:
        for part in _parts(plain(topic.name)):
            for skill, name in called.get(part, ()):
                remedy = "every text on that topic names the skill: drop or rename one"
                if part == plain(topic.name):
                    yield _error(_skill(skill), f"{name!r} is a topic too", remedy)
                else:
                    yield _warning(_skill(skill), f"{name!r} stands within topic {topic.name!r}", remedy)


def _names_to_read(pack: Pack) -> Iterator[Problem]:
    """Names that a reader, a grader's reply or a comparison of names would get wrong."""
    named = [(_skill(skill), name) for skill, name in _named(pack)] + [
        (f"topic {each.name!r}", each.name) for each in pack.topics
    ]
    for where, name in named:
        if unseen := sorted({f"U+{ord(each):04X}" for each in name if unicodedata.category(each) in UNSEEN}):
            yield _error(where, f"{name!r} holds characters that cannot be seen: {', '.join(unseen)}", "type the name anew")
        elif unicodedata.normalize("NFC", name) != name:
            yield _error(where, f"{name!r} writes an accent as a character of its own", "type the name anew, or save it as NFC")
    for skill, name in _named(pack):
        if plain(name) in CRITERIA:
            yield _error(_skill(skill), f"{name!r} is what the rubric calls another of its criteria", "rename it")


def _words(pack: Pack) -> Iterator[Problem]:
    """Definitions and examples, one by one."""
    for skill in pack.skills:
        if within(spoken(skill.name), plain(skill.definition)):
            yield _warning(_skill(skill), "its definition uses its name", "say what it is in other words")
        if not skill.example:
            yield _warning(
                _skill(skill),
                "it has no example",
                "add one: students are shown it, and planted texts that check the grader need it",
            )
        elif names_itself(skill, skill.example):
            yield _error(
                _skill(skill),
                "its example says its name or an alias",
                "show the skill without saying it: a text that names it can lose its point",
            )


def _words_apart(pack: Pack) -> Iterator[Problem]:
    """Pairs of skills with nearly the same definition or example."""
    for kind in ("definition", "example"):
        texts = [(skill, _pairs(getattr(skill, kind))) for skill in pack.skills]
        for (first, one), (second, other) in combinations(texts, 2):
            shared = len(one & other) / max(1, len(one | other))
            if shared >= ALIKE_WORDS:
                yield _warning(
                    _skill(second),
                    f"its {kind} is {shared:.0%} alike, in pairs of neighbouring words, to that of skill {first.name!r}",
                    "merge the two skills, or say what tells them apart",
                )


def _enough(pack: Pack) -> Iterator[Problem]:
    """Counts, and what a private pack needs."""
    if not pack.topics:
        yield _error("the pack", "it has no topics", "add some: no combination can be drawn without one")
    elif len(pack.topics) < FEWEST_TOPICS:
        yield _warning("the pack", f"its topics are few: {len(pack.topics)}", f"add some: {FEWEST_TOPICS} or more, rare ones")
    sizes = Counter(skill.category for skill in pack.skills)
    for category, size in sizes.items():
        if size == 1:
            (only,) = (skill for skill in pack.skills if skill.category == category)
            yield _warning(
                _skill(only), f"it is alone in category {category!r}", "a split cannot share it out: add another, or join it"
            )
    for categories in _repeated(list(sizes)):
        yield _warning("the pack", f"categories {categories[0]!r} and {categories[1]!r} look like one", "spell them alike")
    if pack.private and not pack.salt:
        yield _warning(
            "the pack",
            "it is private and has no salt",
            "names can be found from their hashes by guessing: add a line salt: with 32 random hexadecimal digits",
        )


RULES: tuple[Callable[[Pack], Iterator[Problem]], ...] = (
    _one_name_one_skill,
    _names_apart,
    _names_and_topics,
    _names_to_read,
    _words,
    _words_apart,
    _enough,
)


def _named(pack: Pack) -> Iterator[tuple[Skill, str]]:
    for skill in pack.skills:
        for name in (skill.name, *skill.aliases):
            yield skill, name


def _repeated(names: Sequence[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[plain(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _called(pack: Pack) -> dict[str, list[tuple[Skill, str]]]:
    """Who is called what: skills with the name or alias in question, by how it is said."""
    found: dict[str, list[tuple[Skill, str]]] = defaultdict(list)
    for skill, name in _named(pack):
        found[spoken(name)].append((skill, name))
    return found


def _parts(said: str) -> Iterator[str]:
    """Every run of whole words in a plain name, itself included, each once.

    >>> list(_parts("post hoc"))
    ['post', 'post hoc', 'hoc']
    """
    words = said.split()
    runs = [" ".join(words[start:end]) for start in range(len(words)) for end in range(start + 1, len(words) + 1)]
    yield from dict.fromkeys(runs)


def _pairs(text: str) -> frozenset[tuple[str, str]]:
    """Pairs of neighbouring words, the first and the last word paired with nothing; none of an empty text.

    >>> sorted(_pairs("A hasty claim."))
    [('', 'a'), ('a', 'hasty'), ('claim', ''), ('hasty', 'claim')]
    """
    words = plain(text).split()
    return frozenset(zip(["", *words], [*words, ""], strict=True)) if words else frozenset()


def _reaches(matcher: SequenceMatcher[str], ratio: float) -> bool:
    bounds = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)  # each at most the one before, and dearer
    return all(bound() >= ratio for bound in bounds)


def _skill(skill: Skill) -> str:
    return f"skill {skill.name!r}"


def _error(where: str, what: str, remedy: str) -> Problem:
    return Problem("error", where, what, remedy)


def _warning(where: str, what: str, remedy: str) -> Problem:
    return Problem("warning", where, what, remedy)
