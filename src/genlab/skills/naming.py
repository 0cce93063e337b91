"""How a text names a skill: the skill's name or one of its aliases stands in it, as whole words."""

from genlab.skills.skill import Skill, plain


def spoken(name: str) -> str:
    """A name as a text would say it: plain, and without what follows an opening bracket, unless that is all there is.

    >>> spoken("Accident (fallacy)"), spoken("(un)certainty")
    ('accident', 'un certainty')
    """
    return plain(name.partition("(")[0]) or plain(name)


def within(words: str, text: str) -> bool:
    """Whether plain ``words`` stand in a plain ``text`` as whole words.

    >>> within("analogy", "false analogy"), within("metaphor", "a metaphorical wall"), within("", "")
    (True, False, False)
    """
    return bool(words) and f" {words} " in f" {text} "


def names_itself(skill: Skill, text: str) -> bool:
    """Whether a text says a skill's name or one of its aliases, whatever its case, hyphens and brackets.

    >>> names_itself(Skill("emotional self-regulation", "", "", ""), "Emotional self regulation is hard.")
    True
    """
    said = plain(text)
    return any(within(spoken(name), said) for name in (skill.name, *skill.aliases))
