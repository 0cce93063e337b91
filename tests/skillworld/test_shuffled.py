"""The control by chance: against a loop written out, and against the share of skills that two requests have in common."""

import statistics

import pytest

from genlab import chance
from genlab.skillworld.checker import check
from genlab.skillworld.showing import SKILLS
from genlab.skillworld.shuffled import Request, chance_points
from genlab.skillworld.teacher import write
from genlab.skillworld.words import TOPICS


def asked(k: int, count: int) -> list[Request]:
    draws = [chance.python("skillworld", "shuffled", k, place) for place in range(count)]
    return [Request(tuple(each.sample(SKILLS, k)), each.choice(list(TOPICS)), max(1, k - 1)) for each in draws]


def obeyed(requests: list[Request]) -> list[str]:
    draws = [chance.python("skillworld", "obeyed", place) for place in range(len(requests))]
    return [write(each.skills, each.topic, each.limit, draw) for each, draw in zip(requests, draws, strict=True)]


def test_skills_are_the_next_requests_topic_and_limit_are_its_own() -> None:
    first, second, third = Request(("hedge",), "law", 1), Request(("denial",), "music", 2), Request(("hedge",), "chess", 1)
    texts = [
        "The jury never sees the judge.",
        "Perhaps the flute needs the drum. The song hides the day.",
        "The pawn meets the day.",
    ]
    assert chance_points(texts, [first, second, third]) == [(1, 1, 1, 1), (1, 1, 1, 1), (0, 1, 1, 1)]
    assert chance_points([texts[1], texts[0], texts[2]], [first, second, third])[0] == (0, 0, 1, 0)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_an_obedient_student_earns_what_requests_share(k: int) -> None:
    requests = asked(k, 400)
    texts = obeyed(requests)
    points = chance_points(texts, requests)
    following = requests[1:] + requests[:1]
    for own, other, given in zip(requests, following, points, strict=True):
        assert given == (*(float(skill in own.skills) for skill in other.skills), 1, 1, 1)
    share = statistics.fmean(statistics.fmean(each[:k]) for each in points)
    assert share == pytest.approx(k / len(SKILLS), abs=0.03)  # standard error at k = 1: 0.006


def test_a_student_that_does_not_listen_earns_the_same_here_as_on_its_own() -> None:
    requests = asked(2, 300)
    same = ["hedge", "denial", "exclamation", "climax of size"]
    texts = [write(same, each.topic, each.limit, chance.python("deaf")) for each in requests]
    own = [check(text, each.skills, each.topic, each.limit) for text, each in zip(texts, requests, strict=True)]
    assert sorted(chance_points(texts, requests)) == sorted(own)


@pytest.mark.parametrize(
    ("texts", "requests", "message"),
    [
        (["a"], asked(1, 2), "got 1 texts and 2 requests"),
        (["a"], asked(1, 1), "at least 2 requests"),
        ([], [], "at least 2 requests"),
        (["a", "b"], [*asked(1, 1), *asked(2, 1)], "got k = 1, 2: shuffle each k by itself"),
    ],
)
def test_what_is_no_control_is_refused(texts: list[str], requests: list[Request], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chance_points(texts, requests)
