"""A store as it changes: what is read again, partial records, studies whose code is gone, tables and details of it."""

import json
import time
from pathlib import Path

import pytest
from tests.view.sample_store import HOSTILE, descent, failed, finished, keeper, rows, running

from genlab.results.store import Store
from genlab.view.curves import curves_of
from genlab.view.detail import detail
from genlab.view.findings import Findings, findings
from genlab.view.partial import kept_so_far
from genlab.view.table import table
from genlab.view.watch import Moment, Row, Watch


def soon(watch: Watch) -> Moment:
    """The next look, however soon."""
    watch._next = 0.0
    return watch.moment()


def row(moment: Moment, id: str) -> Row:
    return next(each for each in moment.rows["descent"] if each.id == id)


def cells(moment: Moment, key: str) -> list[object]:
    found = table(moment, "descent")
    place = [column["key"] for column in found["columns"]].index(key)
    return [each[place] for each in found["rows"]]


def test_an_empty_store_has_nothing_to_show(tmp_path: Path) -> None:
    store = Store(tmp_path / "empty")
    store.prepare()
    watch = Watch(store)
    assert soon(watch).rows == {}
    finished(store, 1.0, 0)
    assert len(soon(watch).rows["descent"]) == 1


def test_the_table_tells_settings_that_differ_and_those_that_do_not(store: Store) -> None:
    found = table(Watch(store).moment(), "descent")
    keys = [column["key"] for column in found["columns"]]
    assert keys[:3] == ["label", "status", "ending"]
    assert {"setting step_size", "setting seed", "metric loss", "metric sharpness / threshold"} <= set(keys)
    assert found["same"] == [["word", "plain"]]
    assert (found["axes"], found["along"]) == (["step", "time"], ["step_size"])
    assert found["counts"] == {"finished": 7, "failed": 1}
    assert json.loads(json.dumps(found, allow_nan=False))["rows"]
    assert {each["key"]: each["numeric"] for each in found["columns"]}["setting step_size"] is True


def test_a_run_that_blew_up_shows_infinity_and_one_that_failed_nothing(store: Store) -> None:
    moment = Watch(store).moment()
    by_label = dict(zip(cells(moment, "label"), cells(moment, "metric loss"), strict=True))
    assert by_label["plain eta=2.5 seed 0"] == "inf"
    assert by_label["plain eta=3.0 seed 0"] is None
    assert isinstance(by_label["plain eta=1.0 seed 0"], float)


def test_seeds_of_one_setting_share_a_colour(store: Store) -> None:
    found = table(Watch(store).moment(), "descent")
    assert found["groups"].count("plain eta=1.9") == 3


def test_a_look_reads_what_changed(store: Store) -> None:
    watch = Watch(store)
    first = watch.moment()
    assert soon(watch) is first
    finished(store, 1.5, 0)
    second = soon(watch)
    assert second.version != first.version
    assert len(second.rows["descent"]) == len(first.rows["descent"]) + 1
    old = row(first, descent(1.0, 0).id)
    assert row(second, old.id) is old


def test_looks_are_not_closer_together_than_is_good_for_the_store(store: Store) -> None:
    watch = Watch(store)
    first = watch.moment()
    finished(store, 1.5, 0)
    assert watch.moment() is first
    assert watch._next > time.monotonic()


def test_records_of_a_running_condition_are_those_of_its_last_checkpoint(store: Store) -> None:
    kept = running(store, 1.2, 0, steps=5)
    kept.add(rows(1.2, 0)[5:10])  # not safe yet
    watch = Watch(store)
    found = row(soon(watch), kept.id)
    assert (found.status, found.records) == ("incomplete", 5)
    assert found.final["loss"] == pytest.approx(rows(1.2, 0)[4].loss)
    assert len(curves_of(watch, [found], "loss", "step")["curves"][0]["x"]) == 5
    from genlab.results.snapshots import Snapshot

    kept.checkpoint(Snapshot({}, {"step": 10}))
    later = row(soon(watch), kept.id)
    assert (later.records, later.stamp != found.stamp) == (10, True)
    kept.add(rows(1.2, 0)[10:])
    kept.finish("steps")
    assert row(soon(watch), kept.id).records == 20
    assert kept_so_far(store, kept.id) == {}


def test_a_condition_without_a_checkpoint_is_there(store: Store) -> None:
    kept = keeper(store, descent(1.3, 0))
    found = row(Watch(store).moment(), kept.id)
    assert (found.status, found.records, found.final) == ("incomplete", 0, {})


def test_a_checkpoint_that_is_being_replaced_is_no_error(store: Store) -> None:
    kept = running(store, 1.2, 0, steps=5)
    (Path(store.url) / "conditions" / kept.id / "checkpoint.safetensors").write_bytes(b"\xff" * 20)
    assert row(Watch(store).moment(), kept.id).records == 0


def test_curves_are_of_those_that_have_readings(store: Store) -> None:
    watch = Watch(store)
    moment = watch.moment()
    found = curves_of(watch, moment.rows["descent"], "sharpness", "time")
    assert len(found["curves"]) == 7
    assert found["lacking"] == [descent(3.0, 0).id]
    assert found["curves"][0]["x"] == [0, 5, 10, 15]
    assert curves_of(watch, moment.rows["descent"], "nonsense", "step")["curves"] == []
    assert any("inf" in each["y"] for each in curves_of(watch, moment.rows["descent"], "loss", "step")["curves"])


def test_the_detail_of_a_failure_holds_its_traceback_as_text(store: Store) -> None:
    moment = Watch(store).moment()
    found = detail(moment, row(moment, descent(3.0, 0).id))
    assert "RuntimeError: out of luck <img" in found["traceback"]
    assert "\n" in found["traceback"]
    assert "\u202e" not in found["traceback"]
    assert ["step_size", "3.0"] in found["settings"]
    assert found["facts"] == [["data", "a parabola"]]


def test_hidden_characters_of_settings_are_named(store: Store) -> None:
    finished(store, 1.0, 7, word=HOSTILE)
    labels = cells(Watch(store).moment(), "label")
    assert any("[U+202E]" in str(label) for label in labels)
    assert not any("\u202e" in str(label) for label in labels)


def test_findings_escape_what_others_wrote_and_link_to_conditions(store: Store) -> None:
    finished(store, 1.0, 7, word=HOSTILE)
    text = findings(Watch(store).moment(), "descent")
    assert "Below step size 2 the loss falls." in text
    assert "<img" not in text
    assert f'href="#condition={descent(1.0, 0).id}"' in text


def test_findings_are_made_again_when_conditions_changed(store: Store) -> None:
    watch, made = Watch(store), Findings()
    first = made.html(watch.moment(), "descent")
    assert made.html(watch.moment(), "descent") == first
    finished(store, 1.5, 0)
    assert made.html(soon(watch), "descent")[0] == first[0]  # too soon: a run goes on beside it
    made._made["descent"] = (first[0], 0.0, first[1])
    assert "eta 1.5" in made.html(soon(watch), "descent")[1]


def test_a_study_whose_file_is_gone_keeps_its_table(store: Store) -> None:
    kept = keeper(store, descent(1.0, 9), reference="/nowhere/gone.py:study")
    kept.add(rows(1.0, 9))
    kept.finish("steps")
    for id in store.ids():
        condition = store.get_json(f"conditions/{id}/condition.json")
        store.put_json(f"conditions/{id}/condition.json", {**condition, "reference": "/nowhere/gone.py:study"})
    moment = Watch(store).moment()
    found = table(moment, "descent")
    assert "no file '/nowhere/gone.py'" in found["missing"]
    assert len(found["rows"]) == 9
    assert "step_size=1.0" in found["rows"][0][0]
    assert "cannot be judged here: no file" in findings(moment, "descent").replace("&#39;", "'")


def test_several_studies_are_kept_apart(store: Store) -> None:
    condition = descent(1.0, 0)
    made = {"study": "other", "reference": "/nowhere/gone.py:study", "protocol": 1, "settings": dict(condition.settings)}
    store.put_json("conditions/0123456789abcdef/condition.json", made)
    moment = Watch(store).moment()
    assert {name: len(each) for name, each in moment.rows.items()} == {"other": 1, "descent": 8}
    assert "T1" in findings(moment, "descent")
    assert "cannot be judged" in findings(moment, "other")


def test_one_condition_is_a_table_too(tmp_path: Path) -> None:
    store = Store(tmp_path / "one")
    store.prepare()
    failed(store, 1.0, 0)
    found = table(Watch(store).moment(), "descent")
    assert (len(found["rows"]), found["metrics"], found["axes"]) == (1, [], [])
    assert "what it" not in found["missing"]
