"""Seed-dataset dependent extraction: a teacher labels the skills behind each example, clusters of labels get one name each.

After Didolkar et al. 2024 (2405.12205), who have a model label and then group its labels; here the groups are clusters of
embeddings, so that a large data set needs no long prompt, and each keeps count of the examples it covers.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from genlab.curation.extraction import cleaning
from genlab.curation.extraction.cleaning import Found
from genlab.curation.extraction.clustering import clusters
from genlab.curation.extraction.recipe import Recipe
from genlab.curation.extraction.requests import Ask, Kind, Request, digest
from genlab.curation.extraction.result import Extracted
from genlab.curation.extraction.seeds import Seeds
from genlab.curation.teachers import Unfinished

AN_EXAMPLE = 5  # skills of an example at most: our assumption
SHOWN = 20  # labels of a cluster that its naming shows, those of most examples first: our assumption

Label = tuple[int, str, str]  # of which example, name, definition


def extract(recipe: Recipe, seeds: Seeds, ask: Ask) -> Extracted:
    """Skills behind seed examples; ``ask`` brings the answers.

    Raises:
        Unfinished: no example has a skill, a topic and a query type that can be used.
    """
    options: dict[str, Any] = {"threshold": recipe.near, "model": recipe.embedding}
    read = _labelled(seeds, ask)
    labels = [(number, each["name"], each["definition"]) for number, said in read.items() for each in said["skills"]]
    kinds = [(number, said["query_type"]["name"], said["query_type"]["definition"]) for number, said in read.items()]
    skills, dropped = gathered(labels)
    subjects, unnamed = gathered((number, said["topic"], said["topic"]) for number, said in read.items())
    types, more = cleaning.query_types(
        [(each.name, each.definition) for each in gathered(kinds)[0]], recipe.query_types, **options
    )
    for what, usable in (("skill", skills), ("topic", subjects), ("query type", types)):
        if not usable:
            raise Unfinished(f"{recipe.teacher} found no {what} behind {len(seeds.texts)} examples that can be used")
    groups = _grouped(skills, [f"{each.name}: {each.definition}" for each in skills], recipe)
    fields = _grouped(subjects, [each.name for each in subjects], recipe, most=recipe.topics)
    found, heads = _named(groups, fields, seeds, ask)
    names, owners, few = cleaning.topics([each.name for each in heads], recipe.topics, **options)
    if not names:
        raise Unfinished(f"{recipe.teacher} gave no topic of {len(seeds.texts)} examples a name that can be used")
    topic_of = {number: owners[mark] for each in heads if (mark := cleaning.key(each.name)) in owners for number in each.examples}
    placed = [
        replace(each, topic=_most(topic_of[number] for number in sorted(each.examples) if number in topic_of) or names[0])
        for each in found
    ]
    cleaned = cleaning.skills(sorted(placed, key=_cover), names, recipe.per_topic, **options)
    if not cleaned.kept:
        raise Unfinished(f"{recipe.teacher} gave no skill behind {len(seeds.texts)} examples a name that can be used")
    lost = Counter({UNREAD: len(seeds.texts) - len(read), JOINED: len(skills) - len(groups)})
    return Extracted(
        cleaned.kept,
        tuple(names),
        tuple(types),
        {"labels": len(labels), "different labels": len(skills), "clusters": len(groups), "topics": len(subjects)},
        dict(+(Counter(cleaned.dropped) + dropped + unnamed + more + few + lost)),
        read=len(read),
    )


UNREAD, JOINED = "example without readable labels", "label joined to others in its cluster"


def gathered(labels: Iterable[Label]) -> tuple[list[Found], Counter[str]]:
    """Different labels with the examples that have them, those of most examples first; the words are of the first.

    >>> [(each.name, len(each.examples)) for each in gathered([(1, "Summing up", "s"), (4, "summing-up", "t"), (4, " ", "u")])[0]]
    [('Summing up', 2)]
    """
    different: dict[str, Found] = {}
    dropped: Counter[str] = Counter()
    for number, name, definition in labels:
        mark = cleaning.key(cleaning.tidy(name))
        if not mark or len(name) > cleaning.MOST_NAME:
            dropped["label too long" if mark else "label without a name"] += 1
            continue
        known = different.get(mark, Found(cleaning.tidy(name), definition))
        different[mark] = replace(known, examples=known.examples | {number})
    return sorted(different.values(), key=_cover), dropped


def _labelled(seeds: Seeds, ask: Ask) -> dict[int, Mapping[str, Any]]:
    asked = {
        number: Request(
            f"label-{number:06d}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}",
            "label",
            {"example": text, "count": AN_EXAMPLE},
        )
        for number, text in seeds.texts.items()
    }
    answers = ask("labels-01", list(asked.values()))
    return {number: said for number, each in asked.items() if (said := answers[each.id].content) is not None}


def _grouped(found: Sequence[Found], texts: Sequence[str], recipe: Recipe, *, most: int | None = None) -> list[list[Found]]:
    places = clusters(texts, recipe.distance, most=most, model=recipe.embedding)
    return [[found[place] for place in each] for each in places]


def _named(
    groups: Sequence[Sequence[Found]], fields: Sequence[Sequence[Found]], seeds: Seeds, ask: Ask
) -> tuple[list[Found], list[Found]]:
    """Clusters of skills and of topics as the teacher names them; where it cannot be read, by their most common label."""
    naming = [(group, _naming("skill", group)) for group in groups]
    naming += [(group, _naming("topic", group)) for group in fields if len(group) > 1]
    answers = ask("names-01", [request for _, request in naming])
    contents = {request.id: answers[request.id].content for _, request in naming}
    skills, topics = [], []
    for group in groups:
        whole = replace(group[0], examples=frozenset().union(*(each.examples for each in group)))
        said = contents[_naming("skill", group).id]
        skills.append(replace(whole, **said["skill"]) if said else whole)
    for group in fields:
        whole = replace(group[0], examples=frozenset().union(*(each.examples for each in group)))
        said = contents.get(_naming("topic", group).id)
        topics.append(replace(whole, name=said["topic"]) if said else whole)
    return skills, sorted(topics, key=_cover)


def _naming(kind: Kind, group: Sequence[Found]) -> Request:
    labels = [f"{each.name}: {each.definition}" if kind == "skill" else each.name for each in group[:SHOWN]]
    return Request(f"name-{kind}-{digest(labels)}", kind, {"labels": labels})


def _cover(found: Found) -> int:
    return -len(found.examples)


def _most(topics: Iterable[str]) -> str:
    counted = Counter(topics).most_common(1)
    return counted[0][0] if counted else ""
