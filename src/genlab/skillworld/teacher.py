"""The teacher of skillworld: writes a text that shows any skills that fit into the sentences allowed, and nothing else.

It also takes words to be mentioned among the skills, and a topic on which all words may meet: what a base student is made from.
"""

from collections.abc import Sequence
from random import Random
from typing import Literal

from genlab.skillworld.grammar import MOST_MINDS
from genlab.skillworld.showing import FIGURE_SKILLS, VOICES, described, expect
from genlab.skillworld.words import MINDS, NAMES, SCALES, THINGS, TOPIC_OF, TOPICS, VERBS, poles

Order = Literal["asked", "free"]
PHRASES = 2  # of a sentence, each with room for one figure
DESCRIBED = 0.25  # share of the other phrases that have an adjective: our assumption
FIRST = 0.5  # chance that a noun alone in its sentence is the subject: our assumption
SOME_NOUNS = 6  # to choose from in a sentence on no topic: as many as a topic has
OF_TOPIC = 0.6  # share of objects whose noun is of the topic; subjects always are: our assumption


def write(skills: Sequence[str], topic: str | None, limit: int, random: Random, *, order: Order = "asked") -> str:
    """A text of full marks, with exactly as many sentences as it may have, that shows nothing else.

    Args:
        skills: names; a name that stands twice is shown twice. A noun among them is mentioned in its turn.
        topic: the text's; None lets the nouns of all topics meet, and its text is about none of them.
        limit: sentences it has; those without a skill say something about the topic.
        random: chooses words, and where skills stand.
        order: asked (the skills of a sentence come before those of the next, as in the request) or free.

    Raises:
        ValueError: no such skill or topic, or no way to share these skills over so few sentences.
    """
    expect([each for each in skills if each not in TOPIC_OF], topic or next(iter(TOPICS)))
    if limit < 1:
        raise ValueError(f"expected a limit of at least 1 sentence, got {limit}")
    groups = _in_turn(skills, limit, random) if order == "asked" else _dealt(skills, limit, random)
    if groups is None:
        room = f"a sentence has room for {PHRASES} figures, {MOST_MINDS} minds, and each of the others once"
        way = " (there is a way with order='free')" if order == "asked" and _dealt(skills, limit, random) else ""
        raise ValueError(f"{', '.join(skills)} do not fit into {limit} sentence(s): {room}{way}")
    return " ".join(_sentence(group, topic, random, order) for group in groups)


def fit(skills: Sequence[str], limit: int, random: Random) -> bool:
    """Whether skills and nouns, in their order, can be shared over so many sentences."""
    return _in_turn(skills, limit, random) is not None


def _fits(group: Sequence[str]) -> bool:
    figures = sum(skill in FIGURE_SKILLS for skill in group)
    minds = sum(skill in MINDS for skill in group)
    nouns = sum(word in TOPIC_OF for word in group)
    return max(figures, nouns) <= PHRASES and minds <= MOST_MINDS and all(group.count(voice) <= 1 for voice in VOICES)


def _in_turn(skills: Sequence[str], limit: int, random: Random) -> list[list[str]] | None:
    """Skills in their order, one group a sentence, as even as can be; None where the order does not let them fit."""
    groups: list[list[str]] = []
    rest = list(skills)
    for left in range(limit, 0, -1):
        least, more = divmod(len(rest), left)
        even = least + (random.random() < more / left)
        sizes = sorted(range(len(rest) + 1), key=lambda size: abs(size - even))
        size = next((size for size in sizes if _fits(rest[:size]) and _fewest(rest[size:]) < left), None)
        if size is None:
            return None
        groups.append(rest[:size])
        rest = rest[size:]
    return groups


def _fewest(skills: Sequence[str]) -> int:
    """Sentences that skills need in their order: each is filled while the next skill fits."""
    groups: list[list[str]] = []
    for skill in skills:
        if groups and _fits([*groups[-1], skill]):
            groups[-1].append(skill)
        else:
            groups.append([skill])
    return len(groups)


def _dealt(skills: Sequence[str], limit: int, random: Random) -> list[list[str]] | None:
    """Skills in any order, one group a sentence, as even as can be; None where they do not fit.

    No skill takes the room of another kind, so dealing them out one by one finds a way where there is one.
    """
    groups: list[list[str]] = [[] for _ in range(limit)]
    for skill in random.sample(skills, len(skills)):
        room = [group for group in groups if _fits([*group, skill])]
        if not room:
            return None
        random.choice([group for group in room if len(group) == min(map(len, room))]).append(skill)
    return groups


def _sentence(group: Sequence[str], topic: str | None, random: Random, order: Order) -> str:
    figures = [*(skill for skill in group if skill in FIGURE_SKILLS), *[""] * PHRASES][:PHRASES]
    if order == "free" or "" in figures:
        random.shuffle(figures)
    own = TOPICS[topic] if topic else random.sample(list(TOPIC_OF), SOME_NOUNS)
    called, subject, *others = random.sample(own, len(own))
    thing = random.choice(others if random.random() < OF_TOPIC else THINGS)
    match [word for word in group if word in TOPIC_OF]:
        case [first, second]:
            subject, thing = first, second
        case [only] if random.random() < FIRST:
            subject = only
        case [only]:
            thing = only
    people = random.sample(NAMES, MOST_MINDS)
    words = [f"oh {called},"] * ("address" in group) + ["perhaps"] * ("hedge" in group)
    words += [f"{people.pop()} {MINDS[skill]} that" for skill in group if skill in MINDS]
    words += [_phrase(figures[0], subject, random), *["never"] * ("denial" in group), random.choice(VERBS)]
    said = " ".join([*words, _phrase(figures[1], thing, random)])
    return f"{said[0].upper()}{said[1:]}{'!' if 'exclamation' in group else '.'}"


def _phrase(skill: str, noun: str, random: Random) -> str:
    if not skill:
        word = f"{random.choice(random.choice(list(SCALES.values())))} " if random.random() < DESCRIBED else ""
        return f"the {word}{noun}"
    figure, scale = FIGURE_SKILLS[skill]
    return f"the {described(figure, *(random.sample(words, len(words)) for words in poles(scale)))} {noun}"
