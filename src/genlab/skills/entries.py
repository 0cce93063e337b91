"""Entries of a pack's YAML, one by one; a ``ValueError`` says which cannot be read, what was expected and what came."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from genlab.skills.skill import Exemplar, QueryType, Skill, Topic

Known = TypeVar("Known", bound=str)
SKILL_FIELDS = {"name", "category", "definition", "example", "aliases", "source", "licence", "frequency", "frequency_source"}
TOPIC_FIELDS = {"name", "frequency", "frequency_source"}
EXEMPLAR_FIELDS = {"skills", "topic", "text"}
QUERY_TYPE_FIELDS = {"name", "definition"}
UNQUOTED = "YAML reads yes, no, numbers and dates as such: put quotes"


def listed(content: Mapping[str, Any], name: str, where: str) -> list[tuple[int, Any]]:
    """The entries of a list, numbered from 1."""
    entries = content.get(name) or []
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise ValueError(f"{where}: {name} is a list, got {type(entries).__name__}")
    return list(enumerate(entries, start=1))


def skill(entry: Any, where: str, source: str, licence: str) -> Skill:
    """A skill; ``source`` and ``licence`` are the pack's, for one that names none."""
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} is a mapping with name, category, definition and example; got {entry!r}")
    only(entry, SKILL_FIELDS, where)
    words = {name: word(entry, name, where) for name in ("name", "category", "definition", "example")}
    if absent := [name for name, value in words.items() if not value and name != "example"]:
        raise ValueError(f"{where} ({words['name'] or 'no name'}) lacks {', '.join(absent)}")
    aliases = entry.get("aliases") or []
    if not isinstance(aliases, Sequence) or isinstance(aliases, str) or not all(isinstance(each, str) for each in aliases):
        raise ValueError(f"{where} ({words['name']}): aliases is a list of names, got {aliases!r} ({UNQUOTED})")
    return Skill(
        **words,
        aliases=tuple(" ".join(each.split()) for each in aliases if each.strip()),
        source=word(entry, "source", where) or source,
        licence=word(entry, "licence", where) or licence,
        frequency=frequency(entry, where),
        frequency_source=word(entry, "frequency_source", where),
    )


def topic(entry: Any, where: str) -> Topic:
    """A topic: its name alone, or a mapping."""
    if isinstance(entry, str):
        entry = {"name": entry}
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} is a name, or a mapping with name and frequency; got {entry!r} ({UNQUOTED})")
    only(entry, TOPIC_FIELDS, where)
    name = word(entry, "name", where)
    if not name:
        raise ValueError(f"{where} has no name")
    return Topic(name, frequency(entry, where), word(entry, "frequency_source", where))


def query_type(entry: Any, where: str) -> QueryType:
    """A query type."""
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} is a mapping with name and definition; got {entry!r}")
    only(entry, QUERY_TYPE_FIELDS, where)
    words = {name: word(entry, name, where) for name in ("name", "definition")}
    if absent := [name for name, value in words.items() if not value]:
        raise ValueError(f"{where} ({words['name'] or 'no name'}) lacks {', '.join(absent)}")
    return QueryType(**words)


def exemplar(entry: Any, where: str) -> Exemplar:
    """An exemplar."""
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} is a mapping with skills, topic and text; got {entry!r}")
    only(entry, EXEMPLAR_FIELDS, where)
    skills = entry.get("skills")
    if (
        not isinstance(skills, list)
        or not all(isinstance(each, str) for each in skills)
        or not 0 < len(set(skills)) == len(skills)
    ):
        raise ValueError(f"{where}: skills is a list of different names, got {skills!r} ({UNQUOTED})")
    topic, text = word(entry, "topic", where), word(entry, "text", where)
    if not topic or not text:
        raise ValueError(f"{where} lacks its topic or its text")
    return Exemplar(tuple(skills), topic, text)


def frequency(entry: Mapping[str, Any], where: str) -> float | None:
    """A share above 0 and at most 1, None where there is none."""
    value = entry.get("frequency")
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: frequency is a number, got {value!r}") from error
    if not 0 < number <= 1:
        raise ValueError(f"{where}: frequency is a share above 0 and at most 1, got {value!r}; leave it out where unknown")
    if not word(entry, "frequency_source", where):
        raise ValueError(f"{where}: a frequency wants a frequency_source: who estimated it, and how")
    return number


def word(entry: Mapping[str, Any], name: str, where: str) -> str:
    """A field that holds text, blanks put in order; "" where it is left out."""
    value = entry.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{where}: {name} is text, got {value!r} ({UNQUOTED})")
    return " ".join(value.split())


def one_of(entry: Mapping[str, Any], name: str, known: tuple[Known, ...], where: str) -> Known | Literal[""]:
    """A field that holds one of the known words; "" where it is left out."""
    value = word(entry, name, where)
    if not value:
        return ""
    for each in known:
        if each == value:
            return each
    raise ValueError(f"{where}: {name} is {' or '.join(known)}, or left out; got {value!r}")


def only(entry: Mapping[str, Any], known: set[str], where: str) -> None:
    """Nothing, where an entry has no other fields."""
    if unknown := sorted(map(str, set(entry) - known)):
        raise ValueError(f"{where} has no field {', '.join(unknown)}; its fields: {', '.join(sorted(known))}")
