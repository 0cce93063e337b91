"""Conversations that teach skills: what a student was asked, and what it should have said."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from genlab import chance
from genlab.evaluation import writing
from genlab.grading.rubric import sentence_limit
from genlab.skills.combinations import draw
from genlab.skills.pack import Pack
from genlab.skillworld import teacher
from genlab.skillworld.words import TOPICS

Write = Callable[[Sequence[str], str, int, Random], str]


@dataclass(frozen=True)
class Taught:
    """One conversation that earned full marks.

    Attributes:
        k, index, skills, topic: the combination it was written for.
        messages: pairs of role (user, assistant) and words, two or four of them.
    """

    k: int
    index: int
    skills: tuple[str, ...]
    topic: str
    messages: tuple[tuple[str, str], ...]

    def to_row(self) -> dict[str, Any]:
        """As a row of a data set in TRL's conversational format."""
        return {
            **asdict(self),
            "skills": list(self.skills),
            "messages": [{"role": role, "content": words} for role, words in self.messages],
        }


def texts(
    pack: Pack, k: int, *, seed: int, order: teacher.Order = "asked", words: bool = False, write: Write | None = None
) -> Iterator[Taught]:
    """Texts of skillworld's teacher for random combinations of a pack's skills and topics, without end.

    Args:
        pack: skillworld, or a part of it.
        k: skills a text.
        seed: of the combinations and words.
        order: whether skills stand in the text as they were asked for.
        write: writes a text in the teacher's place.
        words: ask for as many words of the topic in place of the skills: the form of a request of k and its answer, alone.
    """
    asked = 0
    while True:
        drawn = draw(pack, k, 2 * asked or 256, seed=seed, distinct=False).combinations
        for each in drawn[asked:]:
            names, topic, limit = [skill.name for skill in each.skills], each.topic.name, sentence_limit(k)
            random = chance.python("taught", pack.name, k, seed, each.index, order)
            if words:
                names = random.sample(TOPICS[topic], k)
            said = write(names, topic, limit, random) if write else teacher.write(names, topic, limit, random, order=order)
            prompt = writing.brief(topic, limit, names)
            yield Taught(k, each.index, tuple(names), topic, (("user", prompt), ("assistant", said)))
        asked = len(drawn)
