"""What extraction found, and the pack that is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from genlab.curation.extraction.cleaning import Found
from genlab.skills.check import check
from genlab.skills.pack import Pack, checked
from genlab.skills.skill import QueryType, Skill, Topic


@dataclass(frozen=True)
class Extracted:
    """Skills, topics and query types, cleaned.

    Attributes:
        skills, topics, query_types: what the pack holds.
        named: how many the teacher named, of each kind, before cleaning.
        dropped: how many were left out, by reason.
        read: seed examples that were labelled, 0 where none were asked for.
    """

    skills: tuple[Found, ...]
    topics: tuple[str, ...]
    query_types: tuple[QueryType, ...]
    named: Mapping[str, int]
    dropped: Mapping[str, int]
    read: int = 0


def pack_of(found: Extracted, *, name: str, version: str, about: str, source: str, teacher: str) -> Pack:
    """The pack, which ``genlab pack check`` passes without an error.

    A skill's category is its topic. Where seed examples were read, its frequency is the share of them that show it, as
    ``teacher`` labelled them.
    """
    share = f"share of {found.read} seed examples that show it, as labelled by {teacher}"
    skills = [
        Skill(
            each.name,
            each.topic,
            each.definition,
            each.example,
            each.aliases,
            source=source,
            frequency=len(each.examples) / found.read if found.read and each.examples else None,
            frequency_source=share if found.read and each.examples else "",
        )
        for each in found.skills
    ]
    pack = Pack(
        name,
        version,
        tuple(skills),
        tuple(Topic(each) for each in found.topics),
        about=about,
        source=source,
        query_types=found.query_types,
    )
    wrong = [problem for problem in check(pack) if problem.severity == "error"]
    assert not wrong, wrong
    return checked(pack, name)
