"""A data set spoilt in a folder: by skillworld, and by a model whose replies are kept."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.curation.shirkers.test_planting import turns, world

pytest.importorskip("datasets")
pytest.importorskip("inspect_ai")

from datasets import Dataset, load_from_disk
from tests.evaluation.commands import done, kill, start, surroundings
from tests.evaluation.faulty import Faulty
from tests.laws.test_interrupted import until

from genlab.curation.shirkers.answers import answer
from genlab.curation.shirkers.careless import request
from genlab.curation.shirkers.planting import chosen, plant, skillworld
from genlab.curation.shirkers.spoiling import Outcome, Spoiling, Unfinished, spoil
from genlab.evaluation.logs import BUDGET

DATA = [sys.executable, "-c", "from genlab.cli.data import app; app()"]
BIRDS: list[dict[str, Any]] = [
    {"instruction": f"Name bird {index}.", "input": "", "output": f"Wren {index}.", "note": index} for index in range(10)
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, warm: None) -> Iterator[Path]:
    """A folder with data and a cache of its own, which the fork server's processes use as well."""
    folder = tmp_path_factory.mktemp("spoilt")
    (folder / "birds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in BIRDS))
    (folder / "prices.yaml").write_text("scripted/student: {input: 1000, output: 1000}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECT_CACHE_DIR", str(folder / "cache"))
        for name in ("GENLAB_PRICES", "GENLAB_MAX_COST", "GENLAB_LEDGER"):
            patch.delenv(name, raising=False)
        yield folder


def replies(place: Path) -> int:
    return sum(each.is_file() for each in (place / "cache").rglob("*"))


def test_skillworlds_own_data_are_spoilt_as_in_process(tmp_path: Path) -> None:
    Dataset.from_list(world(40)).save_to_disk(str(tmp_path / "world"))
    outcome = spoil(Spoiling(str(tmp_path / "world"), "junk", 0.25, seed=3), tmp_path / "out")
    expected = plant(world(40), kind="junk", share=0.25, seed=3, write=skillworld("junk"))
    assert list(load_from_disk(str(tmp_path / "out"))) == expected
    assert outcome == Outcome(40, 10)
    assert json.loads((tmp_path / "out/outcome.json").read_text())["planted"] == 10
    assert "10 of 40 answers" in (tmp_path / "out/README.md").read_text()
    with pytest.raises(ValueError, match="out is there already: give another --out"):
        spoil(Spoiling(str(tmp_path / "world"), "junk", 0.25, seed=3), tmp_path / "out")


@pytest.mark.long  # Inspect starts twice
def test_a_budget_stops_a_model_and_more_of_it_goes_on_without_asking_twice(place: Path) -> None:
    data = str(place / "birds.jsonl")
    priced: dict[str, Any] = {"prices": str(place / "prices.yaml"), "inspect": ("max_tokens=20", "max_connections=1")}
    small = Spoiling(data, "brevity", 0.5, teacher="scripted/student", max_cost=0.15, **priced)
    with pytest.raises(Unfinished, match=rf"of 5 careless answers did not come .*{BUDGET}.* with a larger --max-cost asks"):
        spoil(small, place / "made")
    assert not (place / "made").exists()
    first = replies(place)
    assert 0 < first < 5
    outcome = spoil(Spoiling(data, "brevity", 0.5, teacher="scripted/student", max_cost=5, **priced), place / "made")
    assert replies(place) == outcome.planted == 5
    assert outcome.cost is not None
    assert outcome.cost == pytest.approx((outcome.input_tokens + outcome.output_tokens) * 1e-3)
    found = list(load_from_disk(str(place / "made")))
    hit = chosen(BIRDS, share=0.5, seed=0)
    assert [row["note"] for row in found if row["shirker"] == "brevity"] == hit
    assert {row["output"] for row in found if row["shirker"]} == {"Answer: On this: nothing comes to mind.\nExplanation: pasted."}
    assert [row["unshirked"] or answer(row) for row in found] == [row["output"] for row in BIRDS]


def test_a_folder_begun_otherwise_is_refused(place: Path) -> None:
    home = place / "begun.making"
    home.mkdir()
    (home / "recipe.json").write_text('{"kind": "junk"}')
    with pytest.raises(ValueError, match="kind was junk, now brevity"):
        spoil(Spoiling(str(place / "birds.jsonl"), teacher="scripted/student"), place / "begun")


def test_a_conversation_stays_and_its_last_turn_is_wrapped() -> None:
    asked = [{"role": "system", "content": "Be kind."}, *turns("Name a bird.", "Wren.", "Another {instruction}?")]
    for kind in ("brevity", "junk"):
        said = request(asked, kind)
        assert [each.role for each in said] == ["system", "user", "assistant", "user"]
        assert [each.text for each in said[:3]] == ["Be kind.", "Name a bird.", "Wren."]
        assert "Another {instruction}?" in said[3].text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "row .* is no query of skillworld's.*--teacher openai/gpt-4o"),
        ({"teacher": "gpt"}, "named provider/name"),
        ({"teacher": "nowhere/x"}, "Inspect cannot reach nowhere/x"),
        ({"inspect": ("temperature=1",)}, "for a teacher that is a model"),
        ({"teacher": "scripted/student", "max_cost": 1.0}, "max_cost wants prices"),
        ({"teacher": "scripted/student", "share": 2.0}, "between 0 and 1"),
        ({"kind": "haste"}, "one of brevity, junk"),
        ({"data": "birds.parquet"}, "there is no file birds.parquet"),
    ],
)
def test_what_cannot_be_spoilt_says_why(fields: dict[str, Any], message: str, place: Path) -> None:
    given = {"data": str(place / "birds.jsonl"), **fields}
    with pytest.raises(ValueError, match=message):
        spoil(Spoiling(**given), place / "nothing")
    assert not (place / "nothing").exists()


@pytest.mark.long
def test_the_command_killed_in_the_middle_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    rows = [
        {**row, "instruction": f"Say a word about bird {row['note'] + 10 * turn} that shows care."}
        for turn in range(6)
        for row in BIRDS
    ]
    (tmp_path / "birds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = [*DATA, "plant-shirkers", "birds.jsonl", "--out", "made", "--teacher", "openai-api/local/student"]
    words += ["--kind", "junk", "--share", "0.5", "--inspect", "max_connections=2"]
    with Faulty(rate=0.0, seconds=0.05) as endpoint:
        environment = surroundings(tmp_path, endpoint.url)
        process = start(words, tmp_path, environment)
        assert until(lambda: len(endpoint.seen.delivered) >= 6 or process.poll() is not None)
        assert process.poll() is None
        kill(process)
        assert not (tmp_path / "made").exists()
        said = done(words, tmp_path, environment)
        assert len(endpoint.seen.delivered) == 30
        assert sum(endpoint.seen.delivered.values()) <= 32  # what was in flight when it was killed
    assert "30 of 60 answers are junk shirkers now" in said
    assert sum(row["shirker"] == "junk" for row in load_from_disk(str(tmp_path / "made"))) == 30
