"""The checker: each of the k + 3 points by itself, changed texts, forged texts, and a second grader that knows no grammar."""

import re
import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.skillworld.plain_world import WHOLE, figures, graded, written

from genlab import chance
from genlab.skillworld.checker import check
from genlab.skillworld.showing import FIGURE_SKILLS, SKILLS
from genlab.skillworld.teacher import write
from genlab.skillworld.words import MINDS, NAMES, SCALES, TOPICS

TOPIC = "beekeeping"
ASKED = ("hedge", "faint echo of size", "fear")
BOTH = "Perhaps Ann fears that the tiny, small bee sees the hive. The queen guards the story."
Combination = tuple[tuple[str, ...], str, str, int]


@st.composite
def combinations(draw: st.DrawFn) -> Combination:
    """Skills, a topic, a text of the teacher's that shows them, and its limit."""
    random = chance.python("skillworld", "checker", draw(st.integers(0, 2**32)))
    k = draw(st.integers(1, 6))
    skills, topic = tuple(random.sample(SKILLS, k)), random.choice(list(TOPICS))
    limit = max(1, k - 1)
    return skills, topic, write(skills, topic, limit, random, order=draw(st.sampled_from(["asked", "free"]))), limit


@pytest.mark.parametrize(
    ("text", "points"),
    [
        (BOTH, (1, 1, 1, 1, 1, 1)),
        ("The queen guards the story. " + BOTH, (1, 1, 1, 1, 1, 0)),
        ("The bee sees the hive. The queen guards the story.", (0, 0, 0, 1, 1, 1)),
        ("Ann fears that the tiny, small bee sees the hive.", (0, 1, 1, 1, 1, 1)),
        ("Perhaps Ann fears that the bee sees the tiny, small hive. The loaf meets the oven.", (1, 1, 1, 0, 1, 1)),
        ("Perhaps Ann fears that the tiny, small bee sees the loaf.", (1, 1, 1, 0, 1, 1)),
        ("Perhaps Ann fears that the tiny, small story sees the day.", (1, 1, 1, 0, 1, 1)),
        ("Oh loaf, perhaps Ann fears that the tiny, small bee sees the hive.", (1, 1, 1, 0, 1, 1)),
        ("Oh bee, perhaps Ann fears that the tiny, small thing sees the story.", (1, 1, 1, 1, 1, 1)),
        ("Perhaps Ann fears that the tiny, small bee sees the hive. Buzz.", (1, 1, 1, 0, 0, 1)),
        ("Perhaps Ann fears that the tiny, small bee sees the hive. The queen guards the story", (1, 1, 1, 0, 0, 1)),
        ("Perhaps Ann fears that the tiny, small bee sees the hive", (0, 0, 0, 0, 0, 1)),
        ("Perhaps Ann fears that the bee sees the hive. The tiny, small bee sees a hive.", (1, 0, 1, 0, 0, 1)),
        ("Hedge, faint echo of size, fear. Beekeeping!", (0, 0, 0, 0, 0, 1)),
        ("The hedge fears the faint echo of size in beekeeping.", (0, 0, 0, 0, 0, 1)),
        ("", (0, 0, 0, 0, 0, 1)),
        (" \n\t", (0, 0, 0, 0, 0, 1)),
        (BOTH.lower(), (0, 0, 0, 0, 0, 1)),
        (BOTH.upper(), (0, 0, 0, 0, 0, 1)),
        (f"\n  {BOTH}  \n", (1, 1, 1, 1, 1, 1)),
        (BOTH.replace(" ", "\n\n"), (1, 1, 1, 1, 1, 1)),
        (BOTH.replace(". ", "."), (1, 1, 1, 1, 1, 1)),
        (BOTH.replace(", ", ","), (1, 1, 1, 1, 1, 1)),
        (f'"{BOTH}"', (0, 0, 0, 0, 0, 0)),
        (f"Here is my text: {BOTH}", (0, 0, 0, 0, 0, 1)),
        (f"{BOTH}\nPerhaps this text shows hedge, faint echo of size and fear.", (1, 1, 1, 0, 0, 0)),
        (f"{BOTH} Full marks: 1, 1, 1, 1, 1, 1", (1, 1, 1, 0, 0, 0)),
        ("\ufeff" + BOTH, (0, 0, 0, 0, 0, 1)),
        (BOTH.replace("tiny", "ti\u200bny"), (0, 0, 0, 0, 0, 1)),
        (BOTH.replace("P", "\u0420"), (0, 0, 0, 0, 0, 1)),
        ("\U0001f41d" * 3, (0, 0, 0, 0, 0, 1)),
        ("\ud800 \x00 \u202e.!?", (0, 0, 0, 0, 0, 0)),
        ("???", (0, 0, 0, 0, 0, 0)),
    ],
)
def test_points(text: str, points: tuple[float, ...]) -> None:
    assert check(text, ASKED, TOPIC, 2) == points
    assert graded(text, ASKED, TOPIC, 2) == points


def test_the_limit_is_the_callers() -> None:
    assert [check(BOTH, ASKED, TOPIC, limit)[-1] for limit in (0, 1, 2, 3)] == [0, 0, 1, 1]


def test_no_skill_asked_leaves_three_points() -> None:
    assert check("The bee sees the hive.", [], TOPIC, 1) == (1, 1, 1)


def test_a_skill_asked_twice_has_two_points() -> None:
    assert check(BOTH, ["hedge", "denial", "hedge"], TOPIC, 2)[:3] == (1, 0, 1)


@pytest.mark.parametrize("text", ["", BOTH])
@pytest.mark.parametrize(
    ("skill", "topic", "message"),
    [
        ("metaphor", TOPIC, "skillworld has no skill 'metaphor': expected one of"),
        ("climax of colour", TOPIC, "skillworld has no skill 'climax of colour'"),
        ("Hedge", TOPIC, "skillworld has no skill 'Hedge'"),
        ("hedge", "Beekeeping", "skillworld has no topic 'Beekeeping': expected one of gardening, sailing"),
    ],
)
def test_an_unknown_skill_or_topic_is_refused_whatever_the_text(text: str, skill: str, topic: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(text, [skill], topic, 1)


def mutants(text: str, skill: str, asked: Sequence[str]) -> Iterator[str]:
    """Texts of the language in which the one place that shows a skill no longer does, and shows no other that was asked for."""
    if skill in FIGURE_SKILLS:
        (found,) = written(skill).finditer(text)
        _, scale = FIGURE_SKILLS[skill]
        others = [name for name in FIGURE_SKILLS if name not in asked and name.endswith(scale)]
        instead = ["", *SCALES[scale], *(figures(FIGURE_SKILLS[other][0], WHOLE.scales[scale])[-1] for other in others)]
        for said in instead:
            yield f"{text[: found.start()]}{found['the']} {said}{' ' * bool(said)}{found['noun']}{text[found.end() :]}"
    elif skill in MINDS:
        yield re.sub(rf"\b(?:{'|'.join(NAMES)}) {MINDS[skill]} that ", "", text)
        yield from (
            re.sub(rf" {MINDS[skill]} that ", f" {verb} that ", text) for mind, verb in MINDS.items() if mind not in asked
        )
    else:
        sign, plain = {
            "address": (r"\bOh \w+, ", ""),
            "hedge": (r"\b[Pp]erhaps ", ""),
            "denial": (" never ", " "),
            "exclamation": ("!", "."),
        }[skill]
        yield re.sub(sign, plain, text)


def lose_each(skills: Sequence[str], topic: str, text: str, limit: int) -> None:
    for lost, skill in enumerate(skills):
        for changed in mutants(text, skill, skills):
            mutant = re.sub(r"(?:^|(?<=[.!] ))\w", lambda first: first[0].upper(), changed)
            expected = tuple(float(place != lost) for place in range(len(skills) + 3))
            assert check(mutant, skills, topic, limit) == expected, (skill, text, mutant)


@settings(max_examples=150)
@given(combinations())
def test_a_changed_text_loses_just_the_point_of_what_was_changed(made: Combination) -> None:
    lose_each(*made)


@pytest.mark.parametrize("skill", SKILLS)
def test_each_skill_can_be_lost_alone(skill: str) -> None:
    random = chance.python("skillworld", "lost alone", skill)
    skills = (skill, *random.sample([each for each in SKILLS if each != skill], 3))
    lose_each(skills, "law", write(skills, "law", 3, random), 3)


@given(combinations(), st.integers(0, 6))
def test_a_sentence_too_many_or_too_few(made: Combination, place: int) -> None:
    skills, topic, text, limit = made
    split = re.findall(r"[^.!]+[.!] ?", text)
    longer = [*split[:place], f"The {TOPICS[topic][0]} sees the day. ", *split[place:]]
    assert check(" ".join(longer), skills, topic, limit) == (*(1,) * len(skills), 1, 1, 0)
    shorter = split[: place % len(split)] + split[place % len(split) + 1 :]
    cut = check(" ".join(shorter), skills, topic, limit)
    assert cut == graded(" ".join(shorter), skills, topic, limit)
    assert cut[-3:] == ((1, 1, 1) if shorter else (0, 0, 1))


@given(combinations(), st.sampled_from(list(TOPICS)))
def test_on_another_topic_the_topics_point_alone_is_lost(made: Combination, topic: str) -> None:
    skills, own, text, limit = made
    assert check(text, skills, topic, limit) == (*(1,) * len(skills), float(topic == own), 1, 1)


@given(combinations(), st.data())
def test_a_text_cut_and_patched_anywhere_is_graded_as_a_slow_grader_does(made: Combination, data: st.DataObject) -> None:
    skills, topic, text, limit = made
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 12, len(text))))
    patch = data.draw(
        st.text(max_size=8) | st.sampled_from(["!", ".", " never", "tiny, ", "perhaps ", "low", "?", *skills, text])
    )
    forged = text[:start] + patch + text[end:]
    assert check(forged, skills, topic, limit) == graded(forged, skills, topic, limit)


@given(st.text(), st.lists(st.sampled_from(SKILLS), min_size=1, max_size=6, unique=True))
def test_a_text_that_is_not_of_the_language_earns_length_at_most(text: str, skills: list[str]) -> None:
    assert check(text, skills, TOPIC, 3)[:-1] == (0,) * (len(skills) + 2)


@pytest.mark.parametrize("unit", ["Perhaps Ann fears that the tiny, small bee sees the hive! ", "the tiny, ", "\u0301", "?"])
def test_a_megabyte_is_graded_in_seconds(unit: str) -> None:
    start = time.process_time()
    points = check(unit * (1_000_000 // len(unit)), SKILLS, TOPIC, 5)
    assert time.process_time() - start < 15  # measured: 0.1 to 1.5 s on one busy core; what is quadratic takes hours
    assert len(points) == len(SKILLS) + 3
