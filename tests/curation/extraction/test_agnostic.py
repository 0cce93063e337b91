"""Topics, skills and query types of a field, in rounds, from the scripted teacher in this process."""

import json
from dataclasses import replace

import pytest
from tests.curation.extraction.script import Script

pytest.importorskip("sklearn")

from genlab.curation.extraction.agnostic import extract
from genlab.curation.extraction.prompts import LENSES
from genlab.curation.extraction.recipe import Recipe
from genlab.curation.teachers import Unfinished
from genlab.evaluation import scripted_teacher
from genlab.skills.skill import plain

SMALL = Recipe(domain="keeping bees", teacher="scripted/teacher-of-skills", topics=5, per_topic=25, query_types=6)


def test_rounds_go_on_until_each_list_is_long_enough_and_show_what_is_known() -> None:
    script = Script()
    found = extract(SMALL, script)
    assert script.stages["topics-01"] == 2
    assert script.stages["skills-01"] == 5
    assert script.stages["skills-02"] == 5  # 20 at once, and 25 are wanted
    assert len(found.topics) == 5
    assert len(found.query_types) == 6
    assert {each.topic for each in found.skills} <= set(found.topics)
    assert max(sum(each.topic == topic for each in found.skills) for topic in found.topics) <= 25
    names = [plain(each.name) for each in found.skills]
    assert len(set(names)) == len(names)
    assert not any(name.endswith(":") for each in found.skills for name in (each.name, *each.aliases))
    assert found.dropped["heading"] > 0
    assert found.dropped["duplicate"] > 0
    lost = sum(found.dropped.get(why, 0) for why in ("heading", "duplicate", "near duplicate", "beyond its topic's share"))
    assert found.named["skills"] == len(found.skills) + lost
    second = next(each for each in script.prompts if "name none of them again" in each)
    assert '"keeping bees"' in second
    assert sum(line.startswith('- "') for line in second.splitlines()) >= 15
    assert all(sum(lens in prompt for lens in LENSES) == 1 for prompt in script.prompts)


def test_the_same_recipe_asks_the_same_and_another_seed_does_not() -> None:
    first, second, other = Script(), Script(), Script()
    assert extract(SMALL, first) == extract(SMALL, second)
    assert first.prompts == second.prompts
    extract(replace(SMALL, seed=1), other)
    assert not set(other.prompts) & set(first.prompts)


def test_replies_that_fail_cost_tries_only() -> None:
    script = Script(lambda prompt: scripted_teacher.reply("teacher-of-skills-70", prompt))
    found = extract(SMALL, script)
    assert len(script.prompts) > sum(script.stages.values())
    assert (len(found.topics), len(found.query_types)) == (5, 6)
    known = {plain(name) for each in extract(SMALL, Script()).skills for name in (each.name,)}
    assert all(each.definition for each in found.skills)
    assert len(found.skills) > 0.6 * len(known)


def test_a_list_that_brings_nothing_new_is_not_asked_for_again() -> None:
    def stubborn(prompt: str) -> str:
        reply = json.loads(scripted_teacher.reply("teacher-of-skills", prompt))
        return json.dumps({**reply, "topics": ["bees", "Bees"], "skills": reply.get("skills", [])[:1]})

    script = Script(stubborn)
    found = extract(replace(SMALL, per_topic=2, rounds=9), script)
    assert found.topics == ("bees",)
    assert [stage for stage in script.stages if stage.startswith("topics")] == ["topics-01", "topics-02"]
    assert found.dropped["duplicate topic"] == 3


def test_a_teacher_without_topics_ends_the_run() -> None:
    empty = '{"code": "CODE", "topics": [], "query_types": [], "skills": []}'
    with pytest.raises(Unfinished, match="named no topic of the field 'keeping bees' that can be used: say more in --domain"):
        extract(SMALL, Script(lambda prompt: empty.replace("CODE", prompt.split('"code": "')[1][:10])))
