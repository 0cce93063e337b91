# ruff: noqa: RUF001 - quotation marks of all kinds are the subject
"""Sentences as a reader counts them; what is counted wrongly, and left so, is in ``KNOWN``."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab.grading.sentences import count

READ = [
    ("", 0),
    ("  \n\t\n", 0),
    ("... ?! *** “”", 0),
    ("Bees hum", 1),
    ("Bees hum. They fly.", 2),
    ("Bees hum. They fly", 2),
    ("One. two. three.", 3),
    ("Bees hum; they fly; they sting.", 1),
    ("Bees hum: They fly—and sting.", 1),
    ("Really?! Yes!! Go! Go!", 4),
    ("¿Qué? ¡No! Sí.", 3),
    ("Bees hum.They fly.", 2),
    ("Bees hum.\u00a0They fly.\tThey sting.  They die.", 4),
    ("Who, me ? Yes .", 2),
    # abbreviations, initials, numbers, addresses
    ("Dr. Smith met Mr. Jones and Mrs. Roe of Mt. Vernon.", 1),
    ("Bees hum, said the Dr. They fly.", 2),
    ("J. R. R. Tolkien and J.R.R. Tolkien are one.", 1),
    ("It cost five U.S. dollars.", 1),
    ("He lives in the U.S. She lives in France.", 2),
    ("Take tools, e.g. a hammer, i.e. This one, cf. Two others.", 1),
    ("Bring rope, knots, etc. and go.", 1),
    ("Bring rope, knots, etc. Then go.", 2),
    ("We met at 5 p.m. on Monday. It opens at 9 a.m. Bring bread.", 3),
    ("She has a Ph.D. He does not.", 2),
    ("He works at Acme Inc. She does not.", 2),
    ("Smith et al. wrote it. We read it.", 2),
    ("Approx. ten bees hum.", 1),
    ("Pi is 3.14, the fee is $5.50, and the version is 2.0.1.", 1),
    ("It was 1999. It was cold.", 2),
    ("See fig. 3, vol. 2, pp. 3–5 and no. 7.", 1),
    ("No. 5 is alive. No. I will not go.", 3),
    ("This is plan B. Take vitamin C. It was I. You knew.", 4),
    ("Visit example.com or mail a.b@example.org now.", 1),
    # ellipses
    ("Wait... what? Wait… what?", 2),
    ("He waited... Then he left.", 2),
    ("He waited… Then he left.", 2),
    ("...and then there were none.", 1),
    # quotations and brackets, as many kinds as there are
    ("“Hello.” “Bye.”", 2),
    ("“Go!” she said.", 1),
    ("“Go!” She left.", 2),
    ('"Stop!" he cried. "Why?"', 2),
    ('"Is it?" he asked. "It is," she said. "Good."', 3),
    ("He said: “I came. I saw. I won.”", 3),
    ("‘I came. I saw. I won.’ he said.", 3),
    ("'I came. I saw. I won.' he said.", 3),
    ("The dogs' bowl isn't Ann's. It's Tom's.", 2),
    ("„Geh!“, sagte sie. „Warum?“", 2),
    ("‚Ich kam. Ich sah.‘ Er ging.", 3),
    ("« Va ! » dit-il. Elle partit.", 2),
    ("‹Je vins. Je vis.›", 2),
    ("「行く。来た。」", 2),
    ("(He left. She stayed.)", 2),
    ("I like it. (So do you.) Go.", 3),
    ("He left (She stayed.) and wept.", 1),
    ("{Bees hum. They fly.} <Bees hum. They fly.> `Bees hum. They fly.`", 6),
    ("**Bees hum.** _They fly._ ~~They sting.~~", 3),
    ("Bees hum.[1] They fly.[23]", 2),
    ("“Bees hum. They fly.", 2),
    # lines and lists
    ("Line one.\nLine two.", 2),
    ("Line one\nLine two", 2),
    ("Bees hum.\u2028They fly.\x0bThey sting.", 3),
    ("Roses are red,\nviolets are blue;\nbees hum—\nand fly.", 1),
    ("1. Wash.\n2. Dry.\n10) Fold.", 3),
    ("- wash,\n- dry,\n- fold", 3),
    ("# Bees\n\nThey hum.", 2),
    ("> Bees hum.\n> They fly.", 2),
    # scripts and signs
    ("Bees hum 🐝. They fly 🎉", 2),
    ("Bees hum! 🎉 They fly! 🎉", 2),
    ("他走了。她留下。", 2),
    ("Bees hum। They fly।", 2),
    ("Bees hum.\u200bThey fly.", 2),
]

KNOWN = [  # (text, what a reader counts, what we do)
    ("Bees hum 🐝 They fly", 2, 1),
    ("a. b. c.", 3, 1),
    ("It took 3 s. Then it broke.", 2, 1),
    ("It hums.they fly", 2, 1),
    ("Oh! what a day.", 1, 2),
    ("The bees hum in the\ngarden and fly.", 1, 2),
    ("Bees hum\nwhere roses grow\nall day", 1, 3),
]


@pytest.mark.parametrize(("text", "sentences"), READ)
def test_sentences_are_counted_as_a_reader_counts_them(text: str, sentences: int) -> None:
    assert count(text) == sentences


@pytest.mark.parametrize(("text", "reader", "ours"), KNOWN)
def test_what_is_counted_wrongly_is_known(text: str, reader: int, ours: int) -> None:
    assert count(text) == ours != reader


WORDS = st.lists(st.sampled_from(["bees", "hum", "and", "fly", "home"]), min_size=1, max_size=4)
PLAIN = WORDS.map(lambda words: " ".join(["Now", *words]) + ".")


@settings(deadline=None)
@given(
    st.lists(PLAIN, min_size=1, max_size=6), st.sampled_from(["“ ”", "‘ ’", '" "', "' '", "( )", "[ ]", "« »", "` `", "** **"])
)
def test_no_marks_around_sentences_hide_any(sentences: list[str], around: str) -> None:
    opening, closing = around.split(" ")
    assert count(" ".join(sentences)) == len(sentences)
    assert count(f"{opening}{' '.join(sentences)}{closing}") == len(sentences)
    assert count(" ".join(f"{opening}{each}{closing}" for each in sentences)) == len(sentences)


@settings(deadline=None)
@given(st.lists(PLAIN, min_size=1, max_size=4), st.lists(PLAIN, min_size=1, max_size=4))
def test_lines_add_up(first: list[str], second: list[str]) -> None:
    one, two = " ".join(first), " ".join(second)
    assert count(f"{one}\n{two}") == count(one) + count(two) == len(first) + len(second)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_a_count(text: str) -> None:
    assert 0 <= count(text) <= len(text)


@pytest.mark.parametrize("piece", ["(", '"A', "“A b. ", "'A ", "A. ", "No. ", "[1]", "- ", "\n", '"A...', '".', " "])
def test_no_text_takes_long(piece: str) -> None:
    start = time.process_time()
    count('"A' + piece * 20_000 + "x")
    assert time.process_time() - start < 2  # a quadratic pattern takes minutes
