"""The libraries that the page stands on: they are here, whole, and can be put into a page."""

import re

from genlab.view import library


def test_datatables_is_one_classic_script() -> None:
    text = library.datatables()
    assert "globalThis.jQuery = " in text
    assert not re.search(r"^\s*(import|export)\b", text, re.MULTILINE)
    assert "export{" not in text


def test_no_script_ends_early() -> None:
    for make in (library.plotly, library.datatables, library.own_script):
        assert not re.search("</script|<!--", make(), re.IGNORECASE)


def test_styles_fetch_nothing() -> None:
    for text in (library.table_style(), library.own_style()):
        assert not re.search(r"url\((?![\"']?data:)", text)
        assert "@import" not in text
        assert "</style" not in text.lower()
