"""Filler: phrases that say nothing about anything. Written for genlab, by hand; English only, and a list is never whole."""

import re

PHRASES = (
    *("it is important to", "it is worth", "important to note", "important to remember", "keep in mind", "bear in mind"),
    *("there are many", "there are various", "there are several", "there are a lot of", "many different", "many things"),
    *("a variety of", "a wide range of", "a number of factors", "various factors", "various aspects", "different aspects"),
    *("all sorts of", "all kinds of", "and so on", "and so forth", "among other things", "one way or another"),
    *("in general", "generally speaking", "broadly speaking", "in many ways", "in some ways", "in a sense", "more or less"),
    *("it depends", "depends on many", "depending on the situation", "depends on the situation", "depends on the context"),
    *("at the end of the day", "when all is said", "all things considered", "in conclusion", "in summary", "to sum up"),
    *("as you may know", "as we all know", "as everyone knows", "it goes without saying", "needless to say", "of course"),
    *("when it comes to", "with regard to", "in terms of", "in this day and age", "in today's world", "nowadays"),
    *("plays a role", "play an important role", "plays an important role", "makes a difference", "can be helpful"),
    *("can be a bit", "kind of", "sort of", "basically", "essentially", "actually", "you know", "i guess", "or whatever"),
    *("some people", "other people", "many people", "everyone is different", "different people", "each person"),
    *("do your best", "take your time", "think about it", "just try", "give it a try", "good luck", "do some research"),
    *("look it up", "ask someone", "find out more", "a good idea", "the right way", "what works for you", "works best for you"),
    *("interesting topic", "big topic", "complex topic", "a lot to say", "hard to say", "difficult to say", "much more to it"),
    *("in one way", "this and that", "here and there", "things like that", "stuff like that", "that kind of thing"),
)
_FOUND = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, PHRASES), key=len, reverse=True)) + r")\b")


def filler(text: str) -> int:
    """Words of a text that belong to filler.

    >>> filler("In general, it is important to keep in mind that there are many birds.")
    12
    """
    plain = " ".join(text.lower().replace("’", "'").split())
    return sum(len(found.split()) for found in _FOUND.findall(plain))
