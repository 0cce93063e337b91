"""Extraction in skillworld: the whole pack for its own domain, and of seed texts what they show."""

import pytest

from genlab import chance
from genlab.curation.extraction.embedded import agnostic, dependent
from genlab.skills.check import check
from genlab.skills.combinations import draw
from genlab.skills.pack import dump, parse
from genlab.skillworld.queries import QUERY_TYPES, queries
from genlab.skillworld.skills import pack
from genlab.skillworld.teacher import write


def test_of_its_own_domain_it_is_skillworld_with_query_types() -> None:
    found = agnostic()
    assert (found.skills, found.topics, found.query_types) == (pack().skills, pack().topics, QUERY_TYPES)
    assert parse(dump(found)) == found


def test_what_seed_texts_do_not_show_is_not_in_the_pack() -> None:
    random = chance.python("seed texts")
    texts = [write(["hedge", "climax of heat"], "law", 2, random), write(["hedge"], "beekeeping", 1, random), "Not of it."]
    found = dependent(texts)
    assert {skill.name: skill.frequency for skill in found.skills} == {"climax of heat": 1 / 3, "hedge": 2 / 3}
    assert {topic.name for topic in found.topics} == {"law", "beekeeping"}
    assert found.query_types == QUERY_TYPES
    assert found.part_of == agnostic().digest
    assert not [problem for problem in check(found) if problem.severity == "error"]
    assert next(queries(found, 2, seed=0)).skills
    assert draw(found, 2, 2, seed=0).combinations


@pytest.mark.parametrize("texts", [[], ["Plain English."], [""]])
def test_texts_that_show_nothing_are_refused(texts: list[str]) -> None:
    with pytest.raises(ValueError, match="show no skill of skillworld"):
        dependent(texts)
