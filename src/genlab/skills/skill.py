"""A skill, a topic, a query type: what a text is asked to show, what it is about, and how people ask for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Skill:
    """One skill.

    Attributes:
        name: what a grader and a student call it, such as "red herring".
        category: such as "rhetorical"; held-out splits are made by category.
        definition: in words that a college student understands; with the name, all that a grader goes by.
        example: a short text that shows the skill and does not name it.
        aliases: other names of the same skill; a text that holds one of them names the skill.
        source, licence: of definition and example.
        frequency: share of ordinary texts that show the skill, None where nobody has measured or judged it.
        frequency_source: who estimated it, and how.
    """

    name: str
    category: str
    definition: str
    example: str
    aliases: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    frequency: float | None = None
    frequency_source: str = ""

    @property
    def told(self) -> str:
        """As students and graders are told it: name, definition, and the example where there is one."""
        return f"{self.name}: {self.definition}" + (f" For example: {self.example}" if self.example else "")


@dataclass(frozen=True)
class Topic:
    """One topic; ``frequency`` is that of its words in ordinary text, None where unknown."""

    name: str
    frequency: float | None = None
    frequency_source: str = ""


@dataclass(frozen=True)
class QueryType:
    """A way in which people ask, such as "help-seeking": instructions are made of skills and one of these."""

    name: str
    definition: str


@dataclass(frozen=True)
class Exemplar:
    """A text that deserves every point for these skills on this topic: planted among a student's, it measures the grader."""

    skills: tuple[str, ...]
    topic: str
    text: str


def plain(name: str) -> str:
    """A name as names are compared: lower case, letters and digits only, single blanks.

    >>> plain("Self-serving  Bias (psychology)")
    'self serving bias psychology'
    """
    return " ".join("".join(each if each.isalnum() else " " for each in name.casefold()).split())
