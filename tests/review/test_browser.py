"""People at the review page, in headless Chromium: what they see and press is what the file says."""

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Keys
from tests.review import chromium
from tests.review.chromium import Rater
from tests.review.sample_review import GRADERS, HOSTILE, SKILLS, STUDENTS, row, rows
from tests.review.test_page import hostile

from genlab.review.compare import compare
from genlab.review.items import Item, catalogue, choose
from genlab.review.outcome import agreement_page
from genlab.review.page import page
from genlab.review.ratings import Rated, Ratings, read
from genlab.review.server import Server, serve

pytestmark = pytest.mark.browser
ITEMS = choose(rows(6), SKILLS, 12)
BY_ID = {item.id: item for item in ITEMS}
FOCUS_SEEN = """
    const at = document.activeElement.getBoundingClientRect();
    const corners = [[at.left + 8, at.top + 4], [at.right - 8, at.bottom - 4]];
    return corners.every(([x, y]) => document.elementFromPoint(x, y) === document.activeElement);
"""
LOW_CONTRAST = """
    const linear = (c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const light = (colour) => {
      const [r, g, b] = colour.match(/[\\d.]+/g).map((c) => linear(c / 255));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (e) => getComputedStyle(e).backgroundColor;
    const behind = (e) => ground(e).startsWith("rgba") ? behind(e.parentElement) : ground(e);
    const written = (e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    return [...document.querySelectorAll("main *, .bar *, .tools *")]
      .filter((e) => e.checkVisibility() && !e.disabled && written(e))
      .filter((e) => {
        const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05) < 4.5;
      })
      .map((e) => `${e.className}: ${e.textContent}`);
"""
KEYS: dict[Any, str] = {1: "1", 0: "0", "unsure": "u"}


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rater]:
    yield from chromium.rater(tmp_path_factory)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serve(ITEMS, tmp_path) as running:
        yield running


def enter(person: Rater, name: str) -> None:
    person.press(name, Keys.ENTER)
    person.wait(lambda: person.visible("#item") or person.visible("#end"))


def saved(person: Rater) -> None:
    person.wait(lambda: person.words("#kept") in ("Saved", "Kept here"))
    here = "return remembered(`place of ${rater.toLowerCase()}`).then((mark) => mark === (order[place] ?? ''))"
    person.wait(lambda: person.run(here))


def order(name: str) -> list[Item]:
    """Items as a rater of an ASCII name meets them: FNV-1a of name and id, mixed once more."""

    def rank(item: Item) -> tuple[int, str]:
        found = 0x811C9DC5
        for byte in f"{name.lower()}\x1f{item.id}".encode():
            found = (found ^ byte) * 0x01000193 % 2**32
        found = (found ^ found >> 16) * 0x85EBCA6B % 2**32
        return found ^ found >> 13, item.id

    return sorted(ITEMS, key=rank)


def said(ratings: Ratings, name: str) -> dict[str, Rated]:
    return {each.item: each for each in ratings.rated if each.rater == name}


def plain(points: tuple[float | None, ...]) -> list[Any]:
    return ["unsure" if point is not None and math.isnan(point) else point for point in points]


def test_ten_texts_by_keyboard_with_undo_a_note_and_a_reload(person: Rater, server: Server) -> None:
    person.open(server.url)
    assert person.words("#welcome") == "Grade 12 short texts"
    assert person.run("return document.activeElement.id") == "name"
    enter(person, "Ana")
    mine = order("Ana")
    expected: dict[str, list[Any]] = {}
    for place, item in enumerate(mine[:6]):
        assert person.words("#text") == item.text
        assert person.words("#topic") == item.rubric.topic
        assert person.words("#count") == f"{place} of 12 done"
        points = [(1, 0, 1, "unsure", 1, 0)[(place + each) % 6] for each in range(len(item.criteria))]
        for each, point in zip(person.criteria(), points, strict=True):
            assert person.focused() == each
            person.press(KEYS[point])
        assert person.focused() == "next"
        assert person.points() == [str(point) for point in points]
        expected[item.id] = points
        person.press(Keys.ENTER)
    assert person.words("#count") == "6 of 12 done"

    # undo the last point of text 6, and give another
    person.press("z")
    assert person.words("#text") == mine[5].text
    assert person.points()[-1] == ""
    assert person.words("#count") == "5 of 12 done"
    person.press("u")
    expected[mine[5].id][-1] = "unsure"
    # a change that is undone puts the earlier point back
    person.press(Keys.ARROW_UP, Keys.ARROW_UP)
    first = person.points()[-2]
    person.press("0" if first != "0" else "1")
    person.press("z")
    assert person.points()[-2] == first

    # a note, with keys in it that mean something elsewhere
    person.press("n")
    person.press("10uzs \U0001f41d <b>", Keys.ENTER, "second line", Keys.ESCAPE)
    assert person.points() == [str(point) for point in expected[mine[5].id]]
    person.press(Keys.ENTER)

    # in the middle of text 7: reload, and go on where it was
    person.press("1")
    saved(person)
    person.reload()
    person.wait(lambda: person.visible("#item"))
    assert person.words("#who") == "Ana"
    assert person.words("#text") == mine[6].text
    assert person.words("#count") == "6 of 12 done"
    assert person.points() == ["1"] + [""] * (len(mine[6].criteria) - 1)
    assert person.focused() == person.criteria()[1]
    person.press("z")  # undo reaches back before the reload
    assert person.points()[0] == ""
    person.press("1", "0", "z", "z")  # undo twice takes two back, and never itself
    assert person.points()[:2] == ["", ""]
    for place, item in enumerate(mine[6:10], start=6):
        assert person.words("#text") == item.text
        points = [(0, 1, 1)[(place + each) % 3] for each in range(len(item.criteria))]
        for point in points:
            person.press(KEYS[point])
        expected[item.id] = points
        person.press(Keys.ENTER)
    assert person.words("#count") == "10 of 12 done"
    saved(person)

    ratings = read([server.ratings], BY_ID)
    assert ratings.flaws == ()
    found = said(ratings, "Ana")
    assert {name: plain(each.points) for name, each in found.items()} == expected
    assert {name: each.note for name, each in found.items() if each.note} == {mine[5].id: "10uzs \U0001f41d <b>\nsecond line"}
    lines = [json.loads(line) for line in server.ratings.read_text(encoding="utf-8").splitlines()]
    assert [each.get("value", "") for each in lines if each.get("undo")] == [
        None,
        int(first) if first != "unsure" else first,
        None,
        None,
        None,
    ]
    assert len({each["id"] for each in lines}) == len(lines)
    assert person.console() == []


def test_mouse_skip_back_and_the_last_page(person: Rater, server: Server) -> None:
    person.open(server.url)
    enter(person, "Bo")
    mine = order("Bo")
    assert mine != order("Ana")
    person.click(".criterion:nth-child(2) [data-point='0']")
    person.click(".criterion:nth-child(2) [data-point='unsure']")
    assert person.points()[:3] == ["", "unsure", ""]
    person.click("#next")  # with criteria open it stays, and leads to the first of them
    assert person.words("#text") == mine[0].text
    assert person.focused() == person.criteria()[0]
    person.click("[data-do=skip]")
    assert person.words("#text") == mine[1].text
    person.press(Keys.BACKSPACE)
    assert person.words("#text") == mine[0].text
    person.press(Keys.ENTER)  # a text that was skipped may be passed
    assert person.words("#text") == mine[1].text
    person.click("[data-do=back]")
    person.press(Keys.TAB)
    assert person.focused() in (person.criteria()[0], person.criteria()[1])
    for _ in mine:
        person.press("s")
    assert person.words("#over") == "12 of 12 still open"
    person.press(Keys.ENTER)  # the first open text has the focus
    assert person.words("#text") == mine[0].text
    for item in mine:
        assert person.words("#text") == item.text
        person.press(*["1"] * len(item.criteria), Keys.ENTER)
    assert person.words("#over") == "All 12 done. Thank you!"
    saved(person)
    person.reload()
    assert person.words("#over") == "All 12 done. Thank you!"
    found = said(read([server.ratings], BY_ID), "Bo")
    assert len(found) == 12
    assert all(each.full_marks == 1.0 and each.skipped for each in found.values())
    assert person.downloaded("#end .last").read_text(encoding="utf-8").count("\n") == server.ratings.read_bytes().count(b"\n")
    assert person.console() == []


def test_two_people_share_a_browser_and_a_file(person: Rater, server: Server) -> None:
    person.open(server.url)
    for name, key in (("Ana", "1"), ("Bo", "0")):
        if name == "Bo":
            person.click("#who")
            assert person.visible("#door")
            person.run("document.querySelector('#name').value = ''")
        enter(person, name)
        person.press(*[key] * len(order(name)[0].criteria))
        assert person.words("#count") == "1 of 12 done"
        saved(person)
    ratings = read([server.ratings], BY_ID)
    assert [said(ratings, name)[order(name)[0].id].points[0] for name in ("Ana", "Bo")] == [1.0, 0.0]
    assert len(ratings.rated) == 2


def test_a_name_that_cannot_be_kept_is_refused_in_words(person: Rater, server: Server) -> None:
    person.open(server.url)
    person.press("<script>", Keys.ENTER)
    assert "letters, digits" in person.words("#name-wrong")
    assert person.visible("#door")


def test_clicks_wait_while_the_server_cannot_be_reached_and_nothing_is_lost(person: Rater, server: Server) -> None:
    person.open(server.url)
    enter(person, "Ana")
    item = order("Ana")[0]
    person.press("1")
    saved(person)
    with person.unplugged():
        person.press("0", "1")
        person.wait(lambda: person.visible("#trouble"))
        assert "does not answer" in person.words("#trouble")
        person.wait(lambda: person.words("#kept") == "2 not saved")
        assert person.downloaded("#trouble button").read_text(encoding="utf-8").count("\n") == 3
    saved(person)
    assert not person.visible("#trouble")
    (found,) = read([server.ratings], BY_ID).rated
    assert (found.item, found.points[:3]) == (item.id, (1.0, 0.0, 1.0))
    assert all("ERR_INTERNET_DISCONNECTED" in each["message"] for each in person.console())


def test_a_click_that_was_on_its_way_at_a_reload_is_sent_again_and_counts_once(person: Rater, server: Server) -> None:
    person.open(server.url)
    enter(person, "Ana")
    person.press("1")
    saved(person)
    person.run(
        "const item = all()[0]; const next = make(item, { criterion: item.criteria[1].name, value: 0 });"
        "return remember('waiting', [clicks[0], next])"
    )
    person.reload()
    saved(person)
    assert person.points()[:3] == ["1", "0", ""]
    person.press("z")
    assert person.points()[:3] == ["1", "", ""]
    person.press("z")
    assert person.points()[:3] == ["", "", ""]
    assert not person.run("return undoable.length")
    saved(person)
    (found,) = read([server.ratings], BY_ID).rated
    assert found.answered == 0


def test_the_offline_file_remembers_and_gives_its_ratings_back(person: Rater, tmp_path: Path) -> None:
    path = tmp_path / "review.html"
    path.write_text(page(ITEMS).html, encoding="utf-8")
    person.open(path.as_uri())
    enter(person, "Cy Ó")
    texts, points = [], []
    for _ in range(2):
        texts.append(person.words("#text"))
        n = len(person.criteria())
        person.press(*("1" * (n - 1)), "0")
        points.append((*[1.0] * (n - 1), 0.0))
        person.press("n", "noted", Keys.ESCAPE, Keys.ENTER)
    person.press("1")
    third = person.words("#text")
    saved(person)
    person.reload()
    person.wait(lambda: person.visible("#item"))
    assert (person.words("#who"), person.words("#count"), person.words("#text")) == ("Cy Ó", "2 of 12 done", third)
    assert person.points()[0] == "1"
    person.press("z", *"s" * 10)
    file = person.downloaded("#end .last")
    assert file.name.startswith("ratings-Cy-Ó-")
    ratings = read([file], BY_ID)
    assert ratings.flaws == ()
    found = {BY_ID[name].text: each for name, each in said(ratings, "Cy Ó").items() if each.answered}
    assert {text: each.points for text, each in found.items()} == dict(zip(texts, points, strict=True))
    assert {each.note for each in found.values()} == {"noted"}
    assert person.console() == []


def test_another_offline_review_in_the_same_browser_is_apart(person: Rater, tmp_path: Path) -> None:
    for number, some in enumerate((ITEMS[:3], ITEMS[3:6])):
        path = tmp_path / f"{number}.html"
        path.write_text(page(some).html, encoding="utf-8")
        person.open(path.as_uri())
        assert person.visible("#door")
        enter(person, "Dee")
        person.press("1")
        assert person.words("#count") == "0 of 3 done"


def test_hostile_text_is_inert_and_the_policy_holds(person: Rater, tmp_path: Path) -> None:
    items = hostile()
    path = tmp_path / "hostile.html"
    path.write_text(page(items).html, encoding="utf-8")
    person.open(path.as_uri(), width=375)
    enter(person, "Ana")
    assert person.words("#text").startswith("</script><img src=x")
    assert person.run("return [typeof window.ran, document.querySelectorAll('img').length]") == ["undefined", 0]
    assert person.run("return document.documentElement.scrollWidth") <= 375
    assert person.console() == []
    person.run(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\"><style>body{display:none}</style>')"
    )
    assert person.run("return fetch('https://example.org/').then(() => 'answered', () => 'refused')") == "refused"
    assert person.run("return [typeof window.ran, getComputedStyle(document.body).display]") == ["undefined", "block"]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (375, False), (375, True), (320, False)])
def test_nothing_is_wider_than_the_screen_and_what_matters_can_be_seen(
    person: Rater, server: Server, width: int, dark: bool
) -> None:
    person.open(server.url, width=width, dark=dark)
    assert person.run("return document.documentElement.scrollWidth") <= width
    enter(person, "A name of sixty letters, nearly, which is quite long indeed".replace(",", ""))
    assert person.run("return document.documentElement.scrollWidth") <= width
    tallest = "return [...document.querySelectorAll('.points button')].map(each => each.getBoundingClientRect().height)"
    assert min(person.run(tallest)) >= 40
    for key in ["1"] * len(person.criteria()) + [Keys.ARROW_UP] * len(person.criteria()):
        assert person.run(FOCUS_SEEN), f"the focus is hidden on {person.focused()}"
        person.press(key)
    assert person.console() == []


def test_every_control_has_a_name_and_colours_can_be_told_apart(person: Rater, server: Server) -> None:
    for dark in (False, True):
        person.open(server.url, dark=dark)
        if person.visible("#door"):
            enter(person, "Ana")
        person.press("1", "0", "u")
        tree = person.command("Accessibility.getFullAXTree")["nodes"]
        roles = {"button", "radio", "radiogroup", "textbox", "progressbar"}
        controls = [each for each in tree if each.get("role", {}).get("value") in roles and not each["ignored"]]
        assert {each["role"]["value"] for each in controls} == roles
        assert [each for each in controls if not each.get("name", {}).get("value")] == []
        assert person.run(LOW_CONTRAST) == []  # WCAG 2.2 AA: 4.5 to 1


def test_the_agreement_page_opens_quietly_and_fits(person: Rater, tmp_path: Path) -> None:
    these = [row(STUDENTS[0], GRADERS[0], 2, index, 1) for index in range(6)]
    items = catalogue(these, SKILLS)
    clicks = [
        {"rater": name, "item": item.id, "version": item.version, "criterion": each, "value": 1, "at": "2026-11-24T12:00:00Z"}
        for name in ("Ana", "Bo")
        for item in items.values()
        for each in item.criteria
    ]
    file = tmp_path / "r.jsonl"
    file.write_text("\n".join(json.dumps(each) for each in clicks), encoding="utf-8")
    path = tmp_path / "agreement.html"
    path.write_text(agreement_page(compare(these, items, read([file], items)), source=HOSTILE), encoding="utf-8")
    for width in (1280, 375):
        person.driver.get("about:blank")
        person.console()
        person.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        person.driver.get(path.as_uri())
        time.sleep(0.1)
        assert person.run("return document.querySelectorAll('article').length") > 0
        assert person.run("return document.documentElement.scrollWidth") <= width
        assert person.console() == []
