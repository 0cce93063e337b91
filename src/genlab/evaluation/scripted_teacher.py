"""A scripted teacher of skills: it tests the plumbing of ``genlab data skills``, and what it names says nothing about any model.

It takes topics, skills and query types out of the packs that ship with genlab, whatever field it is asked about, and labels an
example with skills that the example names, or with any. Like models do, it repeats itself in other case, lets headings slip in,
and, as ``teacher-of-skills-70``, says something unreadable to all but 70% of the requests.
"""

import json
import re
from random import Random
from typing import Any

from genlab import chance
from genlab.skills.naming import names_itself
from genlab.skills.pack import load
from genlab.skills.skill import Skill
from genlab.skillworld.queries import QUERY_TYPES

NAME = "teacher-of-skills"
SLIP = 0.1  # chance that an entry is a heading, or an earlier name in capitals
_PERCENT = re.compile(r"-(\d{1,3})$")
_CODE = re.compile(r'"code": "(\w+)"')
_COUNT = re.compile(r"(?:List up to|and one to) (\d+)")
_LABELS = re.compile(r"^\| (.+?): ", re.MULTILINE)
_KNOWN = re.compile(r'^- (".*")$', re.MULTILINE)


def reply(model: str, prompt: str) -> str:
    """What the script says to a prompt of extraction."""
    code = _CODE.findall(prompt)
    if not code:
        return "I only name skills."
    random = chance.python(model, prompt)
    readable = int(named[1]) / 100 if (named := _PERCENT.search(model)) else 1.0
    if random.random() >= readable:
        garbage = ["Certainly! Here are some ideas.", f'{{"code": "{code[-1]}', '{"skills": []}', "", '{"topics": "all"}']
        return str(random.choice(garbage))
    shape = prompt[prompt.rindex("in this form:") :]
    count = int(found[1]) if (found := _COUNT.search(prompt)) else 1
    known = {json.loads(each).casefold() for each in _KNOWN.findall(prompt)}
    return json.dumps({"code": code[-1], **_said(shape, prompt, count, known, random)})


def _said(shape: str, prompt: str, count: int, known: set[str], random: Random) -> dict[str, Any]:
    skills = [skill for pack in ("english", "mathematics", "code_review") for skill in load(pack).skills]
    if '"topics"' in shape:
        names = [topic.name for topic in load("english").topics if topic.name.casefold() not in known]
        return {"topics": random.sample(names, min(count, len(names)))}
    if '"query_types"' in shape:
        kinds = [{"name": each.name, "definition": each.definition} for each in QUERY_TYPES if each.name not in known]
        return {"query_types": kinds[:count]}
    if '"query_type"' in shape:
        about = random.choice(QUERY_TYPES)
        shown = [skill for skill in skills if names_itself(skill, prompt)] or random.sample(skills, 2)
        return {
            "topic": random.choice(load("english").topics).name,
            "query_type": {"name": about.name, "definition": about.definition},
            "skills": [{"name": each.name, "definition": each.definition} for each in shown[:count]],
        }
    if '"skills"' in shape:
        left = [skill for skill in skills if skill.name.casefold() not in known]
        chosen = random.sample(left, min(count, len(left)))
        return {"skills": [_shown(each, random) for each in chosen]}
    if '"skill"' in shape:
        labels = _LABELS.findall(prompt)
        same = [skill for skill in skills if labels and skill.name.casefold() == labels[0].casefold()] or skills[:1]
        return {"skill": _shown(same[0])}
    return {"topic": re.findall(r"^\| (.+)$", prompt, re.MULTILINE)[0]}


def _shown(skill: Skill, random: Random | None = None) -> dict[str, str]:
    name = skill.name
    if random is not None and random.random() < SLIP:
        name = random.choice([f"{skill.category}:", name.upper().replace(" ", "_"), f"- {name}"])
    return {"name": name, "definition": skill.definition, "example": skill.example}
