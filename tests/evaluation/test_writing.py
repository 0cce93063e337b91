"""What a student is told, and its text in whatever shape the reply comes."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlab.evaluation import writing
from genlab.grading import official
from genlab.grading.rubric import rubric
from genlab.skills.skill import Skill

T = "Bees hum.\nThey fly."

SHAPES = [
    ("Answer: HERE\nExplanation: they do.", T),
    ("Answer: HERE", T),
    ("HERE\nExplanation: they do.", T),
    ("HERE", T),
    ("Answer:\n\nHERE\n\nExplanation:\nthey do.", T),
    ("Sure, here it is!\n\nAnswer: HERE\n\nExplanation: they do.", T),
    ("**Answer:** HERE\n\n**Explanation:** they do.", T),
    ("**Answer**: HERE\n\n**Explanation**: they do.", T),
    ("### Answer:\nHERE\n### Explanation:\nthey do.", T),
    ("### Answer\nHERE\n### Explanation\nthey do.", T),
    ("> Answer: HERE\n> Explanation: they do.", T),
    ("answer: HERE\nexplanation: they do.", T),
    ("ANSWER: HERE\nEXPLANATIONS: they do.", T),
    ("  Answer : HERE\n  Explanation : they do.", T),
    ("Improved Answer: HERE\nExplanation: they do.", T),
    ("**My final answer:** HERE\n**Explanation of the skills:** they do.", T),
    ("Answer: Draft.\nExplanation: so.\n\nRevised answer: HERE\nExplanation: they do.", T),
    ("Answer: Draft.\nAnswer: HERE\nExplanation: they do.\nExplanation: again.", T),
    ("Explanation: first.\nAnswer: HERE", T),
    ("<think>Answer: no.\nExplanation: no.</think>\nAnswer: HERE\nExplanation: they do.", T),
    ("<THINK>one</THINK><think>two</think>HERE", T),
    ("I wonder... </think>\n\nHERE", T),
    ("<thinking>hm\n\n</thinking>HERE\nExplanation: they do.", T),
    ("<reasoning>Answer: no.</reasoning>HERE", T),
    ("Answer: HERE\n<think>and now for", T),
    ("<think>never ends. Answer: no.", ""),
    ("Answer:\n```\nHERE\n```\nExplanation: they do.", T),
    ("Answer:\n```text\nHERE\n```", T),
    ("Answer: `Bees hum.`\nExplanation: they do.", "Bees hum."),
    ("Answer: Bees hum. Explanation: they do.", "Bees hum."),
    ("Answer: “Bees hum!” **Explanation:** they do.", "“Bees hum!”"),
    ("Answer: Bees hum. (Explanation: they do.)", "Bees hum."),
    ("Sure. Answer: Bees hum. Explanation: they do.", "Bees hum."),
    ("Here you go: **Answer:** Bees hum.", "Bees hum."),
    ("Answer: She had no answer: silence fell.\nExplanation: so.", "She had no answer: silence fell."),
    ("Answer: He gave no\nexplanation for it: none.\nExplanation: so.", "He gave no\nexplanation for it: none."),
    ("She knew the Answer. It was no explanation.", "She knew the Answer. It was no explanation."),
    ("The question had answers: none.", "The question had answers: none."),
    ("Answer: \nExplanation: nothing comes to mind.", ""),
    ("Answer:", ""),
    ("", ""),
    (" \n\t", ""),
    ("Explanation: I would rather not.", ""),
    ("Answer: Réponse : « Bzz ».\nExplanation: bzz.", "Réponse : « Bzz »."),
    ("Answer: Bees hum 🐝\r\nExplanation: they do.", "Bees hum 🐝"),
]


@pytest.mark.parametrize(("reply", "text"), SHAPES)
def test_the_text_is_found(reply: str, text: str) -> None:
    assert writing.text_of(reply.replace("HERE", T)) == text


@settings(deadline=None)
@given(st.text(max_size=200))
def test_what_is_found_was_said(reply: str) -> None:
    text = writing.text_of(reply)
    assert text in reply
    assert text == text.strip()


WORDS = st.text("abc .,\n", min_size=1, max_size=60).map(str.strip).filter(bool)


@settings(deadline=None)
@given(WORDS, WORDS)
def test_in_the_shape_that_was_asked_for_we_and_the_official_code_agree(text: str, why: str) -> None:
    reply = f"Answer: {text}\nExplanation: {why}"
    assert writing.text_of(reply) == official.text_of(reply) == text


@pytest.mark.parametrize(
    "piece", ["Answer: ", "Answer ", "*", "> ", "<think>", "</think>", "`", "my ", "Explanation of ", "\n", "```\n"]
)
def test_no_reply_takes_long(piece: str) -> None:
    start = time.process_time()
    writing.text_of("Answer: a" + piece * 20_000 + "b")
    assert time.process_time() - start < 3


SKILLS = [
    Skill("red herring", "", "A distraction.", "Look, a bird!"),
    Skill("metaphor", "", "As if {it} were.", "Time is a thief."),
]


def test_the_first_turn_asks_for_every_skill_and_no_limit() -> None:
    said = writing.draft(rubric(SKILLS, "beekeeping"), form="a short piece of text")
    for skill in SKILLS:
        assert f"- {skill.name}: {skill.definition} For example: {skill.example}" in said
    assert "Write a short piece of text about beekeeping" in said
    assert "Do not name the skills" in said
    assert "sentence" not in said


@pytest.mark.parametrize(("k", "limit"), [(1, "one sentence"), (2, "one sentence"), (3, "2 sentences"), (6, "5 sentences")])
def test_the_second_turn_asks_for_the_limit_of_the_paper(k: int, limit: str) -> None:
    its = rubric([Skill(str(number), "", "", "") for number in range(k)], "beekeeping")
    said = writing.improved(its)
    assert f"at most {limit}." in said
    assert ("one skill" if k == 1 else f"{k} skills") in said
    assert "beekeeping" in said
