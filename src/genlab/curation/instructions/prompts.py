"""What a teacher is told: draft, critique, refine, in one conversation. The words are genlab's own."""

import hashlib
from collections.abc import Sequence

from genlab.curation.instructions.items import Item

VERSION = "1"  # raised with every change of the words below; their digest stands in each log
TURNS = ("draft", "critique", "refine")

_SKILLS = """Write one example for teaching an assistant: a request that a person could send it, and the best answer to it.

A good answer to the request must call for {these}, all of it worked into one purpose:

{skills}

The request is of this kind: {kind}
{topic}"""

_NAIVE = """Write one example for teaching an assistant: a request that a person could send it, and the best answer to it.

You choose what is asked for, and how. This is example {number} of a collection in which no two may be alike.
"""

_RULES = """
What the request must be:
- It sounds like a person who needs the answer for something, and gives the particulars that such a person would give.
- It can be answered by whoever reads it and nothing else. A text, table, calculation or piece of code that it is about \
stands in it, word for word.
{unnamed}- It does not speak of skills, exercises or examples.

What the answer must be:
- Right, useful and specific; complete, and no longer than the request deserves.
- Addressed to the person, without a word on how it was written, and without headings that begin with "#".
- At its end: its last sentence, list or block of code is finished.

Reply with one JSON object and no word before or after it:
{{"instruction": "the request", "response": "the answer"}}"""

_UNNAMED = "- It {names}; what is needed shows only in what is asked.\n"
_AGAIN = "\n\nRefused so far: {why}. Write another one, which cannot be refused for that."

_CRITIQUE = """Now be the person who sent that request, hard to please and short of time. In a few lines, say what is weak: \
first in the request (is it plausible, is everything there, does it need {these}?), then in the answer (what is wrong, missing, \
vague, or too long?). Do not rewrite anything yet."""

_REFINE = """Write both once more, with these faults mended and everything good kept. The rules above hold as before. \
Nothing may remind of a draft, of faults or of mending. Reply with the JSON object alone:
{"instruction": "the request", "response": "the answer"}"""


def draft(item: Item, *, refused: Sequence[str] = (), named: bool = False) -> str:
    """The first turn: what is wanted, and the rules.

    Args:
        item: what the instruction is for; without skills the teacher chooses by itself.
        refused: why earlier attempts at it were refused, each.
        named: whether the request may name the skills.
    """
    rules = _RULES.format(unnamed="" if named or not item.skills else _UNNAMED.format(names=_names(item)))
    return _wanted(item) + rules + (_AGAIN.format(why="; ".join(refused)) if refused else "")


def critique(item: Item) -> str:
    """The second turn: what is weak in both."""
    return _CRITIQUE.format(these=_these(item) if item.skills else "thought")


def refine() -> str:
    """The third turn: both, once more."""
    return _REFINE


def digest(*, naive: bool = False) -> str:
    """Eight hex digits of the prompts."""
    words = (VERSION, _NAIVE if naive else _SKILLS, _RULES, _UNNAMED, _AGAIN, _CRITIQUE, _REFINE)
    return hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:8]


def _wanted(item: Item) -> str:
    if not item.skills:
        return _NAIVE.format(number=item.index + 1)
    assert item.query_type is not None
    return _SKILLS.format(
        these=_these(item),
        skills="\n".join(f"- {skill.name}: {skill.definition}" for skill in item.skills),
        kind=f"{item.query_type.name}. {item.query_type.definition}",
        topic=f"It is about this, or close to it: {item.topic}\n" if item.topic else "",
    )


def _these(item: Item) -> str:
    return "this skill" if len(item.skills) == 1 else f"these {len(item.skills)} skills"


def _names(item: Item) -> str:
    return "does not name the skill" if len(item.skills) == 1 else "names none of the skills"
