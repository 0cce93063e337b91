r"""The sentences of skillworld, and nothing else.

    sentence := ["Oh" noun ","] ["perhaps"] (name mind "that"){0,2} phrase ["never"] verb phrase ("." | "!")
    phrase   := "the" [description] noun

The first word begins with a capital, as names do. A description is one adjective, or a figure: adjectives of one scale joined in
one of the ways of ``FIGURES``. With nearly all of it: "Oh rose, perhaps Ann fears that the not slow but rapid fern never needs
the icy, cold soil!"
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from genlab.skillworld.words import MINDS, NAMES, NOUNS, POLE_OF, POLES, SCALE_OF, VERBS

FIGURES: dict[str, tuple[str, ...]] = {  # by name: poles and the words between them
    "climax": ("low", ",", "middle", ",", "high"),
    "anticlimax": ("high", ",", "middle", ",", "low"),
    "faint echo": ("low", ",", "low"),
    "strong echo": ("high", "and", "high"),
    "correction": ("not", "low", "but", "high"),
    "paradox": ("high", "yet", "low"),
    "frame": ("low", ",", "high", ",", "low"),
    "choice": ("high", "or", "low", "or", "high"),
    "condition": ("low", "if", "not", "high"),
    "reason": ("high", "because", "not", "low"),
}
MOST_MINDS = 2  # one within the other: "Ann hopes that Bob fears that ..."
_FIGURE_OF = {pattern: name for name, pattern in FIGURES.items()}
_JOINING = frozenset(word for pattern in FIGURES.values() for word in pattern) - frozenset(POLES)
_LONGEST = max(map(len, FIGURES.values()))
_WORD = re.compile(r"\w+|[^\w\s]")
_MIND_OF = {verb: mind for mind, verb in MINDS.items()}
_CAPITALS = frozenset(NAMES)


@dataclass(frozen=True)
class Phrase:
    """A noun with what is said of it: a figure on a scale, one adjective (``figure`` is ""), or nothing (both are "")."""

    noun: str
    figure: str = ""
    scale: str = ""


@dataclass(frozen=True)
class Sentence:
    """A sentence, as far as skills, topic and sense go by it.

    Attributes:
        called: the noun after "Oh", or "".
        hedged: whether it says "perhaps".
        minds: what the people in it do: belief, fear, hope, doubt.
        phrases: subject and object.
        denied: whether it says "never".
        loud: whether it ends with "!".
    """

    called: str
    hedged: bool
    minds: tuple[str, ...]
    phrases: tuple[Phrase, Phrase]
    denied: bool
    loud: bool

    @property
    def nouns(self) -> tuple[str, ...]:
        """All nouns, the one that is called too."""
        return tuple(noun for noun in (self.called, *(each.noun for each in self.phrases)) if noun)


class _Reader:
    """Words of one sentence, taken one after the other."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words, self.place = words, 0

    def take(self, *expected: str) -> bool:
        """Whether these words come next; they are then behind us."""
        end = self.place + len(expected)
        if tuple(self.words[self.place : end]) != expected:
            return False
        self.place = end
        return True

    def one_of(self, known: Container[str]) -> str:
        """The next word, if it is known, else ""."""
        if self.place < len(self.words) and self.words[self.place] in known:
            self.place += 1
            return self.words[self.place - 1]
        return ""

    def phrase(self) -> Phrase | None:
        if not self.take("the"):
            return None
        for length in range(_LONGEST, -1, -1):
            described = self.words[self.place : self.place + length]
            after = self.words[self.place + length : self.place + length + 1]
            if len(described) == length and after and after[0] in NOUNS and (found := _described(described)) is not None:
                self.place += length + 1
                return Phrase(after[0], *found)
        return None


def _described(words: Sequence[str]) -> tuple[str, str] | None:
    """Figure and scale of a description, ("", "") where there is none or one adjective, None where it is no description."""
    if not words:
        return "", ""
    scales = {SCALE_OF[word] for word in words if word in SCALE_OF}
    if len(words) == 1:
        return ("", scales.pop()) if scales else None
    figure = _FIGURE_OF.get(tuple(word if word in _JOINING else POLE_OF.get(word, "") for word in words))
    return (figure, scales.pop()) if figure and len(scales) == 1 else None


def sentence(words: Sequence[str]) -> Sentence | None:
    """The sentence that these words make, None where they make none."""
    if not words or not words[0][:1].isupper():
        return None
    first = words[0] if words[0] in _CAPITALS else words[0][:1].lower() + words[0][1:]
    reader = _Reader([first, *words[1:]])
    called = ""
    if reader.take("oh"):
        called = reader.one_of(NOUNS)
        if not called or not reader.take(","):
            return None
    hedged = reader.take("perhaps")
    minds: list[str] = []
    while len(minds) < MOST_MINDS and reader.one_of(NAMES):
        verb = reader.one_of(_MIND_OF)
        if not verb or not reader.take("that"):
            return None
        minds.append(_MIND_OF[verb])
    subject = reader.phrase()
    denied = reader.take("never")
    if subject is None or not reader.one_of(VERBS):
        return None
    thing = reader.phrase()
    end = reader.one_of((".", "!"))
    if thing is None or not end or reader.place != len(words):
        return None
    return Sentence(called, hedged, tuple(minds), (subject, thing), denied, end == "!")


def parse(text: str) -> list[Sentence | None]:
    """The sentences of a text in order, None for each that is none of the language; what follows the last end counts as one.

    >>> [each and each.minds for each in parse("Ann fears that the seed needs the soil. Rose red!")]
    [('fear',), None]
    """
    found: list[Sentence | None] = []
    words: list[str] = []
    for word in _WORD.findall(text):
        words.append(word)
        if word in (".", "!", "?"):
            found.append(sentence(words))
            words = []
    return [*found, None] if words else found
