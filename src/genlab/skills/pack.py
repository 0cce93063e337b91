"""A pack: a versioned list of skills and topics in a file that people read, edit and share.

A pack is YAML, or CSV with at least the columns ``skill``, ``category``, ``definition``, ``example`` (the official
``skills.csv`` is read as it is, its topics from a ``topics.txt`` beside it).
"""

import csv
import functools
import hashlib
import hmac
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar

from genlab.skills.files import read_text, read_yaml, write_whole
from genlab.skills.skill import Exemplar, QueryType, Skill, Topic

SHIPPED = ("english", "code_review", "mathematics", "skillworld")
TEXT = "a short piece of text"  # what a student writes, where a pack does not say
LEFT_OUT = {"remove", "in review", "maybe"}  # statuses that the official code drops
Manner = Literal["paper", "brief"]
Known = TypeVar("Known", bound=str)
MANNERS: tuple[Manner, ...] = ("paper", "brief")
CHECKERS = ("skillworld",)  # programs that grade a formal language exactly; genlab.evaluation calls them
HEADINGS = {"skill", "category", "definition", "example"}
PACK_FIELDS = {
    "name",
    "version",
    "about",
    "text",
    "source",
    "licence",
    "private",
    "skills",
    "topics",
    "part_of",
    "salt",
    "exemplars",
    "manner",
    "checker",
    "query_types",
}
SKILL_FIELDS = {"name", "category", "definition", "example", "aliases", "source", "licence", "frequency", "frequency_source"}
TOPIC_FIELDS = {"name", "frequency", "frequency_source"}
EXEMPLAR_FIELDS = {"skills", "topic", "text"}
QUERY_TYPE_FIELDS = {"name", "definition"}
LATER = {
    "manner": "paper",
    "checker": "",
    "query_types": (),
}  # younger than some stores: at these values they are no part of a digest
MORE = "cells without a column"
COMMAS = "put quotes around a cell that holds a comma"
UNQUOTED = "YAML reads yes, no, numbers and dates as such: put quotes"


@dataclass(frozen=True)
class Pack:
    """Skills and topics under one name and version.

    Attributes:
        name, version: as reports cite them; ``digest`` says which words they stood for.
        skills, topics: in the file's order.
        about: what the skills are, and for whom.
        text: what a student writes, as in "Write {text}".
        source, licence: of entries that do not name their own.
        private: names may not be shown: logs and reports show hashes in their place.
        part_of: the digest of the pack this one was split from, or "".
        salt: what a private pack's hashes are mixed with, so that nobody finds a name by hashing guesses; as private as they are.
        exemplars: texts that deserve every point, for measuring graders.
        manner: how a student is asked. paper: skills with definitions and examples, a draft, then an improved text; brief: names
            only, in one turn.
        checker: the program that grades these skills exactly ("skillworld"), or "": then models grade.
        query_types: ways in which people ask, for instructions made from these skills; Skill-Mix has no use for them.
    """

    name: str
    version: str
    skills: tuple[Skill, ...]
    topics: tuple[Topic, ...]
    about: str = ""
    text: str = TEXT
    source: str = ""
    licence: str = ""
    private: bool = False
    part_of: str = ""
    salt: str = ""
    exemplars: tuple[Exemplar, ...] = ()
    manner: Manner = "paper"
    checker: str = ""
    query_types: tuple[QueryType, ...] = ()

    @property
    def digest(self) -> str:
        """Sixteen hex digits of the SHA-256 of everything in the pack, its salt too: of a salted pack, nothing can be guessed."""
        content = {name: value for name, value in asdict(self).items() if LATER.get(name) != value}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories in the order they first appear."""
        return tuple(dict.fromkeys(skill.category for skill in self.skills))

    def skill(self, name: str) -> Skill:
        """The skill of this name.

        Raises:
            ValueError: there is none.
        """
        for each in self.skills:
            if each.name == name:
                return each
        raise ValueError(f"pack {self.name!r} has no skill {name!r}")

    def shown(self, name: str) -> str:
        """A name as logs and reports may show it: itself, or, of a private pack, its hash."""
        return masked(name, self.salt) if self.private else name


def masked(name: str, salt: str) -> str:
    """A private name's stand-in: the same wherever the salt is the same, and without the salt no guess can be tried on it.

    >>> masked("red herring", "5e1f") == masked("red herring", "5e1f"), masked("red herring", "") == masked("red herring", "5e1f")
    (True, False)
    """
    return "#" + hmac.new(salt.encode(), f"genlab pack entry\x1f{name}".encode(), "sha256").hexdigest()[:10]


def load(reference: str) -> Pack:
    """A shipped pack by name (one of ``SHIPPED``), or a file of yours: ``.yaml``, ``.yml`` or ``.csv``.

    Raises:
        ValueError: no such pack or file, or a file that is not a pack; the message says where and what was expected.
    """
    if reference in SHIPPED:
        return _shipped(reference)
    path = Path(reference)
    if path.suffix.lower() not in {".yaml", ".yml", ".csv"}:
        raise ValueError(f"no pack {reference!r}. There are: {', '.join(SHIPPED)}; or a file of yours ending in .yaml or .csv")
    if not path.is_file():
        raise ValueError(f"no pack file {reference!r}: expected a YAML or CSV file there (docs/packs.md shows one)")
    text = read_text(path)
    if path.suffix.lower() == ".csv":
        topics = path.with_name("topics.txt")
        return parse_csv(text, path.stem, read_text(topics) if topics.is_file() else "", where=reference)
    return parse(text, reference)


@functools.cache
def _shipped(name: str) -> Pack:
    return parse(resources.files("genlab.skills").joinpath("packs", f"{name}.yaml").read_text("utf-8"), name)


def parse(text: str, where: str = "pack") -> Pack:
    """A pack from its YAML.

    Raises:
        ValueError: what is wrong, and in which entry.
    """
    content = read_yaml(text, where)
    if not isinstance(content, Mapping):
        raise ValueError(f"{where} is not a pack: expected name, version, skills and topics, got {type(content).__name__}")
    _only(content, PACK_FIELDS, where)
    version = content.get("version")
    head = {
        "name": _word(content, "name", where),
        "version": str(version) if type(version) is int else _word(content, "version", where),
    }
    for name in ("name", "version", "skills"):
        if not (head | {"skills": content.get("skills")})[name]:
            raise ValueError(f"{where} has no {name}: a pack needs name, version and skills (and topics to draw from)")
    source, licence = _word(content, "source", where), _word(content, "licence", where)
    skills = [_skill(each, f"{where}, skill {place}", source, licence) for place, each in _entries(content, "skills", where)]
    topics = [_topic(each, f"{where}, topic {place}") for place, each in _entries(content, "topics", where)]
    private = content.get("private", False)
    if not isinstance(private, bool):
        raise ValueError(f"{where}: private is true or false, got {private!r}")
    manner = _one_of(content, "manner", MANNERS, where) or "paper"
    return checked(
        Pack(
            **head,
            skills=tuple(skills),
            topics=tuple(topics),
            about=_word(content, "about", where),
            text=_word(content, "text", where) or TEXT,
            source=source,
            licence=licence,
            private=private,
            part_of=_word(content, "part_of", where),
            salt=_word(content, "salt", where),
            exemplars=tuple(
                _exemplar(each, f"{where}, exemplar {place}") for place, each in _entries(content, "exemplars", where)
            ),
            manner=manner,
            checker=_one_of(content, "checker", CHECKERS, where),
            query_types=tuple(
                _query_type(each, f"{where}, query type {place}") for place, each in _entries(content, "query_types", where)
            ),
        ),
        where,
    )


def parse_csv(text: str, name: str, topics: str = "", *, where: str = "pack") -> Pack:
    """A pack from CSV rows, and topics from lines of text.

    Rows whose ``status`` is remove, in review or maybe are left out, as the official code does.

    Raises:
        ValueError: a column is missing, or a row has no skill.
    """
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey=MORE, strict=True)  # strict: an open quote would swallow rows
    skills = []
    try:
        headings = {(each or "").strip().lower(): each for each in rows.fieldnames or []}
        if missing := sorted(HEADINGS - headings.keys()):
            raise ValueError(f"{where} lacks the column(s) {', '.join(missing)}: it has {', '.join(headings) or 'none'}")
        for row in rows:
            cells = {plain: (row.get(head) or "").strip() for plain, head in headings.items()}
            if cells.get("status", "").lower() in LEFT_OUT or not (any(cells.values()) or MORE in row):
                continue
            place = f"{where}, line {rows.line_num}"
            if MORE in row:
                raise ValueError(
                    f"{place} has {len(headings) + len(row[MORE])} cells, and there are {len(headings)} columns: {COMMAS}"
                )
            skills.append(_row(cells, place))
    except csv.Error as error:
        raise ValueError(f"{where}, line {rows.reader.line_num} is not CSV: {error}") from error
    subjects = tuple(Topic(line.strip()) for line in topics.splitlines() if line.strip())
    return checked(Pack(name, "unversioned", tuple(skills), subjects), where)


def _row(cells: Mapping[str, str], where: str) -> Skill:
    entry: dict[str, Any] = {("name" if key == "skill" else key): value for key, value in cells.items()}
    entry = {key: value for key, value in entry.items() if key in SKILL_FIELDS and value}
    if "aliases" in entry:
        entry["aliases"] = entry["aliases"].split(";")
    return _skill(entry, where, "", "")


def checked(pack: Pack, where: str) -> Pack:
    """The pack, if no two of its skills, topics or query types share a name, and exemplars name its own.

    Raises:
        ValueError: some do, an exemplar names others, or there is no skill.
    """
    if not pack.skills:
        raise ValueError(f"{where} has no skills")
    for kind, entries in (("skill", pack.skills), ("topic", pack.topics), ("query type", pack.query_types)):
        names = [each.name for each in entries]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"{where} holds the {kind} {', '.join(map(repr, twice))} more than once: names are what grades go by"
            )
    skills, topics = {each.name for each in pack.skills}, {each.name for each in pack.topics}
    for place, each in enumerate(pack.exemplars, start=1):
        if unknown := [name for name in each.skills if name not in skills] + [each.topic] * (each.topic not in topics):
            raise ValueError(f"{where}, exemplar {place} names {', '.join(map(repr, unknown))}, which the pack does not have")
    return pack


def part(pack: Pack, skills: Sequence[Skill], topics: Sequence[Topic], **changes: Any) -> Pack:
    """A part of a pack: some of its skills and topics, and those exemplars that name no others."""
    names, subjects = {each.name for each in skills}, {each.name for each in topics}
    exemplars = tuple(each for each in pack.exemplars if names.issuperset(each.skills) and each.topic in subjects)
    return replace(pack, skills=tuple(skills), topics=tuple(topics), exemplars=exemplars, **changes)


def dump(pack: Pack) -> str:
    """The pack as YAML. ``parse`` makes an equal pack of it, if this one was itself read: single blanks, sources filled in."""
    import yaml

    def kept(entry: Mapping[str, Any], shared: Mapping[str, str]) -> dict[str, Any]:
        found = {name: list(value) if isinstance(value, tuple) else value for name, value in entry.items()}
        return {name: value for name, value in found.items() if value not in ("", None, []) and shared.get(name) != value}

    shared = {"source": pack.source, "licence": pack.licence}
    lists = ("skills", "topics", "exemplars", "query_types")
    said = {name: value for name, value in asdict(pack).items() if LATER.get(name) != value}
    head = {name: value for name, value in said.items() if name not in lists and value not in ("", False)}
    body = {
        "skills": [kept(asdict(skill), shared) for skill in pack.skills],
        "topics": [kept(asdict(topic), {}) for topic in pack.topics],
        **({"exemplars": [kept(asdict(each), {}) for each in pack.exemplars]} if pack.exemplars else {}),
        **({"query_types": [asdict(each) for each in pack.query_types]} if pack.query_types else {}),
    }
    return str(yaml.safe_dump(head | body, sort_keys=False, allow_unicode=True, width=120))


def save(pack: Pack, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a pack as a YAML file, whole or not at all.

    Raises:
        ValueError: the name does not end in .yaml or .yml, or there is such a file and ``overwrite`` was not asked for.
    """
    if Path(path).suffix.lower() not in {".yaml", ".yml"}:
        raise ValueError(f"a pack is written as YAML: {str(path)!r} should end in .yaml")
    write_whole(Path(path), dump(pack), overwrite=overwrite)


def _entries(content: Mapping[str, Any], name: str, where: str) -> list[tuple[int, Any]]:
    entries = content.get(name) or []
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise ValueError(f"{where}: {name} is a list, got {type(entries).__name__}")
    return list(enumerate(entries, start=1))


def _skill(entry: Any, where: str, source: str, licence: str) -> Skill:
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} is a mapping with name, category, definition and example; got {entry!r}")
    _only(entry, SKILL_FIELDS, where)
    words = {name: _word(entry, name, where) for name in ("name", "category", "definition", "example")}
    if absent := [name for name, value in words.items() if not value and name != "example"]:
        raise ValueError(f"{where} ({words['name'] or 'no name'}) lacks {', '.join(absent)}")
    aliases = entry.get("aliases") or []
    if not isinstance(aliases, Sequence) or isinstance(aliases, str) or not all(isinstance(each, str) for each in aliases):
        raise ValueError(f"{where} ({words['name']}): aliases is a list of names, got {aliases!r} ({UNQUOTED})")
    return Skill(
        **words,
        aliases=tuple(" ".join(each.split()) for each in aliases if each.strip()),
        source=_word(entry, "source", where) or source,
        licence=_word(entry, "licence", where) or licence,
        frequency=_frequency(entry, where),
        frequency_source=_word(entry, "frequency_source", where),
    )


def _topic(entry: Any, where: str) -> Topic:
    if isinstance(entry, str):
        entry = {"name": entry}
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} is a name, or a mapping with name and frequency; got {entry!r} ({UNQUOTED})")
    _only(entry, TOPIC_FIELDS, where)
    name = _word(entry, "name", where)
    if not name:
        raise ValueError(f"{where} has no name")
    return Topic(name, _frequency(entry, where), _word(entry, "frequency_source", where))


def _query_type(entry: Any, where: str) -> QueryType:
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} is a mapping with name and definition; got {entry!r}")
    _only(entry, QUERY_TYPE_FIELDS, where)
    words = {name: _word(entry, name, where) for name in ("name", "definition")}
    if absent := [name for name, value in words.items() if not value]:
        raise ValueError(f"{where} ({words['name'] or 'no name'}) lacks {', '.join(absent)}")
    return QueryType(**words)


def _exemplar(entry: Any, where: str) -> Exemplar:
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} is a mapping with skills, topic and text; got {entry!r}")
    _only(entry, EXEMPLAR_FIELDS, where)
    skills = entry.get("skills")
    if (
        not isinstance(skills, list)
        or not all(isinstance(each, str) for each in skills)
        or not 0 < len(set(skills)) == len(skills)
    ):
        raise ValueError(f"{where}: skills is a list of different names, got {skills!r} ({UNQUOTED})")
    topic, text = _word(entry, "topic", where), _word(entry, "text", where)
    if not topic or not text:
        raise ValueError(f"{where} lacks its topic or its text")
    return Exemplar(tuple(skills), topic, text)


def _frequency(entry: Mapping[str, Any], where: str) -> float | None:
    value = entry.get("frequency")
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: frequency is a number, got {value!r}") from error
    if not 0 < number <= 1:
        raise ValueError(f"{where}: frequency is a share above 0 and at most 1, got {value!r}; leave it out where unknown")
    if not _word(entry, "frequency_source", where):
        raise ValueError(f"{where}: a frequency wants a frequency_source: who estimated it, and how")
    return number


def _word(entry: Mapping[str, Any], name: str, where: str) -> str:
    value = entry.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{where}: {name} is text, got {value!r} ({UNQUOTED})")
    return " ".join(value.split())


def _one_of(entry: Mapping[str, Any], name: str, known: tuple[Known, ...], where: str) -> Known | Literal[""]:
    value = _word(entry, name, where)
    if not value:
        return ""
    for each in known:
        if each == value:
            return each
    raise ValueError(f"{where}: {name} is {' or '.join(known)}, or left out; got {value!r}")


def _only(entry: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(map(str, set(entry) - known)):
        raise ValueError(f"{where} has no field {', '.join(unknown)}; its fields: {', '.join(sorted(known))}")
