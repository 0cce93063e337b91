"""A person who chooses between pictures, in headless Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Keys
from tests.review import chromium
from tests.review.chromium import Rater
from tests.review.sample_pairs import contests
from tests.review.test_browser import LOW_CONTRAST

from genlab.review.viewing import viewing

pytestmark = pytest.mark.browser
HERE = contests()


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rater]:
    yield from chromium.rater(tmp_path_factory)


def test_keys_clicks_undo_and_a_reload(person: Rater, tmp_path: Path) -> None:
    made = viewing(HERE, tmp_path, n=6)
    with made.serve() as server:
        person.open(server.url)
        assert person.words("#welcome") == "Look at 8 pairs of pictures"
        person.press("Ana", Keys.ENTER)
        person.wait(lambda: person.visible("#item"))
        person.press(Keys.ARROW_LEFT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, "z")
        assert person.words("#count") == "2 of 8 done"
        person.wait(lambda: person.words("#kept") == "Saved")
        asked, place = person.words("#question"), person.run("return order[place]")
        person.reload()
        assert person.words("#question") == asked
        assert person.run("return order[place]") == place
        assert person.words("#hint") == "6 left"
        person.click("[data-do=left]")
        for dark in (False, True):
            person.open(server.url, width=390, height=844, dark=dark)
            assert person.run(LOW_CONTRAST) == []
            assert person.run("return document.documentElement.scrollWidth <= innerWidth")
        person.press(*[Keys.ARROW_RIGHT] * 7)
        assert person.words("#over") == "All 8 done. Thank you!"
        person.wait(lambda: person.words("#kept") == "Saved")
        order = person.run("return order")
        assert person.console() == []
    lefts = {each.pair.id: each.left for each in made.outcome().choices}
    assert [lefts[name] for name in order] == [True, False, True] + [False] * 5
    assert all(each.seconds is not None for each in made.outcome().choices)


def test_a_page_sent_to_a_colleague_comes_back_as_a_file(person: Rater, tmp_path: Path) -> None:
    made = viewing(HERE, tmp_path / "review", n=2)
    person.open(made.export(tmp_path / "pairs.html").as_uri())
    if person.visible("#door"):
        person.press("Bo", Keys.ENTER)
        person.wait(lambda: person.visible("#item"))
    person.press(*[Keys.ARROW_LEFT] * 4)
    person.wait(lambda: person.words("#kept") == "Kept here")
    made.bring([person.downloaded("#end [data-do=download]")])
    assert [each.left for each in made.outcome().choices] == [True] * 4
