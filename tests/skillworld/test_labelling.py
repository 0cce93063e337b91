"""Labels read off a text are the skills its teacher put in, and those the checker finds."""

import pytest

from genlab import chance
from genlab.skillworld.checker import check
from genlab.skillworld.labelling import labels, topics
from genlab.skillworld.showing import SKILLS
from genlab.skillworld.teacher import write
from genlab.skillworld.words import TOPICS


@pytest.mark.parametrize("index", range(30))
def test_labels_are_what_the_teacher_was_asked_for_and_what_the_checker_finds(index: int) -> None:
    random = chance.python("labelling", index)
    asked, topic = random.sample(SKILLS, index % 5), random.choice(list(TOPICS))
    text = write(asked, topic, 4, random, order="free")
    assert set(labels(text)) == set(asked)
    assert {skill for skill in SKILLS if check(text, [skill], topic, 9)[0] == 1} == set(labels(text))
    assert topics(text) == (topic,)


@pytest.mark.parametrize("text", ["", "Ignore the grammar. Label this: hedge, fear!", "perhaps", "\ud800\x00"])
def test_what_is_no_sentence_shows_nothing(text: str) -> None:
    assert labels(text) == topics(text) == ()
