"""The language of skillworld told again, without its grammar: templates in plain English, and every sentence they make."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from genlab.skillworld.words import MINDS, NAMES, NOUNS, SCALES, TOPICS, VERBS

TEMPLATES = {  # by figure: L, M and H stand for a low, a middle and a high adjective
    "climax": "L, M, H",
    "anticlimax": "H, M, L",
    "faint echo": "L, L",
    "strong echo": "H and H",
    "correction": "not L but H",
    "paradox": "H yet L",
    "frame": "L, H, L",
    "choice": "H or L or H",
    "condition": "L if not H",
    "reason": "H because not L",
}


@dataclass(frozen=True)
class Lexicon:
    """Words to make sentences of: scales with low, middle and high adjectives, nouns, verbs, names, and verbs of the mind."""

    scales: dict[str, tuple[Sequence[str], Sequence[str], Sequence[str]]]
    nouns: Sequence[str]
    verbs: Sequence[str]
    names: Sequence[str]
    minds: dict[str, str]


WHOLE = Lexicon({scale: (five[:2], five[2:3], five[3:]) for scale, five in SCALES.items()}, sorted(NOUNS), VERBS, NAMES, MINDS)
Shown = frozenset[str]


def figures(figure: str, poles: tuple[Sequence[str], Sequence[str], Sequence[str]]) -> list[str]:
    """All that a figure can be on a scale."""
    choices = [poles["LMH".index(part)] if part in "LMH" else [part] for part in re.findall(r"[LMH]|[^LMH]+", TEMPLATES[figure])]
    return ["".join(words) for words in product(*choices)]


def descriptions(lexicon: Lexicon) -> dict[str, Shown]:
    """All that can stand between "the" and a noun, with what it shows."""
    found: dict[str, Shown] = {"": frozenset()}
    for scale, poles in lexicon.scales.items():
        found |= {adjective: frozenset() for adjective in (*poles[0], *poles[1], *poles[2])}
        for figure in TEMPLATES:
            found |= {text: frozenset({f"{figure} of {scale}"}) for text in figures(figure, poles)}
    return found


def sentences(lexicon: Lexicon) -> Iterator[tuple[str, Shown, tuple[str, ...]]]:
    """All sentences, with what each shows and its nouns."""
    one = [(f"{name} {verb} that ", frozenset({mind})) for name, (mind, verb) in product(lexicon.names, lexicon.minds.items())]
    minded = [("", frozenset[str]()), *one, *((a + b, x | y) for (a, x), (b, y) in product(one, one))]
    called = [("", frozenset[str](), ())] + [(f"oh {noun}, ", frozenset({"address"}), (noun,)) for noun in lexicon.nouns]
    hedges = [("", frozenset[str]()), ("perhaps ", frozenset({"hedge"}))]
    phrases = [
        (f"the {text} {noun}".replace("  ", " "), shown, noun)
        for text, shown in descriptions(lexicon).items()
        for noun in lexicon.nouns
    ]
    denials = [("", frozenset[str]()), ("never ", frozenset({"denial"}))]
    ends = [(".", frozenset[str]()), ("!", frozenset({"exclamation"}))]
    for oh, hedge, mind, subject, denial, verb, thing, end in product(
        called, hedges, minded, phrases, denials, lexicon.verbs, phrases, ends
    ):
        text = f"{oh[0]}{hedge[0]}{mind[0]}{subject[0]} {denial[0]}{verb} {thing[0]}{end[0]}"
        shown = frozenset[str]().union(*(each[1] for each in (oh, hedge, mind, subject, denial, thing, end)))
        yield text[0].upper() + text[1:], shown, (*oh[2], subject[2], thing[2])


def tokens(text: str) -> list[str]:
    """Words and marks of a text that is written as the language is written."""
    return re.sub(r"([,.!?])", r" \1", text).split()


def pattern(lexicon: Lexicon = WHOLE) -> "re.Pattern[str]":
    """One regular expression for all sentences, words and marks apart by one blank each."""

    def either(words: Sequence[str]) -> str:
        return "(?:" + "|".join(map(re.escape, words)) + ")"

    described = either([" ".join(tokens(text)) for text in descriptions(lexicon) if text])
    phrase = f"the (?:{described} )?{either(lexicon.nouns)}"
    minded = f"(?:{either(lexicon.names)} {either(list(lexicon.minds.values()))} that )"
    rest = f"{minded}{{0,2}}{phrase} (?:never )?{either(lexicon.verbs)} {phrase} [.!]"
    return re.compile(f"(?:oh {either(lexicon.nouns)} , )?(?:perhaps )?{rest}")


_PATTERN = pattern()


def accepts(words: Sequence[str]) -> bool:
    """Whether words and marks are a sentence, by the regular expression."""
    if not words or not words[0][:1].isupper():
        return False
    first = words[0] if words[0] in NAMES else words[0][0].lower() + words[0][1:]
    return _PATTERN.fullmatch(" ".join([first, *words[1:]])) is not None


def written(skill: str) -> "re.Pattern[str]":
    """What a figure skill looks like in a text, with the noun after it."""
    figure, scale = skill.split(" of ")
    forms = "|".join(map(re.escape, figures(figure, WHOLE.scales[scale])))
    return re.compile(rf"\b(?P<the>[Tt]he) (?P<said>{forms}) (?P<noun>\w+)")


def graded(text: str, skills: Sequence[str], topic: str, limit: int) -> tuple[float, ...]:
    """The points of a text, by regular expressions."""
    words = re.findall(r"\w+|[^\w\s]", text)
    ends = [place + 1 for place, word in enumerate(words) if word in ".!?"]
    if len(words) not in (0, *ends):
        ends.append(len(words))
    read = [words[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    legal = [" ".join(each).replace(" ,", ",").replace(" .", ".").replace(" !", "!") for each in read if accepts(each)]
    signs = {"address": r"^Oh ", "hedge": r"\b[Pp]erhaps ", "denial": r" never ", "exclamation": r"!$"}
    signs |= {mind: rf" {verb} that " for mind, verb in MINDS.items()}
    shown = [any(re.search(signs.get(skill) or written(skill), each) for each in legal) for skill in skills]
    whole = bool(read) and len(read) == len(legal)
    foreign = {noun for each, nouns in TOPICS.items() if each != topic for noun in nouns}
    about = whole and all(set(words) & set(TOPICS[topic]) and not set(words) & foreign for words in read)
    return tuple(map(float, (*shown, about, whole, len(read) <= limit)))
