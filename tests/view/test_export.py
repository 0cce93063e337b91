"""The page in one file: whole or not at all, with nothing to fetch, and honest about what it lacks."""

import json
import re
from pathlib import Path

import pytest
from tests.view.sample_store import HOSTILE, descent, finished, running

from genlab.results.store import Store
from genlab.view import export as exporting
from genlab.view.export import export, page_of
from genlab.view.watch import Watch


def given(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="given">(.*?)</script>', text)
    assert found
    return dict(json.loads(found[1]))


def test_the_file_holds_table_curves_and_verdicts(store: Store, tmp_path: Path) -> None:
    kept = running(store, 1.2, 0, steps=5)
    done = export(store, tmp_path / "view.html")
    text = done.path.read_text(encoding="utf-8")
    assert done.size == done.path.stat().st_size < 8_000_000
    found = given(text)
    assert len(found["tables"]["descent"]["rows"]) == 9  # type: ignore[index]
    loss = found["curves"]["descent"]["step"]["loss"]  # type: ignore[index]
    assert {each["id"] for each in loss} == {*store.ids()} - {descent(3.0, 0).id}
    assert [len(each["x"]) for each in loss if each["id"] == kept.id] == [5]
    assert "RuntimeError" in found["details"][descent(3.0, 0).id]["traceback"]  # type: ignore[index]
    assert "Below step size 2 the loss falls." in text
    assert "descent: curves run along step; those along time are in the store only." in done.notes
    assert list(tmp_path.glob(".*.draft")) == []


def test_the_file_asks_nothing_of_the_network_and_tells_no_path(store: Store, tmp_path: Path) -> None:
    text = export(store, tmp_path / "view.html").path.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert policy[1].startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "connect-src" not in policy[1]
    assert not re.search(
        r"<(script|link|img|iframe)[^>]* (src|href)=\"(?!data:)", re.sub(r"<script.*?</script>", "", text, flags=re.S)
    )
    assert str(tmp_path) not in text.replace(str(Path(__file__).parent), "")


def test_long_curves_are_thinned_and_it_is_said(tmp_path: Path) -> None:
    store = Store(tmp_path / "long")
    store.prepare()
    finished(store, 0.001, 0, steps=3000)
    text, notes = page_of(Watch(store))
    (loss,) = given(text)["curves"]["descent"]["step"]["loss"]  # type: ignore[index]
    assert len(loss["x"]) <= 405
    assert loss["recorded"] == 3000
    assert "descent: curves are thinned to about 400 points with their extremes kept." in notes


def test_what_would_be_too_large_is_left_out_and_it_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "CURVES_BYTES", 2500)
    monkeypatch.setattr(exporting, "PART_BYTES", 100)
    monkeypatch.setattr(exporting, "DETAILS_BYTES", 100)
    text, notes = page_of(Watch(store))
    told = " ".join(notes)
    assert re.search(r"curves of the first \d of 8 conditions only", told)
    assert "figures, pictures and examples were too large" in told
    assert "of 1 of 8 conditions only" in told
    assert "Loss along the run" not in text
    assert "Below step size 2 the loss falls." in text
    assert all(note in json.dumps(given(text)["notes"]) for note in notes)


def test_hostile_words_end_no_script(store: Store) -> None:
    finished(store, 1.0, 7, word=HOSTILE)
    text, _ = page_of(Watch(store))
    assert "<img" not in text
    assert text.count("</script") == 5  # the page's three scripts, what they read, and the points of one figure


def test_an_older_file_stays_until_the_new_one_is_whole(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "view.html"
    path.write_text("older")
    (Path(store.url) / "conditions" / descent(1.0, 0).id / "outcome.json").write_bytes(b"{")
    with pytest.raises(OSError, match="is not JSON"):
        export(store, path)
    assert path.read_text() == "older"


def test_where_it_cannot_be_written_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no folder .* to write view.html to"):
        export(store, tmp_path / "nowhere" / "view.html")
    with pytest.raises(ValueError, match="is a folder: --export wants a file"):
        export(store, tmp_path)


def test_an_empty_store_is_nothing_to_export(tmp_path: Path) -> None:
    store = Store(tmp_path / "empty")
    store.prepare()
    with pytest.raises(ValueError, match="holds no condition"):
        export(store, tmp_path / "view.html")
