"""The review page as a file: what it holds, that hostile text is data in it, and that nothing but its own script may run."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from tests.review.sample_review import GRADERS, HOSTILE, SKILLS, STUDENTS, row, rows

from genlab.review.items import Item, choose, digest
from genlab.review.page import page
from genlab.skills.skill import Skill


def given(html: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/json" id="given">(.*?)</script>', html, re.DOTALL)
    content: dict[str, Any] = json.loads(found)
    return content


def hostile() -> tuple[Item, ...]:
    """One item with text in every place that tries to run."""
    bad = HOSTILE
    skill = Skill(bad, "odd", bad, bad)
    these = [row(STUDENTS[0], GRADERS[0], 1, 0, 1, skills=(bad,), topic=bad, text=bad, points=(1.0,) * 4)]
    return choose(these, {bad: skill}, 1)


def test_the_page_holds_the_items_and_says_its_mode() -> None:
    items = choose(rows(4), SKILLS, 8)
    for served, mode in ((True, "served"), (False, "offline")):
        content = given(page(items, served=served).html)
        assert content["mode"] == mode
        assert content["review"] == digest(items)
        assert content["items"] == [item.to_page() for item in items]


def test_the_page_is_a_function_of_the_items_whatever_their_order() -> None:
    items = choose(rows(4), SKILLS, 8)
    assert page(items) == page(items[::-1])
    assert page(items) != page(items[:-1])


@pytest.mark.parametrize("served", [True, False])
def test_only_the_scripts_and_styles_named_by_hash_may_act(served: bool) -> None:
    made = page(choose(rows(2), SKILLS, 3), served=served)
    scripts = re.findall(r"<script>(.*?)</script>", made.html, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", made.html, re.DOTALL)
    assert (len(scripts), len(styles)) == (1, 1)
    for kind, text in (("script", scripts[0]), ("style", styles[0])):
        named = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{named}';" in made.policy
    assert "unsafe" not in made.policy
    assert made.policy.startswith("default-src 'none'; ")
    assert f"connect-src {chr(39)}{'self' if served else 'none'}{chr(39)};" in made.policy
    assert not re.search(r" style=| on\w+=", re.sub(r"<script.*?</script>|<style.*?</style>", "", made.html, flags=re.DOTALL))


def test_hostile_text_is_data() -> None:
    items = hostile()
    html = page(items).html
    assert html.count("<script") == html.count("</script") == 2
    assert "<img" not in html
    assert "49" not in given(html)["items"][0]["text"]
    text = given(html)["items"][0]["text"]
    assert text.startswith('</script><img src=x onerror="window.ran=1">{{ 7*7 }}<!--⟨U+202E⟩gnp.exe⟨U+0000⟩⟨U+200B⟩')
    assert "⟨U+D800⟩" in text
    html.encode("utf-8")


def test_a_huge_text_is_cut_and_the_page_says_so() -> None:
    items = choose([replace(rows(1)[0], text="word " * 400_000)], SKILLS, 1)
    made = page(items)
    assert len(made.html) < 100_000
    assert given(made.html)["items"][0]["rest"] == "These are the first 20,000 of 2,000,000 characters."
