"""What is refused and what is not: endings in many scripts and shapes, pointers to nothing, words of writing, replies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlab.curation.instructions import checks
from genlab.curation.instructions.checks import REASONS, fault, length, scaffold
from genlab.curation.instructions.endings import dangles, ends, open_fence
from genlab.curation.instructions.replies import MOST_CHARACTERS, Pair, Unreadable, read
from genlab.curation.instructions.standing import stands_alone
from genlab.skills.skill import Skill

ASKED = "My hive went quiet in March. What should I look for before I open it?"
SAID = "Listen at the entrance first, then lift the lid on a warm day and count the frames that still hold food."

ENDED = [
    "So it is.",
    "Is it so?",
    "It is so!",
    "It is so...",
    "It is so…",
    'He said, "It is so."',
    "He said, “It is so.”",
    "(See the second chapter.)",
    "Look at the appendix (page 3)",
    "**So it is.**",
    "Enjoy the honey! 🐝",
    "Enjoy the honey 🍯❤️",
    "1. Open the lid\n2. Count the frames",
    "- wax\n- honey",
    "* wax\n* honey",
    "a) wax\nb) honey",
    "| tool | use |\n|---|---|\n| smoker | calms bees |",
    "Run this:\n\n```python\nprint('bees')\n```",
    "Run this:\n\n~~~\nmake bees\n~~~",
    "````\n```\nnested\n```\n````",
    "So x = 42",
    "$$a^2 + b^2 = c^2$$",
    "The area is \\[ \\pi r^2 \\]",
    "It weighs 42 kg",
    "The answer is 42",
    "The rate is 3.5%",
    "Read on at https://example.org/bees",
    "Thank you for your time.\n\nKind regards,\nAnn Lee",
    "Dear Ann,\n\nThank you.\n\nBest wishes,\n\n[Your name]",
    "Yours sincerely,\nAnn Lee\nHead of Gardens",
    "Bees hum low\nwhere clovers grow\nand rivers slow",
    "蜜蜂在春天醒来。",
    "蜂は春に目を覚ます。",
    "벌은 봄에 깨어난다.",
    "मधुमक्खियाँ वसंत में जागती हैं।",
    "هل تستيقظ النحل في الربيع؟",
    "النحل يستيقظ في الربيع۔",  # noqa: RUF001
    "ንቦች በጸደይ ይነቃሉ።",
    "Մեղուները արթնանում են։",  # noqa: RUF001
    "ผึ้งตื่นในฤดูใบไม้ผลิ",
    "« Les abeilles se réveillent. »",
    "„Die Bienen erwachen.“",
    "Las abejas despiertan, ¿no?",
    "Done ✅",
    "That is what this is.",
]
UNENDED = [
    "",
    "   \n",
    "the details related to the",
    "First,",
    "First of all:",
    "It depends on several things -",
    "It depends —",
    "Bees, wasps and",
    "Bees are insects that live in large colonies and visit many flowers every day because",
    "Run this:\n\n```python\nprint('bees')",
    "~~~\n```",
    "1. Open the lid\n2. Count the",
    "- wax\n- honey and",
    "Then call print(",
    "You should think about this",
    "蜜蜂在春天醒来，",  # noqa: RUF001
    "النحل يستيقظ،",
    "Bees live in large colonies of many thousands and they do not like the rain at all in general terms",
    "**Bees are",
]


@pytest.mark.parametrize("text", ENDED)
def test_an_answer_that_is_at_its_end(text: str) -> None:
    assert ends(text)
    assert ends(f"{text}  \n")


@pytest.mark.parametrize("text", UNENDED)
def test_an_answer_that_is_not(text: str) -> None:
    assert not ends(text)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("How do I make tea", False),
        ("translate to french: hello", False),
        ("What is x?", False),
        ("What did he look at?", False),
        ("Fix this:\n```\nx = (\n```", False),
        ("Tell me about the", True),
        ("Translate this:", True),
        ("I have a hive,", True),
        ("I have a hive (", True),
        ("Fix this:\n```\nx = (", True),
        ("Give me the details related to", True),
    ],
)
def test_an_instruction_may_lack_its_mark_and_may_not_stop_in_the_middle(text: str, broken: bool) -> None:
    assert dangles(text) is broken


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=80))
def test_any_text_is_judged_and_a_sentence_after_it_ends_it(text: str) -> None:
    assert isinstance(ends(text), bool)
    assert isinstance(stands_alone(text), str)
    assert isinstance(scaffold(text, answer=True), str)
    assert ends(f"{text}\n\nBees hum.") is not open_fence(text)


@pytest.mark.parametrize(
    "text",
    [
        "Summarize the text below.",
        "Summarize the following passage for a child.",
        "Please find attached my report. What do you think?",
        "Check the attached spreadsheet file for errors.",
        "Fix this code so that it runs faster.",
        "Based on the passage above, who is right?",
        "Using the information provided, decide which offer is better.",
        "Improve the given essay.",
        "As I said above, which is better?",
        "Rewrite your previous answer in plain words.",
        "Translate the following sentence",
        "What does this paragraph mean?",
        "Find the mistake in the table shown below.",
    ],
)
def test_what_points_to_nothing_does_not_stand_alone(text: str) -> None:
    assert stands_alone(text)


@pytest.mark.parametrize(
    "text",
    [
        ASKED,
        "Summarize the text below.\n\nBees hum all day, even in rain, and rest at night.",
        "Summarize the following passage: Bees hum all day, even in rain.",
        'Fix this sentence: "Bees hums all day long."',
        "Fix this code:\n```python\nprint(bees\n```",
        "Bees hum all day long, even in the rain.\n\nBased on the text above, do bees rest?",
        "Solve this equation: x^2 - 4 = 0",
        "How do I reverse a linked list?",
        "How do I explain a curve that lies above the average?",
        "What happens to emails that I delete?",
        "I put my story down in ten lines. How do I find a title?",
        "The following evening she asked me to pay. What do I say?",
        "Explain the following terms: swarm, drone, brood.",
        "Here is my draft. Could you make this paragraph shorter?\n\nI apply for the post of beekeeper in your town.",
        "In the previous year we sold 300 jars. How many do we need now?",
    ],
)
def test_what_holds_what_it_points_to_stands_alone(text: str) -> None:
    assert stands_alone(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "How do I start? Revised",
        "How do I start? **Refined**",
        "**Refined Instruction:** How do I start?",
        "Revised Instruction\nHow do I start?",
        "Improved response: Begin with one hive.",
        "Begin with one hive.\n\n**Revised Response:**\nBegin with two.",
        "Instruction: How do I start?",
        "User: How do I start?",
        "This improved response covers costs.",
        "It mends the weaknesses mentioned.",
        "My previous response was too long.",
        '{"instruction": "How do I start?"}',
        "How do I start?<|im_end|>",
        "[INST] How do I start? [/INST]",
        "<think>hm</think> How do I start?",
        "Revised:\nHow do I start?",
    ],
)
def test_words_of_a_writing_process_are_seen(text: str) -> None:
    assert scaffold(text)


@pytest.mark.parametrize(
    "text", ["Sure, here is what I would do.", "Certainly! Here's the answer.", "Here is the improved answer."]
)
def test_an_answer_begins_without_ado(text: str) -> None:
    assert scaffold(text, answer=True)


@pytest.mark.parametrize(
    "text",
    [
        "The text will be revised.",
        "The plan was refined and then improved.",
        "We saw an improved response time.",
        "Patients showed an improved response to treatment.",
        "Final answer: 42",
        "Shorter version:\n\nBees hum.",
        "Here is a plan for the week.",
        "The updated query is below.\n\n```sql\nselect 1;\n```",
        "How can I have my essay revised?",
        "Sure, bees can fly in rain.",
        "I would keep the original draft.",
    ],
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert scaffold(text, answer=True) == ""


HEDGE = Skill("hedging", "", "Softens a claim.", "", aliases=("weasel words",))
EACH = {
    "too short": Pair("Why?", SAID),
    "repeats the instruction": Pair(ASKED, ASKED.upper()),
    "scaffold words": Pair(ASKED, f"Sure, here is the answer. {SAID}"),
    "###": Pair(ASKED, f"### Steps\n\n{SAID}"),
    "does not end properly": Pair(ASKED, f"{SAID} And then the"),
    "not self-contained": Pair("What does the attached report say?", SAID),
    "speaks of itself as an exercise": Pair("Write a letter that uses these two skills.", SAID),
    "names a skill": Pair("How do I cut weasel words from my report?", SAID),
}


def test_a_good_pair_has_no_fault() -> None:
    assert fault(Pair(ASKED, SAID), [HEDGE]) is None


@pytest.mark.parametrize("reason", EACH)
def test_each_fault_has_its_name(reason: str) -> None:
    found = fault(EACH[reason], [HEDGE])
    assert found is not None
    assert (found.reason, reason in REASONS) == (reason, True)
    assert found.why


def test_every_reason_is_tested() -> None:
    assert set(EACH) | {checks.CUT, checks.REFUSED, checks.UNREADABLE} == set(REASONS)


def test_where_skills_may_be_named_they_are() -> None:
    assert fault(EACH["names a skill"], [HEDGE], named=True) is None


def test_an_instruction_may_speak_of_skills_as_people_do() -> None:
    assert fault(Pair("Which skills does a beekeeper need, and how do I train my listening skills?", SAID)) is None


def test_length_counts_words_and_signs_of_scripts_without_blanks() -> None:
    assert (length("Bees hum low."), length("蜜蜂在春天醒来。"), length("")) == (3, 7, 0)


# ------------------------------------------------------------------------------------------------ replies
GOOD = {"instruction": ASKED, "response": SAID}


@pytest.mark.parametrize(
    "reply",
    [
        json.dumps(GOOD),
        json.dumps(GOOD, indent=2),
        f"```json\n{json.dumps(GOOD)}\n```",
        f"<think>\nWhat about {{}}?\n</think>\n{json.dumps(GOOD)}",
        f"  {json.dumps(GOOD)}\n",
    ],
)
def test_an_object_alone_is_read(reply: str) -> None:
    assert read(reply) == Pair(ASKED, SAID)


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffd"), min_size=1))
def test_what_was_written_is_what_is_read(text: str) -> None:
    found = read(json.dumps({"instruction": text, "response": f"```\n{text}"}))
    assert isinstance(found, Pair)
    assert found.instruction == "\n".join(text.splitlines()).strip()


def test_line_breaks_stand_as_they_are_and_as_one_kind() -> None:
    assert read('{"instruction": "a\nb\\r\\nc", "response": "d"}') == Pair("a\nb\nc", "d")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("", "the reply is empty"),
        ("<think>hm</think>", "the reply is empty"),
        ("I would rather not.", "no JSON object alone"),
        (f"Sure! {json.dumps(GOOD)}", "no JSON object alone"),
        (f"{json.dumps(GOOD)} I hope this helps.", "no JSON object alone"),
        (json.dumps([GOOD]), "no JSON object alone"),
        (json.dumps(GOOD)[:-9], "no JSON object alone"),
        (json.dumps({**GOOD, "skills": ["a"]}), "an object with instruction, response, skills, and not with"),
        (json.dumps({"instruction": "a"}), "an object with instruction, and not with"),
        ("{}", "an object with nothing, and not with"),
        (json.dumps({"instruction": "a", "response": ["b"]}), "response that is no text"),
        ('{"instruction": "a", "response": "b", "response": "c"}', "no JSON object alone"),
        ('{"instruction": "a \\ud83d", "response": "b"}', "a character that is broken"),
        ('{"instruction": "a \ufffd", "response": "b"}', "a character that is broken"),
        ('{"instruction": "a \\u0000", "response": "b"}', "a character that is broken"),
        ("[" * 100_000, "no JSON object alone"),
        ("{" + '"a":{' * 10_000, "no JSON object alone"),
        ("x" * (MOST_CHARACTERS + 1), "the reply has 100,001 characters, more than 100,000"),
    ],
)
def test_anything_else_is_unreadable_and_says_why(reply: str, why: str) -> None:
    found = read(reply)
    assert isinstance(found, Unreadable)
    assert why in found.why
