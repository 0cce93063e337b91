"""Instructions in skillworld: queries in free words that need several skills, their answers, and who answers them badly.

What Instruct-SkillMix (Kaur, Park, Goyal, Arora 2024, 2408.14774) makes with a chat model, a program makes here: a query of one
of six types that calls for k skills on a topic, and an answer that shows them. Whoever learned skillworld's plain requests
(``Write about law, in at most 2 sentences: hedge; fear.``) has met neither the words nor the shapes of these.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from genlab import chance
from genlab.skills.combinations import draw
from genlab.skills.pack import Pack
from genlab.skills.skill import QueryType
from genlab.skillworld import teacher
from genlab.skillworld.checker import check


@dataclass(frozen=True)
class Shape:
    """How queries of a type read, and how many sentences answer them: the query does not say it."""

    sentences: int
    forms: tuple[str, ...]
    definition: str


SHAPES: dict[str, Shape] = {
    "information-seeking": Shape(
        2,
        ("What is there to know about {topic}? Answer with {skills}.", "Tell me about {topic}. Let your answer show {skills}."),
        "Asks what there is to know; two sentences answer it.",
    ),
    "help-seeking": Shape(
        3,
        ("I am stuck with {topic}. Help me, using {skills}.", "Can you help me with {topic}? I would like {skills}."),
        "Asks for help; three sentences answer it.",
    ),
    "decision-making": Shape(
        2,
        ("Which should I choose in {topic}? Decide with {skills}.", "I must decide about {topic}. Use {skills}."),
        "Asks for a decision; two sentences answer it.",
    ),
    "planning": Shape(
        4,
        ("Plan my day of {topic}. Work in {skills}.", "I plan some {topic}. Make the plan with {skills}."),
        "Asks for a plan; four sentences answer it.",
    ),
    "narrative": Shape(
        4,
        ("Tell me a story of {topic}, with {skills}.", "Let us hear a tale about {topic}. Put in {skills}."),
        "Asks for a story; four sentences answer it.",
    ),
    "feedback-seeking": Shape(
        3,
        ("How is my {topic}? Give me your view with {skills}.", "Judge my {topic}, and show {skills}."),
        "Asks for a judgement; three sentences answer it.",
    ),
}
QUERY_TYPES = tuple(QueryType(name, shape.definition) for name, shape in SHAPES.items())
JUNK_SENTENCES = 6  # of a junk answer: longer than any good one, as the paper's are ("vague and should be long")


@dataclass(frozen=True)
class Query:
    """A query, with what a checker needs to know of it.

    Attributes:
        index: its number among those of one pack, k and seed.
        query_type: one of ``SHAPES``.
        skills: that its answer shows, in the order asked for.
        topic: that its answer is about.
        instruction: the query's words.
    """

    index: int
    query_type: str
    skills: tuple[str, ...]
    topic: str
    instruction: str

    @property
    def sentences(self) -> int:
        """Of a good answer, at most."""
        return SHAPES[self.query_type].sentences


def query(index: int, query_type: str, skills: Sequence[str], topic: str, random: Random) -> Query:
    """A query in one of its type's forms.

    >>> query(0, "planning", ["hedge", "fear"], "law", chance.python("example")).instruction
    'Plan my day of law. Work in hedge and fear.'

    Raises:
        ValueError: no such query type.
    """
    if query_type not in SHAPES:
        raise ValueError(f"skillworld has no query type {query_type!r}: expected one of {', '.join(SHAPES)}")
    said = " and ".join([", ".join(skills[:-1]), skills[-1]] if len(skills) > 1 else skills)
    form = random.choice(SHAPES[query_type].forms)
    return Query(index, query_type, tuple(skills), topic, form.format(topic=topic, skills=said))


def queries(pack: Pack, k: int, *, seed: int, query_types: Sequence[str] = tuple(SHAPES)) -> Iterator[Query]:
    """Queries for random combinations of a pack's skills and topics, without end; item 7 is the same whatever is taken.

    Args:
        pack: skillworld, or a part of it.
        k: skills a query.
        seed: of combinations, query types and forms.
        query_types: drawn from evenly.
    """
    asked = 0
    while True:
        drawn = draw(pack, k, 2 * asked or 256, seed=seed, distinct=False).combinations
        for each in drawn[asked:]:
            random = chance.python("query", pack.name, k, seed, each.index)
            kind = random.choice(list(query_types))
            yield query(each.index, kind, [skill.name for skill in each.skills], each.topic.name, random)
        asked = len(drawn)


def answer(query: Query, random: Random) -> str:
    """What a good teacher answers: every point, in as many sentences as the type has."""
    return teacher.write(query.skills, query.topic, query.sentences, random)


def brevity(query: Query, random: Random) -> str:
    """What a hasty teacher answers: one sentence on the topic, with one of the skills; of k = 1 it is short and no worse."""
    return teacher.write([random.choice(query.skills)], query.topic, 1, random)


def junk(query: Query, random: Random) -> str:
    """What a lazy teacher answers: many sentences on the topic that show no skill."""
    return teacher.write([], query.topic, JUNK_SENTENCES, random)


def points(query: Query, text: str) -> tuple[float, ...]:
    """Points of an answer, k + 3 as in Skill-Mix: one a skill, then topic, sense, and no more sentences than the type has."""
    return check(text, query.skills, query.topic, query.sentences)


def preference(query: Query, first: str, second: str) -> float:
    """Which of two answers earns more points: 1 the first, 2 the second, 1.5 a tie, as AlpacaEval writes preferences."""
    one, other = sum(points(query, first)), sum(points(query, second))
    return 1.5 if one == other else 1.0 if one > other else 2.0
