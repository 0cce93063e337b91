"""What skillworld's base student is made from: the analogue of what a chat model knows before anyone teaches it composition.

Three kinds of requests, on all topics and all skills. *Open* ones ask for anything, and the text shows skills that nobody asked
for. *Single* ones ask for one skill. *Lists* ask for up to eight words to be mentioned in order, in a dream, where words of any
topic may meet; one or two of the words may be skills instead. So the base knows every skill alone, can follow long lists, and has
met two skills in one text, of all categories: with words beside them as a rule, alone in 2% of all conversations, as chat models
have. Three skills were never asked of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from genlab import chance
from genlab.evaluation import writing
from genlab.grading.rubric import sentence_limit
from genlab.skillworld import teacher
from genlab.skillworld.skills import pack
from genlab.skillworld.words import TOPIC_OF, TOPICS

DREAM = "a dream"  # the topic under which all nouns may meet
OPEN_SENTENCES = 6
SINGLE_SENTENCES = (1, 1, 1, 2, 3, 4, 5)  # one sentence is what is asked for at k = 1

Conversation = list[dict[str, str]]


@dataclass(frozen=True)
class Mixture:
    """Shares of the kinds, found with tuning seeds (docs/log.md).

    Attributes:
        open, single, lists: weights of the kinds.
        skills: weights of lists with no, one and two skills among their words.
        longest: words and skills of the longest lists.
    """

    open: float = 0.1
    single: float = 0.3
    lists: float = 0.6
    skills: tuple[float, ...] = (0.35, 0.35, 0.3)
    longest: int = 8


MIXTURE = Mixture()


def conversations(seed: int, *key: str, mixture: Mixture = MIXTURE) -> Iterator[Conversation]:
    """Conversations of the corpus without end; item 7 is the same whatever is taken before and after."""
    index = 0
    while True:
        yield conversation(chance.python("corpus", seed, *key, index), mixture)
        index += 1


def conversation(random: Random, mixture: Mixture = MIXTURE) -> Conversation:
    """One conversation."""
    kind = random.choices((_open, _single, _listed), (mixture.open, mixture.single, mixture.lists))[0]
    topic, limit, asked, shown = kind(random, mixture)
    about = None if topic == DREAM else topic
    text = teacher.write(shown, about, limit, random, order="free" if kind is _open else "asked")
    return [{"role": "user", "content": writing.brief(topic, limit, asked)}, {"role": "assistant", "content": text}]


Request = tuple[str, int, list[str], list[str]]  # topic, sentences, what is asked for, what the text shows


def _open(random: Random, mixture: Mixture) -> Request:
    limit = random.randint(1, OPEN_SENTENCES)
    return random.choice(list(TOPICS)), limit, ["anything"], random.sample(_skills(), random.randint(0, limit))


def _single(random: Random, mixture: Mixture) -> Request:
    asked = [random.choice(_skills())]
    return random.choice(list(TOPICS)), random.choice(SINGLE_SENTENCES), asked, asked


def _listed(random: Random, mixture: Mixture) -> Request:
    while True:
        size = random.randint(2, mixture.longest)
        asked = random.sample(list(TOPIC_OF), size)
        count = random.choices(range(len(mixture.skills)), mixture.skills)[0]
        for place, skill in zip(random.sample(range(size), min(count, size)), random.sample(_skills(), count), strict=False):
            asked[place] = skill
        limit = sentence_limit(size)
        if teacher.fit(asked, limit, random):
            return DREAM, limit, asked, asked


def _skills() -> list[str]:
    return [skill.name for skill in pack().skills]
