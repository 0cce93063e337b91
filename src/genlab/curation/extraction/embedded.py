"""Extraction in skillworld, where no teacher is asked: the pack that it would give, and the part of it that seed texts show."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from genlab.skills.pack import Pack, part
from genlab.skillworld import labelling
from genlab.skillworld.queries import QUERY_TYPES
from genlab.skillworld.skills import pack


def agnostic() -> Pack:
    """Skillworld's skills and topics with its query types: what a perfect teacher says of its own domain."""
    return replace(pack(), query_types=QUERY_TYPES)


def dependent(texts: Sequence[str]) -> Pack:
    """The part of skillworld that seed texts show: their skills and topics, and all query types.

    A skill's frequency is the share of the texts that show it.

    Args:
        texts: any texts; sentences that are not skillworld's show nothing.

    Raises:
        ValueError: no text shows a skill and a topic.
    """
    covers = Counter(skill for text in texts for skill in labelling.labels(text))
    met = {topic for text in texts for topic in labelling.topics(text)}
    if not covers or not met:
        raise ValueError(
            f"{len(texts)} seed texts show no skill of skillworld: give texts in its language, or name a teacher to read them"
        )
    whole = agnostic()
    source = f"share of {len(texts)} seed texts that show it, by skillworld's grammar"
    skills = [
        replace(skill, frequency=covers[skill.name] / len(texts), frequency_source=source)
        for skill in whole.skills
        if skill.name in covers
    ]
    return part(whole, skills, [topic for topic in whole.topics if topic.name in met], part_of=whole.digest)
