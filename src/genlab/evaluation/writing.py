"""What a student is told, and how its text is found in what it says.

In the paper's manner it is told twice: draft, then improve (Yu et al. 2023). In the brief manner it is told names, once.
"""

import hashlib
import re
from collections.abc import Sequence

from genlab.grading.rubric import Rubric, sentences
from genlab.skills.pack import Manner

VERSION = "1"  # raised with every change of the words below; their digest stands in each log

_DRAFT = """Write {form} about {topic} that shows all of the following skills, as naturally and in as few lines as you \
can. Do not name the skills in the text.

{skills}

Begin your reply with "Answer:" and the text. After it, begin a new line with "Explanation:" and say where the text shows \
each skill."""

_IMPROVED = """Read your text again with care and improve it: each of the {k} must be shown more clearly, the text must \
stay about {topic}, and it may have at most {limit}. Reply in the same way: "Answer:" with the improved text, then a new \
line with "Explanation:"."""

_BRIEF = "Write about {topic}, in at most {limit}: {skills}."

_MARK, _STILL = r"^[ \t>*_#`(\[]*", r"[*_`]*[ \t]*"
_KIND = r"(?:(?:my|the|an|improved|revised|updated|final|new|better)[ \t]+){0,3}"
_ANSWER = re.compile(rf"{_MARK}{_KIND}answer{_STILL}(?::[*_`]*|$)", re.IGNORECASE | re.MULTILINE)
_EXPLANATION = re.compile(rf"{_MARK}{_KIND}explanations?(?:[ \t]+of[^:\n]{{1,60}})?{_STILL}(?::|$)", re.IGNORECASE | re.MULTILINE)
_IN_LINE = {  # where a reply does without the line breaks
    _ANSWER: re.compile(r"(?<!\S)[*_`]*Answer[*_`]*:[*_`]*"),
    _EXPLANATION: re.compile(r"(?<=[^\w\s,;])[ \t]+[*_`(\[]*Explanations?[*_`]*:"),
}
_THOUGHT = re.compile(
    r"\A.*</(?:think|thinking|thought|reasoning)>|<(?:think|thinking|thought|reasoning)>.*\Z", re.IGNORECASE | re.DOTALL
)
_FENCED = re.compile(r"```\w*\n(.*?)\n?```", re.DOTALL)


def turns(manner: Manner) -> int:
    """How often a student is told something: a draft and its improvement, or one text.

    >>> turns("paper"), turns("brief")
    (2, 1)
    """
    return {"paper": 2, "brief": 1}[manner]


def draft(rubric: Rubric, *, form: str, manner: Manner = "paper") -> str:
    """The first turn.

    In the paper's manner: skills with definitions and examples, and the topic; no limit yet. In the brief manner it is the only
    one: topic, limit and names; what is asked for (``form``) is left unsaid.
    """
    if manner == "brief":
        return brief(rubric.topic, rubric.limit, [skill.name for skill in rubric.skills])
    skills = "\n".join(f"- {skill.told}" for skill in rubric.skills)
    return _DRAFT.format(form=form, topic=rubric.topic, skills=skills)


def brief(topic: str, limit: int, asked: Sequence[str]) -> str:
    """All that is said in the brief manner.

    >>> brief("law", 2, ["hedge", "fear", "denial"])
    'Write about law, in at most 2 sentences: hedge; fear; denial.'
    """
    return _BRIEF.format(topic=topic, limit=sentences(limit), skills="; ".join(asked))


def improved(rubric: Rubric) -> str:
    """The second turn: improve it, within max(1, k - 1) sentences."""
    k = "one skill" if rubric.k == 1 else f"{rubric.k} skills"
    return _IMPROVED.format(k=k, topic=rubric.topic, limit=sentences(rubric.limit))


def text_of(reply: str) -> str:
    r"""The text in a reply: after the last line that begins with "Answer:", up to "Explanation:"; all of it where neither stands.

    What a model thinks aloud, in ``<think>``, is no part of it, and nor are the fences of a block of code around all of it.

    >>> text_of("Sure!\n**Answer:** Bees hum.\nExplanation: they do.")
    'Bees hum.'
    """
    said = _THOUGHT.sub("", reply)
    starts = _found(_ANSWER, said)
    after = said[starts[-1].end() :] if starts else said
    ends = _found(_EXPLANATION, after)
    text = (after[: ends[0].start()] if ends else after).strip()
    fenced = _FENCED.fullmatch(text)
    return (fenced[1] if fenced else text.strip("`")).strip()


def _found(mark: re.Pattern[str], said: str) -> list[re.Match[str]]:
    """The lines that begin with a mark; where none does, the places within lines."""
    return list(mark.finditer(said)) or list(_IN_LINE[mark].finditer(said))


def digest(manner: Manner = "paper") -> str:
    """Eight hex digits of the student's prompts."""
    words = {"paper": _DRAFT + _IMPROVED, "brief": _BRIEF}[manner]
    return hashlib.sha256((VERSION + words).encode()).hexdigest()[:8]
