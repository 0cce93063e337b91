"""Sentences of a tiny language of 31 words, keyed: text to train on without a file. Ours, for miniatures.

A sentence is a subject, a verb that agrees with it in number, and perhaps an object; nouns may carry adjectives and a
relative clause, whose verb agrees with that noun. Predicting the next word takes syntax, and some of it cannot be predicted.
"""

import random

from genlab import chance

NOUNS = (("cat", "dog", "bird", "child", "teacher"), ("cats", "dogs", "birds", "children", "teachers"))
ALONE = (("sleeps", "sings", "waits"), ("sleep", "sing", "wait"))
WITH_OBJECT = (("sees", "hears", "likes"), ("see", "hear", "like"))
DETERMINERS = (("a", "the"), ("some", "the"))
ADJECTIVES = ("small", "old", "quiet", "clever")
THAT, STOP = "that", "."
WORDS = tuple(dict.fromkeys([*sum((*NOUNS, *ALONE, *WITH_OBJECT, *DETERMINERS), ()), *ADJECTIVES, THAT, STOP]))


def sentence(*key: chance.Key) -> tuple[str, ...]:
    """The words of the sentence with this key.

    >>> " ".join(sentence("grammar", "train", 0))
    'the cats that sleep wait .'
    """
    draw = chance.python(*key)
    number = draw.randrange(2)
    return (*_noun(draw, number, depth=0), *_verb(draw, number, depth=0), STOP)


def _noun(draw: random.Random, number: int, depth: int) -> tuple[str, ...]:
    adjectives = draw.sample(ADJECTIVES, draw.choice((0, 0, 1, 1, 2)))
    clause = (THAT, *_verb(draw, number, depth + 1)) if depth < 2 and draw.random() < 0.25 else ()
    return (draw.choice(DETERMINERS[number]), *adjectives, draw.choice(NOUNS[number]), *clause)


def _verb(draw: random.Random, number: int, depth: int) -> tuple[str, ...]:
    if draw.random() < 0.5:
        return (draw.choice(ALONE[number]),)
    return (draw.choice(WITH_OBJECT[number]), *_noun(draw, draw.randrange(2), depth + 1))
