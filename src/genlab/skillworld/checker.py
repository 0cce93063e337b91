"""The exact grader of skillworld: k + 3 points, none of them a matter of opinion."""

from collections.abc import Sequence

from genlab.skillworld.grammar import Sentence, parse
from genlab.skillworld.showing import expect, shows
from genlab.skillworld.words import TOPIC_OF


def check(text: str, skills: Sequence[str], topic: str, limit: int) -> tuple[float, ...]:
    """The points of a text: one a skill, then topic, sense and length.

    A skill is shown where a sentence of the language shows it. A text makes sense where all of it is of the language. It is about
    its topic where it makes sense and each sentence has a noun of the topic and none of another. An empty text does neither.

    >>> check("Perhaps the tiny, small bee sees the hive.", ["hedge", "faint echo of size", "fear"], "beekeeping", 2)
    (1.0, 1.0, 0.0, 1.0, 1.0, 1.0)

    Raises:
        ValueError: skillworld has no such skill or topic.
    """
    expect(skills, topic)
    read = parse(text)
    sentences = [each for each in read if each is not None]
    shown = [float(any(shows(each, skill) for each in sentences)) for skill in skills]
    whole = bool(read) and len(sentences) == len(read)
    about = whole and all(_about(each, topic) for each in sentences)
    return (*shown, float(about), float(whole), float(len(read) <= limit))


def _about(sentence: Sentence, topic: str) -> bool:
    topics = {TOPIC_OF[noun] for noun in sentence.nouns if noun in TOPIC_OF}
    return topics == {topic}
