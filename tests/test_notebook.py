"""A store as frames, held against the store's own reader, and the errors of what is no store."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

import genlab
from genlab.notebook import OWN, _column
from genlab.results.store import Store, StoreError
from genlab.studies.catalogue import Choice, load
from genlab.studies.execute import deposit
from genlab.studies.reporting import adopt, summaries
from genlab.studies.study import Study

TOY = str(Path(__file__).parents[1] / "examples" / "toy_study.py") + ":study"
OTHER = """
from collections.abc import Generator
from dataclasses import dataclass

from genlab.results.claims import Claim, Region, not_measured
from genlab.studies.study import Study


@dataclass(frozen=True)
class Row:
    id: int
    loss: float | None
    words: tuple[str, ...]


@dataclass(frozen=True)
class Texts(Study):
    name, title, record = "texts", "A second study", Row

    def conditions(self):
        return [self.condition(status="odd", step_size="2/4", parts=[1, 2], more={"a": [1]}, seed=0)]

    def run(self, settings, snapshot, device):
        yield from ()
        return "steps"

    @classmethod
    def label(cls, settings):
        return f"texts seed {settings['seed']}"

    @classmethod
    def claims(cls):
        nothing = Claim("X1", "Nobody knows.", "an effect", "about 2", lambda runs: ())
        return [nothing, Claim("X2", "Nobody can.", "an effect", None, lambda runs: [not_measured("all", Region(1), "no ear")])]


study = Texts()
"""


def fill(store: Store, reference: str) -> Study:
    """Run all conditions of a study here, without processes."""
    (study,) = load(Choice(reference))
    for condition in study.conditions():
        rows = [row for advance in study.run(condition.settings, None, "cpu") for row in advance.records]
        if study.name == "texts":
            rows = [study.record(7, None, ("a",)), study.record(8, 0.5, ())]
        deposit(store, study, condition, rows, "steps", {})
    adopt(store, study.name, reference)
    return study


@pytest.fixture
def store() -> Store:
    made = Store(f"memory://notebook-{uuid.uuid4().hex}")
    made.prepare()
    fill(made, TOY)
    return made


@pytest.fixture
def both(store: Store, tmp_path: Path) -> Store:
    (tmp_path / "texts.py").write_text(OTHER)
    fill(store, f"{tmp_path / 'texts.py'}:study")
    return store


@pytest.mark.parametrize("frame", ["pandas", "polars", "arrow"])
def test_records_are_those_of_the_store_in_every_frame(store: Store, frame: Any) -> None:
    pytest.importorskip("pyarrow" if frame == "arrow" else frame)
    records = genlab.load(store.url, frame=frame).records("parabola")
    assert list(records.column_names if frame == "arrow" else records.columns) == ["id", "seed", "step", "loss"]
    columns = {
        name: list(records[name].to_pylist() if frame == "arrow" else records[name]) for name in ("id", "seed", "step", "loss")
    }
    runs = store.runs("parabola")
    assert columns["loss"] == [value for run in runs for value in run["loss"].tolist()]
    assert columns["step"] == [value for run in runs for value in run["step"].tolist()]
    assert columns["id"] == [run.id for run in runs for _ in run["step"]]
    assert columns["seed"] == [run.settings["seed"] for run in runs for _ in run["step"]]


def test_conditions_have_a_column_a_setting_and_say_what_became_of_them(both: Store) -> None:
    failed = {"study": "parabola", "reference": TOY, "protocol": 1, "settings": {"step_size": 3, "steps": 50, "seed": 9}}
    both.put_json("conditions/aaaa/condition.json", failed)
    both.put_json(
        "conditions/aaaa/outcome.json", {"status": "failed", "ending": "ValueError: no", "records": 0, "cpu_seconds": 0.5}
    )
    both.put_json("conditions/bbbb/condition.json", failed | {"settings": failed["settings"] | {"seed": 10}})  # type: ignore[operator]
    both.put("conditions/cccc/.lock", b"")
    rows = genlab.load(both.url, frame="arrow").conditions().to_pylist()
    assert list(rows[0])[: len(OWN)] == list(OWN)
    assert [row["id"] for row in rows] == [id for id in both.ids() if id != "cccc"]
    by_id = {row["id"]: row for row in rows}
    assert (by_id["aaaa"]["status"], by_id["aaaa"]["ending"], by_id["aaaa"]["cpu_seconds"]) == ("failed", "ValueError: no", 0.5)
    assert (by_id["bbbb"]["status"], by_id["bbbb"]["ending"], by_id["bbbb"]["records"]) == ("incomplete", None, None)
    assert by_id["aaaa"]["label"] == "seed=9 step_size=3 steps=50"
    assert {row["records"] for row in rows if row["study"] == "parabola" and row["status"] == "finished"} == {50}
    texts = next(row for row in rows if row["study"] == "texts")
    assert texts["label"] == "texts seed 0"
    assert (texts["status"], texts["settings.status"], texts["parts"], texts["steps"]) == ("finished", "odd", [1, 2], None)
    assert json.loads(texts["more"]) == {"a": [1]}
    assert {json.loads(row["step_size"]) for row in rows} == {3, 1.9, 2.1, "2/4"}  # of two kinds: as JSON text
    for summary in summaries(both):
        assert {row.id: row.label for row in summary.rows} == {
            row["id"]: row["label"] for row in rows if row["study"] == summary.study.name
        }


def test_records_of_two_studies_are_joined_and_of_one_have_its_fields_only(both: Store) -> None:
    loaded = genlab.load(both.url, frame="arrow")
    records = loaded.records()
    assert set(records.column_names) == {"id", "study", "seed", "step", "loss", "records.id", "words"}
    assert len(records) == 6 * 50 + 2
    texts = loaded.records("texts").to_pylist()
    (own,) = {row["id"] for row in texts}
    assert texts == [
        {"id": own, "seed": 0, "records.id": 7, "loss": None, "words": ["a"]},
        {"id": own, "seed": 0, "records.id": 8, "loss": 0.5, "words": []},
    ]
    assert loaded.studies() == ["parabola", "texts"]


def test_claims_are_the_verdicts_of_the_summary(both: Store) -> None:
    rows = genlab.load(both.url, frame="arrow").claims().to_pylist()
    toy = next(summary for summary in summaries(both) if summary.study.name == "parabola")
    (judged,) = toy.judged
    for row, found in zip([row for row in rows if row["study"] == "parabola"], judged.findings, strict=True):
        assert found.interval is not None
        assert (row["effect"], row["low"], row["high"], row["n"]) == (found.effect, found.interval.low, found.interval.high, 3)
        assert (row["claim"], row["verdict"], row["claim_verdict"]) == ("T1", found.verdict, judged.verdict)
        assert row["conditions"] == list(found.conditions)
    nothing, never = (row for row in rows if row["study"] == "texts")
    assert (nothing["claim"], nothing["paper"], nothing["verdict"], nothing["n"]) == ("X1", "about 2", "not measured", 0)
    assert (never["setting"], never["effect"], never["expected_low"], never["expected_high"]) == ("all", None, 1.0, None)
    assert never["note"] == "no ear"


def test_a_study_whose_file_is_gone_keeps_its_conditions_and_records(both: Store, tmp_path: Path) -> None:
    (tmp_path / "texts.py").unlink()
    loaded = genlab.load(both.url, frame="arrow")
    labels = {row["study"]: row["label"] for row in loaded.conditions().to_pylist()}
    assert labels["texts"].startswith("more={'a': [1]} parts=[1, 2]")
    assert len(loaded.records("texts")) == 2
    with pytest.raises(ValueError, match="no file"):
        loaded.claims()


def test_a_study_without_a_finished_condition_has_no_records() -> None:
    store = Store(f"memory://notebook-{uuid.uuid4().hex}")
    store.prepare()
    begun = {"study": "parabola", "reference": TOY, "protocol": 1, "settings": {"step_size": 1.9, "steps": 50, "seed": 0}}
    store.put_json("conditions/aaaa/condition.json", begun)
    loaded = genlab.load(store.url, frame="arrow")
    assert (len(loaded.records()), len(loaded.records("parabola"))) == (0, 0)
    assert loaded.conditions()["status"].to_pylist() == ["incomplete"]


def test_pandas_is_the_default_where_it_is_installed(store: Store) -> None:
    pandas = pytest.importorskip("pandas")
    assert isinstance(genlab.load(store.url).claims(), pandas.DataFrame)


def test_what_is_no_store_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no store at .*nowhere: make one with genlab run STUDY --out"):
        genlab.load(tmp_path / "nowhere")
    empty = Store(tmp_path / "empty")
    empty.prepare()
    with pytest.raises(ValueError, match="is empty, no condition has begun"):
        genlab.load(empty.url)
    newer = Store(tmp_path / "newer")
    newer.put_json("store.json", {"genlab store": 99})
    with pytest.raises(StoreError, match="format 99"):
        genlab.load(newer.url)
    with pytest.raises(ValueError, match=r"holds no study 'parabolla'\. Did you mean parabola"):
        genlab.load(store.url).records("parabolla")
    with pytest.raises(ValueError, match="frame is one of pandas, polars, arrow, got 'dask'"):
        genlab.load(store.url, frame="dask")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "kind", "found"),
    [
        ([1, None, 3], "int64", [1, None, 3]),
        ([1, 0.5], "double", [1.0, 0.5]),
        ([None, None], "string", [None, None]),
        ([True, 1], "string", ["true", "1"]),
        ([2**70, 1], "string", [str(2**70), "1"]),
        ([[1], [0.5, 2]], "list<item: double>", [[1.0], [0.5, 2.0]]),
        ([[1], "a"], "string", ["[1]", '"a"']),
        ([[{"a": 1}], None], "string", ['[{"a": 1}]', None]),
    ],
    ids=["integers", "numbers", "nothing", "truths", "large", "lists", "mixed", "nested"],
)
def test_a_setting_keeps_its_kind_or_becomes_text(values: list[Any], kind: str, found: list[Any]) -> None:
    column = _column(values)
    assert str(column.type) == kind
    assert column.to_pylist() == found
