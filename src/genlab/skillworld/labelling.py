"""Which skills and topics a text shows, by the grammar alone: what a chat model is asked for, a program reads off here."""

from genlab.skillworld.grammar import Sentence, parse
from genlab.skillworld.showing import SKILLS, shows
from genlab.skillworld.words import TOPIC_OF, TOPICS


def labels(text: str) -> tuple[str, ...]:
    """The skills that a sentence of the text shows, each once, in the order of ``SKILLS``; what is no sentence shows none.

    >>> labels("Perhaps the tiny, small bee sees the hive. Buy now! Ann fears that the seed needs the soil!")
    ('faint echo of size', 'fear', 'hedge', 'exclamation')
    """
    read = _sentences(text)
    return tuple(skill for skill in SKILLS if any(shows(each, skill) for each in read))


def topics(text: str) -> tuple[str, ...]:
    """The topics whose nouns stand in the text's sentences, each once, in the order of ``TOPICS``.

    >>> topics("The comet follows the planet.")
    ('astronomy',)
    """
    met = {TOPIC_OF[noun] for each in _sentences(text) for noun in each.nouns if noun in TOPIC_OF}
    return tuple(topic for topic in TOPICS if topic in met)


def _sentences(text: str) -> list[Sentence]:
    return [each for each in parse(text) if each is not None]
