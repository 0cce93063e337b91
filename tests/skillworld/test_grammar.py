"""Grammar and words: brute force over small vocabularies, a regular expression over all of it."""

import time
from collections.abc import Iterator, Sequence
from itertools import chain, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.skillworld.plain_world import TEMPLATES, WHOLE, Lexicon, accepts, descriptions, figures, sentences, tokens

from genlab import chance
from genlab.skills.skill import plain
from genlab.skillworld.grammar import FIGURES, Sentence, parse, sentence
from genlab.skillworld.showing import SKILLS, described, shows
from genlab.skillworld.words import MINDS, NAMES, NOUNS, SCALE_OF, SCALES, THINGS, TOPICS, VERBS, poles

BARE = Lexicon({}, ["rose", "soil"], ["needs", "sees"], ["Ann", "Bob"], {"fear": "fears", "hope": "hopes"})
DESCRIBED = Lexicon({"size": (["tiny"], ["middling"], ["huge"])}, ["rose"], ["needs"], ["Ann"], {"fear": "fears"})
ON_TWO_SCALES = Lexicon(
    {"size": (["tiny", "small"], ["middling"], ["huge"]), "heat": (["icy"], ["mild"], ["warm", "hot"])}, ["bee"], ["sees"], [], {}
)
FUNCTION_WORDS = ["the", "oh", "perhaps", "never", "that", "and", "not", "but", "yet", "or", "if", "because", ",", ".", "!", "?"]


def shown_by(read: Sentence) -> frozenset[str]:
    return frozenset(skill for skill in SKILLS if shows(read, skill))


def strings(alphabet: Sequence[str], longest: int) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(product(alphabet, repeat=length) for length in range(longest + 1))


@pytest.mark.parametrize(
    "lexicon",
    [BARE, DESCRIBED, pytest.param(ON_TWO_SCALES, marks=pytest.mark.long)],
    ids=["bare", "described", "two scales"],
)
def test_every_sentence_is_read_for_just_what_it_shows(lexicon: Lexicon) -> None:
    count = 0
    for text, shown, nouns in sentences(lexicon):
        (read,) = parse(text)
        assert read is not None, text
        assert (shown_by(read), read.nouns) == (shown, nouns), text
        count += 1
    described = len(descriptions(lexicon)) * len(lexicon.nouns)
    mind = len(lexicon.names) * len(lexicon.minds)
    assert count == (1 + len(lexicon.nouns)) * 2 * (1 + mind + mind**2) * described**2 * 2 * len(lexicon.verbs) * 2


# Each alphabet with the frame that its strings stand in: all strings up to a length, so nothing that a sentence lacks slips in.
FRAMES = [
    ("short", "", ["The", "the", "rose", "needs", "."], "", 7),
    ("start", "", ["Oh", "Perhaps", "oh", "rose", ",", "perhaps", "Ann", "The"], "the rose needs the soil .", 5),
    ("minds", "Perhaps", ["Ann", "fears", "that", "perhaps"], "the rose needs the soil .", 8),
    (
        "low high",
        "The",
        ["tiny", "huge", "cold", ",", "and", "or", "yet", "but", "not", "if", "because"],
        "bee sees the hive !",
        5,
    ),
    ("middle", "The", ["tiny", "small", "middling", "large", "mild", ","], "bee sees the hive .", 6),
    ("poles by name", "The bee sees the", ["tiny", "low", "middle", "high", "huge", ",", "not", "but"], "hive .", 5),
    ("end", "The rose", ["never", "needs", "the", "rose", "tiny", ".", "!", "?"], "", 6),
]


@pytest.mark.parametrize(
    ("before", "alphabet", "after", "longest"), [each[1:] for each in FRAMES], ids=[each[0] for each in FRAMES]
)
def test_of_all_strings_of_a_small_alphabet_sentences_only_are_sentences(
    before: str, alphabet: list[str], after: str, longest: int
) -> None:
    possible = {*before.split(), *alphabet, *after.split()}
    lower = {word if word in NAMES else word.lower() for word in possible}
    lexicon = Lexicon(
        {name: tuple([each for each in pole if each in lower] for pole in three) for name, three in WHOLE.scales.items()},  # type: ignore[misc]
        sorted(lower & NOUNS),
        sorted(lower & set(VERBS)),
        sorted(lower & set(NAMES)),
        {mind: verb for mind, verb in MINDS.items() if verb in lower},
    )
    most = len(before.split()) + longest + len(after.split())
    made = {words for text, _, _ in sentences(lexicon) if len(words := tuple(tokens(text))) <= most}
    start, end = tuple(before.split()), tuple(after.split())
    tried = [start + string + end for string in strings(alphabet, longest)]
    found = {words for words in tried if sentence(words) is not None}
    assert found == made & set(tried)
    assert found


def test_a_sentence_with_one_word_changed_is_read_if_it_is_another() -> None:
    made = {tuple(tokens(text)) for text, _, _ in sentences(DESCRIBED)}
    alphabet = sorted({word for words in made for word in words} | {"?", "low", "cold", "The", "Oh", "Ann", "ann"})
    for words in chance.python("skillworld", "edits").sample(sorted(made), 50):
        for place in range(len(words) + 1):
            before, after = words[:place], words[place:]
            edits = [before + after[1:], before + after[1:2] + after[:1] + after[2:]]
            edits += [(*before, word, *rest) for word in alphabet for rest in (after, after[1:])]
            for edit in edits:
                if "cold" not in edit:
                    assert (sentence(edit) is not None) == (edit in made), edit
                assert (sentence(edit) is not None) == accepts(edit), edit


@pytest.mark.parametrize("figure", TEMPLATES)
@pytest.mark.parametrize("scale", SCALES)
def test_every_wording_of_a_figure_is_that_skill_and_no_other(figure: str, scale: str) -> None:
    low, middle, high = WHOLE.scales[scale]
    for said in figures(figure, (low, middle, high)):
        for text in (f"The {said} hive guards the bee.", f"The bee guards the {said} hive."):
            (read,) = parse(text)
            assert read is not None, text
            assert shown_by(read) == {f"{figure} of {scale}"}, text
    assert described(figure, low, middle, high) in figures(figure, (low, middle, high))


def test_the_figures_are_those_of_the_templates() -> None:
    poles_by_letter = {"L": "low", "M": "middle", "H": "high"}
    told = {name: tuple(poles_by_letter.get(word, word) for word in tokens(text)) for name, text in TEMPLATES.items()}
    assert told == FIGURES
    assert len(set(FIGURES.values())) == len(FIGURES)


SAID = list(descriptions(WHOLE))
WORDS = st.sampled_from(
    [*sorted(NOUNS), *SCALE_OF, *VERBS, *NAMES, *MINDS.values(), *FUNCTION_WORDS, "The", "Oh", "Perhaps", "Rose", "a", "low"]
)


@st.composite
def nearly(draw: st.DrawFn) -> list[str]:
    """A sentence over all words, with up to two words changed."""
    pick = chance.python("skillworld", "nearly", draw(st.integers(0, 2**32)))

    def phrase() -> str:
        return " ".join(["the", pick.choice(SAID), pick.choice(sorted(NOUNS))])

    parts = [f"oh {pick.choice(sorted(NOUNS))} ,"] * pick.randint(0, 1) + ["perhaps"] * pick.randint(0, 1)
    parts += [f"{pick.choice(NAMES)} {pick.choice(list(MINDS.values()))} that" for _ in range(pick.randint(0, 2))]
    parts += [phrase(), *["never"] * pick.randint(0, 1), pick.choice(VERBS), phrase(), pick.choice(".!")]
    words = tokens(" ".join(parts))
    words[0] = words[0][0].upper() + words[0][1:]
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(words)))
        words[place : place + draw(st.integers(0, 2))] = draw(st.lists(WORDS, max_size=2))
    return words


@given(nearly() | st.lists(WORDS, max_size=12))
def test_over_all_words_the_grammar_agrees_with_a_regular_expression(words: list[str]) -> None:
    assert (sentence(words) is not None) == accepts(words)


@given(st.text() | st.lists(WORDS, max_size=30).map(" ".join))
def test_any_text_is_read_and_its_sentences_one_by_one(text: str) -> None:
    closed = text + " ."
    assert parse(f"{closed} The bee sees the hive.") == [*parse(closed), *parse("The bee sees the hive.")]
    assert len(parse(closed)) == sum(closed.count(mark) for mark in ".!?")


@pytest.mark.parametrize(
    "text",
    [
        "The bee sees the hive.",
        "  The   bee\nsees\tthe hive  .  ",
        "The bee sees the hive\u00a0.",
        "Oh queen,the bee sees the hive!",
        "Ann thinks that the bee sees the hive.",
        "The tiny , small bee sees the hive.",
    ],
)
def test_spaces_are_free(text: str) -> None:
    assert parse(text) != [None]
    assert len(parse(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "the bee sees the hive.",
        "THE bee sees the hive.",
        "The Bee sees the hive.",
        "Ann Fears that the bee sees the hive.",
        "ann fears that the bee sees the hive.",
        "Oh Ann, the bee sees the hive.",
        "Perhaps perhaps the bee sees the hive.",
        "Ann fears that Bob fears that Eve fears that the bee sees the hive.",
        "Ann fears that perhaps the bee sees the hive.",
        "The bee never never sees the hive.",
        "The bee sees the hive?",
        "The bee sees the hive",
        "The bee sees the hive. .",
        "The bee sees a hive.",
        "The beesees the hive.",
        "The bee\u200b sees the hive.",
        "The be\u0301e sees the hive.",
        "Тhe bee sees the hive.",  # noqa: RUF001 - a Cyrillic letter is the subject
        "**The bee sees the hive.**",
        '"The bee sees the hive."',
        "The bee_ sees the hive.",
        "The tiny, tiny, tiny bee sees the hive.",
        "The tiny, cold bee sees the hive.",
        "The tiny-small bee sees the hive.",
        "The tiny; small bee sees the hive.",
        "The low, low bee sees the hive.",
        "The tiny, low bee sees the hive.",
    ],
)
def test_what_is_nearly_a_sentence_is_none(text: str) -> None:
    assert None in parse(text)


def test_a_word_said_twice_is_two_words() -> None:
    (read,) = parse("The tiny, tiny bee sees the huge or small or huge hive.")
    assert read is not None
    assert shown_by(read) == {"faint echo of size", "choice of size"}


@pytest.mark.parametrize(
    "unit", ["a ", "the ", "The bee sees the hive. ", ". ", ", ", "Ann fears that ", "Oh rose, ", "\u0301", "é" * 1000]
)
def test_a_megabyte_is_read_in_time_that_grows_with_it(unit: str) -> None:
    start = time.process_time()
    read = parse(unit * (1_000_000 // len(unit)))
    assert time.process_time() - start < 10  # measured: 0.1 to 0.9 s on one busy core; what is quadratic takes hours
    assert len(read) <= 1_000_000


def test_words_have_one_place_each() -> None:
    kinds = [
        list(SCALE_OF),
        [noun for nouns in TOPICS.values() for noun in nouns],
        THINGS,
        VERBS,
        NAMES,
        MINDS.values(),
        FUNCTION_WORDS,
    ]
    words = list(chain.from_iterable(kinds))
    assert sorted(set(words)) == sorted(words)
    assert [word for word in words if len(tokens(word)) != 1] == []
    assert ({len(five) for five in SCALES.values()}, len(SCALES)) == ({5}, 6)
    assert ({len(nouns) for nouns in TOPICS.values()}, len(TOPICS)) == ({6}, 20)
    assert poles("size") == (("tiny", "small"), ("middling",), ("large", "huge"))


def test_no_sentence_can_name_a_skill_or_a_topic() -> None:
    said = {word.lower() for word in chain(NOUNS, SCALE_OF, VERBS, NAMES, MINDS.values(), FUNCTION_WORDS)}
    assert [name for name in (*SKILLS, *TOPICS) if set(plain(name).split()) <= said] == []
