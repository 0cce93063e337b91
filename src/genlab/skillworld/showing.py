"""What a skill of skillworld is called, and when a sentence shows it."""

from collections.abc import Callable, Iterable

from genlab.skillworld.grammar import FIGURES, Sentence
from genlab.skillworld.words import MINDS, SCALES, TOPICS

VOICES: dict[str, Callable[[Sentence], bool]] = {  # what a sentence can do beside figures and minds, once
    "address": lambda sentence: bool(sentence.called),
    "hedge": lambda sentence: sentence.hedged,
    "denial": lambda sentence: sentence.denied,
    "exclamation": lambda sentence: sentence.loud,
}
FIGURE_SKILLS = {f"{figure} of {scale}": (figure, scale) for figure in FIGURES for scale in SCALES}
SKILLS = (*FIGURE_SKILLS, *MINDS, *VOICES)


def shows(sentence: Sentence, skill: str) -> bool:
    """Whether a sentence shows a skill of ``SKILLS``."""
    if skill in FIGURE_SKILLS:
        return any((phrase.figure, phrase.scale) == FIGURE_SKILLS[skill] for phrase in sentence.phrases)
    return skill in sentence.minds if skill in MINDS else VOICES[skill](sentence)


def expect(skills: Iterable[str], topic: str) -> None:
    """Nothing, where these are skills and a topic of skillworld.

    Raises:
        ValueError: which of them is none.
    """
    for skill in skills:
        if skill not in SKILLS:
            raise ValueError(f"skillworld has no skill {skill!r}: expected one of genlab.skillworld.showing.SKILLS")
    if topic not in TOPICS:
        raise ValueError(f"skillworld has no topic {topic!r}: expected one of {', '.join(TOPICS)}")


def described(figure: str, low: Iterable[str], middle: Iterable[str], high: Iterable[str]) -> str:
    """A figure in words, taken from each pole in turn.

    >>> described("frame", ["slow", "sluggish"], ["steady"], ["rapid", "quick"])
    'slow, rapid, sluggish'
    """
    words = {"low": iter(low), "middle": iter(middle), "high": iter(high)}
    return " ".join(next(words[each]) if each in words else each for each in FIGURES[figure]).replace(" ,", ",")
