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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from genlab.skills import entries
from genlab.skills.files import read_text, read_yaml, write_whole
from genlab.skills.skill import Exemplar, QueryType, Skill, Topic

SHIPPED = ("english", "code_review", "mathematics", "skillworld")
TEXT = "a short piece of text"  # what a student writes, where a pack does not say
LEFT_OUT = {"remove", "in review", "maybe"}  # statuses that the official code drops
Manner = Literal["paper", "brief"]
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
LATER = {
    "manner": "paper",
    "checker": "",
    "query_types": (),
}  # younger than some stores: at these values they are no part of a digest
MORE = "cells without a column"
COMMAS = "put quotes around a cell that holds a comma"


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
    entries.only(content, PACK_FIELDS, where)
    version = content.get("version")
    head = {
        "name": entries.word(content, "name", where),
        "version": str(version) if type(version) is int else entries.word(content, "version", where),
    }
    for name in ("name", "version", "skills"):
        if not (head | {"skills": content.get("skills")})[name]:
            raise ValueError(f"{where} has no {name}: a pack needs name, version and skills (and topics to draw from)")
    source, licence = entries.word(content, "source", where), entries.word(content, "licence", where)
    skills = [
        entries.skill(each, f"{where}, skill {place}", source, licence)
        for place, each in entries.listed(content, "skills", where)
    ]
    topics = [entries.topic(each, f"{where}, topic {place}") for place, each in entries.listed(content, "topics", where)]
    private = content.get("private", False)
    if not isinstance(private, bool):
        raise ValueError(f"{where}: private is true or false, got {private!r}")
    manner = entries.one_of(content, "manner", MANNERS, where) or "paper"
    return checked(
        Pack(
            **head,
            skills=tuple(skills),
            topics=tuple(topics),
            about=entries.word(content, "about", where),
            text=entries.word(content, "text", where) or TEXT,
            source=source,
            licence=licence,
            private=private,
            part_of=entries.word(content, "part_of", where),
            salt=entries.word(content, "salt", where),
            exemplars=tuple(
                entries.exemplar(each, f"{where}, exemplar {place}")
                for place, each in entries.listed(content, "exemplars", where)
            ),
            manner=manner,
            checker=entries.one_of(content, "checker", CHECKERS, where),
            query_types=tuple(
                entries.query_type(each, f"{where}, query type {place}")
                for place, each in entries.listed(content, "query_types", where)
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
    entry = {key: value for key, value in entry.items() if key in entries.SKILL_FIELDS and value}
    if "aliases" in entry:
        entry["aliases"] = entry["aliases"].split(";")
    return entries.skill(entry, where, "", "")


def checked(pack: Pack, where: str) -> Pack:
    """The pack, if no two of its skills, topics or query types share a name, and exemplars name its own.

    Raises:
        ValueError: some do, an exemplar names others, or there is no skill.
    """
    if not pack.skills:
        raise ValueError(f"{where} has no skills")
    for kind, named in (("skill", pack.skills), ("topic", pack.topics), ("query type", pack.query_types)):
        names = [each.name for each in named]
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
